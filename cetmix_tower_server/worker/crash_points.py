"""Named places where a test may kill the process, see ``tests/acceptance/dying.py``.

Set ``TOWER_CRASH_POINT`` in the environment of a test's Odoo process to the name of one of them, optionally with ``:N``
for the N-th time that a process reaches it. Or set it to the path of a file: once the file exists, its content names the
place. The first process to reach that place renames the file to ``PATH.PID`` and dies, so each file kills one process.
Unset (always, outside tests), reaching one costs a comparison.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections import defaultdict

_spec = os.environ.get("TOWER_CRASH_POINT", "")
_reached = defaultdict(lambda: itertools.count(1))


def reached(name: str) -> None:
    """Die like ``kill -9`` when the environment asks for it at this point."""
    if _spec and (_is_due_in_file(name) if os.path.isabs(_spec) else _is_due(_spec, name)):
        os.kill(os.getpid(), signal.SIGKILL)


def _is_due_in_file(name: str) -> bool:
    """Return whether the file names this point and no other process was the first to reach it."""
    try:
        with open(_spec) as file:
            is_due = _is_due(file.read().strip(), name)
        if is_due:
            os.rename(_spec, f"{_spec}.{os.getpid()}")
    except FileNotFoundError:
        return False
    return is_due


def _is_due(spec: str, name: str) -> bool:
    wanted, _, count = spec.partition(":")
    return wanted == name and next(_reached[spec]) >= int(count or 1)
