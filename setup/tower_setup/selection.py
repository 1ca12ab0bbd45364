"""The -k option for Odoo's tests, which Odoo does not have. Names and marks are read from the source."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import SetupError
from .manifests import with_own_dependencies

SLOW = "slow"  # name of the decorator, which itself does nothing
_WORDS = re.compile(r"\(|\)|[^\s()]+")


def matches(expression: str, name: str) -> bool:
    """Whether pytest's -k would choose a test of this name ("a and not (b or c)"; words are parts of the name).

    :raise SetupError: the expression cannot be understood
    """
    lowered = name.lower()
    tokens = []
    for word in _WORDS.findall(expression):
        keep = word in ("and", "or", "not", "(", ")")
        tokens.append(word if keep else str(word.lower() in lowered))
    try:
        # Only the words above and True/False can be in here.
        return bool(eval(" ".join(tokens) or "True", {"__builtins__": {}}))
    except SyntaxError:
        raise SetupError(
            f"-k does not understand {expression!r}; it takes words with and, or, not and brackets."
        ) from None


@dataclass(frozen=True)
class OdooTest:
    """A test of an addon. is_slow: it, its class or a base of that is decorated with `@slow`."""

    cls: str
    method: str
    is_slow: bool

    @property
    def name(self) -> str:
        return f"{self.cls}.{self.method}"


def odoo_tests(addon: Path) -> list[OdooTest]:
    """The tests of an addon, in the order of the source; with those that it inherits, also from addons beside it."""
    own = _classes_of(addon)
    classes: dict[str, ast.ClassDef] = {}
    for below in _addons_below(addon):
        classes |= _classes_of(below)
    return [test for name in own for test in _tests_of(name, classes | own)]


def _addons_below(addon: Path) -> list[Path]:
    beside = {path.parent.name for path in addon.parent.glob("*/__manifest__.py")}
    names = with_own_dependencies(addon.parent, addon.name, beside) if addon.name in beside else []
    return [addon.parent / name for name in names if name != addon.name]


def _classes_of(addon: Path) -> dict[str, ast.ClassDef]:
    classes: dict[str, ast.ClassDef] = {}
    for path in sorted((addon / "tests").rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        classes |= {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
    return classes


def _tests_of(name: str, classes: dict[str, ast.ClassDef]) -> Iterable[OdooTest]:
    lineage = _with_bases(name, classes)
    is_slow = any(_is_slow(cls) for cls in lineage)
    methods: dict[str, ast.FunctionDef] = {}
    for cls in lineage:
        for item in cls.body:
            if isinstance(item, ast.FunctionDef) and item.name.startswith("test"):
                methods.setdefault(item.name, item)  # the one nearest to the class counts
    return [OdooTest(name, method.name, is_slow or _is_slow(method)) for method in methods.values()]


def _with_bases(name: str, classes: dict[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """The class and those of the addon that it derives from."""
    found: dict[str, ast.ClassDef] = {}
    todo = [name]
    while todo:
        current = todo.pop(0)
        if current in classes and current not in found:
            found[current] = classes[current]
            todo += [ast.unparse(base).rpartition(".")[2] for base in classes[current].bases]
    return list(found.values())


def _is_slow(node: ast.ClassDef | ast.FunctionDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == SLOW for mark in node.decorator_list)


def test_tags(addon: Path, expression: str, *, fast: bool = False) -> tuple[str, int]:
    """Choose tests of an addon as -k does.

    :param fast: leave out the slow ones
    :return: the value of Odoo's --test-tags that runs them, and how many they are; ("", 0) when there are none
    """
    tests = odoo_tests(addon)
    chosen = [test for test in tests if matches(expression, test.name) and not (fast and test.is_slow)]
    if not chosen:
        return "", 0
    if expression:
        tags = [f"/{addon.name}:{test.name}" for test in chosen]
    else:  # all but a few, so that the command line stays short
        tags = [f"/{addon.name}", *(f"-/{addon.name}:{test.name}" for test in tests if fast and test.is_slow)]
    return ",".join(tags), len(chosen)
