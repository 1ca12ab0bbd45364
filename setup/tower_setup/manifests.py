"""Reading manifests of addons without running them."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path


def read(addon: Path) -> dict:
    """The manifest of an addon."""
    return ast.literal_eval((addon / "__manifest__.py").read_text("utf-8"))


def depends(checkout: Path, addons: Iterable[str]) -> list[str]:
    """The addons of others that these addons need, in alphabetic order."""
    ours = set(addons)
    return sorted({name for addon in ours for name in read(checkout / addon).get("depends", [])} - ours)


def python_packages(checkout: Path, addons: Iterable[str]) -> dict[str, str]:
    """The Python packages that these addons need: name in lower case -> bounds as in the manifest ("", ">=4.0,<6")."""
    named = [
        re.match(r"([\w.-]+)(.*)", package).groups()
        for addon in addons
        for package in read(checkout / addon).get("external_dependencies", {}).get("python", [])
    ]
    return {name.lower(): bounds for name, bounds in named}
