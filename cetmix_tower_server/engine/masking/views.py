"""Views of a text to search in: without what a terminal does not show, and without the line breaks of encoders."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

# What is in a text and not on the screen: escape sequences (those that are not complete at its end, too) and NUL, as between
# the letters of UTF-16. Each alternative begins with a character of its own, which makes the search for it fast.
_SEQUENCES = (
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}(?:[@-~]|\Z)"
    r"|[\]PX^_][^\x07\x1b\x9c]{0,512}(?:\x07|\x1b\\|\x9c|\x1b?\Z)"
    r"|[ -/]{0,8}(?:[0-~]|\Z))"
    r"|\x9b[0-?]{0,64}[ -/]{0,8}(?:[@-~]|\Z)"
    r"|\x9d[^\x07\x1b\x9c]{0,512}(?:\x07|\x1b\\|\x9c|\x1b?\Z)"
    r"|\x00"
)
INVISIBLE = re.compile(_SEQUENCES)
# Also characters that are overwritten, as in bold text of manual pages.
_INVISIBLE_OR_OVERWRITTEN = re.compile(rf"{_SEQUENCES}|[^\x1b\x08\n]\x08")
_MARKS = ("\x1b", "\x9b", "\x9d", "\x08", "\x00")
# What stands between the lines of base64 and of hexadecimal dumps; where lines are indented, or are the text of JSON, also between
# words.
_BREAKS = re.compile(r"[\r\n]+")
_BETWEEN = re.compile(r"\\(?:[nr]|\Z)|[ \t\r\n]+")
_BETWEEN_BYTES = b" \t\r\n"
_INDENTED = re.compile(rb"\n[ \t]")
_ESCAPED_BREAK = re.compile(rb"\\(?:[nr]|\Z)")


class View:
    """A text without what a pattern matches, and where in the original the rest was.

    :param pattern: what is left out
    :param original: the text
    """

    def __init__(self, pattern: re.Pattern[str], original: str):
        self._pattern = pattern
        self._original = original
        self.text = pattern.sub("", original)

    @cached_property
    def _cuts(self) -> tuple[list[int], list[int]]:
        """Return (places in the view before which something was left out, how much up to there)."""
        places, moved, total = [], [0], 0
        for match in self._pattern.finditer(self._original):
            start, end = match.span()
            places.append(start - total)
            total += end - start
            moved.append(total)
        return places, moved

    def place(self, index: int) -> int:
        """Return the position in the original of a character at a position in the view."""
        places, moved = self._cuts
        return index + moved[bisect_right(places, index)]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the original of a span of the view that is not empty."""
        first = self.place(start)
        while first >= 2 and self._original[first - 1] == "\x08":
            first -= 2  # what was overwritten is the same letter once more
        return first, self.place(end - 1) + 1


def visible(text: str) -> View | None:
    """Return the view of a text as a terminal shows it, None when that is the text itself."""
    if not any(mark in text for mark in _MARKS):
        return None
    return View(_INVISIBLE_OR_OVERWRITTEN if "\x08" in text else INVISIBLE, text)


def compact(text: str) -> tuple[str, re.Pattern[str]]:
    """Return the text without what stands between the parts of encoded text, and the pattern of that.

    The text is that of a :class:`View` with this pattern, made faster (searching and replacing bytes is several times faster
    than the same in texts); characters beyond Latin-1 may be others.
    """
    data = text.encode("latin-1", "replace")
    if b"\\" not in data and data[:1] not in (b" ", b"\t") and not _INDENTED.search(data):
        data = data.replace(b"\n", b"")
        return (data.replace(b"\r", b"") if b"\r" in data else data).decode("latin-1"), _BREAKS
    if b"\\" in data:
        data = _ESCAPED_BREAK.sub(b"", data)
    return data.translate(None, _BETWEEN_BYTES).decode("latin-1"), _BETWEEN
