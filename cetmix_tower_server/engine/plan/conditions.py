"""Whether the condition of a plan's line holds.

A condition is Python with variables in it: ``{{ a }} == "x" and not {{ _flag }}``. Values become Python literals first
(a variable without a value becomes ``None``), so a value can never be read as code; what comes out is evaluated by
``simpleeval``, with the limits below. A condition that cannot be evaluated is an error and never a reason to skip the line.

Besides variables, conditions read the metadata of the run's records, as plain dictionaries:
``jet.metadata.get("edition") == "ent"``. What is missing on the run's target is an empty dictionary.
"""

from __future__ import annotations

import ast
import json
import operator
import re
import threading
from collections.abc import Callable, Iterable, Mapping

import simpleeval

from ..bounded import pool
from ..bounded.pool import TooSlowHere
from ..errors import ConditionInvalid, EngineError
from ..template.rendering import Mode, UndefinedPolicy, VariableScope, render
from ..template.sandbox import INTEGER_BITS_MAX, ITEM_WORK, Budget, Refused

SOURCE_MAX = 1_000_000  # characters of a condition with all values in it
TOKENS_MAX = 10_000  # names, numbers, signs and texts in it; also limits how deep Python's parser nests
QUICK_MAX = 2_000  # characters of a condition that is evaluated in Tower's own process
WORD_MAX = 2_500  # characters of a name or number
WORK_MAX = 5_000_000  # characters and list items that may be made while evaluating
STEPS_MAX = 30_000  # nodes that may be evaluated, each as often as a comprehension does
SCAN_SHARE = 20  # so many characters that are only read count as much as one that is made
SHOWN_MAX = 200  # characters of a condition shown in a message
REASON_MAX = 400
ROUND_MAX = 100
FORMAT_WIDTH_MAX = 1_000

_METHODS = {
    str: "count endswith find index isalpha isdigit lower replace split startswith strip upper",
    dict: "get items keys values",
    list: "count index",
    tuple: "count index",
}
_ALLOWED_METHODS = {kind: frozenset(names.split()) for kind, names in _METHODS.items()}
_SEARCHING = frozenset("count find index replace split".split())
_TOKEN = re.compile(
    r'''"""[^"\\]*(?:(?:\\(?:.|\Z)|"(?!""))[^"\\]*)*(?:"""|\Z)'''
    r"""|'''[^'\\]*(?:(?:\\(?:.|\Z)|'(?!''))[^'\\]*)*(?:'''|\Z)"""
    r"""|"[^"\\\n]*(?:\\(?:.|\Z)[^"\\\n]*)*"?"""
    r"""|'[^'\\\n]*(?:\\(?:.|\Z)[^'\\\n]*)*'?"""
    r"""|\w+|[^\s\w]""",
    re.DOTALL,
)
_QUOTES = ("'", '"')
METADATA = "metadata"
#: Records whose metadata conditions can read: where each of them is below the system value ``tower``.
RECORDS = {"server": ("server",), "jet": ("jet",), "waypoint": ("jet", "waypoint")}
_RECORD_USE = re.compile(rf"\b({'|'.join(RECORDS)})\s*\.\s*{METADATA}\b")
_of_thread = threading.local()
_CODE_PREFIXES = frozenset("f rf fr t rt tr".split())
_MULTIPLYING = (ast.comprehension, ast.JoinedStr, ast.Mult, ast.Pow, ast.LShift, ast.Mod)
_UNAVAILABLE = {
    ast.Lambda: "lambda",
    ast.NamedExpr: "“:=”",
    ast.Starred: "“*” before a value",
    ast.SetComp: "a set comprehension",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
}


def evaluate(source: str, scope: VariableScope, where: str, own: Mapping[str, Mapping] | None = None) -> bool:
    """Return whether a condition holds. An empty condition always does.

    :param where: what it is the condition of, for messages: "condition of line 2 of plan “x”"
    :param own: as of :func:`read_metadata`
    :raise ConditionInvalid: it cannot be evaluated, for whatever reason. Nothing else is raised
    """
    if not source or not source.strip():
        return True
    return decide(fill_in(source, scope, where), where, read_metadata(source, scope, own))


def metadata_uses(source: str) -> list[str]:
    """Return templates that use the same system values as the metadata that a condition reads.

    Whoever looks up the values for a condition looks up those for these templates as well.
    """
    names = dict.fromkeys(_RECORD_USE.findall(source or ""))
    return [f"{{{{ tower.{'.'.join(RECORDS[name])}.{METADATA} }}}}" for name in names]


def read_metadata(
    source: str, scope: VariableScope, own: Mapping[str, Mapping] | None = None
) -> dict[str, dict]:
    """Return {name of a record: its metadata} for a condition: those that it reads.

    :param source: the condition as it was written
    :param own: metadata of records that the run has of its own, in place of those in its system values
    """
    found = {}
    for name in dict.fromkeys(_RECORD_USE.findall(source or "")):
        value: object = scope.system.get("tower")
        for member in (*RECORDS[name], METADATA):
            value = value.get(member) if isinstance(value, Mapping) else None
        value = (own or {}).get(name, value)
        found[name] = pool.plain_data(dict(value)) if isinstance(value, Mapping) else {}
    return found


def fill_in(source: str, scope: VariableScope, where: str) -> str:
    """Return a condition with its values in it, as :func:`decide` takes it.

    :raise ConditionInvalid: it cannot be rendered
    """
    try:
        return render(source, scope, Mode.LITERAL, UndefinedPolicy.NONE, where).strip()
    except TooSlowHere:
        raise
    except Exception as error:
        raise ConditionInvalid(_message(error, "", where), _message(error, "", where)) from None


def decide(text: str, where: str, metadata: Mapping[str, Mapping] | None = None) -> bool:
    """Return whether a condition with its values filled in holds.

    :param metadata: as of :func:`read_metadata`
    :raise ConditionInvalid: it cannot be evaluated, or that takes too long
    """
    try:
        if pool.is_child:
            return bool(_evaluator(metadata).eval(text, _parse(text)))
        if len(text) <= QUICK_MAX and len(json.dumps(metadata or {})) <= QUICK_MAX:
            tree = _parse(text)
            if not any(isinstance(node, _MULTIPLYING) for node in ast.walk(tree)):
                return bool(_evaluator(metadata).eval(text, tree))
        return bool(pool.run("decide", text, where, metadata or {}, what=where or "the condition"))
    except (ConditionInvalid, TooSlowHere):
        raise
    except Exception as error:
        raise ConditionInvalid(_message(error, text, where), _message(error, "", where)) from None


def check(text: str, source: str, where: str) -> None:
    """Refuse a condition that fails whatever its values are. Parts that may never be evaluated are not checked.

    :param text: with some values in it
    :param source: as it was written, for the message
    :raise ConditionInvalid: it will fail when it runs
    """
    try:
        tree = _parse(text)
        known = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not _is_read(node)}
        for node in _surely_evaluated(tree):
            _evaluator().check_node(node, known)
    except Exception as error:
        raise ConditionInvalid(_message(error, source, where), _message(error, "", where)) from None


def _is_read(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _surely_evaluated(tree: ast.expr) -> Iterable[ast.AST]:
    """Yield the parts of an expression that are always evaluated."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.BoolOp):
            waiting.append(node.values[0])
        elif isinstance(node, ast.IfExp):
            waiting.append(node.test)
        elif isinstance(node, ast.Compare):
            waiting += [node.left, node.comparators[0], *node.ops]
        elif isinstance(node, (ast.ListComp, ast.DictComp, ast.GeneratorExp)):
            waiting.append(node.generators[0].iter)
        elif _record_of(node):
            continue
        else:
            waiting += ast.iter_child_nodes(node)


def _record_of(node: ast.AST) -> str:
    """Return the name of the record whose metadata a part of an expression is; "" for anything else."""
    is_metadata = isinstance(node, ast.Attribute) and node.attr == METADATA
    return node.value.id if is_metadata and _is_record(node.value) else ""


def _is_record(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in RECORDS


def _evaluator(metadata: Mapping[str, Mapping] | None = None) -> _Evaluator:
    """Return this thread's evaluator with a budget of its own for one evaluation: creating one takes longer than using it."""
    if not hasattr(_of_thread, "evaluator"):
        _of_thread.evaluator = _Evaluator()
    _of_thread.evaluator.budget = _new_budget()
    _of_thread.evaluator.metadata = metadata or {}
    return _of_thread.evaluator


def _new_budget() -> Budget:
    budget = Budget()
    budget.work, budget.steps = WORK_MAX, STEPS_MAX
    return budget


def _parse(text: str) -> ast.expr:
    if not text:
        raise Refused("it is empty once its variables have their values")
    _check_size(text)
    # As a statement: for “a = 1”, Python then says what was meant.
    body = ast.parse(text, "condition").body
    if len(body) == 1 and isinstance(body[0], ast.Assign):
        raise Refused("“=” sets a value, “==” compares")
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise Refused("it must be a single expression")
    return body[0].value


def _check_size(text: str) -> None:
    """Refuse what would keep Python's parser busy or overflow its stack."""
    if len(text) > SOURCE_MAX:
        raise Refused(f"it has more than {SOURCE_MAX} characters")
    if len(text) <= WORD_MAX:
        return
    count, before, before_end = 0, "", 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if not token.startswith(_QUOTES):
            if len(token) > WORD_MAX:
                raise Refused("a name or number is too long")
        elif before in _CODE_PREFIXES and before_end == match.start():
            count += len(text) - match.start()  # where the code in an f-string ends is not known here
        count, before, before_end = count + 1, token.lower(), match.end()
        if count > TOKENS_MAX:
            raise Refused("it is too long")


class _Evaluator(simpleeval.EvalWithCompoundTypes):
    """One evaluation. Values are plain data only: neither functions nor methods nor objects can be values.

    The library limits some operations by numbers that hold for the whole process. Here everything that is made or read
    is counted instead, and what is not listed does not exist.
    """

    def __init__(self):
        # The library's own __init__ is left out: it changes Python's warning filters, which threads share.
        self.budget = _new_budget()
        self.metadata: Mapping[str, Mapping] = {}
        self.names = simpleeval.DEFAULT_NAMES
        self.operators = self._operators()
        self.functions = self._functions()
        self.nodes = {
            ast.Attribute: self._eval_attribute,
            ast.BinOp: self._eval_binop,
            ast.BoolOp: self._eval_boolop,
            ast.Call: self._eval_call,
            ast.Compare: self._eval_compare,
            ast.Constant: self._eval_constant,
            ast.Dict: lambda node: self.made(self._eval_dict(node)),
            ast.DictComp: lambda node: self.made(self._eval_comprehension(node)),
            ast.FormattedValue: self._eval_formattedvalue,
            ast.GeneratorExp: lambda node: self.made(self._eval_comprehension(node)),
            ast.IfExp: self._eval_ifexp,
            ast.JoinedStr: self._eval_joinedstr,
            ast.List: lambda node: self.made(self._eval_list(node)),
            ast.ListComp: lambda node: self.made(self._eval_comprehension(node)),
            ast.Name: self._eval_name,
            ast.Set: lambda node: self.made(self._eval_set(node)),
            ast.Slice: self._eval_slice,
            ast.Subscript: self._eval_subscript,
            ast.Tuple: lambda node: self.made(self._eval_tuple(node)),
            ast.UnaryOp: self._eval_unaryop,
            ast.keyword: self._eval_keyword,
        }

    def _operators(self) -> dict[type, Callable]:
        plain = {
            ast.Sub: operator.sub,
            ast.Div: operator.truediv,
            ast.FloorDiv: operator.floordiv,
            ast.BitAnd: operator.and_,
            ast.BitOr: operator.or_,
            ast.BitXor: operator.xor,
            ast.Add: self._add,
            ast.Mult: self._multiply,
            ast.Pow: self._power,
            ast.Mod: self._modulo,
            ast.USub: operator.neg,
            ast.UAdd: operator.pos,
            ast.Invert: operator.invert,
        }
        comparing = {
            ast.Eq: operator.eq,
            ast.NotEq: operator.ne,
            ast.Gt: operator.gt,
            ast.GtE: operator.ge,
            ast.Lt: operator.lt,
            ast.LtE: operator.le,
        }
        return {
            **{kind: self._making(function) for kind, function in plain.items()},
            **{kind: self._reading(function) for kind, function in comparing.items()},
            ast.In: self._contains,
            ast.NotIn: lambda left, right: not self._contains(left, right),
            ast.Is: self._is,
            ast.IsNot: lambda left, right: not self._is(left, right),
            ast.Not: operator.not_,
        }

    def _functions(self) -> dict[str, Callable]:
        reading = (len, float, str, bool, abs, min, max, any, all, sorted)
        own = {"int": self._int, "sum": self._sum, "round": self._round}
        functions = {**{function.__name__: function for function in reading}, **own}
        return {name: self._making(self._reading(function)) for name, function in functions.items()}

    # Counting

    def made(self, value):
        """Count a new value, each shared part every time it occurs, and refuse anything but plain data."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                self.budget.spend(len(one))
            elif isinstance(one, (list, tuple, set, dict)):
                self.budget.spend(ITEM_WORK * (1 + len(one)))
                waiting.extend(one)
                if isinstance(one, dict):
                    waiting.extend(one.values())
            elif isinstance(one, int):
                if one.bit_length() > INTEGER_BITS_MAX:
                    raise Refused("a number becomes too large")
            elif one is not None and not isinstance(one, float):
                raise Refused(f"values of type {type(one).__name__} are not available")
        return value

    def _read(self, *values) -> None:
        for value in values:
            if isinstance(value, str):
                self.budget.spend(len(value) // SCAN_SHARE)
            else:
                self.made(value)

    def _search(self, text: str, part: object) -> None:
        """Count looking for one text in another: in short ones, Python may compare the part at every place."""
        repeated = min(len(part), 100 if len(text) < 30_000 else 6) if isinstance(part, str) else 1
        self.budget.spend(len(text) * repeated // SCAN_SHARE)

    def _making(self, function: Callable) -> Callable:
        return lambda *args, **kwargs: self.made(function(*args, **kwargs))

    def _reading(self, function: Callable) -> Callable:
        def read(*args, **kwargs):
            self._read(*args, *kwargs.values())
            return function(*args, **kwargs)

        return read

    # Operators

    def _add(self, left, right):
        self._read(left, right)
        if isinstance(left, (str, list, tuple)):
            self.budget.spend(len(left))
        return left + right

    def _multiply(self, left, right):
        if isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > INTEGER_BITS_MAX:
                raise Refused("a number becomes too large")
            return left * right
        for sequence, count in ((left, right), (right, left)):
            if isinstance(sequence, (str, list, tuple)) and isinstance(count, int):
                weight = 1 if isinstance(sequence, str) else ITEM_WORK
                self.budget.spend(weight * len(sequence) * max(0, count))
        return left * right

    def _power(self, base, exponent):
        if isinstance(base, int) and isinstance(exponent, int):
            if base.bit_length() * abs(exponent) > INTEGER_BITS_MAX:
                raise Refused("a number becomes too large")
        return base**exponent

    def _modulo(self, left, right):
        if isinstance(left, str):
            raise Refused("“%” only works with numbers here")
        return left % right

    def _contains(self, part, container) -> bool:
        if isinstance(container, str):
            self._search(container, part)
        else:
            self._read(container)
        self._read(part)
        return part in container

    def _is(self, left, right) -> bool:
        if right is not None and not isinstance(right, bool):
            raise Refused("“is” only compares with None, True and False: write “==”")
        return left is right

    # Functions

    def _int(self, value=0, *base: int) -> int:
        if isinstance(value, str) and len(value) > WORD_MAX:
            raise Refused("the text of a number is too long")
        return int(value, *base)

    def _sum(self, values: Iterable, start: float = 0):
        if not isinstance(start, (int, float)):
            raise Refused("sum() only works with numbers")
        return sum(values, start)

    def _round(self, number: float, digits: int | None = None):
        if isinstance(digits, int) and abs(digits) > ROUND_MAX:
            raise Refused(f"round() may have at most {ROUND_MAX} digits")
        return round(number, digits)

    # Nodes

    def _eval(self, node):
        self.budget.step()
        handler = self.nodes.get(type(node))
        if not handler:
            name = _UNAVAILABLE.get(type(node), type(node).__name__)
            raise Refused(f"{name} is not available in conditions")
        return handler(node)

    def check_node(self, node: ast.AST, known: Iterable[str]) -> None:
        """Refuse a part of a condition that is refused whenever it is evaluated.

        :param known: names that comprehensions give a value
        """
        if isinstance(node, ast.operator | ast.unaryop | ast.cmpop):
            if type(node) not in self.operators:
                raise simpleeval.OperatorNotDefined(node, "")
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                self._called(node.func)
        elif isinstance(node, ast.Name):
            if node.id not in known and node.id not in self.functions:
                self._eval_name(node)
        elif isinstance(node, ast.expr) and type(node) not in self.nodes:
            self._eval(node)

    def _eval_constant(self, node: ast.Constant):
        # A text is not counted again for each time that a comprehension looks at it.
        return node.value if isinstance(node.value, str) else self.made(node.value)

    def _eval_name(self, node: ast.Name):
        if node.id in self.names:
            return self.names[node.id]
        if node.id in self.functions:
            raise Refused(f"{node.id} is a function: call it, as in {node.id}(...)")
        if _is_record(node):
            raise Refused(_record_hint(node.id))
        raise Refused(
            f"the name “{node.id}” is unknown: write variables as {{{{ {node.id} }}}} and strings in quotes"
        )

    def _eval_attribute(self, node: ast.Attribute):
        if _is_record(node.value) and node.value.id not in self.names:
            if not _record_of(node):
                raise Refused(_record_hint(node.value.id))
            return self.metadata.get(node.value.id, {})
        raise Refused(f"“.{node.attr}” is not available here: only some methods are, and they must be called")

    def _eval_call(self, node: ast.Call):
        function = self._called(node.func)
        args = [self._eval(argument) for argument in node.args]
        return function(*args, **dict(self._eval(keyword) for keyword in node.keywords))

    def _called(self, node: ast.expr) -> Callable:
        """Return the function or method that a call names."""
        if isinstance(node, ast.Attribute):
            return self._method(self._eval(node.value), node.attr)
        if not isinstance(node, ast.Name):
            raise Refused("only functions and methods can be called")
        if node.id not in self.functions:
            raise Refused(
                f"there is no function {node.id}() in conditions; available functions: "
                f"{', '.join(sorted(self.functions))}"
            )
        return self.functions[node.id]

    def _method(self, owner, name: str) -> Callable:
        allowed = _ALLOWED_METHODS.get(type(owner), frozenset())
        if name not in allowed:
            kind = "None" if owner is None else type(owner).__name__
            hint = f"; available methods: {', '.join(sorted(allowed))}" if allowed else ""
            raise Refused(f"“.{name}()” is not available for a value of type {kind}{hint}")

        def method(*args, **kwargs):
            self._read(owner, *args, *kwargs.values())
            if isinstance(owner, str) and name in _SEARCHING:
                self._search(owner, args[0] if args else None)
            if name == "replace" and len(args) > 1:
                self.budget.spend(owner.count(args[0]) * len(args[1]))
            result = getattr(owner, name)(*args, **kwargs)
            return self.made(list(result) if name in ("items", "keys", "values") else result)

        return method

    def _eval_subscript(self, node: ast.Subscript):
        value = super()._eval_subscript(node)
        return self.made(value) if isinstance(node.slice, ast.Slice) else value

    def _eval_joinedstr(self, node: ast.JoinedStr) -> str:
        return self.made("".join([self._eval(part) for part in node.values]))

    def _eval_formattedvalue(self, node: ast.FormattedValue) -> str:
        value = self._eval(node.value)
        self._read(value)
        if node.conversion != -1:
            value = {"s": str, "r": repr, "a": ascii}[chr(node.conversion)](value)
        layout = self._eval(node.format_spec) if node.format_spec else ""
        if any(int(width[:9]) > FORMAT_WIDTH_MAX for width in re.findall(r"\d+", layout)):
            raise Refused(f"a width may be at most {FORMAT_WIDTH_MAX}")
        return self.made(format(value, layout))


def _record_hint(name: str) -> str:
    path = ".".join(("tower", *RECORDS[name]))
    return (
        f"only the metadata of “{name}” can be read here, as in {name}.{METADATA}.get(...): write other values in braces,"
        f" as in {{{{ {path}.reference }}}}"
    )


def _message(error: Exception, text: str, where: str) -> str:
    if isinstance(error, EngineError):  # from rendering; most of these name the place themselves
        reason = _one_line(str(error), 2 * REASON_MAX)
        return f"The condition cannot be evaluated: {'' if where in reason else f'{where}: '}{reason}"
    place = f"{where}: " if where else ""
    shown = f" It reads: {_one_line(text, SHOWN_MAX)}" if text else ""
    return f"The condition cannot be evaluated: {place}{_reason(error)}.{shown}"


def _reason(error: Exception) -> str:
    """Return in a few words why an evaluation failed."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):  # also what Python's parser raises
        return "it is nested too deeply, or a value becomes too large"
    if isinstance(error, simpleeval.OperatorNotDefined):
        return f"the operator {type(error.attr).__name__} is not available in conditions"
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        text = ""
    if isinstance(error, KeyError):
        text = f"there is no key {text}"
    return _one_line(text, REASON_MAX).rstrip(". ") or "it is not valid"


def _one_line(text: str, size: int) -> str:
    """Return a text of at most ``size`` printable characters, without line ends."""
    shown = "".join(character if character.isprintable() else " " for character in text[: size + 1])
    return shown if len(shown) <= size else shown[: size - 1] + "…"
