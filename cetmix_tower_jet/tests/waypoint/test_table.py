"""The tables of waypoints, row by row: every movement, with and without each flight plan, with every end of it, and resumed."""

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import html2plaintext, mute_logger

from .waypoint_case import WaypointCase

#: Ends of a flight plan that are no success: how the transition ends.
BAD_ENDS = ("failed", "stopped", "interrupted")
EXIT_CODES = {"done": 0, "failed": 7, "interrupted": -209}
#: For each movement, the phases that have a flight plan: of which of the four.
ROUTES = {
    "prepare": [(), ("create",)],
    "delete": [(), ("delete",)],
    # from another waypoint, or from none
    "flight": [(), ("leave",), ("arrive",), ("leave", "arrive")],
    "first flight": [(), ("arrive",)],
}
SPLITS = [(name, plans) for name, routes in ROUTES.items() for plans in routes]
ON_THE_WAY = ("preparing", "arriving", "leaving")


class TableCase(WaypointCase):
    """A jet with the value *new*; the waypoint *There* has saved *old*; *Here*, if any, is the current one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        plans = {
            step: cls._new_plan(f"{step} it", [cls.step], access_level="3")
            for step in ("create", "arrive", "leave", "delete")
        }
        cls.kinds = {
            wanted: cls._new_type(
                " and ".join(wanted) or "Nothing", **{f"plan_{step}_id": plans[step].id for step in wanted}
            )
            for _movement, wanted in SPLITS
        }

    def begin(self, movement, plans):
        """Begin a movement. Sets ``here``, ``there`` and ``begun``, the transition."""
        kind = self.kinds[plans]
        self.jet = self._new_jet(f"{movement} {plans}", state="running", managers=self.manager)
        self.here = self.env["cx.tower.jet.waypoint"]
        self._set_edition("old")
        if movement == "prepare":
            self.there = self._new_waypoint("There", kind, self.jet)
            self._set_edition("new")
            self.there.prepare()
        else:
            self.there = self._new_ready("There", kind, self.jet)
            if movement == "flight":
                self.here = self._new_current("Here", kind, jet=self.jet)
            self._set_edition("new")
            self.there.unlink() if movement == "delete" else self.there.fly_to()
        self.begun = self.jet.transition_ids.filtered("waypoint_movement").sorted("id")[-1]

    def end_phase(self, end):
        """End the flight plan that the jet is busy with."""
        if end == "stopped":
            self.jet.stop()
        else:
            self._end_action(self.jet, EXIT_CODES[end])

    def names(self):
        """Return what can be seen of the waypoints and the jet: the states of There and Here, where the jet is, its value."""
        self.env.flush_all()
        self.env.invalidate_all()
        there = self.there.exists()
        self.assertEqual(there.is_destination, there.state == "arriving")
        self.assertFalse(self.here.is_destination)
        where = {self.there: "There", self.here: "Here"}
        at = where[self.jet.waypoint_id] if self.jet.waypoint_id else None
        return there.state or "gone", self.here.state or None, at, self._edition()

    def expected(self, movement, phase=None):
        """Return what :meth:`names` returns after a success, or after a bad end of the plan of a phase."""
        here = "Here" if movement == "flight" else None
        if phase is None:
            return {
                "prepare": ("ready", None, None, "new"),
                "delete": ("gone", None, None, "new"),
                "flight": ("current", "ready", "There", "old"),
                "first flight": ("current", None, "There", "old"),
            }[movement]
        return {
            "create": ("error", None, None, "new"),
            "delete": ("deleting", None, None, "new"),
            "leave": ("ready", "error", here, "new"),
            "arrive": ("error", here and "current", here, "new"),
        }[phase]

    def on_the_way(self, movement, phase):
        return {
            "create": ("preparing", None, None, "new"),
            "delete": ("deleting", None, None, "new"),
            "leave": ("arriving", "leaving", "Here", "new"),
            "arrive": (
                "arriving",
                "ready" if movement == "flight" else None,
                "Here" if movement == "flight" else None,
                "old",
            ),
        }[phase]

    def assert_succeeded(self, movement):
        self.assertEqual(self.names(), self.expected(movement))
        self.assertEqual(
            (self.jet.movement, self.jet.state, self.jet.last_problem), ("idle", "running", False)
        )
        self.assertFalse(self.jet.current_transition_id)
        self.assertFalse(self.there.exists().problem or self.here.problem)

    def situations(self):
        """Yield (movement, plans, phase, end) for each bad end of each flight plan."""
        for movement, plans in SPLITS:
            for phase in plans:
                for end in BAD_ENDS:
                    yield movement, plans, phase, end

    def begin_until(self, movement, plans, phase):
        """Begin a movement and let it succeed until the flight plan of this phase runs."""
        self.begin(movement, plans)
        for _before in plans[: plans.index(phase)]:
            self.end_phase("done")
        self.assertEqual(self.names(), self.on_the_way(movement, phase))
        self.assertEqual(self.jet.movement, "busy")


@tagged("post_install", "-at_install")
class TestTable(TableCase):
    def test_success(self):
        for movement, plans in SPLITS:
            with self.subTest(movement=movement, plans=plans):
                self.begin(movement, plans)
                for phase in plans:
                    self.assertEqual(self.names(), self.on_the_way(movement, phase))
                    self.end_phase("done")
                self.assert_succeeded(movement)
                self.assertEqual((self.begun.state, self.begun.exit_code), ("done", 0))
                saved = {"prepare": self.there, "flight": self.here}.get(movement)
                if saved:
                    self.assertEqual(saved.variable_values, {"edition": "new"})
                    self.assertTrue(saved.ready_date)

    @mute_logger("odoo.sql_db")
    def test_every_bad_end_of_every_plan_and_resuming_it(self):
        for movement, plans, phase, end in self.situations():
            with self.subTest(movement=movement, plans=plans, phase=phase, end=end):
                self.begin_until(movement, plans, phase)
                run = self.jet.current_transition_id.plan_log_id
                self.end_phase(end)
                self.assertEqual(self.names(), self.expected(movement, phase))
                self.assertEqual(
                    (self.begun.state, self.jet.movement, self.jet.state), (end, "problem", "running")
                )
                blamed = self.here if phase == "leave" else self.there
                other = self.there if phase == "leave" else self.here
                self.assertTrue(blamed.problem)
                self.assertFalse(other.problem)
                # everybody who sees the jet reads this: it says nothing of what is in the run
                self.assertIn("See the waypoint", self.jet.last_problem)
                # the chatter says it once, not as the reason of itself
                chatter = html2plaintext(self.jet.message_ids[0].body)
                self.assertEqual(chatter, self.jet.last_problem)
                self.resume_to_the_end(movement, plans, phase, run)

    def resume_to_the_end(self, movement, plans, phase, run):
        # what people changed meanwhile is the value from before the flight
        run.resume()
        self.assertEqual(self.names(), self.on_the_way(movement, phase))
        self.assertEqual(self.jet.current_transition_id.resumes_id, self.begun)
        for _phase in plans[plans.index(phase) :]:
            self.end_phase("done")
        self.assert_succeeded(movement)

    @mute_logger("odoo.sql_db")
    def test_a_second_bad_end_after_resuming_leads_where_the_first_one_did(self):
        for movement, plans, phase, end in self.situations():
            if end != "interrupted":
                continue
            with self.subTest(movement=movement, plans=plans, phase=phase):
                self.begin_until(movement, plans, phase)
                run = self.jet.current_transition_id.plan_log_id
                self.end_phase("interrupted")
                run.resume()
                self.end_phase("failed")
                self.assertEqual(self.names(), self.expected(movement, phase))

    def test_trying_again_without_resuming(self):
        """Reset and prepare again, reset and fly again, delete again."""
        for movement, plans, phase, end in self.situations():
            if end != "failed":
                continue
            with self.subTest(movement=movement, plans=plans, phase=phase):
                self.begin_until(movement, plans, phase)
                self.end_phase("failed")
                if movement == "delete":
                    self.there.unlink()
                    self.end_phase("done")
                    self.assert_succeeded(movement)
                    continue
                blamed = self.here if phase == "leave" else self.there
                self.assertEqual(blamed.reset()["state"], "current" if phase == "leave" else "draft")
                self.assertFalse(blamed.problem)
                if phase == "arrive":
                    continue
                again = self.there.fly_to if phase == "leave" else self.there.prepare
                again()
                for _phase in plans:
                    self.end_phase("done")
                self.assert_succeeded(movement)

    def test_what_each_state_allows(self):
        """Buttons by state: everything else is refused with the reason, and nothing changes."""
        allowed = {
            "draft": {"prepare", "unlink"},
            "preparing": set(),
            "ready": {"fly_to", "unlink"},
            "error": {"reset", "unlink"},
            "arriving": set(),
            "leaving": set(),
            "current": set(),
            "deleting": {"unlink"},
            "deleted": {"unlink"},
        }
        for state, possible in allowed.items():
            for method in ("prepare", "fly_to", "reset", "unlink"):
                with self.subTest(state=state, method=method), self.env.cr.savepoint() as savepoint:
                    waypoint = self._new_waypoint()
                    waypoint._write_by_movement({"state": state})
                    if state == "current":
                        self.jet._write_moves({"waypoint_id": waypoint.id})
                    works = self.works(getattr(waypoint, method))
                    self.assertEqual(works, method in possible)
                    if not works:
                        self.assertEqual(waypoint.state, state)
                        self.assertFalse(self.jet.current_transition_id)
                    savepoint.rollback()

    def works(self, method):
        try:
            with self.env.cr.savepoint():
                method()
        except UserError as error:
            self.assertIn("“", str(error), "the reason names the waypoint or the jet")
            return False
        return True
