"""What a flight plan does next: a decision made from the plan and the result of the step that has just ended.

Nothing here knows how a step is executed or where its result is stored. The rules, in this order:

* The first post-run action of the line whose comparison with the exit code holds decides.
* Without a match, a failed step follows the plan's own rule for errors; any other step leads to the next line.
* A skipped step leads to the next line, and its actions are not looked at.
* After the last line the plan has succeeded, whatever failed and was tolerated on the way.
* Nothing is started while the step may still be running on its host.

Every function is total: it decides for any plan and any result, and never raises.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from ..exit_codes import ExitCode

_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))\s*")
_COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class Then(str, Enum):
    """What follows a step. Plans store the values."""

    EXIT = "e"  # the plan ends with the step's code
    EXIT_CUSTOM = "ec"  # the plan ends with a code of its author
    NEXT = "n"


@dataclass(frozen=True)
class PostRunAction:
    """A rule of a line about the exit code of its step.

    :param condition: how the exit code is compared: one of ``== != > >= < <=``
    :param value: what it is compared with: text of a decimal number ("0", "-1", "1.5"); anything else never matches
    :param custom_exit_code: code of the plan when ``then`` is ``EXIT_CUSTOM``
    :param values: values of variables that are set for the rest of the run when the rule matches; texts are templates
    """

    condition: str
    value: str
    then: Then
    custom_exit_code: int = 0
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """A line of a plan. Its condition is evaluated once, before the step.

    :param actions: in their order; the first one that matches wins
    """

    actions: tuple[PostRunAction, ...] = ()
    has_condition: bool = False


@dataclass(frozen=True)
class Plan:
    """A flight plan.

    :param on_error: what follows a step that failed, when no action of its line matches
    :param custom_exit_code: code of the plan when ``on_error`` is ``EXIT_CUSTOM``
    """

    lines: tuple[Line, ...]
    on_error: Then = Then.EXIT
    custom_exit_code: int = 0


@dataclass(frozen=True)
class StepResult:
    """How a step ended. If it was skipped, its exit code means nothing.

    :param may_run_on: the step was stopped or timed out, and the host did not confirm that no process of it is left
    """

    exit_code: int
    skipped: bool = False
    may_run_on: bool = False


@dataclass(frozen=True)
class Decision:
    """What comes next. Exactly one of ``next_line`` and ``exit_code`` is set.

    :param next_line: index of the next line: evaluate its condition, then run or skip it
    :param exit_code: the plan ends with this code
    :param values: values of the action that matched, for the rest of the run
    :param nothing_ran: the plan ends, and all of its lines were skipped
    """

    next_line: int | None = None
    exit_code: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    nothing_ran: bool = False


def first(plan: Plan) -> Decision:
    """Return how a plan starts. A plan without lines ends at once with an error."""
    return Decision(next_line=0) if plan.lines else Decision(exit_code=int(ExitCode.PLAN_IS_EMPTY))


def after(plan: Plan, position: int, result: StepResult, ran_before: bool) -> Decision:
    """Return what follows a step. If the step may still be running, nothing is started, whatever the rules say.

    :param position: index of the step's line
    :param ran_before: whether an earlier line of this run was not skipped
    """
    if result.skipped:
        return _go_on(plan, position, nothing_ran=not ran_before)
    rule = rule_after(plan, position, result)
    if rule is None:
        return _end_beside(result) if result.may_run_on else _go_on(plan, position)
    if isinstance(rule, Plan):
        return _follow(plan, position, result, plan.on_error, plan.custom_exit_code)
    return _follow(plan, position, result, rule.then, rule.custom_exit_code, dict(rule.values or {}))


def rule_after(plan: Plan, position: int, result: StepResult) -> PostRunAction | Plan | None:
    """Return which rule decides what follows a step.

    :return: the post-run action that matches; the plan, if its rule for errors applies; None if neither applies
    """
    if result.skipped:
        return None
    action = _matching_action(plan, position, result.exit_code)
    return action or (plan if result.exit_code else None)


def _matching_action(plan: Plan, position: int, exit_code: int) -> PostRunAction | None:
    if not 0 <= position < len(plan.lines):
        return None
    return next((action for action in plan.lines[position].actions if _matches(action, exit_code)), None)


def _matches(action: PostRunAction, exit_code: int) -> bool:
    compare = _COMPARISONS.get(action.condition)
    number = _NUMBER.fullmatch(str(action.value))
    # Decimals compare with integers of any size without rounding.
    return bool(compare and number and compare(exit_code, Decimal(number[1])))


def _follow(
    plan: Plan,
    position: int,
    result: StepResult,
    then: Then,
    custom_exit_code: int,
    values: Mapping[str, str] | None = None,
) -> Decision:
    if then == Then.NEXT:
        return _end_beside(result) if result.may_run_on else _go_on(plan, position, values)
    return Decision(
        exit_code=custom_exit_code if then == Then.EXIT_CUSTOM else result.exit_code, values=values or {}
    )


def _end_beside(result: StepResult) -> Decision:
    """End the plan instead of continuing it. That is always a failure, because not all of it was done."""
    return Decision(exit_code=result.exit_code or int(ExitCode.GENERAL_ERROR))


def _go_on(
    plan: Plan, position: int, values: Mapping[str, str] | None = None, nothing_ran: bool = False
) -> Decision:
    """Go to the next line. After the last one the plan has succeeded: failures on the way were tolerated."""
    following = max(position + 1, 0)
    if following < len(plan.lines):
        return Decision(next_line=following, values=values or {})
    return Decision(exit_code=0, values=values or {}, nothing_ran=nothing_ran)
