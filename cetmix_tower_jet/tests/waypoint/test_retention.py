from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .waypoint_case import WaypointCase


@tagged("post_install", "-at_install")
class TestRetention(WaypointCase):
    """Waypoints of which there are enough newer ones are deleted with their delete plans."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plain.keep_last = 2
        cls.planned.keep_last = 2

    def _make(self, count, kind=None, **values):
        """Create ready waypoints, the oldest first; as if nothing had been deleted so far."""
        kept, kind = (kind or self.planned).keep_last, kind or self.planned
        kind.keep_last = 0
        waypoints = self.env["cx.tower.jet.waypoint"]
        for number in range(count):
            waypoints |= self._new_ready(f"W{number}", kind if kind != self.plain else None, **values)
            self._age(waypoints[-1], count - number)
        kind.keep_last = kept
        return waypoints

    def _age(self, waypoint, hours):
        waypoint._write_by_movement({"ready_date": fields.Datetime.now() - timedelta(hours=hours)})

    def _restart(self):
        """Let an action come and go."""
        self._action("Restart").trigger(self.jet)

    def _deletions(self):
        return self.jet.transition_ids.filtered(lambda one: one.source == "upkeep")

    def test_without_delete_plans_the_older_ones_go_at_once(self):
        waypoints = self._make(40, self.plain)
        self._restart()
        self.assertEqual(waypoints.exists(), waypoints[-2:])
        self.assertEqual(self._deletions().mapped("state"), ["done"] * 38)

    def test_with_delete_plans_they_go_one_after_the_other_the_oldest_first(self):
        waypoints = self._make(4)
        self._restart()
        self.assertEqual(waypoints.mapped("state"), ["deleting", "ready", "ready", "ready"])
        self.assertEqual(self.jet.movement, "busy")
        self._end_action(self.jet)
        self.assertEqual(waypoints.exists().mapped("state"), ["deleting", "ready", "ready"])
        self._end_action(self.jet)
        self.assertEqual((waypoints.exists(), self.jet.movement), (waypoints[-2:], "idle"))

    def test_nothing_happens_where_all_are_kept(self):
        self.planned.keep_last = 0
        waypoints = self._make(4)
        self._restart()
        self.assertEqual(set(waypoints.mapped("state")), {"ready"})

    def test_kept_ones_and_the_current_one_stay(self):
        waypoints = self._make(4)
        waypoints[0].keep = True
        self.jet._write_moves({"waypoint_id": waypoints[1].id})
        waypoints[1]._set_state("current")
        self._restart()
        self.assertEqual(set(waypoints.mapped("state")), {"ready", "current"})
        self.planned.keep_last = 1
        self._restart()
        self._end_action(self.jet)
        self.assertEqual(waypoints.exists(), waypoints - waypoints[2])

    def test_the_one_that_was_just_left_is_the_newest(self):
        waypoints = self._make(3, self.plain)
        old = waypoints[0]
        self.plain.keep_last = 0
        old.fly_to()
        self.plain.keep_last = 2
        self._restart()
        self.assertEqual(len(waypoints.exists()), 3)
        self._new_ready("Other", self.planned).fly_to()
        self._end_action(self.jet)
        self.assertEqual(waypoints.exists(), old | waypoints[2])

    def test_types_count_by_themselves(self):
        waypoints, others = self._make(2), self._make(2, self.plain)
        self._restart()
        self.assertEqual((waypoints.exists(), others.exists()), (waypoints, others))

    def test_the_preparation_of_a_new_one_leads_there(self):
        waypoints = self._make(2, self.plain)
        self._new_waypoint("New").prepare()
        self.assertEqual(waypoints.exists(), waypoints[1])

    def test_a_failure_is_on_the_waypoint_and_leaves_the_jet_as_it_was(self):
        waypoints = self._make(4)
        self._give_plan("Restart")
        self._restart()
        self._end_action(self.jet, 7)
        problem = self.jet.last_problem
        self.assertIn("exit code 7", problem)
        self.assertEqual(self.jet.current_transition_id.source, "upkeep")
        messages = len(self.jet.message_ids)
        self._end_action(self.jet, 5, "no such file")
        self._end_action(self.jet)
        self.assertEqual(waypoints.exists().mapped("state"), ["deleting", "ready", "ready"])
        self.assertIn("exit code 5", waypoints[0].problem)
        self.assertEqual((self.jet.movement, self.jet.last_problem), ("problem", problem))
        self.assertEqual(len(self.jet.message_ids), messages)
        self._action("Start").trigger(self.jet)
        self.assertEqual((self.jet.state, self.jet.movement), ("running", "idle"))
        self.assertEqual(waypoints[0].state, "deleting", "it is not tried again by itself")

    def test_a_deletion_that_cannot_start_does_not_hold_up_the_others(self):
        waypoints = self._make(12)
        refuse = patch.object(type(self.jet), "_create_plan_runs", side_effect=UserError("no host"))
        with refuse, mute_logger("odoo.addons.cetmix_tower_jet.models.transition.moving"):
            self._restart()
        self.assertEqual(waypoints.mapped("state"), ["deleting"] * 10 + ["ready"] * 2)
        self.assertIn("no host", waypoints[0].problem)
        self.assertEqual(self.jet.movement, "idle")

    def test_an_action_can_be_resumed_after_it(self):
        self._make(3)
        self._give_plan("Restart")
        self._restart()
        run = self.jet.current_transition_id.plan_log_id
        self._end_action(self.jet, -209)
        self.assertEqual((self.jet.state, self.jet.current_transition_id.source), ("stopped", "upkeep"))
        self._end_action(self.jet)
        run.resume()
        self.assertEqual(self.jet.state, "restarting")
        self._end_action(self.jet)
        self.assertEqual(self.jet.state, "running")

    def test_a_deletion_that_was_interrupted_can_be_resumed(self):
        waypoints = self._make(3)
        self._restart()
        run = self.jet.current_transition_id.plan_log_id
        self._end_action(self.jet, -209)
        self.assertEqual((waypoints[0].state, self.jet.movement), ("deleting", "idle"))
        self._restart()
        run.resume()
        self.assertEqual(self.jet.current_transition_id.source, "upkeep")
        self._end_action(self.jet)
        self.assertEqual((waypoints.exists(), self.jet.movement), (waypoints[1:], "idle"))

    def test_an_end_that_fails_leaves_the_jet_as_it_was(self):
        waypoints = self._make(3)
        self._restart()
        self.jet.current_transition_id._end_without_following(ValueError())
        self.assertEqual((waypoints[0].state, self.jet.movement), ("deleting", "idle"))
        self.assertFalse(self.jet.last_problem)

    def test_it_happens_in_the_name_of_the_person_whose_movement_ended(self):
        self.jet.user_ids = self.user
        self._make(3)
        self._action("Restart").with_user(self.user).trigger(self.jet)
        self.assertEqual(self._deletions().user_id, self.user)

    def test_it_happens_although_that_person_has_left(self):
        self.template.manager_ids = self.manager
        waypoints = self._make(4, person=self.manager)
        self.jet.user_ids = self.user
        self._give_plan("Restart")
        self._action("Restart").with_user(self.user).trigger(self.jet)
        self.user.active = False
        self._end_action(self.jet)
        self.assertEqual((self._deletions().user_id, waypoints[0].state), (self.manager, "deleting"))

    def test_nobody_is_notified(self):
        self._make(3)
        told = []
        self.patch(
            type(self.env["res.users"]), "_bus_send", lambda user, kind, message, **kw: told.append(kind)
        )
        self._restart()
        before = len([kind for kind in told if "notif" in kind])
        self._end_action(self.jet, 7)
        self.assertEqual(len([kind for kind in told if "notif" in kind]), before)

    def test_jets_without_such_types_cost_one_query(self):
        (self.plain | self.planned).keep_last = 0
        self._new_ready()
        self.env.flush_all()
        with self.assertQueryCount(1):
            self.jet._upkeep()

    def test_deleting_several_where_others_are_superfluous(self):
        """What one deletion makes superfluous does not prevent the next one."""
        waypoints = self._make(4, self.plain)
        self.plain.keep_last = 1
        (waypoints[3] | waypoints[0]).unlink()
        self.assertEqual(waypoints.exists(), waypoints[2])

    def test_deleting_several_before_superfluous_ones_with_a_plan(self):
        self.plain.keep_last = 0
        plain = self._make(2, self.plain)
        planned = self._make(3)
        self.assertTrue(plain.unlink())
        self.assertEqual((planned.mapped("state"), plain.exists().ids), (["deleting", "ready", "ready"], []))
