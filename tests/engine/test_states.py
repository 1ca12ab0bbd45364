"""The diagram of a run's states in the documents is the table that the code works with."""

import re
from pathlib import Path

import pytest
from tower_engine import states
from tower_engine.exit_codes import ExitCode

DOCUMENT = Path(__file__).parents[2] / "docs" / "developer" / "architecture.md"
ARROW = re.compile(r"(\w+) --> (\w+)")


def drawn_changes():
    """Return the changes in the diagram; an arrow from or to a box counts for every state inside."""
    diagram = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)[1]
    boxes = {
        name: re.findall(r"\w+", inside)
        for name, inside in re.findall(r"state (\w+) \{(.*?)\}", diagram, re.DOTALL)
    }
    return {
        (before, after)
        for from_, to in ARROW.findall(diagram)
        for before in boxes.get(from_, [from_])
        for after in boxes.get(to, [to])
    }


def test_the_diagram_shows_the_changes_of_the_table():
    listed = {(before, after) for before, following in states.CHANGES.items() for after in following}
    assert drawn_changes() == listed


def test_every_state_has_a_label_and_finished_ones_never_change():
    assert [state for state, _label in states.LABELS] == [*states.ACTIVE, *states.FINISHED]
    assert set(states.CHANGES) == set(states.ACTIVE)


def test_a_state_is_reached_from_the_states_that_list_it():
    assert states.before(states.RUNNING) == [states.QUEUED]
    assert states.before(states.QUEUED) == [states.RUNNING]
    assert states.before(states.WAITING) == []
    assert states.before(states.STOPPED) == [states.QUEUED, states.RUNNING, states.WAITING]


@pytest.mark.parametrize(
    "exit_code, state",
    [
        (ExitCode.OK, states.DONE),
        (ExitCode.COMMAND_STOPPED, states.STOPPED),
        (ExitCode.PLAN_STOPPED, states.STOPPED),
        (ExitCode.PLAN_LINE_CONDITION_CHECK_FAILED, states.SKIPPED),
        (ExitCode.RUN_INTERRUPTED, states.INTERRUPTED),
        (1, states.FAILED),
        (ExitCode.GENERAL_ERROR, states.FAILED),
    ],
)
def test_the_exit_code_decides_the_final_state(exit_code, state):
    assert states.state_for_exit_code(exit_code) == state
