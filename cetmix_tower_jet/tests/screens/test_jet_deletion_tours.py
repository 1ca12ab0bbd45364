from odoo.tests import tagged

from .test_jet_tours import JetTourCase


class JetDeletionTourCase(JetTourCase):
    """A jet whose waypoint keeps something on its host is deleted on its form."""

    def setUp(self):
        super().setUp()
        plan = self.env["cx.tower.plan"].search([("name", "=", "Tour plan")])
        kind = self.env["cx.tower.jet.waypoint.template"].create(
            {
                "name": "Backup",
                "jet_template_id": self.jet.jet_template_id.id,
                "plan_delete_id": plan.id,
            }
        )
        self.waypoint = self.env["cx.tower.jet.waypoint"].create(
            {"name": "Tour backup", "jet_id": self.jet.id, "waypoint_template_id": kind.id}
        )
        self.waypoint.prepare()

    def delete(self, tour):
        login = self.people["root"].login
        self.start_tour(f"/odoo/cetmix_tower_jets/{self.jet.id}", tour, login=login, timeout=120)


@tagged("post_install", "-at_install")
class TestJetDeletionTours(JetDeletionTourCase):
    def test_the_delete_plans_run_first(self):
        self.delete("cetmix_tower_jet_delete_with_waypoints")
        self.assertFalse(self.waypoint.exists())
        self.assertEqual(self.jet.deletion_user_id, self.people["root"])
        self.env["cx.tower.jet.transition"]._cron_look_after_jets()
        self.assertFalse(self.jet.exists())

    def test_it_stays_on_the_host(self):
        self.delete("cetmix_tower_jet_delete_leaving_waypoints")
        self.assertFalse(self.jet.exists() or self.waypoint.exists())


@tagged("post_install", "-at_install")
class TestJetDeletionToursOnAPhone(JetDeletionTourCase):
    browser_size = "420x900"

    def test_the_delete_plans_run_first(self):
        self.delete("cetmix_tower_jet_delete_with_waypoints")
        self.assertFalse(self.waypoint.exists())
