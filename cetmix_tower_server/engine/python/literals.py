"""Writing values into Python code so that they are data, for each kind of place in the code.

Code comes with one placeholder character a value (:func:`unused_character`). The reader below tells the place of
each: bare code, a comment, or a string literal of which kind. It reads code that Python itself might refuse;
what is refused by Python is then refused later, with the author's line number.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ..errors import RenderingError

_IDENTIFIER = re.compile(r"\w+")
_PREFIXES = frozenset("r u b br rb f fr rf t tr rt".split())
_ENDS_IN_OCTAL = re.compile(r"(?<!\\)(?:\\\\)*\\[0-7]{1,2}\Z")
_BIG_INTEGER = 10**15  # beyond, hexadecimal: Python limits the digits of a decimal literal
_QUOTES = ("'", '"')


class Place(Enum):
    """Where in Python code a value stands."""

    BARE = auto()
    COMMENT = auto()
    STRING = auto()
    FORMAT = auto()  # format specification of an f-string


@dataclass(frozen=True)
class Spot:
    """The place of one value.

    :param prefix: letters before the quote, in lower case
    :param quote: the quote that ends the string literal
    :param in_field: whether it is inside the braces of an f-string
    """

    place: Place
    prefix: str = ""
    quote: str = ""
    in_field: bool = False


def unused_character(*texts: str) -> str:
    """Return a private character that occurs in none of the texts."""
    return next(chr(code) for code in range(0xE000, 0xF8FF) if all(chr(code) not in text for text in texts))


def to_literal(value: object, write_text: Callable[[str], str] = repr) -> str:
    """Return Python code that evaluates to the value.

    :param value: None, bool, int, float, str, or list, tuple and dict of these; others are written as text
    :param write_text: how texts are written
    """
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        text = repr(int(value)) if abs(value) < _BIG_INTEGER else hex(value)
        return f"({text})" if value < 0 else text
    if isinstance(value, float):
        return _float_literal(float(value))
    if isinstance(value, Mapping):
        pairs = (
            f"{to_literal(key, write_text)}: {to_literal(one, write_text)}" for key, one in value.items()
        )
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, tuple):
        return "(" + "".join(f"{to_literal(one, write_text)}, " for one in value) + ")"
    if isinstance(value, list):
        return "[" + ", ".join(to_literal(one, write_text) for one in value) + "]"
    return write_text(str.__str__(value) if isinstance(value, str) else str(value))


def fill(code: str, placeholder: str, values: Sequence[object], comment: Callable[[object], str]) -> str:
    """Return the code with every placeholder character replaced by its value, safely for its place.

    :param values: one a placeholder, in order
    :param comment: what is written for a value in a comment; must be without line ends
    :raise RenderingError: where no text can be written safely
    """
    spots = find_spots(code, placeholder)
    pieces = code.split(placeholder)
    output = [pieces[0]]
    for index, (spot, value) in enumerate(zip(spots, values, strict=True)):
        before, after = (
            "".join(output[-2:]),
            pieces[index + 1][:1] or (placeholder if index + 1 < len(spots) else ""),
        )
        if spot.place is Place.COMMENT:
            output.append(comment(value))
        elif spot.place is Place.BARE:
            output.append(_bare(spot, value, before, after, is_adjacent=bool(index) and not pieces[index]))
        elif spot.place is Place.FORMAT:
            output.append("{" + _by_codes(_text(value)) + "}")
        elif "r" in spot.prefix:
            output[-1], text = _cut_backslashes(output[-1], _text(value))
            output.append(_leave_raw_string(spot, text))
        else:
            output.append(_content(spot, _text(value), before))
        output.append(pieces[index + 1])
    return "".join(output)


def find_spots(code: str, placeholder: str) -> list[Spot]:
    """Return the place of every placeholder character in the code."""
    reader = _Reader(code, placeholder)
    try:
        while reader.at < len(code):
            reader.code(in_field=False)
    except RecursionError:
        raise RenderingError("The Python code is nested too deeply.") from None
    return reader.spots


def escape(text: str) -> str:
    """Return a text for the inside of any string literal that is neither raw nor of bytes nor an f-string."""
    return "".join(map(_escape_character, text))


def _escape_character(character: str) -> str:
    if character in "\\'\"":
        return "\\" + character
    if character.isprintable():
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _float_literal(value: float) -> str:
    if value != value:
        return "(1e999 - 1e999)"
    if value in (float("inf"), float("-inf")):
        return "1e999" if value > 0 else "(-1e999)"
    return f"({value!r})" if value < 0 else repr(value)


def _by_codes(text: str) -> str:
    """Return an expression for a text that has neither quotes nor backslashes, as old f-strings need it."""
    return f"str().join(map(chr, ({''.join(f'{ord(character)}, ' for character in text)})))"


def _bare(spot: Spot, value: object, before: str, after: str, is_adjacent: bool) -> str:
    literal = to_literal(value, _by_codes if spot.in_field else repr)
    if spot.in_field or (isinstance(value, int) and after == "."):
        literal = f"({literal})"
    # Neither a name nor a quote may touch the literal: f'...' and '''... would mean something else.
    if is_adjacent or _touches(before[-1:]):
        literal = " " + literal
    return literal + " " if _touches(after) else literal


def _touches(character: str) -> bool:
    return bool(character) and (character.isalnum() or character in "_'\"")


def _cut_backslashes(code: str, text: str) -> tuple[str, str]:
    """Move backslashes at the end of a raw string into the text: a raw string cannot end in them."""
    stripped = code.rstrip("\\")
    return stripped, "\\" * (len(code) - len(stripped)) + text


def _leave_raw_string(spot: Spot, text: str) -> str:
    """Nothing can be escaped in a raw string: end it, write an ordinary one beside it and open it again."""
    if spot.in_field:
        raise RenderingError("A value cannot be inserted into a raw string inside an f-string.")
    kind = "b" if "b" in spot.prefix else ""
    content = _bytes_content(text) if kind else escape(text)
    return f"{spot.quote} {kind}'{content}' {spot.prefix}{spot.quote}"


def _bytes_content(text: str) -> str:
    return "".join(_byte(byte) for byte in text.encode("utf-8", "surrogatepass"))


def _byte(byte: int) -> str:
    character = chr(byte)
    return character if 32 <= byte < 127 and character not in "\\'\"" else f"\\x{byte:02x}"


def _content(spot: Spot, text: str, before: str) -> str:
    """Return a text for the inside of a string literal that is not raw."""
    content = _bytes_content(text) if "b" in spot.prefix else escape(text)
    if "f" in spot.prefix or "t" in spot.prefix:
        content = content.replace("{", "{{").replace("}", "}}")
    if spot.in_field and "\\" in content and sys.version_info < (3, 12):
        raise RenderingError(
            "Before Python 3.12, this value cannot be used in a string inside the braces of an f-string. Move it "
            "outside."
        )
    if text[:1] in tuple("01234567") and _ENDS_IN_OCTAL.search(before):
        return f"\\x{ord(text[0]):02x}{content[1:]}"
    if (len(before) - len(before.rstrip("\\"))) % 2:
        return "\\" + content  # the author's backslash stands for itself
    return content


class _Reader:
    """Finds string literals and comments, without asking whether the code makes sense."""

    def __init__(self, text: str, placeholder: str):
        self.text = text
        self.at = 0
        self.spots: list[Spot] = []
        self._placeholder = placeholder

    def code(self, in_field: bool) -> None:
        """Read code up to the end of the text, or of the expression in an f-string's braces."""
        depth = 0
        while self.at < len(self.text):
            character = self.text[self.at]
            if in_field and not depth and self._ends_field(character):
                return
            depth += (character in "([{") - (character in ")]}")
            if character == self._placeholder:
                self._note(Spot(Place.BARE, in_field=in_field))
            elif character == "#" and not in_field:
                self._comment()
            elif character in _QUOTES:
                self._string("", in_field)
            else:
                self._other(in_field)

    def _ends_field(self, character: str) -> bool:
        return character in "}:" or (character == "!" and self.text[self.at + 1 : self.at + 2] != "=")

    def _note(self, spot: Spot) -> None:
        self.spots.append(spot)
        self.at += 1

    def _comment(self) -> None:
        while self.at < len(self.text) and self.text[self.at] not in "\r\n":
            if self.text[self.at] == self._placeholder:
                self.spots.append(Spot(Place.COMMENT))
            self.at += 1

    def _other(self, in_field: bool) -> None:
        name = _IDENTIFIER.match(self.text, self.at)
        if not name:
            self.at += 1
            return
        self.at = name.end()
        prefix = name[0].lower()
        if prefix in _PREFIXES and self.text[self.at : self.at + 1] in _QUOTES:
            self._string(prefix, in_field)

    def _string(self, prefix: str, in_field: bool) -> None:
        character = self.text[self.at]
        quote = character * 3 if self.text.startswith(character * 3, self.at) else character
        self.at += len(quote)
        spot = Spot(Place.STRING, prefix, quote, in_field)
        while self.at < len(self.text) and not self.text.startswith(quote, self.at):
            if self.text[self.at] in "\r\n" and len(quote) == 1:
                return  # never closed: Python will say so
            self._string_character(spot)
        self.at += len(quote)

    def _string_character(self, spot: Spot) -> None:
        character = self.text[self.at]
        if character == self._placeholder:
            self._note(spot)
        elif character == "\\":
            self._backslash(spot)
        elif character in "{}" and ("f" in spot.prefix or "t" in spot.prefix):
            self._brace(character)
        else:
            self.at += 1

    def _backslash(self, spot: Spot) -> None:
        self.at += 1
        following = self.text[self.at : self.at + 1]
        # A backslash protects neither our placeholder nor the braces of an f-string.
        if following == self._placeholder or (
            following in ("{", "}") and ("f" in spot.prefix or "t" in spot.prefix)
        ):
            return
        named = re.compile(r"N\{[^}'\"\n]*\}").match(self.text, self.at)
        self.at = named.end() if named and "r" not in spot.prefix else self.at + 1

    def _brace(self, brace: str) -> None:
        if self.text.startswith(brace * 2, self.at):
            self.at += 2
            return
        self.at += 1
        if brace == "}":
            return
        self.code(in_field=True)
        if self.text.startswith("!", self.at):
            self.at += 2
        if self.text.startswith(":", self.at):
            self._format()
        self.at += self.text.startswith("}", self.at)

    def _format(self) -> None:
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] not in "}\r\n'\"":
            if self.text[self.at] == self._placeholder:
                self._note(Spot(Place.FORMAT, in_field=True))
            elif self.text[self.at] == "{":
                self.at += 1
                self.code(in_field=True)
                self.at += self.text.startswith("}", self.at)
            else:
                self.at += 1
