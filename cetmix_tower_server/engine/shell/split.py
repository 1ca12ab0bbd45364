"""Splits shell code into commands that sudo runs one by one, if that does not change their meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import ScriptError
from .grammar import read
from .lexer import Context, Unreadable
from .redirects import CommandScan, Separator, SimpleCommand

_NOTHING = re.compile(r"(?:[ \t\n]|\\\n|#[^\n]*)*")
# Commands of the shell itself that change what a later command of the same shell does, or depend on it.
_STATEFUL = frozenset(
    ". : alias bg bind break builtin caller cd chdir command complete compopt continue declare dirs disown enable"
    " eval exec exit export fc fg getopts hash history jobs let local logout mapfile popd pushd read readarray"
    " readonly return set shift shopt source suspend times trap type typeset ulimit umask unalias unset wait".split()
)
_OTHER_BUILTINS = frozenset("[ compgen echo false help kill printf pwd test true".split())
_KEYWORDS = frozenset(
    "! case coproc do done elif else esac fi for function if in select then time until while { } [[ ]]".split()
)
_BARE_SPECIAL = frozenset("*?[{")


@dataclass(frozen=True)
class Part:
    """A piece of a script.

    :param connector: what stands between the piece before and this one: "&&", ";" or a newline; "" for the
        first. A piece after "&&" runs only when the last exit status is 0 (a piece that was left out keeps it);
        the others always run.
    :param code: exactly as written, with blanks and comments: all connectors and codes joined give the script
    """

    connector: str
    code: str


def split_commands(code: str) -> list[Part]:
    """Cut a script on outermost ``&&``, ``;`` and newlines.

    A script that cannot be cut without changing what it does stays whole: one that sets a variable, changes
    the directory or keeps any other state of the shell, uses ``$?`` or ``$$``, starts background jobs, has a
    syntax error, or means different things in different shells. ``a && b || c`` is never cut.

    :return: at least one part
    """
    try:
        scan = read(code)
    except Unreadable:
        return [Part("", code)]
    if scan.only_bash or scan.keeps_state or any(_is_stateful(code, command) for command in scan.commands):
        return [Part("", code)]
    return list(_parts(code, _cuts(code, scan)))


def plain_words(code: str) -> list[str] | None:
    """Return the words of a script that is one simple command, else None.

    None when anything but quotes would have to be done by a shell: expansions, patterns, redirections,
    assignments, keywords and commands built into the shell.
    """
    try:
        scan = read(code)
    except Unreadable:
        return None
    if (
        scan.has_compound
        or scan.has_prefix
        or scan.has_expansion
        or scan.only_bash
        or len(scan.commands) != 1
    ):
        return None
    command = scan.commands[0]
    if command.has_redirect or command.assignments or any(cut.text != "\n" for cut in scan.separators):
        return None
    words = [_unquoted(code, scan, *span) for span in command.words]
    plain = [word for word in words if word is not None]
    if (
        not plain
        or len(plain) < len(words)
        or plain[0] in _STATEFUL | _OTHER_BUILTINS | _KEYWORDS
        or not plain[0]
    ):
        return None
    return plain


def check(code: str) -> str:
    """Return a sentence about what is wrong with the code for a POSIX shell, or "".

    The sentence is a warning: the host's shell decides.

    :raise ScriptError: for a NUL character, which no shell can read
    """
    if "\0" in code:
        raise ScriptError("The code contains a NUL character, which shells do not accept.")
    try:
        read(code)
    except Unreadable as error:
        line = code.count("\n", 0, error.position) + 1
        return f"Line {line}: {error}."
    return ""


def _cuts(code: str, scan: CommandScan) -> list[Separator]:
    """Return the separators where the script can be cut."""
    outermost = [separator for separator in scan.separators if separator.is_outermost]
    cuts: list[Separator] = []
    and_list: list[Separator] = []
    has_or = False
    for separator in outermost:
        has_or |= separator.text == "||"
        if separator.text == "&&":
            and_list.append(separator)
        elif separator.text in (";", "\n"):
            cuts += [] if has_or else and_list
            cuts.append(separator)
            and_list, has_or = [], False
    cuts += [] if has_or else and_list
    cuts = [cut for cut in cuts if not cut.waits_for_heredoc]
    if cuts and _NOTHING.fullmatch(code, cuts[-1].end):
        cuts.pop()
    return cuts


def _parts(code: str, cuts: list[Separator]) -> Iterator[Part]:
    start, connector = 0, ""
    for cut in cuts:
        yield Part(connector, code[start : cut.start])
        start, connector = cut.end, cut.text
    yield Part(connector, code[start:])


def _is_stateful(code: str, command: SimpleCommand) -> bool:
    """Tell whether a command may change what later commands of the same shell do."""
    if command.in_subshell:
        return False
    if not command.words:
        return bool(command.assignments)
    words = [re.sub(r"\\\n|[\\'\"]", "", code[start:end]) for start, end in command.words[:2]]
    if any(
        character in words[0] for character in "$`{*?[~"
    ):  # only the shell knows which command this will be
        return True
    sets_variable = words[0] == "printf" and words[1:] and words[1][:1] in ("-", "$", "`")
    return words[0] in _STATEFUL or bool(sets_variable)


def _unquoted(code: str, scan: CommandScan, start: int, end: int) -> str | None:
    """Return the text of a word without its quotes, or None when a shell would do more than remove them."""
    characters = []
    for position in range(start, end):
        character = code[position]
        context = scan.context_at(position)
        if position - 1 in scan.escapes:
            characters.append(character)
        elif position in scan.escapes:
            continue
        elif (
            character == "\\" and code[position + 1 : position + 2] == "\n" and context is not Context.SINGLE
        ):
            continue
        elif character == "\n" and code[position - 1] == "\\" and context is not Context.SINGLE:
            continue
        elif context is Context.BARE and character in "'\"":
            continue
        elif context is Context.BARE and (character in _BARE_SPECIAL or _is_tilde(code, position, start)):
            return None
        else:
            characters.append(character)
    return "".join(characters)


def _is_tilde(code: str, position: int, start: int) -> bool:
    return code[position] == "~" and (position == start or code[position - 1] in "=:")
