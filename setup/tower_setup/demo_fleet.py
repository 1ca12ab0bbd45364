"""One flight plan on all demo servers: first dry, then as a fleet run, a few servers at a time."""

import time

from .console import Console
from .demo_new_server import StoryFailed, heading
from .demo_output import HostLines
from .rpc import Client

PLAN = "cx.tower.plan"
FLEET = "cx.tower.fleet.run"
PLAN_REFERENCE = "demo_update_application"
AT_ONCE = 2
FAILURE_LIMIT = 1
RUN_LIMIT_S = 300
POLL_S = 0.2


def run_fleet(client: Client, console: Console, servers: list[dict]) -> None:
    """Show what the plan would do, then run it.

    :param servers: dicts with `id` and `name`
    :raise StoryFailed: a server is not ready, or its run failed
    """
    plan = client.search_read(PLAN, [("reference", "=", PLAN_REFERENCE)], ["name"])[0]
    ids = [server["id"] for server in servers]
    heading(console, f"Dry run of “{plan['name']}” on {len(ids)} servers: no host is touched")
    report = client.call(PLAN, "dry_run", [plan["id"]], servers=ids)
    _show_report(console, report)
    if report["summary"]["ready"] != len(ids):
        raise StoryFailed(f"“{plan['name']}” would not succeed on all servers.")
    heading(
        console,
        f"“{plan['name']}” on {len(ids)} servers, {AT_ONCE} at a time, {FAILURE_LIMIT} failure stops it",
    )
    fleet = client.call(
        FLEET,
        "start",
        plan=PLAN_REFERENCE,
        servers=ids,
        concurrency_limit=AT_ONCE,
        stop_after_failures=FAILURE_LIMIT,
    )
    _follow(client, console, fleet["id"], servers)


def _show_report(console: Console, report: dict) -> None:
    for number, server in enumerate(report["servers"]):
        lines = HostLines(console, server["server"]["name"], number)
        mark = console.paint(console.tick, "green") if server["ok"] else console.paint(console.cross, "red")
        counts = f"{server['would_run']} lines would run, {server['skipped']} are skipped"
        lines.say(f"{mark} {counts}, {server['undecided']} are decided later")
        for problem in server["problems"]:
            if problem["severity"] != "information":
                lines.say(f"{problem['severity']}: line {problem['line'] or '-'}: {problem['message']}", 1)
    summary = report["summary"]
    console.say(f"Dry run: {summary['ready']} of {summary['servers']} servers ready.")


def _follow(client: Client, console: Console, fleet_id: int, servers: list[dict]) -> None:
    """Print a line whenever a server has made progress."""
    lines = {
        server["id"]: HostLines(console, server["name"], number) for number, server in enumerate(servers)
    }
    shown: dict[int, str] = {}
    most = 0
    give_up = time.monotonic() + RUN_LIMIT_S
    while True:
        progress = client.call(FLEET, "read_progress", [fleet_id])
        most = max(most, progress["counts"]["active"] - progress["counts"]["held"])
        for row in progress["rows"]:
            text = _row_text(console, row)
            if shown.get(row["log_id"]) != text:
                shown[row["log_id"]] = text
                lines[row["server_id"]].say(text)
        if progress["finished"] or time.monotonic() > give_up:
            break
        time.sleep(POLL_S)
    counts = progress["counts"]
    console.say()
    console.say(
        f"Fleet run: {counts['done']} succeeded, {counts['failed']} failed, {counts['stopped']} not started;"
        f" at most {most} at a time."
    )
    if progress["state"] != "done" or counts["done"] != len(servers):
        raise StoryFailed(f"The fleet run is {progress['state']}. {progress['message']}")


def _row_text(console: Console, row: dict) -> str:
    """Return the line that shows the progress of the run on one server."""
    if row["state"] == "done":
        return f"{console.paint(console.tick, 'green')} done after {row['duration']:.1f} s"
    if row["state"] in ("queued", "running", "waiting"):
        if row["is_held"]:
            return console.paint(f"{console.dash} waits for its turn", "dim")
        step = f": {row['step']}" if row["step"] else ""
        return f"{console.arrow} {row['steps_done']} of {row['steps_total']} steps done{step}"
    return f"{console.paint(console.cross, 'red')} {row['state']}, exit code {row['exit_code']}. {row['message']}"
