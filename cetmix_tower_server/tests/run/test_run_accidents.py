from contextlib import contextmanager
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from ...engine.exit_codes import ExitCode
from ...engine.run_end import RunEnd
from ...engine.work import Ended
from ...worker import worker as run_worker
from ...worker.job import Assignment, Job
from .run_case import RunCase

MODELS = "odoo.addons.cetmix_tower_server.models"
RECOVERY = f"{MODELS}.run.recovery"
QUEUE = f"{MODELS}.run.cx_tower_run_queue"
WORK = f"{MODELS}.run.command_log_work"
PURGE = f"{MODELS}.run.purge"
JOB = "odoo.addons.cetmix_tower_server.worker.job"
TAKING = "odoo.addons.cetmix_tower_server.worker.taking"
CONDUCTOR = "odoo.addons.cetmix_tower_server.worker.conductor"
SQL_ERRORS = "odoo.sql_db"


@tagged("post_install", "-at_install")
class TestRunAccidents(RunCase):
    """What goes wrong with one run in Tower itself keeps no other run, and leaves none "running"."""

    def setUp(self):
        super().setUp()
        self.Queue = self.env["cx.tower.run.queue"]
        self.Log = self.env["cx.tower.command.log"]

    def start(self, count=1, command=None):
        """Return logs of queued runs."""
        command = command or self.python("pass", allow_parallel_run=True)
        server = self.server.with_user(self.root)
        with self.nobody_executes():
            logs = self.Log.browse([server.run_command(command)["id"] for _run in range(count)])
        self.env.flush_all()
        return logs

    def start_plan(self, **values):
        lines = [
            (0, 0, {"command_id": self.python("pass", allow_parallel_run=True).id}) for _line in range(2)
        ]
        plan = self.env["cx.tower.plan"].create(
            {"name": "Plan", "allow_parallel_run": True, "line_ids": lines, **values}
        )
        with self.nobody_executes():
            started = self.server.with_user(self.root).run_flight_plan(plan)
        run = self.env["cx.tower.plan.log"].browse(started.ids)
        self.env.invalidate_all()
        return run

    def lose(self, logs):
        """Let a process have taken these runs, and be gone."""
        for log in logs:
            self.Queue._claim_one("gone", log.id)
        self.env.invalidate_all()

    @staticmethod
    def let_go(worker):
        for job in worker.in_hand.jobs():
            worker.in_hand.drop(job)

    @contextmanager
    def poison(self, model, method, records, statement=None):
        """Let a hook fail for these records: raise, or send a statement that the database refuses."""
        original = getattr(type(self.env[model]), method)

        def failing(hooked, *arguments):
            if hooked in records:
                if statement:
                    hooked.env.cr.execute(statement)
                raise KeyError("poisoned")
            return original(hooked, *arguments)

        with (
            patch.object(type(self.env[model]), method, failing),
            mute_logger(RECOVERY, QUEUE, JOB, SQL_ERRORS),
        ):
            yield

    def test_a_lost_run_that_cannot_be_ended_as_usual_keeps_no_other(self):
        for statement in (None, "SELECT 1/0", "SELECT * FROM nothing_of_that_name"):
            logs = self.start(3)
            self.lose(logs)
            with self.poison("cx.tower.command.log", "_apply_end", logs[0], statement):
                self.Queue._recover_lost()
            self.env.invalidate_all()
            self.assertEqual(logs.mapped("state"), ["interrupted"] * 3)
            self.assertEqual(logs[0].command_status, ExitCode.RUN_INTERRUPTED)
            self.assertIn("actions after its end failed", logs[0].message)
            self.assertNotIn("actions after its end failed", logs[1].message)

    def test_an_overdue_step_that_cannot_be_ended_as_usual_keeps_no_other(self):
        runs = self.start_plan() | self.start_plan()
        self.env.cr.execute(
            "UPDATE cx_tower_plan_log SET deadline = now() AT TIME ZONE 'UTC' - interval '1 hour' WHERE id = ANY(%s)",
            (runs.ids,),
        )
        with self.poison("cx.tower.command.log", "_apply_end", runs[0].command_log_ids):
            self.Queue._end_overdue_plans()
        self.env.invalidate_all()
        self.assertEqual(runs.command_log_ids.mapped("command_status"), [ExitCode.COMMAND_TIMED_OUT] * 2)
        self.assertEqual(runs[1].state, "failed")

    def test_a_flight_plan_that_cannot_go_on_ends_and_keeps_no_other(self):
        runs = self.start_plan() | self.start_plan()
        self.env.cr.execute(
            "UPDATE cx_tower_command_log SET state = 'done' WHERE plan_log_id = ANY(%s)", (runs.ids,)
        )
        self.env.cr.execute(
            "UPDATE cx_tower_plan_log SET queued_date = queued_date - interval '1 hour' WHERE id = ANY(%s)",
            (runs.ids,),
        )
        self.env.invalidate_all()
        with self.poison("cx.tower.plan.log", "_continue", runs[0]):
            self.Queue._recover_stalled_plans()
        self.env.invalidate_all()
        self.assertEqual((runs[0].state, runs[0].plan_status), ("interrupted", ExitCode.RUN_INTERRUPTED))
        self.assertEqual(runs[1].command_log_ids.sorted("id").mapped("state"), ["done", "queued"])

    def test_a_part_of_the_cron_that_fails_keeps_neither_the_others_nor_what_is_queued(self):
        log = self.start()
        self.lose(log)
        queued = self.start()
        woken = []
        worker = run_worker.get(self.env.cr.dbname)
        with (
            patch.object(
                type(self.env["cx.tower.fleet.run"]), "_look_after", side_effect=KeyError("poisoned")
            ),
            patch.object(type(self.Queue), "_end_overdue_plans", side_effect=KeyError("poisoned")),
            patch.object(worker, "wake", lambda: woken.append(True)),
            mute_logger(RECOVERY, QUEUE),
        ):
            self.Queue._cron_dispatch()
        self.env.invalidate_all()
        self.assertEqual((log.state, queued.state, woken), ("interrupted", "queued", [True]))

    def test_what_cannot_follow_from_an_end_does_not_change_how_it_ended(self):
        """A hook that fails each time costs what should follow, not the result."""
        log = self.start()
        worker = run_worker.get(self.env.cr.dbname)
        fence = self.Queue._claim_one(worker.code, log.id)
        job = Job(worker, Assignment(log.id, fence, Ended(RunEnd(7, message="Seven."))))
        with self.poison("cx.tower.command.log", "_apply_end", log, "SELECT 1/0"):
            job.run()
        worker.in_hand.take_ended()
        self.env.invalidate_all()
        self.assertEqual((log.state, log.command_status), ("failed", 7))
        self.assertIn("Seven. The actions after its end failed", log.message)

    def test_a_run_that_cannot_be_prepared_spoils_no_other(self):
        logs = self.start(3)
        worker = run_worker.get(self.env.cr.dbname)
        claimed = {log.id: self.Queue._claim_one(worker.code, log.id) for log in logs}
        with self.poison("cx.tower.command.log", "_prepare_work", logs[1], "SELECT 1/0"), mute_logger(WORK):
            jobs = worker.taker.prepare_patiently(claimed)
        self.addCleanup(self.let_go, worker)
        self.assertEqual({job.log_id for job in jobs}, set(logs.ids))
        self.assertEqual([job.log_id for job in jobs if isinstance(job.work, Ended)], [logs[1].id])

    def test_runs_that_cannot_be_prepared_together_are_prepared_one_by_one(self):
        logs = self.start(3)
        worker = run_worker.get(self.env.cr.dbname)
        claimed = {log.id: self.Queue._claim_one(worker.code, log.id) for log in logs}
        make_jobs = worker.taker.make_jobs

        def fail_for_one(env, wanted, *arguments):
            if logs[1].id in wanted:
                raise KeyError("poisoned")
            return make_jobs(env, wanted, *arguments)

        with patch.object(worker.taker, "make_jobs", fail_for_one), mute_logger(TAKING):
            jobs = worker.taker.prepare_patiently(claimed)
        self.addCleanup(self.let_go, worker)
        self.assertEqual([job.log_id for job in jobs if isinstance(job.work, Ended)], [logs[1].id])
        self.let_go(worker)
        self.assertFalse(worker.in_hand.ids(), "none of them is being prepared any more")

    def test_output_that_cannot_be_written_keeps_no_other(self):
        logs = self.start(2)
        worker = run_worker.get(self.env.cr.dbname)
        claimed = {log.id: self.Queue._claim_one(worker.code, log.id) for log in logs}
        jobs = worker.taker.prepare_patiently(claimed)
        self.addCleanup(self.let_go, worker)
        for job in jobs:
            job.recorder.append("o", f"output of {job.log_id}")
        bad, good = jobs
        with patch.object(bad.recorder, "_write", side_effect=KeyError("poisoned")), mute_logger(CONDUCTOR):
            worker.conductor.write_output()
        self.assertEqual((bad.has_news(), good.has_news()), (True, False))
        self.assertEqual(
            self.Log.browse(good.log_id).read_output()["chunks"][0]["segments"],
            [["o", f"output of {good.log_id}"]],
        )

    def test_a_log_that_cannot_be_deleted_keeps_no_other(self):
        logs = self.start(3)
        for log in logs:
            log._finish(RunEnd(0))
        self.env.cr.execute(
            "UPDATE cx_tower_command_log SET finish_date = now() AT TIME ZONE 'UTC' - interval '90 days' WHERE id = ANY(%s)",
            (logs.ids,),
        )
        self.env.invalidate_all()
        unlink = type(self.Log).unlink

        def refuse_one(batch):
            if logs[1] in batch:
                raise KeyError("poisoned")
            return unlink(batch)

        self.env["ir.config_parameter"].set_param("cetmix_tower_server.log_retention_days", 30)
        with (
            patch.object(type(self.Log), "unlink", refuse_one),
            patch.object(type(self.env["ir.cron"]), "_commit_progress", lambda *_arguments, **_names: 1000),
            mute_logger(PURGE),
        ):
            self.Queue._cron_purge_logs()
        self.assertEqual(logs.exists(), logs[1])
