"""Reading files of a host over SFTP."""

from __future__ import annotations

import hashlib
from collections import deque
from contextlib import suppress

from ...errors import FileDownloadFailed, FileMissing, FileTooLarge
from .. import sftp_wire as wire
from ..sftp import IN_FLIGHT_BYTES
from ..sftp_answers import Pending, Task
from ..sftp_wire import Attributes, SftpStatus
from .failures import failure, from_sftp, kind_of
from .link import Link
from .values import HostFile, Take


class Download:
    """One file that is read. The methods are tasks, see :mod:`..sftp`.

    :param path: as it was asked for; ``full`` is the absolute one
    """

    def __init__(self, link: Link, path: str, full: str):
        self._link = link
        self._sftp = link.sftp
        self.path = path
        self.full = full

    def look(self) -> Task:
        """Return (attributes, whether the path is a link), or None when there is no file.

        :raise FileDownloadFailed: it is something else than a regular file, or cannot be examined
        """
        itself, behind = self._sftp.lstat(self.full), self._sftp.stat(self.full)
        try:
            is_link = (yield itself).is_link
            found: Attributes = yield behind
        except SftpStatus as err:
            if err.code == wire.NO_SUCH_FILE:
                return None
            raise self._refused("cannot be examined", err) from err
        if not found.is_file:
            raise self._failed(f"is {kind_of(found)}")
        return found, is_link

    def must_exist(self) -> Task:
        looked = yield from self.look()
        if looked is None:
            raise failure(FileMissing, self.path, self._link.target, "there is no such file")
        return looked

    def content(
        self,
        take: Take,
        size: int,
        start: int = 0,
        end: int | None = None,
        limit: int | None = None,
    ) -> Task:
        """Read what is between two positions and return how much that was.

        :param take: gets the pieces in order
        :param size: what the host says the file has; it may have changed
        :param end: None: up to the end of the file, wherever that is when we get there
        :param limit: reading more bytes than this is an error
        """
        if limit is not None and size - start > limit:
            raise self._too_large(limit)
        try:
            handle = yield self._sftp.open_file(self.full, wire.FOR_READING)
        except SftpStatus as err:
            raise self._refused("cannot be opened", err) from err
        try:
            done = yield from self._read_pieces(handle, take, size, start, end, limit)
        except SftpStatus as err:
            raise self._refused("cannot be read", err) from err
        finally:
            closing = self._sftp.close(handle)
        with suppress(SftpStatus):
            yield closing
        return done

    def _read_pieces(self, handle: bytes, take, size: int, start: int, end: int | None, limit) -> Task:
        length = self._sftp.read_length
        asked: deque[tuple[int, int, Pending]] = deque()
        position, done = start, 0
        while True:
            # up to the size that was told everything is asked for at once; one more finds the end
            while not asked or (
                position <= size and sum(entry[1] for entry in asked) + length <= IN_FLIGHT_BYTES
            ):
                count = min(length, size - position) if position < size else length
                count = count if end is None else min(count, end - position)
                if count <= 0:
                    break
                asked.append((position, count, self._sftp.read_at(handle, position, count)))
                position += count
            if not asked:
                return done
            at, count, pending = asked.popleft()
            data = yield pending
            while data:
                done += len(data)
                if limit is not None and done > limit:
                    raise self._too_large(limit)
                take(data)
                at, count = at + len(data), count - len(data)
                if not count:
                    break
                data = yield self._sftp.read_at(handle, at, count)  # it gave less than was asked for
            if count:
                return done  # the end of the file

    def facts(self, attributes: Attributes, size: int, is_link: bool, sha256: str, names) -> HostFile:
        owner, group = names
        return HostFile(
            self.path,
            size,
            attributes.permissions,
            owner,
            group,
            float(attributes.modified or 0),
            sha256,
            is_link,
        )

    def _failed(self, what: str) -> FileDownloadFailed:
        return failure(FileDownloadFailed, self.path, self._link.target, what)

    def _refused(self, what: str, err: SftpStatus) -> FileDownloadFailed:
        kind = FileMissing if err.code == wire.NO_SUCH_FILE else FileDownloadFailed
        return from_sftp(kind, self.path, self._link.target, what, err)

    def _too_large(self, limit: int) -> FileTooLarge:
        return failure(
            FileTooLarge, self.path, self._link.target, f"is larger than the allowed {limit} bytes"
        )


class Digest:
    """Hashes what passes, if that is wanted."""

    def __init__(self, take: Take | None = None, wanted: bool = True):
        self._take = take
        self._hash = hashlib.sha256() if wanted else None

    def __call__(self, data: bytes | memoryview) -> None:
        if self._hash:
            self._hash.update(data)
        if self._take:
            self._take(data)

    @property
    def hexadecimal(self) -> str:
        return self._hash.hexdigest() if self._hash else ""
