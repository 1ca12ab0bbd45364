"""A flight plan's definition as plain data: frozen with a run, and compared when the run is resumed.

A document is what ``cx.tower.plan._definition`` writes: the plan's own settings and its lines with everything that decides
what they do. It contains no secrets, only placeholders that name them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import flow

_TEXT_LINES_MAX = 40  # lines shown of a difference between two texts


@dataclass(frozen=True)
class FrozenPlan:
    """A plan's document, and the part of it that :mod:`.flow` needs."""

    document: Mapping[str, Any]
    flow: flow.Plan

    @property
    def lines(self) -> list[Mapping[str, Any]]:
        """The lines, in order."""
        return self.document["lines"]

    def position_of(self, line_id: int) -> int | None:
        """Return the index of a line, None when it is not in this plan."""
        return next((index for index, line in enumerate(self.lines) if line["id"] == line_id), None)


def freeze(document: Mapping[str, Any]) -> FrozenPlan:
    """Return a document in the form that is used while the plan runs."""
    return FrozenPlan(
        document,
        flow.Plan(
            lines=tuple(_flow_line(line) for line in document["lines"]),
            on_error=flow.Then(document["on_error"]),
            custom_exit_code=document["custom_exit_code"],
        ),
    )


def _flow_line(line: Mapping[str, Any]) -> flow.Line:
    actions = tuple(
        flow.PostRunAction(
            condition=action["condition"],
            value=action["value"],
            then=flow.Then(action["then"]),
            custom_exit_code=action["custom_exit_code"],
            values=action["values"],
        )
        for action in line["actions"]
    )
    return flow.Line(actions=actions, has_condition=bool(line["condition"]))


@dataclass(frozen=True)
class FieldChange:
    """A part of a plan or of a line that has changed.

    :param field: name of the part in the document
    """

    field: str
    old: Any
    new: Any


@dataclass(frozen=True)
class LineChange:
    """A line that was changed, moved, added (``old_number`` is None) or removed (``new_number`` is None).

    :param name: the line's former name; of an added line, its name
    :param fields: what changed in it
    """

    line_id: int
    name: str
    old_number: int | None
    new_number: int | None
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class PlanChange:
    """A plan that was changed, is used only now (``is_new``), or is no longer used (``is_gone``)."""

    plan_id: int
    name: str
    is_new: bool = False
    is_gone: bool = False
    fields: tuple[FieldChange, ...] = ()
    lines: tuple[LineChange, ...] = ()


def differences(old: Mapping[str, Mapping], new: Mapping[str, Mapping]) -> list[PlanChange]:
    """Return what changed between the definitions that a run was started with and those of today.

    Ids and references do not count as changes. A command that was replaced is reported by its name.

    :param old: {plan id as text: document} of the run
    :param new: the same, now
    """
    changes = []
    for plan_id, before in old.items():
        after = new.get(plan_id)
        if after is None:
            changes.append(PlanChange(before["id"], before["name"], is_gone=True))
        else:
            fields, lines = _field_changes(before, after, {"lines"}), _line_changes(before, after)
            if fields or lines:
                changes.append(PlanChange(before["id"], after["name"], fields=fields, lines=lines))
    changes += [
        PlanChange(document["id"], document["name"], is_new=True)
        for plan_id, document in new.items()
        if plan_id not in old
    ]
    return changes


def _line_changes(before: Mapping, after: Mapping) -> tuple[LineChange, ...]:
    old_lines = {line["id"]: (number, line) for number, line in enumerate(before["lines"], 1)}
    new_lines = {line["id"]: (number, line) for number, line in enumerate(after["lines"], 1)}
    changes = []
    for line_id, (number, line) in old_lines.items():
        new_number, new_line = new_lines.get(line_id, (None, None))
        named = {"command_id"} if new_line and new_line["name"] != line["name"] else set()
        fields = _field_changes(line, new_line, named) if new_line else ()
        if fields or new_number != number:
            changes.append(LineChange(line_id, line["name"], number, new_number, fields))
    changes += [
        LineChange(line_id, line["name"], None, number)
        for line_id, (number, line) in new_lines.items()
        if line_id not in old_lines
    ]
    return tuple(changes)


def _field_changes(before: Mapping, after: Mapping, skip: set[str]) -> tuple[FieldChange, ...]:
    old, new = _flat(before), _flat(after)
    return tuple(
        FieldChange(name, old.get(name), new.get(name))
        for name in dict.fromkeys([*old, *new])
        if name not in skip | {"id", "reference", "file.template_id"} and old.get(name) != new.get(name)
    )


def _flat(document: Mapping) -> dict[str, Any]:
    """Return the parts of a document, with those of ``settings`` as ``settings.name`` (and of ``file`` likewise)."""
    flat = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{part}": inner for part, inner in value.items()}
        else:
            flat[name] = value
    return flat


def text_difference(old: str, new: str) -> tuple[list[str], int]:
    """Return the unified difference of two texts, bounded, and how many lines of it were left out."""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1))[2:]
    return lines[:_TEXT_LINES_MAX], max(0, len(lines) - _TEXT_LINES_MAX)


def lines_to_run(
    plans: Mapping[str, Mapping], plan_id: int, place: list[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Return (plan id, line id) of all lines, in nested plans too, that may run when a run continues at a place.

    :param plans: {plan id as text: document}
    :param place: from the outermost plan inwards: (id of the line, 0 to start at it or 1 to start after it)
    """
    found: set[tuple[int, int]] = set()
    whole: set[int] = set()  # plans that were looked at from their beginning
    wanted = [(plan_id, place)]
    while wanted:
        current, way = wanted.pop()
        here, inside = (way[0], way[1:]) if way else (None, [])
        lines = plans.get(str(current), {}).get("lines", [])
        start = 0
        if here:
            ids = [line["id"] for line in lines]
            start = ids.index(here[0]) + here[1] if here[0] in ids else 0
        elif current in whole:
            continue
        else:
            whole.add(current)
        for index, line in enumerate(lines[start:]):
            found.add((current, line["id"]))
            if line["flight_plan_id"]:
                wanted.append((line["flight_plan_id"], inside if here and not index and not here[1] else []))
    return found
