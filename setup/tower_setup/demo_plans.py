"""Run the demo's flight plan on the demo hosts and show its steps and their output live.

Everything here goes over Odoo's JSON-2 API, as in a script of a user.
"""

import time
from dataclasses import dataclass, field

from .console import Console
from .demo_output import HostLines, LiveOutput
from .rpc import Client

PLAN = "demo_prepare_host"
PLAN_LOG = "cx.tower.plan.log"
RUN_TIMEOUT_S = 300
POLL_S = 0.2
FINISHED = ("done", "failed", "skipped", "stopped", "interrupted")


@dataclass
class ShownStep:
    """What was shown of one step."""

    depth: int
    attempt: int = 0
    output: LiveOutput | None = None
    has_ended: bool = False


@dataclass
class PlanRun:
    """The flight plan's run on one server, and what was shown of it."""

    log_id: int
    lines: HostLines
    progress: dict = field(default_factory=dict)
    steps: dict[str, ShownStep] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return self.progress.get("state") == "done"


def run_plan(client: Client, console: Console, servers: list[dict]) -> bool:
    """Run the flight plan on all servers at once and show it to its end.

    :param servers: dicts with `id` and `name`
    :return: whether it succeeded on all of them
    """
    plan = client.search_read("cx.tower.plan", [("reference", "=", PLAN)], ["name"])[0]["name"]
    console.say()
    console.say(console.paint(f"> Flight plan “{plan}” on {len(servers)} hosts", "bold"))
    ids = [server["id"] for server in servers]
    logs = client.call("cx.tower.server", "run_flight_plan", ids, flight_plan=PLAN)
    runs = [
        PlanRun(log_id, HostLines(console, server["name"], number))
        for number, (log_id, server) in enumerate(zip(logs, servers, strict=True))
    ]
    follow(client, runs)
    for run in runs:
        show_result(run, plan)
    failed = [run for run in runs if not run.succeeded]
    console.say()
    total = f"{len(runs)} runs of the flight plan"
    console.say(f"{total}: {len(runs) - len(failed)} succeeded, {len(failed)} failed.")
    return bool(runs) and not failed


def follow(client: Client, runs: list[PlanRun]) -> None:
    """Show the steps of runs, and their output, until all of them have ended."""
    deadline = time.monotonic() + RUN_TIMEOUT_S
    active = list(runs)
    while active and time.monotonic() < deadline:
        for run in active:
            run.progress = client.call(PLAN_LOG, "read_progress", [run.log_id])
            _show_steps(client, run, run.progress["steps"], run.progress["state"])
        active = [run for run in active if not run.progress["finished"]]
        if active:
            time.sleep(POLL_S)


def _show_steps(client: Client, run: PlanRun, steps: list[dict], state: str, inside: str = "") -> None:
    """Show what is new in a plan's steps, and in those of the plans inside it.

    :param state: state of that plan's run
    :param inside: number of the step that runs the plan, followed by a dot
    """
    for step in steps:
        number = f"{inside}{step['number']}"
        shown = run.steps.setdefault(number, ShownStep(depth=inside.count(".")))
        if not step["state"] or shown.has_ended:
            continue
        title = f"{number} {step['name']}"
        _show_beginning(run, step, shown, title)
        _show_output(client, run, step, shown)
        _show_retry(run, step, shown, title)
        _show_steps(client, run, step["steps"], step["state"], f"{number}.")
        if step["state"] in FINISHED:
            continues = state == "done" or any(other["state"] for other in steps[step["number"] :])
            run.lines.say(_end(run.lines.console, step, title, continues), shown.depth)
            shown.has_ended = True


def _show_beginning(run: PlanRun, step: dict, shown: ShownStep, title: str) -> None:
    """Print that a step has started, unless it is skipped or still waits."""
    has_begun = step["state"] != "queued" or step["attempt"] > 1
    if has_begun and not step["is_skipped"] and not shown.attempt:
        run.lines.say(f"{run.lines.console.arrow} {title}", shown.depth)
        shown.attempt = 1


def _show_output(client: Client, run: PlanRun, step: dict, shown: ShownStep) -> None:
    # Steps above the reader's level have no readable log, and a plan inside has no output of its own.
    if not shown.attempt or not step["log_id"] or step["action"] == "plan":
        return
    shown.output = shown.output or LiveOutput(step["log_id"], run.lines, shown.depth)
    if step["state"] in FINISHED:
        shown.output.show_rest(client)
    else:
        shown.output.show_more(client)


def _show_retry(run: PlanRun, step: dict, shown: ShownStep, title: str) -> None:
    """Print that a step has failed and will be tried again."""
    if step["state"] != "queued" or step["attempt"] <= max(1, shown.attempt):
        return
    again = f"attempt {step['attempt']} of {step['attempts_total']} follows in {step['retry_in']:.0f} s"
    mark = run.lines.console.paint(run.lines.console.cross, "yellow")
    run.lines.say(f"{mark} {title}: exit code {step['exit_code']}, {again}", shown.depth)
    shown.attempt = step["attempt"]


def _end(console: Console, step: dict, title: str, continues: bool) -> str:
    """Return the line that says how a step ended.

    :param continues: whether the plan continues after it
    """
    if step["is_skipped"]:
        return console.paint(f"{console.dash} {title}: skipped because {step['condition']} is false", "dim")
    mark = console.paint(console.tick, "green")
    if step["state"] != "done":
        mark = console.paint(console.cross, "yellow" if continues else "red")
    text = f"{mark} {title}: exit code {step['exit_code']} after {step['duration']:.2f} s"
    if step["attempt"] > 1:
        text += f", attempt {step['attempt']} of {step['attempts_total']}"
    if step["state"] == "done":
        return text
    reason = f". {step['message']}" if step["message"] else ""
    return f"{text}{reason}" + (" (tolerated: the plan continues)" if continues else "")


def show_result(run: PlanRun, plan: str) -> None:
    """Print how a run ended.

    :param plan: name of the flight plan
    """
    console, progress = run.lines.console, run.progress
    mark = console.paint(console.tick, "green") if run.succeeded else console.paint(console.cross, "red")
    if progress["finished"]:
        text = f"{progress['state']}, exit code {progress['exit_code']} after {progress['duration']:.2f} s"
    else:
        text = f"not finished after {RUN_TIMEOUT_S} s"
    reason = f": {progress['message']}" if progress["message"] else ""
    run.lines.say(f"{mark} {plan}: {text}{reason}")
