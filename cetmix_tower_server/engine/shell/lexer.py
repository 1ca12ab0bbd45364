"""Finding quotes, expansions and here-documents in shell code.

The rules are those of POSIX (Shell Command Language, 2.2 Quoting and 2.6 Word Expansions) plus what bash adds.
What only bash knows is noted in :attr:`Scan.only_bash`, because dash reads it differently.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum, auto

BLANKS = " \t"
UNCLOSED_MAX = 20
METACHARACTERS = frozenset(" \t\n;&|<>()")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNING = re.compile(r"\+\+|--|(?<![=!<>])=(?!=)|(?:<<|>>)=")
_ORDINARY = re.compile(r"[^\s;&|<>()\[\]{}$`'\"\\#!~=]+")
_PARAMETER = re.compile(r"[#!]?(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?$!#@*-])")
_DEFAULT = re.compile(r":?[-=?+]")
# Special parameters and variables that tell one shell process from another, or what ran before.
TELLTALE = frozenset(
    "? ! $ _ - PPID BASHPID SECONDS LINENO RANDOM SRANDOM BASH_COMMAND OLDPWD PIPESTATUS".split()
)


class Context(Enum):
    """What kind of place a character of the code is in."""

    BARE = auto()
    SINGLE = auto()
    DOUBLE = auto()
    ANSI = auto()  # $'...'
    HEREDOC = auto()  # body in which $, ` and \ are special
    RAW_HEREDOC = auto()  # body after a quoted delimiter
    COMMENT = auto()
    ARITHMETIC = auto()
    PARAMETER = auto()  # inside ${...}, but for the word of an unquoted ${name:-word}
    BACKTICK = auto()


class Unreadable(Exception):
    """The code has an end where none may be, or something that this reader does not understand."""

    def __init__(self, message: str, position: int):
        super().__init__(message)
        self.position = position


@dataclass
class Heredoc:
    """A here-document; positions are offsets in the code."""

    operator: int  # start of "<<"
    word_start: int
    word_end: int
    delimiter: str
    is_quoted: bool
    strips_tabs: bool
    body_start: int = 0
    body_end: int = 0  # start of the line with the delimiter
    end: int = 0  # end of that line, before its newline


@dataclass
class Scan:
    """What was found in a piece of shell code."""

    contexts: list[tuple[int, Context]] = field(default_factory=lambda: [(0, Context.BARE)])
    escapes: set[int] = field(default_factory=set)  # backslashes that escape the character behind them
    backslashes: set[int] = field(default_factory=set)  # backslashes that stand for themselves
    dollars: set[int] = field(default_factory=set)  # dollar signs that stand for themselves
    names: dict[int, int] = field(default_factory=dict)  # end of "$name" -> its start
    heredocs: list[Heredoc] = field(default_factory=list)
    backticks: list[tuple[int, int, bool]] = field(default_factory=list)  # start, end, between double quotes
    only_bash: bool = False
    has_expansion: bool = False
    keeps_state: bool = False  # something a later command of the same shell can see

    def context_at(self, position: int) -> Context:
        """Return the kind of place the character at ``position`` is in."""
        # Empty stretches leave several entries for one position: the last one counts.
        return self.contexts[bisect_right(self.contexts, position, key=lambda entry: entry[0]) - 1][1]


class Lexer:
    """Reads words. :class:`grammar.Reader` adds commands, which words may contain again."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0
        self.scan = Scan()
        self._stack = [Context.BARE]
        self._not_arithmetic: set[int] = set()
        self._unclosed = 0  # attempts to read arithmetic that came to the end of the text

    # Places

    def enter(self, context: Context) -> None:
        """Everything from here on is in ``context``, until :meth:`leave`."""
        self._stack.append(context)
        self.scan.contexts.append((self.at, context))

    def leave(self) -> None:
        self._stack.pop()
        self.scan.contexts.append((self.at, self._stack[-1]))

    def fail(self, message: str, position: int | None = None) -> Unreadable:
        return Unreadable(message, self.at if position is None else position)

    def sees(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    # Words

    def word(self) -> None:
        """Read one word; the position must be at its first character."""
        while self.at < len(self.text) and self.text[self.at] not in METACHARACTERS:
            self.piece()

    def piece(self) -> None:
        """Read one character, quoted text or expansion outside of quotes."""
        character = self.text[self.at]
        if character == "\\":
            self._escape()
        elif character == "'":
            self._single()
        elif character == '"':
            self._double()
        elif character in "$`":
            self._expansion(in_quotes=False)
        else:
            self._ordinary()

    def _ordinary(self) -> None:
        """Skip characters that mean nothing anywhere, or the one that is here."""
        run = _ORDINARY.match(self.text, self.at)
        self.at = run.end() if run else self.at + 1

    def _escape(self) -> None:
        if self.at + 1 >= len(self.text):
            self.scan.backslashes.add(self.at)
        elif self.text[self.at + 1] != "\n":
            self.scan.escapes.add(self.at)
        self.at = min(self.at + 2, len(self.text))

    def _single(self) -> None:
        start = self.at
        self.at += 1
        self.enter(Context.SINGLE)
        end = self.text.find("'", self.at)
        if end < 0:
            raise self.fail("a single quote is never closed", start)
        self.at = end
        self.leave()
        self.at += 1

    def _ansi(self) -> None:
        start = self.at
        self.scan.only_bash = True
        self.at += 2
        self.enter(Context.ANSI)
        while not self.sees("'"):
            self.at += 2 if self.sees("\\") else 1
            if self.at >= len(self.text):
                raise self.fail("a $'...' is never closed", start)
        self.leave()
        self.at += 1

    def _double(self) -> None:
        start = self.at
        self.at += 1
        inside = self._stack[-1] is Context.PARAMETER
        self.enter(Context.PARAMETER if inside else Context.DOUBLE)
        while not self.sees('"'):
            if self.at >= len(self.text):
                raise self.fail("a double quote is never closed", start)
            self._quoted_piece('$`"\\\n')
        self.leave()
        self.at += 1

    def _quoted_piece(self, escapable: str) -> None:
        """Read one character or expansion where only $, ` and \\ are special."""
        character = self.text[self.at]
        if character == "\\" and self.text[self.at + 1 : self.at + 2] in tuple(escapable):
            self._escape()
        elif character == "\\":
            self.scan.backslashes.add(self.at)
            self.at += 1
        elif character in "$`":
            self._expansion(in_quotes=True)
        else:
            self._ordinary()

    # Expansions

    def _expansion(self, in_quotes: bool) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        self.scan.has_expansion |= self.sees("`") or following in ("(", "{")
        if self.sees("`"):
            self._backtick(in_quotes)
        elif following == "(":
            self._dollar_parenthesis()
        elif following == "{":
            self._parameter(in_quotes)
        elif following == "'" and not in_quotes:
            self._ansi()
        elif following == '"' and not in_quotes:
            self.at += 1
            self._double()
        else:
            self._plain_variable(following)

    def _plain_variable(self, following: str) -> None:
        start = self.at
        name = _NAME.match(self.text, start + 1)
        if not name and (not following or following not in "?$!#@*-0123456789"):
            self.scan.dollars.add(start)
            self.at += 1
            return
        self.scan.has_expansion = True
        self.at = name.end() if name else start + 2
        if name:
            self.scan.names[self.at] = start
        self._note_variable(self.text[start + 1 : self.at])

    def _note_variable(self, name: str) -> None:
        self.scan.keeps_state |= name in TELLTALE

    def _dollar_parenthesis(self) -> None:
        if self.sees("$((") and self._try_arithmetic(3):
            return
        start = self.at
        self.at += 2
        self.enter(Context.BARE)
        self.substituted_commands(start)
        self.leave()
        self.at += 1

    def substituted_commands(self, start: int) -> None:
        """Read commands up to their closing parenthesis."""
        raise NotImplementedError

    def _try_arithmetic(self, opening: int) -> bool:
        """Read ``$((...))`` or ``((...))``; restore everything and return False when it is something else."""
        saved = self.at
        if saved in self._not_arithmetic:  # without this, nested attempts would double the time a level
            return False
        marks, stack = len(self.scan.contexts), len(self._stack)
        self.at += opening
        self.enter(Context.ARITHMETIC)
        try:
            closed = self._arithmetic()
        except Unreadable:
            closed = False
        if closed:
            self.scan.keeps_state |= bool(_ASSIGNING.search(self.text, saved + opening, self.at))
            self.leave()
            self.at += 2
            return True
        self._not_arithmetic.add(saved)
        del self.scan.contexts[marks:], self._stack[stack:]
        self.scan.only_bash = True  # some shells insist on arithmetic wherever "((" stands
        self.at = saved
        return False

    def _arithmetic(self) -> bool:
        """Read up to the closing ``))`` and tell whether it is there."""
        depth = 0
        while self.at < len(self.text):
            if self.sees(")"):
                if not depth:
                    return self.sees("))")
                depth -= 1
            depth += self.sees("(")
            self._quoted_piece('$`"\\\n')
        self._unclosed += 1
        if self._unclosed > UNCLOSED_MAX:  # each attempt reads all the rest
            raise RecursionError
        return False

    def _parameter(self, in_quotes: bool) -> None:
        """Read ``${...}``."""
        start = self.at
        self.at += 2
        self.enter(Context.PARAMETER)
        name = _PARAMETER.match(self.text, self.at)
        if name:
            self._note_variable(name[0].lstrip("#!") or name[0])
            self.at = name.end()
        operator = _DEFAULT.match(self.text, self.at)
        if operator:
            self.at = operator.end()
            self.scan.keeps_state |= "=" in operator[0]
        # Shells disagree about quotes in ${...} between double quotes: nothing can be written there.
        self.enter(Context.BARE if operator and not in_quotes else Context.PARAMETER)
        self._parameter_rest(start, in_quotes)
        self.leave()
        self.leave()
        self.at += 1

    def _parameter_rest(self, start: int, in_quotes: bool) -> None:
        while not self.sees("}"):
            if self.at >= len(self.text):
                raise self.fail("a ${ is never closed", start)
            if in_quotes and self.sees("'"):
                raise self.fail("shells disagree about a single quote here")
            if in_quotes and self.sees('"'):
                self._double()
            elif in_quotes:
                self._quoted_piece('$`"\\\n}')
            else:
                self.piece()

    def _backtick(self, in_quotes: bool) -> None:
        start = self.at
        self.at += 1
        self.enter(Context.BACKTICK)
        while not self.sees("`"):
            self.at += 2 if self.sees("\\") else 1
            if self.at >= len(self.text):
                raise self.fail("a ` is never closed", start)
        self.leave()
        self.at += 1
        self.scan.backticks.append((start, self.at, in_quotes))
        self.backtick_commands(unescape_backtick(self.text[start + 1 : self.at - 1], in_quotes))

    def backtick_commands(self, code: str) -> None:
        """Note what the commands between backticks do."""
        raise NotImplementedError


def unescape_backtick(code: str, in_quotes: bool) -> str:
    """Return the commands between backticks as the shell reads them (POSIX 2.6.3)."""
    return re.sub(r'\\([$`\\"])' if in_quotes else r"\\([$`\\])", r"\1", code)
