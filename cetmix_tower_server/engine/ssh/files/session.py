"""Pushes, pulls and inspects files of one host. Start reading here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import BinaryIO

from ...errors import FileDownloadFailed, FileError
from ...script.conversation import SudoMode
from ...secret import Secret
from ..pool import ConnectionPool
from ..running.stopping import StopSignal
from ..target import Target
from ..watching import Watch
from .access import HostAccess
from .direct import Direct
from .failures import failure
from .leftovers import Owner
from .privileged import Privileged
from .values import HostFile, Progress, PushResult, PushSpec, Take

_PROGRESS_EVERY_S = 0.1


class FileSession:
    """A session of work with files on one host, in one thread. A context manager.

    Channels are taken from the pool on demand and returned at the end. After an error of the connection
    the next call opens a new one.

    :param sudo: how to reach files that the log-in user may not access
    :param stop: ends a transfer at once
    :param timeout_s: seconds for everything together, from now; 0: no limit
    :param silence_timeout_s: seconds that the host may owe an answer; 0: no limit

    :param owner: whose temporary files these are, and which workers are alive: what dead ones left is removed

    All methods raise, besides what they name: ConnectError (a subclass that says why), StopRequested,
    TransferTimedOut, SudoFailed, ScriptNotRun.
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
        owner: Owner | None = None,
    ):
        watch = Watch(target, stop, timeout_s, silence_timeout_s)
        self._access = HostAccess(pool, target, stop, watch, owner)
        mode = SudoMode(sudo)
        self._way = (
            Direct(self._access) if mode is SudoMode.NONE else Privileged(self._access, mode, sudo_password)
        )

    def __enter__(self) -> FileSession:
        return self

    def __exit__(self, *_exc) -> None:
        self.close()

    def close(self) -> None:
        """Give the channel back. Safe to call twice."""
        self._access.close()

    # -- to the host

    def push(self, spec: PushSpec, on_progress: Progress | None = None) -> PushResult:
        """Create or replace a file in one step: at any moment it is the old or the new one.

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

        :param on_result: gets each spec with its result or error, in this thread, as it ends
        """
        self._push(specs, on_result, None)

    def _push(self, specs: Iterable[PushSpec], on_result, on_progress: Progress | None) -> None:
        left = self._way.push_many(specs, on_result, on_progress)
        if left:
            Privileged(self._access, SudoMode.NONE, None).push_many(left, on_result, on_progress)

    def delete(self, path: str) -> bool:
        """Delete a file; of a symbolic link the link. Return False when there was none.

        :raise FileUploadFailed: it cannot be deleted, or is a directory
        """
        return self._way.delete(path)

    # -- from the host

    def pull(
        self,
        path: str,
        out: BinaryIO,
        limit: int | None = None,
        on_progress: Progress | None = None,
        digest: bool = True,
    ) -> HostFile:
        """Read a file piece by piece.

        :param out: gets the content; incomplete if this raises
        :param limit: more bytes than this are an error
        :param digest: compute the SHA-256 of what was read; takes a sixth of the time of a large file
        :raise FileMissing, FileTooLarge, FileDownloadFailed:
        """
        return self._way.pull(path, self._writer(path, out), limit, _steady(on_progress), digest)

    def _writer(self, path: str, out: BinaryIO) -> Take:
        def take(data: bytes | memoryview) -> None:
            try:
                out.write(data)
            except OSError as err:
                what = "cannot be stored on the Tower host"
                raise failure(
                    FileDownloadFailed, path, self._access.target, what, err.strerror or ""
                ) from err

        return take

    def tail(self, path: str, size: int) -> bytes:
        """Return the last bytes of a file, at most ``size``.

        :raise FileMissing, FileDownloadFailed:
        """
        return self._way.tail(path, size)

    def stat(self, path: str, digest: bool = False) -> HostFile | None:
        """Return facts about a file, None when there is none (or a symbolic link that leads nowhere).

        :param digest: include the SHA-256 of its content, computed by the host if it can
        :raise FileDownloadFailed: not a file, or it may not be inspected
        """
        return self._way.stat(path, digest)


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
