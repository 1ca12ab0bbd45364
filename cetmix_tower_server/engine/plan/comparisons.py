"""What a condition compares its variables with, and which of these comparisons cannot work as intended.

Stored values are texts, whatever they look like: "10" never equals the number 10, and "false" is true, like any text that is
not empty. The condition is not changed; its author is warned.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

SOURCE_MAX = 10_000  # characters of a condition that is looked at
READS_FALSE = frozenset("0 false no off none null n f disabled".split())
_VARIABLE = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}")
_OTHER_TAG = re.compile(r"\{\{|\{%|\{#")
_MARK = "tower_variable_"


class How(Enum):
    """How a condition uses a variable."""

    EQUAL = "equal"  # ==, in
    DIFFERENT = "different"  # !=, not in
    ORDER = "order"
    TRUTH = "truth"


class Doubt(Enum):
    """Why a use cannot work as intended."""

    OTHER_TYPE = "other_type"  # a text is never equal to a number
    NO_ORDER = "no_order"  # texts and numbers have no order: the condition fails
    NO_OPTION = "no_option"  # a text that is none of the variable's options
    READS_FALSE = "reads_false"  # a text that reads like "no" is true


@dataclass(frozen=True)
class Use:
    """One use of a variable in a condition.

    :param literals: what it is compared with: texts, numbers, True, False, None; nothing for its truth
    """

    name: str
    how: How
    literals: tuple[object, ...] = ()


_OPERATORS = {
    ast.Eq: How.EQUAL,
    ast.In: How.EQUAL,
    ast.Is: How.EQUAL,
    ast.NotEq: How.DIFFERENT,
    ast.NotIn: How.DIFFERENT,
    ast.IsNot: How.DIFFERENT,
    ast.Lt: How.ORDER,
    ast.LtE: How.ORDER,
    ast.Gt: How.ORDER,
    ast.GtE: How.ORDER,
}


@lru_cache(maxsize=4096)
def find_uses(source: str) -> tuple[Use, ...]:
    """Return the uses of variables in a condition that can be judged: compared with literals, or for their truth.

    Nothing for conditions that do more than print variables, and for what is no expression.
    """
    text = _VARIABLE.sub(lambda match: _MARK + match[1], source.strip())
    if len(source) > SOURCE_MAX or _OTHER_TAG.search(text):
        return ()
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    comparisons = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    return (*_truths(tree), *(use for node in comparisons for use in _compared(node)))


def judge(use: Use, texts: Collection[str] = (), options: Collection[str] | None = None) -> Doubt | None:
    """Return why a use of a variable whose value is text cannot work as intended, or None.

    :param texts: values the variable may have, as far as they are known
    :param options: all values the variable may have; None if it may have any
    """
    if use.how is How.TRUTH:
        return Doubt.READS_FALSE if any(reads_false(text) for text in texts) else None
    strings = [literal for literal in use.literals if isinstance(literal, str)]
    if use.how is How.ORDER:
        return None if strings else Doubt.NO_ORDER
    if not strings:
        return None if None in use.literals else Doubt.OTHER_TYPE
    if options and None not in use.literals and not set(strings) & {*options, ""}:
        return Doubt.NO_OPTION
    return None


def reads_false(text: str) -> bool:
    """Return whether people read a text as "no"."""
    return text.strip().lower() in READS_FALSE


def _name_of(node: ast.expr) -> str | None:
    is_variable = isinstance(node, ast.Name) and node.id.startswith(_MARK)
    return node.id.removeprefix(_MARK) if is_variable else None


def _truths(node: ast.expr) -> Iterator[Use]:
    """Yield the variables of which nothing but the truth counts."""
    if name := _name_of(node):
        yield Use(name, How.TRUTH)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _truths(value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _truths(node.operand)
    elif isinstance(node, ast.IfExp):
        for part in (node.test, node.body, node.orelse):
            yield from _truths(part)


def _compared(node: ast.Compare) -> Iterator[Use]:
    sides = [node.left, *node.comparators]
    for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
        how = _OPERATORS[type(operator)]
        is_in = isinstance(operator, (ast.In, ast.NotIn))
        if name := _name_of(left):
            found = _items(right) if is_in else _literal(right)
        elif (name := _name_of(right)) and not is_in:  # "x" in {{ a }} looks for a part of a text
            found = _literal(left)
        else:
            continue
        if found:
            yield Use(name, how, tuple(found))


def _literal(node: ast.expr) -> list[object]:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return []
    return [value] if value is None or isinstance(value, (str, int, float)) else []


def _items(node: ast.expr) -> list[object]:
    if not isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return []
    items = [_literal(item) for item in node.elts]
    return [item[0] for item in items] if all(items) else []
