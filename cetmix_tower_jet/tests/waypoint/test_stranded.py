from odoo.tests import tagged
from odoo.tools import mute_logger

from .waypoint_case import WaypointCase


@tagged("post_install", "-at_install")
class TestStranded(WaypointCase):
    """Waypoints that are on their way without a movement, and waypoints on the health page."""

    def _lose(self):
        """End the movement of the jet behind Tower's back."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE cx_tower_jet_transition SET state = 'failed' WHERE state = 'running';"
            "UPDATE cx_tower_jet SET current_transition_id = NULL, movement = 'idle'"
        )
        self.env.invalidate_all()

    @mute_logger("odoo.addons.cetmix_tower_jet.models.waypoint.recovery")
    def _look_after(self):
        self.env["cx.tower.jet.transition"]._cron_look_after_jets()

    def test_one_that_was_preparing_is_in_error(self):
        waypoint = self._new_waypoint(kind=self.planned)
        waypoint.prepare()
        self._lose()
        self._look_after()
        self.assertEqual(waypoint.state, "error")
        self.assertTrue(waypoint.problem)

    def test_a_flight_that_was_leaving(self):
        there, here = self._new_ready("There", self.planned), self._new_current("Here", self.planned)
        there.fly_to()
        self._lose()
        self._look_after()
        self.assertEqual((here.state, there.state, self.jet.waypoint_id), ("error", "ready", here))

    def test_a_flight_that_was_arriving_gets_its_values_back(self):
        self._set_edition("old")
        there, here = self._new_ready("There", self.planned), self._new_current("Here")
        self._set_edition("new")
        there.fly_to()
        self.assertEqual(self._edition(), "old")
        self._lose()
        self._look_after()
        self.assertEqual((here.state, there.state, self._edition()), ("current", "error", "new"))

    def test_one_that_was_being_deleted_says_that_it_was_not(self):
        waypoint = self._new_ready(kind=self.planned)
        waypoint.unlink()
        self._lose()
        self._look_after()
        self.assertEqual(waypoint.state, "deleting")
        self.assertIn("ended without it", waypoint.problem)

    def test_without_a_history_it_is_in_error(self):
        waypoint = self._new_waypoint(kind=self.planned)
        waypoint._set_state("leaving")
        self._look_after()
        self.assertEqual(waypoint.state, "error")

    def test_those_with_a_movement_are_left_alone(self):
        there, here = self._new_ready("There", self.planned), self._new_current("Here", self.planned)
        there.fly_to()
        self._look_after()
        self.assertEqual((here.state, there.state), ("leaving", "arriving"))

    def test_the_health_page_names_those_that_need_attention(self):
        def check():
            found = self.env["cetmix.tower"].with_user(self.manager).get_health()["checks"]
            [one] = [one for one in found if one["name"] == "waypoints"]
            return one["status"], one["value"]

        self.jet.manager_ids = self.manager
        waypoint = self._new_ready(kind=self.planned)
        waypoint.unlink()
        self.assertEqual(check(), ("ok", 0))
        self._end_action(self.jet, 7)
        self.assertEqual(check(), ("warning", 1))
        opened = self.env["cetmix.tower"].with_user(self.manager).open_health_check("waypoints")
        self.assertEqual(self.env["cx.tower.jet.waypoint"].search(opened["domain"]), waypoint)
