"""Reading manifests of addons without running them."""

import ast
from collections.abc import Iterable
from pathlib import Path


def read(addon: Path) -> dict:
    """The manifest of an addon."""
    return ast.literal_eval((addon / "__manifest__.py").read_text("utf-8"))


def depends(checkout: Path, addons: Iterable[str]) -> list[str]:
    """The addons of others that these addons need, in alphabetic order."""
    ours = set(addons)
    return sorted({name for addon in ours for name in read(checkout / addon).get("depends", [])} - ours)
