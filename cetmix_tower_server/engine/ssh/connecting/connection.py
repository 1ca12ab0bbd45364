"""One connection to a host: opens it step by step, opens channels on it, checks that the host is alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from paramiko.ssh_exception import IncompatiblePeer, SSHException

from ...errors import ChannelRefused, ConnectError, ConnectionLost, ConnectTimeout
from ..errors import lost, lost_if_broken, where
from ..target import ConnectSettings, Target
from . import sockets
from .host_key import HostKey, check_host_key, stored_key
from .login import authenticate
from .transport import CIPHERS, MACS, CommandChannel, CommandTransport

#: How often a wait checks whether the connection ended silently.
_CHECK_S = 0.5
#: How long sshd may take to notice the end of a session, and how often it is asked for another one meanwhile.
_ENDING_S = 0.5
_ASK_AGAIN_S = 0.02


class Connection:
    """An authenticated connection. Threads may share it; each opens channels of its own."""

    def __init__(self, target: Target, transport: CommandTransport, sock, on_close: Callable[[], None]):
        self.target = target
        self.transport = transport
        self._sock = sock
        self._on_close = on_close
        self._asked_at = 0.0
        self.retired = False  # no new channels; closed when the last one is gone

    @property
    def alive(self) -> bool:
        return not self.retired and self.transport.is_active()

    def open_channel(self, timeout_s: float) -> CommandChannel:
        """Open a session channel.

        :raise ChannelRefused: the host allows no more sessions (MaxSessions)
        :raise ConnectionLost, ConnectTimeout: the connection can no longer be used
        """
        deadline = time.monotonic() + timeout_s
        while True:
            channel = self._ask_for_session(deadline, timeout_s)
            if not channel.open_error:
                break
            # sshd releases a session a moment after both sides have closed it, and refuses another one until then
            now = time.monotonic()
            sessions, closing = channel.sessions_before
            one_ends = closing == sessions > 0 or now - self.transport.last_session_gone < _ENDING_S
            if not one_ends or now > deadline:
                raise ChannelRefused(
                    f"{self.target.label} refused another session on the connection: {channel.open_error}."
                    " Its sshd may limit sessions (MaxSessions).",
                    *where(self.target),
                    sessions=sessions,
                )
            time.sleep(_ASK_AGAIN_S)
        if not channel.active or channel.closed:
            raise lost(self.target)
        return channel

    def _ask_for_session(self, deadline: float, timeout_s: float) -> CommandChannel:
        with lost_if_broken(self.target):
            channel = self.transport.begin_session()
            while not channel.opened.wait(_CHECK_S) and self.transport.is_active():
                if time.monotonic() > deadline:
                    raise ConnectTimeout(
                        f"{self.target.label} did not open a session within {timeout_s:g} s.",
                        *where(self.target),
                    )
        return channel

    def writable(self, timeout_s: float) -> bool:
        """Return whether a packet can be sent without waiting, waiting for that up to a time."""
        return self._sock.writable(timeout_s)

    def check_life(self, settings: ConnectSettings, now: float) -> float:
        """Send a keepalive to a silent host.

        :return: when to check again (monotonic seconds)
        :raise ConnectionLost: it has been silent for too long
        """
        interval = settings.keepalive_interval_s
        if not interval:
            return now + 3600
        heard = self._sock.last_received
        if now - heard >= settings.dead_after_s:
            raise ConnectionLost(
                f"{self.target.label} has not responded for {settings.dead_after_s:g} s.",
                *where(self.target),
            )
        if now - max(heard, self._asked_at) >= interval:
            self._asked_at = now
            if self._sock.writable(0):  # or else the host owes us an answer to what is on its way already
                with lost_if_broken(self.target):
                    self.transport.ask_for_life()
        return min(max(heard, self._asked_at) + interval, heard + settings.dead_after_s)

    def close(self) -> None:
        self.retired = True
        self.transport.close()
        self._sock.close()
        self._on_close()

    def forget(self) -> None:
        """Drop a connection of the parent process without sending anything to the host."""
        self.retired = True
        self.transport.active = False
        self._sock.forget()


def connect(target: Target, sock, deadline: float, on_close: Callable[[], None] = lambda: None) -> Connection:
    """Log in over a connected socket (or a channel through a jump host).

    :param deadline: for banner and key exchange, on the monotonic clock
    :param on_close: called once when the connection is closed, e.g. to give the jump host back
    :raise ConnectError: a subclass that says which step failed; the socket is closed then
    """
    try:
        transport, watched = handshake(target, sock, deadline)
    except BaseException:
        sock.close()
        raise
    try:
        check_host_key(target, host_key_of(transport))
        authenticate(target, transport)
        watched.end_handshake()
    except BaseException:
        transport.close()
        watched.close()
        raise
    return Connection(target, transport, watched, on_close)


def handshake(target: Target, sock, deadline: float) -> tuple[CommandTransport, sockets.WatchedSocket]:
    """Exchange banners and keys. Nothing secret is sent, and the host key is not checked yet."""
    watched = sockets.WatchedSocket(sock, target.settings.dead_after_s)
    transport = CommandTransport(watched)
    _choose_algorithms(transport, target)
    done = threading.Event()
    transport.start_client(event=done)
    if not done.wait(max(deadline - time.monotonic(), 0.1)):
        transport.close()
        raise ConnectTimeout(
            f"{target.label} accepted the connection but did not answer as an SSH server within"
            f" {target.settings.connect_timeout_s:g} s.",
            *where(target),
        )
    if not transport.is_active() or transport.host_key is None:
        raise _explain_handshake(target, transport.get_exception())
    return transport, watched


def _choose_algorithms(transport: CommandTransport, target: Target) -> None:
    settings, options = target.settings, transport.get_security_options()
    options.ciphers = settings.ciphers or CIPHERS
    options.digests = settings.macs or MACS
    options.kex = settings.kex or options.kex
    options.key_types = settings.host_key_algorithms or options.key_types
    stored = None if target.skip_host_key else stored_key(target)
    if stored:  # ask for the stored type first: only a host without that key presents another one
        options.key_types = sorted(options.key_types, key=lambda name: name not in stored.algorithms)


def _explain_handshake(target: Target, err: Exception | None) -> ConnectError:
    if isinstance(err, IncompatiblePeer):
        return ConnectError(
            f"{target.label} and Tower have no algorithm in common: {err}."
            " Check the algorithms of the server, or update the host's sshd.",
            *where(target),
        )
    if isinstance(err, SSHException) and "banner" in str(err).lower():
        text = (
            f"{target.label} closed the connection or does not speak SSH."
            " Check the port. An sshd that is overloaded or blocks this address also closes connections."
        )
        return ConnectError(text, *where(target))
    if isinstance(err, SSHException):
        return ConnectError(f"The key exchange with {target.label} failed: {err}.", *where(target))
    return ConnectionLost(f"{target.label} closed the connection during the key exchange.", *where(target))


def host_key_of(transport: CommandTransport) -> HostKey:
    return HostKey.from_blob(transport.host_key.asbytes())
