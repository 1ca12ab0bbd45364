"""Loads ``cetmix_tower_server/runs`` without Odoo, as ``tower_runs``."""

import importlib.util
import sys
from pathlib import Path

RUNS = Path(__file__).parents[2] / "cetmix_tower_server" / "runs"

if "tower_runs" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "tower_runs", RUNS / "__init__.py", submodule_search_locations=[str(RUNS)]
    )
    package = sys.modules["tower_runs"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
