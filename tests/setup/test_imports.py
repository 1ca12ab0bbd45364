"""Imports inside an addon go one way: the engine knows only itself, models use the worker, screens use models.

A package below `models` may import from those that `models/__init__.py` imports before it, and from no other.
"""

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
ADDONS = sorted(path.parent for path in CHECKOUT.glob("*/__manifest__.py"))
# From the bottom to the top; those in one row do not know each other.
LAYERS = (("engine",), ("worker",), ("models",), ("wizards", "controllers"))
IGNORED = ("tests",)


def modules(addon):
    """The path of each Python file of an addon, with its dotted name inside the addon."""
    for path in sorted(addon.rglob("*.py")):
        inside = path.relative_to(addon).with_suffix("")
        if inside.parts[0] not in IGNORED:
            yield path, inside.parts


def nodes_of(tree):
    """The nodes of a file, without those that only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from nodes_of(node)


def imports(path, name):
    """The imports of a file: (line, dotted name); those of our own addon as ("", "models", "plan", ...)."""
    package = name[:-1]
    for node in nodes_of(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, tuple(alias.name.split("."))) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = tuple((node.module or "").split(".")) if node.module else ()
            if node.level:
                source = ("", *package[: len(package) - node.level + 1], *source)
            yield from ((node.lineno, (*source, alias.name)) for alias in node.names)


def own(addon, target):
    """The name inside the addon of what is imported; none for what others bring."""
    if target[0] == "":
        return target[1:]
    beginning = ("odoo", "addons", addon.name)
    return target[3:] if target[:3] == beginning else ()


def layer(name):
    return next((number for number, row in enumerate(LAYERS) if name[:1] and name[0] in row), None)


def wrong_layers(addon):
    """Imports from a layer above, from a neighbour, and by the engine of anything but itself."""
    for path, name in modules(addon):
        here = layer(name)
        for line, target in imports(path, name) if here is not None else ():
            inside = own(addon, target)
            there = layer(inside)
            is_foreign = name[0] == "engine" and (target[0] == "odoo" or inside[:1] not in ((), ("engine",)))
            is_upwards = there is not None and (there > here or there == here and inside[0] != name[0])
            if is_foreign or is_upwards:
                yield f"{'/'.join(name)}.py:{line} imports {'.'.join(target).lstrip('.')}"


def packages_in_order(models):
    """The packages that `models/__init__.py` imports, in its order."""
    nodes = ast.walk(ast.parse((models / "__init__.py").read_text("utf-8")))
    names = [alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names]
    return [name for name in names if (models / name).is_dir()]


def wrong_order(addon):
    """Imports of one package of models from another that comes later in `models/__init__.py`."""
    models = addon / "models"
    order = packages_in_order(models) if models.is_dir() else []
    for path, name in modules(addon):
        if name[0] != "models" or name[1] not in order:
            continue
        for line, target in imports(path, name):
            inside = own(addon, target)
            later = order[order.index(name[1]) + 1 :]
            if inside[:1] == ("models",) and len(inside) > 1 and inside[1] in later:
                yield f"{'/'.join(name)}.py:{line} imports {'.'.join(inside)}, which comes later"


@pytest.mark.parametrize("addon", ADDONS, ids=lambda addon: addon.name)
def test_layers_import_downwards_only(addon):
    assert list(wrong_layers(addon)) == []


@pytest.mark.parametrize("addon", ADDONS, ids=lambda addon: addon.name)
def test_models_import_in_the_order_of_their_packages(addon):
    assert list(wrong_order(addon)) == []


@pytest.fixture
def addon(tmp_path):
    """An addon with one mistake of each kind."""
    files = {
        "engine/flow.py": "from . import results\nfrom ..models import plan\nif TYPE_CHECKING:\n    from ..worker import lanes",
        "engine/results.py": "import odoo\nimport json\nfrom odoo.addons.an_addon.engine import flow",
        "worker/lanes.py": "from ..engine import flow\ndef run():\n    from ..models.plan import line",
        "models/__init__.py": "from . import server\nfrom . import plan",
        "models/server/__init__.py": "from ..plan import line",
        "models/server/host_key.py": "from . import server\nfrom odoo.addons.an_addon.models.plan.line import X",
        "models/plan/line.py": "from ..server import host_key\nfrom ...worker import lanes\nfrom ...wizards import ask",
        "wizards/ask.py": "from ..models.plan import line\nfrom ..controllers import text",
        "tests/test_all.py": "from ..wizards import ask",
    }
    for name, text in files.items():
        path = tmp_path / "an_addon" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "an_addon"


def test_imports_of_a_layer_above_are_found(addon):
    assert [found.split(" ")[0] for found in wrong_layers(addon)] == [
        "engine/flow.py:2",
        "engine/results.py:1",
        "engine/results.py:3",
        "models/plan/line.py:3",
        "wizards/ask.py:2",
        "worker/lanes.py:3",
    ]


def test_imports_of_a_later_package_of_models_are_found(addon):
    assert [found.split(" ")[0] for found in wrong_order(addon)] == [
        "models/server/__init__.py:1",
        "models/server/host_key.py:2",
    ]
