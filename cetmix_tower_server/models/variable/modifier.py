"""Value modifiers: small Python of a variable's author that changes a value before it is used.

They know ``value``, ``result`` and a wrapped ``re``: no environment, no records (access matrix, "Actions are
rights too": who may not write Python commands may still write these). They are looked through here, with Odoo's own
rules, and run in another process, see ``engine.values.modifiers``.
"""

import ast
from functools import lru_cache

from odoo.tools.safe_eval import test_python_expr

from ...engine.errors import RenderingError
from ...engine.values.modifiers import find_mode, find_refused
from ...engine.values.rules import ValueRule, ValueRules

MODIFIER_MAX = 20_000  # characters


@lru_cache(maxsize=512)
def check_modifier(expression):
    """Return why ``expression`` cannot be a modifier, as a sentence, or "" when it can."""
    if len(expression) > MODIFIER_MAX:
        return f"It has more than {MODIFIER_MAX} characters."
    mode = find_mode(expression)
    try:
        problem = test_python_expr(expression.strip(), mode=mode)
    except NameError as err:  # a name with two underscores
        return str(err)
    except (MemoryError, RecursionError):
        return "It is nested too deeply."
    return problem or find_refused(ast.parse(expression.strip(), mode=mode))


def apply_modifier(expression, value):
    """Return what the modifier makes of ``value``: text, or None when it takes the value away.

    :param expression: Python expression, or statements that set ``result``
    :param value: the rendered text
    :raise ValueError: it cannot be a modifier, fails, or takes too long
    """
    problem = check_modifier(expression)
    if problem:
        raise ValueError(problem)
    rules = ValueRules({"value": ValueRule(modifier=expression, failed="%(error)s")})
    try:
        return rules("value", value)
    except RenderingError as err:
        raise ValueError(str(err)) from None
