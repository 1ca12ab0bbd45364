"""The -k option for Odoo's tests, which Odoo itself does not have: names are read from the source."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from .errors import SetupError

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


def odoo_tests(addon: Path) -> list[tuple[str, str]]:
    """(class, method) of each test of an addon, inherited ones included, in the order of the source."""
    bases: dict[str, list[str]] = {}
    methods: dict[str, list[str]] = {}
    for path in sorted((addon / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
                functions = [
                    item.name
                    for item in node.body
                    if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
                ]
                methods[node.name] = [name for name in functions if name.startswith("test")]
    return [(name, method) for name in bases for method in _all_methods(name, bases, methods)]


def _all_methods(name: str, bases: dict[str, list[str]], methods: dict[str, list[str]]) -> Iterable[str]:
    found: dict[str, None] = {}
    todo = [name]
    seen = set()
    while todo:
        current = todo.pop()
        if current in bases and current not in seen:
            seen.add(current)
            found |= dict.fromkeys(methods[current])
            todo += bases[current]
    return found


def test_tags(addon: Path, expression: str) -> str | None:
    """Value of Odoo's --test-tags that runs the addon's tests the expression chooses; None: it chooses none."""
    if not expression:
        return f"/{addon.name}" if odoo_tests(addon) else None
    chosen = [
        f"/{addon.name}:{cls}.{method}"
        for cls, method in odoo_tests(addon)
        if matches(expression, f"{cls}.{method}")
    ]
    return ",".join(chosen) or None
