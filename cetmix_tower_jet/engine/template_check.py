"""The check of a jet template: what its author has probably forgotten or not meant.

Findings carry a rule and facts (ids and names); whoever shows them words them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .lifecycle import Action, Lifecycle

Severity = Literal["error", "warning"]

#: The rules with their severities, in the order of the findings. An error: jets of the template cannot do what the
#: template promises. A warning: they can, but probably not as it is meant.
RULES: Mapping[str, Severity] = {
    "no_create_action": "error",
    "several_create_actions": "warning",
    "no_destroy_action": "warning",
    "several_destroy_actions": "warning",
    "transit_missing": "error",
    "transit_is_end_state": "warning",
    "dead_end_state": "warning",
    "unreachable_state": "warning",
    "build_and_start_share_plan": "warning",
    "action_above_template": "warning",
    "dependency_unreachable": "error",
    "destroy_unreachable": "warning",
    "plan_restricted": "error",
}


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
        restricted to servers: the ids of these. Plans that run on any server are left out.
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
    raise NotImplementedError
