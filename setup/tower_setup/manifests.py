"""Reading manifests of addons without running them."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path


def read(addon: Path) -> dict:
    """The manifest of an addon."""
    return ast.literal_eval((addon / "__manifest__.py").read_text("utf-8"))


def in_install_order(checkout: Path, addons: Iterable[str]) -> list[str]:
    """These addons, each after those of them that it depends on, otherwise in alphabetic order."""
    ordered: list[str] = []
    for addon in sorted(addons):
        ordered += [name for name in with_own_dependencies(checkout, addon, addons) if name not in ordered]
    return ordered


def with_own_dependencies(checkout: Path, addon: str, addons: Iterable[str]) -> list[str]:
    """The addon, after those of `addons` that it depends on, directly or not; each after what it depends on itself."""
    ours = set(addons)
    found: list[str] = []
    for name in sorted(ours & set(read(checkout / addon).get("depends", []))):
        found += [each for each in with_own_dependencies(checkout, name, ours) if each not in found]
    return [*found, addon]


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
