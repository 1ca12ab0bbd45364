"""The tasks of a child, by name. Only imported in children.

Answers are plain data that Tower reads without trusting it: a result, or the facts of an error.
"""

from __future__ import annotations

import html  # noqa: F401  # Jinja imports these two when a template needs them, and a child cannot
import sys
import textwrap  # noqa: F401
from collections.abc import Callable
from typing import Any

from .. import errors
from ..plan import conditions
from ..template import renaming, rendering
from ..values import modifiers, patterns
from ..values import rules as value_rules
from . import pool

_ERRORS = (
    errors.UndefinedVariable,
    errors.ValueInvalid,
    errors.VariableCycle,
    errors.ConditionInvalid,
    errors.RenderingError,
)


def prepare() -> None:
    """Prepare this process to do the work itself, and load what is loaded at first use: later it cannot."""
    pool.is_child = True
    for name in ("unicode_escape", "ascii", "utf-8", "latin-1", "idna", "punycode"):
        "a".encode(name)
    scope = rendering.VariableScope(custom={"a": "a'\n"})
    source = "{% for a in [a] %}{{ a|upper|tojson }}{{ '%s'|format(a) }}{% endfor %}{% macro m() %}{% endmacro %}{{ m() }}"
    for mode in rendering.Mode:
        rendering.render(source, scope, mode)
    for broken in ("{{ (", "{{ 1 / 0 }}", "{{ b }}"):
        try:
            rendering.render(broken, scope)
        except errors.RenderingError:
            pass
    conditions.evaluate("{{ a }} == '1' and [b for b in '\\N{DIGIT ONE}'] == f'{1}'", scope, "")
    modifiers.apply("re.sub('a', 'b', value) + f'{1:>3}'", "a")


def perform(name: str, arguments: tuple) -> dict[str, Any]:
    """Do one task; never raises."""
    try:
        return {"result": TASKS[name](*arguments)}
    except errors.EngineError as error:
        kind = next((kind for kind in _ERRORS if type(error) is kind), errors.RenderingError)
        return {"error": kind.__name__, "message": str(error), "facts": _facts(error)}
    except ValueError as error:
        return {"error": "ValueError", "message": str(error), "facts": ""}
    except (MemoryError, RecursionError) as error:
        return {"error": type(error).__name__, "message": "", "facts": ""}


def _facts(error: errors.EngineError) -> Any:
    for name in ("variable", "path", "summary"):
        if hasattr(error, name):
            return getattr(error, name)
    return ""


def _render(source: str, scope: dict, mode: str, undefined: str, where: str) -> str:
    return rendering.render(
        source,
        rendering.scope_from_plain(scope),
        rendering.Mode[mode],
        rendering.UndefinedPolicy[undefined],
        where,
    )


TASKS: dict[str, Callable] = {
    "render": _render,
    "find_variables": lambda source, where: sorted(rendering.find_variables(source, where)),
    "rename_variable": renaming.rename_variable,
    "decide": conditions.decide,
    "value": value_rules.apply_plain,
    "match": patterns.fullmatch,
    "check_pattern": patterns.find_problem,
}
sys.setrecursionlimit(1000)
