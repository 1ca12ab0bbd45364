"""Writing a file of a host over SFTP, so that it is either the old or the new one at any moment.

The content goes to a temporary file beside the target, is flushed to the disk and checked; only then, when the host has
confirmed all of that, it is renamed. Sending the rename together with the content would save a round trip and put half
a file in place when the disk is full, so a small file costs three: look and open; content, flush, attributes, size and
close; rename.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import BinaryIO

from ...errors import FileCreationFailed, FileError, FileExists, FileUploadFailed
from .. import sftp_wire as wire
from ..sftp import IN_FLIGHT_BYTES
from ..sftp_answers import Pending, Task
from ..sftp_wire import Attributes, SftpStatus
from .copying import copy_file
from .directories import explain_missing, make_directories
from .download import Digest
from .failures import failure, from_sftp, kind_of
from .link import Link, split, temporary_name
from .rights import Rights
from .values import PUSHED, SKIPPED, IfExists, Progress, PushResult, PushSpec

NEW_FILE_MODE = 0o644
_READ_ONLY = 0x1
#: Several backups in one second get a number.
_BACKUP_TRIES = 5


class Upload:
    """One file that is pushed. The methods are tasks, see :mod:`..sftp`.

    :param full: the absolute path
    :param ids: user id and group id it is to get; None: not given
    :param rights: says whether what is there may be replaced in this way
    """

    def __init__(
        self,
        link: Link,
        spec: PushSpec,
        full: str,
        ids: tuple[int | None, int | None],
        on_progress: Progress | None,
        rights: Rights | None = None,
    ):
        self._rights = rights
        self._link = link
        self._sftp = link.sftp
        self._target = link.target
        self.spec = spec
        self._full = full
        self._ids = ids
        self._on_progress = on_progress
        self._temporary = ""
        self._handle: bytes | None = None  # while it is open
        self._stage: tuple[type[FileError], str] = (FileCreationFailed, "cannot be examined")

    def steps(self) -> Task:
        """Push it and return the result.

        :raise FileError: why not; the temporary file is gone then, and the target is what it was
        """
        try:
            return (yield from self._push())
        except (SftpStatus, OSError) as err:
            raise (yield from self._explain(err)) from err
        finally:
            self._discard()

    def stage(self) -> Task:
        """Only bring the content to the path, which must be free, for the log-in user alone; return its SHA-256.

        Who asks for this removes it.
        """
        self._stage = (FileUploadFailed, "its content cannot be stored on the host")
        self._link.made(self._full)
        try:
            flags = wire.FOR_WRITING | wire.CREATE | wire.EXCLUSIVE
            handle = self._handle = yield self._sftp.open_file(self._full, flags, 0o600)
            digest = Digest()
            with self.spec.content.open() as source:
                written = yield from self._write(handle, source, digest)
            self._handle = None
            looking, closing = self._sftp.fstat(handle), self._sftp.close(handle)
            yield from self._await_written(written)
            yield from self._check(looking, closing)
            return digest.hexadecimal
        except (SftpStatus, OSError) as err:
            raise (yield from self._explain(err)) from err
        finally:
            self._close()

    def _push(self) -> Task:
        looking = self._sftp.lstat(self._full)
        careful = self.spec.if_exists is not IfExists.OVERWRITE
        opening = None if careful else self._open()
        existing = yield from self._answer_or_missing(looking)
        if existing and existing.is_link:
            if opening:
                with suppress(SftpStatus):
                    self._handle = yield opening
                self._discard()
            opening = None
            existing = yield from self._follow_link()
        if existing and not existing.is_file:
            raise self._failed(FileCreationFailed, f"is {kind_of(existing)}", "", "Choose another path.")
        if existing and careful:
            return self._there_already(existing)
        self._handle = yield from self._opened(opening)
        if existing and self._rights:
            self._rights.check(self.spec, self._full, existing)
        yield from self._remove_leftovers(self._handle)
        digest = yield from self._fill(self._handle, existing)
        backup = yield from self._keep_old() if existing and self.spec.backup else _nothing()
        replaced = yield from self._put_in_place(backup)
        if replaced is not None:
            return replaced
        return PushResult(self.spec.path, PUSHED, self.spec.content.size, digest.hexadecimal, backup)

    # -- where it goes

    def _answer_or_missing(self, pending: Pending) -> Task:
        try:
            return (yield pending)
        except SftpStatus as err:
            if err.code != wire.NO_SUCH_FILE:
                raise
            return None

    def _follow_link(self) -> Task:
        """Go on with the file behind a symbolic link, which may not be there yet."""
        self._stage = (FileCreationFailed, "is a symbolic link that points to nothing")
        self._full = yield self._sftp.real_path(self._full)
        found = yield from self._answer_or_missing(self._sftp.lstat(self._full))
        if found and found.is_link:
            raise self._failed(FileCreationFailed, "is a symbolic link that points to itself")
        return found

    def _there_already(self, existing: Attributes) -> PushResult:
        if self.spec.if_exists is IfExists.RAISE:
            raise self._failed(
                FileExists, "already exists", "", "Delete it there, or choose to skip or overwrite it."
            )
        return PushResult(
            self.spec.path,
            SKIPPED,
            existing.size or 0,
            "",
            message="It already exists and was left unchanged.",
        )

    # -- the temporary file

    def _open(self) -> Pending:
        self._temporary = temporary_name(self._full, self._link.owner)
        self._link.made(self._temporary)
        flags = wire.FOR_WRITING | wire.CREATE | wire.EXCLUSIVE
        return self._sftp.open_file(self._temporary, flags, 0o600)

    def _opened(self, opening: Pending | None) -> Task:
        directory, _name = split(self._full)
        self._stage = (FileCreationFailed, f"cannot be created in {directory}")
        try:
            return (yield opening or self._open())
        except SftpStatus as err:
            self._link.gone(self._temporary)
            if err.code != wire.NO_SUCH_FILE:
                raise
        if not self.spec.make_directories:
            raise (yield from explain_missing(self._link, self.spec.path, directory))
        yield from make_directories(self._link, self.spec.path, directory)
        return (yield self._open())

    def _remove_leftovers(self, handle: bytes) -> Task:
        """Before the content: what is left may be what fills the disk."""
        directory, _name = split(self._full)
        if self._link.leftovers.to_be_looked_for(directory):
            yield from self._link.leftovers.remove(directory, (yield self._sftp.fstat(handle)).modified)

    def _fill(self, handle: bytes, existing: Attributes | None) -> Task:
        self._stage = (FileUploadFailed, "its content cannot be written")
        digest = Digest()
        with self.spec.content.open() as source:
            written = yield from self._write(handle, source, digest)
        flushing = self._sftp.flush_to_disk(handle) if self._sftp.offers(wire.FSYNC) else None
        owner = self._owner(existing)
        # the owner first: changing it takes set-user-id bits away
        owning = self._sftp.set_attributes(handle, owner=owner) if owner else None
        mode = self.spec.mode
        if mode is None:
            mode = existing.permissions if existing else NEW_FILE_MODE
        setting = self._sftp.set_attributes(handle, mode=mode & 0o7777)
        looking, closing = self._sftp.fstat(handle), self._sftp.close(handle)
        self._handle = None
        yield from self._await_written(written)
        if owning:
            self._stage = (FileUploadFailed, "its owner and group cannot be set")
            yield owning
        self._stage = (FileUploadFailed, f"its mode cannot be set to {mode:o}")
        yield setting
        self._stage = (FileUploadFailed, "its content cannot be written")
        if flushing:
            yield flushing
        yield from self._check(looking, closing)
        return digest

    def _await_written(self, written: Iterable[Pending]) -> Task:
        for pending in written:  # noqa: UP028 - answers are sent into a generator
            yield pending
        if self._on_progress:
            self._on_progress(self.spec.content.size, self.spec.content.size)

    def _check(self, looking: Pending, closing: Pending) -> Task:
        """Make sure that the host has all of the content."""
        size = (yield looking).size
        if size != self.spec.content.size:
            raise self._failed(
                FileUploadFailed,
                "its content did not arrive completely",
                f"the host has {size} of {self.spec.content.size} bytes",
            )
        yield closing

    def _write(self, handle: bytes, source: BinaryIO, digest: Digest) -> Task:
        """Send the content; return the answers that are still due."""
        total, length = self.spec.content.size, self._sftp.write_length
        position = confirmed = 0
        written: deque[Pending] = deque()
        while True:
            data = source.read(length)
            if position + len(data) > total or (not data and position < total):
                raise self._failed(
                    FileUploadFailed, "its content changed on the Tower host while it was being sent"
                )
            if not data:
                return written
            written.append(self._sftp.write_at(handle, position, data))
            digest(data)
            position += len(data)
            while written and (written[0].done or self._sftp.in_flight + length > IN_FLIGHT_BYTES):
                first = written.popleft()
                yield first
                confirmed += first.size
                if self._on_progress:
                    self._on_progress(confirmed, total)

    def _owner(self, existing: Attributes | None) -> tuple[int, int] | None:
        uid, gid = self._ids
        if existing:
            uid = existing.uid if uid is None else uid
            gid = existing.gid if gid is None else gid
        if uid is None and gid is None:
            return None
        return (wire.KEEP_ID if uid is None else uid), (wire.KEEP_ID if gid is None else gid)

    # -- in its place

    def _keep_old(self) -> Task:
        """Give the file that is replaced a second name; return that."""
        self._stage = (FileUploadFailed, "a backup of the existing file cannot be created")
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        for number in range(_BACKUP_TRIES):
            backup = f"{self._full}.{stamp}{f'.{number}' if number else ''}.bak"
            try:
                if self._sftp.offers(wire.HARDLINK):
                    yield self._sftp.hard_link(self._full, backup)
                    return backup
            except SftpStatus as err:
                refused = err
            taken = yield from self._answer_or_missing(self._sftp.lstat(backup))
            if not taken:
                return (yield from self._copy(backup))
        raise refused

    def _copy(self, backup: str) -> Task:
        """Where a hard link cannot be made: copy content and mode."""
        yield from copy_file(self._link, self._full, backup)
        return backup

    def _put_in_place(self, backup: str) -> Task:
        """Rename; return a result only if somebody else made the file meanwhile and it was not to be replaced."""
        self._stage = (FileUploadFailed, "it cannot replace the existing file")
        careful = self.spec.if_exists is not IfExists.OVERWRITE
        try:
            if careful or not self._sftp.offers(wire.POSIX_RENAME):
                yield self._sftp.rename(self._temporary, self._full)
            else:
                yield self._sftp.replace(self._temporary, self._full)
        except SftpStatus:
            if backup:
                self._sftp.remove(backup)
            existing = yield from self._answer_or_missing(self._sftp.lstat(self._full))
            if existing and careful:
                return self._there_already(existing)
            if existing and not self._sftp.offers(wire.POSIX_RENAME):
                raise self._failed(
                    FileUploadFailed,
                    "the host's SFTP server cannot replace a file in one step",
                    f"it does not offer {wire.POSIX_RENAME}",
                    "Delete the file there first.",
                ) from None
            raise
        self._link.gone(self._temporary)
        return None

    # -- when it fails

    def _discard(self) -> None:
        self._close()
        self._link.remove(self._temporary)

    def _close(self) -> None:
        if self._handle is not None:
            self._sftp.close(self._handle)
            self._handle = None

    def _explain(self, err: SftpStatus | OSError) -> Task:
        """Return the error that says what failed at this stage, and why."""
        if isinstance(err, OSError):
            reason = err.strerror or type(err).__name__
            return self._failed(FileUploadFailed, "its content cannot be read on the Tower host", reason)
        why = yield from self._find_reason(err)
        kind, what = self._stage
        return from_sftp(kind, self.spec.path, self._target, what, err, why)

    def _find_reason(self, err: SftpStatus) -> Task:
        """SFTP 3 has no word for a full disk: look."""
        if err.code != wire.FAILURE or not self._sftp.offers(wire.STATVFS):
            return ""
        directory, _name = split(self._full)
        try:
            reader = yield self._sftp.disk_facts(directory)
        except SftpStatus:
            return ""
        facts = [reader.offset() for _ in range(11)]
        block, free, inodes_free, flags = facts[1], facts[4], facts[7], facts[9]
        if flags & _READ_ONLY:
            return "the file system is mounted read-only"
        if free * block < max(self.spec.content.size, block):
            return (
                f"no space is left on the disk ({free * block} bytes free, {self.spec.content.size} needed)"
            )
        if not inodes_free and facts[5]:
            return "no inode is left on the disk"
        return ""

    def _failed(self, kind: type[FileError], what: str, why: str = "", advice: str = "") -> FileError:
        return failure(kind, self.spec.path, self._target, what, why, advice)


def _nothing() -> Task:
    return ""
    yield
