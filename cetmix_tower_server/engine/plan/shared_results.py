"""Results of a dry run that servers share, each computed once.

A rendered text or a decided condition depends only on the text and the values it uses, so these are the key of the result. A plan
that uses few values of the servers themselves costs little more on many servers than on one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import lru_cache

from ..errors import EngineError, OutOfBudget
from ..template.rendering import VariableScope, find_variables

SYSTEM = "tower"
_NAME = re.compile(r"[A-Za-z_]\w*")
_PATHS = re.compile(r"\btower((?:\.[A-Za-z_]\w*)*)")


def find_names(text: str) -> frozenset[str]:
    """Return the names that a text uses; none if it is malformed, which is reported where it is evaluated.

    If parsing takes too long, return every name that it may use.
    """
    try:
        return _read_names(text)
    except OutOfBudget:
        return frozenset(_NAME.findall(text))


@lru_cache(maxsize=4096)
def _read_names(text: str) -> frozenset[str]:
    try:
        return frozenset(find_variables(text))
    except OutOfBudget:
        raise
    except EngineError:
        return frozenset()


@lru_cache(maxsize=4096)
def _system_paths(text: str) -> frozenset[tuple[str, ...]]:
    """Return the members of ``tower`` that a text names, as paths: ("server", "name"); () for all of it."""
    return frozenset(tuple(path.split(".")[1:]) for path in _PATHS.findall(text))


class Inputs:
    """The values of one scope that texts use.

    :param scope: with the custom values that all servers share
    """

    def __init__(self, scope: VariableScope):
        self._scope = scope
        self._system: dict[tuple[str, ...], str] = {}

    def names(self, texts: Iterable[str]) -> frozenset[str]:
        """Return all variables that texts use, directly or through the stored values of others."""
        return self._closure(texts)[0]

    def key(self, texts: Iterable[str]) -> Hashable:
        """Return a key of all values that texts use: with equal keys, they render to the same result."""
        names, paths = self._closure(texts)
        stored = tuple((name, self._scope.stored.get(name)) for name in sorted(names))
        return stored, tuple((path, self._system_value(path)) for path in sorted(paths))

    def _closure(self, texts: Iterable[str]) -> tuple[frozenset[str], set[tuple[str, ...]]]:
        waiting = list(texts)
        names: set[str] = set()
        paths: set[tuple[str, ...]] = set()
        while waiting:
            text = waiting.pop()
            found = find_names(text)
            if SYSTEM in found:
                paths |= _system_paths(text) or {()}
            waiting += [self._scope.stored[name] for name in found - names if self._is_template(name)]
            names |= found
        return frozenset(names), paths

    def _is_template(self, name: str) -> bool:
        return name not in self._scope.custom and "{" in (self._scope.stored.get(name) or "")

    def _system_value(self, path: tuple[str, ...]) -> str:
        if path not in self._system:
            value: object = self._scope.system.get(SYSTEM)
            for member in path:
                value = value.get(member) if isinstance(value, Mapping) else None
            self._system[path] = repr(value)
        return self._system[path]


class Shared:
    """Results by their keys."""

    def __init__(self) -> None:
        self._results: dict[Hashable, object] = {}

    def get(self, key: Hashable, make: Callable[[], object]) -> object:
        """Return the result of a key; ``make`` computes it on first use."""
        if key not in self._results:
            self._results[key] = make()
        return self._results[key]
