"""Writing values into shell code so that they are data, for each kind of place in the code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from ..errors import RenderingError
from . import quoting
from .grammar import read
from .lexer import Context, Heredoc, Unreadable, unescape_backtick

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")


def insert_values(code: str, placeholder: str, values: Sequence[str]) -> str:
    """Return the code with every placeholder character replaced by its value.

    :param placeholder: a character that the shell knows no meaning of
    :param values: one a placeholder, in order, without NUL
    :raise RenderingError: where no text can stand safely, or the code cannot be read
    """
    try:
        return _Insertion(code, placeholder, values).result()
    except Unreadable as error:
        line = code.count("\n", 0, error.position) + 1
        raise RenderingError(
            f"A secret cannot be inserted into code that cannot be parsed: line {line}: {error}."
        ) from None


class _Insertion:
    """Collects replacements of stretches of the code."""

    def __init__(self, code: str, placeholder: str, values: Sequence[str]):
        self.code = code
        self.placeholder = placeholder
        self.values = values
        self.scan = read(code)
        self.edits: list[tuple[int, int, str]] = []  # start, end, new text
        self.positions = [position for position, character in enumerate(code) if character == placeholder]

    def result(self) -> str:
        """Return the code with all values in it."""
        for start, end, in_quotes in self.scan.backticks:
            self._backtick(start, end, in_quotes)
        for position, value in zip(self.positions, self.values, strict=True):
            self._insert(position, value)
        for heredoc in self.scan.heredocs:
            self._heredoc(heredoc)
        return self._apply()

    def _apply(self) -> str:
        pieces, at = [], 0
        for start, end, text in sorted(self.edits):
            pieces += (self.code[at:start], text)
            at = end
        return "".join([*pieces, self.code[at:]])

    def _insert(self, position: int, value: str) -> None:
        context = self.scan.context_at(position)
        if context is Context.BARE:
            self._bare(position, value)
        elif context in (Context.DOUBLE, Context.HEREDOC):
            self._where_dollars_work(position, value, context)
        elif context is not Context.BACKTICK:  # done with the commands between the backticks
            self.edits.append((position, position + 1, self._content(position, value, context)))

    def _content(self, position: int, value: str, context: Context) -> str:
        if context is Context.SINGLE:
            return self._single_content(position, value)
        if context is Context.RAW_HEREDOC:
            return value
        if context is Context.COMMENT:
            return "***"
        if context is Context.ANSI:
            before = self.code[:position]
            is_escaped = (len(before) - len(before.rstrip("\\"))) % 2
            return "\\" * is_escaped + quoting.ansi_content(value)
        if context is Context.ARITHMETIC and _INTEGER.fullmatch(value):
            return value
        place = (
            "arithmetic, where only a whole number is allowed" if context is Context.ARITHMETIC else "${...}"
        )
        line = self.code.count("\n", 0, position) + 1
        raise RenderingError(
            f"A secret cannot be used in {place} (line {line}): assign it to a variable first."
        )

    def _single_content(self, position: int, value: str) -> str:
        content = quoting.single_content(value)
        for heredoc in self.scan.heredocs:
            if not heredoc.is_quoted and heredoc.body_start <= position < heredoc.body_end:
                # Also inside of $(...) bash takes a backslash before a line end out of the body.
                content = re.sub(r"\\(?=\n|\Z)|\A(?=\n|\Z)", r"\g<0>''", content)
        return content

    def _bare(self, position: int, value: str) -> None:
        if any(heredoc.word_start <= position < heredoc.word_end for heredoc in self.scan.heredocs):
            raise RenderingError("A secret cannot be the delimiter of a here-document.")
        start, text = position, f"'{self._single_content(position, value)}'"
        if position - 1 in self.scan.escapes:
            start -= 1  # the backslash would escape the quote
        elif position - 1 in self.scan.dollars:
            start, text = start - 1, "\\$" + text  # $'...' has a meaning of its own
        self.edits.append((start, position + 1, text))

    def _where_dollars_work(self, position: int, value: str, context: Context) -> None:
        is_double = context is Context.DOUBLE
        start, text = position, (quoting.double_content if is_double else quoting.heredoc_content)(value)
        if position - 1 in self.scan.dollars:
            start, text = start - 1, "\\$" + text
        elif position - 1 in self.scan.backslashes:
            text = "\\" + text
        elif position in self.scan.names:  # "$name" must not go on with the value
            start = self.scan.names[position]
            text = "${" + self.code[start + 1 : position] + "}" + text
        self.edits.append((start, position + 1, text))

    def _backtick(self, start: int, end: int, in_quotes: bool) -> None:
        """Rewrite `...` with values in it as $(...), which needs no escapes; a newline ends a comment in it."""
        inside = [index for index, position in enumerate(self.positions) if start < position < end]
        if not inside:
            return
        commands = unescape_backtick(self.code[start + 1 : end - 1], in_quotes)
        values = [self.values[index] for index in inside]
        text = f"$( {_Insertion(commands, self.placeholder, values).result()}\n)"
        if start - 1 in self.scan.dollars:
            start, text = start - 1, "\\$" + text
        self.edits.append((start, end, text))

    def _heredoc(self, heredoc: Heredoc) -> None:
        """Give a here-document with values in it an end that no line of them can be."""
        body = [position for position in self.positions if heredoc.body_start <= position < heredoc.body_end]
        if not body:
            return
        if heredoc.strips_tabs:  # tabs of a value must stay: strip the author's here
            self.edits.append((heredoc.operator, heredoc.word_start, "<<"))
            for line in re.compile(r"^\t+", re.MULTILINE).finditer(
                self.code, heredoc.body_start, heredoc.body_end
            ):
                self.edits.append((line.start(), line.end(), ""))
        delimiter = self._delimiter()
        word = f"'{delimiter}'" if heredoc.is_quoted else delimiter
        self.edits.append((heredoc.word_start, heredoc.word_end, word))
        self.edits.append((heredoc.body_end, heredoc.end, delimiter))

    def _delimiter(self) -> str:
        """Return a delimiter that neither the code nor a value, nor both together, can contain by chance."""
        digest = hashlib.sha256("\n".join([self.code, *self.values]).encode("utf-8", "surrogatepass"))
        return f"TOWER_END_{digest.hexdigest()[:20]}"
