"""Lets processes of Tower die at a chosen place, and tells a test which one did."""

from __future__ import annotations

from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

from plans import until


class CrashPoint:
    """The place where the next process of Tower dies. Exactly one dies for each time it is armed.

    :param folder: for the file that Tower looks at
    """

    def __init__(self, folder: Path):
        self._file = folder / "crash-point"

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the Tower that is to die."""
        return {"TOWER_CRASH_POINT": str(self._file)}

    def arm(self, point: str) -> None:
        """Kill the first process that reaches a point from now on.

        :param point: name of a crash point; ``name:N`` for the N-th time that a process reaches it
        """
        complete = self._file.with_name("next-crash-point")
        complete.write_text(point)
        complete.rename(self._file)

    def wait_for_victim(self, running) -> int:
        """Wait until a process has died and, in prefork mode, its server has noticed.

        :param running: the :class:`instance.Instance`
        :return: the process id
        """
        (trace,) = until(lambda: list(self._file.parent.glob(f"{self._file.name}.*")), 60)
        victim = int(trace.suffix[1:])
        trace.unlink()
        if victim == running.pid:
            running.wait_until_dead()
        else:
            until(lambda: victim not in running.pids())
        return victim


def answer_may_be_lost():
    """Call what starts a run that kills Tower: the process that dies may be the one that answers."""
    return suppress(OSError, HTTPException)
