"""Regular expressions of authors, matched in bounded time.

Python's ``re`` may take time that grows exponentially with the text, and everything else in the process waits. So a
pattern is matched here only if counting shows that there are few ways to match it; all others go to a child process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ..bounded import pool

try:
    from re import _constants as constants
    from re import _parser as parser  # type: ignore[attr-defined]
except ImportError:  # Python 3.10
    import sre_constants as constants  # type: ignore[no-redef]
    import sre_parse as parser  # type: ignore[no-redef]

PATTERN_MAX = 500  # characters of a pattern that is matched here
TEXT_MAX = 10_000  # characters of a text that is matched here
WAYS_MAX = 100_000  # ways to match, times the characters that each of them may read
_SINGLE = frozenset({constants.LITERAL, constants.NOT_LITERAL, constants.ANY, constants.IN, constants.AT})
_REPEATS = frozenset({constants.MAX_REPEAT, constants.MIN_REPEAT})


def fullmatch(pattern: str, text: str, what: str = "the validation pattern") -> bool:
    """Return whether a pattern matches the whole text.

    :param what: what messages call the pattern
    :raise OutOfBudget: matching takes too long
    :raise ValueError: not a regular expression
    """
    if not pool.is_child and not is_quick(pattern, len(text)):
        return bool(pool.run("match", pattern, text, what=what))
    try:
        return re.fullmatch(pattern, text) is not None
    except (re.error, OverflowError) as error:
        raise ValueError(str(error)) from None


def find_problem(pattern: str, what: str = "the validation pattern") -> str:
    """Return why a text is not a regular expression, or "".

    :raise OutOfBudget: checking takes too long
    """
    if not pool.is_child and not is_quick(pattern, 0):
        return str(pool.run("check_pattern", pattern, what=what))
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return str(error) or "it is nested too deeply"
    return ""


@lru_cache(maxsize=4096)
def is_quick(pattern: str, size: int) -> bool:
    """Return whether matching a pattern against a text of ``size`` characters certainly takes next to no time."""
    if len(pattern) > PATTERN_MAX or size > TEXT_MAX:
        return False
    try:
        parsed = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    if parsed.state.flags & ~re.UNICODE:
        return False
    return _ways(parsed, size) * (size + len(pattern)) <= WAYS_MAX


def _ways(items: Iterable, size: int) -> float:
    """Return an upper limit of how many ways there are to match, of which a failing match tries all."""
    ways = 1.0
    for kind, argument in items:
        if kind in _SINGLE:
            continue
        if kind is constants.SUBPATTERN:
            _group, added, removed, inner = argument
            ways *= float("inf") if added or removed else _ways(inner, size)
        elif kind is constants.BRANCH:
            ways *= sum(_ways(branch, size) for branch in argument[1])
        elif kind in _REPEATS:
            least, most, inner = argument
            ways *= _repeated(int(least), min(int(most), max(size, int(least))), _ways(inner, size))
        else:
            return float("inf")
        if ways > WAYS_MAX:
            return float("inf")
    return ways


def _repeated(least: int, most: int, ways: float) -> float:
    """Return in how many ways something can be repeated."""
    if ways == 1:
        return most - least + 1
    if ways > WAYS_MAX:
        return float("inf")
    total = 0.0
    for count in range(least, most + 1):
        total += ways**count if count < 100 else float("inf")
        if total > WAYS_MAX:
            return float("inf")
    return total
