"""What is unwise in the shell code of a command: advice to its author, never a reason to refuse it.

Source: "SSH commands" of the notes for people who develop for Tower: one command a step, no ``cd``, no ``sudo``.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from .secrets_in_code import PLACEHOLDER
from .shell.grammar import read
from .shell.lexer import Unreadable

_DIRECTORY = frozenset(("cd", "chdir", "pushd"))
_QUOTING = re.compile(r"\\\n|[\\'\"]")
# Templates and secrets stand for text that is not known yet: one word, or nothing.
_PRINTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_NOT_PRINTED = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_REST_IS_EMPTY = re.compile(r"(?:[ \t\n]|\\\n|#[^\n]*)*")


class Advice(Enum):
    """Something that Tower has a better way for."""

    CHAIN = "chain"  # commands chained with && or ;
    SUDO = "sudo"
    DIRECTORY = "directory"  # cd


@lru_cache(maxsize=4096)
def advise(code: str) -> frozenset[Advice]:
    """Return what is unwise in shell code that may hold templates; nothing when it cannot be read."""
    code = _NOT_PRINTED.sub(" ", _PRINTED.sub("x", PLACEHOLDER.sub("x", code)))
    try:
        scan = read(code)
    except (Unreadable, RecursionError):
        return frozenset()
    found = set()
    if any(
        separator.is_outermost
        and separator.text in ("&&", ";")
        and not _REST_IS_EMPTY.fullmatch(code, separator.end)
        for separator in scan.separators
    ):
        found.add(Advice.CHAIN)
    for command in scan.commands:
        if not command.words:
            continue
        name = _QUOTING.sub("", code[slice(*command.words[0])])
        if name.rpartition("/")[2] == "sudo":
            found.add(Advice.SUDO)
        elif name in _DIRECTORY and not command.in_subshell:
            found.add(Advice.DIRECTORY)
    return frozenset(found)
