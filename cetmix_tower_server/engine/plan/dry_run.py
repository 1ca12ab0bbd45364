"""What a flight plan would do on one server, without doing it.

The walk follows :mod:`.flow` and assumes that every step succeeds. :mod:`.conditions` decides a condition if all values it
needs are known; values that an earlier step may set are only known later. So a line will run, will be skipped, is decided later, or is a
problem. The report never claims more than it knows: if all steps succeed, a line reported as "run" runs, and one reported as
"skip" does not.

A problem does not end the walk: later lines are checked as if it were fixed, so that one dry run finds all problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache
from typing import Any

from ..errors import ConditionInvalid
from ..exit_codes import ExitCode
from ..python import effects as python_effects
from ..template.rendering import VariableScope
from . import conditions, flow
from .definition import FrozenPlan
from .shared_results import SYSTEM, Inputs, Shared

LINES_MAX = 1000  # checked in one walk
DEPTH_MAX = 100  # plans in plans
STAND_INS = ("text", 7, None)  # tried for values that are only known later


class Outcome(str, Enum):
    """What happens to a line."""

    RUN = "run"
    SKIP = "skip"
    LATER = "later"
    PROBLEM = "problem"


class Why(str, Enum):
    """Why a line has its outcome."""

    NO_CONDITION = "no_condition"
    TRUE = "true"  # the condition
    FALSE = "false"
    VALUES = "values"  # the condition needs values that earlier steps may set
    REACHED = "reached"  # whether the plan gets here is decided later
    INVALID = "invalid"  # the condition cannot be evaluated
    EMPTY_PLAN = "empty_plan"  # the plan to run has no lines
    RECURSION = "recursion"  # the plan would run inside itself
    NOTHING = "nothing"  # all lines of the plan it runs are skipped
    INSIDE = "inside"  # whether any line of the plan it runs will run is decided later
    STEP = "step"  # the step itself cannot run; the details say why


@dataclass
class LineReport:
    """What happens to one line.

    :param number: "2.1" is the first line of the plan that line 2 runs
    :param line: the line's document
    :param is_reached: whether the plan certainly gets here
    :param names: values that the condition needs and that are only known later
    :param uses: all values that the condition needs
    :param rendered: the condition with its values, "" when they are not known
    :param error: why the condition cannot be evaluated
    :param details: what ``prepare`` returned
    :param sets: {reference: text} of the values set after the line for the rest of the run; texts are templates
    :param ends: exit codes with which the plan may end after this line although there are more lines; none: it continues
    :param lines: the lines of the plan it runs
    """

    number: str
    line: Mapping[str, Any]
    outcome: Outcome
    why: Why
    is_reached: bool = True
    names: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    rendered: str = ""
    error: ConditionInvalid | None = None
    details: Any = None
    sets: Mapping[str, str] = field(default_factory=dict)
    ends: tuple[int, ...] = ()
    lines: list[LineReport] = field(default_factory=list)


@dataclass
class Report:
    """What a plan would do.

    :param exit_code: its exit code if there is no problem and every step succeeds; None: decided later
    :param is_cut: the plan has more lines than a walk checks
    """

    lines: list[LineReport]
    exit_code: int | None
    is_cut: bool = False

    def walk(self) -> Iterable[LineReport]:
        """Yield all lines, including those of nested plans, in the order they run."""
        waiting = list(reversed(self.lines))
        while waiting:
            line = waiting.pop()
            yield line
            waiting += reversed(line.lines)


class StepsBefore:
    """What earlier steps may set for the rest of a run."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._anything = False
        self._after_python = False
        self._status = False
        self._metadata = False

    def add(self, line: Mapping[str, Any]) -> None:
        """Note what a line that will or may run can set."""
        for action in line["actions"]:
            self._names.update(action["values"])
        self._status |= bool(line["settings"].get("server_status"))
        if line["action"] == "python_code":
            effects = _effects_of(line["code"])
            self._names |= effects.names
            self._anything |= effects.anything
            self._after_python = True
            self._metadata |= conditions.METADATA in line["code"]

    def may_set(self, name: str) -> bool:
        """Return whether a name may get another value before it is used. Names that start with "_" belong to Python commands."""
        if not name or name == SYSTEM:
            return False
        return self._anything or name in self._names or (self._after_python and name.startswith("_"))

    def changes(self, text: str) -> list[str]:
        """Return what a text uses of the run's records and an earlier step may change: the server's status, and metadata."""
        changed = []
        if self._status and SYSTEM in text and "status" in text:
            changed.append(f"{SYSTEM}.server.status")
        if self._metadata and conditions.METADATA in text:
            changed.append(conditions.METADATA)
        return changed


@dataclass(frozen=True)
class _Decided:
    """The outcome of a line's condition, in fields of :class:`LineReport`."""

    outcome: Outcome
    why: Why
    rendered: str = ""
    error: ConditionInvalid | None = None


_effects_of = lru_cache(maxsize=512)(python_effects.effects_of)
Prepare = Callable[[LineReport, StepsBefore], tuple[Any, bool]]


class Walk:
    """One walk through a plan.

    :param plans: {plan id: plan}, nested plans included
    :param scope: values of conditions
    :param prepare: called with each line that runs, may run or has an invalid condition and with what the steps before may
        set; returns (details, whether they are a problem)
    :param where: gives the name of a line's condition for messages
    :param shared: of the walks through the same plans with the same custom values on other servers
    """

    def __init__(
        self,
        plans: Mapping[int, FrozenPlan],
        scope: VariableScope,
        prepare: Prepare,
        where: Callable[[FrozenPlan, Mapping[str, Any]], str],
        lines_max: int = LINES_MAX,
        shared: Shared | None = None,
    ):
        self._shared = shared or Shared()
        self._inputs = Inputs(scope)
        self._plans = plans
        self._scope = scope
        self._prepare = prepare
        self._where = where
        self._left = lines_max
        self._is_cut = False
        self._before = StepsBefore()

    def run(self, plan_id: int) -> Report:
        """Return what the plan would do."""
        lines, results = self._walk_plan(plan_id, "", (), True)
        codes = {0 if result.skipped else result.exit_code for result in results}
        return Report(lines, codes.pop() if len(codes) == 1 and not self._is_cut else None, self._is_cut)

    def _walk_plan(
        self, plan_id: int, prefix: str, path: tuple[int, ...], is_reached: bool
    ) -> tuple[list[LineReport], set[flow.StepResult]]:
        """Return the lines of a plan, and how the step that runs this plan may end."""
        plan = self._plans[plan_id]
        start = flow.first(plan.flow)
        if start.next_line is None:
            return [], {flow.StepResult(int(start.exit_code or 0))}
        lines: list[LineReport] = []
        ends: set[flow.StepResult] = set()
        position: int | None = start.next_line
        ran_before = {False}
        while position is not None:
            if self._left <= 0:
                self._is_cut = True
                return lines, ends or {flow.StepResult(0)}
            self._left -= 1
            report = self._look_at(plan, position, f"{prefix}{position + 1}", is_reached)
            lines.append(report)
            results = self._results_of(report, (*path, plan_id))
            decisions = [
                flow.after(plan.flow, position, result, ran) for result in results for ran in ran_before
            ]
            ended = {_end(decision) for decision in decisions if decision.next_line is None}
            going_on = {decision.next_line for decision in decisions if decision.next_line is not None}
            if position + 1 < len(plan.lines) and not going_on:
                report.ends = tuple(sorted({end.exit_code for end in ended}))
            ends |= ended
            is_reached = is_reached and not ended
            ran_before = {ran or not result.skipped for result in results for ran in ran_before}
            position = going_on.pop() if going_on else None
        return lines, ends

    def _look_at(self, plan: FrozenPlan, position: int, number: str, is_reached: bool) -> LineReport:
        """Return a line with the outcome of its condition and the details of its step."""
        line = plan.lines[position]
        report = LineReport(number, line, Outcome.RUN, Why.NO_CONDITION, is_reached)
        if line["condition"].strip():
            self._decide(plan, report)
        if report.outcome is Outcome.RUN and not is_reached:
            report.outcome, report.why = Outcome.LATER, Why.REACHED
        if report.outcome is not Outcome.SKIP:
            report.sets = flow.after(plan.flow, position, flow.StepResult(0), True).values
            report.details, has_problem = self._prepare(report, self._before)
            if has_problem and report.outcome is not Outcome.PROBLEM:
                report.outcome, report.why = Outcome.PROBLEM, Why.STEP
        return report

    def _decide(self, plan: FrozenPlan, report: LineReport) -> None:
        condition = report.line["condition"]
        names = self._inputs.names([condition])
        report.uses = tuple(sorted(names))
        report.names = tuple(sorted(name for name in names if self._before.may_set(name)))
        report.names = (*report.names, *self._before.changes(condition))
        if report.names:
            key = (id(report.line), report.names, self._inputs.key([condition]))
            report.error = self._shared.get(key, lambda: self._find_fault(plan, report))
            known = (Outcome.PROBLEM, Why.INVALID) if report.error else (Outcome.LATER, Why.VALUES)
            report.outcome, report.why = known
            return
        key = (id(report.line), self._inputs.key([condition, *conditions.metadata_uses(condition)]))
        decided = self._shared.get(key, lambda: self._evaluate(plan, report.line))
        report.outcome, report.why = decided.outcome, decided.why
        report.rendered, report.error = decided.rendered, decided.error

    def _find_fault(self, plan: FrozenPlan, report: LineReport) -> ConditionInvalid | None:
        """Return why a condition fails whatever its unknown values will be, or None."""
        condition, where = report.line["condition"], self._where(plan, report.line)
        fault = None
        for value in STAND_INS:
            scope = replace(self._scope, custom={**self._scope.custom, **dict.fromkeys(report.names, value)})
            try:
                text = conditions.fill_in(condition, scope, where)
            except ConditionInvalid:
                return None  # another value may fit
            try:
                conditions.check(text, condition, where)
                return None
            except ConditionInvalid as error:
                fault = error
        return fault

    def _evaluate(self, plan: FrozenPlan, line: Mapping[str, Any]) -> _Decided:
        condition, where = line["condition"], self._where(plan, line)
        try:
            rendered = conditions.fill_in(condition, self._scope, where)
            metadata = conditions.read_metadata(condition, self._scope)
            holds = conditions.decide(rendered, where, metadata)
        except ConditionInvalid as error:
            return _Decided(Outcome.PROBLEM, Why.INVALID, error=error)
        return _Decided(*((Outcome.RUN, Why.TRUE) if holds else (Outcome.SKIP, Why.FALSE)), rendered)

    def _results_of(self, report: LineReport, path: tuple[int, ...]) -> set[flow.StepResult]:
        """Return how a step may end; walks through the plan that it runs."""
        skipped = flow.StepResult(int(ExitCode.PLAN_LINE_CONDITION_CHECK_FAILED), skipped=True)
        if report.outcome is Outcome.SKIP:
            return {skipped}
        is_sure = report.why not in (Why.VALUES, Why.INVALID)
        inside = report.line["flight_plan_id"]
        results = {flow.StepResult(0)}
        if inside in path:
            report.outcome, report.why = Outcome.PROBLEM, Why.RECURSION
        elif inside and len(path) >= DEPTH_MAX:
            self._is_cut = True
        elif inside and inside in self._plans:
            report.lines, results = self._walk_plan(
                inside, f"{report.number}.", path, report.is_reached and is_sure
            )
            if not self._plans[inside].lines:
                report.outcome, report.why = Outcome.PROBLEM, Why.EMPTY_PLAN
                results = {flow.StepResult(0)}
            elif all(result.skipped for result in results) and report.outcome is not Outcome.PROBLEM:
                report.outcome, report.why = Outcome.SKIP, Why.NOTHING
            elif any(result.skipped for result in results) and report.outcome is Outcome.RUN:
                report.outcome, report.why = Outcome.LATER, Why.INSIDE
        self._before.add(report.line)
        return results if is_sure else {*results, skipped}


def _end(decision: flow.Decision) -> flow.StepResult:
    """Return how a step ends if its plan ends with this decision."""
    if decision.nothing_ran:
        return flow.StepResult(int(ExitCode.PLAN_LINE_CONDITION_CHECK_FAILED), skipped=True)
    return flow.StepResult(int(decision.exit_code or 0))
