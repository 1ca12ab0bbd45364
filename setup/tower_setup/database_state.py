"""What a database keeps of an addon: when it changes, the addon has to be updated before its tests run."""

import ast
from collections.abc import Iterable
from pathlib import Path

from .paths import fingerprint

KEPT_FILES = (".py", ".xml", ".csv", ".sql")
READ_WHEN_NEEDED = ("static", "tests", "readme", "i18n")
# Methods that change the schema; the code of all others is read when Odoo starts.
SCHEMA_METHODS = ("init", "_auto_init", "_table_query")


def state_of(addons: Iterable[Path]) -> str:
    """Fingerprint of the addons' data, views, rights and fields; the same whatever else their Python code does."""
    parts: list[str | bytes] = []
    for addon in addons:
        for path in sorted(addon.rglob("*")):
            inside = path.relative_to(addon)
            if path.suffix in KEPT_FILES and inside.parts[0] not in READ_WHEN_NEEDED:
                content = path.read_bytes()
                parts += [
                    f"{addon.name}/{inside}",
                    _declarations(content) if path.suffix == ".py" else content,
                ]
    return fingerprint(*parts)


def _declarations(source: bytes) -> str:
    """The code without what its functions do; all of it where it cannot be parsed (Odoo will say why)."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source.decode("utf-8", "replace")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in SCHEMA_METHODS:
            node.body = []
    return ast.dump(tree)
