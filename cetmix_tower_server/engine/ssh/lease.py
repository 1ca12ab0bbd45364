"""The pool's records of its connections, and the leases that callers hold. See :mod:`.pool`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import Enum

from paramiko.ssh_exception import SSHException

from ..errors import ConnectError
from .connecting.connection import Connection
from .connecting.transport import CommandChannel


class Wanted(Enum):
    """What a place on a connection is for."""

    SESSION = "session"
    BESIDE = "beside"  # one more session for somebody who has one and keeps it
    TUNNEL = "tunnel"  # to a host behind this one; sshd does not count it as a session


class Pooled:
    """A connection and its counters. Hold the pool's lock for every access.

    :ivar extra: only for those who have a session already
    :ivar capacity: leases at once, of any kind
    :ivar busy: leases; ``sessions`` of them are for a session (the others are tunnels through a jump host)
    """

    def __init__(self, connection: Connection, capacity: int, extra: bool = False):
        self.connection = connection
        self.extra = extra
        self.capacity = capacity
        self.busy = 0
        self.sessions = 0
        self.used = False
        self.idle_since = time.monotonic()


class Pending:
    """A connection that is being established."""

    def __init__(self, extra: bool = False):
        self.extra = extra
        self.done = False
        self.error: ConnectError | None = None
        self.expected = 0  # callers that wait for it


class Slot:
    """All connections of one target.

    :ivar session_limit: sessions that the host allows on a connection, once it has refused one more
    """

    def __init__(self, lock: threading.RLock):
        self.changed = threading.Condition(lock)
        self.pooled: list[Pooled] = []
        self.pending: list[Pending] = []
        self.waiting = 0
        self.session_limit: int | None = None

    def has_place(self, pooled: Pooled, wanted: Wanted) -> bool:
        """Return whether one more lease fits on a connection."""
        if not pooled.connection.alive or pooled.busy >= pooled.capacity:
            return False
        if pooled.extra and wanted is not Wanted.BESIDE:
            return False
        if wanted is Wanted.TUNNEL or self.session_limit is None:
            return True
        _all, closing = pooled.connection.transport.sessions()  # the host still counts these
        return pooled.sessions + closing < self.session_limit

    @property
    def in_use(self) -> bool:
        return any(pooled.busy and pooled.connection.alive for pooled in self.pooled)


LeaseCallback = Callable[["Lease"], None]


class Lease:
    """The right to one channel on a pooled connection. Return it with :meth:`release`."""

    def __init__(
        self, slot: Slot, place: Pooled, wanted: Wanted, give_back: LeaseCallback, retire: LeaseCallback
    ):
        self.slot = slot
        self.place = place
        self.wanted = wanted
        self._give_back = give_back
        self._retire = retire
        self._open = True
        self.reused = place.used
        self.channel: CommandChannel | None = None
        place.used = True

    @property
    def connection(self) -> Connection:
        return self.place.connection

    def release(self) -> None:
        """Close the channel and return the place. Safe to call twice."""
        if self.channel is not None:
            try:
                self.channel.close()
            except (EOFError, OSError, SSHException):
                pass  # the connection is gone, and the channel with it
        if self._open:
            self._open = False
            self._give_back(self)

    def discard(self) -> None:
        """Return the place, and retire this connection and the idle ones to the same target."""
        self._retire(self)
        self.release()

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_exc) -> None:
        self.release()
