"""Clones and transfers: an application is cloned next to itself, and moves to another server although Tower is killed."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .demo_new_server import StoryFailed, heading
from .demo_runs import resume_run_of
from .demo_waypoints import Waypoints
from .rpc import RpcError

if TYPE_CHECKING:
    from .demo_jets import Story

JET = "cx.tower.jet"
TRANSFER = "cx.tower.jet.transfer"
TRANSITION = "cx.tower.jet.transition"
MONITOR = "demo_jet_monitor"
APPLICATION = "demo_jet_application"
LIMIT_S = 180
POLL_S = 0.2


def tell_of_clones(story: "Story", shop: int, blog: int, restart: Callable[[], None]) -> None:
    """Tell how an application is cloned, and how another one is transferred while Tower is killed.

    :param shop: running application that has waypoints
    :param blog: another one
    :param restart: kills Tower and starts it again
    :raise StoryFailed: something is not as it should be
    """
    clones = Clones(story)
    clones.clone(shop)
    story.install(MONITOR, story.server)
    monitor = story.launch("Monitor of the blog", MONITOR)
    clones.link(monitor, blog)
    story.follow_to_running()
    story.install(APPLICATION, story.other_server)
    clones.kill_in_the_middle(shop, blog, restart)
    clones.finish(shop, blog, monitor)


class Clones:
    """What the Manager does with clones and transfers."""

    def __init__(self, story: "Story"):
        self.story, self.manager = story, story.people.manager
        self.transfer_id = 0

    def clone(self, jet_id: int) -> None:
        """Clone a running application next to itself."""
        name = self._jet(jet_id)["name"]
        heading(self.story.console, f"{name} is cloned next to itself")
        (clone,) = self.manager.call(JET, "clone", [jet_id], name=f"{name} clone", copy_values=True)
        self.story.follow_to_running()
        for one in (jet_id, clone):
            self.story.visit(one)

    def link(self, dependant: int, jet_id: int) -> None:
        """Let a jet depend on a certain one."""
        domain = [("jet_id", "=", dependant)]
        (link,) = self.manager.search_read("cx.tower.jet.dependency", domain, ["jet_depends_on_id"])
        vals = {"jet_depends_on_id": jet_id}
        self.manager.call("cx.tower.jet.dependency", "write", [link["id"]], vals=vals)

    def kill_in_the_middle(self, flying: int, moving: int, restart: Callable[[], None]) -> None:
        """Begin a flight and a transfer, kill Tower when both work on their hosts, and start it again."""
        story, names = self.story, [self._jet(jet)["name"] for jet in (flying, moving)]
        title = f"{names[0]} flies to its last waypoint, {names[1]} moves to {story.other_server['name']}; kill -9"
        heading(story.console, title)
        waypoints = Waypoints(story, flying)
        self.manager.call("cx.tower.jet.waypoint", "fly_to", [waypoints.last()])
        begun = self.manager.call(
            JET, "transfer", [moving], server=story.other_server["reference"], destroy_original=True
        )
        self.transfer_id, new = begun["transfer"], begun["new_jet_id"]
        self._wait_until(lambda: story.prints(flying) and story.prints(new), "both to work on their hosts")
        story.show_moves()
        restart()
        story.console.say(
            "  Tower finds the interrupted runs when the lease of the dead process has ended (30 s)."
        )
        self._wait_until(lambda: self._interrupted(flying, new), "both to be interrupted")
        for jet in (flying, new):
            story.good(f"{self._jet(jet)['name']} says why: {self._last(jet)['message']}")
        row = self._transfer()
        story.good(f"The transfer is {row['state']}; {names[1]} still runs on {story.server['name']}")
        story.visit(moving)

    def finish(self, flying: int, moving: int, monitor: int) -> None:
        """Resume both, and look at what has become of them."""
        story = self.story
        heading(story.console, "The Manager resumes both")
        new = self._transfer()["new_jet_id"][0]
        for jet in (flying, new):
            resume_run_of(self.manager, jet)
        self._wait_until(
            lambda: not story.show_moves() and self._transfer()["state"] == "done", "the transfer"
        )
        waypoint = self._jet(flying)["waypoint_id"]
        story.good(f"{self._jet(flying)['name']} is at “{waypoint[1]}”")
        story.visit(flying)
        jet = self._jet(new)
        story.good(
            f"{jet['name']} runs on {jet['server_id'][1]}; what was left of it on {story.server['name']} is destroyed"
        )
        story.visit(new)
        (link,) = self.manager.search_read(
            "cx.tower.jet.dependency", [("jet_id", "=", monitor)], ["jet_depends_on_id"]
        )
        if link["jet_depends_on_id"][0] != new:
            raise StoryFailed("The monitor does not follow the application.")
        story.good("The monitor follows it there")

    # ------------------------------------------------------------------ facts

    def _interrupted(self, *jets: int) -> bool:
        self.story.show_moves()
        if all(self._last(jet)["state"] == "interrupted" for jet in jets):
            return True
        self.story.look_for_lost_runs()
        return False

    def _last(self, jet_id: int) -> dict:
        names = ["state", "message"]
        return self.story.people.admin.search_read(
            TRANSITION, [("jet_id", "=", jet_id)], names, order="id desc", limit=1
        )[0]

    def _jet(self, jet_id: int) -> dict:
        names = ["name", "state", "server_id", "waypoint_id"]
        return self.manager.search_read(JET, [("id", "=", jet_id)], names)[0]

    def _transfer(self) -> dict:
        names = ["state", "message", "new_jet_id"]
        return self.manager.search_read(TRANSFER, [("id", "=", self.transfer_id)], names)[0]

    def _wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        give_up = time.monotonic() + LIMIT_S
        while True:
            try:
                if is_so():
                    return
            except RpcError:
                if time.monotonic() > give_up:
                    raise
            if time.monotonic() > give_up:
                raise StoryFailed(f"Waiting for {what} took longer than {LIMIT_S} s.")
            time.sleep(POLL_S)
