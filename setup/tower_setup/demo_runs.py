"""Run the demo commands on the demo hosts and show their output live.

Everything here goes over Odoo's JSON-2 API, as in a script of a user.
"""

import time
from dataclasses import dataclass, field

from .console import Console
from .demo_output import HostLines, LiveOutput
from .errors import SetupError
from .rpc import Client

# The demo data has more for people to try: commands that fail, print without end, or wait to be stopped.
COMMANDS = (
    "demo_os_release",
    "demo_top_processes",
    "demo_write_token",
    "demo_count",
    "demo_count_servers",
)
ON_ONE_SERVER = ("demo_count_servers",)
# Own values of a run, which override those of the server.
VALUES = {"demo_count": {"count_to": "6", "count_delay": "0.2"}, "demo_top_processes": {"top_count": "3"}}
RUN_TIMEOUT_S = 180
POLL_S = 0.1


@dataclass
class Run:
    """One command on one server."""

    lines: HostLines
    output: LiveOutput
    end: dict = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return self.end.get("state") == "done"


def run_commands(client: Client, console: Console, servers: list[dict]) -> bool:
    """Run each demo command on its servers.

    :param servers: dicts with `id` and `name`
    :return: whether all of them succeeded
    """
    commands = _demo_commands(client)
    runs: list[Run] = []
    for command in commands:
        chosen = servers[:1] if command["reference"] in ON_ONE_SERVER else servers
        runs += _run_one(client, console, command, chosen)
    failed = [run for run in runs if not run.succeeded]
    console.say()
    total = f"{len(runs)} runs of {len(commands)} single commands"
    console.say(f"{total}: {len(runs) - len(failed)} succeeded, {len(failed)} failed.")
    return bool(runs) and not failed


def _demo_commands(client: Client) -> list[dict]:
    """The commands in the order of COMMANDS.

    :raise SetupError: one is not in the database
    """
    rows = client.search_read("cx.tower.command", [("reference", "in", COMMANDS)], ["name", "reference"])
    found = {row["reference"]: row for row in rows}
    missing = [reference for reference in COMMANDS if reference not in found]
    if missing:
        raise SetupError(f"The demo data has no command {missing[0]}; start over with --reset.")
    return [found[reference] for reference in COMMANDS]


def _run_one(client: Client, console: Console, command: dict, servers: list[dict]) -> list[Run]:
    """Start the command on all its servers at once and show it to its end."""
    console.say()
    console.say(console.paint(f"> {command['name']}", "bold"))
    reference = command["reference"]
    started = client.call(
        "cx.tower.server",
        "run_command",
        [server["id"] for server in servers],
        command=reference,
        variable_values=VALUES.get(reference, {}),
    )
    runs = []
    for number, (log, server) in enumerate(zip(started["logs"], servers, strict=True)):
        lines = HostLines(console, server["name"], number)
        runs.append(Run(lines, LiveOutput(log["id"], lines)))
    _follow(client, runs)
    for run in runs:
        _show_end(run)
    return runs


def _follow(client: Client, runs: list[Run]) -> None:
    deadline = time.monotonic() + RUN_TIMEOUT_S
    active = list(runs)
    while active and time.monotonic() < deadline:
        for run in active:
            run.end = run.output.show_more(client)
        active = [run for run in active if not run.end["all_shown"]]
        if active:
            time.sleep(POLL_S)


def _show_end(run: Run) -> None:
    console = run.lines.console
    mark = console.paint(console.tick, "green") if run.succeeded else console.paint(console.cross, "red")
    text = f"exit code {run.end['exit_code']} after {run.end['duration']:.2f} s"
    reason = "" if run.succeeded else f": {run.end['message'] or run.end['state']}"
    run.lines.say(f"{mark} {text}{reason}")


def resume_run_of(person: Client, jet_id: int) -> None:
    """Resume the flight plan run on a jet that was interrupted last."""
    domain = [("jet_id", "=", jet_id), ("state", "=", "interrupted")]
    run = person.search_read("cx.tower.plan.log", domain, ["state"], order="id desc", limit=1)[0]
    person.call("cx.tower.plan.log", "resume", [run["id"]])
