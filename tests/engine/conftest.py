"""Load the engines without Odoo, as ``tower_engine`` and ``tower_jet_engine``, and refuse any import of Odoo."""

import importlib.util
import sys
from pathlib import Path

from hypothesis import settings

settings.register_profile("tower", deadline=None)  # a busy machine is no failure
settings.load_profile("tower")

CHECKOUT = Path(__file__).parents[2]
ENGINES = {"tower_engine": "cetmix_tower_server", "tower_jet_engine": "cetmix_tower_jet"}


class RefuseOdoo:
    """Import hook: an engine must not know Odoo (design rule, see docs/developer/architecture.md)."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "odoo" or name.startswith("odoo."):
            raise ImportError("The engine must not import odoo.")
        return None


def load_engine(alias):
    """Load an engine package once per process under its alias."""
    if alias in sys.modules:
        return
    folder = CHECKOUT / ENGINES[alias] / "engine"
    spec = importlib.util.spec_from_file_location(
        alias, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = sys.modules[alias] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if RefuseOdoo not in sys.meta_path:
    sys.meta_path.insert(0, RefuseOdoo)
for name in ENGINES:
    load_engine(name)
