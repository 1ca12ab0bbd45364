from odoo.exceptions import UserError
from odoo.tests import tagged

from ... import uninstall_hook
from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestUninstalling(JetCase):
    """When the addon may be uninstalled, and what it leaves. The removal of its tables is tested with a database of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.jet = cls._new_jet("Shop 1", state="stopped")
        cls.modules = cls.env["ir.module.module"].search(
            [("name", "in", ["cetmix_tower_jet", "cetmix_tower_server"])]
        )

    def assert_refused(self, *names):
        for module in self.modules:  # the server addon takes the jets along
            with self.assertRaises(UserError) as caught:
                module.button_uninstall()
            for name in names:
                self.assertIn(name, str(caught.exception))

    def test_it_is_refused_while_a_jet_moves(self):
        self._give_plan("Start")
        self._action("Start").trigger(self.jet)
        self.assert_refused("Shop 1", "Start")
        self._end_action(self.jet)
        self.modules.button_uninstall()

    def test_it_is_refused_while_something_runs_on_a_jet(self):
        self.jet.run_command(self.step)
        self.jet.run_flight_plan(self._new_plan("Look", [self.step]))
        self.assert_refused("Shop 1: Step", "Look")

    def test_servers_stay_usable(self):
        File = self.env["cx.tower.file"]
        place = {"name": "a", "server_dir": "/tmp"}
        own = File.create({**place, "server_id": self.server.id})
        others = File.create(
            [{**place, "jet_id": self.jet.id}, {**place, "jet_template_id": self.template.id}]
        )
        others[0]._write_quietly({"pushed_path": "/tmp/a"})
        log = {"name": "Log", "command_id": self.step.id}
        Log = self.env["cx.tower.server.log"]
        logs = Log.create([{**log, "server_id": self.server.id}, {**log, "jet_id": self.jet.id}])
        variable = self.env["cx.tower.variable"].create({"name": "port", "reference": "jet_port"})
        for owner in (self.server, self.template, self.jet):
            owner.set_variable_value("jet_port", owner._name)
        action = self._new_command(
            "Start it",
            action="jet_action",
            jet_template_id=self.template.id,
            jet_action_id=self._action("Start").id,
        )
        kind = self.env["cx.tower.jet.waypoint.template"].create(
            {"name": "Backup", "jet_template_id": self.template.id}
        )
        creation = self._new_command("Back it up", action="create_waypoint", waypoint_template_id=kind.id)
        task = self.env["cx.tower.scheduled.task"].create(
            {
                "name": "Nightly",
                "action": "create_waypoint",
                "waypoint_template_id": kind.id,
                "jet_ids": [(6, 0, self.jet.ids)],
            }
        )
        plan = self._new_plan("Start all", [action, creation])
        runs = self.env["cx.tower.command.log"].search_count([])
        uninstall_hook(self.env)
        self.assertEqual((own | others).exists(), own)
        self.assertEqual(logs.exists(), logs[0])
        self.assertFalse(task.exists())
        self.assertEqual(variable.value_ids.server_id, self.server)
        self.assertEqual(len(variable.value_ids), 1)
        for command in (action, creation):
            self.assertEqual((command.action, command.active), ("ssh_command", False))
            self.assertIn("exit 1", command.code)
        self.assertEqual(plan.line_ids.command_id, action | creation)
        self.assertEqual(self.env["cx.tower.command.log"].search_count([]), runs, "nothing was done on hosts")
