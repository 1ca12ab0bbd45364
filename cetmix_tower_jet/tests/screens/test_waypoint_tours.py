from odoo.tests import tagged

from .test_jet_tours import JetTourCase


class WaypointTourCase(JetTourCase):
    """People create waypoints on the form of a jet, prepare them, fly to them, reset and delete them."""

    def setUp(self):
        super().setUp()
        env = self.env
        template = self.jet.jet_template_id
        template.manager_ids = self.people["manager"]
        command = env["cx.tower.command"].search([("name", "=", "Tour step")])
        plan = env["cx.tower.plan"].create(
            {"name": "Tour backup plan", "line_ids": [(0, 0, {"command_id": command.id})]}
        )
        self.kind = env["cx.tower.jet.waypoint.template"].create(
            {"name": "Tour backup", "jet_template_id": template.id, "plan_create_id": plan.id}
        )

    def _new_waypoint(self, name, person):
        Waypoint = self.env["cx.tower.jet.waypoint"].with_user(person)
        return Waypoint.create(
            {"name": name, "jet_id": self.jet.id, "waypoint_template_id": self.kind.id}
        ).sudo()

    def _states(self):
        return {waypoint.name: waypoint.state for waypoint in self.jet.waypoint_ids}

    def _walk_waypoints(self, level, tour="cetmix_tower_jet_waypoints"):
        self._new_waypoint("Tour broken", self.people[level])._set_state("error", "The disk is full.")
        self.walk(level, tour)
        self.env.invalidate_all()
        self.assertEqual(self._states(), {"Tour first": "current"})
        self.assertEqual(self.jet.waypoint_id.name, "Tour first")


@tagged("post_install", "-at_install")
class TestWaypointTours(WaypointTourCase):
    def test_manager(self):
        self._walk_waypoints("manager")

    def test_root(self):
        self._walk_waypoints("root")

    def test_keys(self):
        self._new_waypoint("Tour keys", self.people["manager"])
        self.walk("manager", "cetmix_tower_jet_waypoints_keys")
        self.env.invalidate_all()
        self.assertEqual(self._states(), {"Tour keys": "current"})


@tagged("post_install", "-at_install")
class TestWaypointToursOnAPhone(WaypointTourCase):
    browser_size = "420x900"

    def test_manager(self):
        self._walk_waypoints("manager", "cetmix_tower_jet_waypoints_phone")
