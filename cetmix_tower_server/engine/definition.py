"""What a flight plan's definition looks like as plain data: frozen with a run, and compared when the run is resumed.

A document is what ``cx.tower.plan._definition`` writes: the plan's own settings and its lines with all that decides what
they do. Nothing in it is a secret: placeholders name secrets.
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
    """A plan's document, and what the flow needs of it."""

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
    """Return a document as it is used while a plan runs."""
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


def describe_difference(old: Mapping[str, Mapping], new: Mapping[str, Mapping]) -> list[str]:
    """Say what changed between the definitions that a run was started with and those of today.

    :param old: {plan id as text: document} of the run
    :param new: the same, now
    :return: lines for a person; none when nothing changed
    """
    said: list[str] = []
    for plan_id, before in old.items():
        after = new.get(plan_id)
        if after is None:
            said.append(f"Flight plan “{before['name']}” is not used any more.")
        elif after != before:
            said += _plan_difference(before, after)
    said += [
        f"Flight plan “{document['name']}” is used now."
        for plan_id, document in new.items()
        if plan_id not in old
    ]
    return said


def _plan_difference(before: Mapping, after: Mapping) -> list[str]:
    said = [f"Flight plan “{after['name']}”:"]
    said += _field_differences(before, after, skip=("lines",), indent="  ")
    old_lines = {line["id"]: (number, line) for number, line in enumerate(before["lines"], 1)}
    new_lines = {line["id"]: (number, line) for number, line in enumerate(after["lines"], 1)}
    for line_id, (number, line) in old_lines.items():
        if line_id not in new_lines:
            said.append(f"  line {number} “{line['name']}” was removed")
            continue
        new_number, new_line = new_lines[line_id]
        changes = _field_differences(line, new_line, skip=(), indent="    ")
        moved = f", now line {new_number}" if new_number != number else ""
        if changes or moved:
            said += [f"  line {number} “{line['name']}”{moved}", *changes]
    said += [
        f"  line {number} “{line['name']}” is new"
        for line_id, (number, line) in new_lines.items()
        if line_id not in old_lines
    ]
    return said


def _field_differences(before: Mapping, after: Mapping, skip: tuple[str, ...], indent: str) -> list[str]:
    said: list[str] = []
    for name in sorted({*before, *after} - {*skip}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        texts = isinstance(old, str) and isinstance(new, str)
        if texts and ("\n" in old or "\n" in new):
            difference = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1))[2:]
            said.append(f"{indent}{name}:")
            said += [f"{indent}  {line}" for line in difference[:_TEXT_LINES_MAX]]
            if len(difference) > _TEXT_LINES_MAX:
                said.append(f"{indent}  … {len(difference) - _TEXT_LINES_MAX} lines more")
        else:
            said.append(f"{indent}{name}: {_shown(old)} → {_shown(new)}")
    return said


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return f"“{text[:200]}{'…' if len(text) > 200 else ''}”" if text else "nothing"
