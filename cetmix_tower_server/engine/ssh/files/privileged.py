"""Works with files through sudo: a privileged script does what the log-in user may not.

Files to be pushed are first uploaded over SFTP to a private directory of the log-in user.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from ...errors import (
    ConnectionLost,
    FileCreationFailed,
    FileDownloadFailed,
    FileError,
    FileExists,
    FileMissing,
    FileTooLarge,
    FileUploadFailed,
    ScriptNotRun,
    SudoFailed,
    TransferTimedOut,
)
from ...script.conversation import ScriptSpec, SudoMode
from ...secret import Secret
from ..errors import where
from ..running.collecting import Output
from ..running.command_result import CommandResult, Outcome
from ..running.stopping import StopRequested
from ..sftp_answers import Task
from ..sftp_wire import SftpStatus
from . import scripts
from .access import HostAccess
from .direct import OnResult, run_files
from .download import Digest
from .failures import failure, from_sftp
from .leftovers import Owner
from .link import Link, absolute, temporary_name
from .upload import Upload
from .values import PUSHED, SKIPPED, HostFile, Progress, PushResult, PushSpec, Take

#: So many files are uploaded before a script puts them in their places.
FILES_A_SCRIPT = 100
BYTES_A_SCRIPT = 64 * 1024 * 1024
_OUTSIDE_HOME = ("/var/tmp", "/tmp")
_SPECIAL = "is not a regular file but a device, socket or named pipe"
#: Word of the script -> kind of error, what failed. "{0}" is what the script added.
_FAILURES: dict[str, tuple[type[FileError], str]] = {
    "loop": (FileCreationFailed, "is a symbolic link that points to itself"),
    "directory": (FileCreationFailed, "is a directory"),
    "special": (FileCreationFailed, _SPECIAL),
    "look": (FileCreationFailed, "cannot be examined"),
    "nodirectory": (
        FileCreationFailed,
        "its directory does not exist; create it, or have it created with the file",
    ),
    "directories": (FileCreationFailed, "its directory cannot be created"),
    "create": (FileCreationFailed, "cannot be created"),
    "write": (FileUploadFailed, "its content cannot be written"),
    "size": (FileUploadFailed, "its content did not arrive completely; bytes on the host"),
    "rights": (
        FileUploadFailed,
        "access list, label and attributes of the existing file cannot be applied to the new one",
    ),
    "owner": (FileUploadFailed, "its owner and group cannot be set"),
    "mode": (FileUploadFailed, "its mode cannot be set"),
    "backup": (FileUploadFailed, "a backup of the existing file cannot be created"),
    "rename": (FileUploadFailed, "it cannot replace the existing file"),
    "exists": (FileExists, "already exists; delete it there, or choose to skip or overwrite it"),
}


class Privileged:
    """See :class:`.session.FileSession` for what its methods do."""

    def __init__(self, access: HostAccess, mode: SudoMode, password: Secret | None):
        self._access = access
        self._target = access.target
        self._mode = mode
        self._password = password

    # -- to the host

    def push_many(
        self, specs: Iterable[PushSpec], on_result: OnResult, on_progress: Progress | None
    ) -> list[PushSpec]:
        """Push files; return those that must be pushed in another way: none."""
        source = iter(specs)
        with self._access.transfer(FileUploadFailed, "") as link:
            while batch := list(_batch(source)):
                with self._private_directory(link) as directory:
                    self._push_batch(link, directory, batch, on_result, on_progress)
        return []

    def _push_batch(self, link: Link, directory: str, specs: list[PushSpec], on_result, on_progress) -> None:
        staged: dict[int, tuple[PushSpec, str, str]] = {}
        calls: list[tuple[str, ...]] = []

        def arrived(spec: PushSpec, result) -> None:
            if isinstance(result, FileError):
                on_result(spec, result)
                return
            number, full, digest = result
            staged[number] = (spec, full, digest)
            calls.append(_call(number, spec, f"{directory}/{number}", full, self._access.owner))

        tasks = (
            (spec, self._stage(link, number, spec, f"{directory}/{number}", on_progress))
            for number, spec in enumerate(specs)
        )
        run_files(link, tasks, arrived)
        if not calls:
            return
        result = self._run(scripts.place(calls, self._access.owner))
        for line in result.stdout.splitlines():
            number, _, said = line.partition(" ")
            spec, _full, digest = staged.pop(int(number)) if number.isdigit() else (None, "", "")
            if spec:
                on_result(spec, self._read_place(spec, digest, *_two(said)))
        for spec, _full, _digest in staged.values():
            what = "the script that moves it into place did not finish"
            on_result(
                spec, failure(FileUploadFailed, spec.path, self._target, what, result.stderr.strip()[-200:])
            )

    def _stage(self, link: Link, number: int, spec: PushSpec, path: str, on_progress) -> Task:
        full = absolute(spec.path, link.home, FileUploadFailed, self._target)
        digest = yield from Upload(link, spec, path, (None, None), on_progress).stage()
        return number, full, digest

    def _read_place(self, spec: PushSpec, digest: str, word: str, detail: str) -> PushResult | FileError:
        if word == "pushed":
            backup = bytes.fromhex(detail).decode("utf-8", "replace")
            return PushResult(spec.path, PUSHED, spec.content.size, digest, backup)
        if word == "skipped":
            return PushResult(
                spec.path, SKIPPED, int(detail), "", message="It already exists and was left unchanged."
            )
        kind, what = _FAILURES.get(word, (FileUploadFailed, "cannot be moved into place"))
        return failure(kind, spec.path, self._target, what, detail)

    @contextmanager
    def _private_directory(self, link: Link) -> Iterator[str]:
        """Create a directory for the log-in user alone; remove it and its content at the end."""
        path = link.sftp.run(self._make_private(link))
        try:
            yield path
        except BaseException:
            link.remove_all()  # who ends the transfer waits for it
            raise
        link.remove_all()
        self._access.finish(link)

    def _make_private(self, link: Link) -> Task:
        name = self._access.owner.suffix()
        for parent in (link.home, *_OUTSIDE_HOME):
            path = f"{parent.rstrip('/')}/{name}"
            try:
                yield link.sftp.make_directory(path, 0o700)
            except SftpStatus as err:
                refused = err
            else:
                link.made(path, is_directory=True)
                yield from link.leftovers.remove(parent, (yield link.sftp.lstat(path)).modified)
                return path
        what = f"no private directory can be created in the home directory of {self._target.username}"
        raise from_sftp(FileUploadFailed, "The files", self._target, what, refused)

    def delete(self, path: str) -> bool:
        full = self._absolute(path, FileUploadFailed)
        word, detail = _two(self._run(scripts.delete(full)).stdout.strip())
        if word == "directory":
            what = "is a directory; only files can be deleted"
            raise failure(FileUploadFailed, path, self._target, what)
        if word not in ("deleted", "missing"):
            raise failure(FileUploadFailed, path, self._target, "cannot be deleted", detail)
        return word == "deleted"

    # -- from the host

    def pull(
        self, path: str, take: Take, limit: int | None, on_progress: Progress | None, digest: bool
    ) -> HostFile:
        code = scripts.read(self._absolute(path, FileDownloadFailed))
        return self._read(path, code, Digest(take, digest), limit, on_progress)

    def tail(self, path: str, size: int) -> bytes:
        pieces: list[bytes] = []
        code = scripts.read(self._absolute(path, FileDownloadFailed), size)
        self._read(path, code, Digest(lambda data: pieces.append(bytes(data))), None, None)
        return b"".join(pieces)

    def stat(self, path: str, digest: bool) -> HostFile | None:
        full = self._absolute(path, FileDownloadFailed)
        said = self._run(scripts.look(full, digest)).stdout.strip()
        if said == "missing":
            return None
        found = self._facts(path, said)
        if digest and not found.sha256:  # the host has no tool for it
            return self._read(path, scripts.read(full), Digest(), None, None)
        return found

    def _read(self, path: str, code: str, digest: Digest, limit: int | None, on_progress) -> HostFile:
        reading = _Reading(self, path, digest, limit, on_progress)
        result = self._run(code, Output(raw=reading.take))
        if reading.file is None or result.exit_code:
            raise failure(
                FileDownloadFailed, path, self._target, "cannot be read", result.stderr.strip()[-200:]
            )
        return reading.finish()

    def _facts(self, path: str, said: str) -> HostFile:
        """Read the line of facts.

        :raise FileDownloadFailed: it says why there are none
        """
        word, detail = _two(said)
        words = detail.split(" ", 7)
        if word == "missing":
            raise failure(FileMissing, path, self._target, "there is no such file")
        if word in ("directory", "special"):
            what = "is a directory" if word == "directory" else _SPECIAL
            raise failure(FileDownloadFailed, path, self._target, what)
        if word != "file" or len(words) < 8:
            raise failure(FileDownloadFailed, path, self._target, "cannot be examined", detail[:200])
        link, sha256, size, mode, uid, gid, modified, names = words
        owner, _, group = names.partition("/")
        owner = uid if owner in ("UNKNOWN", "") else owner
        group = gid if group in ("UNKNOWN", "") else group
        digest = "" if sha256 == "-" else sha256
        return HostFile(
            path, int(size), int(mode, 8) & 0o7777, owner, group, float(modified), digest, link == "1"
        )

    # -- the script

    def _absolute(self, path: str, kind: type[FileError]) -> str:
        """Return the full path; SFTP tells the log-in user's home directory if it is needed."""
        if path.startswith("/"):
            return absolute(path, "/", kind, self._target)
        with self._access.transfer(kind, path) as link:
            return absolute(path, link.home, kind, self._target)

    def _run(self, code: str, output: Output | None = None) -> CommandResult:
        """Run a script as root.

        :raise SudoFailed, StopRequested, TransferTimedOut, ConnectionLost, ScriptNotRun: instead of its result
        """
        spec = ScriptSpec(
            code, sudo=self._mode, sudo_password=self._password, split=False, secrets_used=True, plain_sh=True
        )
        result = self._access.run_script(spec, output=output)
        may_run_on = result.stop_confirmed is False
        if result.outcome is Outcome.SUDO_FAILED:
            raise SudoFailed(result.message, result.sudo_reason)
        if result.outcome is Outcome.STOPPED:
            raise StopRequested(may_run_on)
        if result.outcome in (Outcome.TIMED_OUT, Outcome.SILENT):
            raise TransferTimedOut(result.message, may_run_on)
        if result.outcome is Outcome.LOST:
            raise ConnectionLost(result.message, *where(self._target))
        if result.message:
            raise ScriptNotRun(result.message)
        return result


class _Reading:
    """Takes what a reading script prints: a line of facts, then the content."""

    def __init__(self, way: Privileged, path: str, digest: Digest, limit: int | None, on_progress):
        self._way = way
        self._path = path
        self._digest = digest
        self._limit = limit
        self._on_progress = on_progress
        self._header = b""
        self._done = 0
        self.file: HostFile | None = None

    def take(self, data: bytes) -> None:
        if self.file is None:
            self._header += data
            line, end, data = self._header.partition(b"\n")
            if not end and len(line) < scripts.HEADER_LIMIT:
                return
            self.file = self._way._facts(self._path, line.decode("utf-8", "replace"))
            self._check(self.file.size if self._limit is not None else 0)
        self._done += len(data)
        self._check(self._done)
        if data:
            self._digest(data)
        if self._on_progress:
            self._on_progress(self._done, max(self._done, self.file.size))

    def _check(self, size: int) -> None:
        if self._limit is not None and size > self._limit:
            what = f"is larger than the allowed {self._limit} bytes"
            raise failure(FileTooLarge, self._path, self._way._target, what)

    def finish(self) -> HostFile:
        found = self.file
        return HostFile(
            found.path, self._done, found.mode, found.owner, found.group, found.modified,
            self._digest.hexadecimal, found.is_link,
        )  # fmt: skip


def _batch(source: Iterator[PushSpec]) -> Iterator[PushSpec]:
    """Take as many as go into one script."""
    size = 0
    for spec in islice(source, FILES_A_SCRIPT):
        size += spec.content.size
        yield spec
        if size >= BYTES_A_SCRIPT:
            return


def _call(number: int, spec: PushSpec, source: str, full: str, by: Owner) -> tuple[str, ...]:
    hidden = temporary_name(full, by).rpartition("/")[2]
    owner = spec.owner + (f":{spec.group}" if spec.group else "")
    return (
        str(number),
        source,
        full,
        str(spec.content.size),
        "" if spec.mode is None else f"{spec.mode & 0o7777:o}",
        owner,
        str(int(spec.make_directories)),
        str(int(spec.backup)),
        spec.if_exists.value,
        hidden,
        time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    )


def _two(text: str) -> tuple[str, str]:
    word, _, rest = text.partition(" ")
    return word, rest
