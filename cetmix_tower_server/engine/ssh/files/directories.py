"""The directories above a file."""

from __future__ import annotations

from ...errors import FileCreationFailed, FileError
from .. import sftp_wire as wire
from ..sftp_answers import Task
from ..sftp_wire import SftpStatus
from .failures import failure, from_sftp, kind_of
from .link import Link, split

DIRECTORY_MODE = 0o755
_DEEPEST = 200


def make_directories(link: Link, path: str, directory: str) -> Task:
    """Make a directory and those above it that are missing.

    :param path: of the file that needs it, for messages
    :raise FileCreationFailed: it cannot be made
    """
    missing = yield from _missing(link, path, directory)
    for one in missing:
        try:
            yield link.sftp.make_directory(one, DIRECTORY_MODE)
        except SftpStatus as err:
            if not (yield from _is_directory(link, one)):  # somebody else may have made it meanwhile
                what = f"its directory {one} cannot be created"
                raise from_sftp(FileCreationFailed, path, link.target, what, err) from err


def explain_missing(link: Link, path: str, directory: str) -> Task:
    """Return the error that says why a file cannot be made in a directory that seems to be missing."""
    missing = yield from _missing(link, path, directory)
    return missing_directory(link, path, missing[0] if missing else directory)


def missing_directory(link: Link, path: str, directory: str) -> FileError:
    advice = "Create it, or have it created with the file."
    return failure(FileCreationFailed, path, link.target, f"there is no directory {directory}", "", advice)


def _missing(link: Link, path: str, directory: str) -> Task:
    """Return what is missing, from the top down."""
    missing: list[str] = []
    while len(missing) < _DEEPEST:
        try:
            found = yield link.sftp.stat(directory)
        except SftpStatus as err:
            if err.code != wire.NO_SUCH_FILE or directory == "/":
                raise
        else:
            if not found.is_directory:
                what = f"{directory} is {'a file' if found.is_file else kind_of(found)}, not a directory"
                raise failure(FileCreationFailed, path, link.target, what, "", "Choose another path.")
            break
        missing.insert(0, directory)
        directory, _name = split(directory)
    return missing


def _is_directory(link: Link, directory: str) -> Task:
    try:
        return (yield link.sftp.stat(directory)).is_directory
    except SftpStatus:
        return False
