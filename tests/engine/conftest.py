"""Load the engine as ``tower_engine`` without Odoo, and refuse any import of Odoo while doing so."""

import importlib.util
import sys
from pathlib import Path

from hypothesis import settings

settings.register_profile("tower", deadline=None)  # a busy machine is no failure
settings.load_profile("tower")

ENGINE = Path(__file__).parents[2] / "cetmix_tower_server" / "engine"


class RefuseOdoo:
    """Import hook: the engine must not know Odoo (design rule, see docs/developer/architecture.md)."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "odoo" or name.startswith("odoo."):
            raise ImportError("The engine must not import odoo.")
        return None


def load_engine():
    """Load the engine package once per process under its alias and return it."""
    if "tower_engine" not in sys.modules:
        sys.meta_path.insert(0, RefuseOdoo)
        spec = importlib.util.spec_from_file_location(
            "tower_engine", ENGINE / "__init__.py", submodule_search_locations=[str(ENGINE)]
        )
        module = sys.modules["tower_engine"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["tower_engine"]


load_engine()
