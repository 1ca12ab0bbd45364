from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .waypoint_case import WaypointCase


@tagged("post_install", "-at_install")
class TestCreateWaypoint(WaypointCase):
    """``jet.create_waypoint``: creates, prepares, and with ``fly_here`` flies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.manager_ids = cls.manager

    def test_the_type_is_named_by_record_id_or_reference(self):
        for kind in (self.plain, self.plain.id, self.plain.reference):
            waypoint = self.jet.create_waypoint(kind, "Before", edition="ent")
            self.assertEqual((waypoint.state, waypoint.name, waypoint.jet_id), ("ready", "Before", self.jet))
            self.assertEqual(waypoint.metadata, {"edition": "ent"})

    def test_without_a_name_it_has_that_of_the_type_and_the_time(self):
        waypoint = self.jet.create_waypoint(self.plain)
        self.assertRegex(waypoint.name, r"^Plain \d{4}-\d\d-\d\d \d\d:\d\d$")

    def test_with_a_plan_it_is_on_its_way(self):
        waypoint = self.jet.create_waypoint(self.planned, "Before", fly_here=True)
        self.assertEqual((waypoint.state, self.jet.movement), ("preparing", "busy"))
        self._end_action(self.jet)
        self.assertEqual(waypoint.state, "arriving")
        self._end_action(self.jet)
        self.assertEqual((waypoint.state, self.jet.waypoint_id), ("current", waypoint))

    def test_without_plans_it_is_current_at_once(self):
        waypoint = self.jet.create_waypoint(self.plain, fly_here=True)
        self.assertEqual((waypoint.state, self.jet.waypoint_id), ("current", waypoint))

    def test_what_is_refused_creates_nothing(self):
        other = self._new_type("Other", self._new_template("Other"))
        for kind in (other, "no_such_type", 0, None, [self.plain.id, self.planned.id], self.jet):
            with self.assertRaises(ValidationError):
                self.jet.create_waypoint(kind)
        self.jet.create_waypoint(self.planned)
        with self.assertRaisesRegex(ValidationError, "“Prepare waypoint” is running"):
            self.jet.create_waypoint(self.plain, ignore_busy=True)
        self.assertEqual(len(self.jet.waypoint_ids), 1)

    def test_the_rights_of_the_caller_count(self):
        waypoint = self.jet.with_user(self.manager).create_waypoint(self.plain.id)
        self.assertEqual((waypoint.create_uid, waypoint.state), (self.manager, "ready"))
        self.template.manager_ids = False
        self.template.user_ids = self.manager
        with self.assertRaises(AccessError):
            self.jet.with_user(self.manager).create_waypoint(self.plain.id)
        with self.assertRaises(AccessError):
            self.jet.with_user(self.user).create_waypoint(self.plain.id)

    def test_no_argument_makes_it_a_part_of_an_action(self):
        self._give_plan("Stop")
        self._action("Stop").trigger(self.jet)
        log = self.jet.current_transition_id.plan_log_id.command_log_ids
        with self.assertRaisesRegex(ValidationError, "“Stop” is running"):
            self.jet.create_waypoint(self.plain, ignore_busy=True, created_from_command_log=log)


@tagged("post_install", "-at_install")
class TestCreateWaypointInPython(WaypointCase):
    """``jet.create_waypoint`` in Python commands; executed in the test's own transaction."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].sudo().set_param("cetmix_tower_server.backend", "inline")
        cls.jet.user_ids = cls.user

    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())

    def _act(self, code, person=None):
        """Trigger an action whose plan is a Python command. :return: its log"""
        command = self._new_command("Python", action="python_code", code=code, access_level="3")
        self._action("Stop").plan_id = self._new_plan("Python", [command], access_level="3")
        self._action("Stop").with_user(person or self.user).trigger(self.jet)
        return self.jet.transition_ids.filtered("action_id")[0].plan_log_id.command_log_ids

    def test_in_the_plan_of_the_jets_own_action_its_author_decided(self):
        log = self._act(f'result = {{"message": jet.create_waypoint("{self.plain.reference}").state}}')
        self.assertEqual((log.command_response, self.jet.state), ("ready", "stopped"), log.command_error)
        waypoint = self.jet.waypoint_ids
        self.assertEqual(waypoint.created_from_command_log_id, log)
        inside = self.jet.transition_ids.filtered("waypoint_movement")
        self.assertEqual((inside.state, inside.parent_id.action_name), ("done", "Stop"))

    def test_flying_there_is_refused_and_names_the_command(self):
        log = self._act(f'jet.create_waypoint("{self.plain.reference}", fly_here=True)')
        self.assertEqual(log.state, "failed")
        self.assertIn("“Create waypoint”", log.command_error)
        self.assertFalse(self.jet.waypoint_ids)

    def test_elsewhere_the_rights_of_the_person_count(self):
        code = f"tower_jets.browse({self.jet.id}).create_waypoint({self.plain.id})"
        command = self._new_command(
            "Python", action="python_code", code=code, users=self.user, access_level="1"
        )
        self.server.with_user(self.user).run_command(command.id)
        self.assertFalse(self.jet.waypoint_ids)

    def test_the_plan_of_a_waypoint_makes_no_further_one(self):
        command = self._new_command(
            "Python",
            action="python_code",
            code=f'jet.create_waypoint("{self.plain.reference}")',
            access_level="3",
        )
        self.planned.plan_create_id = self._new_plan("Python", [command], access_level="3")
        waypoint = self.jet.create_waypoint(self.planned)
        self.assertEqual((waypoint.state, self.jet.waypoint_ids), ("error", waypoint))
        log = self.env["cx.tower.command.log"].search([("command_id", "=", command.id)])
        self.assertIn("cannot move the waypoints of its own jet", log.command_error)
