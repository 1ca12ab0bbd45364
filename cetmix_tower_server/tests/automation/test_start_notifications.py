"""The notifications about started runs, of tasks, shortcuts and files, tell what did not start and why."""

from odoo.tests import tagged

from ...engine.run_end import RunEnd
from .scheduled_task_case import ScheduledTaskCase


@tagged("post_install", "-at_install")
class TestStartNotifications(ScheduledTaskCase):
    def setUp(self):
        super().setUp()
        self.env["cx.tower.variable"].create({"name": "Missing", "reference": "missing_here"})
        self.broken = self.env["cx.tower.command"].create(
            {
                "name": "Broken",
                "action": "ssh_command",
                "code": "echo {{ missing_here }}",
                "access_level": "2",
            }
        )

    def told(self, action):
        params = action["params"]
        return params["type"], params["message"]

    def run_now(self, task):
        return self.told(task.with_user(self.manager).action_run())

    def test_a_task_whose_value_is_missing(self):
        kind, message = self.run_now(self.new_task(command_id=self.broken.id))
        self.assertEqual(kind, "warning")
        self.assertIn("“Task” was not started. The variable “missing_here” has no value", message)

    def test_a_task_that_starts_on_some_servers_only(self):
        other = self.new_server()
        value = {"variable_id": self.env["cx.tower.variable"].get_by_reference("missing_here").id}
        other.variable_value_ids = [(0, 0, value | {"value_char": "x"})]
        task = self.new_task(command_id=self.broken.id, server_ids=(self.server | other).ids)
        with self.nobody_executes():
            kind, message = self.run_now(task)
        self.assertEqual(kind, "warning")
        self.assertIn("1 of 2 runs of “Task” were started. The variable “missing_here” has no value", message)

    def test_a_task_that_starts(self):
        self.assertEqual(self.run_now(self.new_task()), ("success", "“Task” was started. %s"))
        task = self.new_task(server_ids=(self.server | self.new_server()).ids)
        self.assertEqual(self.run_now(task)[1], "2 of 2 runs of “Task” were started. %s")

    def test_a_command_that_ran_and_failed_was_started(self):
        self.command.code = 'result = {"exit_code": 3, "message": "no"}'
        self.assertIn("“Task” was started.", self.run_now(self.new_task())[1])

    def test_a_plan_none_of_whose_lines_ran(self):
        plan = self.env["cx.tower.plan"].create(
            {"name": "P", "access_level": "2", "line_ids": [(0, 0, {"command_id": self.broken.id})]}
        )
        around = self.env["cx.tower.command"].create(
            {"name": "Around", "action": "plan", "flight_plan_id": plan.id, "access_level": "2"}
        )
        for target in ({"action": "plan", "plan_id": plan.id}, {"command_id": around.id}):
            kind, message = self.run_now(self.new_task(**target))
            self.assertEqual(kind, "warning")
            self.assertIn("was not started", message)
        plan.line_ids = [(0, 0, {"command_id": self.command.id, "sequence": 1})]  # a line before it that runs
        self.assertIn("“Task” was started.", self.run_now(self.new_task(action="plan", plan_id=plan.id))[1])

    def test_a_plan_whose_lines_are_all_skipped(self):
        line = {"command_id": self.command.id, "condition": "1 == 2"}
        plan = self.env["cx.tower.plan"].create(
            {"name": "P", "access_level": "2", "line_ids": [(0, 0, line)]}
        )
        _kind, message = self.run_now(self.new_task(action="plan", plan_id=plan.id))
        self.assertIn("“Task” was not started. Nothing ran: the only line was skipped.", message)

    def test_over_the_api(self):
        answer = self.new_task(command_id=self.broken.id).with_user(self.manager).run()
        self.assertEqual(answer["state"], "failed")
        self.assertIn("has no value", answer["failures"][0])

    def test_a_shortcut(self):
        shortcut = self.env["cx.tower.shortcut"].create(
            {
                "name": "Short",
                "command_id": self.broken.id,
                "server_ids": self.server.ids,
                "access_level": "2",
            }
        )
        action = shortcut.with_user(self.manager).with_context(server_id=self.server.id).action_run()
        kind, message = self.told(action)
        self.assertEqual(kind, "warning")
        self.assertIn("“Short” was not started. The variable “missing_here” has no value", message)

    def test_a_file(self):
        File = self.env["cx.tower.file"]
        facts = {"server_id": self.server.id, "server_dir": "/srv", "source": "tower"}
        good = File.create(facts | {"name": "good.txt", "code": "x"})
        bad = File.create(facts | {"name": "bad.txt", "code": "{{ missing_here }}"})
        with self.nobody_executes():
            kind, message = self.told((good | bad).action_push_to_server())
            self.assertEqual(kind, "warning")
            self.assertIn("1 of 2 files cannot be transferred", message)
            self.assertIn("“missing_here” has no value", message)
            bad.last_log_id._finish(RunEnd(1))
            kind, message = self.told(bad.action_push_to_server())
        self.assertIn("No file can be transferred", message)
        self.assertNotIn("started", message)
