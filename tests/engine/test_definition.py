"""What changed between two definitions of flight plans."""

from tower_engine.plan.definition import (
    FieldChange,
    LineChange,
    PlanChange,
    differences,
    lines_to_run,
    text_difference,
)


def line(line_id, **parts):
    return {
        "id": line_id,
        "reference": f"line_{line_id}",
        "name": f"Command {line_id}",
        "command_id": line_id,
        "flight_plan_id": 0,
        "actions": [],
        **parts,
    }


def plans(*documents):
    return {str(document["id"]): document for document in documents}


def plan(plan_id, *lines, **parts):
    return {
        "id": plan_id,
        "reference": f"plan_{plan_id}",
        "name": f"Plan {plan_id}",
        "lines": [*lines],
        **parts,
    }


def test_nothing_changed():
    assert differences(plans(plan(1, line(1))), plans(plan(1, line(1)))) == []


def test_what_only_identifies_is_no_change():
    before, now = plans(plan(1, line(1))), plans(plan(1, line(1, reference="other"), reference="other"))
    assert differences(before, now) == []


def test_settings_of_the_plan():
    assert differences(plans(plan(1, on_error="e")), plans(plan(1, on_error="n"))) == [
        PlanChange(1, "Plan 1", fields=(FieldChange("on_error", "e", "n"),))
    ]


def test_plans_that_come_and_go():
    assert differences(plans(plan(1), plan(2)), plans(plan(1), plan(3))) == [
        PlanChange(2, "Plan 2", is_gone=True),
        PlanChange(3, "Plan 3", is_new=True),
    ]


def test_lines_that_come_go_and_move():
    [change] = differences(plans(plan(1, line(1), line(2))), plans(plan(1, line(3), line(1))))
    assert change.lines == (
        LineChange(1, "Command 1", 1, 2),
        LineChange(2, "Command 2", 2, None),
        LineChange(3, "Command 3", None, 1),
    )


def test_another_command_is_told_by_its_name_where_that_tells():
    before = plans(plan(1, line(1), line(2)))
    now = plans(plan(1, line(1, command_id=8, name="Other"), line(2, command_id=9)))
    [change] = differences(before, now)
    assert [one.fields for one in change.lines] == [
        (FieldChange("name", "Command 1", "Other"),),
        (FieldChange("command_id", 2, 9),),
    ]


def test_parts_that_are_in_one_definition_only():
    [change] = differences(plans(plan(1, old=1)), plans(plan(1, new=2)))
    assert change.fields == (FieldChange("old", 1, None), FieldChange("new", None, 2))


def test_settings_of_commands_are_told_one_by_one():
    before = plans(plan(1, line(1, settings={"idempotent": False, "timeout_s": 5})))
    now = plans(plan(1, line(1, settings={"idempotent": True, "timeout_s": 5})))
    [change] = differences(before, now)
    assert change.lines[0].fields == (FieldChange("settings.idempotent", False, True),)


def test_a_long_difference_of_texts_is_cut():
    lines, left_out = text_difference("", "\n".join(map(str, range(100))))
    assert (lines[1], len(lines), left_out) == ("+0", 40, 61)


def test_lines_to_run_from_inside_a_plan():
    all_plans = plans(
        plan(1, line(1), line(2, flight_plan_id=2), line(3)),
        plan(2, line(4), line(5, flight_plan_id=3)),
        plan(3, line(6)),
    )
    assert lines_to_run(all_plans, 1, [(2, 0), (5, 0)]) == {(1, 2), (1, 3), (2, 5), (3, 6)}
    assert lines_to_run(all_plans, 1, [(2, 1)]) == {(1, 3)}
    assert lines_to_run(all_plans, 1, [(2, 0), (5, 1)]) == {(1, 2), (1, 3)}


def test_lines_to_run_of_a_plan_that_is_used_again_behind():
    twice = plans(plan(1, line(1, flight_plan_id=2), line(2, flight_plan_id=2)), plan(2, line(3), line(4)))
    assert lines_to_run(twice, 1, [(1, 0), (4, 0)]) == {(1, 1), (1, 2), (2, 3), (2, 4)}


def test_lines_to_run_when_the_line_is_gone():
    assert lines_to_run(plans(plan(1, line(1))), 1, [(9, 0)]) == {(1, 1)}
