"""What a jet takes over of another one that has changed since the first was copied from it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def merge_changes(
    before: Mapping[Key, Value], now: Mapping[Key, Value], own: Mapping[Key, Value]
) -> dict[Key, Value]:
    """Apply what has changed in one place to a copy that has changed, too.

    :param before: what was copied
    :param now: what there is in the place of the original
    :param own: what the copy has
    :return: what the copy gets: changes and removals of the original count, everything else is as the copy has it
    """
    changed = {key for key in {*before, *now} if before.get(key) != now.get(key)}
    kept = {key: value for key, value in own.items() if key not in changed}
    return kept | {key: now[key] for key in changed if key in now}
