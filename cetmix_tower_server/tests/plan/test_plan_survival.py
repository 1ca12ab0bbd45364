from contextlib import contextmanager, nullcontext
from unittest.mock import patch

import psycopg2
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...engine.exit_codes import ExitCode
from ...engine.run_end import Claim, RunEnd
from ...worker import worker as run_worker
from ...worker.job import Assignment, Job
from ...worker.recorder import KeptOutput
from ..run.run_case import RunCase

QUEUE = "odoo.addons.cetmix_tower_server.models.run.recovery"


@tagged("post_install", "-at_install")
class TestPlanSurvival(RunCase):
    """What flight plan runs survive and cannot be brought about from outside: a clock that goes backwards, a commit whose
    answer is lost, logs that lead nowhere."""

    def plan(self, *commands, **values):
        lines = [(0, 0, {"sequence": n, "command_id": command.id}) for n, command in enumerate(commands)]
        return self.env["cx.tower.plan"].create({"name": "Plan", "line_ids": lines, **values})

    def inside(self, plan):
        return self.env["cx.tower.command"].create(
            {"name": "Inside", "action": "plan", "flight_plan_id": plan.id}
        )

    def start(self, plan, dispatch=False):
        with nullcontext() if dispatch else self.nobody_executes():
            started = self.server.with_user(self.root).run_flight_plan(plan)
        run = self.env["cx.tower.plan.log"].browse(started.ids)
        self.env.invalidate_all()  # steps are created past the ORM
        return run

    def change(self, records, **columns):
        """Write columns behind the ORM's back."""
        self.env.flush_all()
        for name, expression in columns.items():
            self.env.cr.execute(
                f"UPDATE {records._table} SET {name} = {expression} WHERE id = ANY(%s)", (records.ids,)
            )
        self.env.invalidate_all()

    # ------------------------------------------------------------------
    # A clock that goes backwards
    # ------------------------------------------------------------------

    AHEAD = "(clock_timestamp() AT TIME ZONE 'UTC') + interval '1 hour'"

    def test_leases_from_the_future_are_brought_back(self):
        """A dead process's plan does not stay running for as long as the clock was set back."""
        Queue = self.env["cx.tower.run.queue"]
        run = self.start(self.plan(self.python("pass")))
        self.env["cx.tower.worker"]._beat("dead", "here", 1)
        Queue._claim_one("dead", run.command_log_ids.id)
        worker = self.env["cx.tower.worker"].search([("code", "=", "dead")])
        self.change(worker, heartbeat=self.AHEAD)
        self.assertEqual(Queue._recover_lost(), 0, "its lease begins anew")
        self.assertEqual(run.state, "running")
        self.change(worker, heartbeat="heartbeat - interval '2 days'")
        with mute_logger(QUEUE):
            self.assertEqual(Queue._recover_lost(), 1)
        self.assertEqual((run.state, run.plan_status), ("interrupted", ExitCode.RUN_INTERRUPTED))

    def test_durations_are_never_negative(self):
        Queue = self.env["cx.tower.run.queue"]
        run = self.start(self.plan(self.python("pass")))
        step = run.command_log_ids
        Queue._claim_one("worker", step.id)
        self.change(run, start_date=self.AHEAD)
        self.change(step, start_date=self.AHEAD)
        self.assertEqual((run.duration_current, step.duration_current), (0, 0))
        progress = run.with_user(self.root).read_progress()
        self.assertEqual((progress["duration"], progress["steps"][0]["duration"]), (0, 0))
        step._finish(RunEnd(0))
        self.assertEqual((run.state, run.duration, step.duration), ("done", 0, 0))

    def test_the_next_attempt_is_not_late_by_an_hour(self):
        Queue = self.env["cx.tower.run.queue"]
        command = self.python("pass", idempotent=True, retry_attempts=1, retry_delay_s=10)
        run = self.start(self.plan(command))
        step = run.command_log_ids
        fence = Queue._claim_one("worker", step.id)
        step._finish(RunEnd(5), Claim(fence))
        self.change(step, retry_at=f"{self.AHEAD} + interval '10 seconds'")
        Queue._recover_lost()
        _state, next_id, wait_s = Queue._next_of(step.id)
        self.assertEqual(next_id, step.id)
        self.assertTrue(9 < wait_s <= 10, wait_s)

    # ------------------------------------------------------------------
    # A commit whose answer is lost
    # ------------------------------------------------------------------

    def test_a_commit_that_only_seems_to_fail(self):
        """The connection breaks after the commit of a step's end: the plan goes on with the step that was taken over."""
        trace = self.python(
            "custom_values['trace'] = custom_values.get('trace', '') + 'x'", allow_parallel_run=True
        )
        worker = run_worker.get(self.env.cr.dbname)
        transaction, write_end = worker.transaction, Job.write_end
        ends = []

        def note_end(job, env, end, **arguments):
            recorded = write_end(job, env, end, **arguments)
            ends.append(not recorded.is_lost)
            return recorded

        @contextmanager
        def break_once(*arguments):
            known = len(ends)
            with transaction(*arguments) as env:
                yield env
            if known == 0 and ends:
                raise psycopg2.OperationalError("server closed the connection unexpectedly")

        with (
            patch.object(Job, "write_end", note_end),
            patch.object(worker, "transaction", break_once),
        ):
            run = self.start(self.plan(trace, trace, trace), dispatch=True)
        self.assertEqual(ends, [True, False, True, True])
        self.assertEqual((run.state, run.variable_values), ("done", {"trace": "xxx"}))
        self.assertEqual(run.command_log_ids.mapped("state"), ["done"] * 3)

    # ------------------------------------------------------------------
    # Another database under the same name
    # ------------------------------------------------------------------

    def test_a_run_never_gets_the_frozen_code_of_another_databases_run(self):
        run = self.start(self.plan(self.python("pass")))
        self.assertEqual(run._frozen_plan().lines[0]["code"], "pass")
        self.change(
            run,
            reference="'plan_run_of_another_database'",
            run_input="""replace(run_input::text, '"pass"', '"right = True"')::jsonb""",
        )
        self.assertEqual(run._frozen_plan().lines[0]["code"], "right = True")

    def test_a_process_does_not_end_or_write_to_a_run_that_another_one_holds(self):
        run = self.start(self.plan(self.python("pass")))
        step = run.command_log_ids
        fence = self.env["cx.tower.run.queue"]._claim_one("of the database that was here before", step.id)
        kept = KeptOutput(1000, 1000)
        job = Job(run_worker.get(self.env.cr.dbname), Assignment(step.id, fence, None, kept))
        job.recorder.append("o", "of another run")
        with mute_logger("odoo.addons.cetmix_tower_server.worker.job"):
            self.assertTrue(job.write_end(self.env, RunEnd(0)).is_lost)
        self.env.invalidate_all()
        self.assertEqual((step.state, step.output_ids.ids), ("running", []))

    # ------------------------------------------------------------------
    # Logs that lead nowhere
    # ------------------------------------------------------------------

    def test_a_run_whose_last_step_was_not_followed_goes_on(self):
        """The process died between the end of a Python step and the decision what is next."""
        run = self.start(self.plan(self.python("pass"), self.python("pass")))
        self.change(run.command_log_ids, state="'done'")
        self.change(run, queued_date="queued_date - interval '1 hour'")
        self.env["cx.tower.run.queue"]._recover_stalled_plans()
        self.env.invalidate_all()
        self.assertEqual(run.command_log_ids.sorted("id").mapped("state"), ["done", "queued"])

    def test_a_run_without_any_step_is_ended(self):
        """It must not happen; should it, the run ends, the plan around it goes on, and lost runs are found all the same."""
        inner = self.plan(self.python("pass"))
        run = self.start(self.plan(self.inside(inner), self.python("pass"), on_error_action="n"))
        child = run.command_log_ids.triggered_plan_log_id
        self.change(child.command_log_ids, state="'done'")
        child.command_log_ids.unlink()
        self.change(child, queued_date="queued_date - interval '1 hour'")
        with mute_logger(QUEUE):
            self.env["cx.tower.run.queue"]._recover_stalled_plans()
        self.assertEqual((child.state, child.plan_status), ("interrupted", ExitCode.RUN_INTERRUPTED))
        self.assertEqual(run.state, "queued")
        self.assertEqual(run.command_log_ids.sorted("id").mapped("state"), ["interrupted", "queued"])

    def test_a_step_that_waits_for_nothing_is_ended(self):
        inner = self.plan(self.python("pass"))
        run = self.start(self.plan(self.inside(inner), self.python("pass")))
        child = run.command_log_ids.triggered_plan_log_id
        self.change(child.command_log_ids, state="'done'")
        self.change(child, state="'done'")
        self.change(run.command_log_ids, create_date="create_date - interval '1 hour'")
        with mute_logger(QUEUE):
            self.env["cx.tower.run.queue"]._recover_stalled_plans()
        self.assertEqual((run.state, run.plan_status), ("interrupted", ExitCode.RUN_INTERRUPTED))
