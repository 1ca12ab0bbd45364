from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ...engine.exit_codes import ExitCode
from ...engine.run_end import RunEnd
from ...models.base.engine_context import engine_says
from .run_case import RunCase


@tagged("post_install", "-at_install")
class TestRunHistory(RunCase):
    """What happened on a host is not forgotten with its server, command, plan or person."""

    def _plan(self, command):
        lines = [(0, 0, {"command_id": command.id})]
        return self.env["cx.tower.plan"].create({"name": "Update", "line_ids": lines})

    def _plan_run(self, plan):
        return self.env["cx.tower.plan.log"].browse(self.server.run_flight_plan(plan)["id"])

    def test_runs_outlive_their_server(self):
        log = self.run_as(self.root, self.python("pass", name="Restart"))
        run = self._plan_run(self._plan(self.python("pass")))
        steps = run.command_log_ids
        self.server.unlink()
        for kept in (log, run, *steps):
            self.assertTrue(kept.exists())
            self.assertEqual(kept.server_name, "Run test (deleted)")
            self.assertTrue(kept.with_user(self.root).has_access("read"))
            self.assertFalse(kept.with_user(self.manager)._filtered_access("read"))
        self.assertEqual(log.name, "Run test: Restart")
        with self.assertRaisesRegex(UserError, "deleted"):
            log.action_run_again()
        self.assertFalse(run.can_resume)
        self.assertEqual(log.with_user(self.root).read_output()["state"], "done")
        self.assertEqual(run.with_user(self.root).read_progress()["server"], "Run test (deleted)")

    def test_a_server_deleted_by_force_leaves_no_run_going_on(self):
        command = self.python("pass")
        log = self.env["cx.tower.command.log"].create(
            {"server_id": self.server.id, "command_id": command.id, "state": "running"}
        )
        with self.assertRaisesRegex(UserError, "unfinished runs"):
            self.server.unlink()
        self.server.with_context(**engine_says(server_force_delete=True)).unlink()
        self.assertEqual((log.state, log.command_status), ("interrupted", ExitCode.RUN_INTERRUPTED))
        self.assertIn("unknown", log.message)

    def test_runs_outlive_their_command(self):
        command = self.python("pass", name="Restart", access_level="1")
        log = self.run_as(self.root, command)
        command.unlink()
        self.assertTrue(log.exists())
        self.assertEqual(log.title, "Restart (deleted) #1")
        self.assertEqual(log.access_level, "3")
        with self.assertRaises(AccessError):
            log.with_user(self.manager).read_output()

    def test_a_command_that_runs_is_not_deleted(self):
        command = self.python("pass", name="Restart")
        self.env["cx.tower.command.log"].create(
            {"server_id": self.server.id, "command_id": command.id, "state": "running"}
        )
        with self.assertRaisesRegex(UserError, "“Restart” is running on Run test"):
            command.unlink()

    def test_runs_outlive_their_plan(self):
        plan = self._plan(self.python("pass"))
        run = self._plan_run(plan)
        plan.unlink()
        self.assertTrue(run.exists())
        self.assertEqual(run.title, "Update (deleted) #1")
        self.assertTrue(run.command_log_ids)
        self.assertEqual(run.with_user(self.root).read_progress()["plan"], "Update (deleted)")

    def test_runs_outlive_their_person(self):
        person = new_test_user(self.env, "leaves", "cetmix_tower_server.group_root", name="Ann Leaves")
        log = self.run_as(person, self.python("pass"))
        person.unlink()
        self.assertTrue(log.exists())
        self.assertEqual((log.user_id.id, log.kept_user_name), (False, "Ann Leaves"))

    def test_runs_outlive_what_started_them(self):
        servers = {"server_ids": [(6, 0, self.server.ids)], "action": "command"}
        sources = [
            self.env[model].create({"name": name, "command_id": self.python("pass").id, **servers})
            for model, name in (
                ("cx.tower.shortcut", "One click"),
                ("cx.tower.scheduled.task", "Nightly"),
                ("cx.tower.shortcut", "Goes along"),
            )
        ]
        sources[0].with_user(self.root).run(self.server.reference)
        sources[1].with_user(self.root).action_run()
        sources[2].with_user(self.root).run(self.server.reference)
        logs = [source.command_id for source in sources]
        logs = [self.env["cx.tower.command.log"].search([("command_id", "=", c.id)]) for c in logs]
        sources[0].unlink()
        sources[1].unlink()
        sources[2].command_id.unlink()  # the shortcut goes along, in PostgreSQL
        self.env.invalidate_all()
        for log, name in zip(logs, ("One click", "Nightly", "Goes along"), strict=True):
            self.assertEqual((len(log), log.kept_source_name, log.shortcut_id.id), (1, name, False))
        self.assertEqual(logs[0].access_level, "2", "who could read it still can")
        self.assertEqual(logs[2].title, "Test (deleted) #1")

    def test_a_fleet_run_outlives_its_person(self):
        person = new_test_user(self.env, "leaves", "cetmix_tower_server.group_root", name="Ann Leaves")
        fleets = self.env["cx.tower.fleet.run"].with_user(person)
        started = fleets.start(command=self.python("pass").id, servers=[self.server.reference])
        person.unlink()
        fleet = self.env["cx.tower.fleet.run"].with_user(self.root).browse(started["id"])
        self.assertEqual((fleet.user_id.id, fleet.kept_user_name), (False, "Ann Leaves"))

    def test_steps_outlive_their_lines(self):
        plan = self._plan(self.python("pass"))
        run = self._plan_run(plan).with_user(self.root)
        before = run.read_progress()
        plan.line_ids.unlink()
        self.env.invalidate_all()
        self.assertEqual(run.read_progress()["steps"], before["steps"])
        self.assertEqual(run.command_log_ids.step_number, 1)

    def test_a_person_whose_run_goes_on_is_not_deleted(self):
        person = new_test_user(self.env, "goes_on", "cetmix_tower_server.group_root", name="Ann Works")
        values = {"server_id": self.server.id, "user_id": person.id, "state": "queued"}
        log = self.env["cx.tower.command.log"].create({**values, "command_id": self.python("pass").id})
        with self.assertRaisesRegex(UserError, "started by “Ann Works” is active on Run test"):
            person.unlink()
        log._finish(RunEnd(0))
        person.unlink()
        self.assertEqual(log.kept_user_name, "Ann Works")

    def test_python_of_a_deleted_person_is_run_as_nobody_else(self):
        command = self.python("server.write({'note': user.login})")
        with self.nobody_executes():
            log = self.env["cx.tower.command.log"].browse(self.server.run_command(command)["id"])
        self.env.cr.execute("UPDATE cx_tower_command_log SET user_id = NULL WHERE id = %s", (log.id,))
        log.invalidate_recordset()
        self.execute(log)
        self.assertEqual((log.state, log.command_status), ("failed", ExitCode.PYTHON_COMMAND_ERROR))
        self.assertIn("was deleted", log.message)
        self.assertFalse(self.server.note)

    def test_a_run_of_a_deleted_plan_cannot_be_repeated(self):
        plan = self._plan(self.python("result = {'exit_code': 1, 'message': ''}"))
        run = self._plan_run(plan)
        started = self.env["cx.tower.fleet.run"].start(plan=plan.id, servers=[self.server.id])
        fleet = self.env["cx.tower.fleet.run"].browse(started["id"])
        plan.unlink()
        with self.assertRaisesRegex(UserError, "cannot be run again.*deleted"):
            run.with_user(self.root).action_run_again()
        with self.assertRaisesRegex(UserError, "cannot be run again.*deleted"):
            fleet.with_user(self.root).retry_failed()

    def test_what_deleting_means_is_said(self):
        self.run_as(self.root, self.python("pass"))
        self.server.file_ids.create({"name": "a", "server_dir": "/tmp", "server_id": self.server.id})
        text = self.server.describe_deletion()
        self.assertIn("Files: 1", text)
        self.assertIn("stay in the log", text)
        with self.assertRaises(AccessError):
            self.server.with_user(new_test_user(self.env, "stranger")).describe_deletion()

    def test_what_goes_is_said_whether_a_form_shows_it_or_not(self):
        command = self.python("pass", name="Restart")
        plan = self._plan(self.python("pass"))
        servers = {"server_ids": [(6, 0, self.server.ids)]}
        for target in (
            {"action": "command", "command_id": command.id},
            {"action": "plan", "plan_id": plan.id},
        ):
            self.env["cx.tower.shortcut"].create({"name": "One click", **target, **servers})
            task = self.env["cx.tower.scheduled.task"].create({"name": "Nightly", **target, **servers})
            task.action_archive()
        for target in (command, plan):
            with self.subTest(target):
                text = target.describe_deletion()
                self.assertIn("Tower Shortcut: 1", text)
                self.assertIn("Tower Scheduled Task: 1", text)
                self.assertNotIn("stay in the log", text)
        self.run_as(self.root, command)
        self.assertIn("stay in the log", command.describe_deletion())

    def test_a_run_that_never_started_is_listed_when_it_was_asked_for(self):
        first = self.run_as(self.root, self.python("pass", name="First"))
        refused = self.run_as(self.root, self.python("{{ without_a_value_anywhere }}", name="Refused"))
        last = self.run_as(self.root, self.python("pass", name="Last"))
        self.assertEqual(refused.state, "failed")
        self.assertTrue(refused.finish_date, "without it, the retention would never delete the run")
        runs = self.env["cx.tower.command.log"].search([("server_id", "=", self.server.id)])
        self.assertEqual(runs.mapped("command_id.name"), ["Last", "Refused", "First"])
        self.assertEqual(runs, last + refused + first)

    def test_what_is_in_use_is_said_and_not_deleted(self):
        command = self.python("pass", name="Restart")
        plan = self._plan(command)
        with self.assertRaisesRegex(UserError, "“Restart” cannot be deleted.*“Restart”"):
            command.unlink()
        plan.unlink()
        command.unlink()
