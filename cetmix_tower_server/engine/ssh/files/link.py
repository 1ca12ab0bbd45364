"""State that the tasks of one session share: the SFTP session and the temporary files to clean up; helpers for paths."""

from __future__ import annotations

from ...errors import FileError
from ..sftp import Sftp
from ..sftp_answers import Pending
from ..target import Target
from .failures import failure
from .leftovers import Leftovers, Owner


class Temporary:
    """A file or directory that must not stay on the host."""

    def __init__(self, is_directory: bool):
        self.is_directory = is_directory
        self.removal: Pending | None = None


class Link:
    """One SFTP session with what was begun on it."""

    def __init__(self, target: Target, sftp: Sftp, owner: Owner | None = None):
        self.target = target
        self.sftp = sftp
        self.owner = owner or Owner()
        self.leftovers = Leftovers(sftp, self.owner)
        self._temporaries: dict[str, Temporary] = {}

    @property
    def home(self) -> str:
        return self.sftp.home

    def made(self, path: str, is_directory: bool = False) -> None:
        """Remember a temporary file: it is removed whatever happens."""
        self._temporaries[path] = Temporary(is_directory)

    def gone(self, path: str) -> None:
        """Forget a temporary file: it was renamed, or never made."""
        self._temporaries.pop(path, None)

    def remove(self, path: str) -> Pending | None:
        """Ask for the removal of a temporary file, unless it is gone; return the answer to await."""
        made = self._temporaries.get(path)
        if made and made.removal is None:
            made.removal = remove_temporary(self.sftp, path, made.is_directory)
        return made.removal if made else None

    def remove_all(self) -> None:
        """Ask for the removal of all temporary files."""
        for path in reversed(self._temporaries):
            self.remove(path)

    def forget_removed(self) -> None:
        """Forget what the host has removed."""
        self._temporaries = {
            path: self._temporaries[path] for path, _is_directory in reversed(self.left_over())
        }

    def left_over(self) -> list[tuple[str, bool]]:
        """Return (path, whether it is a directory) of what may still be there, in the order of removal."""
        return [
            (path, made.is_directory)
            for path, made in reversed(self._temporaries.items())
            if made.removal is None or not made.removal.done
        ]


def remove_temporary(sftp: Sftp, path: str, is_directory: bool) -> Pending:
    return sftp.remove_directory(path) if is_directory else sftp.remove(path)


def absolute(path: str, home: str, kind: type[FileError], target: Target) -> str:
    """Return a path from the root; ``~/`` and relative ones begin in the home directory.

    :raise FileError: of the given kind: this cannot be the path of a file
    """
    if path.startswith("~/"):
        full = f"{home.rstrip('/')}/{path[2:]}"
    elif path.startswith("~"):
        raise failure(
            kind,
            path,
            target,
            "the path starts with ~",
            "only ~/ is supported",
            "Write the path from the root.",
        )
    elif path.startswith("/"):
        full = path
    else:
        full = f"{home.rstrip('/')}/{path}"
    if not path or full.endswith(("/", "/.", "/..")):
        raise failure(kind, path, target, "the path names a directory", "", "Add the name of the file.")
    if "\0" in full:
        raise failure(kind, path.replace("\0", "\\0"), target, "the path contains a NUL character")
    try:
        full.encode()
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "backslashreplace").decode()
        raise failure(
            kind, shown, target, "the path contains characters that cannot be encoded in UTF-8"
        ) from None
    return full


def split(path: str) -> tuple[str, str]:
    """Return the directory (never empty) and the name of an absolute path."""
    directory, _, name = path.rpartition("/")
    return directory or "/", name


def temporary_name(path: str, owner: Owner) -> str:
    """Return where the content is collected: hidden, beside the file, with a name nobody can guess."""
    directory, name = split(path)
    return f"{directory.rstrip('/')}/{owner.temporary_name(name)}"
