"""Fills the values of variables into code.

Two modes: in shell mode a value is written as it is, in literal mode (Python commands, conditions) ``{{ x }}`` becomes
Python code for the value, also inside of a string literal. A variable without a value is an error that names it,
unless it is only tested.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import TracebackType
from typing import Any

from jinja2 import TemplateAssertionError, TemplateSyntaxError, Undefined, UndefinedError, meta
from jinja2.runtime import missing

from ..bounded import pool
from ..bounded.pool import NotCheap, TooSlowHere
from ..errors import EngineError, RenderingError, UndefinedVariable, VariableCycle
from ..python import literals as python_literals
from ..values import rules as value_rules
from . import tags
from .sandbox import OUTPUT_MAX, Budget, CodeText, LimitedEnvironment, Refused
from .tags import has_tags

DEPTH_MAX = 32  # values that use values that use values ...
_TAGS = re.compile(r"\{[{%]|(?<!\$)\{#")  # where a tag may start, see .tags
_VARIABLE = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*){0,9}) *\}\}")
_MARK = re.compile(r"twv([0-9a-f]{16})n([0-9]+)z")  # of a value in literal mode
_NOT_VARIABLES = frozenset(
    "true false none True False None not and or in is if else self loop caller varargs kwargs".split()
)


class Mode(Enum):
    """How values are written."""

    SHELL = auto()
    LITERAL = auto()


class UndefinedPolicy(Enum):
    """What printing a variable without a value does."""

    ERROR = auto()
    NONE = auto()  # None in literal mode (conditions), nothing in shell mode


@dataclass(frozen=True)
class VariableScope:
    """The values that can be used.

    :param stored: {reference: text or None}; texts are templates, None is unset
    :param custom: {reference: value of any JSON type} of this run; win over stored ones, are never templates
    :param system: {"tower": {...}}; None is unset
    :param modify: called as modify(reference, text) with every stored value after it was rendered, returns the value to
        use, or None for unset. Templates that do more than print variables can only have ``value_rules.ValueRules``:
        they are rendered in another process
    :param searched: names of the scopes that the stored values come from, for messages
    """

    stored: Mapping[str, str | None] = field(default_factory=dict)
    custom: Mapping[str, object] = field(default_factory=dict)
    system: Mapping[str, object] = field(default_factory=dict)
    modify: Callable[[str, str], str | None] | None = None
    searched: str = ""


def render(
    source: str,
    scope: VariableScope,
    mode: Mode = Mode.SHELL,
    undefined: UndefinedPolicy = UndefinedPolicy.ERROR,
    where: str = "",
) -> str:
    """Return the source with all values in it.

    :param where: what messages call the source: "code of command x"
    :raise UndefinedVariable: a variable without a value would be printed or computed with
    :raise VariableCycle: stored values use each other in a circle
    :raise RenderingError: anything else is wrong with a template. Nothing else is raised
    """
    if not has_tags(source):
        return source  # most code has no variables and needs no environment
    if pool.is_child:
        return _Rendering(scope, mode, undefined).run(source, where)
    try:
        return _Rendering(scope, mode, undefined).run(source, where)
    except NotCheap:
        what = where or "the template"
        return pool.run("render", source, _scope_to_plain(scope), mode.name, undefined.name, where, what=what)


def find_variables(source: str, where: str = "") -> set[str]:
    """Return the names that a template uses and does not set itself; ``tower`` for system values.

    :raise RenderingError: the template is malformed, or reading it takes too long
    """
    if not has_tags(source):
        return set()
    if _has_only_variables(source):
        return {match[1].split(".")[0] for match in _VARIABLE.finditer(source)}
    if not pool.is_child:
        return set(pool.run("find_variables", source, where, what=where or "the template"))
    environment = LimitedEnvironment(Budget(), lambda name: missing, str, Undefined)
    try:
        return meta.find_undeclared_variables(environment.parse(tags.prepare(source).source))
    except Exception as error:
        raise _located(error, where, "", source) from None


def scope_from_plain(scope: Mapping[str, Any]) -> VariableScope:
    """Return a scope made of plain data, as a child gets it."""
    rules = scope["rules"]
    return VariableScope(
        scope["stored"],
        scope["custom"],
        scope["system"],
        value_rules.from_plain(rules) if rules is not None else None,
        scope["searched"],
    )


def _scope_to_plain(scope: VariableScope) -> dict[str, Any]:
    if scope.modify and not isinstance(scope.modify, value_rules.ValueRules):
        raise TypeError("Only ValueRules can go to the process that renders this template.")
    return {
        "stored": pool.plain_data(dict(scope.stored)),
        "custom": pool.plain_data(dict(scope.custom)),
        "system": pool.plain_data(dict(scope.system)),
        "rules": scope.modify.to_plain() if scope.modify else None,
        "searched": scope.searched,
    }


class UnsetUsed(Exception):
    """A variable without a value was printed or computed with."""


class Unset(Undefined):
    """A variable without a value: may be tested, but not used. Knows its dotted name."""

    __slots__ = ()

    def __init__(self, hint=None, obj=missing, name=None, exc=UndefinedError):
        super().__init__(hint, missing, name, lambda message: UnsetUsed(str(name)))

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(self)(name=f"{self._undefined_name}.{name}")

    def __getitem__(self, key: object):
        return type(self)(name=f"{self._undefined_name}.{key}")

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Undefined.__hash__
    __iter__ = __str__ = __repr__ = __len__ = __contains__ = Undefined._fail_with_undefined_error


class SystemNode(dict):
    """A mapping of system values that knows its dotted name."""

    def __init__(self, values: Mapping, path: str):
        super().__init__(values)
        self.path = path


class _Environment(LimitedEnvironment):
    """Turns missing members of mappings into unset values with a dotted name."""

    keeps_none = False  # None in custom values is a value

    def getattr(self, obj: object, attribute: str):
        if isinstance(obj, SystemNode) and attribute not in obj:
            return Unset(name=f"{obj.path}.{attribute}")
        return super().getattr(obj, attribute)

    def getitem(self, obj: object, argument: object):
        if isinstance(obj, SystemNode) and argument not in obj:
            return Unset(name=f"{obj.path}.{argument}")
        return super().getitem(obj, argument)

    def member(self, obj: Mapping, key: str):
        value = obj[key]
        is_system = isinstance(obj, SystemNode)
        path = f"{obj.path}.{key}" if is_system else key
        if value is None and (is_system or not self.keeps_none):
            return Unset(name=path)
        return SystemNode(value, path) if is_system and isinstance(value, Mapping) else value


class _Rendering:
    """One call of :func:`render` with all stored values it needs, each rendered once."""

    def __init__(self, scope: VariableScope, mode: Mode, undefined: UndefinedPolicy):
        self._scope = scope
        self._mode = mode
        self._policy = undefined
        self._budget = Budget()
        self._shell = _Environment(self._budget, self._look_up, self._print_stored, Unset)
        self._results: dict[str, object] = {}
        self._path: list[str] = []  # stored variables being rendered
        self._where: list[str] = []
        self._nonce = secrets.token_hex(8)
        self._marked: list[object] = []

    def run(self, source: str, where: str) -> str:
        """Render the source itself."""
        is_literal = self._mode is Mode.LITERAL
        finalize = self._mark if is_literal else self._print
        environment = _Environment(self._budget, self._look_up, finalize, Unset)
        environment.keeps_none = is_literal
        self._top = environment
        self._where.append(where or "the template")
        text = self._render(source, environment)
        return self._write_literals(text) if self._marked else text

    # Values

    def _look_up(self, name: str):
        if name in self._scope.system:
            value = self._scope.system[name]
            return (
                SystemNode(value, name) if isinstance(value, Mapping) else missing if value is None else value
            )
        if name in self._scope.custom:
            value = self._scope.custom[name]
            is_unset = value is None and (self._mode is Mode.SHELL or self._path)
            return missing if is_unset else value
        if self._scope.stored.get(name) is None:
            return missing
        if name not in self._results:
            self._results[name] = self._render_stored(name)
        return self._results[name]

    def _render_stored(self, name: str):
        if name in self._path:
            path = (*self._path[self._path.index(name) :], name)
            raise VariableCycle(f"Variables refer to each other in a loop: {' -> '.join(path)}.", path)
        if len(self._path) >= DEPTH_MAX:
            raise Refused(f"values refer to each other more than {DEPTH_MAX} levels deep")
        self._path.append(name)
        self._where.append(f"value of variable “{name}”, used in {self._where[-1]}")
        try:
            return self._modify(name, self._render(self._scope.stored[name], self._shell))
        finally:
            self._where.pop()
            self._path.pop()

    def _modify(self, name: str, text: str):
        if not self._scope.modify:
            return text
        modify = self._scope.modify
        try:
            value = getattr(modify, "if_cheap", modify)(name, text)
        except (EngineError, NotCheap, TooSlowHere):
            raise
        except Exception as error:
            raise RenderingError(f"The modifier of variable “{name}” failed: {_sentence(error)}") from None
        return missing if value is None else value

    # Texts

    def _render(self, source: str, environment: LimitedEnvironment) -> str:
        if not has_tags(source):
            return source
        try:
            return self._run_template(source, environment)
        except (EngineError, NotCheap, TooSlowHere, MemoryError):
            raise
        except Exception as error:
            raise _located(error, self._where[-1], self._scope.searched, source) from None

    def _run_template(self, source: str, environment: LimitedEnvironment) -> str:
        if _has_only_variables(source):
            return self._fill_in(source, environment)
        if not pool.is_child:
            raise NotCheap()  # whatever else a template does may take any time
        prepared = tags.prepare(source)
        keep = prepared.carriage_return
        pieces, size = [], 0
        for piece in environment.from_string(prepared.source).generate():
            size += len(piece)
            if size > OUTPUT_MAX:
                raise Refused(f"the result has more than {OUTPUT_MAX} characters")
            pieces.append(piece.replace(keep, "\r") if keep else piece)
        return "".join(pieces)

    def _fill_in(self, source: str, environment: LimitedEnvironment) -> str:
        """Do what Jinja would do with a template of plain variables, without the time to compile it."""
        pieces, at = [], 0
        for match in _VARIABLE.finditer(source):
            name, *members = match[1].split(".")
            try:
                value = environment.value(self._look_up(name), name)
                for member in members:
                    value = environment.getattr(value, member)
                pieces += (source[at : match.start()], environment.finalize(value))
            except (UnsetUsed, Refused) as error:
                error.line = source.count("\n", 0, match.start()) + 1
                raise
            at = match.end()
        self._budget.spend(len(source) + sum(map(len, pieces)))
        return "".join([*pieces, source[at:]])

    def _print(self, value: object) -> str:
        if isinstance(value, Undefined) and self._policy is UndefinedPolicy.NONE:
            return ""
        return self._print_stored(value)

    def _print_stored(self, value: object) -> str:
        if value is None:
            raise UnsetUsed("")
        text = str(self._shell.printable(value))
        self._budget.spend(len(text))
        return text

    # Literal mode: first a mark for each value, then each mark becomes what its place needs

    def _mark(self, value: object) -> str:
        if isinstance(value, Undefined):
            if self._policy is UndefinedPolicy.ERROR:
                str(value)  # raises
            value = None
        if isinstance(value, str):
            self._budget.spend(len(value))
        if isinstance(value, CodeText) or (isinstance(value, str) and self._nonce in value):
            return str.__str__(value)
        if self._top.captures:
            return self._print(value)
        self._marked.append(self._shell.printable(value))
        return f"twv{self._nonce}n{len(self._marked) - 1}z"

    def _write_literals(self, text: str) -> str:
        placeholder = python_literals.unused_character(text)
        values: list[object] = []

        def note(match: re.Match[str]) -> str:
            if match[1] != self._nonce:
                return match[0]
            values.append(self._marked[int(match[2])])
            return placeholder

        code = _MARK.sub(note, text)
        if self._nonce in code.lower():
            raise RenderingError(f"A filter is used on code that has values in it: {self._where[0]}.")
        try:
            if len(code) + sum(len(str(value)) for value in values) > OUTPUT_MAX:
                raise Refused(f"the result has more than {OUTPUT_MAX} characters")
            return python_literals.fill(
                code, placeholder, values, comment=lambda value: python_literals.escape(str(value))
            )
        except EngineError as error:
            raise RenderingError(f"{error} ({self._where[0]})") from None
        except Exception as error:
            raise _located(error, self._where[0], self._scope.searched, "") from None


def _has_only_variables(source: str) -> bool:
    tags = [match.start() for match in _TAGS.finditer(source)]
    variables = list(_VARIABLE.finditer(source))
    return tags == [match.start() for match in variables] and not any(
        match[1].split(".")[0] in _NOT_VARIABLES for match in variables
    )


def _located(error: Exception, where: str, searched: str, source: str) -> RenderingError:
    """Return the error for a person, with the place where it happened."""
    line = (
        getattr(error, "lineno", None) or getattr(error, "line", None) or _template_line(error.__traceback__)
    )
    place = ", ".join(filter(None, [where, f"line {line}" if line else ""])) or "the template"
    if isinstance(error, UnsetUsed):
        name = str(error)
        scopes = f" Searched: {searched}." if searched else ""
        sentence = f"The variable “{name}” has no value" if name else "None would be printed"
        return UndefinedVariable(f"{sentence}: {place}.{scopes}", name)
    hint = ""
    if isinstance(error, TemplateSyntaxError) and not isinstance(error, TemplateAssertionError):
        column = tags.column_of_tag(source, line or 1)
        place += f", column {column}" if column else ""
        hint = f" {tags.RAW_HINT}"
    what = "The template cannot be rendered" + (f": {place}" if where or line else "")
    return RenderingError(f"{what}: {_sentence(error)}{hint}")


def _template_line(traceback: TracebackType | None) -> int:
    """Return the line of the template that the error comes from: Jinja puts it into the traceback."""
    line = 0
    while traceback:
        if traceback.tb_frame.f_code.co_filename == "<template>":
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _sentence(error: Exception) -> str:
    """Return a short text for an error of Jinja or Python."""
    if isinstance(error, RecursionError):
        return "it calls itself endlessly, or is nested too deeply."
    if isinstance(error, (MemoryError, OverflowError)):
        return "a value becomes too large."
    try:
        text = str(error.message if isinstance(error, TemplateSyntaxError) else error)
    except Exception:
        text = ""
    return (text or "it is not valid")[:300].rstrip(".") + "."
