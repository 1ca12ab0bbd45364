"""Finds the tags of a template, and the lines that hold nothing but tags.

Everything that reads templates (rendering, finding variables, renaming, advice) uses this module, so that all of them
see the same tags. Two rules differ from plain Jinja:

* ``{#`` begins a comment only where it can be nothing else: not behind ``$`` (``${#name}`` is shell), and closed by ``#}``
  in the same line with blanks inside, or on lines of its own. ``{#`` that is never closed is text. Anything between the two
  is refused, because dropping it or keeping it may both be wrong.
* A line that holds nothing but block tags, comments and blanks vanishes with its line end. All other lines keep theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from jinja2 import TemplateSyntaxError

from ..python.literals import unused_character

# What stands for “{#” and “#}” of real comments towards Jinja: Unicode's noncharacters, which no text has.
COMMENT_START, COMMENT_END = "\ufdd0\ufdd1", "\ufdd1\ufdd0"
SYNTAX = {
    "comment_start_string": COMMENT_START,
    "comment_end_string": COMMENT_END,
    "trim_blocks": False,
    "keep_trailing_newline": True,
}
RAW_HINT = "Text that is not meant for Tower goes between {% raw %} and {% endraw %}."
_OPENING = re.compile(r"\{\{|\{%|(?<!\$)\{#")
_RAW = re.compile(r"\{%[-+]?\s*raw\s*-?%\}")
_END_OF_RAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_IN_TAG = re.compile(
    r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"|(?P<quote>['"])"""
    r"""|(?P<block>%\})|(?P<variable>\}\})|(?P<open>[\[({])|(?P<close>[\])}])""",
    re.DOTALL,
)
_LINE_END = re.compile(r"(\r?\n)")
_TAG_END = re.compile(r"[-+]?(?:%\}|#\})\Z")
_BLANKS = " \t\f\v\r"


class Kind(Enum):
    """What a piece of a template is."""

    TEXT = auto()
    RAW = auto()  # text between {% raw %} and {% endraw %}
    VARIABLE = auto()
    BLOCK = auto()
    COMMENT = auto()
    MALFORMED = auto()  # a tag that does not end, and everything behind it
    UNCLEAR = auto()  # “{#” that may be a comment or not, and everything behind it


@dataclass(frozen=True)
class Piece:
    """A part of a template from ``start`` to ``end`` (positions in its source)."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True)
class Prepared:
    """A template as Jinja gets it: the same lines, with our rules applied.

    :param source: for an environment with :data:`SYNTAX`
    :param carriage_return: character in the output that stands for ``\\r``, "" when there is none
    """

    source: str
    carriage_return: str


def has_tags(text: str) -> bool:
    """Return whether a text may contain tags."""
    return bool(text) and _OPENING.search(text) is not None


def split(source: str) -> list[Piece]:
    """Return the pieces of a template in order, without gaps; never raises, takes time in proportion to its length."""
    return list(_Scanner(source).pieces())


def replace_tags(source: str, variable: str, other: str) -> str:
    """Return a template as plain text: with ``variable`` for printed values, ``other`` for blocks and comments.

    What cannot be read as a template stays as it is.
    """
    replaced = {Kind.VARIABLE: variable, Kind.BLOCK: other, Kind.COMMENT: other}
    return "".join(replaced.get(piece.kind, source[piece.start : piece.end]) for piece in split(source))


def mark_comments(source: str) -> str:
    """Return a template of the same length in which Jinja finds comments by our rule.

    :raise jinja2.TemplateSyntaxError: it cannot be said what is a comment
    """
    pieces = split(source)
    _check(source, pieces)
    return "".join(_marked(source, piece) for piece in pieces)


def prepare(source: str) -> Prepared:
    """Return a template as Jinja is to get it.

    Line ends that vanish are moved into the tag before them: so the lines that Jinja counts are those of the source.

    :raise jinja2.TemplateSyntaxError: it cannot be said what is a comment
    """
    pieces = split(source)
    _check(source, pieces)
    carriage_return = unused_character(source) if "\r" in source else ""
    output: list[str] = []
    line: list[tuple[Kind | None, str]] = []
    for item in [*_items(source, pieces), (None, "")]:
        if item[0] is not None:
            line.append(item)
            continue
        output += _line(line, item[1], carriage_return)
        line = []
    return Prepared("".join(output), carriage_return)


def column_of_tag(source: str, line: int) -> int:
    """Return the column (from 1) of the first tag that begins in a line (from 1), 0 when there is none."""
    for piece in split(source):
        if piece.kind in (Kind.TEXT, Kind.RAW):
            continue
        number, column = _place(source, piece.start)
        if number >= line:
            return column if number == line else 0
    return 0


def _place(source: str, position: int) -> tuple[int, int]:
    return source.count("\n", 0, position) + 1, position - source.rfind("\n", 0, position)


def _check(source: str, pieces: list[Piece]) -> None:
    if COMMENT_START in source or COMMENT_END in source:
        raise TemplateSyntaxError("it contains Unicode noncharacters (U+FDD0, U+FDD1)", 1)
    if pieces and pieces[-1].kind is Kind.UNCLEAR:
        line, _column = _place(source, pieces[-1].start)
        raise TemplateSyntaxError(
            "“{#” with a “#}” after it could be a comment or not. Write comments {# like this #}, with spaces "
            "inside and on one line, or on lines of their own",
            line,
        )


def _marked(source: str, piece: Piece) -> str:
    text = source[piece.start : piece.end]
    return f"{COMMENT_START}{text[2:-2]}{COMMENT_END}" if piece.kind is Kind.COMMENT else text


def _items(source: str, pieces: list[Piece]) -> Iterator[tuple[Kind | None, str]]:
    """Yield tags and texts within lines, and (None, line end) between them."""
    for piece in pieces:
        if piece.kind not in (Kind.TEXT, Kind.RAW):
            yield piece.kind, source[piece.start : piece.end]
            continue
        for index, text in enumerate(_LINE_END.split(source[piece.start : piece.end])):
            if text:
                yield (None if index % 2 else piece.kind), text


def _line(items: list[tuple[Kind | None, str]], line_end: str, carriage_return: str) -> list[str]:
    """Return one line for Jinja."""
    tags = [item for item in items if item[0] not in (Kind.TEXT, Kind.RAW)]
    vanishes = (
        bool(line_end)  # what is behind the last line end stays
        and bool(tags)
        and all(kind in (Kind.BLOCK, Kind.COMMENT) for kind, _text in tags)
        and not any(text.strip(_BLANKS) for kind, text in items if kind in (Kind.TEXT, Kind.RAW))
        and not tags[-1][1][:-2].endswith("+")  # its author wants the line end
    )
    if vanishes:
        texts = [_for_jinja(kind, text) for kind, text in tags[:-1]]
        kind, last = tags[-1]
        end = _TAG_END.search(last)
        return [*texts, _for_jinja(kind, last[: end.start()] + "\n" + end[0])]
    texts = [_for_jinja(kind, text) for kind, text in items]
    if carriage_return:
        texts = [
            text.replace("\r", carriage_return) if item[0] in (Kind.TEXT, Kind.RAW) else text
            for item, text in zip(items, texts, strict=True)
        ]
        line_end = line_end.replace("\r", carriage_return)
    return [*texts, line_end]


def _for_jinja(kind: Kind | None, text: str) -> str:
    return f"{COMMENT_START}{text[2:-2]}{COMMENT_END}" if kind is Kind.COMMENT else text


class _Scanner:
    """Reads a template once from its beginning to its end."""

    def __init__(self, source: str):
        self._source = source
        self._next_close = -1  # of “#}”, so that many “{#” do not look for it again and again

    def pieces(self) -> Iterator[Piece]:
        at = 0
        while at < len(self._source):
            opening = _OPENING.search(self._source, at)
            piece = opening and self._tag(opening)
            start = piece.start if piece else len(self._source)
            if start > at:
                yield Piece(Kind.TEXT, at, start)
            if not piece:
                return
            yield piece
            at = piece.end
            if piece.kind is Kind.BLOCK and _RAW.fullmatch(self._source, piece.start, piece.end):
                end = _END_OF_RAW.search(self._source, at)
                if not end:
                    yield Piece(Kind.MALFORMED, at, len(self._source))
                    return
                if end.start() > at:
                    yield Piece(Kind.RAW, at, end.start())
                yield Piece(Kind.BLOCK, end.start(), end.end())
                at = end.end()

    def _tag(self, opening: re.Match[str]) -> Piece | None:
        """Return the next piece that is no text, at this opening or behind it."""
        start = opening.start()
        if opening[0] == "{#":
            close = self._find_close(start + 2)
            if close < 0:  # never closed: text; there may be other tags behind it
                opening = re.compile(r"\{\{|\{%").search(self._source, start + 2)
                return opening and self._tag(opening)
            is_comment = self._is_comment(start, close)
            return Piece(
                Kind.COMMENT if is_comment else Kind.UNCLEAR,
                start,
                close + 2 if is_comment else len(self._source),
            )
        raw = _RAW.match(self._source, start)
        end = raw.end() if raw else self._end_of_tag(start + 2, "variable" if opening[0] == "{{" else "block")
        if end < 0:
            return Piece(Kind.MALFORMED, start, len(self._source))
        return Piece(Kind.VARIABLE if opening[0] == "{{" else Kind.BLOCK, start, end)

    def _end_of_tag(self, at: int, wanted: str) -> int:
        """Return where a tag ends, or -1: texts in quotes and brackets may hold what looks like its end."""
        depth = 0
        while match := _IN_TAG.search(self._source, at):
            kind, at = match.lastgroup, match.end()
            if kind == "quote":
                return -1
            if kind == wanted and not depth:
                return at
            if kind == "open":
                depth += 1
            elif kind in ("close", "block", "variable"):
                if not depth:
                    return -1
                depth -= 1
                at = match.end() - (kind == "variable")
        return -1

    def _find_close(self, at: int) -> int:
        if 0 <= self._next_close < at:
            self._next_close = -1
        if self._next_close < 0:
            self._next_close = self._source.find("#}", at)
            if self._next_close < 0:
                self._next_close = len(self._source) + 1
        return self._next_close if self._next_close <= len(self._source) else -1

    def _is_comment(self, start: int, close: int) -> bool:
        source = self._source
        content = source[start + 2 : close]
        content = content[content[:1] in ("-", "+") :]
        content = content[: len(content) - (content[-1:] in ("-", "+"))] if len(content) > 1 else content
        if not content or not content[0].isspace() or not content[-1].isspace():
            return False
        if "\n" not in content:
            return True
        before = source[source.rfind("\n", 0, start) + 1 : start]
        line_end = source.find("\n", close)
        after = source[close + 2 : line_end if line_end >= 0 else len(source)]
        return not before.strip() and not after.strip()
