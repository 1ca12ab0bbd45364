"""Loads ``cetmix_tower_server/worker`` without Odoo, as ``tower_worker``."""

import importlib.util
import sys
from pathlib import Path

WORKER = Path(__file__).parents[2] / "cetmix_tower_server" / "worker"

if "tower_worker" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "tower_worker", WORKER / "__init__.py", submodule_search_locations=[str(WORKER)]
    )
    package = sys.modules["tower_worker"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
