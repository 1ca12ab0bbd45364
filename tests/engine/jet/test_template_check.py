"""Template check: the usual lifecycle and its variants have no finding, and each rule finds its mistake."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_jet_engine.lifecycle import Action, Lifecycle
from tower_jet_engine.template_check import RULES, Dependency, Finding, TemplateFacts, check

STATES = "preparing draft building starting running stopping stopped restarting removing removed destroying failed frozen".split()
STATE = {name: number for number, name in enumerate(STATES, 1)} | {"": None}
NAMES = {number: name.capitalize() for name, number in STATE.items() if number}

#: Name, from, transit, to, on error.
STANDARD = {
    "Prepare": ("", "preparing", "draft", ""),
    "Build": ("draft", "building", "stopped", ""),
    "Start": ("stopped", "starting", "running", ""),
    "Stop": ("running", "stopping", "stopped", ""),
    "Restart": ("running", "restarting", "running", "stopped"),
    "Remove": ("stopped", "removing", "removed", ""),
    "Destroy": ("removed", "destroying", "", ""),
}
PLANS = {name: number for number, name in enumerate(STANDARD, 101)}


def template(changes=None, plans=None, levels=None, **facts):
    """Return a template with the usual lifecycle and a plan for each action.

    :param changes: actions that are different; None leaves one out
    :param plans: plans that are different, by action
    """
    plans = {**PLANS, **(plans or {})}
    rows = {name: row for name, row in {**STANDARD, **(changes or {})}.items() if row is not None}
    actions = tuple(
        Action(id, name, *(STATE[state] for state in row), id, plans.get(name), (levels or {}).get(name, "1"))
        for id, (name, row) in enumerate(rows.items(), 1)
    )
    plan_names = {number: f"Plan {name}" for name, number in PLANS.items()}
    return TemplateFacts(
        **({"id": 7, "level": "1", "state_names": NAMES, "plan_names": plan_names} | facts), actions=actions
    )


def found(facts):
    """Return the findings, short: the rule with the action or state that it is about."""
    names = {action.id: action.name for action in facts.actions}
    short = []
    for finding in check(facts):
        kind, id = finding.subject
        name = {"action": names.get(id), "state": NAMES.get(id)}.get(kind, kind)
        short.append((finding.rule, name))
    return short


# Lifecycles that are as they should be


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Restart": None},
        {"Prepare": None, "Build": ("", "building", "stopped", "")},
        {"Remove": ("stopped", "removing", "draft", ""), "Destroy": ("draft", "destroying", "", "")},
        {"Build again": ("removed", "building", "stopped", "")},
        {"Remove": None, "Destroy": ("stopped", "destroying", "", "")},
        {
            "Start": ("stopped", "starting", "running", "failed"),
            "Repair": ("failed", "building", "stopped", ""),
        },
        {
            "Start": ("stopped", "starting", "running", "failed"),
            "Give up": ("failed", "removing", "removed", ""),
        },
        {
            "Discard": ("draft", "destroying", "", ""),
            "Destroy": None,
            "Remove": ("stopped", "removing", "draft", ""),
        },
        {name: None for name in STANDARD}
        | {"Make": ("", "building", "running", ""), "End": ("running", "stopping", "", "")},
    ],
)
def test_the_usual_lifecycle_and_its_variants_have_no_finding(changes):
    assert found(template(changes)) == []


def test_actions_without_plans_have_no_finding():
    assert found(template(plans=dict.fromkeys(STANDARD))) == []


# Rule by rule


def test_a_template_without_actions_can_neither_create_nor_destroy():
    facts = template(dict.fromkeys(STANDARD))
    assert check(facts) == (
        Finding("no_create_action", "error", ("template", 7)),
        Finding("no_destroy_action", "warning", ("template", 7)),
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Prepare": None}, [("no_create_action", "template"), ("unreachable_state", "Draft")]),
        (
            {
                "Prepare": None,
                "Remove": ("stopped", "removing", "draft", ""),
                "Destroy": ("draft", "destroying", "", ""),
            },
            [("no_create_action", "template")],
        ),
        ({"Import": ("", "preparing", "stopped", "")}, [("several_create_actions", "Import")]),
        ({"Destroy": None}, [("no_destroy_action", "template"), ("dead_end_state", "Removed")]),
        ({"Discard": ("draft", "destroying", "", "")}, [("several_destroy_actions", "Discard")]),
        ({"Start": ("stopped", "", "running", "")}, [("transit_missing", "Start")]),
        ({"Start": ("stopped", "stopped", "running", "")}, [("transit_is_end_state", "Start")]),
        ({"Start": ("stopped", "running", "running", "")}, [("transit_is_end_state", "Start")]),
        ({"Start": ("stopped", "starting", "running", "failed")}, [("dead_end_state", "Failed")]),
        ({"Freeze": ("running", "stopping", "frozen", "")}, [("dead_end_state", "Frozen")]),
        (
            {
                "Freeze": ("running", "stopping", "frozen", ""),
                "Melt": ("frozen", "starting", "frozen", "stopped"),
            },
            [("dead_end_state", "Frozen")],
        ),
        ({"Melt": ("frozen", "starting", "running", "")}, [("unreachable_state", "Frozen")]),
        (
            {"Melt": ("frozen", "starting", "failed", ""), "Repair": ("failed", "building", "stopped", "")},
            [("unreachable_state", "Frozen")],
        ),
        (
            {
                "Melt": ("frozen", "starting", "failed", ""),
                "Freeze": ("failed", "stopping", "frozen", ""),
                "Leave": ("failed", "stopping", "stopped", ""),
            },
            [("unreachable_state", "Frozen"), ("unreachable_state", "Failed")],
        ),
        ({"Go on": ("starting", "building", "running", "")}, [("unreachable_state", "Starting")]),
        (
            {
                "Freeze": ("running", "stopping", "frozen", ""),
                "Melt": ("frozen", "starting", "failed", ""),
                "Freeze again": ("failed", "stopping", "frozen", ""),
            },
            [("destroy_unreachable", "Frozen"), ("destroy_unreachable", "Failed")],
        ),
        (
            {"Remove": None},
            [
                ("unreachable_state", "Removed"),
                ("destroy_unreachable", "Draft"),
                ("destroy_unreachable", "Stopped"),
                ("destroy_unreachable", "Running"),
            ],
        ),
        ({"Nothing": ("", "building", "", "")}, []),
        ({"Nothing": ("", "", "", "frozen")}, [("transit_missing", "Nothing")]),
    ],
)
def test_a_mistake_in_the_lifecycle_is_found(changes, expected):
    assert found(template(changes)) == expected


def test_findings_about_several_actions_name_them_in_order():
    (finding,) = check(template({"Import": ("", "preparing", "stopped", "")}))
    assert finding.details == {"actions": ("Prepare", "Import")}
    assert finding.subject == ("action", 8)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Start": ("stopped", "stopped", "running", "")}, {"action": "Start", "state": "Stopped"}),
        ({"Start": ("stopped", "", "running", "")}, {"action": "Start"}),
        ({"Freeze": ("running", "stopping", "frozen", "")}, {"state": "Frozen"}),
    ],
)
def test_findings_name_action_and_state(changes, expected):
    (finding,) = check(template(changes))
    assert finding.details == expected


def test_an_action_above_the_level_of_the_template_is_found():
    levels = {"Start": "2", "Destroy": "3"}
    assert [finding.details for finding in check(template(levels=levels))] == [
        {"action": "Start", "action_level": "2", "template_level": "1"},
        {"action": "Destroy", "action_level": "3", "template_level": "1"},
    ]
    assert found(template(levels=levels, level="2")) == [("action_above_template", "Destroy")]
    assert found(template(levels=levels, level="3")) == []


# Build and Start with the same plan


@pytest.mark.parametrize(
    ("changes", "shared", "expected"),
    [
        ({}, ["Build", "Start"], ["Start"]),
        ({}, ["Build", "Restart"], ["Restart"]),
        ({}, ["Build", "Stop"], ["Stop"]),
        ({}, ["Build", "Remove"], ["Remove"]),
        ({}, ["Prepare", "Build"], ["Build"]),
        ({}, ["Prepare", "Build", "Start"], ["Build", "Start"]),
        ({"Prepare": None, "Build": ("", "building", "stopped", "")}, ["Build", "Start"], ["Start"]),
        ({"Prepare": None, "Build": ("", "building", "running", "")}, ["Build", "Start"], ["Start"]),
        ({"Build": ("draft", "building", "running", "")}, ["Build", "Start"], ["Start"]),
        ({"Stop": None, "Remove": ("running", "removing", "removed", "")}, ["Build", "Start"], ["Start"]),
        ({"Update": ("draft", "preparing", "draft", "")}, ["Build", "Start"], ["Start"]),
        ({"Build again": ("removed", "building", "stopped", "")}, ["Build", "Start"], ["Start"]),
    ],
)
def test_a_plan_that_builds_must_not_run_again(changes, shared, expected):
    facts = template(changes, plans=dict.fromkeys(shared, 500))
    assert found(facts) == [("build_and_start_share_plan", name) for name in expected]


@pytest.mark.parametrize(
    ("changes", "shared"),
    [
        ({}, ["Start", "Restart"]),
        ({}, ["Start", "Stop", "Restart"]),
        ({}, ["Remove", "Destroy"]),
        ({}, ["Build", "Destroy"]),
        ({"Build again": ("removed", "building", "stopped", "")}, ["Build", "Build again"]),
        ({"Rebuild": ("stopped", "building", "stopped", "")}, ["Build", "Rebuild"]),
        ({"Build quickly": ("draft", "building", "stopped", "")}, ["Build", "Build quickly"]),
        ({"Build and start": ("draft", "starting", "running", "")}, ["Build", "Build and start"]),
        ({"Start safely": ("stopped", "starting", "running", "")}, ["Start", "Start safely"]),
    ],
)
def test_actions_that_do_the_same_thing_in_different_contexts_may_share_a_plan(changes, shared):
    assert found(template(changes, plans=dict.fromkeys(shared, 500))) == []


@pytest.mark.parametrize(
    "other", [("Discard", ("draft", "destroying", "", "")), ("Update", ("draft", "preparing", "draft", ""))]
)
def test_an_action_that_destroys_or_repeats_does_not_build(other):
    name, row = other
    rules = [rule for rule, _name in found(template({name: row}, plans={name: 500, "Start": 500}))]
    assert "build_and_start_share_plan" not in rules


def test_the_finding_names_both_actions_and_the_plan():
    (finding,) = check(template(plans={"Start": PLANS["Build"]}))
    assert finding == Finding(
        "build_and_start_share_plan",
        "warning",
        ("action", 3),
        {"action": "Start", "earlier_action": "Build", "plan": "Plan Build"},
    )


# Dependencies and plans

USUAL = Lifecycle(template().actions)


@pytest.mark.parametrize(
    ("state", "lifecycle", "is_found"),
    [
        ("running", USUAL, False),
        ("draft", USUAL, False),
        ("starting", USUAL, True),
        ("frozen", USUAL, True),
        ("stopped", Lifecycle(template({"Prepare": None}).actions), True),
        ("running", Lifecycle(()), True),
    ],
)
def test_a_dependency_on_a_state_that_is_never_reached_is_found(state, lifecycle, is_found):
    dependency = Dependency(31, 8, "Database", STATE[state], lifecycle)
    details = {"template": "Database", "state": state.capitalize()}
    expected = (Finding("dependency_unreachable", "error", ("dependency", 31), details),)
    assert check(template(dependencies=(dependency,))) == (expected if is_found else ())


@pytest.mark.parametrize(
    ("servers", "installed_on", "refused"),
    [
        ({}, [1, 2], None),
        ({103: []}, [1, 2], None),
        ({103: [1, 2, 3]}, [1, 2], None),
        ({103: [1]}, [], None),
        ({103: [1]}, [3, 1, 2], (2, 3)),
    ],
)
def test_a_plan_that_must_not_run_where_the_template_is_installed_is_found(servers, installed_on, refused):
    details = {"plan": "Plan Start", "actions": ("Start",), "server_ids": refused}
    expected = (Finding("plan_restricted", "error", ("plan", 103), details),)
    assert check(template(plan_servers=servers, installed_on=installed_on)) == (expected if refused else ())


def test_findings_about_dependencies_and_plans_come_by_id():
    dependencies = [Dependency(id, 8, "Database", STATE["running"], Lifecycle(())) for id in (32, 31)]
    facts = template(dependencies=dependencies, plan_servers={104: [1], 103: [1]}, installed_on=[2])
    subjects = [finding.subject for finding in check(facts)]
    assert subjects == [("dependency", 31), ("dependency", 32), ("plan", 103), ("plan", 104)]


def test_a_restricted_plan_for_installing_is_found_too():
    (finding,) = check(template(plan_servers={900: [1]}, installed_on=[2], plan_names={900: "Install"}))
    assert finding.details == {"plan": "Install", "actions": (), "server_ids": (2,)}


# All rules together


def test_findings_come_in_the_order_of_the_rules_with_their_severity():
    facts = template(
        {
            "Prepare": None,
            "Destroy": None,
            "Melt": ("frozen", "", "running", "failed"),
            "Stop": ("running", "running", "stopped", ""),
        },
        levels={"Melt": "2"},
        dependencies=(Dependency(31, 8, "Database", STATE["running"], Lifecycle(())),),
        plan_servers={103: [1]},
        installed_on=[2],
    )
    findings = check(facts)
    rules = list(dict.fromkeys(finding.rule for finding in findings))
    assert rules == [rule for rule in RULES if rule in rules]
    assert len(rules) == 9
    assert all(finding.severity == RULES[finding.rule] for finding in findings)


some_state = st.none() | st.integers(1, 5)
some_actions = st.lists(
    st.tuples(
        some_state, some_state, some_state, some_state, st.integers(1, 3), st.none() | st.integers(1, 2)
    ),
    max_size=7,
).map(lambda rows: tuple(Action(id, f"Action {id}", *row) for id, row in enumerate(rows, 1)))


def lives(actions, state, so_far=()):
    """Yield each life of a jet from a state, as far as it repeats no action: the actions that succeeded."""
    yield so_far
    for action in actions:
        if action.from_state == state and action not in so_far and action.to_state is not None:
            yield from lives(actions, action.to_state, (*so_far, action))


@given(some_actions)
def test_a_building_action_runs_once_in_every_life_and_before_the_one_that_shares_its_plan(actions):
    facts = TemplateFacts(7, "1", actions)
    by_id = {action.id: action for action in actions}
    for finding in check(facts):
        if finding.rule == "build_and_start_share_plan":
            later = by_id[finding.subject[1]]
            earlier = next(one for one in actions if one.name == finding.details["earlier_action"])
            assert later.plan == earlier.plan
            ways = [life for life in lives(actions, None) if earlier in life and later in life]
            assert any(life.index(earlier) < life.index(later) for life in ways)
            assert (
                earlier.from_state not in Lifecycle(actions).reachable(earlier.to_state)
                or earlier.from_state is None
            )


@given(some_actions)
def test_states_without_a_way_in_or_out_are_found_in_any_lifecycle(actions):
    facts = TemplateFacts(7, "1", actions)
    lead = [one for one in actions if one.from_state or one.to_state]
    states = {state for one in lead for state in (one.from_state, one.to_state, one.error_state)} - {None}
    findings = {(finding.rule, finding.subject[1]) for finding in check(facts)}
    for state in states:
        has_way_out = any(one.from_state == state != one.to_state for one in lead)
        assert (("dead_end_state", state) in findings) == (not has_way_out)
        has_way_in = any(state in (one.to_state, one.error_state) and one.from_state != state for one in lead)
        assert has_way_in or ("unreachable_state", state) in findings
        can_be_destroyed = Lifecycle(actions).path(state, None) is not None
        destroys = any(one.destroys for one in lead)
        assert (("destroy_unreachable", state) in findings) == (
            destroys and has_way_out and not can_be_destroyed
        )


@given(some_actions)
def test_every_state_can_be_reached_when_no_finding_says_otherwise(actions):
    rules = {finding.rule for finding in check(TemplateFacts(7, "1", actions))}
    reached = {None}
    for _round in range(len(actions) + 1):
        for one in actions:
            if one.from_state in reached and (one.from_state or one.to_state):
                reached |= {one.to_state, one.error_state}
    lead = [one for one in actions if one.from_state or one.to_state]
    states = {state for one in lead for state in (one.from_state, one.to_state, one.error_state)}
    if not rules & {"unreachable_state", "no_create_action"}:
        assert states <= reached


@given(some_actions, st.randoms())
def test_the_order_of_actions_makes_no_difference(actions, random):
    facts = TemplateFacts(7, "1", actions)
    shuffled = random.sample(actions, len(actions))
    assert check(replace(facts, actions=tuple(shuffled))) == check(facts)


def test_a_thousand_actions_are_no_burden():
    chain = tuple(
        Action(number, f"Action {number}", number or None, 5000, number + 1 if number < 999 else None, plan=1)
        for number in range(1000)
    )
    started = time.perf_counter()
    check(TemplateFacts(7, "1", chain))
    assert time.perf_counter() - started < 5
