"""Reaches a host: directly over TCP, or through a connection to a jump host."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from paramiko.ssh_exception import ChannelException, SSHException

from ...errors import ChannelRefused, ConnectError, ConnectTimeout
from ..errors import where
from ..target import Target
from . import sockets
from .connection import Connection, connect

if TYPE_CHECKING:
    from ..lease import Lease


def dial(target: Target, lease_jump: Callable[[Target], Lease]) -> Connection:
    """Connect and log in: directly, or through a place on the jump host's connection.

    :param lease_jump: gives such a place, e.g. ``ConnectionPool.lease``
    :raise ConnectError: a subclass that says which step failed on which host
    """
    deadline = time.monotonic() + target.settings.connect_timeout_s
    if target.jump is None:
        sock = sockets.open_socket(target, sockets.resolve(target), deadline)
        return connect(target, sock, deadline)
    lease = lease_jump(target.jump)
    try:
        deadline = time.monotonic() + target.settings.connect_timeout_s
        return connect(target, open_tunnel(lease, target), deadline, on_close=lease.release)
    except BaseException:
        lease.release()
        raise


def open_tunnel(lease: Lease, target: Target):
    """Let the jump host connect to the target (direct-tcpip, RFC 4254, 7.2)."""
    jump = lease.connection.target
    try:
        return lease.connection.transport.open_channel(
            "direct-tcpip", where(target), ("127.0.0.1", 0), timeout=target.settings.connect_timeout_s
        )
    except ChannelException as err:
        if err.code == 1:
            text = f"The jump host {jump.label} does not allow connections to {target.label} (AllowTcpForwarding)."
            raise ChannelRefused(text, *where(target)) from err
        text = f"The jump host {jump.label} cannot connect to {target.label}: {err.text}."
        raise ConnectError(text, *where(target)) from err
    except (SSHException, EOFError, OSError) as err:
        text = f"The jump host {jump.label} did not connect to {target.label}."
        raise ConnectTimeout(text, *where(target)) from err
