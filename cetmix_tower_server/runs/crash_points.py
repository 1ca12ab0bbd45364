"""Named places where a test may let the process die, see ``tests/acceptance``.

Set ``TOWER_CRASH_POINT`` in the environment of a test's Odoo process to the name of one of them, optionally
with ``:N`` for the N-th time it is reached. Unset (always, outside tests), reaching one costs a comparison.
"""

from __future__ import annotations

import itertools
import os
import signal

_wanted, _, _count = os.environ.get("TOWER_CRASH_POINT", "").partition(":")
_reached = itertools.count(1)


def reached(name: str) -> None:
    """Die like ``kill -9`` when the environment asks for it at this point."""
    if _wanted and name == _wanted and next(_reached) >= int(_count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
