"""Loads ``cetmix_tower_server/worker`` and what it imports of the engine without Odoo, as ``tower.worker``."""

import sys
from pathlib import Path
from types import ModuleType

ADDON = Path(__file__).parents[2] / "cetmix_tower_server"

if "tower" not in sys.modules:
    package = sys.modules["tower"] = ModuleType("tower")
    package.__path__ = [str(ADDON)]
