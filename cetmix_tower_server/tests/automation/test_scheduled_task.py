"""Scheduled tasks: when they run, as whom, what one failure does to the others, what is told to whom."""

from datetime import datetime, timedelta
from io import BytesIO
from unittest.mock import patch

from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import file_open, mute_logger
from odoo.tools.convert import convert_xml_import
from psycopg2 import IntegrityError
from psycopg2.errors import SerializationFailure

from ...engine.run_end import RunEnd
from ..common import slow
from .scheduled_task_case import SATURDAY, ScheduledTaskCase

RUN = "odoo.addons.cetmix_tower_server.models.automation.starting"
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
class TestScheduledTask(ScheduledTaskCase):
    # ------------------------------------------------------------------ when

    def test_a_task_that_breaks_tower_keeps_no_other(self):
        broken, task = self.new_task(sequence=1), self.new_task(sequence=2)
        note = type(task)._note_outcome

        def fail(records, outcome, now):
            if records == broken:
                raise ValueError("something of Tower")
            return note(records, outcome, now)

        with patch.object(type(task), "_note_outcome", fail), mute_logger(RUN):
            self.tick()
        self.assertFalse(self.runs(broken))
        self.assertEqual(self.runs(task).state, "done")
        self.assertEqual(broken.next_call, SATURDAY)
        self.tick()
        self.assertEqual(self.runs(broken).state, "done")

    def test_a_due_task_runs_once_and_moves_on(self):
        task = self.new_task()
        self.tick(SATURDAY - timedelta(seconds=1))
        self.assertFalse(self.runs(task))
        self.tick()
        run = self.runs(task)
        self.assertEqual((run.state, run.user_id, run.server_id), ("done", self.manager, self.server))
        self.assertEqual(run.command_response, "run_manager")
        self.assertEqual(task.next_call, SATURDAY + timedelta(days=1))
        self.assertEqual(task.last_call, SATURDAY)
        self.tick(SATURDAY + timedelta(minutes=1))
        self.assertEqual(self.runs(task), run)
        self.assertFalse(task.warning_message)

    def test_one_run_after_downtime(self):
        """Not one run for each time that was missed, and the schedule keeps its times."""
        task = self.new_task(interval_type="minutes", interval_number=10)
        late = SATURDAY + timedelta(days=3, minutes=4)
        for _ in range(3):
            self.tick(late)
        self.assertEqual(len(self.runs(task)), 1)
        self.assertEqual(task.next_call, SATURDAY + timedelta(days=3, minutes=10))

    @slow
    def test_over_changes_of_the_clock(self):
        """Every night at 2:30 in Berlin, over both changes: once a night, and always at 2:30 where that exists."""
        self.manager.tz = "Europe/Berlin"
        for first, wanted in (
            (datetime(2026, 3, 27, 1, 30), ["27 01:30", "28 01:30", "29 01:30", "30 00:30", "31 00:30"]),
            (datetime(2026, 10, 23, 0, 30), ["23 00:30", "24 00:30", "25 00:30", "26 01:30", "27 01:30"]),
        ):
            task = self.new_task(next_call=first)
            self.assertEqual(task.timezone, "Europe/Berlin")
            called = []
            now = first - timedelta(hours=3)
            while now < first + timedelta(days=4, hours=3):  # the cron's rounds
                before = len(self.runs(task))
                self.tick(now)
                called += [now] * (len(self.runs(task)) - before)
                now += timedelta(minutes=30) if now.hour in (23, 0, 1, 2) else timedelta(hours=2)
            self.assertEqual([f"{moment:%d %H:%M}" for moment in called], wanted)
            task.active = False

    def test_other_zones(self):
        self.manager.tz = "Australia/Lord_Howe"  # 30 minutes forward on 4 October 2026
        task = self.new_task(next_call=datetime(2026, 10, 2, 21, 45))  # 3 October 8:15
        self.tick(datetime(2026, 10, 2, 21, 45))
        self.assertEqual(task.next_call, datetime(2026, 10, 3, 21, 15))  # 4 October 8:15
        self.manager.tz = "Asia/Kathmandu"
        task = self.new_task(next_call=datetime(2026, 3, 28, 2, 15), interval_type="dow", sunday=True)
        self.tick(datetime(2026, 3, 28, 2, 15))
        self.assertEqual(task.next_call, datetime(2026, 3, 29, 2, 15))

    def test_month_ends_do_not_drift(self):
        task = self.new_task(next_call=datetime(2026, 1, 31, 9), interval_type="months")
        called = []
        for _ in range(5):
            called.append(task.next_call)
            self.tick(task.next_call)
        self.assertEqual(
            [f"{moment:%m-%d}" for moment in called], ["01-31", "02-28", "03-31", "04-30", "05-31"]
        )

    def test_weekdays_of_every_second_week(self):
        self.manager.tz = "Europe/Berlin"
        task = self.new_task(  # half past midnight on Monday there, Sunday in UTC
            next_call=datetime(2026, 11, 22, 23, 30),
            interval_type="dow",
            interval_number=2,
            monday=True,
            wednesday=True,
        )
        called = []
        for _ in range(4):
            called.append(task.next_call)
            self.tick(task.next_call)
        self.assertEqual(
            [f"{moment:%m-%d %H:%M}" for moment in called],
            ["11-22 23:30", "11-24 23:30", "12-06 23:30", "12-08 23:30"],
        )

    def test_run_now_over_the_api_answers_with_plain_values(self):
        other = self.new_server()
        task = self.new_task(server_ids=(self.server | other).ids)
        answer = task.with_user(self.manager).run()
        self.assertEqual((answer["model"], answer["failures"]), ("cx.tower.command.log", []))
        self.assertEqual([row["id"] for row in answer["logs"]], self.runs(task).sorted("id").ids)
        other.manager_ids = False
        answer = task.with_user(self.manager).run()
        self.assertEqual((len(answer["logs"]), len(answer["failures"])), (1, 1))
        self.assertEqual(answer["id"], answer["logs"][0]["id"])
        with self.assertRaises(AccessError):
            task.with_user(self.manager_2).run()

    @freeze_time(SATURDAY)
    def test_choosing_the_interval_of_a_new_task_counts_from_now(self):
        form = Form(self.Task.with_user(self.manager))
        form.interval_type = "minutes"
        form.interval_number = 10
        self.assertEqual(form.next_call, SATURDAY + timedelta(minutes=10))
        form.interval_type = "days"
        form.interval_number = 1
        self.assertEqual(form.next_call, SATURDAY + timedelta(days=1))

    @freeze_time(SATURDAY)
    def test_the_interval_keeps_a_next_run_that_was_typed_before(self):
        form = Form(self.Task.with_user(self.manager))
        form.name = "Task"
        form.command_id = self.command
        form.next_call = SATURDAY + timedelta(days=2, hours=5)
        form.interval_type = "days"
        self.assertEqual(form.next_call, SATURDAY + timedelta(days=2, hours=5))
        task = form.save()
        self.assertEqual(task.next_call, SATURDAY + timedelta(days=2, hours=5))
        self.assertEqual(task.schedule_start, task.next_call)

    def test_a_typed_next_run_moves_the_schedule(self):
        task = self.new_task()
        task.next_call = SATURDAY + timedelta(hours=5)
        self.assertEqual(task.schedule_start, SATURDAY + timedelta(hours=5))
        self.tick(SATURDAY + timedelta(hours=6))
        self.assertEqual(task.next_call, SATURDAY + timedelta(days=1, hours=5))

    @freeze_time(SATURDAY + timedelta(minutes=1))
    def test_a_changed_interval_shows_the_next_run(self):
        task = self.new_task(next_call=SATURDAY + timedelta(days=2))
        self.assertEqual(self.Task._get_next_call(task, task.next_call), SATURDAY + timedelta(days=3))
        task.write({"interval_type": "dow", "tuesday": True})
        self.assertEqual(task.next_call, SATURDAY + timedelta(days=3))  # Tuesday, not before it was to begin
        task.write({"interval_type": "hours", "interval_number": 6})
        self.assertEqual(task.next_call, SATURDAY + timedelta(days=2))

    @freeze_time(SATURDAY)
    def test_the_preview(self):
        self.manager.tz = "Europe/Berlin"
        task = self.new_task(next_call=datetime(2026, 10, 24, 6))
        lines = task.with_user(self.manager).next_calls.split("\n")
        self.assertEqual(len(lines), 5)
        self.assertIn("24 Oct 2026 08:00", lines[0])
        self.assertIn("25 Oct 2026 08:00", lines[1])
        self.assertIn("28 Oct 2026 08:00", lines[4])
        draft = self.Task.new({"interval_type": "dow", "next_call": SATURDAY})
        self.assertFalse(draft.next_calls)  # no day chosen so far

    def test_what_is_no_schedule(self):
        for error, wrong in (
            (ValidationError, {"interval_type": "dow"}),
            (IntegrityError, {"interval_number": 0}),
            (IntegrityError, {"interval_number": 10000}),
        ):
            with (
                self.subTest(wrong),
                mute_logger("odoo.sql_db"),
                self.assertRaises(error),
                self.env.cr.savepoint(),
            ):
                self.new_task(**wrong)

    def test_the_cron_is_asked_for_the_moment(self):
        cron = self.env.ref("cetmix_tower_server.ir_cron_run_scheduled_tasks")
        Trigger = self.env["ir.cron.trigger"].sudo()
        Trigger.search([("cron_id", "=", cron.id)]).unlink()
        moment = datetime(2026, 12, 24, 17, 3)
        with freeze_time(SATURDAY):
            self.new_task(next_call=moment)
        self.assertEqual(Trigger.search([("cron_id", "=", cron.id)]).call_at, moment)
        self.tick()
        self.tick()
        self.assertEqual(Trigger.search([("cron_id", "=", cron.id)]).call_at, moment, "once is enough")

    def test_the_cron_does_not_run_after_itself(self):
        """A task that is held by somebody is looked for a minute later, not again and again."""
        cron = self.env.ref("cetmix_tower_server.ir_cron_run_scheduled_tasks")
        Trigger = self.env["ir.cron.trigger"].sudo()
        with freeze_time(SATURDAY):
            self.new_task(next_call=SATURDAY - timedelta(hours=1))
        Trigger.search([("cron_id", "=", cron.id)]).unlink()
        with patch.object(type(self.Task), "_reserve_tasks", lambda self, *arguments: self.browse()):
            self.tick()
        self.assertEqual(Trigger.search([("cron_id", "=", cron.id)]).call_at, SATURDAY + timedelta(minutes=1))

    def test_run_now_does_not_shift_the_schedule(self):
        task = self.new_task(next_call=SATURDAY + timedelta(days=9))
        with freeze_time(SATURDAY):
            action = task.with_user(self.manager).action_run()
        self.assertEqual(action["params"]["type"], "success")
        self.assertEqual(len(self.runs(task)), 1)
        self.assertEqual(task.next_call, SATURDAY + timedelta(days=9))
        self.assertEqual((task.last_call, task.schedule_start), (SATURDAY, SATURDAY + timedelta(days=9)))

    # ------------------------------------------------------------------ as whom

    def test_run_now_runs_as_the_caller(self):
        task = self.new_task(manager_ids=[(6, 0, (self.manager | self.manager_2).ids)])
        with self.assertRaisesRegex(UserError, "has no access"):  # the server is not his
            task.with_user(self.manager_2).action_run()
        self.server.user_ids += self.manager_2
        task.with_user(self.manager_2).action_run()
        self.assertEqual(self.runs(task).user_id, self.manager_2)
        self.assertEqual(task.user_id, self.manager)
        for person in (self.user, new_test_user(self.env, "run_stranger")):
            with self.assertRaises(AccessError):
                task.with_user(person).action_run()

    def test_nobody_uses_anothers_rights(self):
        """Who changes what, where, when or with which values becomes the one it runs as."""
        variable = self.env["cx.tower.variable"].create({"name": "V", "access_level": "2"})
        value = {"variable_id": variable.id, "value_char": "x"}
        own = self.new_server("Own", manager_ids=self.manager_2.ids)
        self.server.manager_ids += self.manager_2
        plan = self.env["cx.tower.plan"].create({"name": "P", "access_level": "2"})

        def task():
            return self.new_task(
                manager_ids=[(6, 0, (self.manager | self.manager_2).ids)],
                custom_variable_value_ids=[(0, 0, value | {"value_char": "first"})],
            )

        def change(**vals):
            return lambda task: task.write(vals)

        command = self.command.copy()
        changes = (
            change(command_id=command.id),
            change(action="plan", plan_id=plan.id),
            change(server_ids=[(5,)]),
            change(interval_number=7),
            change(next_call=SATURDAY),
            change(active=True),
            lambda task: task.custom_variable_value_ids.write({"value_char": "second"}),
            lambda task: task.custom_variable_value_ids.create(
                value
                | {
                    "scheduled_task_id": task.id,
                    "variable_id": variable.copy({"access_level": "2"}).id,
                }
            ),
            lambda task: own.with_user(self.manager_2).write({"scheduled_task_ids": [(4, task.id)]}),
        )
        for number, attempt in enumerate(changes):
            record = task()
            self.assertEqual(record.user_id, self.manager)
            with self.subTest(number):
                attempt(record.with_user(self.manager_2))
                self.assertEqual(record.user_id, self.manager_2)
        for number, attempt in enumerate(
            (change(name="New"), change(sequence=3), change(note="x"), change(active=False))
        ):
            record = task()
            with self.subTest(number):
                attempt(record.with_user(self.manager_2))
                self.assertEqual(record.user_id, self.manager)
        record = task()
        record.with_user(self.root).write({"command_id": command.id})
        self.assertEqual(record.user_id, self.manager)

    def test_only_root_sets_the_owner(self):
        task = self.new_task(manager_ids=[(6, 0, (self.manager | self.manager_2).ids)])
        Task = self.Task.with_user(self.manager)
        values = {"name": "T", "command_id": self.command.id}
        for number, attempt in enumerate(
            (
                lambda: task.with_user(self.manager).write({"user_id": self.root.id}),
                lambda: task.with_user(self.manager_2).write({"user_id": self.root.id}),
                lambda: Task.create(values | {"user_id": self.root.id}),
                lambda: Task.with_context(default_user_id=self.root.id).create(values),
                lambda: task.with_user(self.manager).copy({"user_id": self.root.id}),
            )
        ):
            with self.subTest(number), self.assertRaises(AccessError), self.env.cr.savepoint():
                attempt()
        self.assertEqual(task.with_user(self.manager_2).copy().user_id, self.manager_2)
        task.with_user(self.manager_2).write({"user_id": self.manager_2.id})
        task.with_user(self.root).write({"user_id": self.manager.id})
        self.assertEqual(task.user_id, self.manager)

    @slow
    def test_all_rights_are_those_of_the_moment(self):
        """And whoever follows the task is told, once."""
        others = self.new_server("Others", manager_ids=False)
        cases = (
            (lambda task: self.manager.write({"group_ids": [(5,)]}), "not a Manager"),
            (lambda task: self.manager.write({"active": False}), "not a Manager"),
            (lambda task: self.command.write({"access_level": "3"}), "may not run"),
            (lambda task: self.command.write({"active": False}), "archived"),
            (lambda task: self.server.write({"manager_ids": [(5,)]}), "has no access"),
            (lambda task: self.server.write({"active": False}), "no server"),
            (lambda task: task.write({"server_ids": [(6, 0, others.ids)]}), "has no access"),
            (lambda task: task.write({"server_ids": [(5,)]}), "no server"),
        )
        for number, (happens, message) in enumerate(cases):
            with self.subTest(number), self.env.cr.savepoint() as savepoint:
                task = self.new_task()
                happens(task)
                self.env.invalidate_all()
                self.assertTrue(task.warning_message)
                before = task.message_ids
                self.tick()
                self.assertFalse(self.runs(task))
                self.assertIn(message, task.last_note)
                self.assertTrue(task.failing_since)
                self.assertEqual(task.next_call, SATURDAY + timedelta(days=1))
                posted = task.message_ids - before
                self.assertIn(message, str(posted.mapped("body")))
                self.assertIn(self.manager.partner_id, posted.partner_ids)
                self.tick(SATURDAY + timedelta(days=1))
                self.assertEqual(task.message_ids - before, posted, "told once")
                savepoint.rollback()
                self.env.invalidate_all()
                self.env.registry.clear_cache("default", "groups")

    def test_custom_values(self):
        variable = self.env["cx.tower.variable"].create(
            {"name": "Greeting", "reference": "greeting", "access_level": "2"}
        )
        self.command.code = 'result = {"exit_code": 0, "message": {{ greeting }}}'
        task = self.new_task(
            custom_variable_value_ids=[(0, 0, {"variable_id": variable.id, "value_char": "hello"})]
        )
        self.tick()
        self.assertEqual(self.runs(task).command_response, "hello")
        # only who may write the server sets values freely
        self.server.write({"manager_ids": [(5,)], "user_ids": [(4, self.manager.id)]})
        self.tick(SATURDAY + timedelta(days=1))
        self.assertEqual(len(self.runs(task)), 1)
        self.assertIn("may not pass this value", task.last_note)
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            task.custom_variable_value_ids.copy()

    # ------------------------------------------------------------------ one and the others

    def test_one_failing_server_does_not_stop_the_others(self):
        good, bad, hidden = self.server, self.new_server("Bad"), self.new_server("Hidden", manager_ids=False)
        last = self.new_server("Last")
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            self.new_task(server_ids=hidden.ids)
        task = self.new_task()
        task.server_ids = good | bad | hidden | last
        prepare = type(good)._prepare_run

        def fail(place, *arguments, **keywords):
            if place == bad:
                raise ZeroDivisionError("a bug")
            return prepare(place, *arguments, **keywords)

        with patch.object(type(good), "_prepare_run", fail), mute_logger(RUN):
            self.tick()
        self.assertEqual(self.runs(task).server_id, good | last)
        self.assertIn("Bad: Internal error in Tower: ZeroDivisionError", task.last_note)
        self.assertIn(f"Hidden: {self.manager.name} has no access", task.last_note)
        self.assertEqual(task.next_call, SATURDAY + timedelta(days=1))

    def test_one_failing_task_does_not_stop_the_others(self):
        first, second, third = (self.new_task(name=name) for name in ("one", "two", "three"))
        start = type(first)._start_as

        def fail(task, user):
            if task.id == second.id:
                raise ZeroDivisionError("a bug")
            return start(task, user)

        self.command.allow_parallel_run = True
        with patch.object(type(first), "_start_as", fail), mute_logger(RUN):
            self.tick()
        self.assertEqual([len(self.runs(task)) for task in (first, second, third)], [1, 0, 1])
        self.assertIn("ZeroDivisionError", second.last_note)
        self.assertEqual(second.next_call, SATURDAY + timedelta(days=1))

    def test_a_run_that_fails_is_told_once_until_it_works_again(self):
        task = self.new_task()
        self.command.code = "result = {'exit_code': 7, 'message': 'not for everybody'}"
        before = task.message_ids
        self.tick()
        posted = task.message_ids - before
        self.assertEqual(len(posted), 1)
        self.assertIn("exit code 7", posted.body)
        self.assertNotIn("not for everybody", posted.body)
        self.assertIn("Failed: 1", task.last_result)
        for day in (1, 2):
            self.tick(SATURDAY + timedelta(days=day))
        self.assertEqual(task.message_ids - before, posted)
        self.command.code = "result = {'exit_code': 0}"
        self.tick(SATURDAY + timedelta(days=3))
        self.assertFalse(task.failing_since)
        self.assertEqual(task.last_result, "Done: 1")
        self.command.code = "result = {'exit_code': 7}"
        self.tick(SATURDAY + timedelta(days=4))
        self.assertEqual(len(task.message_ids - before), 2)
        self.assertEqual(task.run_count, 5)

    def test_a_run_that_fails_later(self):
        task = self.new_task()
        with self.nobody_executes():
            self.tick()
        self.assertTrue(task.examined_from)
        self.runs(task)._finish(RunEnd(7, message="late"))
        self.tick(SATURDAY + timedelta(minutes=5))
        self.assertTrue(task.failing_since)
        self.assertIn("late", task.message_ids[0].body)
        self.assertFalse(task.examined_from)

    # ------------------------------------------------------------------ no overlap

    def test_a_task_does_not_overlap_itself(self):
        other = self.new_server("Free")
        task = self.new_task(server_ids=(self.server | other).ids)
        with self.nobody_executes():
            self.tick()
        self.assertTrue(task.is_running)
        self.assertEqual(self.Task.search([("is_running", "=", True)]), task)
        self.assertNotIn(task, self.Task.search([("is_running", "=", False)]))
        self.runs(task).filtered(lambda log: log.server_id == other)._finish(RunEnd(0))
        self.tick(SATURDAY + timedelta(days=1))
        self.assertEqual(sorted(log.server_id.name for log in self.runs(task)), ["Free", "Free", "Run test"])
        self.assertIn("is still active: Run test", task.last_note)
        self.assertFalse(task.failing_since, "that is no failure")
        self.runs(task).filtered(lambda log: log.state == "queued")._finish(RunEnd(0))
        self.env.invalidate_all()
        self.assertFalse(task.is_running)
        self.tick(SATURDAY + timedelta(days=2))
        self.assertEqual(len(self.runs(task)), 5)

    def test_unless_its_target_may_run_side_by_side(self):
        self.command.allow_parallel_run = True
        task = self.new_task()
        with self.nobody_executes():
            self.tick()
            self.tick(SATURDAY + timedelta(days=1))
        self.assertEqual(self.runs(task).mapped("state"), ["queued", "queued"])

    def test_run_now_does_not_overlap_either(self):
        task = self.new_task()
        with self.nobody_executes():
            self.tick()
            with self.assertRaisesRegex(UserError, "is still active"):
                task.with_user(self.manager).action_run()

    def test_a_killed_process_leaves_nothing_behind(self):
        """Whether a task is running is what its runs say."""
        task = self.new_task()
        with self.nobody_executes():
            self.tick()
        self.runs(task)._finish(RunEnd(-209, message="interrupted"))
        self.tick(SATURDAY + timedelta(days=1))
        self.assertEqual(self.runs(task).mapped("state"), ["interrupted", "done"])

    # ------------------------------------------------------------------ once

    def test_a_lost_transaction_is_tried_again(self):
        """Another process was faster, or the database closed the connection: nothing has happened, nothing is lost."""
        task = self.new_task()
        note = type(task)._note_outcome
        failures = [SerializationFailure(), SerializationFailure()]

        def fail(record, *arguments):
            if failures:
                raise failures.pop()
            return note(record, *arguments)

        with patch.object(type(task), "_note_outcome", fail):
            self.tick()
        self.assertEqual(len(self.runs(task)), 1)
        self.assertEqual(task.next_call, SATURDAY + timedelta(days=1))

    def test_plans(self):
        plan = self.env["cx.tower.plan"].create(
            {"name": "P", "access_level": "2", "line_ids": [(0, 0, {"command_id": self.command.id})]}
        )
        task = self.new_task(action="plan", plan_id=plan.id)
        self.tick()
        run = self.env["cx.tower.plan.log"].search([("scheduled_task_id", "=", task.id)])
        self.assertEqual((run.state, run.user_id), ("done", self.manager))
        self.assertEqual(task.action_open_runs()["res_model"], "cx.tower.plan.log")
        self.assertEqual((task.run_count, task.last_result), (1, "Done: 1"))

    def test_queries_do_not_grow_with_the_servers(self):
        few = self.new_server("A") | self.new_server("B")
        many = few.browse().concat(*(self.new_server(f"S{number}") for number in range(30)))
        self.command.allow_parallel_run = True
        counts = []
        for servers in (few, few, many):
            task = self.new_task(server_ids=servers.ids)
            self.env.flush_all()
            self.env.invalidate_all()
            with self.nobody_executes(), freeze_time(SATURDAY):
                before = self.env.cr.sql_log_count
                task._run_due()
                self.env.flush_all()
                counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(len(self.runs(task)), len(servers))
        self.assertLessEqual(counts[2], counts[1] + 2, counts)

    def test_copies_of_databases_run_nothing(self):
        task = self.new_task()
        with file_open("cetmix_tower_server/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.tick()
        self.assertFalse(task.active)
        self.assertFalse(self.runs(task))


@tagged("post_install", "-at_install")
class TestScheduledTaskOfModule(ScheduledTaskCase):
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
class TestScheduledTaskCopy(ScheduledTaskCase):
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
