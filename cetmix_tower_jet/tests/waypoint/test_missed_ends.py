"""Ends of movements that failed in Tower itself: the cron takes them over, and no waypoint is on its way for ever."""

from unittest.mock import patch

from odoo.addons.cetmix_tower_server.tests.common import slow
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_table import TableCase

LOGGERS = (
    "odoo.addons.cetmix_tower_server.models.run.cx_tower_run_queue",
    "odoo.addons.cetmix_tower_server.models.run.recovery",
    "odoo.addons.cetmix_tower_jet.models.transition.recovery",
    "odoo.addons.cetmix_tower_jet.models.waypoint.flights",
    "odoo.sql_db",
)
TRANSITION, JET, WAYPOINT = "cx.tower.jet.transition", "cx.tower.jet", "cx.tower.jet.waypoint"
#: What may fail when the flight plan of a phase ends: (model, method, ends that call it).
PLACES = {
    "create": [
        (TRANSITION, "_settle_waypoints", ("done", "failed")),
        (WAYPOINT, "_save_variable_values", ("done",)),
        (TRANSITION, "_follow_end", ("done", "failed")),
        (JET, "_on_is_available", ("done", "failed")),
        (JET, "_tell_failure", ("failed",)),
    ],
    "leave": [
        (TRANSITION, "_arrive", ("done",)),
        (WAYPOINT, "_restore_variable_values", ("done",)),
        (TRANSITION, "_settle_waypoints", ("failed",)),
        (TRANSITION, "_follow_end", ("failed",)),
    ],
    "arrive": [
        (TRANSITION, "_settle_waypoints", ("done", "failed")),
        (TRANSITION, "_return_values", ("failed",)),
        (JET, "_on_is_available", ("done", "failed")),
    ],
    "delete": [
        (TRANSITION, "_settle_waypoints", ("done", "failed")),
        (WAYPOINT, "_remove_record", ("done",)),
        (TRANSITION, "_follow_end", ("done", "failed")),
    ],
}
ROUTES = {
    "create": ("prepare", ("create",)),
    "leave": ("flight", ("leave", "arrive")),
    "arrive": ("flight", ("leave", "arrive")),
    "delete": ("delete", ("delete",)),
}


@tagged("post_install", "-at_install")
@slow
class TestMissedEnds(TableCase):
    def places(self):
        for phase, places in PLACES.items():
            for model, method, ends in places:
                for end in ends:
                    yield phase, model, method, end

    def broken(self, model, method):
        """Return a context manager in which a method fails."""
        return patch.object(self.env.registry[model], method, side_effect=RuntimeError("broken"))

    def cron(self):
        self.env[TRANSITION]._continue_missed()
        self.env.flush_all()

    @mute_logger(*LOGGERS)
    def test_the_cron_does_what_the_end_could_not_do(self):
        for phase, model, method, end in self.places():
            with self.subTest(phase=phase, method=method, end=end):
                movement, plans = ROUTES[phase]
                self.begin_until(movement, plans, phase)
                with self.broken(model, method):
                    self.end_phase(end)
                self.assertEqual(self.names(), self.on_the_way(movement, phase), "nothing, or everything")
                self.assertEqual(self.begun.state, "running")
                self.cron()
                if end == "failed":
                    self.assertEqual(self.names(), self.expected(movement, phase))
                    continue
                for _phase in plans[plans.index(phase) + 1 :]:
                    self.end_phase("done")
                self.assert_succeeded(movement)

    @mute_logger(*LOGGERS)
    def test_what_fails_again_and_again_ends_as_a_failure(self):
        for phase, model, method, end in self.places():
            with self.subTest(phase=phase, method=method, end=end):
                movement, plans = ROUTES[phase]
                self.begin_until(movement, plans, phase)
                with self.broken(model, method):
                    self.end_phase(end)
                    self.cron()
                self.assertEqual((self.begun.state, self.jet.movement), ("failed", "problem"))
                self.assertFalse(self.jet.current_transition_id)
                there, here, at, edition = self.names()
                expected = self.expected(movement, phase)
                self.assertEqual((there, here, at), expected[:3])
                if method != "_return_values":
                    self.assertEqual(edition, expected[3])
                self.cron()
                self.assertEqual(self.names()[:3], expected[:3])

    @mute_logger(*LOGGERS)
    def test_an_action_ends_although_the_end_of_the_movement_inside_it_failed(self):
        self._give_plan("Stop")
        for first in ("movement", "action"):
            with self.subTest(first=first):
                self.jet = self._new_jet(first, state="running")
                self._action("Stop").trigger(self.jet)
                action = self.jet.current_transition_id
                waypoint = self._new_waypoint(kind=self.kinds["create",], jet=self.jet)
                inside = waypoint._prepare(waypoint._asking_of_caller(), parent=action)
                if first == "action":
                    self._end_run(action.plan_log_id)
                with self.broken(TRANSITION, "_settle_waypoints"):
                    self._end_run(inside.plan_log_id)
                    self.assertEqual((inside.state, waypoint.state), ("running", "preparing"))
                    self.cron()
                self.assertEqual((inside.state, waypoint.state), ("failed", "error"))
                if first == "movement":
                    self.assertEqual(action.state, "running")
                    self._end_run(action.plan_log_id)
                self.cron()
                self.assertEqual(
                    (action.state, self.jet.state, self.jet.movement), ("done", "stopped", "idle")
                )

    def test_a_movement_whose_run_was_deleted_ends_as_a_failure(self):
        for phase, (movement, plans) in ROUTES.items():
            with self.subTest(phase=phase), mute_logger(*LOGGERS):
                self.begin_until(movement, plans, phase)
                run = self.jet.current_transition_id.plan_log_id
                self.env.cr.execute("DELETE FROM cx_tower_plan_log WHERE id = %s", (run.id,))
                self.env.invalidate_all()
                self.cron()
                self.assertEqual(self.names(), self.expected(movement, phase))
                self.assertEqual(self.begun.state, "failed")

    def test_root_removes_a_waypoint_that_is_on_its_way(self):
        """Forced, without its delete plan: the movement ends as it would have without that waypoint."""
        for end in ("done", "failed"):
            for phase, (movement, plans) in ROUTES.items():
                for gone in ("there", "here") if movement == "flight" else ("there",):
                    with self.subTest(phase=phase, gone=gone, end=end), mute_logger(*LOGGERS):
                        self.begin_until(movement, plans, phase)
                        removed = getattr(self, gone).with_user(self.root)
                        self.assertTrue(removed.with_context(waypoint_force_delete=True).unlink())
                        self.env.invalidate_all()
                        self.end_phase(end)
                        while self.jet.current_transition_id:
                            self.end_phase("done")
                        left = (self.there | self.here).exists()
                        self.assertLessEqual(set(left.mapped("state")), {"ready", "current", "error"})
                        self.assertFalse(left.filtered("is_destination"))
                        current = left.filtered(lambda one: one.state == "current")
                        self.assertLessEqual(current, self.jet.waypoint_id)
                        # the new set or the old one
                        arrived = gone == "here" and end == "done"
                        wanted = "old" if arrived and movement == "flight" else "new"
                        self.assertEqual(self._edition(), wanted)
