"""Convert terminal output to HTML (colours as classes, everything else escaped) or to the text that a terminal shows.

The text reaches the HTML only as escaped characters, and the only element is ``<span class="...">`` with classes from
:data:`CLASSES`: a host can neither run code in a browser nor choose a style. Time and size of the result are linear in
the size of the text. ``docs/developer/libraries.md`` compares this with packages that convert terminal output.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

#: Parameters that switch a style on, and those that switch styles off.
STYLES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("inverse",), 29: ("strike",)}
PREFIX = "o_tower_ansi_"
CLASSES = frozenset(
    PREFIX + name
    for name in (*STYLES.values(), *(f"{kind}{number}" for kind in ("fg", "bg") for number in range(16)))
)

# A sequence with a final byte (CSI); a string that ends with BEL or ST (OSC, DCS, PM, APC, SOS; of limited length, so
# that an unterminated one does not hide all that follows); other short escapes; a lone escape; control characters.
_TOKENS = re.compile(
    r"(?P<csi>(?:\x1b\[|\x9b)(?P<parameters>[0-9:;<=>?]*)[ -/]*(?P<final>[@-~]))"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]?"
    r"|(?P<line>\r*\n)"
    r"|(?P<carriage>\r+)"
    r"|(?P<back>\x08+)"
    r"|[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
# Characters that change the writing direction: they could make a line look like a different one.
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: A line of more pieces than this is cleared by a carriage return; otherwise each return would cost more than the last.
_MAX_PIECES = 1000
#: Text without these reads the same in a terminal and in a file.
_MOVES = re.compile("\r(?!\n)|\x08")
_CUBE_LEVELS = (0, 95, 135, 175, 215, 255)
_PALETTE = (
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
)


def to_html(text: str) -> str:
    """Return ``text`` as HTML for an element that keeps white space (``pre``).

    Colours and styles become classes; the 256 colours and true colours become the nearest of the basic sixteen.
    Carriage returns and backspaces move within their line, as in a terminal. All other sequences are dropped.
    """
    writer = _Writer(_span)
    _write(text, writer)
    return writer.result()


def to_text(text: str) -> str:
    """Return ``text`` without escape sequences and control characters, its lines as a terminal would show them."""
    if not _MOVES.search(text):
        return _TOKENS.sub(lambda token: "\n" if token["line"] else "", text)
    writer = _Writer(lambda piece, _classes: piece)
    _write(text, writer)
    return writer.result()


def _write(text: str, writer: _Writer) -> None:
    position = 0
    for token in _TOKENS.finditer(text):
        writer.add(text[position : token.start()])
        position = token.end()
        if token["final"] == "m":
            writer.restyle(token["parameters"])
        elif token["final"] == "K" and token["parameters"] in ("", "0"):
            writer.line.erase_to_end()
        elif token["line"]:
            writer.end_line()
        elif token["carriage"]:
            writer.line.go_to_start()
        elif token["back"]:
            writer.line.go_back(len(token["back"]))
    writer.add(text[position:])


def _span(piece: str, classes: str) -> str:
    shown = html.escape(_DIRECTION.sub("\N{REPLACEMENT CHARACTER}", piece))
    return f'<span class="{classes}">{shown}</span>' if classes else shown


class _Line:
    """One line of a terminal: pieces of text (text, classes) before and behind the cursor."""

    def __init__(self):
        self._before: list[tuple[str, str]] = []
        self._behind: list[tuple[str, str]] = []  # the nearest piece last

    def put(self, text: str, classes: str) -> None:
        """Write text at the cursor, over what is behind it."""
        self._before.append((text, classes))
        left = len(text)
        while left and self._behind:
            covered, its_classes = self._behind.pop()
            if len(covered) > left:
                self._behind.append((covered[left:], its_classes))
            left -= min(left, len(covered))

    def go_back(self, columns: int) -> None:
        while columns and self._before:
            text, classes = self._before.pop()
            kept = max(0, len(text) - columns)
            self._behind.append((text[kept:], classes))
            if kept:
                self._before.append((text[:kept], classes))
            columns -= len(text) - kept

    def go_to_start(self) -> None:
        if len(self._before) + len(self._behind) > _MAX_PIECES:
            self._before.clear()
            self._behind.clear()
        self._behind += reversed(self._before)
        self._before.clear()

    def erase_to_end(self) -> None:
        self._behind.clear()

    def pieces(self) -> list[tuple[str, str]]:
        return [*self._before, *reversed(self._behind)]


class _Writer:
    """Collect lines of text, each piece with the style that was active when it was written.

    :param show: turns a piece (text, classes) into output
    """

    def __init__(self, show: Callable[[str, str], str]):
        self._show = show
        self._done: list[str] = []
        self.line = _Line()
        self._foreground = self._background = ""
        self._styles: dict[str, None] = {}  # an ordered set
        self._classes = ""  # for the current colours and styles

    def add(self, text: str) -> None:
        if text:
            self.line.put(text, self._classes)

    def end_line(self) -> None:
        self._done += [*(self._show(*piece) for piece in self.line.pieces()), "\n"]
        self.line = _Line()

    def result(self) -> str:
        return "".join([*self._done, *(self._show(*piece) for piece in self.line.pieces())])

    def restyle(self, parameters: str) -> None:
        """Apply the parameters of a "select graphic rendition" sequence."""
        if parameters[:1] in ("<", "=", ">", "?"):
            return  # a private sequence that shares the final byte
        numbers = [
            int(part) if part.isdecimal() and len(part) < 5 else 0 for part in re.split("[;:]", parameters)
        ]
        position = 0
        while position < len(numbers):
            position = self._apply(numbers, position)
        names = [*self._styles, self._foreground, self._background]
        self._classes = " ".join(PREFIX + name for name in names if name)

    def _apply(self, numbers: list[int], position: int) -> int:
        """Apply the parameter at ``position``; return the position of the next parameter."""
        number = numbers[position]
        position += 1
        if number == 0:
            self._foreground = self._background = ""
            self._styles.clear()
        elif number in STYLES:
            self._styles[STYLES[number]] = None
        elif number in OFF:
            for name in OFF[number]:
                self._styles.pop(name, None)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            self._foreground = f"fg{_sixteen(number, 30)}"
        elif 40 <= number <= 47 or 100 <= number <= 107:
            self._background = f"bg{_sixteen(number, 40)}"
        elif number == 39:
            self._foreground = ""
        elif number == 49:
            self._background = ""
        elif number in (38, 48):
            color, position = _extended(numbers, position)
            if color is not None and number == 38:
                self._foreground = f"fg{color}"
            elif color is not None:
                self._background = f"bg{color}"
        return position


def _sixteen(number: int, first: int) -> int:
    """Return the index of a basic colour, normal or bright."""
    return number - first if number < first + 8 else number - first - 52


def _extended(numbers: list[int], position: int) -> tuple[int | None, int]:
    """Read "5;n" or "2;r;g;b", as they follow 38 or 48.

    :return: the nearest basic colour (None: not a colour), and the position of the next parameter
    """
    kind = numbers[position] if position < len(numbers) else None
    if kind == 5 and position + 1 < len(numbers):
        return _nearest_of_256(numbers[position + 1]), position + 2
    if kind == 2 and position + 3 < len(numbers):
        return _nearest(tuple(numbers[position + 1 : position + 4])), position + 4
    return None, len(numbers)


def _nearest_of_256(index: int) -> int | None:
    if index < 16:
        return index
    if index < 232:
        red, rest = divmod(index - 16, 36)
        return _nearest(tuple(_CUBE_LEVELS[level] for level in (red, *divmod(rest, 6))))
    return _nearest((8 + (index - 232) * 10,) * 3) if index < 256 else None


def _nearest(color: tuple[int, ...]) -> int:
    return min(
        range(16),
        key=lambda index: sum((a - b) ** 2 for a, b in zip(color, _PALETTE[index], strict=True)),
    )
