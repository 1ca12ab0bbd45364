"""Value modifiers: short Python code by a variable's author that changes a value before it is used.

They have ``value``, ``result`` and a part of ``re``: no environment, no records, no files. Odoo's ``test_python_expr`` has checked
them before; this check is a second one. They only run in child processes (``bounded``).
"""

from __future__ import annotations

import ast
import functools
import re
from types import SimpleNamespace
from typing import Any

RE = SimpleNamespace(
    **{
        name: getattr(re, name)
        for name in (
            "compile escape findall fullmatch match search split sub subn"
            " A ASCII I IGNORECASE M MULTILINE S DOTALL X"
        ).split()
    }
)
# str.format resolves attributes and items named inside a string, which a check of the code cannot see:
# "{0.__init__.__globals__}".format(re) would expose the process's memory. f-strings are not affected.
REFUSED_METHODS = frozenset({"format", "format_map"})
_BUILTINS: dict[str, Any] = {
    function.__name__: function
    for function in (
        *(
            abs,
            all,
            any,
            bool,
            bytes,
            chr,
            dict,
            divmod,
            enumerate,
            filter,
            float,
            int,
            isinstance,
            len,
            list,
            map,
        ),
        *(
            max,
            min,
            ord,
            range,
            repr,
            reversed,
            round,
            set,
            sorted,
            str,
            sum,
            tuple,
            zip,
            Exception,
            ValueError,
        ),
        *(KeyError, IndexError, TypeError, ZeroDivisionError, functools.reduce),
    )
}
_BUILTINS |= {"unicode": str, "xrange": range}
_REFUSED_NODES = (
    ast.Import,
    ast.ImportFrom,
    ast.Global,
    ast.Nonlocal,
    ast.ClassDef,
    ast.AsyncFunctionDef,
    ast.Await,
)


def find_mode(expression: str) -> str:
    """Return how a modifier is compiled: "eval" for an expression, "exec" for statements that set ``result``."""
    try:
        compile(expression.strip(), "modifier", "eval")
    except (SyntaxError, ValueError):
        return "exec"
    return "eval"


def find_refused(tree: ast.AST) -> str:
    """Return why a modifier's code is refused, as a sentence, or ""."""
    for node in ast.walk(tree):
        if isinstance(node, _REFUSED_NODES):
            return f"{type(node).__name__} is not available."
        name = getattr(node, "attr", None) or getattr(node, "id", None) or ""
        if isinstance(node, ast.Attribute) and node.attr in REFUSED_METHODS:
            return f"The method {node.attr}() is not available; use an f-string."
        if isinstance(name, str) and (
            "__" in name or (isinstance(node, ast.Attribute) and name.startswith("_"))
        ):
            return f"The name {name} is not available."
    return ""


def apply(expression: str, value: str) -> str | None:
    """Return the modified value: text, or None if the modifier removes the value.

    :param expression: Python expression, or statements that set ``result``
    :raise Exception: whatever the author's code raises
    """
    code, mode = _compiled(expression)
    names = {"value": value, "result": value, "re": RE, "__builtins__": dict(_BUILTINS)}
    result = eval(code, names)  # checked, and in a process of its own
    if mode == "exec":
        result = names.get("result")
    if result is None or result is False:
        return None
    return result if isinstance(result, str) else str(result)


@functools.lru_cache(maxsize=512)
def _compiled(expression: str):
    mode = find_mode(expression)
    tree = ast.parse(expression.strip(), "modifier", mode)
    refused = find_refused(tree)
    if refused:
        raise ValueError(refused)
    return compile(tree, "modifier", mode), mode
