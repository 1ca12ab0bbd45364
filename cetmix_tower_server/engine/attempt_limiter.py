"""A limit on wrong guesses, kept in memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from time import monotonic


class AttemptLimiter:
    """Counts failures by caller, and blocks a caller after too many within a period.

    Each process counts on its own, so N workers allow N times the limit. That is enough against
    guessing: the guarded secrets have far more possible values.

    :param limit: failures allowed within ``period_s``
    :param period_s: seconds after which a failure is forgotten
    :param clock: seconds, for tests
    """

    def __init__(self, limit: int, period_s: float, clock: Callable[[], float] = monotonic):
        self.limit = limit
        self.period_s = period_s
        self._clock = clock
        self._failures: dict[Hashable, deque[float]] = {}
        self._lock = threading.Lock()

    def is_blocked(self, who: Hashable) -> bool:
        """Return whether ``who`` has no attempt left for now."""
        with self._lock:
            return len(self._recent(who)) >= self.limit

    def add_failure(self, who: Hashable) -> None:
        """Count a failure of ``who``."""
        with self._lock:
            recent = self._recent(who)
            recent.append(self._clock())
            self._failures[who] = recent

    def _recent(self, who: Hashable) -> deque[float]:
        failures = self._failures.get(who, deque())
        while failures and failures[0] <= self._clock() - self.period_s:
            failures.popleft()
        if not failures:
            self._failures.pop(who, None)
        return failures
