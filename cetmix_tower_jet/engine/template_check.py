"""The check of a jet template: what its author has probably forgotten or not meant.

Findings carry a rule and facts (ids and names). Whoever shows them words them. The rules:

* ``no_create_action``, ``several_create_actions``: of the actions without a from state, jets are created with the first.
* ``no_destroy_action``, ``several_destroy_actions``: the same for the actions without a to state.
* ``transit_missing``: an action has no transit state.
* ``transit_is_end_state``: the transit state of an action is its from state or its to state, so nobody sees that it runs.
* ``dead_end_state``: a jet can rest in a state, and no action leads from there to another state or destroys the jet.
  An action that leads back to the same state is no way out, and neither is a failure.
* ``unreachable_state``: no action leads into a state from another one, by success or by failure. If there is a create
  action, this includes states that lead only to one another. States behind an unreachable one are not reported: they are
  reachable as soon as that one is.
* ``build_and_start_share_plan``: see :func:`_build_and_start_share_plan`.
* ``action_above_template``: who may use the template may lack the level for an action.
* ``dependency_unreachable``: no path leads a new jet of the needed template to the needed state.
* ``destroy_unreachable``: from a state that is no dead end, no path leads to a destroy action. Reported only if there is one.
* ``plan_restricted``: the template is installed on servers on which one of its plans must not run.

A jet rests in every from, to and error state. An action with neither a from state nor a to state leads nowhere, and only
the rules about its transit state, level and plan look at it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from .lifecycle import Action, Lifecycle

Severity = Literal["error", "warning"]

#: What is found about a template: its subject and details, see :class:`Finding`.
Found = Iterator[tuple[tuple[str, int], dict[str, Any]]]


@dataclass(frozen=True)
class Dependency:
    """A dependency of the template.

    :param id: of the dependency
    :param template: id of the template that is needed
    :param template_name: its name
    :param state: the state in which a jet of it is needed; :attr:`TemplateFacts.state_names` has its name, too
    :param lifecycle: the actions of the template that is needed
    """

    id: int
    template: int
    template_name: str
    state: int
    lifecycle: Lifecycle


@dataclass(frozen=True)
class TemplateFacts:
    """A template as the check sees it.

    :param level: its access level: "1", "2" or "3"
    :param state_names: names of all states that actions and dependencies mention
    :param plan_names: names of all plans that the template uses
    :param plan_servers: for each plan of the template (of its actions, for installing, uninstalling and cloning) that is
        restricted to servers: the ids of these. A plan that runs on any server has none, or is left out.
    :param installed_on: ids of the servers that the template is installed on
    """

    id: int
    level: str
    actions: tuple[Action, ...]
    state_names: Mapping[int, str] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()
    plan_names: Mapping[int, str] = field(default_factory=dict)
    plan_servers: Mapping[int, Collection[int]] = field(default_factory=dict)
    installed_on: Collection[int] = ()


@dataclass(frozen=True)
class Finding:
    """Something the author of a template should look at.

    :param rule: a key of :data:`RULES`
    :param subject: what to open: ("template" | "action" | "state" | "dependency" | "plan", id)
    :param details: plain values for the message, by rule:

        * several_create_actions, several_destroy_actions: ``actions`` (names; the first one is used)
        * transit_missing: ``action``
        * transit_is_end_state: ``action``, ``state``
        * dead_end_state, unreachable_state, destroy_unreachable: ``state``
        * build_and_start_share_plan (subject: the later action): ``action``, ``earlier_action``, ``plan``
        * action_above_template: ``action``, ``action_level``, ``template_level``
        * dependency_unreachable: ``template``, ``state``
        * plan_restricted: ``plan``, ``actions`` (names of those that run it), ``server_ids`` (where it must not run)

        ``action``, ``state``, ``plan`` and ``template`` are names.
    """

    rule: str
    severity: Severity
    subject: tuple[str, int]
    details: Mapping[str, Any] = field(default_factory=dict)


def check(facts: TemplateFacts) -> tuple[Finding, ...]:
    """Return what is wrong or unwise in a template, in the order of :data:`RULES`, then by priority and id."""
    template = _Template(facts)
    return tuple(
        Finding(rule, severity, subject, details)
        for rule, severity, find in _CHECKS
        for subject, details in find(template)
    )


class _Template:
    """A template with what several rules look at."""

    def __init__(self, facts: TemplateFacts):
        self.facts = facts
        self.actions = sorted(facts.actions, key=lambda action: action.order)
        self.leading = [action for action in self.actions if action.leads_somewhere]
        self.lifecycle = Lifecycle(self.leading)
        self.creating = [action for action in self.leading if action.creates]
        self.destroying = [action for action in self.leading if action.destroys]

    @cached_property
    def states(self) -> list[int]:
        """The states in which a jet rests, in the order in which actions mention them."""
        mentioned = (
            state
            for action in self.leading
            for state in (action.from_state, action.to_state, action.error_state)
            if state is not None
        )
        return list(dict.fromkeys(mentioned))

    @cached_property
    def dead_ends(self) -> set[int]:
        left = {action.from_state for action in self.leading if action.to_state != action.from_state}
        return set(self.states) - left

    def state_name(self, state: int | None) -> str:
        return "" if state is None else self.facts.state_names.get(state, str(state))

    def plan_name(self, plan: int | None) -> str:
        return "" if plan is None else self.facts.plan_names.get(plan, str(plan))


def _no_create_action(template: _Template) -> Found:
    if not template.creating:
        yield ("template", template.facts.id), {}


def _several_create_actions(template: _Template) -> Found:
    yield from _several(template.creating)


def _no_destroy_action(template: _Template) -> Found:
    if not template.destroying:
        yield ("template", template.facts.id), {}


def _several_destroy_actions(template: _Template) -> Found:
    yield from _several(template.destroying)


def _several(actions: Sequence[Action]) -> Found:
    if len(actions) > 1:
        yield ("action", actions[1].id), {"actions": tuple(action.name for action in actions)}


def _transit_missing(template: _Template) -> Found:
    for action in template.actions:
        if action.transit_state is None:
            yield ("action", action.id), {"action": action.name}


def _transit_is_end_state(template: _Template) -> Found:
    for action in template.actions:
        state = action.transit_state
        if state is not None and state in (action.from_state, action.to_state):
            yield ("action", action.id), {"action": action.name, "state": template.state_name(state)}


def _dead_end_state(template: _Template) -> Found:
    for state in template.states:
        if state in template.dead_ends:
            yield ("state", state), {"state": template.state_name(state)}


def _unreachable_state(template: _Template) -> Found:
    after: dict[int | None, set[int | None]] = defaultdict(set)
    before: dict[int | None, set[int | None]] = defaultdict(set)
    for action in template.leading:
        for state in {action.to_state, action.error_state} - {None}:
            after[action.from_state].add(state)
            before[state].add(action.from_state)
    reached = _closure(after, None) if template.creating else set()
    for state in template.states:
        if state in reached:
            continue  # most are: only the others are worth the closures below
        leading = _closure(before, state) - {state}
        is_closed_group = bool(template.creating) and leading <= _closure(after, state)
        if not leading or is_closed_group:
            yield ("state", state), {"state": template.state_name(state)}


def _closure(following: Mapping[int | None, set[int | None]], start: int | None) -> set[int | None]:
    """Return what can be reached from a state, the state included."""
    found = {start}
    queue = [start]
    while queue:
        new = following.get(queue.pop(), set()) - found
        found |= new
        queue += new
    return found


def _build_and_start_share_plan(template: _Template) -> Found:
    """Find actions whose plan has run before in the life of the same jet, to build it.

    A plan that builds creates things, and usually fails where they exist already. A *building* action runs once in the
    life of a jet: it is on the way from no state to the first lasting state, which is the first state that a jet can
    come back to from another one. (Without such a state, all actions on the way are building ones.) The finding is any
    action that can follow a building action and has its plan, except:

    * one that destroys the jet,
    * one with the same transit state and the same to state: it does the same thing, in another context. (*Build* from Draft and
      *Build* from Removed, both in Building, both to Stopped.)

    Two actions of which only one can happen to a jet may share a plan, and so may all actions between lasting states.
    """
    reported = set()
    for building in _building_actions(template):
        for action in _later_with_its_plan(template, building):
            if action.id not in reported:
                reported.add(action.id)
                plan = template.plan_name(building.plan)
                details = {"action": action.name, "earlier_action": building.name, "plan": plan}
                yield ("action", action.id), details


def _later_with_its_plan(template: _Template, building: Action) -> Iterator[Action]:
    """Return the actions that can follow a building action, and do something else with its plan."""
    if building.plan is None:
        return
    sharing = [action for action in template.leading if action.plan == building.plan and not action.destroys]
    later = template.lifecycle.reachable(building.to_state) - {None} if len(sharing) > 1 else ()
    what = (building.transit_state, building.to_state)
    for action in sharing:
        if action.from_state in later and (action.transit_state, action.to_state) != what:
            yield action


def _building_actions(template: _Template) -> list[Action]:
    """Return the actions between no state and the first lasting state, in the order of the way."""
    building: list[Action] = []
    queue: deque[int | None] = deque([None])
    visited = {None}
    while queue:
        state = queue.popleft()
        for action in template.lifecycle.available(state):
            if action.destroys or action.to_state == state:
                continue
            building.append(action)
            if action.to_state not in visited:
                visited.add(action.to_state)
                if not _is_lasting(template.lifecycle, action.to_state):
                    queue.append(action.to_state)
    return building


def _is_lasting(lifecycle: Lifecycle, state: int | None) -> bool:
    """Return whether a jet can come back to a state from another one."""
    leading = lifecycle.leading_to(state) - {None, state}
    return any(action.to_state in leading for action in lifecycle.available(state))


def _action_above_template(template: _Template) -> Found:
    level = template.facts.level
    for action in template.actions:
        if int(action.level) > int(level):
            details = {"action": action.name, "action_level": action.level, "template_level": level}
            yield ("action", action.id), details


def _dependency_unreachable(template: _Template) -> Found:
    for dependency in sorted(template.facts.dependencies, key=lambda dependency: dependency.id):
        if dependency.state not in dependency.lifecycle.reachable(None):
            state = template.state_name(dependency.state)
            yield ("dependency", dependency.id), {"template": dependency.template_name, "state": state}


def _destroy_unreachable(template: _Template) -> Found:
    leading = template.lifecycle.leading_to(None)
    for state in template.states if template.destroying else ():
        if state not in leading and state not in template.dead_ends:
            yield ("state", state), {"state": template.state_name(state)}


def _plan_restricted(template: _Template) -> Found:
    installed_on = set(template.facts.installed_on)
    for plan, servers in sorted(template.facts.plan_servers.items()):
        refused = tuple(sorted(installed_on - set(servers)))
        if servers and refused:
            actions = tuple(action.name for action in template.actions if action.plan == plan)
            name = template.plan_name(plan)
            yield ("plan", plan), {"plan": name, "actions": actions, "server_ids": refused}


# An error: jets of the template cannot do what it promises. A warning: they can, but probably not as it is meant.
_CHECKS: tuple[tuple[str, Severity, Callable[[_Template], Found]], ...] = (
    ("no_create_action", "error", _no_create_action),
    ("several_create_actions", "warning", _several_create_actions),
    ("no_destroy_action", "warning", _no_destroy_action),
    ("several_destroy_actions", "warning", _several_destroy_actions),
    ("transit_missing", "error", _transit_missing),
    ("transit_is_end_state", "warning", _transit_is_end_state),
    ("dead_end_state", "warning", _dead_end_state),
    ("unreachable_state", "warning", _unreachable_state),
    ("build_and_start_share_plan", "warning", _build_and_start_share_plan),
    ("action_above_template", "warning", _action_above_template),
    ("dependency_unreachable", "error", _dependency_unreachable),
    ("destroy_unreachable", "warning", _destroy_unreachable),
    ("plan_restricted", "error", _plan_restricted),
)

#: The severity of each rule, in the order of the findings.
RULES: Mapping[str, Severity] = {rule: severity for rule, severity, _find in _CHECKS}
