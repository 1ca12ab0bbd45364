"""Gives a session access to its host: an SFTP channel on demand, scripts, and clean-up after failures."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from ...errors import ConnectError, ConnectionLost, FileError
from ...script.conversation import ScriptSpec
from ..lease import Lease
from ..pool import ConnectionPool
from ..running.collecting import Output
from ..running.command_result import CommandResult
from ..running.run_script import Clocks, run_script
from ..running.stopping import StopRequested, StopSignal
from ..sftp import Sftp
from ..sftp_wire import SftpError, SftpNonsense
from ..target import Target
from ..watching import Watch
from .failures import from_sftp
from .leftovers import Owner
from .link import Link, remove_temporary
from .names import Names

#: After a stop or a failure, temporary files are removed for this long at most.
CLEAN_UP_S = 2.0
#: After the connection broke, this long is tried to remove them over a new one.
RECONNECT_S = 5.0


class HostAccess:
    """Provides :class:`Link` and runs scripts. Used by one thread."""

    def __init__(
        self, pool: ConnectionPool, target: Target, stop: StopSignal | None, watch: Watch, owner: Owner | None
    ):
        self.target = target
        self.owner = owner or Owner()
        self.names = Names(target, self.run_script)
        self._pool = pool
        self._stop = stop
        self._watch = watch
        self._lease: Lease | None = None
        self._link: Link | None = None

    def close(self) -> None:
        """Give the channel back. Safe to call twice."""
        lease, self._lease, self._link = self._lease, None, None
        if lease:
            lease.release()

    @contextmanager
    def transfer(self, kind: type[FileError], path: str):
        """Provide a link; turn what breaks it into errors, and clean up.

        :param kind: of the error when the host's SFTP server is of no use
        """
        link: Link | None = None
        try:
            link = self._open_link()
            yield link
        except SftpError as err:
            self._abandon(link)
            raise from_sftp(kind, path or "The files", self.target, "cannot be transferred", err) from err
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

    def finish(self, link: Link) -> None:
        """Wait for the removal of temporary files; if the connection breaks, remove them over another one."""
        try:
            link.sftp.finish(CLEAN_UP_S)
            link.forget_removed()
        except ConnectionLost:
            self._reconnect_to_clean(link)

    def _open_link(self) -> Link:
        if self._link is None:
            self._watch.check_time()
            self._lease = self._pool.open_channel(self.target, self._stop, self._watch.left_s)
            sftp = Sftp(self.target, self._lease, self._watch)
            sftp.start()
            self._link = Link(self.target, sftp, self.owner)
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
            with self._pool.open_channel(self.target, limit) as lease:
                sftp = Sftp(self.target, lease, Watch(self.target, limit))
                sftp.start()
                for path, is_directory in left:
                    remove_temporary(sftp, path, is_directory)
                sftp.finish(CLEAN_UP_S)
        except (ConnectError, SftpError, StopRequested):
            pass  # the host cannot be reached; the error that is being raised says so
        finally:
            timer.cancel()
            if unsubscribe:
                unsubscribe()

    def run_script(
        self, spec: str | ScriptSpec, limit_s: float = 0, output: Output | None = None
    ) -> CommandResult:
        """Run a script of ours; plain code runs as the log-in user.

        :param limit_s: time limit in seconds if the session has more time left; 0: no limit
        """
        spec = ScriptSpec(spec, plain_sh=True) if isinstance(spec, str) else spec
        limits = [limit for limit in (self._watch.left_s, limit_s) if limit]
        clocks = Clocks(
            step_timeout_s=min(limits, default=0), silence_timeout_s=self._watch.silence_timeout_s
        )
        channels = self._pool.beside if self._lease else self._pool
        return run_script(channels, self.target, spec, clocks, output, self._stop)
