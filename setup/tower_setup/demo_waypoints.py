"""Waypoints: an application returns from an update that broke it, and keeps its last three backups."""

import time
from typing import TYPE_CHECKING

from .demo_new_server import StoryFailed, heading

if TYPE_CHECKING:
    from .demo_jets import Story

JET = "cx.tower.jet"
WAYPOINT = "cx.tower.jet.waypoint"
KIND = "demo_jet_backup"
TASK = "demo_jet_nightly_backup"
NIGHTS = 4
KEPT = 3
LIMIT_S = 60
POLL_S = 0.2


def tell_of_waypoints(story: "Story", jet_id: int) -> None:
    """Tell how a running application is brought back to where it was before an update.

    :param jet_id: the application
    :raise StoryFailed: something is not as it should be
    """
    waypoints = Waypoints(story, jet_id)
    heading(story.console, "A waypoint before the update")
    before = waypoints.create("Before the update")
    heading(story.console, "The update breaks the application")
    story.trigger("Update", jet_id)
    story.visit(jet_id, expected=500)
    heading(story.console, "Fly here: what would change, then back to “Before the update”")
    waypoints.show_changes(before)
    waypoints.fly_to(before)
    page = story.visit(jet_id)
    if "Edition: Classic. Guests: Ada, Grace." not in page:
        raise StoryFailed("The application is not as it was before the update.")
    heading(story.console, f"{NIGHTS} nights: a scheduled task makes waypoints and keeps the last {KEPT}")
    waypoints.let_nights_pass()


class Waypoints:
    """The waypoints of a jet, in the hands of the Manager.

    :param jet_id: the jet
    """

    def __init__(self, story: "Story", jet_id: int):
        self.story, self.jet_id = story, jet_id
        self.manager = story.people.manager

    def create(self, name: str) -> int:
        """Create a waypoint and prepare it. :return: its id"""
        kind = self.manager.search_read(f"{WAYPOINT}.template", [("reference", "=", KIND)], ["name"])[0]
        vals = {"name": name, "jet_id": self.jet_id, "waypoint_template_id": kind["id"]}
        (waypoint,) = self.manager.call(WAYPOINT, "create", vals_list=[vals])
        self.manager.call(WAYPOINT, "prepare", [waypoint])
        self.story.follow_to_running()
        row = self._read(waypoint)
        self._require(row, "ready")
        self.story.good(f"{name}: {row['state']}. It notes: {row['metadata']}")
        return waypoint

    def show_changes(self, waypoint: int) -> None:
        """Print what a flight to a waypoint would change."""
        found = self.manager.call(WAYPOINT, "compare", [waypoint])
        for kind, signs in (("removed", "-"), ("added", "+")):
            for name, value in found["variables"][kind].items():
                self.story.console.say(f"  {signs} {name} = {value}")
        for name, (now, then) in found["variables"]["changed"].items():
            self.story.console.say(f"  ~ {name} = {now} → {then}")

    def fly_to(self, waypoint: int) -> None:
        """Fly to a waypoint and wait for the arrival."""
        self.manager.call(WAYPOINT, "fly_to", [waypoint])
        self.story.follow_to_running()
        row = self._read(waypoint)
        self._require(row, "current")
        self.story.good(f"The jet is at “{row['name']}”")

    def let_nights_pass(self) -> None:
        """Run the nightly task several times, and show what it leaves.

        :raise StoryFailed: other waypoints than the last three are left
        """
        admin = self.story.people.admin
        domain = [("reference", "=", TASK), ("active", "in", [True, False])]
        task = admin.search_read("cx.tower.scheduled.task", domain, ["name"])[0]
        admin.call(
            "cx.tower.scheduled.task", "write", [task["id"]], vals={"jet_ids": [[6, 0, [self.jet_id]]]}
        )
        for _night in range(NIGHTS):
            started = admin.call("cx.tower.scheduled.task", "run", [task["id"]])
            logs = [log["id"] for log in started["logs"]]
            self._wait_until(lambda logs=logs: self._ended(logs), "a waypoint")
        self._wait_until(
            lambda: len(self._of_task()) == KEPT and not self.story.show_moves(), "the last three"
        )
        for row in self._of_task():
            self.story.good(f"{row['name']}: {row['state']}")

    def last(self) -> int:
        """Return the id of the last waypoint that the nightly task has made."""
        return self._of_task()[0]["id"]

    def _ended(self, logs: list[int]) -> bool:
        """Whether these runs of commands have ended. :raise StoryFailed: one of them failed"""
        self.story.show_moves()
        names = ["state", "message"]
        rows = self.story.people.admin.search_read("cx.tower.command.log", [("id", "in", logs)], names)
        failed = [row for row in rows if row["state"] in ("failed", "stopped", "interrupted")]
        if failed:
            raise StoryFailed(failed[0]["message"])
        return all(row["state"] == "done" for row in rows)

    def _of_task(self) -> list[dict]:
        domain = [("jet_id", "=", self.jet_id), ("created_from_command_log_id", "!=", False)]
        return self.manager.search_read(WAYPOINT, domain, ["name", "state"], order="id desc")

    def _wait_until(self, is_so, what: str) -> None:
        give_up = time.monotonic() + LIMIT_S
        while not is_so():
            if time.monotonic() > give_up:
                raise StoryFailed(f"Waiting for {what} took too long.")
            time.sleep(POLL_S)

    def _read(self, waypoint: int) -> dict:
        names = ["name", "state", "metadata", "problem"]
        return self.manager.search_read(WAYPOINT, [("id", "=", waypoint)], names)[0]

    def _require(self, row: dict, state: str) -> None:
        if row["state"] != state:
            raise StoryFailed(f"“{row['name']}” is {row['state']}, not {state}: {row['problem'] or ''}")
