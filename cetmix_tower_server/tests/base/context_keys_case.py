"""Every key of a context that an addon reads has its place in a table that says who may set it."""

import ast
from pathlib import Path

from odoo.modules import get_module_path
from odoo.tests import TransactionCase

from ..addon_case import AddonCase

# Odoo's own, and keys that are looked up under computed names.
OF_ODOO = {"__copy_data_seen", "name", "result", "custom_values"}


def context_keys(folder):
    """Return the context keys that the code in a folder reads: constants in ``context.get(..)``, ``heard(..)``, ``.. in context``."""
    keys = set()
    for path in folder.rglob("*.py"):
        if "tests" in path.parts or path.name == "engine_context.py":
            continue
        tree = ast.parse(path.read_text())
        names = {
            node.targets[0].id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            keys |= {names.get(key, key) for key in _keys_read_by(node)}
    return keys


def _keys_read_by(node):
    """Yield the texts, or names of constants, that an expression looks up in a context."""
    found = []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "heard":
        found = node.args[1:2]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        found = node.args[:1] if _is_context(node.func.value) else []
    elif isinstance(node, ast.Subscript) and _is_context(node.value):
        found = [node.slice]
    elif isinstance(node, ast.Compare) and _is_context(node.comparators[0]):
        found = [node.left]
    for key in found:
        if isinstance(key, ast.Constant):
            yield key.value
        elif isinstance(key, ast.Name):
            yield key.id


def _is_context(node):
    return isinstance(node, ast.Attribute) and node.attr == "context"


class ContextKeysCase(AddonCase, TransactionCase):
    """Keys that an addon reads, found in its code.

    :cvar known_keys: keys of which a test of the addon says who may set them, and what they decide
    """

    known_keys: frozenset[str] = frozenset()

    def context_keys(self):
        """Return the keys that the addon reads."""
        return context_keys(Path(get_module_path(self.addon)))

    def test_every_key_that_is_read_has_its_place_in_the_table(self):
        unknown = self.context_keys() - self.known_keys - OF_ODOO
        self.assertEqual(unknown, set(), "say in the table who may set it")
