"""Work with files of one host."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import Any, BinaryIO

from ...results import (
    CommandResult,
    ConnectError,
    ConnectionLost,
    FileDownloadFailed,
    FileError,
    FileUploadFailed,
    Secret,
)
from ...script import ScriptSpec, SudoMode, quote_path
from .. import sftp_wire as wire
from ..lease import Lease
from ..pool import ConnectionPool
from ..running import Clocks, run_script
from ..sftp import Sftp, Task
from ..sftp_wire import SftpError, SftpNonsense, SftpStatus
from ..stopping import StopRequested, StopSignal
from ..target import Target
from ..watching import Watch
from .download import Digest, Download
from .failures import from_sftp, kind_of
from .link import Link, absolute
from .names import Names
from .upload import Upload
from .values import HostFile, Progress, PushResult, PushSpec

#: So many files are on their way at once.
FILES_AT_ONCE = 32
#: After a stop or a failure, temporary files are removed for this long at most.
CLEAN_UP_S = 2.0
#: After the connection broke, this long is tried to remove them over a new one.
RECONNECT_S = 5.0
#: Up to this size it is quicker to read a file than to start a program on the host.
READ_TO_HASH_BYTES = 1024 * 1024
_PROGRESS_EVERY_S = 0.1
_HASH = "{{ sha256sum <{0}||shasum -a 256 <{0}||openssl dgst -sha256 -r <{0}; }} 2>/dev/null"
_HEXADECIMAL = re.compile(r"^([0-9a-f]{64})\b", re.MULTILINE)


class FileSession:
    """One person's work with files on one host, in one thread. A context manager.

    Channels are taken from the pool when they are needed and given back at the end. After an error of the connection
    the next call opens a new one.

    :param sudo: how files are reached that the log-in user may not touch
    :param stop: ends a transfer at once
    :param timeout_s: seconds for everything together, from now; 0: no limit
    :param silence_timeout_s: seconds that the host may owe an answer; 0: no limit

    All methods raise, besides what they name: ConnectError (a subclass that says why), StopRequested,
    TransferTimedOut, SudoFailed.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        target: Target,
        sudo: SudoMode = SudoMode.NONE,
        sudo_password: Secret | None = None,
        stop: StopSignal | None = None,
        timeout_s: float = 0,
        silence_timeout_s: float = 0,
    ):
        self._pool = pool
        self._target = target
        self._sudo = SudoMode(sudo)
        self._sudo_password = sudo_password
        self._stop = stop
        self._watch = Watch(target, stop, timeout_s, silence_timeout_s)
        self._lease: Lease | None = None
        self._link: Link | None = None
        self._names = Names(target, self._run_script)

    def __enter__(self) -> FileSession:
        return self

    def __exit__(self, *_exc) -> None:
        self.close()

    def close(self) -> None:
        """Give the channel back. Safe to call twice."""
        lease, self._lease, self._link = self._lease, None, None
        if lease:
            lease.release()

    # -- to the host

    def push(self, spec: PushSpec, on_progress: Progress | None = None) -> PushResult:
        """Make or replace a file, in one step: at any moment it is the old or the new one.

        :param on_progress: gets (bytes done, bytes in all), a few times a second
        :raise FileError: a subclass that says why; the host has what it had before
        """
        results: list[PushResult | FileError] = []
        self._push([spec], lambda _spec, result: results.append(result), _steady(on_progress))
        if isinstance(results[0], FileError):
            raise results[0]
        return results[0]

    def push_many(
        self, specs: Iterable[PushSpec], on_result: Callable[[PushSpec, PushResult | FileError], None]
    ) -> None:
        """Push files, many at a time. One that fails does not keep the others from being pushed.

        What concerns all of them (connection, stop, time limit, sudo, no SFTP) is raised; a file without a result
        is not there, or is there completely.

        :param on_result: gets each spec with its result or error, in this thread, as they end
        """
        self._push(specs, on_result, None)

    def delete(self, path: str) -> bool:
        """Delete a file; of a symbolic link the link. Return False when there was none.

        :raise FileUploadFailed: it cannot be deleted, or is a directory
        """
        with self._transfer(FileUploadFailed, path) as link:
            return link.sftp.run(self._delete(link, path))

    # -- from the host

    def pull(
        self, path: str, out: BinaryIO, limit: int | None = None, on_progress: Progress | None = None
    ) -> HostFile:
        """Read a file piece by piece.

        :param out: gets the content; what it has got when this raises is of no use
        :param limit: more bytes than this are an error
        :raise FileMissing, FileTooLarge, FileDownloadFailed:
        """
        with self._transfer(FileDownloadFailed, path) as link:
            return link.sftp.run(self._pull(link, path, out, limit, _steady(on_progress)))

    def tail(self, path: str, size: int) -> bytes:
        """Return the last bytes of a file, at most ``size``.

        :raise FileMissing, FileDownloadFailed:
        """
        with self._transfer(FileDownloadFailed, path) as link:
            return link.sftp.run(self._tail(link, path, size))

    def stat(self, path: str, digest: bool = False) -> HostFile | None:
        """Return facts about a file, None when there is none (or a symbolic link that leads nowhere).

        :param digest: with the SHA-256 of its content, which the host makes where it can
        :raise FileDownloadFailed: it is something else than a file, or may not be looked at
        """
        with self._transfer(FileDownloadFailed, path) as link:
            return link.sftp.run(self._stat(link, path, digest))

    # -- tasks

    def _push(self, specs: Iterable[PushSpec], on_result: Callable, on_progress: Progress | None) -> None:
        def done(spec: PushSpec, result: Any) -> None:
            if isinstance(result, Exception) and not isinstance(result, FileError):
                raise result
            on_result(spec, result)

        with self._transfer(FileUploadFailed, "") as link:
            tasks = ((spec, self._upload(link, spec, on_progress)) for spec in specs)
            link.sftp.run_all(tasks, done, min(FILES_AT_ONCE, link.sftp.open_files))

    def _upload(self, link: Link, spec: PushSpec, on_progress: Progress | None) -> Task:
        full = absolute(spec.path, link.home, FileUploadFailed, self._target)
        ids = self._names.ids(spec.owner, spec.group, spec.path)
        return (yield from Upload(link, spec, full, ids, on_progress).steps())

    def _download(self, link: Link, path: str) -> Download:
        return Download(link, path, absolute(path, link.home, FileDownloadFailed, self._target))

    def _pull(self, link: Link, path: str, out: BinaryIO, limit: int | None, on_progress) -> Task:
        download = self._download(link, path)
        found, is_link = yield from download.must_exist()
        digest, done = Digest(out.write), 0

        def take(data) -> None:
            nonlocal done
            digest(data)
            done += len(data)
            if on_progress:
                on_progress(done, max(done, found.size or 0))

        size = yield from download.content(take, found.size or 0, limit=limit)
        names = yield from self._names.of(link.sftp, found.uid, found.gid)
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
        names = yield from self._names.of(link.sftp, found.uid, found.gid)
        sha256 = (yield from self._hash(download, found.size or 0)) if digest else ""
        return download.facts(found, found.size or 0, is_link, sha256, names)

    def _hash(self, download: Download, size: int) -> Task:
        if size > READ_TO_HASH_BYTES:
            printed = self._run_script(_HASH.format(quote_path(download.full))).stdout
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
                what = f"is {kind_of(found)} and was not deleted"
                raise from_sftp(
                    FileUploadFailed, path, self._target, what, SftpStatus(wire.FAILURE), "only files are"
                )
            yield link.sftp.remove(full)
        except SftpStatus as err:
            if err.code == wire.NO_SUCH_FILE:
                return False
            raise from_sftp(FileUploadFailed, path, self._target, "cannot be deleted", err) from err
        return True

    # -- channels

    @contextmanager
    def _transfer(self, kind: type[FileError], path: str):
        """Give a link to work on; turn what breaks it into errors and clean up."""
        link: Link | None = None
        try:
            link = self._open_link()
            yield link
        except SftpError as err:
            self._abandon(link)
            raise from_sftp(kind, path or "The files", self._target, "cannot be transferred", err) from err
        except ConnectionLost:
            self._reconnect_to_clean(link)
            raise
        except FileError:
            if link is None or not link.sftp.usable:
                self._abandon(link)
            raise
        except BaseException:
            self._abandon(link)
            raise

    def _open_link(self) -> Link:
        if self._link is None:
            self._watch.left_s  # noqa: B018 - raises when the time is over
            self._lease = self._pool.open_channel(self._target, self._stop)
            sftp = Sftp(self._target, self._lease, self._watch)
            sftp.start()
            self._link = Link(self._target, sftp)
        return self._link

    def _abandon(self, link: Link | None) -> None:
        """Remove what tasks left, in bounded time, and give the channel back."""
        try:
            if link:
                link.sftp.finish(CLEAN_UP_S)
        except (ConnectError, SftpNonsense):
            pass  # it was an attempt; what is wrong is being raised already
        finally:
            self.close()

    def _reconnect_to_clean(self, link: Link | None) -> None:
        left = link.left_over() if link else []
        if self._lease:
            self._lease.discard()
        self.close()
        if not left or (self._stop and self._stop.is_set()):
            return
        limit = StopSignal()
        timer = threading.Timer(RECONNECT_S, limit.request)
        timer.daemon = True
        timer.start()
        unsubscribe = self._stop.subscribe(limit.request) if self._stop else None
        try:
            with self._pool.open_channel(self._target, limit) as lease:
                sftp = Sftp(self._target, lease, Watch(self._target, limit))
                sftp.start()
                for path in left:
                    sftp.remove(path)
                sftp.finish(CLEAN_UP_S)
        except (ConnectError, SftpError, StopRequested):
            pass  # the host cannot be reached; the error that is being raised says so
        finally:
            timer.cancel()
            if unsubscribe:
                unsubscribe()

    def _run_script(self, code: str) -> CommandResult:
        """Run a small script as the log-in user."""
        limit = self._watch.left_s
        clocks = Clocks(step_timeout_s=limit, silence_timeout_s=self._watch.silence_timeout_s)
        return run_script(self._pool, self._target, ScriptSpec(code), clocks, stop=self._stop)


def _steady(on_progress: Progress | None) -> Progress | None:
    """Pass on what comes at most a few times a second, and always the end."""
    if on_progress is None:
        return None
    last = 0.0

    def pass_on(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done >= total or now - last >= _PROGRESS_EVERY_S:
            last = now
            on_progress(done, total)

    return pass_on
