"""Finding redirections, here-documents and comments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .lexer import BLANKS, Context, Heredoc, Lexer, Scan

_REDIRECT = re.compile(r"<<<|<<-?|<>|<&|<(?!\()|>>|>&|>\||>(?!\()|&>>?")
ONLY_BASH_OPERATORS = ("<<<", "&>", "&>>", "|&", ";&", ";;&")
_UNQUOTE = re.compile(r"\\(\n)|\\(.)|'([^']*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)


@dataclass(frozen=True)
class Separator:
    """An operator or newline between commands."""

    start: int
    end: int
    text: str
    is_outermost: bool
    waits_for_heredoc: bool  # the body of a here-document of a command before it comes later


@dataclass(frozen=True)
class SimpleCommand:
    """A command made of words; spans are offsets in the code."""

    words: tuple[tuple[int, int], ...]
    assignments: tuple[tuple[int, int], ...]
    in_subshell: bool
    has_redirect: bool


@dataclass
class CommandScan(Scan):
    """What was found, with the commands."""

    separators: list[Separator] = field(default_factory=list)
    commands: list[SimpleCommand] = field(default_factory=list)
    has_compound: bool = False
    has_prefix: bool = False  # "!" or "time"
    has_comment: bool = False


class RedirectReader(Lexer):
    """Reads what stands between the words of a command."""

    def __init__(self, text: str):
        super().__init__(text)
        self.scan: CommandScan = CommandScan()
        self._waiting: list[Heredoc] = []  # whose bodies begin at the next line

    def word_or_array(self, may_assign: bool) -> tuple[int, int] | None:
        """Read a word or process substitution and return its span; None for the number of a redirect."""
        raise NotImplementedError

    def _skip_blanks(self) -> None:
        """Skip blanks, continued lines and a comment."""
        while self.at < len(self.text):
            if self.text[self.at] in BLANKS:
                self.at += 1
            elif self.sees("\\\n"):
                self.at += 2
            elif self.sees("#"):
                self._comment()
            else:
                break

    def _comment(self) -> None:
        self.scan.has_comment = True
        self.enter(Context.COMMENT)
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end
        self.leave()

    def _redirects(self) -> None:
        self._skip_blanks()
        number = re.compile(r"[0-9]+(?=[<>])").match(self.text, self.at)
        self.at = number.end() if number else self.at
        if self._redirect():
            self._redirects()

    def _redirect(self) -> bool:
        operator = _REDIRECT.match(self.text, self.at)
        if not operator:
            return False
        self.scan.only_bash |= operator[0] in ONLY_BASH_OPERATORS
        self.at = operator.end()
        self._skip_blanks()
        start = self.at
        if not (self.word_or_array(may_assign=False) or (start, start)) or self.at == start:
            raise self.fail("a redirection has no target")
        if operator[0] in ("<<", "<<-"):
            self._waiting.append(self._heredoc(operator.start(), start, strips_tabs=operator[0] == "<<-"))
        return True

    def _heredoc(self, operator: int, start: int, strips_tabs: bool) -> Heredoc:
        word = self.text[start : self.at]
        is_quoted = any(character in word for character in "'\"\\")
        if "$" in word or "`" in word or ('"' in word and "\\" in word):
            raise self.fail("the delimiter of a here-document is too complicated", start)
        delimiter = _UNQUOTE.sub(lambda match: "".join(filter(None, match.groups())).strip("\n"), word)
        return Heredoc(operator, start, self.at, delimiter, is_quoted, strips_tabs)

    def _heredoc_body(self, heredoc: Heredoc) -> None:
        heredoc.body_start = self.at
        self._find_heredoc_end(heredoc)
        self.scan.heredocs.append(heredoc)
        self.enter(Context.RAW_HEREDOC if heredoc.is_quoted else Context.HEREDOC)
        if not heredoc.is_quoted:
            while self.at < heredoc.body_end:
                self._quoted_piece("$`\\\n")
            if self.at > heredoc.body_end:
                raise self.fail("an expansion goes beyond its here-document", heredoc.operator)
        self.at = heredoc.body_end
        self.leave()
        self.at = min(heredoc.end + 1, len(self.text))

    def _find_heredoc_end(self, heredoc: Heredoc) -> None:
        start, is_continued = self.at, False
        while start < len(self.text):
            end = self.text.find("\n", start)
            end = len(self.text) if end < 0 else end
            line = self.text[start:end]
            if not is_continued and (line.lstrip("\t") if heredoc.strips_tabs else line) == heredoc.delimiter:
                heredoc.body_end, heredoc.end = start, end
                return
            backslashes = len(line) - len(line.rstrip("\\"))
            is_continued = not heredoc.is_quoted and backslashes % 2 == 1
            start = end + 1
        raise self.fail("a here-document has no end", heredoc.operator)
