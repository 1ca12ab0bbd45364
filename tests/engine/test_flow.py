"""Flow: what follows a step, rule by rule, and against a slow walk through whole plans."""

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.exit_codes import ExitCode
from tower_engine.plan.flow import (
    Decision,
    Line,
    Plan,
    PostRunAction,
    StepResult,
    Then,
    after,
    first,
    rule_after,
)

HUGE = 10**5000  # more digits than Python turns into text


def action(condition="==", value="0", then=Then.NEXT, custom=0, **values):
    return PostRunAction(condition, value, then, custom, values)


def plan(*lines, on_error=Then.EXIT, custom=0):
    """Return a plan with one line for each list of actions."""
    return Plan(tuple(Line(tuple(actions)) for actions in lines), on_error, custom)


def decide(steps, position, code=0, skipped=False, ran_before=False):
    return after(steps, position, StepResult(code, skipped), ran_before)


# Rule by rule


def test_a_plan_begins_at_its_first_line():
    assert first(plan([], [])) == Decision(next_line=0)


def test_a_plan_without_lines_is_an_error():
    assert first(plan()) == Decision(exit_code=ExitCode.PLAN_IS_EMPTY)
    assert first(plan(on_error=Then.NEXT)).exit_code == -302


@pytest.mark.parametrize(
    ("lines", "position", "code", "expected"),
    [
        ([[], []], 0, 0, Decision(next_line=1)),
        ([[], []], 1, 0, Decision(exit_code=0)),
        ([[], []], 0, 7, Decision(exit_code=7)),
        ([[], []], 1, -208, Decision(exit_code=-208)),
        ([[action("!=", "0", Then.NEXT)], []], 0, 7, Decision(next_line=1)),
        ([[action("==", "0", Then.EXIT)], []], 0, 0, Decision(exit_code=0)),
        ([[action(">", "0", Then.EXIT)], []], 0, 7, Decision(exit_code=7)),
        ([[action("==", "0", Then.EXIT_CUSTOM, 42)], []], 0, 0, Decision(exit_code=42)),
        ([[action("==", "7", Then.EXIT_CUSTOM, 0)], []], 0, 7, Decision(exit_code=0)),
    ],
)
def test_what_follows_a_step(lines, position, code, expected):
    assert decide(plan(*lines), position, code) == expected


@pytest.mark.parametrize(
    ("on_error", "position", "expected"),
    [
        (Then.EXIT, 0, Decision(exit_code=7)),
        (Then.EXIT_CUSTOM, 0, Decision(exit_code=99)),
        (Then.NEXT, 0, Decision(next_line=1)),
        (Then.NEXT, 1, Decision(exit_code=0)),
    ],
)
def test_the_rule_of_the_plan_for_a_failure_without_a_matching_action(on_error, position, expected):
    steps = plan([action("==", "8", Then.EXIT_CUSTOM, 1)], [], on_error=on_error, custom=99)
    assert decide(steps, position, 7) == expected


@pytest.mark.parametrize("code", [0, 7, -206])
@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize(
    "steps",
    [
        plan([], [], on_error=Then.NEXT),
        plan([action("!=", "0", Then.NEXT)], [action("==", "-206", Then.NEXT)]),
        plan([action("<=", "0", Then.NEXT)], [action("<=", "0", Then.NEXT)], on_error=Then.NEXT),
    ],
)
def test_nothing_is_started_beside_a_step_that_may_still_be_running(steps, position, code):
    decision = after(steps, position, StepResult(code, may_run_on=True), True)
    assert decision == Decision(exit_code=code or ExitCode.GENERAL_ERROR)


def test_an_end_that_the_author_chose_counts_behind_a_step_that_may_still_be_running():
    steps = plan([action("==", "-206", Then.EXIT_CUSTOM, 42)], [])
    assert after(steps, 0, StepResult(-206, may_run_on=True), True) == Decision(exit_code=42)


@pytest.mark.parametrize("on_error", Then)
def test_the_rule_of_the_plan_does_not_concern_success(on_error):
    assert decide(plan([], [], on_error=on_error, custom=99), 0, 0) == Decision(next_line=1)


def test_the_first_matching_action_wins():
    line = [
        action("==", "1", Then.EXIT_CUSTOM, 11),
        action(">", "0", Then.EXIT_CUSTOM, 12, a="x"),
        action("==", "2", Then.EXIT_CUSTOM, 13, a="y"),
    ]
    assert decide(plan(line), 0, 2) == Decision(exit_code=12, values={"a": "x"})


@pytest.mark.parametrize("then", Then)
def test_values_come_along_whatever_the_action_does(then):
    decision = decide(plan([action("==", "0", then, 5, a="{{ b }}", c="")], []), 0)
    assert decision.values == {"a": "{{ b }}", "c": ""}


def test_the_values_of_a_decision_do_not_lead_back_into_the_plan():
    steps = plan([action("==", "0", Then.NEXT, a="1")], [])
    decide(steps, 0).values["a"] = "changed"
    assert decide(steps, 0).values == {"a": "1"}


@pytest.mark.parametrize(
    ("condition", "below", "equal", "above"),
    [
        ("==", 0, 1, 0),
        ("!=", 1, 0, 1),
        (">", 0, 0, 1),
        (">=", 0, 1, 1),
        ("<", 1, 0, 0),
        ("<=", 1, 1, 0),
        ("=", 0, 0, 0),
        ("", 0, 0, 0),
        ("is", 0, 0, 0),
        ("__eq__", 0, 0, 0),
    ],
)
@pytest.mark.parametrize("value", [3, -205, 0])
def test_conditions(condition, below, equal, above, value):
    steps = plan([action(condition, str(value), Then.EXIT_CUSTOM, 77)], [], on_error=Then.NEXT)
    matched = [decide(steps, 0, value + offset).exit_code == 77 for offset in (-1, 0, 1)]
    assert matched == [bool(below), bool(equal), bool(above)]


@pytest.mark.parametrize(
    ("value", "number"),
    [("0", 0), ("-0", 0), ("+3", 3), (" 7 ", 7), ("\t7\n", 7), ("007", 7), ("-1", -1), ("3.0", 3), ("3.", 3)],
)
def test_numbers_as_texts(value, number):
    assert decide(plan([action("==", value, Then.EXIT_CUSTOM, 77)], []), 0, number).exit_code == 77


def test_fractions():
    steps = plan([action(">=", "1.5", Then.EXIT_CUSTOM, 77), action(">", ".5", Then.EXIT_CUSTOM, 78)], [])
    assert [decide(steps, 0, code).exit_code for code in (0, 1, 2)] == [None, 78, 77]


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "abc",
        "0x0",
        "1e1",
        "nan",
        "inf",
        "1_0",
        "--1",
        "- 1",
        "1 2",
        ".",
        "1,5",
        "1.2.3",
        "٣",
        "①",
        "None",
    ],
)
@pytest.mark.parametrize("condition", ["==", "!=", "<", ">="])
def test_what_is_no_number_never_matches(condition, value):
    steps = plan([action(condition, value, Then.EXIT_CUSTOM, 77)], [], on_error=Then.NEXT)
    assert [decide(steps, 0, code) for code in (-1, 0, 1, 10)] == [Decision(next_line=1)] * 4


# Mistakes that systems of this kind make


def test_a_condition_is_not_asked_again_after_the_step():
    steps = Plan((Line(has_condition=True), Line()))
    assert decide(steps, 0, 3) == Decision(exit_code=3)


def test_the_actions_of_a_skipped_line_are_not_looked_at():
    always = [action("!=", "0.5", Then.EXIT_CUSTOM, 5, a="x")]
    steps = plan(always, always, on_error=Then.EXIT_CUSTOM, custom=6)
    for code in (0, 1, ExitCode.PLAN_LINE_CONDITION_CHECK_FAILED):
        assert decide(steps, 0, code, skipped=True) == Decision(next_line=1)


def test_a_tolerated_failure_of_the_last_line_leaves_the_plan_successful():
    tolerant = [action("!=", "0", Then.NEXT, a="x")]
    assert decide(plan([], tolerant), 1, 7, ran_before=True) == Decision(exit_code=0, values={"a": "x"})
    assert decide(plan([], [], on_error=Then.NEXT), 1, 7, ran_before=True) == Decision(exit_code=0)


def test_a_plan_in_which_nothing_ran_says_so():
    steps = plan([], [])
    assert decide(steps, 0, skipped=True) == Decision(next_line=1)
    assert decide(steps, 1, skipped=True) == Decision(exit_code=0, nothing_ran=True)
    assert decide(steps, 1, skipped=True, ran_before=True) == Decision(exit_code=0, nothing_ran=False)
    assert not decide(steps, 1).nothing_ran


# Total, and fast

CODES = st.integers(-600, 600) | st.integers() | st.sampled_from([0, 1, -1, 2, HUGE, -HUGE])
VALUES = (
    st.sampled_from(["0", "-1", "1", "1.5", " 7 ", "abc", "", "-0", "+2", "2.0", "9" * 5000])
    | st.integers(-3, 3).map(str)
    | st.decimals(allow_nan=False, allow_infinity=False, places=1).map(str)
    | st.text(max_size=4)
)
ACTIONS = st.builds(
    PostRunAction,
    st.sampled_from(["==", "!=", ">", ">=", "<", "<=", "?"]),
    VALUES,
    st.sampled_from(Then),
    CODES,
    st.dictionaries(st.sampled_from("abc"), st.text(max_size=2), max_size=2),
)
LINES = st.builds(Line, st.lists(ACTIONS, max_size=4).map(tuple), st.booleans())
PLANS = st.builds(Plan, st.lists(LINES, max_size=6).map(tuple), st.sampled_from(Then), CODES)


@given(PLANS, st.integers(-3, 9) | st.integers(), CODES, st.booleans(), st.booleans())
def test_there_is_always_exactly_one_decision(steps, position, code, skipped, ran_before):
    for decision in (first(steps), after(steps, position, StepResult(code, skipped), ran_before)):
        assert (decision.next_line is None) != (decision.exit_code is None)
        assert decision.next_line is None or 0 <= decision.next_line < len(steps.lines)
        assert decision.exit_code is not None or not decision.nothing_ran


def test_a_decision_takes_no_longer_in_a_long_plan():
    lines = (Line((action("==", "1"),)),) * 100_000
    steps = Plan(lines)
    started = time.perf_counter()
    for position in range(0, 100_000, 100):
        decide(steps, position)
    assert time.perf_counter() - started < 0.5


# Against a walk through the whole plan, written to be read


def as_number(text):
    """Return the number that a text means, or None."""
    digits = text.strip().removeprefix("-") if text.strip()[:1] != "+" else text.strip()[1:]
    whole, _point, decimals = digits.partition(".")
    if not (whole + decimals) or not set(whole + decimals) <= set("0123456789"):
        return None
    number = Fraction(0)
    for digit in whole + decimals:
        number = number * 10 + "0123456789".index(digit)
    number = number / 10 ** len(decimals)
    return -number if text.strip().startswith("-") else number


def walk(steps, results):
    """Return everything that happens when the lines of a plan end with these results.

    [(index, "skip" | "run"), ...], values set on the way, exit code, whether nothing ran.
    """
    if steps.lines == ():
        return [], {}, -302, False
    trace, values = [], {}
    for index, line in enumerate(steps.lines):
        code, skipped = results[index]
        if skipped:
            trace.append((index, "skip"))
            continue
        trace.append((index, "run"))
        rules = []
        for rule in line.actions:
            number = as_number(rule.value)
            if number is None:
                continue
            if code == number:
                holding = ["==", ">=", "<="]
            elif code < number:
                holding = ["!=", "<", "<="]
            else:
                holding = ["!=", ">", ">="]
            if rule.condition in holding:
                rules.append((rule.then.value, rule.custom_exit_code, rule.values))
        if code != 0:
            rules.append((steps.on_error.value, steps.custom_exit_code, {}))
        if not rules:
            continue
        then, custom, new_values = rules[0]
        values = {**values, **new_values}
        if then == "e":
            return trace, values, code, False
        if then == "ec":
            return trace, values, custom, False
    return trace, values, 0, [how for _index, how in trace if how == "run"] == []


def drive(steps, results):
    """Do the same with the engine, as those who call it do."""
    trace, values, has_run = [], {}, False
    decision = first(steps)
    while decision.next_line is not None:
        index = decision.next_line
        code, skipped = results[index]
        trace.append((index, "skip" if skipped else "run"))
        decision = after(steps, index, StepResult(code, skipped), has_run)
        has_run = has_run or not skipped
        values.update(decision.values)
    return trace, values, decision.exit_code, decision.nothing_ran


RESULTS = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 1, -1, 2, 7]) | CODES, st.sampled_from([False, False, True])),
    min_size=6,
    max_size=6,
)


@given(PLANS, RESULTS)
def test_whole_plans_equal_the_walk(steps, results):
    assert drive(steps, results) == walk(steps, results)


@given(st.integers(0, 6), RESULTS)
def test_whole_plans_without_actions_equal_the_walk(count, results):
    for on_error in Then:
        steps = Plan((Line(),) * count, on_error, 99)
        assert drive(steps, results) == walk(steps, results)


def test_which_rule_decides():
    action = PostRunAction("==", "3", Then.NEXT)
    plan = Plan((Line((action,)),))
    assert rule_after(plan, 0, StepResult(3)) is action
    assert rule_after(plan, 0, StepResult(4)) is plan
    assert rule_after(plan, 0, StepResult(0)) is None
    assert rule_after(plan, 0, StepResult(3, skipped=True)) is None
    assert rule_after(plan, 9, StepResult(3)) is plan
