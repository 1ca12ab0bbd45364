from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged

from ..waypoint.waypoint_case import WaypointCase


@tagged("post_install", "-at_install")
class TestScheduledWaypoints(WaypointCase):
    """Scheduled tasks that create waypoints on jets."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.manager_ids = cls.manager
        cls.task = cls._new_task(cls.plain)

    @classmethod
    def _new_task(cls, kind, person=None, **values):
        vals = {
            "name": "Nightly",
            "action": "create_waypoint",
            "waypoint_template_id": kind.id,
            "jet_ids": [(6, 0, cls.jet.ids)],
            **values,
        }
        return cls._as(cls.env["cx.tower.scheduled.task"], person).create(vals)

    def _logs(self):
        return self.env["cx.tower.command.log"].search([("scheduled_task_id", "=", self.task.id)], order="id")

    def test_it_needs_no_command_and_names_the_waypoint_by_type_and_time(self):
        self.task.next_call = fields.Datetime.now() - timedelta(minutes=1)
        self.task._run_due()
        waypoint = self.jet.waypoint_ids
        self.assertEqual((waypoint.state, self._logs().command_status), ("ready", 0))
        self.assertRegex(waypoint.name, r"^Plain \d{4}-\d\d-\d\d \d\d:\d\d$")
        self.assertEqual(self.jet.transition_ids.source, "schedule")
        self.assertEqual(self._logs().waypoint_template_id, self.plain)
        self.assertEqual(self.task.target_name, "Plain")

    def test_it_runs_on_each_of_its_jets(self):
        other = self._new_jet("Other", state="running")
        self.task.jet_ids |= other
        started = self.task.run()
        self.assertEqual(len(started["logs"]), 2)
        self.assertEqual((self.jet.waypoint_ids.state, other.waypoint_ids.state), ("ready", "ready"))

    def test_a_busy_jet_gets_a_log_with_the_reason(self):
        self._new_ready(kind=self.planned).fly_to()
        self.task._run_due()
        self.assertEqual(self._logs().state, "failed")
        self.assertIn("“Fly to waypoint” is running", self._logs().message)
        self.assertEqual(len(self.jet.waypoint_ids), 1)

    def test_the_rights_of_the_owner_count_when_it_runs(self):
        self.task = self._new_task(self.plain, person=self.manager)
        self.task._run_due()
        self.assertEqual((self._logs().command_status, len(self.jet.waypoint_ids)), (0, 1))
        self.assertEqual(self.jet.waypoint_ids.create_uid, self.manager)
        self.template.manager_ids = False
        self.template.user_ids = self.manager
        self.task._run_due()
        self.assertEqual((self._logs()[-1].command_status, len(self.jet.waypoint_ids)), (-508, 1))
        self.plain.access_level = "3"
        self.task._run_due()
        self.assertIn("may not run “Plain”", self.task.sudo().last_note)

    def test_jets_of_other_templates_and_servers_are_refused(self):
        other = self._new_jet("Other", template=self._new_template("Other"))
        for vals, reason in (
            ({"jet_ids": [(4, other.id)]}, "only run on jets of “Shop”"),
            ({"jet_template_ids": [(4, other.jet_template_id.id)]}, "only run on jets of “Shop”"),
            ({"server_ids": [(4, self.server.id)]}, "Remove the servers"),
            ({"waypoint_template_id": False}, "Choose the type"),
        ):
            with self.assertRaisesRegex(ValidationError, reason), self.env.cr.savepoint():
                self.task.write(vals)
        self.task.jet_template_ids = self.template

    def test_only_a_type_that_the_author_may_read_can_be_linked(self):
        with self.assertRaises(AccessError):
            self._new_task(self._new_type("Hidden", access_level="3"), person=self.manager)

    def test_a_manager_who_changes_the_type_becomes_the_owner(self):
        self.task.manager_ids = self.manager
        self.task.with_user(self.manager).waypoint_template_id = self._new_type("Weekly")
        self.assertEqual(self.task.user_id, self.manager)

    def test_a_command_of_the_kind_can_be_scheduled_too(self):
        command = self._new_command(
            "Back it up", action="create_waypoint", waypoint_template_id=self.plain.id, access_level="1"
        )
        self.task.write({"action": "command", "command_id": command.id})
        self.task.run()
        self.assertEqual(self.jet.waypoint_ids.state, "ready")

    def test_the_form_asks_for_what_it_needs(self):
        form = Form(self.env["cx.tower.scheduled.task"].with_user(self.manager))
        form.name = "Nightly"
        form.action = "create_waypoint"
        form.waypoint_template_id = self.plain
        form.jet_ids.add(self.jet)
        self.assertEqual(form.save().target_name, "Plain")
