"""Jets: an application is launched with what it depends on, survives a kill of Tower, and answers HTTP.

Everything here goes over Odoo's JSON-2 API, as in scripts of three persons: a User, a Manager and Root.
"""

import html
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from . import ports
from .console import Console
from .demo_clones import tell_of_clones
from .demo_new_server import StoryFailed, heading
from .demo_output import HostLines
from .demo_runs import resume_run_of
from .demo_waypoints import tell_of_waypoints
from .rpc import Client, RpcError

JET = "cx.tower.jet"
TEMPLATE = "cx.tower.jet.template"
TRANSITION = "cx.tower.jet.transition"
WIZARD = "cx.tower.jet.create.wizard"
ACTION = "cx.tower.jet.action"
SERVER = "cx.tower.server"
HOST = "demo_host_1"
OTHER_HOST = "demo_host_2"
MONITOR, APPLICATION, PROXY, DATABASE = (
    "demo_jet_monitor",
    "demo_jet_application",
    "demo_jet_proxy",
    "demo_jet_database",
)
#: In the order in which they can be removed.
TEMPLATES = (MONITOR, APPLICATION, PROXY, DATABASE)
PORT_VARIABLE = "demo_jet_port"
FIRST_PORT, PORTS, LAST_PORT = 18100, 100, 28100
MARKS = {"done": "tick", "waiting": "dash", "running": "arrow"}
LIMIT_S = 180
POLL_S = 0.2


@dataclass
class People:
    """Who works with jets, each with their own rights."""

    user: Client
    manager: Client
    admin: Client


def tell_of_jets(people: People, console: Console, restart: Callable[[], None]) -> bool:
    """Tell the story of an application and what it depends on; a failure is printed and ends it.

    :param restart: kills Tower and starts it again
    :return: whether all of it succeeded
    """
    try:
        story = Story(people, console)
        story.remove_old()
        story.install(APPLICATION, story.server)
        shop = story.launch("Shop")
        story.follow_to_running()
        story.visit(shop)
        story.ask_who_is_hit()
        blog = story.launch("Blog")
        story.kill_while_building(blog, restart)
        story.resume(blog)
        story.visit(blog)
        tell_of_waypoints(story, shop)
        tell_of_clones(story, shop, blog, restart)
    except (StoryFailed, RpcError, OSError) as error:
        console.say(f"{console.paint(console.cross, 'red')} {error}")
        return False
    return True


class Story:
    """The jets of the demo, and what was shown of them."""

    def __init__(self, people: People, console: Console):
        self.people, self.console = people, console
        domain = [("reference", "in", TEMPLATES)]
        rows = people.admin.search_read(TEMPLATE, domain, ["name", "reference"])
        self.templates = {row["reference"]: row for row in rows}
        if len(self.templates) != len(TEMPLATES):
            raise StoryFailed("The demo data has no jet templates; start over with --reset.")
        rows = people.admin.search_read(
            SERVER, [("reference", "in", [HOST, OTHER_HOST])], ["name", "reference"]
        )
        servers = {row["reference"]: row for row in rows}
        self.server, self.other_server = servers[HOST], servers[OTHER_HOST]
        self._shown: dict[int, str] = {}
        self._lines: dict[int, HostLines] = {}

    # ------------------------------------------------------------------ before

    def remove_old(self) -> None:
        """Destroy and delete the jets of an earlier start, those that others depend on last, and remove the templates."""
        admin = self.people.admin
        for reference in TEMPLATES:
            template = self.templates[reference]
            domain = [("jet_template_id", "=", template["id"]), ("active", "in", [True, False])]
            for jet in admin.search_read(JET, domain, ["name", "state", "active"]):
                self._destroy(jet)
        for server in (self.server, self.other_server):
            installed = [("reference", "in", TEMPLATES), ("server_ids", "in", server["id"])]
            ids = {row["id"] for row in admin.search_read(TEMPLATE, installed, ["name"])}
            for reference in TEMPLATES:
                if self.templates[reference]["id"] in ids:
                    self._uninstall(self.templates[reference]["id"], server)
        self._choose_ports()
        self._skip_history()

    def _destroy(self, jet: dict) -> None:
        """Destroy a jet on its host and delete it.

        :raise StoryFailed: something of it may be left on the host
        """
        admin = self.people.admin
        jet = self._wait_until_idle(jet["id"])
        if jet["active"] and jet["state"]:
            admin.call(JET, "bring_to_state", [jet["id"]], state_reference="")
            jet = self._wait_until_idle(jet["id"])
            if jet["state"]:
                raise StoryFailed(
                    f"{jet['name']} of an earlier start was not destroyed. {jet['last_problem'] or ''}"
                    " Start over with --reset."
                )
        admin.call(JET, "write", [jet["id"]], vals={"deletable": True})
        # Its backups were in its directory.
        admin.call(JET, "delete_leaving_waypoints", [jet["id"]])
        self.console.say(
            f"{self.console.paint(self.console.tick, 'green')} {jet['name']} of an earlier start: destroyed"
        )

    def _wait_until_idle(self, jet_id: int) -> dict:
        """Wait until a jet moves no longer; an earlier start may have been interrupted.

        :return: the jet
        """
        names = ["name", "state", "active", "movement", "last_problem"]
        domain = [("id", "=", jet_id), ("active", "in", [True, False])]
        give_up = time.monotonic() + LIMIT_S
        while (jet := self.people.admin.search_read(JET, domain, names)[0])["movement"] == "busy":
            if time.monotonic() > give_up:
                raise StoryFailed(
                    f"A jet of an earlier start is still busy after {LIMIT_S} s; start over with --reset."
                )
            time.sleep(POLL_S)
        return jet

    def _uninstall(self, template_id: int, server: dict) -> None:
        admin = self.people.admin
        admin.call(TEMPLATE, "uninstall_from_servers", [template_id], servers=[server["id"]])
        self._wait_for_installation(template_id, server, is_there=False)

    def _wait_for_installation(self, template_id: int, server: dict, is_there: bool) -> None:
        give_up = time.monotonic() + LIMIT_S
        domain = [("id", "=", template_id), ("server_ids", "in", server["id"])]
        while bool(self.people.admin.search_read(TEMPLATE, domain, ["name"])) != is_there:
            if time.monotonic() > give_up:
                raise StoryFailed("A jet template was not installed or removed in time.")
            time.sleep(POLL_S)

    def _choose_ports(self) -> None:
        """Give jets a range of ports that no other program on this machine uses."""
        first = FIRST_PORT
        while first < LAST_PORT and not all(map(ports.is_free, range(first, first + 10))):
            first += PORTS
        variable = self.people.admin.search_read(
            "cx.tower.variable", [("reference", "=", PORT_VARIABLE)], ["name"]
        )[0]
        text = f"{first}-{first + PORTS - 1}"
        self.people.admin.call(
            "cx.tower.variable", "write", [variable["id"]], vals={"allocation_range": text}
        )

    def _skip_history(self) -> None:
        rows = self.people.admin.search_read(TRANSITION, [], ["state"])
        self._shown = dict.fromkeys((row["id"] for row in rows), "")

    # ------------------------------------------------------------------ the story

    def install(self, reference: str, server: dict) -> None:
        """Install a template on a server; those that it depends on come first."""
        template = self.templates[reference]
        heading(self.console, f"Install the jet template “{template['name']}” on {server['name']}")
        manager = self.people.manager
        for finding in manager.call(TEMPLATE, "check_template", [template["id"]]):
            self.console.say(f"  {finding['severity']}: {finding['message']}")
        manager.call(TEMPLATE, "install_on_servers", [template["id"]], servers=[server["id"]])
        self._wait_for_installation(template["id"], server, is_there=True)
        domain = [("jet_template_id", "=", template["id"]), ("state", "=", "done")]
        install = manager.search_read(TEMPLATE + ".install", domain, ["line_ids"], order="id desc", limit=1)[
            0
        ]
        lines = manager.search_read(
            TEMPLATE + ".install.line", [("id", "in", install["line_ids"])], ["jet_template_id", "state"]
        )
        for line in lines:
            self.good(f"{line['jet_template_id'][1]}: {line['state']}")

    def launch(self, name: str, reference: str = APPLICATION) -> int:
        """Launch a jet as the User, with the wizard. :return: id of the jet"""
        template = self.templates[reference]
        heading(
            self.console, f"The User launches a new jet: {template['name']} “{name}”, target state Running"
        )
        user = self.people.user
        running = user.search_read("cx.tower.jet.state", [("reference", "=", "running")], ["name"])[0]
        vals = {
            "jet_template_id": template["id"],
            "server_id": self.server["id"],
            "state_id": running["id"],
            "name_type": "m",  # entered by hand
            "name": name,
        }
        (wizard,) = user.call(WIZARD, "create", vals_list=[vals])
        for line in _text_of(
            user.search_read(WIZARD, [("id", "=", wizard)], ["explanation"])[0]["explanation"]
        ):
            self.console.say(self.console.paint(f"  {line}", "dim"))
        return user.call(WIZARD, "action_confirm", [wizard])["res_id"]

    def follow_to_running(self) -> None:
        """Show what moves until nothing does.

        :raise StoryFailed: something failed, or took too long
        """
        give_up = time.monotonic() + LIMIT_S
        while self.show_moves():
            if time.monotonic() > give_up:
                raise StoryFailed(f"The jets are not running after {LIMIT_S} s.")
            time.sleep(POLL_S)

    def show_moves(self) -> bool:
        """Print what has changed since the last call. :return: whether a jet still moves"""
        names = ["jet_id", "action_name", "state", "duration", "message", "user_id"]
        moves = self.people.admin.search_read(TRANSITION, [], names, order="id")
        for move in moves:
            if self._shown.get(move["id"]) not in ("", move["state"]):
                self._shown[move["id"]] = move["state"]
                self._line_of(move["jet_id"][0]).say(self._move_text(move))
        failed = [move for move in moves if move["state"] == "failed" and self._shown[move["id"]]]
        if failed:
            raise StoryFailed(failed[0]["message"])
        return any(move["state"] in ("waiting", "running") for move in moves)

    def _line_of(self, jet_id: int) -> HostLines:
        if jet_id not in self._lines:
            row = self.people.admin.search_read(JET, [("id", "=", jet_id)], ["name"])[0]
            self._lines[jet_id] = lines = HostLines(self.console, row["name"], len(self._lines))
            port = self._port_of(jet_id)
            text = f"created, port {port}" if port else "created"
            lines.say(f"{self.console.paint(self.console.tick, 'green')} {text}")
        return self._lines[jet_id]

    def _port_of(self, jet_id: int) -> str:
        return self.people.admin.call(JET, "get_variable_value", [jet_id], variable_reference=PORT_VARIABLE)

    def _move_text(self, move: dict) -> str:
        mark, action = getattr(self.console, MARKS.get(move["state"], "cross")), move["action_name"]
        if move["state"] == "waiting":
            return self.console.paint(f"{mark} {action} waits for what the jet depends on", "dim")
        if move["state"] == "running":
            return f"{mark} {action}"
        if move["state"] == "done":
            return f"{self.console.paint(mark, 'green')} {action}: done after {move['duration']:.1f} s"
        return f"{self.console.paint(mark, 'yellow')} {action}: {move['state']}. {move['message'] or ''}"

    def visit(self, jet_id: int, expected: int = 200) -> str:
        """Fetch the URL of a running jet, as a browser would.

        :param expected: HTTP status that it answers with
        :return: the text of the page
        :raise StoryFailed: it is not running, or answers otherwise
        """
        jet = self.people.user.search_read(JET, [("id", "=", jet_id)], ["name", "state", "url"])[0]
        if jet["state"] != "running":
            raise StoryFailed(f"{jet['name']} is in state {jet['state']} instead of running.")
        try:
            with urllib.request.urlopen(jet["url"], timeout=10) as answer:
                status, body = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, body = error.code, error.read().decode()
        page = " / ".join(_text_of(re.sub("<title>.*?</title>", "", body)))
        if status != expected:
            raise StoryFailed(f"{jet['url']} answers with HTTP {status} instead of {expected}: {page}")
        self.good(f"{jet['url']} answers with HTTP {status}: {page}")
        return page

    def trigger(self, name: str, jet_id: int) -> None:
        """Trigger an action as the Manager, and show what moves until nothing does."""
        template = self.people.manager.search_read(JET, [("id", "=", jet_id)], ["jet_template_id"])[0]
        domain = [("jet_template_id", "=", template["jet_template_id"][0]), ("name", "=", name)]
        action = self.people.manager.search_read(ACTION, domain, ["name"])[0]
        self.people.manager.call(ACTION, "trigger", [action["id"]], jet=jet_id)
        self.follow_to_running()

    def ask_who_is_hit(self) -> None:
        """A colleague is about to stop the database, and is told first which jets need it.

        :raise StoryFailed: nobody is named
        """
        heading(self.console, "A colleague is about to stop the database")
        manager, template = self.people.manager, self.templates[DATABASE]
        jet = manager.search_read(JET, [("jet_template_id", "=", template["id"])], ["name"])[0]
        domain = [("jet_template_id", "=", template["id"]), ("name", "=", "Stop")]
        action = manager.search_read(ACTION, domain, ["name"])[0]
        hit = manager.call(JET, "get_impact", [jet["id"]], action=action["id"])
        if not hit:
            raise StoryFailed(f"Nobody would be told that {jet['name']} is needed.")
        for line in manager.call(JET, "describe_action", [jet["id"]], action=action["id"]).splitlines():
            self.console.say(f"  {line}")
        self.good("and leaves it running")

    def kill_while_building(self, jet_id: int, restart: Callable[[], None]) -> None:
        """Kill Tower in the middle of Building, start it again, and wait until it tells what happened.

        :raise StoryFailed: the jet does not say that it was interrupted
        """
        self.wait_for(jet_id, lambda jet: jet["state"] == "building" and self.prints(jet_id))
        self.show_moves()
        heading(self.console, "kill -9 of Tower in the middle of Building, and a new start")
        restart()
        self.console.say(
            "  Tower finds the interrupted run when the lease of the dead process has ended (30 s)."
        )
        jet = self.wait_for(jet_id, lambda jet: jet["movement"] != "busy" or self.look_for_lost_runs())
        self.show_moves()
        if jet["movement"] != "problem" or jet["state"] != "draft":
            raise StoryFailed(
                f"{jet['name']} is in state {jet['state']} and does not say that it was interrupted."
            )
        self.good(f"{jet['name']} is back in state {jet['state']} and says why")

    def look_for_lost_runs(self) -> None:
        """Have the cron that looks after runs every minute look now."""
        admin = self.people.admin
        name = {"module": "cetmix_tower_server", "xml_id": "ir_cron_dispatch_runs"}
        _model, cron = admin.call("ir.model.data", "check_object_reference", **name)
        try:
            admin.call("ir.cron", "method_direct_trigger", [cron])
        except RpcError:
            pass  # it is looking already

    def prints(self, jet_id: int) -> bool:
        """Whether the step that runs on a jet has begun on the host."""
        domain = [("jet_id", "=", jet_id), ("state", "=", "running"), ("command_action", "=", "ssh_command")]
        for log in self.people.admin.search_read("cx.tower.command.log", domain, ["state"]):
            if self.people.admin.call("cx.tower.command.log", "read_output", [log["id"]], offset=0)["end"]:
                return True
        return False

    def wait_for(self, jet_id: int, is_so: Callable[[dict], bool]) -> dict:
        give_up = time.monotonic() + LIMIT_S
        names = ["name", "state", "movement", "last_problem"]
        while not is_so(jet := self.people.admin.search_read(JET, [("id", "=", jet_id)], names)[0]):
            if time.monotonic() > give_up:
                raise StoryFailed(f"{jet['name']} is still {jet['state']} after {LIMIT_S} s.")
            self.show_moves()
            time.sleep(POLL_S)
        return jet

    def resume(self, jet_id: int) -> None:
        """The User resumes the interrupted flight plan; then the jet continues on its way."""
        heading(self.console, "The User resumes it")
        resume_run_of(self.people.user, jet_id)
        self.follow_to_running()

    def good(self, text: str) -> None:
        self.console.say(f"{self.console.paint(self.console.tick, 'green')} {text}")


def _text_of(markup: str) -> list[str]:
    """Return the text between the tags of a piece of HTML, a line for each paragraph or list item."""
    text = re.sub(r"<[^>]*>", "", re.sub(r"</(p|li|h1)>", "\n", markup or ""))
    return [line.strip() for line in html.unescape(text).splitlines() if line.strip()]
