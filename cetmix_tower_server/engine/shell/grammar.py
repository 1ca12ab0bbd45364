"""Finding commands, and where one ends and the next begins."""

from __future__ import annotations

import re

from .lexer import METACHARACTERS, Unreadable
from .redirects import ONLY_BASH_OPERATORS, CommandScan, RedirectReader, Separator, SimpleCommand

_KEYWORD = re.compile(r"(?:[a-z]+|[!{}]|\[\[)(?=[ \t\n;&|<>()]|$)")
_OPERATOR = re.compile(r";;&|;;|;&|;|&&|&(?!>)|\|\||\|&|\|")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\[[^\]]*\])?\+?=")
_PREFIXES = ("!", "time")
_CLOSING = frozenset("then else elif fi do done esac in }".split())
_ONLY_BASH = frozenset({"[[", "select", "function", "coproc"})


class Reader(RedirectReader):
    """Reads a whole script. Use :func:`read`."""

    def __init__(self, text: str):
        super().__init__(text)
        self._depth = 0  # compound commands, subshells and substitutions around this place
        self._subshells = 0

    def read_all(self) -> CommandScan:
        """Read up to the end of the text."""
        self._commands(frozenset(), is_empty_allowed=True)
        if self.at < len(self.text):
            raise self.fail("unexpected )")
        if self._waiting:
            raise self.fail("a here-document has no end", self._waiting[0].operator)
        return self.scan

    # Lists of commands

    def _commands(self, closers: frozenset[str], is_empty_allowed: bool = False) -> str | None:
        """Read commands up to one of the closing words (which is read) or a ``)`` (which is not)."""
        is_needed = not is_empty_allowed  # an operator, or the beginning, asks for a command
        has_command = was_compound = is_piped = False
        while True:
            self._skip_blanks()
            closer = self._closer(closers) if was_compound or not has_command else None
            if (
                closer
                or self.at >= len(self.text)
                or self.sees(")")
                or ("esac" in closers and self._sees_branch_end())
            ):
                if is_needed or (closers and not closer and not self._sees_branch_end()):
                    raise self.fail("a command is missing")
                return closer
            if self.sees("\n"):
                self._newline(has_command)
                has_command = False
            elif operator := _OPERATOR.match(self.text, self.at):
                if not has_command or operator[0] in (";;", ";&", ";;&"):
                    raise self.fail(f"unexpected {operator[0]}")
                self._separate(operator[0])
                is_needed = operator[0] in ("&&", "||", "|", "|&")
                is_piped = operator[0] in ("|", "|&")
                has_command = False
            elif has_command:
                raise self.fail("a separator is missing")
            else:
                self.scan.only_bash |= is_piped and self._keyword() in _PREFIXES
                was_compound = self._command()
                has_command, is_needed, is_piped = True, False, False

    def _sees_branch_end(self) -> bool:
        return self.sees(";;") or self.sees(";&")

    def _closer(self, closers: frozenset[str]) -> str | None:
        keyword = self._keyword()
        if keyword not in closers:
            return None
        self.at += len(keyword)
        return keyword

    def _keyword(self) -> str:
        match = _KEYWORD.match(self.text, self.at)
        return match[0] if match else ""

    def _skip_lines(self) -> None:
        self._skip_blanks()
        while self.sees("\n"):
            self._newline(has_command=False)
            self._skip_blanks()

    def _separate(self, text: str) -> None:
        start, self.at = self.at, self.at + len(text)
        self.scan.only_bash |= text in ONLY_BASH_OPERATORS
        self.scan.keeps_state |= text == "&" and not self._subshells
        separator = Separator(start, self.at, text, not self._depth, bool(self._waiting))
        self.scan.separators.append(separator)

    def _newline(self, has_command: bool) -> None:
        start = self.at
        self.at += 1
        waiting, self._waiting = self._waiting, []
        for heredoc in waiting:
            self._heredoc_body(heredoc)
        if has_command:
            # With here-documents the part before goes on up to the newline after the last delimiter.
            start = self.at - 1 if waiting else start
            if self.sees_newline_at(start):
                self.scan.separators.append(Separator(start, self.at, "\n", not self._depth, False))

    def sees_newline_at(self, position: int) -> bool:
        return self.text[position : position + 1] == "\n"

    # Commands

    def _command(self) -> bool:
        """Read one command and tell whether it was a compound one."""
        keyword = self._keyword()
        self.scan.only_bash |= keyword in _ONLY_BASH
        if keyword in _PREFIXES:
            self.scan.has_prefix = True
            self.at += len(keyword)
            self._skip_blanks()
            following = self._keyword()
            is_compound = self._compound(following) is not None
            # dash knows only one "!", and "time" only as a program.
            self.scan.only_bash |= following in _PREFIXES or (keyword == "time" and is_compound)
            return self._command()
        if keyword in _CLOSING:
            raise self.fail(f"unexpected {keyword}")
        compound = self._compound(keyword)
        if not compound:
            return self._simple()
        self.scan.has_compound = True
        self._depth += 1
        compound()
        self._depth -= 1
        self._redirects()
        return True

    def _compound(self, keyword: str):
        """Return the method that reads the compound command here, if it is one."""
        if self.sees("("):
            return self._parenthesis
        return {
            "if": self._if,
            "while": self._loop,
            "until": self._loop,
            "for": self._for,
            "select": self._for,
            "case": self._case,
            "{": self._braces,
            "[[": self._test,
            "function": self._function,
        }.get(keyword)

    def _expect(self, *keywords: str) -> str:
        return self._commands(frozenset(keywords)) or ""

    def _if(self) -> None:
        self.at += len("if")
        closer = "elif"
        while closer == "elif":
            self._expect("then")
            closer = self._expect("elif", "else", "fi")
        if closer == "else":
            self._expect("fi")

    def _loop(self) -> None:
        self.at += len("while")
        self._expect("do")
        self._expect("done")

    def _braces(self) -> None:
        self.at += 1
        self._expect("}")

    def _for(self) -> None:
        self.scan.keeps_state |= not self._subshells
        self.at += len(self._keyword())
        self._skip_blanks()
        if self.sees("((") and self._try_arithmetic(2):
            self.scan.only_bash = True
        else:
            self.word()
            self._skip_lines()
            if self._keyword() == "in":
                self.at += len("in")
                self._words()
        self._skip_blanks()
        if self.sees(";"):
            self.at += 1
        self._skip_lines()
        if self._keyword() not in ("do", "{"):
            raise self.fail("do is missing")
        closer = "done" if self._keyword() == "do" else "}"
        self.at += len(self._keyword())
        self._expect(closer)

    def _case(self) -> None:
        self.at += len("case")
        self._skip_blanks()
        self.word()
        self._skip_lines()
        if self._keyword() != "in":
            raise self.fail("in is missing")
        self.at += len("in")
        self._skip_lines()
        while self._keyword() != "esac":
            if self._case_branch() == "esac":
                return
            self._skip_lines()
        self.at += len("esac")

    def _case_branch(self) -> str | None:
        self.at += self.sees("(")
        self._words(separators="|")
        if not self.sees(")"):
            raise self.fail("a ) of case is missing")
        self.at += 1
        closer = self._commands(frozenset({"esac"}), is_empty_allowed=True)
        if not closer:
            ending = _OPERATOR.match(self.text, self.at)
            if not ending:
                raise self.fail("esac is missing")
            self.scan.only_bash |= ending[0] in ONLY_BASH_OPERATORS
            self.at = ending.end()
        return closer

    def _test(self) -> None:
        """Read ``[[ ... ]]``, whose operators are no separators."""
        self.at += 2
        while not (self.sees("]]") and self.text[self.at - 1] in " \t\n"):
            if self.at >= len(self.text):
                raise self.fail("a [[ is never closed")
            self.piece()
        self.at += 2

    def _function(self) -> None:
        self.scan.keeps_state = True
        self.at += len("function")
        self._words(separators="()")
        self._skip_lines()
        self._command()

    def _parenthesis(self) -> None:
        if self.sees("((") and self._try_arithmetic(2):
            self.scan.only_bash = self.scan.keeps_state = True
            return
        start = self.at
        self.at += 1
        self._in_subshell(start)
        self.at += 1

    def substituted_commands(self, start: int) -> None:
        waiting, self._waiting = self._waiting, []
        self._depth += 1
        self._in_subshell(start, is_empty_allowed=True)
        self._depth -= 1
        if self._waiting:
            raise self.fail("a here-document has no end", self._waiting[0].operator)
        self._waiting = waiting

    def _in_subshell(self, start: int, is_empty_allowed: bool = False) -> None:
        self._subshells += 1
        self._commands(frozenset(), is_empty_allowed)
        self._subshells -= 1
        if not self.sees(")"):
            raise self.fail("a ( is never closed", start)

    def backtick_commands(self, code: str) -> None:
        inner = Reader(code)
        inner._subshells = 1
        scan = inner.read_all()
        self.scan.only_bash |= scan.only_bash
        self.scan.keeps_state |= scan.keeps_state

    def _simple(self) -> bool:
        words: list[tuple[int, int]] = []
        assignments: list[tuple[int, int]] = []
        has_redirect = False
        self._skip_blanks()
        while self.at < len(self.text) and not self.sees("\n") and not self.sees(")"):
            if self._redirect():
                has_redirect = True
            elif _OPERATOR.match(self.text, self.at):
                break
            elif self.sees("("):
                return self._function_definition(words)
            elif span := self.word_or_array(may_assign=not words):
                is_assignment = not words and _ASSIGNMENT.match(self.text, span[0], span[1])
                (assignments if is_assignment else words).append(span)
            self._skip_blanks()
        command = SimpleCommand(tuple(words), tuple(assignments), bool(self._subshells), has_redirect)
        self.scan.commands.append(command)
        return False

    def word_or_array(self, may_assign: bool) -> tuple[int, int] | None:
        start = self.at
        if self.sees("<(") or self.sees(">("):
            self.scan.only_bash = True
            self.at += 2
            self.substituted_commands(start)
            self.at += 1
        self.word()
        word = self.text[start : self.at]
        if may_assign and self.sees("(") and _ASSIGNMENT.fullmatch(word):
            self.scan.only_bash = True
            self._array(start)
        if word.isdigit() and self.text[self.at : self.at + 1] in tuple("<>"):
            return None
        return start, self.at

    def _array(self, start: int) -> None:
        self.at += 1
        self._skip_lines()
        while not self.sees(")"):
            self._words()
            if not (self.sees("\n") or self.sees(")")):
                raise self.fail("a list of values is never closed", start)
            self._skip_lines()
        self.at += 1

    def _words(self, separators: str = "") -> None:
        """Read words up to an operator or the end of the line."""
        self._skip_blanks()
        while self.at < len(self.text):
            if self.text[self.at] in separators:
                self.at += 1
            elif self.text[self.at] in METACHARACTERS:
                return
            else:
                self.word()
            self._skip_blanks()

    def _function_definition(self, words: list[tuple[int, int]]) -> bool:
        closing = re.compile(r"\([ \t]*\)").match(self.text, self.at)
        if len(words) != 1 or not closing:
            raise self.fail("unexpected (")
        self.scan.keeps_state = True
        self.at = closing.end()
        self._skip_lines()
        self._command()
        return True


def read(code: str) -> CommandScan:
    """Read a script.

    :raise Unreadable: when an end is missing, or nobody can say for every shell what the code means
    """
    try:
        return Reader(code).read_all()
    except RecursionError:
        raise Unreadable("the code is nested too deeply", 0) from None
