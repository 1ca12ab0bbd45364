"""Run the demo commands on the demo hosts and show their output while it comes.

Everything here goes over Odoo's JSON-2 API: it is what a script of a user would do.
"""

import re
import time
from dataclasses import dataclass, field

from .console import Console
from .errors import SetupError
from .rpc import Client

# The demo data has more: commands that fail, print without end or wait to be stopped, for people to try.
COMMANDS = (
    "demo_os_release",
    "demo_uptime",
    "demo_memory",
    "demo_disk_usage",
    "demo_top_processes",
    "demo_listening_ports",
    "demo_write_log",
    "demo_tail_log",
    "demo_write_token",
    "demo_count",
    "demo_who_am_i",
    "demo_count_servers",
)
ON_ONE_SERVER = ("demo_count_servers",)
HOST_PREFIX = "demo_host_"
LOG = "cx.tower.command.log"
RUN_TIMEOUT_S = 180
POLL_S = 0.1
# What a host prints must not move the cursor or rename the terminal; colours may stay.
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x00-\x08\x0b-\x1f\x7f]")
COLOURS = ("cyan", "magenta", "yellow", "blue", "green")


@dataclass
class Run:
    """One command on one server, as far as it has been shown."""

    log_id: int
    server: str
    colour: str
    offset: int = 0
    state: str = ""
    partial: str = ""
    lines: int = 0
    end: dict = field(default_factory=dict)


def run_commands(client: Client, console: Console) -> bool:
    """Run every demo command on every server it is meant for.

    :return: whether all of them succeeded
    """
    hosts = [("reference", "=like", f"{HOST_PREFIX}%")]
    servers = client.search_read("cx.tower.server", hosts, ["name"], order="reference")
    commands = _demo_commands(client)
    runs: list[Run] = []
    for command in commands:
        chosen = servers[:1] if command["reference"] in ON_ONE_SERVER else servers
        runs += _run_one(client, console, command, chosen, servers)
    failed = [run for run in runs if run.state != "done"]
    console.say()
    total = f"{len(runs)} runs of {len(commands)} commands on {len(servers)} hosts"
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


def _run_one(
    client: Client, console: Console, command: dict, servers: list[dict], everyone: list[dict]
) -> list[Run]:
    """Start the command on all its servers at once and show it to its end."""
    console.say()
    console.say(console.paint(f"> {command['name']}", "bold"))
    runs = []
    for server in servers:
        started = client.call("cx.tower.server", "run_command", [server["id"]], command=command["reference"])
        colour = COLOURS[[other["id"] for other in everyone].index(server["id"]) % len(COLOURS)]
        runs.append(Run(started["id"], server["name"], colour))
    _follow(client, console, runs)
    for run in runs:
        _show_end(client, console, run)
    return runs


def _follow(client: Client, console: Console, runs: list[Run]) -> None:
    deadline = time.monotonic() + RUN_TIMEOUT_S
    going = list(runs)
    while going and time.monotonic() < deadline:
        for run in list(going):
            if _show_more(client, console, run):
                going.remove(run)
        if going:
            time.sleep(POLL_S)
    for run in going:
        run.state = f"not finished after {RUN_TIMEOUT_S} s"


def _show_more(client: Client, console: Console, run: Run) -> bool:
    """Print what came since the last call; true once the run has ended and all of it was shown."""
    answer = client.call(LOG, "read_output", [run.log_id], offset=run.offset)
    for chunk in answer["chunks"]:
        if chunk["offset"] > run.offset:
            _print(console, run, f"[... {chunk['offset'] - run.offset} characters left out ...]\n", "o")
        for stream, text in chunk["segments"]:
            _print(console, run, text, stream)
        run.offset = chunk["end"]
    run.offset, run.state, run.end = max(run.offset, answer["end"]), answer["state"], answer
    return answer["finished"] and not answer["chunks"]


def _print(console: Console, run: Run, text: str, stream: str) -> None:
    *lines, run.partial = (run.partial + text).split("\n")
    for line in lines:
        _print_line(console, run, line, stream)


def _print_line(console: Console, run: Run, line: str, stream: str) -> None:
    label = console.paint(f"{run.server:>12}", run.colour)
    text = ESCAPES.sub(lambda match: match[0] if console.colours and match[0].endswith("m") else "", line)
    reset = "\x1b[0m" if console.colours and "\x1b" in text else ""
    console.say(f"{label} {'!' if stream == 'e' else '|'} {text}{reset}")
    run.lines += 1


def _show_end(client: Client, console: Console, run: Run) -> None:
    if run.partial:
        _print_line(console, run, run.partial, "o")
        run.partial = ""
    good = run.state == "done"
    if good and not run.lines:
        # Python commands have a result instead of output.
        result = client.call(LOG, "read", [run.log_id], fields=["command_response"])[0]["command_response"]
        _print(console, run, f"{result}\n" if result else "", "o")
    mark = console.paint(console.tick, "green") if good else console.paint(console.cross, "red")
    text = f"exit code {run.end.get('exit_code')} after {run.end.get('duration') or 0:.2f} s"
    reason = "" if good else f": {run.end.get('message') or run.state}"
    console.say(f"{console.paint(f'{run.server:>12}', run.colour)} {mark} {text}{reason}")
