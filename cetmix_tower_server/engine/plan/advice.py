"""Advice for authors about shell code and conditions. Never a reason to refuse them.

Shell code should hold one command per step, without ``cd`` and ``sudo``: a flight plan has lines, paths and the server's
sudo setting for that.
"""

from __future__ import annotations

import ast
import re
from enum import Enum
from functools import lru_cache

from ..shell.grammar import read
from ..shell.lexer import Unreadable
from ..template.placeholders import PLACEHOLDER
from ..template.tags import replace_tags
from . import conditions

_DIRECTORY = frozenset(("cd", "chdir", "pushd"))
_QUOTING = re.compile(r"\\\n|[\\'\"]")
# Templates and secrets stand for text that is not known yet: one word, or nothing.
_PRINTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
CONDITION_MAX = 10_000  # characters of a condition that is looked at
_FUNCTIONS = frozenset("abs all any bool float int len max min round sorted str sum".split())
_VALUE = "tower_value_of_a_variable"
_REST_IS_EMPTY = re.compile(r"(?:[ \t\n]|\\\n|#[^\n]*)*")


class Advice(Enum):
    """Something that Tower has a better way to do."""

    CHAIN = "chain"  # commands chained with && or ;
    SUDO = "sudo"
    DIRECTORY = "directory"  # cd


class ConditionAdvice(Enum):
    """Why a condition is unlikely to do what its author wants."""

    SYNTAX = "syntax"
    NAME = "name"  # a name that is neither a function nor in braces
    QUOTED = "quoted"  # quotes around a variable: its value brings its own


@lru_cache(maxsize=4096)
def advise(code: str) -> frozenset[Advice]:
    """Return the advice about shell code, which may contain templates; none if it cannot be parsed."""
    code = replace_tags(PLACEHOLDER.sub("x", code), variable="x", other=" ")
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


@lru_cache(maxsize=4096)
def advise_on_condition(source: str) -> tuple[ConditionAdvice, str] | None:
    """Return what is wrong with a condition whatever its variables are, and the words it is about.

    None when nothing is found, and for conditions that more than print variables: what these come to is only known
    when they run.
    """
    if not source.strip() or "{%" in source or "{#" in source or len(source) > CONDITION_MAX:
        return None
    text = _PRINTED.sub(_VALUE, source).strip()
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        return ConditionAdvice.SYNTAX, error.msg
    except (ValueError, RecursionError, MemoryError):
        return None
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.Constant) and _VALUE in str(node.value) for node in nodes):
        return ConditionAdvice.QUOTED, ""
    names = [node for node in nodes if isinstance(node, ast.Name)]
    known = {
        _VALUE,
        *_FUNCTIONS,
        *conditions.RECORDS,
        *(name.id for name in names if isinstance(name.ctx, ast.Store)),
    }
    unknown = [name.id for name in names if name.id not in known]
    return (ConditionAdvice.NAME, unknown[0]) if unknown else None
