"""A pool of daemon threads: started when needed, ended when idle, never delaying a shutdown."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

_logger = logging.getLogger(__name__)

IDLE_S = 30  # a lane without work for this long ends


class Lanes:
    """Runs callables in daemon threads.

    The standard library's executor joins its threads when the process exits: a command that runs for an
    hour would delay the restart of Tower. Runs that a daemon thread leaves behind are found by their lease.
    """

    def __init__(self, name: str):
        self._name = name
        self._queue: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = 0
        self._lock = threading.Lock()

    def submit(self, task: Callable[[], None]) -> None:
        """Run ``task`` in an idle lane, or in a new one."""
        with self._lock:
            if self._idle:
                self._idle -= 1
                self._queue.put(task)
                return
        threading.Thread(target=self._loop, args=(task,), name=self._name, daemon=True).start()

    def _loop(self, task: Callable[[], None] | None) -> None:
        while task:
            try:
                task()
            except Exception:
                _logger.exception("a lane's task failed")
            task = self._next()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            self._idle += 1
        while True:
            try:
                return self._queue.get(timeout=IDLE_S)
            except queue.Empty:
                with self._lock:
                    if self._queue.empty():
                        self._idle -= 1
                        return None
