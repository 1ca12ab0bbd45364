"""Scheduled tasks: what is said of a start that was none, tasks that came with a module, and copies."""

from datetime import timedelta
from io import BytesIO

from freezegun import freeze_time
from odoo import fields
from odoo.tests import Form, tagged
from odoo.tools.convert import convert_xml_import

from ...engine.run_end import RunEnd
from .test_scheduled_task import SATURDAY, TaskCase

MODULE_DATA = """<odoo>
    <record id="test_task_of_a_module" model="cx.tower.scheduled.task">
        <field name="name">Came with a module</field>
        <field name="command_id" eval="{command}" />
        <field name="server_ids" eval="[Command.set([{server}])]" />
        <field name="interval_type">days</field>
        <field name="next_call">2026-11-21 12:00:00</field>
    </record>
</odoo>"""


@tagged("post_install", "-at_install")
class TestWhatStarted(TaskCase):
    """What did not start is not called started, and the reason is told."""

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


@tagged("post_install", "-at_install")
class TestTaskOfAModule(TaskCase):
    def new_task_of_a_module(self):
        data = MODULE_DATA.format(command=self.command.id, server=self.server.id)
        file = BytesIO(data.encode())
        file.name = "data.xml"
        convert_xml_import(self.env, "cetmix_tower_server", file, {}, "init")
        return self.env.ref("cetmix_tower_server.test_task_of_a_module")

    def test_it_runs_as_root(self):
        """Its owner is the user that loads modules: archived by nature, and allowed everything."""
        self.server.write({"user_ids": [(5,)], "manager_ids": [(5,)]})
        self.command.write(
            {"access_level": "3", "code": 'result = {"exit_code": 0, "message": str(env.uid)}'}
        )
        task = self.new_task_of_a_module()
        self.assertFalse(task.warning_message)
        self.tick()
        run = self.runs(task)
        self.assertEqual((run.state, run.command_response), ("done", str(self.env.ref("base.user_root").id)))
        self.assertFalse(task.last_note)

    def test_who_changes_what_it_does_becomes_its_owner(self):
        task = self.new_task_of_a_module()
        task.manager_ids = self.manager
        task.with_user(self.manager).server_ids = self.new_server("Mine")
        self.assertEqual(task.user_id, self.manager)


@tagged("post_install", "-at_install")
class TestCopyOfTask(TaskCase):
    @freeze_time(SATURDAY)
    def test_a_copy_is_paused_until_somebody_starts_it(self):
        task = self.new_task(next_call=SATURDAY + timedelta(hours=3))
        copy = task.with_user(self.manager).copy().with_env(self.env)
        self.assertFalse(copy.active)
        self.assertEqual(copy.next_call, task.next_call)
        self.tick(SATURDAY + timedelta(hours=3))
        self.assertEqual((len(self.runs(task)), len(self.runs(copy))), (1, 0))
        self.assertTrue(task.copy({"active": True}).active, "who says so gets one that runs")

    def test_a_paused_task_that_is_started_does_not_make_up_for_what_it_missed(self):
        task = self.new_task()
        with freeze_time(SATURDAY - timedelta(days=1)):
            copy = task.copy()
        with freeze_time(SATURDAY + timedelta(days=3, hours=1)):
            copy.action_unarchive()
            self.assertEqual(copy.next_call, SATURDAY + timedelta(days=4))
            task.action_archive()
            task.write({"active": True, "next_call": fields.Datetime.now()})
            self.assertEqual(task.next_call, fields.Datetime.now(), "who names the time means it")
        self.tick(SATURDAY + timedelta(days=3, hours=2))
        self.assertFalse(self.runs(copy))

    def test_what_else_acts_by_itself(self):
        """Files of a copied server are not kept in sync; tasks stay with the original."""
        task = self.new_task()
        self.env["cx.tower.file"].with_context(from_yaml=True).create(
            {
                "name": "x",
                "server_id": self.server.id,
                "server_dir": "/srv",
                "source": "server",
                "auto_sync": True,
            }
        )
        copy = self.server.copy()
        self.assertFalse(copy.file_ids.filtered("auto_sync"))
        self.assertEqual(task.server_ids, self.server)

    def test_the_form_says_so(self):
        with Form(self.new_task().copy()) as form:
            self.assertFalse(form.active)
