"""The limits of a wait for a host: stop request, time limit, silence, keepalives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..errors import TransferTimedOut
from .running.stopping import StopRequested, StopSignal
from .target import Target

if TYPE_CHECKING:
    from .connecting.connection import Connection

_NEVER = float("inf")
_LONG_WAIT_S = 3600.0


class Watch:
    """Decides whether to keep waiting, and for how long.

    :param timeout_s: for everything together, from now; 0: none
    :param silence_timeout_s: without any answer of the host while one is awaited; 0: none
    """

    def __init__(
        self,
        target: Target,
        stop: StopSignal | None = None,
        timeout_s: float = 0,
        silence_timeout_s: float = 0,
    ):
        self.target = target
        self.stop = stop
        self.timeout_s = timeout_s
        self.silence_timeout_s = silence_timeout_s
        self._end = time.monotonic() + timeout_s if timeout_s else _NEVER

    @property
    def left_s(self) -> float:
        """Return what is left of the time limit; 0 when there is none.

        :raise TransferTimedOut: nothing is left
        """
        if self._end == _NEVER:
            return 0
        left = self._end - time.monotonic()
        if left <= 0:
            raise self._timed_out()
        return left

    def check_time(self) -> None:
        """Raise what :attr:`left_s` raises."""
        _ = self.left_s

    def check(self, connection: Connection, heard: float, now: float) -> float:
        """Return how many seconds to wait before the next check.

        :param heard: when the host answered last, or was asked
        :raise StopRequested: somebody asked for it
        :raise TransferTimedOut: a limit was reached
        :raise ConnectionLost: the host gives no sign of life
        """
        if self.stop and self.stop.is_set():
            raise StopRequested
        if now >= self._end:
            raise self._timed_out()
        silent_at = heard + self.silence_timeout_s if self.silence_timeout_s else _NEVER
        if now >= silent_at:
            raise TransferTimedOut(
                f"{self.target.label} did not respond for {self.silence_timeout_s:g} s during the file transfer."
            )
        life = connection.check_life(self.target.settings, now)
        return min(max(min(self._end, silent_at, life) - now, 0), _LONG_WAIT_S)

    def _timed_out(self) -> TransferTimedOut:
        return TransferTimedOut(
            f"Timeout of {self.timeout_s:g} s reached during the file transfer with {self.target.label}."
        )
