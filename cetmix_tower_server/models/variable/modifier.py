"""Value modifiers: small Python by a variable's author that changes a value before it is used.

Only ``value``, ``result`` and a wrapped ``re`` are available, no environment and no records, because authors need no right to
write Python commands. The code is checked here with Odoo's own rules and runs in another process, see
``engine.values.modifiers``.
"""

import ast
from functools import lru_cache

from odoo.tools.safe_eval import test_python_expr

from ...engine.values.modifiers import find_mode, find_refused

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
