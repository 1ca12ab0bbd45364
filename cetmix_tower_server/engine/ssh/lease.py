"""What the pool keeps about its connections, and what callers hold of them. See :mod:`.pool`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from paramiko.ssh_exception import SSHException

from ..results import ConnectError
from .connection import Connection
from .transport import CommandChannel


class Pooled:
    """A connection with its book-keeping; every access holds the pool's lock."""

    def __init__(self, connection: Connection, capacity: int):
        self.connection = connection
        self.capacity = capacity
        self.busy = 0
        self.used = False
        self.idle_since = time.monotonic()


class Pending:
    """A connection that is being made."""

    def __init__(self):
        self.done = False
        self.error: ConnectError | None = None
        self.expected = 0  # callers that wait for it


class Slot:
    """All connections of one target."""

    def __init__(self, lock: threading.RLock):
        self.changed = threading.Condition(lock)
        self.pooled: list[Pooled] = []
        self.pending: list[Pending] = []
        self.waiting = 0


PlaceCallback = Callable[[Slot, Pooled], None]


class Lease:
    """The right to one channel on a pooled connection; give it back with :meth:`release`."""

    def __init__(self, slot: Slot, place: Pooled, give_back: PlaceCallback, retire: PlaceCallback):
        self._slot = slot
        self.place = place
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
        """Close the channel and give the place back. Safe to call twice."""
        if self.channel is not None:
            try:
                self.channel.close()
            except (EOFError, OSError, SSHException):
                pass  # the connection is gone, and the channel with it
        if self._open:
            self._open = False
            self._give_back(self._slot, self.place)

    def discard(self) -> None:
        """Give the place back; nobody gets this connection, nor an idle one of the same age, again."""
        self._retire(self._slot, self.place)
        self.release()

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_exc) -> None:
        self.release()
