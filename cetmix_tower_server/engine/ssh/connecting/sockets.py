"""Names, addresses and TCP; a socket that knows when its peer was last heard."""

from __future__ import annotations

import select
import socket
import time

from paramiko.ssh_exception import SSHException

from ...errors import ConnectError, ConnectionRefused, ConnectTimeout, NameResolutionError
from ..target import Target

READ_AHEAD = 65536
#: How often the tunnel through a jump host is asked whether it takes data.
_TUNNEL_CHECK_S = 0.01
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # Linux only
_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)


def resolve(target: Target) -> list[tuple]:
    """Return the addresses of a host, as :func:`socket.getaddrinfo` does, in the system's order.

    The system's resolver has no time limit of ours: callers bound it by running it in a thread.

    :raise NameResolutionError: the name has no address
    """
    try:
        return socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as err:
        reason = getattr(err, "strerror", None) or "not a host name"
        raise NameResolutionError(
            f"The name of {target.label} cannot be resolved: {reason}. Check the host name and the DNS.",
            target.host,
            target.port,
        ) from err


def open_socket(target: Target, addresses: list[tuple], deadline: float) -> socket.socket:
    """Connect to the first address that answers.

    :param deadline: on the monotonic clock; the time is shared fairly between the addresses
    :raise ConnectionRefused, ConnectTimeout, ConnectError: what the last address answered
    """
    error: OSError | None = None
    for index, (family, kind, proto, _name, address) in enumerate(addresses):
        left = (deadline - time.monotonic()) / (len(addresses) - index)
        if left <= 0:
            break
        sock = socket.socket(family, kind, proto)
        try:
            sock.settimeout(left)
            sock.connect(address)
            return sock
        except OSError as err:
            sock.close()
            error = err
    raise _explain(target, error) from error


def _explain(target: Target, err: OSError | None) -> ConnectError:
    if isinstance(err, ConnectionRefusedError):
        text = f"{target.label} refused the connection: nothing is listening on port {target.port}."
        return ConnectionRefused(text, target.host, target.port)
    if err is None or isinstance(err, TimeoutError):
        text = (
            f"{target.label} did not answer within {target.settings.connect_timeout_s:g} s."
            " Check address, port and firewall."
        )
        return ConnectTimeout(text, target.host, target.port)
    text = f"{target.label} cannot be reached: {err.strerror or err}."
    return ConnectError(text, target.host, target.port)


class WatchedSocket:
    """A socket (or a channel through a jump host) as paramiko's transport needs it, with five additions.

    * It reads ahead, so that a packet costs one system call instead of three.
    * ``last_received`` tells when the peer was last heard (monotonic seconds).
    * Delayed acknowledgements are switched off while connecting: halves the handshake on Linux.
    * ``writable`` tells whether a write would wait.
    * A write that makes no progress for ``stall_limit_s`` seconds fails instead of waiting for ever.
    """

    def __init__(self, sock, stall_limit_s: float):
        self._sock = sock
        self._stall_limit_s = stall_limit_s
        self._buffer = b""
        self._position = 0
        self._closed = False  # name expected by paramiko.Transport.stop_thread
        self._is_tcp = isinstance(sock, socket.socket)
        self._quick = self._is_tcp and _QUICKACK is not None
        self.last_received = time.monotonic()
        if self._is_tcp:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if _USER_TIMEOUT is not None and stall_limit_s:
                sock.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, int(stall_limit_s * 1000))

    def settimeout(self, timeout: float | None) -> None:
        self._sock.settimeout(timeout)

    def end_handshake(self) -> None:
        """Leave acknowledgements to the kernel again."""
        self._quick = False

    def recv(self, size: int) -> bytes:
        if self._position >= len(self._buffer):
            if self._quick:  # the option does not stick
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            self._buffer = self._sock.recv(READ_AHEAD)
            self._position = 0
            self.last_received = time.monotonic()
        data = self._buffer[self._position : self._position + size]
        self._position += len(data)
        return data

    def send(self, data: bytes) -> int:
        started = time.monotonic()
        while True:
            try:
                return self._sock.send(data)
            except TimeoutError:
                if self._closed:
                    raise ConnectionAbortedError("closed here") from None
                if self._stall_limit_s and time.monotonic() - started > self._stall_limit_s:
                    raise ConnectionAbortedError("the peer takes no data") from None

    def writable(self, timeout_s: float) -> bool:
        """Return whether a packet can be sent without waiting, waiting for that up to a time."""
        if not self._is_tcp:
            if not self._sock.send_ready() and timeout_s and not self._sock.closed:
                time.sleep(min(timeout_s, _TUNNEL_CHECK_S))
            return self._sock.send_ready() or self._sock.closed
        try:
            poll = select.poll()
            poll.register(self._sock, select.POLLOUT)
            return bool(poll.poll(timeout_s * 1000))
        except (OSError, ValueError):
            return True  # closed: sending says so

    def close(self) -> None:
        """Close, and wake a thread that waits in ``recv`` (closing alone does not)."""
        self._closed = True
        if self._is_tcp:
            try:
                self._sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        try:
            self._sock.close()
        except (EOFError, OSError, SSHException):
            pass  # a tunnel says good-bye to a jump host that may be gone

    def forget(self) -> None:
        """Close this process's copy only: after a fork the connection belongs to the parent."""
        self._closed = True
        if self._is_tcp:
            self._sock.close()
