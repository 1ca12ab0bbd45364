"""A new server from a template: created, set up by its flight plan, its files compared, changed and pushed.

Everything here goes over Odoo's JSON-2 API, as in a script of a user.
"""

import time
from dataclasses import dataclass

from .console import Console
from .demo_output import HostLines
from .demo_plans import PLAN_LOG, PlanRun, follow, show_result
from .rpc import Client

SERVER = "cx.tower.server"
FILE = "cx.tower.file"
LOG = "cx.tower.command.log"
TEMPLATE = "demo_application_server"
NAME, REFERENCE = "Demo app", "demo_app"
# The new server is a second application on this host, so it is reached the same way.
HOST = "demo_host_1"
EDIT_COMMAND = "demo_edit_config"
VALUES = {"app_name": "shop", "contact": "shop@example.com"}
OPTIONS = {"environment": "staging"}
WAIT_LIMIT_S = 120
POLL_S = 0.2


class StoryFailed(Exception):
    """A step of the story failed; the message says which and why."""


@dataclass
class NewServer:
    """The server that the story is about.

    :param number: its place among the servers; decides its colour
    """

    client: Client
    console: Console
    id: int
    number: int = 0

    @property
    def lines(self) -> HostLines:
        return HostLines(self.console, NAME, self.number)

    def read(self, *names: str) -> dict:
        return self.client.search_read(SERVER, [("id", "=", self.id)], list(names))[0]

    def good(self, text: str) -> None:
        self.lines.say(f"{self.console.paint(self.console.tick, 'green')} {text}")

    def wait_for(self, log_ids: list[int]) -> None:
        """Wait until runs of commands have ended.

        :raise StoryFailed: one of them failed, or took too long
        """
        give_up = time.monotonic() + WAIT_LIMIT_S
        for log_id in log_ids:
            end = self.client.call(LOG, "wait", [log_id])
            while not end["finished"] and time.monotonic() < give_up:
                end = self.client.call(LOG, "wait", [log_id])
            if end["state"] != "done":
                raise StoryFailed(f"{NAME}: run {end['reference']} is {end['state']}. {end['message']}")

    def follow_plan(self, log_id: int, name: str) -> None:
        """Show a flight plan's run to its end.

        :raise StoryFailed: it failed
        """
        run = PlanRun(log_id, self.lines)
        follow(self.client, [run])
        show_result(run, name)
        if not run.succeeded:
            raise StoryFailed(f"{NAME}: the flight plan “{name}” failed.")


def heading(console: Console, text: str) -> None:
    console.say()
    console.say(console.paint(f"> {text}", "bold"))


def make_server(client: Client, console: Console, number: int) -> NewServer:
    """Create the server again and show how its flight plan sets it up.

    :param number: its place among the servers
    :raise StoryFailed: it could not be deleted or set up
    """
    access = _way_to_host(client)
    _delete_old(client, console, number, access)
    heading(console, f"A new server from the template “{_name_of_template(client)}”")
    data_dir = access.pop("data_dir")
    (server_id,) = client.call(
        SERVER + ".template",
        "create_server_from_template",
        template_reference=TEMPLATE,
        server_name=NAME,
        reference=REFERENCE,
        configuration_variables={**VALUES, "data_dir": data_dir},
        configuration_variable_options={
            "environment": _option(client, "environment", OPTIONS["environment"])
        },
        **access,
    )
    server = NewServer(client, console, server_id, number)
    row = server.read("template_plan_log_id", "ip_v4_address", "ssh_port", "ssh_username")
    server.good(f"created: {row['ssh_username']}@{row['ip_v4_address']}, port {row['ssh_port']}")
    log = client.search_read(PLAN_LOG, [("id", "=", row["template_plan_log_id"][0])], ["plan_id"])[0]
    server.follow_plan(log["id"], log["plan_id"][1])
    return server


def _name_of_template(client: Client) -> str:
    rows = client.search_read(SERVER + ".template", [("reference", "=", TEMPLATE)], ["name"])
    if not rows:
        raise StoryFailed(f"The demo data has no server template {TEMPLATE}; start over with --reset.")
    return rows[0]["name"]


def _option(client: Client, variable: str, value: str) -> str:
    """Return the reference of a variable's option."""
    domain = [("variable_id.reference", "=", variable), ("value_char", "=", value)]
    return client.search_read("cx.tower.variable.option", domain, ["reference"])[0]["reference"]


def _way_to_host(client: Client) -> dict:
    """Return what Tower knows of a running host: how to log in, its key, and where the demo may write."""
    names = ["ip_v4_address", "ssh_port", "ssh_username", "ssh_key_id", "host_key"]
    row = client.search_read(SERVER, [("reference", "=", HOST)], names)[0]
    key = client.search_read("cx.tower.key", [("id", "=", row["ssh_key_id"][0])], ["reference"])[0]
    return {
        "ipv4": row["ip_v4_address"],
        "ssh_port": row["ssh_port"],
        "ssh_username": row["ssh_username"],
        "ssh_key": key["reference"],
        "ssh_auth_mode": "k",
        "host_key": row["host_key"],
        "data_dir": client.call(SERVER, "get_variable_value", [row["id"]], variable_reference="data_dir"),
    }


# ------------------------------------------------------------------ deleting the server of an earlier start


def _delete_old(client: Client, console: Console, number: int, access: dict) -> None:
    """Delete the server that an earlier start created, by its delete plan.

    :raise StoryFailed: it is still there
    """
    found = client.search_read(SERVER, [("reference", "=", REFERENCE)], ["status"])
    if not found:
        return
    heading(console, f"“{NAME}” exists from an earlier start: deleting it")
    old = NewServer(client, console, found[0]["id"], number)
    if found[0]["status"] != "deleting":
        # The host may have another port today.
        today = {
            "ip_v4_address": access["ipv4"],
            "ssh_port": access["ssh_port"],
            "host_key": access["host_key"],
        }
        client.call(SERVER, "write", [old.id], vals=today)
        _wait_until_idle(old)
        client.call(SERVER, "unlink", [old.id])
    old.lines.say(f"{console.arrow} its delete plan removes the application from the host")
    give_up = time.monotonic() + WAIT_LIMIT_S
    while rows := client.search_read(SERVER, [("id", "=", old.id)], ["status", "deletion_message"]):
        if rows[0]["status"] == "delete_error":
            raise StoryFailed(f"{NAME} was not deleted. {rows[0]['deletion_message']}")
        if time.monotonic() > give_up:
            raise StoryFailed(f"{NAME} was not deleted within {WAIT_LIMIT_S} s.")
        time.sleep(POLL_S)
    old.good("deleted, on the host and here")


def _wait_until_idle(server: NewServer) -> None:
    """Wait until nothing runs there any more: an earlier start may have been interrupted."""
    domain = [("server_id", "=", server.id), ("state", "in", ["queued", "running", "waiting"])]
    give_up = time.monotonic() + WAIT_LIMIT_S
    while any(server.client.call(model, "search_count", domain=domain) for model in (LOG, PLAN_LOG)):
        if time.monotonic() > give_up:
            raise StoryFailed(f"{NAME} still has runs that did not end within {WAIT_LIMIT_S} s.")
        time.sleep(POLL_S)


# ------------------------------------------------------------------ files


def show_files(server: NewServer) -> None:
    """Compare the new server's files, change one on the host, see the difference, push it.

    :raise StoryFailed: a comparison had another result
    """
    heading(server.console, "Its files: compared, changed on the host, compared, pushed")
    files = _files(server)
    pushed = [file["id"] for file in files if file["source"] == "tower"]
    pulled = [file["id"] for file in files if file["source"] == "server"]
    _run_files(server, "download", pulled)
    for file in _files(server, pulled):
        server.good(f"{file['host_path']}: pulled, {len(file['code'] or '')} characters")
    _compare(server, pushed, {"same"})
    edited = [file["id"] for file in files if file["name"].endswith(".conf")]
    started = server.client.call(SERVER, "run_command", [server.id], command=EDIT_COMMAND)
    server.wait_for([started["id"]])
    server.lines.say(f"{server.console.arrow} somebody changes the configuration on the host")
    _compare(server, edited, {"differs"})
    _show_difference(server, edited[0])
    _run_files(server, "upload", edited)
    server.good("pushed")
    _compare(server, pushed, {"same"})


def _files(server: NewServer, ids: list[int] | None = None) -> list[dict]:
    """Return the server's files as soon as no run works on one of them."""
    names = ["name", "source", "host_path", "host_state", "host_note", "code", "is_being_processed"]
    domain = [("server_id", "=", server.id)] + ([("id", "in", ids)] if ids else [])
    give_up = time.monotonic() + WAIT_LIMIT_S
    while True:
        files = server.client.search_read(FILE, domain, names)
        if not any(file["is_being_processed"] for file in files):
            return files
        if time.monotonic() > give_up:
            raise StoryFailed(f"{NAME}: a run of its files did not end within {WAIT_LIMIT_S} s.")
        time.sleep(POLL_S)


def _run_files(server: NewServer, method: str, ids: list[int]) -> None:
    """Pull, push or compare files and wait for the end."""
    started = server.client.call(FILE, method, ids, raise_error=True)
    server.wait_for([log["id"] for log in started["logs"]])


def _compare(server: NewServer, ids: list[int], expected: set[str]) -> None:
    _run_files(server, "compare", ids)
    console = server.console
    for file in _files(server, ids):
        is_right = file["host_state"] in expected
        mark = console.paint(console.tick, "green") if is_right else console.paint(console.cross, "red")
        server.lines.say(f"{mark} {file['host_path']}: {file['host_state']}")
        if not is_right:
            raise StoryFailed(f"{file['host_path']} should be {', '.join(expected)}. {file['host_note']}")


def _show_difference(server: NewServer, file_id: int) -> None:
    """Print the lines that differ; the answer also has the lines around them, for a screen."""
    console = server.console
    rows = server.client.call(FILE, "get_difference", [file_id])["rows"]
    for kind, number_there, there, number_here, here in rows:
        if kind in ("same", "gap"):
            continue
        if number_there:
            server.lines.say(console.paint(f"host  {number_there:>3}  {there}", "yellow"), 1)
        if number_here:
            server.lines.say(console.paint(f"Tower {number_here:>3}  {here}", "green"), 1)
