"""Routine work on a server: its log, a shortcut, a scheduled task."""

from .demo_new_server import NAME, REFERENCE, NewServer, StoryFailed, heading
from .demo_output import ESCAPES

SERVER_LOG = "cx.tower.server.log"
SHORTCUT = "cx.tower.shortcut"
TASK = "cx.tower.scheduled.task"
SHORTCUT_REFERENCE = "demo_shortcut_restart"
TASK_REFERENCE = "demo_task_write_log"
LINES_SHOWN = 3


def show_routine(server: NewServer) -> None:
    """Run the server's task now, fetch its log, run its shortcut.

    :raise StoryFailed: one of them failed
    """
    _run_task(server)
    _show_log(server)
    _press_shortcut(server)


def _run_task(server: NewServer) -> None:
    # Somebody may have archived it.
    domain = [("reference", "=", TASK_REFERENCE), ("active", "in", [True, False])]
    task = server.client.search_read(TASK, domain, ["name", "server_ids"])[0]
    heading(server.console, f"Scheduled task “{task['name']}”, now")
    if server.id not in task["server_ids"]:
        raise StoryFailed(f"The template did not link the task “{task['name']}” to {NAME}.")
    started = server.client.call(TASK, "run", [task["id"]])
    log = next(log for log in started["logs"] if log["server"] == REFERENCE)
    server.wait_for([log["id"]])
    server.good(f"run {log['reference']} is done")


def _show_log(server: NewServer) -> None:
    domain = [("server_id", "=", server.id), ("log_type", "=", "file")]
    log = server.client.search_read(SERVER_LOG, domain, ["name"])[0]
    heading(server.console, f"Server log “{log['name']}”, its last lines")
    (run,) = server.client.call(SERVER_LOG, "refresh", [log["id"]])
    server.wait_for([run["id"]])
    text = server.client.search_read(SERVER_LOG, [("id", "=", log["id"])], ["log_text"])[0]["log_text"]
    if not text:
        raise StoryFailed(f"The log “{log['name']}” of {NAME} is empty.")
    for line in text.splitlines()[-LINES_SHOWN:]:
        server.lines.say(f"| {ESCAPES.sub('', line)}")


def _press_shortcut(server: NewServer) -> None:
    domain = [("reference", "=", SHORTCUT_REFERENCE)]
    shortcut = server.client.search_read(SHORTCUT, domain, ["name", "plan_id"])[0]
    heading(server.console, f"Shortcut “{shortcut['name']}”")
    reference = server.read("reference")["reference"]
    started = server.client.call(SHORTCUT, "run", [shortcut["id"]], server=reference)
    server.follow_plan(started["id"], shortcut["plan_id"][1])
