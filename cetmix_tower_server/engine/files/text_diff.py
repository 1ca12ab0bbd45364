"""The difference of two texts as rows that can stand side by side."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SAME, CHANGED, ADDED, REMOVED, GAP = "same", "changed", "added", "removed", "gap"
CONTEXT = 3  # lines shown before and after a change
ROWS_MAX = 2000
LINES_MAX = 20_000  # of both texts together: comparing more takes too long
LINE_MAX = 2000  # characters of a line that are shown


@dataclass(frozen=True)
class Difference:
    """What two texts have that the other has not.

    :param rows: (kind, number of the old line or 0, old line, number of the new line or 0, new line); of a gap the first
        number says how many lines are left out
    :param is_cut: there are more rows than these
    :param too_long: the texts were not compared at all
    """

    rows: list[tuple[str, int, str, int, str]]
    is_cut: bool = False
    too_long: bool = False


def side_by_side(old: str, new: str) -> Difference:
    """Return the rows that show how to get from one text to the other; none when they are equal."""
    if old == new:
        return Difference([])
    olds, news = _lines(old), _lines(new)
    if len(olds) + len(news) > LINES_MAX:
        return Difference([], too_long=True)
    rows = []
    for row in _rows(olds, news):
        if len(rows) >= ROWS_MAX:
            return Difference(rows, is_cut=True)
        rows.append(row)
    return Difference(rows)


def _lines(text: str) -> list[str]:
    """Return the lines with their ends, so that a missing last line break is a difference."""
    return text.splitlines(keepends=True)


def _rows(olds: Sequence[str], news: Sequence[str]) -> Iterator[tuple[str, int, str, int, str]]:
    end = 0
    for group in difflib.SequenceMatcher(None, olds, news).get_grouped_opcodes(CONTEXT):
        start = group[0][1]
        if start > end:
            yield (GAP, start - end, "", 0, "")
        for kind, old_from, old_to, new_from, new_to in group:
            for offset in range(max(old_to - old_from, new_to - new_from)):
                old_at, new_at = old_from + offset, new_from + offset
                old = _shown(olds[old_at], kind) if old_at < old_to else ""
                new = _shown(news[new_at], kind) if new_at < new_to else ""
                yield (
                    _kind(kind, old_at < old_to, new_at < new_to),
                    old_at + 1 if old_at < old_to else 0,
                    old,
                    new_at + 1 if new_at < new_to else 0,
                    new,
                )
        end = group[-1][2]
    if end < len(olds):
        yield (GAP, len(olds) - end, "", 0, "")


def _kind(kind: str, has_old: bool, has_new: bool) -> str:
    if kind == "equal":
        return SAME
    return CHANGED if has_old and has_new else REMOVED if has_old else ADDED


def _shown(line: str, kind: str) -> str:
    """Return a line as it is shown: what cannot be seen, but differs, gets a sign."""
    text = line.rstrip("\r\n")
    if kind != "equal":
        if not line.endswith(("\n", "\r")):
            text += "\N{RIGHTWARDS ARROW TO BAR}"  # the text ends here, without a line break
        elif line.endswith("\r\n"):
            text += "\N{SYMBOL FOR CARRIAGE RETURN}"
    return text if len(text) <= LINE_MAX else text[:LINE_MAX] + "…"
