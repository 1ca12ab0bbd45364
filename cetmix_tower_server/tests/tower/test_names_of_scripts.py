from odoo.exceptions import AccessError
from odoo.tests import tagged

from ...engine.exit_codes import ExitCode
from ...models import constants
from ..run.run_case import RunCase


@tagged("post_install", "-at_install")
class TestNamesOfScripts(RunCase):
    """What scripts and addons for systems of this kind call is there under its name."""

    def test_exit_codes_have_their_names(self):
        for code in ExitCode:
            if code is not ExitCode.OK:
                with self.subTest(code.name):
                    self.assertEqual(getattr(constants, code.name), int(code))

    def test_helpers_take_their_arguments_by_name(self):
        tower = self.env["cetmix.tower"].with_user(self.root)
        self.server.reference = "scripts"
        command = self.python("result = {'exit_code': 0, 'message': custom_values['v']}", reference="scripts")
        plan = self.env["cx.tower.plan"].create(
            {"name": "Plan", "reference": "scripts", "line_ids": [(0, 0, {"command_id": command.id})]}
        )
        self.env["cx.tower.variable"].create({"name": "v", "reference": "v"})
        of_server = {"server_reference": "scripts"}
        set_values = tower.server_set_variable_value(**of_server, variable_reference="v", value="x")
        self.assertEqual(set_values["exit_code"], 0)
        got = tower.server_get_variable_value(**of_server, variable_reference="v", check_global=False)
        self.assertEqual(got, "x")
        started = tower.server_run_command(**of_server, command_reference="scripts", get_result=False, v="1")
        self.assertEqual(started["exit_code"], 0)
        log = tower.server_run_flight_plan(**of_server, flight_plan_reference="scripts", v="1")
        self.assertEqual((log.plan_id, log.plan_status), (plan, 0))

    def test_a_plan_runs_on_one_server(self):
        plan = self.env["cx.tower.plan"].create(
            {"name": "Plan", "line_ids": [(0, 0, {"command_id": self.python("pass").id})]}
        )
        log = plan.with_user(self.root)._run_single(
            self.server.with_user(self.root), variable_values={"a": "b"}
        )
        self.assertEqual((log.plan_id, log.server_id, log.state), (plan, self.server, "done"))
        with self.assertRaises(AccessError):
            plan.with_user(self.user)._run_single(self.server.with_user(self.user))

    def test_a_command_says_where_it_runs(self):
        other = self.server.copy({"name": "Other"})
        command = self.python("pass", server_ids=other.ids)
        self.assertFalse(command._check_server_compatibility(self.server))
        self.assertTrue(command._check_server_compatibility(other))
        self.assertTrue(self.python("pass")._check_server_compatibility(other))

    def test_an_archived_server_restricts_a_command_still(self):
        other = self.server.copy({"name": "Other"})
        command = self.python("pass", server_ids=other.ids, user_ids=self.user.ids, access_level="1")
        other.action_archive()
        self.env.invalidate_all()
        log = self.run_as(self.user, command)
        self.assertEqual(log.command_status, int(ExitCode.COMMAND_NOT_COMPATIBLE_WITH_SERVER))

    def test_python_finds_no_jets_without_the_jet_addon(self):
        code = (
            "result = {'exit_code': len(tower_jets) + len(tower_waypoints), 'message': str(bool(tower_jets))}"
        )
        log = self.run_as(self.root, self.python(code))
        self.assertEqual((log.command_status, log.command_response), (0, "False"))

    def test_the_result_as_html(self):
        log = self.env["cx.tower.command.log"].create(
            {
                "server_id": self.server.id,
                "command_id": self.python("pass").id,
                "state": "failed",
                "command_response": "\x1b[31mred\x1b[0m <b>",
                "command_error": "wrong & bad",
            }
        )
        self.assertIn("red</span>", log.command_result_html)
        self.assertIn("&lt;b&gt;", log.command_result_html)
        self.assertIn("wrong &amp; bad", log.command_result_html)

    def test_external_ids_that_scripts_know(self):
        self.assertEqual(
            self.env.ref("cetmix_tower_server.ir_cron_check_zombie_commands"),
            self.env.ref("cetmix_tower_server.ir_cron_dispatch_runs"),
        )
        self.assertTrue(self.env.ref("cetmix_tower_server.menu_tools").child_id)

    def test_looking_for_lost_runs(self):
        log = self.env["cx.tower.command.log"].create(
            {
                "server_id": self.server.id,
                "command_id": self.python("pass").id,
                "state": "running",
                "worker": "gone",
                "fence": 1,
            }
        )
        self.env.flush_all()
        self.server._check_zombie_commands()
        self.assertEqual(log.state, "interrupted")
