"""Work with files as the log-in user: over SFTP."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from ...errors import FileDownloadFailed, FileError, FileUploadFailed
from .. import sftp_wire as wire
from ..sftp_answers import Task
from ..sftp_wire import SftpStatus
from .access import HostAccess
from .download import Digest, Download
from .failures import failure, from_sftp
from .link import Link, absolute
from .rights import KeptByHost, Rights
from .scripts import hash_code
from .upload import Upload
from .values import HostFile, IfExists, Progress, PushResult, PushSpec, Take

#: So many files are on their way at once.
FILES_AT_ONCE = 32
#: So many files that are there already are asked about in one go.
FILES_A_LOOK = 100
#: Up to this size it is quicker to read a file than to start a program on the host.
READ_TO_HASH_BYTES = 1024 * 1024
_HEXADECIMAL = re.compile(r"^([0-9a-f]{64})\b", re.MULTILINE)

OnResult = Callable[[PushSpec, PushResult | FileError], None]


class Direct:
    """See :class:`.session.FileSession` for what its methods do."""

    def __init__(self, access: HostAccess):
        self._access = access
        self._target = access.target
        self._rights = Rights(access)

    def push_many(
        self, specs: Iterable[PushSpec], on_result: OnResult, on_progress: Progress | None
    ) -> list[PushSpec]:
        """Push files; return those with rights that only a script on the host can keep, which were not pushed."""
        source, left = iter(specs), []

        def done(spec: PushSpec, result) -> None:
            if isinstance(result, KeptByHost):
                left.append(spec)
            else:
                on_result(spec, result)

        with self._access.transfer(FileUploadFailed, "") as link:
            while some := list(islice(source, FILES_A_LOOK)):
                if len(some) > 1:
                    self._rights.look_at(link, self._to_be_replaced(link, some))
                run_files(link, ((spec, self._upload(link, spec, on_progress)) for spec in some), done)
        return left

    def _to_be_replaced(self, link: Link, specs: list[PushSpec]) -> Iterator[str]:
        """Return the full paths of what is pushed whether or not it is there; one that is none is told by its push."""
        for spec in specs:
            if spec.if_exists is IfExists.OVERWRITE:
                with suppress(FileError):
                    yield absolute(spec.path, link.home, FileUploadFailed, self._target)

    def delete(self, path: str) -> bool:
        with self._access.transfer(FileUploadFailed, path) as link:
            return link.sftp.run(self._delete(link, path))

    def pull(
        self, path: str, take: Take, limit: int | None, on_progress: Progress | None, digest: bool
    ) -> HostFile:
        with self._access.transfer(FileDownloadFailed, path) as link:
            return link.sftp.run(self._pull(link, path, Digest(take, digest), limit, on_progress))

    def tail(self, path: str, size: int) -> bytes:
        with self._access.transfer(FileDownloadFailed, path) as link:
            return link.sftp.run(self._tail(link, path, size))

    def stat(self, path: str, digest: bool) -> HostFile | None:
        with self._access.transfer(FileDownloadFailed, path) as link:
            return link.sftp.run(self._stat(link, path, digest))

    # -- tasks

    def _upload(self, link: Link, spec: PushSpec, on_progress: Progress | None) -> Task:
        full = absolute(spec.path, link.home, FileUploadFailed, self._target)
        ids = self._access.names.ids(spec.owner, spec.group, spec.path)
        return (yield from Upload(link, spec, full, ids, on_progress, self._rights).steps())

    def _download(self, link: Link, path: str) -> Download:
        return Download(link, path, absolute(path, link.home, FileDownloadFailed, self._target))

    def _pull(self, link: Link, path: str, digest: Digest, limit: int | None, on_progress) -> Task:
        download = self._download(link, path)
        found, is_link = yield from download.must_exist()
        done = 0

        def pass_on(data) -> None:
            nonlocal done
            digest(data)
            done += len(data)
            if on_progress:
                on_progress(done, max(done, found.size or 0))

        size = yield from download.content(pass_on, found.size or 0, limit=limit)
        names = yield from self._access.names.of(link.sftp, found.uid, found.gid)
        return download.facts(found, size, is_link, digest.hexadecimal, names)

    def _tail(self, link: Link, path: str, size: int) -> Task:
        download = self._download(link, path)
        found, _is_link = yield from download.must_exist()
        pieces: list[bytes] = []
        end = found.size or 0
        start = max(end - size, 0)
        yield from download.content(lambda data: pieces.append(bytes(data)), end, start, end)
        return b"".join(pieces)

    def _stat(self, link: Link, path: str, digest: bool) -> Task:
        download = self._download(link, path)
        looked = yield from download.look()
        if looked is None:
            return None
        found, is_link = looked
        names = yield from self._access.names.of(link.sftp, found.uid, found.gid)
        sha256 = (yield from self._hash(download, found.size or 0)) if digest else ""
        return download.facts(found, found.size or 0, is_link, sha256, names)

    def _hash(self, download: Download, size: int) -> Task:
        if size > READ_TO_HASH_BYTES:
            printed = self._access.run_script(hash_code(shlex.quote(download.full))).stdout
            found = _HEXADECIMAL.search(printed)
            if found:
                return found[1]
        made = Digest()
        yield from download.content(made, size)
        return made.hexadecimal

    def _delete(self, link: Link, path: str) -> Task:
        full = absolute(path, link.home, FileUploadFailed, self._target)
        try:
            found = yield link.sftp.lstat(full)
            if found.is_directory:
                raise failure(
                    FileUploadFailed, path, self._target, "is a directory; only files can be deleted"
                )
            yield link.sftp.remove(full)
        except SftpStatus as err:
            if err.code == wire.NO_SUCH_FILE:
                return False
            raise from_sftp(FileUploadFailed, path, self._target, "cannot be deleted", err) from err
        return True


def run_files(link: Link, tasks: Iterable[tuple[PushSpec, Task]], on_result: OnResult) -> None:
    """Run a task for each of many files; an error that is not about its file ends all."""

    def done(spec: PushSpec, result: Any) -> None:
        if isinstance(result, Exception) and not isinstance(result, (FileError, KeptByHost)):
            raise result
        on_result(spec, result)

    link.sftp.run_all(tasks, done, min(FILES_AT_ONCE, link.sftp.open_files))
