"""Named places where a test may kill the process, see ``tests/acceptance``.

Set ``TOWER_CRASH_POINT`` in the environment of a test's Odoo process to the name of one of them, optionally
with ``:N`` for the N-th time it is reached, or to the path of a file: once it exists, its content says so.
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
    if _spec and _is_due(name):
        os.kill(os.getpid(), signal.SIGKILL)


def _is_due(name: str) -> bool:
    spec = _spec
    if os.path.isabs(spec):
        try:
            with open(spec) as file:
                spec = file.read().strip()
        except FileNotFoundError:
            return False
    wanted, _, count = spec.partition(":")
    return wanted == name and next(_reached[spec]) >= int(count or 1)
