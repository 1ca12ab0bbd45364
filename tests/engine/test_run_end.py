"""How a run ended becomes columns of its log; every kind of end leads to its state."""

from dataclasses import FrozenInstanceError

import pytest
from tower_engine import states
from tower_engine.errors import ConnectError
from tower_engine.exit_codes import ExitCode
from tower_engine.masking.masker import Masker
from tower_engine.run_end import UNRECORDABLE, RunEnd
from tower_engine.secret import Secret
from tower_engine.ssh.running.command_result import CommandResult, Outcome

MASKER = Masker([("pin", Secret("very-secret"))])
SHARED = (
    "message",
    "command_response",
    "command_error",
    "outcome",
    "exit_signal",
    "stop_confirmed",
    "timings",
)


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (RunEnd(0), states.DONE),
        (RunEnd(3), states.FAILED),
        (RunEnd(int(ExitCode.RUN_INTERRUPTED)), states.INTERRUPTED),
        (RunEnd.prevented(ExitCode.SECRET_NOT_FOUND, "No value."), states.FAILED),
        (RunEnd.unexpected(ValueError("x")), states.FAILED),
        (RunEnd.undone(), states.FAILED),
        (RunEnd.aborted("stopped"), states.STOPPED),
        (RunEnd.aborted("timed_out"), states.FAILED),
        (RunEnd.aborted("stopped").out_of_plan_time(), states.FAILED),
        (RunEnd(0).without_result(ValueError()), states.FAILED),
        (RunEnd(0).without_following(ValueError()), states.DONE),
    ],
)
def test_the_exit_code_decides_the_state(end, state):
    assert end.log_values()["state"] == state


def test_what_an_end_does_not_say_is_emptied_in_the_log():
    """A run that was tried before must not keep the message of an earlier attempt."""
    values = RunEnd(0).log_values()
    assert {values[name] for name in SHARED} == {False}


def test_the_result_of_a_host_is_stored_as_it_is():
    result = CommandResult(
        Outcome.TIMED_OUT, 124, "out", "", "KILL", "Too long.", stop_confirmed=False, timings={"total": 2.0}
    )
    assert RunEnd.of_result(result).log_values() == {
        "state": states.FAILED,
        "command_status": 124,
        "message": "Too long.",
        "command_response": "out",
        "command_error": "Too long.",
        "outcome": "timed_out",
        "exit_signal": "KILL",
        "stop_confirmed": "no",
        "is_skipped": False,
        "timings": {"total": 2.0},
    }


@pytest.mark.parametrize("make", [RunEnd.unexpected, RunEnd.of_error])
def test_errors_are_masked(make):
    end = make(ConnectError("very-secret refused"), MASKER)
    assert "very-secret" not in f"{end}"
    assert "*** pin ***" in end.message and end.error == end.message


def test_a_result_that_cannot_be_stored_leaves_only_its_exit_code():
    end = RunEnd(7, response="a lot", columns={"run_result": {"files": []}}).without_result(ValueError())
    values = end.log_values()
    assert (values["outcome"], values["command_response"]) == (UNRECORDABLE, False)
    assert "exit code 7" in end.message and "run_result" not in values


def test_further_columns_and_remarks_are_added_to_a_copy():
    end = RunEnd(0, "One.", columns={"run_result": 1})
    more = end.with_columns(output_size=5).with_remark("Two.")
    assert more.message == "One. Two."
    assert (more.log_values()["run_result"], more.log_values()["output_size"]) == (1, 5)
    assert end.message == "One." and "output_size" not in end.columns
    with pytest.raises(FrozenInstanceError):
        end.message = "changed"


@pytest.mark.parametrize(
    ("reason", "why"), [("stopped", "Stopped on request"), ("timed_out", "The timeout was reached")]
)
def test_an_aborted_command_says_why_and_that_its_changes_were_undone(reason, why):
    assert RunEnd.aborted(reason).message == f"{why}, and the changes of the command were undone."
