"""Which values an author's Python may set for later steps, as far as reading the code can tell.

A dry run uses this to separate what is known beforehand from what is not. In doubt a name counts as set.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from ..template.tags import replace_tags

CUSTOM = "custom_values"
_WORD = re.compile(r"[A-Za-z_]\w*")
_READING = frozenset("get items keys values copy".split())


@dataclass(frozen=True)
class Effects:
    """The values that code may set.

    :param names: names it may set
    :param anything: it may set any name
    """

    names: frozenset[str] = frozenset()
    anything: bool = False


def effects_of(code: str) -> Effects:
    """Return the values that Python code may set. Never raises.

    :param code: as its author wrote it, templates not rendered
    """
    plain = replace_tags(code, variable=" 0 ", other="")
    try:
        tree = ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Effects(frozenset(_WORD.findall(plain)), CUSTOM in plain)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    read: set[ast.AST] = set()
    anything = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == CUSTOM:
            names, is_known = _use(node, parents)
            read |= names
            anything |= not is_known
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in read
    }
    keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
    return Effects(frozenset(text for text in texts if _WORD.fullmatch(text)) | keywords, anything)


def _use(node: ast.Name, parents: dict) -> tuple[set[ast.AST], bool]:
    """Return the constants that one use of ``custom_values`` only reads, and whether it is clear what it sets."""
    parent = parents.get(node)
    around = parents.get(parent)
    if isinstance(parent, ast.Subscript) and parent.value is node:
        is_known = isinstance(parent.slice, ast.Constant)
        only_read = is_known and isinstance(parent.ctx, ast.Load)
        # A value that is read may be a list or dictionary, and be changed: custom_values["x"].append(1)
        is_changed = isinstance(around, (ast.Attribute, ast.Subscript))
        return ({parent.slice} if only_read and not is_changed else set()), is_known
    if isinstance(parent, ast.Attribute) and isinstance(around, ast.Call) and around.func is parent:
        if parent.attr in _READING:
            is_changed = isinstance(parents.get(around), (ast.Attribute, ast.Subscript))
            return (set() if is_changed else set(around.args[:1])), True
        if parent.attr in ("setdefault", "pop"):
            return set(), bool(around.args) and isinstance(around.args[0], ast.Constant)
        if parent.attr == "update":
            return set(), _is_known_update(around)
        return set(), False
    if isinstance(parent, ast.Compare) and node in parent.comparators:
        return {parent.left}, True
    return set(), False


def _is_known_update(call: ast.Call) -> bool:
    """Return whether a call of ``custom_values.update(...)`` spells out all names that it sets."""
    return all(keyword.arg for keyword in call.keywords) and all(
        isinstance(argument, ast.Dict) and all(isinstance(key, ast.Constant) for key in argument.keys)
        for argument in call.args
    )
