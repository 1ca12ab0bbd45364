from odoo.tests import tagged

from .waypoint_case import WaypointCase

STEPS = ("create", "arrive", "leave", "delete")
WRITE = """
noted = dict(waypoint.metadata or {})
noted["steps"] = noted.get("steps", []) + [custom_values["__waypoint_state"]]
waypoint.write({"metadata": noted})
waypoint.update_metadata({"seen": tower_waypoints.browse(waypoint.id).id, "by": user.login})
result = {"message": waypoint.name}
"""


@tagged("post_install", "-at_install")
class TestOwnPlans(WaypointCase):
    """What the flight plans of a waypoint find of it; executed in the test's own transaction."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].sudo().set_param("cetmix_tower_server.backend", "inline")
        cls.template.manager_ids = cls.manager
        # a Manager of the template who may only read the jet
        cls.jet.write({"user_ids": [(6, 0, (cls.user | cls.manager).ids)], "manager_ids": [(5,)]})

    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())

    def _python(self, code, **values):
        return self._new_command("Python", action="python_code", code=code, access_level="3", **values)

    def _give_plans(self, *lines):
        for step in STEPS:
            self.planned[f"plan_{step}_id"] = self._new_plan(f"{step} it", lines, access_level="3")

    def _steps(self, waypoint_name):
        """Return the answers of the steps that ran for a waypoint, in order."""
        logs = self.env["cx.tower.command.log"].search(
            [("command_response", "like", waypoint_name)], order="id"
        )
        return logs.mapped("command_response")

    def test_all_four_may_write_the_metadata_whoever_began_the_movement(self):
        self._give_plans(self._python(WRITE))
        here = self.jet.with_user(self.manager).create_waypoint(self.planned, "Here", fly_here=True).sudo()
        self.assertEqual((here.state, here.problem), ("current", False))
        self.assertEqual(here.metadata["steps"], ["preparing", "arriving"])
        there = self.jet.with_user(self.manager).create_waypoint(self.planned, "There", fly_here=True).sudo()
        self.assertEqual((here.state, there.state), ("ready", "current"))
        self.assertEqual(here.metadata["steps"], ["preparing", "arriving", "leaving"])
        self.assertEqual((here.metadata["seen"], here.metadata["by"]), (here.id, self.manager.login))
        deleted = here.id
        here.with_user(self.manager).unlink()
        self.assertFalse(here.exists())
        self.assertEqual(self._steps("Here"), ["Here"] * 4)
        transition = self.jet.transition_ids.filtered(lambda one: one.waypoint_movement == "delete")
        self.assertEqual((transition.waypoint_name, transition.state), ("Here", "done"), deleted)

    def test_a_user_who_triggered_the_action_sees_no_waypoint_but_its_plan_writes_it(self):
        self._give_plans(self._python(WRITE))
        command = self._new_command(
            "Make it", action="create_waypoint", waypoint_template_id=self.planned.id, access_level="3"
        )
        command.fly_here = True
        self._action("Stop").plan_id = self._new_plan("Stop", [command], access_level="3")
        self._action("Stop").with_user(self.user).trigger(self.jet)
        waypoint = self.jet.waypoint_id
        self.assertEqual((waypoint.state, self.jet.state), ("current", "stopped"))
        self.assertEqual(waypoint.metadata["by"], self.user.login)

    def test_elsewhere_there_is_no_waypoint_to_write(self):
        self._new_current()
        log = self.env["cx.tower.command.log"].browse(
            self.jet.run_command(self._python('result = {"message": str(waypoint)}').id)["id"]
        )
        self.assertEqual((log.state, log.command_response), ("done", "None"), log.command_error)

    def test_conditions_read_the_metadata_of_the_own_waypoint(self):
        say = self._python('result = {"message": f"{waypoint.name} while at {custom_values[\'at\']}"}')
        at = self.env["cx.tower.variable"].create({"name": "At", "reference": "at"})
        note = self._python('waypoint.update_metadata({"me": waypoint.name})')
        value = {"variable_id": at.id, "value_char": "{{ tower.jet.waypoint.me | default('nowhere') }}"}
        then = {"condition": "==", "value_char": "0", "action": "n", "variable_value_ids": [(0, 0, value)]}
        set_at = {"command_id": note.id, "action_ids": [(0, 0, then)]}
        is_here = {"command_id": say.id, "condition": 'waypoint.metadata.get("me") == "Here"'}
        is_there = {"command_id": say.id, "condition": 'waypoint.metadata.get("me") == "There"'}
        self._give_plans(set_at, is_here, is_there)
        here = self.jet.create_waypoint(self.planned, "Here", fly_here=True)
        self.assertEqual((here.state, here.problem), ("current", False))
        there = self.jet.create_waypoint(self.planned, "There", fly_here=True)
        self.assertEqual((there.state, there.problem), ("current", False))
        answers = self.env["cx.tower.command.log"].search([("command_id", "=", say.id)], order="id")
        self.assertEqual(
            [answer for answer in answers.mapped("command_response") if answer],
            [
                "Here while at nowhere",
                "Here while at nowhere",
                "There while at Here",
                "Here while at Here",
                "There while at Here",
            ],
        )

    def test_conditions_elsewhere_read_the_current_one(self):
        say = self._python('result = {"message": "yes"}')
        plan = self._new_plan(
            "Look", [{"command_id": say.id, "condition": 'waypoint.metadata.get("edition") == "ent"'}]
        )
        self._new_current(metadata={"edition": "ent"})
        self.assertEqual(self.jet.run_flight_plan(plan).command_log_ids.mapped("state"), ["done"])
        self.jet.waypoint_id.update_metadata({"edition": "com"})
        self.assertEqual(self.jet.run_flight_plan(plan).command_log_ids.mapped("state"), ["skipped"])
