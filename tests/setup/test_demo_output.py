"""The demo prints the hosts' lines without escape sequences, and the steps of a plan as they come."""

import io

import pytest
from tower_setup import demo_plans
from tower_setup.console import Console
from tower_setup.demo_output import HostLines, LiveOutput


@pytest.mark.parametrize("colours", [True, False])
def test_output_keeps_only_colours(colours):
    console = Console(io.StringIO())
    console.colours = colours
    LiveOutput(1, HostLines(console, "web", 0))._print("\x1b]0;title\x07a\x1b[2Jb\x1b[31mred\rx\n", "o")
    text = console.stream.getvalue()
    assert "title" not in text and "\x1b[2J" not in text and "\r" not in text
    assert ("\x1b[31mredx\x1b[0m" in text) is colours


STEP = {
    "log_id": 1,
    "action": "ssh_command",
    "exit_code": 0,
    "message": "",
    "condition": "",
    "is_skipped": False,
}
STEP |= {"duration": 0.5, "attempt": 1, "attempts_total": 1, "retry_in": 0.0, "steps": []}


def test_steps_of_a_plan_are_shown_as_they_come():
    """It polls, so it may see a step for the first time when it is tried again, or has ended."""

    def step(number, state, **values):
        return {**STEP, "number": number, "name": f"S{number}", "state": state, **values}

    class Client:
        def call(self, *_arguments, offset, **_keywords):
            chunks = [] if offset else [{"offset": 0, "end": 3, "segments": [["e", "no\n"]]}]
            return {"chunks": chunks, "end": 3, "finished": True}

    first = step(1, "failed", exit_code=1, message="It failed.")
    skipped = step(2, "skipped", is_skipped=True, condition="{{ x }}")
    plan, tried = {"action": "plan", "log_id": False}, {"attempt": 2, "attempts_total": 3}
    retried = step(1, "queued", **tried, exit_code=7, retry_in=2.0)
    last = step(1, "failed", **tried, exit_code=8)
    console = Console(io.StringIO())
    run = demo_plans.PlanRun(1, HostLines(console, "web", 0))
    for steps, state in (
        ([step(1, "queued"), step(2, ""), step(3, "")], "queued"),
        ([first, skipped, step(3, "waiting", **plan, steps=[retried])], "running"),
        ([first, skipped, step(3, "failed", **plan, exit_code=8, steps=[last])], "failed"),
    ):
        demo_plans._show_steps(Client(), run, steps, state)
    assert [line.strip().removeprefix("web ") for line in console.stream.getvalue().splitlines()] == [
        "> 1 S1",
        "! no",
        "FAILED 1 S1: exit code 1 after 0.50 s. It failed. (tolerated: the plan continues)",
        "- 2 S2: skipped because {{ x }} is false",
        "> 3 S3",
        "  > 3.1 S1",
        "  ! no",
        "  FAILED 3.1 S1: exit code 7, attempt 2 of 3 follows in 2 s",
        "  FAILED 3.1 S1: exit code 8 after 0.50 s, attempt 2 of 3",
        "FAILED 3 S3: exit code 8 after 0.50 s",
    ]
