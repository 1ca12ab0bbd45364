"""Custom values of a run, with the secrets that stand in them: work goes on with what they are, people see them masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..masking.masker import Masker
from ..secret import Secret

Secrets = tuple[tuple[str, Secret], ...]


@dataclass(frozen=True)
class CustomValues:
    """What a run knows besides stored values.

    :param values: {name: JSON value}, not masked
    :param secrets: (name, secret) pairs whose text the values may contain; a rotated secret has two pairs of the same name
    """

    values: Mapping[str, Any]
    secrets: Secrets = ()

    def changed(self, values: Mapping[str, Any], secrets: Iterable[tuple[str, Secret]] = ()) -> CustomValues:
        """Return other values in which the same secrets, or further ones, may stand."""
        return CustomValues(values, tuple(dict.fromkeys((*self.secrets, *secrets))))

    @cached_property
    def masker__(self) -> Masker:
        return Masker(self.secrets)


def masked(value: Any, masker: Masker) -> Any:
    """Return a JSON value with secrets replaced in all its texts, names and numbers."""
    if isinstance(value, Mapping):
        return {masker.mask(key): masked(item, masker) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item, masker) for item in value]
    if isinstance(value, str):
        return masker.mask(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        text = str(value)
        shown = masker.mask(text)
        return value if shown == text else shown
    return value


def all_texts(value: Any) -> str:
    """Return all texts of a JSON value, one per line: a value that contains a secret contains it in one of them."""
    if isinstance(value, Mapping):
        return "\n".join(all_texts(part) for item in value.items() for part in item)
    if isinstance(value, (list, tuple)):
        return "\n".join(map(all_texts, value))
    return str(value)
