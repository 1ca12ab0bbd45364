"""Dry runs: outcome by outcome, and against a simulation of what the flow would do."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.plan import flow
from tower_engine.plan.definition import freeze
from tower_engine.plan.dry_run import Outcome, Walk, Why
from tower_engine.python.effects import effects_of
from tower_engine.template.rendering import VariableScope

SYSTEM = {"tower": {"server": {"name": "web 1", "status": "running"}}}
KNOWN = {"yes": "1", "no": "0"}
TRUE, FALSE = "{{ yes }} == '1'", "{{ no }} == '1'"


def line(condition="", actions=(), inside=0, kind="ssh_command", code="", **values):
    return {
        "name": "step",
        "action": "plan" if inside else kind,
        "condition": condition,
        "code": code,
        "settings": {},
        "flight_plan_id": inside,
        "actions": list(actions),
        **values,
    }


def rule(condition="==", value="0", then="n", custom=0, **values):
    return {
        "condition": condition,
        "value": value,
        "then": then,
        "custom_exit_code": custom,
        "values": values,
    }


def plans(*plans_of_lines, on_error="e"):
    """Return {number from 1: plan}."""
    return {
        number: freeze({"id": number, "on_error": on_error, "custom_exit_code": 9, "lines": lines})
        for number, lines in enumerate(plans_of_lines, 1)
    }


def dry_run(found, custom=None, broken=(), lines_max=1000, plan_id=1, **stored):
    def prepare(report, before):
        return {"number": report.number}, report.number in broken

    scope = VariableScope(stored={**KNOWN, **stored}, custom=custom or {}, system=SYSTEM)
    return Walk(found, scope, prepare, lambda plan, item: "the condition", lines_max).run(plan_id)


def outcomes(report):
    return {item.number: item.outcome.value for item in report.walk()}


def told(found, **arguments):
    return "".join(item.outcome.value[0] for item in dry_run(found, **arguments).walk())


# Outcome by outcome


def test_lines_run_unless_their_condition_is_false():
    report = dry_run(plans([line(), line(TRUE), line(FALSE), line("{{ unset }}")]))
    assert [item.why for item in report.lines] == [Why.NO_CONDITION, Why.TRUE, Why.FALSE, Why.FALSE]
    assert outcomes(report) == {"1": "run", "2": "run", "3": "skip", "4": "skip"}
    assert report.lines[1].rendered == "'1' == '1'"
    assert [bool(item.details) for item in report.lines] == [True, True, False, False]
    assert report.exit_code == 0


def test_what_cannot_be_evaluated_is_a_problem_and_no_skip():
    report = dry_run(plans([line("{{ yes }} ="), line("{% if %}"), line()]))
    assert outcomes(report) == {"1": "problem", "2": "problem", "3": "run"}
    assert "the condition" in str(report.lines[0].error) and report.lines[0].details


def test_what_steps_before_may_set_is_decided_later():
    setting = [
        line(actions=[rule("!=", "5", colour="red")]),
        line(kind="python_code", code='custom_values["days"] = 1'),
        line(settings={"server_status": "stopped"}),
        line(inside=2),
    ]
    uses = {
        "{{ colour }} == 'red'": "colour",
        "{{ days }}": "days",
        "{{ _any }}": "_any",
        "{{ tower.server.status }} == 'running'": "tower.server.status",
        "{{ through }}": "colour",
        "{{ inner }}": "inner",
    }
    inner = [line(actions=[rule(inner="x")])]
    report = dry_run(
        plans([*map(line, uses), *setting, *map(line, uses), line(TRUE)], inner), through="{{ colour }}"
    )
    assert not any(item.names for item in report.lines[:6])
    after = report.lines[10:16]
    assert [item.outcome for item in after] == [Outcome.LATER] * 6
    assert [name for item in after for name in item.names if name != "through"] == list(uses.values())
    assert report.lines[16].outcome is Outcome.RUN


def test_lines_that_are_skipped_set_nothing():
    setter = line(FALSE, actions=[rule(colour="red")])
    assert told(plans([setter, line("{{ colour }} == 'red'")])) == "ss"
    assert told(plans([line(FALSE, kind="python_code", code="custom_values.clear()"), line(TRUE)])) == "sr"


def test_an_exit_on_success_ends_the_report():
    ending = plans([line(actions=[rule("==", "0", "ec", 7)]), line()])
    report = dry_run(ending)
    assert (outcomes(report), report.lines[0].ends, report.exit_code) == ({"1": "run"}, (7,), 7)
    assert told(plans([line(FALSE, actions=[rule(then="e")]), line()])) == "sr"
    assert told(plans([line(actions=[rule("!=", "0", "e")]), line()])) == "rr"


def test_behind_an_exit_that_is_decided_later_nothing_is_sure():
    python = line(kind="python_code", code='custom_values["x"] = 1')
    found = plans([python, line("{{ x }}", actions=[rule(then="e")]), line(), line(TRUE), line(FALSE)])
    report = dry_run(found)
    assert "".join(item.outcome.value[0] for item in report.lines) == "rllls"
    assert [item.why for item in report.lines[2:4]] == [Why.REACHED] * 2


def test_plans_inside_run_and_end_like_a_step():
    inner = [line(FALSE), line(actions=[rule("==", "0", "ec", 5)]), line()]
    report = dry_run(plans([line(inside=2), line()], inner))
    assert outcomes(report) == {"1": "run", "1.1": "skip", "1.2": "run"}
    assert (report.lines[0].ends, report.exit_code) == ((5,), 5)
    assert told(plans([line(inside=2, actions=[rule("==", "5")]), line()], inner)) == "rsrr"


def test_a_plan_inside_of_which_nothing_runs_is_skipped():
    found = plans([line(inside=2, actions=[rule("==", "0", "e")]), line()], [line(FALSE)])
    report = dry_run(found)
    assert outcomes(report) == {"1": "skip", "1.1": "skip", "2": "run"}
    assert report.lines[0].why is Why.NOTHING


def test_plans_without_lines_and_plans_inside_themselves_are_problems():
    report = dry_run(plans([line(inside=2), line(inside=1), line()], []))
    assert outcomes(report) == {"1": "problem", "2": "problem", "3": "run"}
    assert [item.why for item in report.lines[:2]] == [Why.EMPTY_PLAN, Why.RECURSION]
    assert dry_run(plans([])).exit_code == -302


def test_behind_a_problem_the_walk_goes_on():
    report = dry_run(plans([line(), line(TRUE), line()]), broken={"2"})
    assert outcomes(report) == {"1": "run", "2": "problem", "3": "run"}
    assert report.lines[1].why is Why.STEP


def test_a_walk_has_a_limit():
    levels = [[line(inside=number + 1), line(inside=number + 1)] for number in range(1, 20)]
    report = dry_run(plans(*levels, [line()]), lines_max=50)
    assert len(list(report.walk())) == 50
    assert report.is_cut and report.exit_code is None


# What Python may set


@pytest.mark.parametrize(
    ("code", "names", "anything"),
    [
        ('custom_values["a"] = 1', {"a"}, False),
        ('x = custom_values["a"]', set(), False),
        ('x = custom_values.get("a", 0) + 1', set(), False),
        ('if "a" in custom_values: pass', set(), False),
        ('custom_values["a"].append(1)', {"a"}, False),
        ('custom_values.setdefault("a", [])', {"a"}, False),
        ('custom_values.update({"a": 1}, b=2)', {"a", "b"}, False),
        ("custom_values.update(found)", set(), True),
        ("custom_values[name] = 1", set(), True),
        ("values = custom_values", set(), True),
        ("custom_values.clear()", set(), True),
        ('server.set_variable_value("port", 80)', {"port"}, False),
        ("result = {{ a }}", set(), False),
        ("{% if x %}custom_values['a'] = {{ b }}{% endif %}", {"a"}, False),
        ("for a b custom_values", {"a", "b", "custom_values", "for"}, True),
    ],
)
def test_what_python_may_set(code, names, anything):
    found = effects_of(code)
    assert found.names - {"exit_code", "message"} == names
    assert found.anything is anything


@given(st.text(max_size=60))
def test_any_text_has_effects(code):
    effects_of(code)
    effects_of(f"custom_values[{code}")


# Against a simulation of the flow

CONDITIONS = st.sampled_from(["", TRUE, FALSE])
RULES = st.builds(
    rule,
    st.sampled_from(["==", "!=", ">", ">=", "<", "<="]),
    st.sampled_from(["0", "1", "5", "-1"]),
    st.sampled_from(["n", "e", "ec"]),
    st.sampled_from([0, 5, 1]),
)


@st.composite
def trees(draw, conditions=CONDITIONS):
    """Plans, of which each may run those with higher numbers."""
    count = draw(st.integers(1, 4))
    found = []
    for number in range(1, count + 1):
        inside = st.sampled_from([0, 0, *range(number + 1, count + 1)])
        lines = st.lists(
            st.builds(line, conditions, st.lists(RULES, max_size=2), inside),
            min_size=0 if number == 1 else 1,
            max_size=4,
        )
        found.append(draw(lines))
    return plans(*found, on_error=draw(st.sampled_from(["n", "e", "ec"])))


def simulate(found, holds, plan_id=1, prefix=""):
    """Carry out a plan all of whose commands succeed. Return (numbers of the lines that ran, how it ended)."""
    plan = found[plan_id]
    ran, ran_before, decision = [], False, flow.first(plan.flow)
    while decision.next_line is not None:
        position = decision.next_line
        number, item = f"{prefix}{position + 1}", plan.lines[position]
        result = flow.StepResult(-205, skipped=True)
        if holds(number, item):
            result = flow.StepResult(0)
            inner = []
            if item["flight_plan_id"]:
                inner, result = simulate(found, holds, item["flight_plan_id"], f"{number}.")
            ran += [*([] if result.skipped else [number]), *inner]
        decision = flow.after(plan.flow, position, result, ran_before)
        ran_before |= not result.skipped
    if decision.nothing_ran:
        return ran, flow.StepResult(-205, skipped=True)
    return ran, flow.StepResult(decision.exit_code)


@given(trees())
def test_what_is_told_to_run_is_what_the_flow_runs(found):
    report = dry_run(found)
    ran, end = simulate(found, lambda number, item: item["condition"] != FALSE)
    assert {number for number, outcome in outcomes(report).items() if outcome == "run"} == set(ran)
    assert "later" not in outcomes(report).values()
    assert report.exit_code == (0 if end.skipped else end.exit_code)


@given(trees(st.sampled_from(["", TRUE, FALSE, "{{ _open }}"])), st.data())
def test_whatever_is_decided_later_the_report_was_right(found, data):
    """A first step of Python makes ``_open`` unknown; then each condition that uses it is drawn."""
    first = found[1].document["lines"]
    python = line(kind="python_code", code="pass")
    found = {**found, 1: freeze({**found[1].document, "lines": [python, *first]})}
    drawn = {}

    def holds(number, item):
        if item["condition"] == "{{ _open }}":
            return drawn.setdefault(number, data.draw(st.booleans()))
        return item["condition"] != FALSE

    report = dry_run(found)
    by_outcome = {kind: set() for kind in ("run", "skip", "later")}
    for number, outcome in outcomes(report).items():
        by_outcome[outcome].add(number)
    ran, end = simulate(found, holds)
    assert by_outcome["run"] <= set(ran) <= by_outcome["run"] | by_outcome["later"]
    assert report.exit_code in (None, 0 if end.skipped else end.exit_code)


def test_the_simulation_sees_a_wrong_report():
    """The property would notice a line too many: two plans that differ in one condition differ in what runs."""
    for held in itertools.product([TRUE, FALSE], repeat=2):
        ran, _end = simulate(
            plans([line(condition) for condition in held]), lambda _number, item: item["condition"] == TRUE
        )
        assert len(ran) == held.count(TRUE)
