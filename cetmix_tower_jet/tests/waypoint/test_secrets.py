from odoo.addons.cetmix_tower_server.engine.masking.in_use import secrets_in_use
from odoo.addons.cetmix_tower_server.engine.masking.masker import Masker
from odoo.addons.cetmix_tower_server.engine.secret import Secret
from odoo.tests import tagged

from .waypoint_case import WaypointCase

SECRET = "s3cr3t-of-the-backup"
NAMED = "#!cxtower.secret.backup!#"


@tagged("post_install", "-at_install")
class TestSecrets(WaypointCase):
    """Secrets in the flight plans of waypoints do not become readable."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].sudo().set_param("cetmix_tower_server.backend", "inline")
        cls.env["cx.tower.key"].create(
            {"name": "Backup", "reference": "backup", "key_type": "s", "secret_value": SECRET}
        )

    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())

    def prepare_with(self, code):
        """Prepare a waypoint whose create plan is this Python code. :return: waypoint, log of the code"""
        command = self._new_command("Note it", action="python_code", code=code, access_level="3")
        plan = self._new_plan("Note it", [command], access_level="3")
        waypoint = self._new_waypoint(kind=self._new_type("Noted", plan_create_id=plan.id))
        waypoint.prepare()
        return waypoint, self.jet.transition_ids[0].plan_log_id.command_log_ids

    def test_metadata_of_waypoints_and_jets_is_masked(self):
        for record, target in (("waypoint", None), ("jet", self.jet), ("server", self.server)):
            for write in (f"{record}.update_metadata(%s)", f'{record}.write({{"metadata": %s}})'):
                with self.subTest(write):
                    waypoint, log = self.prepare_with(write % f'{{"a": [{{ {NAMED}: "x" + {NAMED}}}]}}')
                    self.assertEqual(waypoint.state, "ready", log.command_error)
                    expected = {"a": [{"*** backup ***": "x*** backup ***"}]}
                    self.assertEqual((target or waypoint).metadata, expected)
                    (target or waypoint).metadata = False

    def test_what_the_next_plans_get_is_masked_too(self):
        waypoint, _log = self.prepare_with(f'waypoint.update_metadata({{"token": {NAMED}}})')
        self.assertEqual(waypoint._get_custom_variable_values()["__waypoint_token"], "*** backup ***")

    def test_a_secret_is_not_written_into_values(self):
        waypoint, log = self.prepare_with(f'jet.set_variable_value("edition", {NAMED})')
        self.assertEqual(waypoint.state, "error")
        self.assertIn("“Edition” contains the secret “backup”", log.command_error)
        texts = [log.command_error, waypoint.problem, self.jet.transition_ids[0].message]
        self.assertNotIn(SECRET, "".join(text or "" for text in texts))
        self.assertFalse(self._edition())

    def test_values_that_name_a_secret_are_saved_and_restored_as_they_are(self):
        self._set_edition(NAMED)
        waypoint = self._new_ready()
        self._set_edition("other")
        waypoint.fly_to()
        self.assertEqual(waypoint.variable_values, {"edition": NAMED})
        self.assertEqual(self.jet.variable_value_ids.value_char, NAMED)

    def test_a_flight_restores_a_text_that_happens_to_be_a_secret_of_the_run_that_leads_to_it(self):
        """A person typed it, so it stands in clear in the waypoint already; the flight must not fail because of it."""
        self._set_edition(SECRET)
        waypoint = self._new_ready()
        self._set_edition("other")
        with secrets_in_use(Masker({"backup": Secret(SECRET)})):
            waypoint.fly_to()
        self.assertEqual((waypoint.state, self.jet.variable_value_ids.value_char), ("current", SECRET))
