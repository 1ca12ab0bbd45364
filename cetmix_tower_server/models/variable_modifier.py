"""Value modifiers: small Python of a variable's author that changes a value before it is used.

They know ``value``, ``result`` and a wrapped ``re``: no environment, no records (access matrix, "Actions are
rights too": who may not write Python commands may still write these).
"""

import ast
import re
from functools import lru_cache

from odoo.tools.safe_eval import safe_eval, test_python_expr, wrap_module

RE = wrap_module(
    re,
    "compile escape findall fullmatch match search split sub subn A ASCII I IGNORECASE M MULTILINE S DOTALL X".split(),
)
# str.format walks attributes and items by their name inside a string, which safe_eval cannot see:
# "{0.__init__.__globals__}".format(re) would read the server's memory. f-strings are not affected.
REFUSED_METHODS = {"format", "format_map"}


def check_modifier(expression):
    """Return why ``expression`` cannot be a modifier, as a sentence, or "" when it can."""
    mode = _get_mode(expression)
    try:
        problem = test_python_expr(expression.strip(), mode=mode)
    except NameError as err:  # a name with two underscores
        return str(err)
    if problem:
        return problem
    for node in ast.walk(ast.parse(expression.strip(), mode=mode)):
        if isinstance(node, ast.Attribute) and node.attr in REFUSED_METHODS:
            return f"The method {node.attr}() is not available; use an f-string."
    return ""


def apply_modifier(expression, value):
    """Return what the modifier makes of ``value``: text, or None when it takes the value away.

    :param expression: Python expression, or statements that set ``result``
    :param value: the rendered text
    :raise Exception: whatever the author's code raises, wrapped by safe_eval
    """
    problem = check_modifier(expression)
    if problem:
        raise ValueError(problem)
    context = {"value": value, "result": value, "re": RE}
    mode = _get_mode(expression)
    result = safe_eval(expression.strip(), context, mode=mode)
    if mode == "exec":
        result = context.get("result")
    if result is None or result is False:
        return None
    return result if isinstance(result, str) else str(result)


def describe_error(error):
    """Return the author's own error without safe_eval's wrapping, for a person."""
    cause = error.__context__ if isinstance(error, ValueError) and error.__context__ else error
    return f"{type(cause).__name__}: {cause}"


def _get_mode(expression):
    try:
        compile(expression.strip(), "modifier", "eval")
    except (SyntaxError, ValueError):
        return "exec"
    return "eval"


check_modifier = lru_cache(maxsize=512)(check_modifier)
_get_mode = lru_cache(maxsize=512)(_get_mode)
