"""A Jinja environment for templates by untrusted authors.

Jinja's immutable sandbox keeps templates away from Python's internals. This module adds limits: on output, on the
size of intermediate texts and lists, on loops and calls, and a list of the methods that may be called.
Whatever is refused raises :class:`Refused`.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping
from types import CodeType

from jinja2 import Template, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.defaults import DEFAULT_FILTERS, DEFAULT_TESTS
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, missing
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace

from . import tags

OUTPUT_MAX = 10_000_000  # characters a template may print
WORK_MAX = 50_000_000  # characters and list items that may be made while rendering
ITEM_WORK = 25  # an item of a list counts as much as so many characters
STEPS_MAX = 300_000  # loop rounds and filters; a call counts as several
CALL_STEPS = 5
RANGE_MAX = 100_000  # items of range()
SHARED_CODE_MAX = 20_000  # characters of a template whose code is kept for the next time
WIDTH_MAX = 10_000  # columns texts are padded to
INTEGER_BITS_MAX = 8192

_METHODS = {
    str: "capitalize casefold center count endswith find format index isalnum isalpha isascii isdecimal isdigit"
    " isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip partition"
    " removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip"
    " swapcase title upper zfill",
    dict: "get items keys values",
    list: "count index",
    tuple: "count index",
    int: "bit_length",
    float: "is_integer",
}
_SAFE_METHODS = {kind: frozenset(names.split()) for kind, names in _METHODS.items()}
_WIDTH_METHODS = frozenset({"center", "ljust", "rjust", "zfill"})
_WIDTH_FILTERS = frozenset({"center", "indent", "batch", "slice", "round", "truncate", "wordwrap", "tojson"})
_LEFT_OUT_FILTERS = ("urlize", "pprint", "safe")
_UNSET_ALLOWED = frozenset({"default", "d"})
_PERCENT = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\*|[0-9]+)?(?:\.(\*|[0-9]+))?")
_BRACE_WIDTH = re.compile(r":[^{}]*(?:[0-9]{5}|\{)")


class Refused(Exception):
    """A template does something that is not allowed. The text is for people."""


class CodeText(str):
    """What a macro printed: text of the template with values already written into it."""


class QuietNamespace(Namespace):
    """A namespace whose text does not show what is in it: that could be endless."""

    def __repr__(self) -> str:
        return "<namespace>"


class Unread:
    """A name that a template did not set itself; asked for where it is used, which may be never."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name


class LimitedContext(Context):
    """Puts off asking the environment for names: Jinja looks up all names of a template at its beginning."""

    def resolve_or_missing(self, key: str):
        return self.vars[key] if key in self.vars else Unread(key)


class LimitedCodeGenerator(CodeGenerator):
    """Sends what can grow through methods of the environment."""

    def _make_finalize(self) -> CodeGenerator._FinalizeInfo:
        # Texts in {{ }} too are finished where the template runs: so its code is the same for all environments.
        return self._FinalizeInfo(None, "environment.finalize(")

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:
        if node.ctx == "load":
            self.write(f"environment.value({frame.symbols.ref(node.name)}, {node.name!r})")
        else:
            super().visit_Name(node, frame)

    def visit_AssignBlock(self, node: nodes.AssignBlock, frame: Frame) -> None:
        self.writeline("environment.captures += 1")
        super().visit_AssignBlock(node, frame)
        self.writeline("environment.captures -= 1")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self._through("join_texts", node.nodes, frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self._through("make_list", node.items, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        if node.ctx == "load":
            self._through("make_tuple", node.items, frame)
        else:
            super().visit_Tuple(node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self.write("environment.measured(")
        super().visit_Dict(node, frame)
        self.write(")")

    def _through(self, method: str, items: Iterable[nodes.Expr], frame: Frame) -> None:
        self.write(f"environment.{method}((")
        for item in items:
            self.visit(item, frame)
            self.write(", ")
        self.write("))")


class Budget:
    """What one rendering, with all values it uses, may still do."""

    def __init__(self):
        self.work = WORK_MAX
        self.steps = STEPS_MAX

    def spend(self, amount: float) -> None:
        """Count characters or items that are about to be made, or were."""
        if amount > OUTPUT_MAX:
            raise Refused("a string or list becomes too large")
        self.work -= amount
        if self.work < 0:
            raise Refused("it builds too much text")

    def step(self, count: int = 1) -> None:
        """Count a round of a loop, or something that takes as long as so many."""
        self.steps -= count
        if self.steps < 0:
            raise Refused("it takes too many steps")


class _LimitedFilters(dict):
    """Filters that get their limits when they are first used: most templates use none, and there are many."""

    def __init__(self, limit: Callable[[str, Callable], Callable]):
        self._limit = limit

    def __missing__(self, name: str) -> Callable:
        self[name] = limited = self._limit(name, _FILTERS[name])
        return limited

    def __contains__(self, name: object) -> bool:
        return name in _FILTERS

    def get(self, name: str, default=None):
        return self[name] if name in self else default


def _is_none(value: object) -> bool:
    return value is None or isinstance(value, Undefined)


_FILTERS = {name: function for name, function in DEFAULT_FILTERS.items() if name not in _LEFT_OUT_FILTERS}
_TESTS = {**DEFAULT_TESTS, "none": _is_none}


class LimitedEnvironment(ImmutableSandboxedEnvironment):
    """The environment of one rendering.

    Many are made, so what is the same for all of them is made once: the lists of filters and tests, the code of templates.

    :param budget: shared with the environments of nested renderings
    :param lookup: returns the value of a name, or ``jinja2.runtime.missing``
    :param finalize: turns a printed value into text
    :param undefined: class of unset values
    """

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    code_generator_class = LimitedCodeGenerator
    context_class = LimitedContext

    def __init__(self, budget: Budget, lookup: Callable, finalize: Callable, undefined: type[Undefined]):
        super().__init__(
            **tags.SYNTAX,
            optimized=False,
            finalize=finalize,
            undefined=undefined,
            cache_size=0,
        )
        self.budget = budget
        self.lookup = lookup
        self.filters = _LimitedFilters(self._limited_filter)
        self.tests = _TESTS
        self.globals = {
            "range": self._range,
            "dict": dict,
            "cycler": Cycler,
            "joiner": Joiner,
            "namespace": QuietNamespace,
        }
        self.captures = 0  # {% set x %} blocks around this place, whose text is a value

    # Hooks of Jinja

    def from_string(self, source: str, globals=None, template_class=None) -> Template:
        code = _code_of(source) if len(source) <= SHARED_CODE_MAX else self.compile(source)
        return Template.from_code(self, code, self.globals)

    def _generate(self, source: nodes.Template, name, filename, defer_init=False):
        for loop in source.find_all(nodes.For):
            step = nodes.ExprStmt(nodes.Call(nodes.EnvironmentAttribute("step"), [], [], None, None))
            step.set_lineno(loop.lineno).set_environment(self)
            loop.body.insert(0, step)
        return super()._generate(source, name, filename, defer_init)

    def concat(self, pieces: Iterable[str]) -> str:
        """Join what a macro or block printed."""
        parts = []
        for piece in pieces:
            self.budget.spend(len(piece))
            parts.append(piece)
        return "".join(parts)

    def unsafe_undefined(self, obj: object, attribute: str):
        raise Refused(f"access to {attribute!r} is not allowed")

    def getattr(self, obj: object, attribute: str):
        if isinstance(obj, Mapping) and attribute in obj:
            return self.member(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: object, argument: object):
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument in obj:
            return self.member(obj, argument)
        return super().getitem(obj, argument)

    def member(self, obj: Mapping, key: str):
        """Return a member of a mapping; a hook for unset ones."""
        return obj[key]

    def call_binop(self, context: Context, operator: str, left, right):
        if not isinstance(left, Undefined) and not isinstance(right, Undefined):
            self._check_operation(operator, left, right)
        result = self.binop_table[operator](left, right)
        return self.measured(result)

    def call(__self, __context: Context, __function, *args, **kwargs):
        __self.budget.step(CALL_STEPS)
        prints = isinstance(__function, (Macro, BlockReference, LoopContext))
        if not prints and not __self._is_own(__function):
            __self._check_method(__function, args, kwargs)
        result = super().call(__context, __function, *args, **kwargs)
        return CodeText(result) if prints else __self.measured(result)

    # Called by templates

    def value(self, value, name: str):
        """Return the value of a name where it is used."""
        if isinstance(value, Unread):
            value = self.lookup(value.name)
        if value is missing:
            value = self.globals.get(name, missing)
        return self.undefined(name=name) if value is missing else value

    def step(self) -> None:
        self.budget.step()

    def join_texts(self, parts: tuple) -> str:
        texts = [str(self.printable(part)) for part in parts]
        self.budget.spend(sum(map(len, texts)))
        return "".join(texts)

    def make_list(self, items: tuple) -> list:
        return self.measured(list(items))

    def make_tuple(self, items: tuple) -> tuple:
        return self.measured(items)

    # Limits

    def measured(self, value):
        """Spend the size of a text or container, counting shared parts as often as they would be printed."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                self.budget.spend(len(one))
            elif isinstance(one, (list, tuple, dict)):
                self.budget.spend(ITEM_WORK * (1 + len(one)))
                waiting.extend(one.values() if isinstance(one, dict) else one)
        return value

    def printable(self, value):
        """Return a value that may be turned into text, or refuse."""
        if callable(value) and not isinstance(value, Undefined):
            raise Refused("a function cannot be printed")
        return self.measured(value) if isinstance(value, (list, tuple, dict)) else value

    def _range(self, *arguments: int) -> range:
        numbers = range(*arguments)
        if len(numbers) > RANGE_MAX:
            raise Refused(f"range() may have at most {RANGE_MAX} items")
        return numbers

    def _is_own(self, function) -> bool:
        own = (dict, Cycler, Joiner, QuietNamespace, self._range, self.step)
        return isinstance(function, (Joiner, Undefined)) or any(function == one for one in own)

    def _check_operation(self, operator: str, left, right) -> None:
        if operator == "%" and isinstance(left, str):
            self._check_percent(left, right)
        elif operator == "*":
            self._check_repetition(left, right)
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() * abs(right) > INTEGER_BITS_MAX:
                raise Refused("a number becomes too large")
        elif operator == "+" and isinstance(left, (str, list, tuple)):
            self.budget.spend(len(left) + len(right))

    def _check_repetition(self, left, right) -> None:
        if isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > INTEGER_BITS_MAX:
                raise Refused("a number becomes too large")
            return
        for sequence, count in ((left, right), (right, left)):
            if isinstance(sequence, (str, list, tuple)) and isinstance(count, int):
                self.budget.spend(len(sequence) * max(0, count))

    def _check_percent(self, template: str, values) -> None:
        for width in (group for match in _PERCENT.finditer(template) for group in match.groups() if group):
            self._check_width(math.inf if width == "*" else int(width[:6]))
        self._check_product(template.count("%"), values)

    def _check_width(self, width: float) -> None:
        if abs(width) > WIDTH_MAX:
            raise Refused(f"a width may be at most {WIDTH_MAX}")

    def _check_product(self, count: int, values) -> None:
        """Refuse when values, each written ``count`` times, would be too long."""
        before = self.budget.work
        self.measured([values] if not isinstance(values, tuple) else values)
        self.budget.spend(count * (before - self.budget.work))

    def _check_method(self, function, args: tuple, kwargs: Mapping) -> None:
        method = getattr(function, "__wrapped__", function)  # format is wrapped by Jinja
        owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if isinstance(owner, (Cycler, LoopContext)) and name in ("next", "reset", "cycle", "changed"):
            return
        allowed = next((names for kind, names in _SAFE_METHODS.items() if isinstance(owner, kind)), ())
        if name not in allowed:
            raise Refused(f"calling {name or 'this'!r} is not allowed")
        if isinstance(owner, str):
            self._check_text_method(owner, name, args, kwargs)

    def _check_text_method(self, text: str, name: str, args: tuple, kwargs: Mapping) -> None:
        if name in _WIDTH_METHODS:
            for width in args[:1]:
                self._check_width(width)
        elif name == "replace" and len(args) > 1:
            self._check_replacement(text, *args[:2])
        elif name == "join" and args:
            self.budget.spend(len(text) * len(args[0]) + sum(map(len, args[0])))
        elif name == "format":
            if _BRACE_WIDTH.search(text):
                raise Refused("a width in format() is too large")
            self._check_product(text.count("{"), (*args, *kwargs.values()))

    def _check_replacement(self, text: str, old: str, new: str) -> None:
        self.budget.spend(len(text) + text.count(old) * len(new))

    # Filters

    def _limited_filter(self, name: str, function: Callable) -> Callable:
        skipped = 1 if hasattr(function, "jinja_pass_arg") else 0

        @functools.wraps(function)
        def limited(*args, **kwargs):
            self.budget.step()
            args, value = list(args), args[skipped]
            if name not in _UNSET_ALLOWED:
                if isinstance(value, Undefined):
                    str(value)  # raises
                args[skipped] = self._checked_filter_value(name, value, args[skipped + 1 :], kwargs)
            return self.measured(function(*args, **kwargs))

        return limited

    def _checked_filter_value(self, name: str, value, args: list, kwargs: Mapping):
        """Refuse a filter that would make too much, and return its value."""
        others = [*args, *kwargs.values()]
        if name in _WIDTH_FILTERS:
            for width in others:
                if isinstance(width, (int, float)):
                    self._check_width(width)
        if name == "indent":
            self._check_indent(str(value), others)
        elif name == "replace" and len(others) > 1:
            self._check_replacement(str(value), str(others[0]), str(others[1]))
        elif name == "format":
            self._check_percent(str(value), tuple(others))
        elif name == "join":
            value = list(value)
            self.budget.spend(len(value) * max((len(str(other)) for other in others), default=0))
        return self.printable(value) if name not in ("map", "select", "reject") else value

    def _check_indent(self, text: str, others: list) -> None:
        width = max((len(other) if isinstance(other, str) else other for other in others), default=4)
        self.budget.spend(len(text) + (text.count("\n") + 1) * width)


@functools.lru_cache(maxsize=512)
def _code_of(source: str) -> CodeType:
    """Return a template's code, which no environment has a part in.

    :raise jinja2.TemplateSyntaxError: it is malformed
    """
    return LimitedEnvironment(Budget(), lambda name: missing, str, Undefined).compile(source)
