from contextlib import contextmanager
from unittest.mock import patch

from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.engine.run_end import RunEnd
from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
from odoo.addons.cetmix_tower_server.models.run.waiting_actions import CxTowerCommandLog as BaseCommandLog
from odoo.addons.cetmix_tower_server.tests.run.run_case import RunCase
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

MODELS = "odoo.addons.cetmix_tower_server.models"
NOTE_TRACE = "custom_values['trace'] = custom_values.get('trace', '') + 'x'"


class WaitingCase(RunCase):
    """Sites, and a command that waits for somebody to approve."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site, cls.neighbour, cls.third = cls.env["cx.tower.site"].create(
            [{"name": name, "server_id": cls.server.id} for name in ("Shop", "Blog", "Wiki")]
        )
        cls.env["cx.tower.variable"].create({"name": "Port", "reference": "port"})
        cls.site.set_variable_value("port", "8443")
        cls.neighbour.set_variable_value("port", "80")

    def approval(self, code="Go?", **values):
        return self.env["cx.tower.command"].create(
            {"name": "Ask", "action": "site_approval", "code": code, **values}
        )

    def plan(self, *commands, **values):
        lines = [(0, 0, {"sequence": n, "command_id": command.id}) for n, command in enumerate(commands)]
        return self.env["cx.tower.plan"].create({"name": "Publish", "line_ids": lines, **values})

    def inside(self, plan):
        return self.env["cx.tower.command"].create(
            {"name": "Inside", "action": "plan", "flight_plan_id": plan.id}
        )

    def start(self, command, site=None):
        started = (site or self.site).run_command(command)
        return self.env["cx.tower.command.log"].browse(started["id"])

    def start_plan(self, plan, site=None):
        run = (site or self.site).run_flight_plan(plan)
        self.env.invalidate_all()  # steps are created past the ORM
        return run

    def open_approvals(self):
        return self.env["cx.tower.site.approval"].search([("state", "=", "open")], order="id")

    def answer(self, site=None, approve=True):
        site = site or self.site
        site.action_approve() if approve else site.action_refuse()
        self.execute(self.env["cx.tower.command.log"].search([("state", "=", "queued")]))
        self.env.invalidate_all()

    def change(self, records, **columns):
        """Write columns behind the ORM's back."""
        self.env.flush_all()
        for name, expression in columns.items():
            self.env.cr.execute(
                f"UPDATE {records._table} SET {name} = {expression} WHERE id = ANY(%s)", (records.ids,)
            )
        self.env.invalidate_all()

    def ago(self, interval):
        return f"(clock_timestamp() AT TIME ZONE 'UTC') - interval '{interval}'"

    @contextmanager
    def begin(self, replacement):
        """Let approvals begin in another way."""
        log_class = self.env.registry["cx.tower.command.log"]
        original = log_class._begin_waiting

        def begin(log, lane=None):
            is_ours = log.command_action == "site_approval"
            return replacement(log, lane) if is_ours else original(log, lane)

        with patch.object(log_class, "_begin_waiting", begin):
            yield


@tagged("post_install", "-at_install")
class TestWaiting(WaitingCase):
    """A run that waits, by itself and as a step."""

    # ------------------------------------------------------------------ by itself

    def test_it_ends_when_what_it_waits_for_does(self):
        log = self.start(self.approval("Open port {{ port }}?"))
        self.assertEqual((log.state, self.open_approvals().question), ("waiting", "Open port 8443?"))
        self.assertTrue(log.start_date)
        self.answer()
        self.assertEqual((log.state, log.variable_values), ("done", {"approved_by": self.env.user.name}))

    def test_only_the_first_end_counts(self):
        log = self.start(self.approval())
        self.assertTrue(log._waited_for_ended(RunEnd(7)))
        self.assertFalse(log._waited_for_ended(RunEnd(0)))
        self.answer()
        self.assertEqual((log.state, log.command_status), ("failed", 7))

    def test_it_keeps_what_its_command_said_when_it_was_started(self):
        command = self.approval(refused_exit_code=42)
        by_itself = self.start(command)
        run = self.start_plan(self.plan(command), self.neighbour)
        command.refused_exit_code = 1
        self.answer(approve=False)
        self.answer(self.neighbour, approve=False)
        self.assertEqual((by_itself.command_status, run.command_log_ids.command_status), (42, 42))

    def test_readers_are_told_what_it_waits_for(self):
        log = self.start(self.approval())
        text = "Waiting for approval on “Shop”."
        for reading in (log.read_output(), log.wait(0)):
            self.assertEqual((reading["state"], reading["waits_for"]), ("waiting", text))
        self.answer()
        self.assertEqual(log.read_output()["waits_for"], "")

    def test_a_second_start_is_refused_while_it_waits(self):
        command = self.approval()
        first, second = self.start(command), self.start(command)
        self.assertEqual((first.state, second.state, second.command_status), ("waiting", "failed", -201))
        self.assertEqual(len(self.open_approvals()), 1)
        self.answer()
        self.assertEqual(self.start(command).state, "waiting")

    def test_restrictions_to_servers_hold(self):
        other = self.server.copy({"name": "Other"})
        log = self.start(self.approval(server_ids=[(6, 0, other.ids)]))
        self.assertEqual((log.state, log.command_status), ("failed", -207))
        self.assertFalse(self.open_approvals())

    def test_it_may_end_at_once_with_a_reason(self):
        started = self.server.run_command(self.approval())
        log = self.env["cx.tower.command.log"].browse(started["id"])
        self.assertEqual(log.state, "failed")
        self.assertIn("runs on sites only", log.message)

    def test_a_failure_to_begin_ends_this_run_only(self):
        def fail_on_shop(log, lane):
            log.env["cx.tower.site.approval"].create({"site_id": log._run_target().id, "log_id": log.id})
            if log._run_target() == self.site:
                raise UserError("The shop is closed.")

        self.site.url = "written before"
        with self.begin(fail_on_shop):
            logs = (self.site | self.neighbour)._start_command_runs(self.approval(), RunRequest())
        self.assertEqual(logs.mapped("state"), ["failed", "waiting"])
        self.assertEqual((logs[0].message, self.site.url), ("The shop is closed.", "written before"))
        self.assertEqual(self.open_approvals().log_id, logs[1], "what it wrote is undone")

    def test_a_programming_error_is_logged_and_named(self):
        def fail(log, lane):
            raise ValueError("no such thing")

        with self.begin(fail), mute_logger(f"{MODELS}.run.command_log_work"):
            run = self.start_plan(self.plan(self.approval()))
        self.assertEqual((run.state, run.command_log_ids.message), ("failed", "ValueError: no such thing"))

    def test_an_addon_that_is_gone_is_named(self):
        with self.begin(BaseCommandLog._begin_waiting):
            log = self.start(self.approval())
        self.assertEqual((log.state, log.command_status), ("failed", ExitCode.NO_COMMAND_RUNNER_FOUND))

    def test_it_is_never_repeated_automatically(self):
        """What it waits for has rules of its own; asking again would be a new start."""
        command = self.approval(idempotent=True, retry_attempts=3, retry_delay_s=0)
        log = self.start(command)
        self.assertEqual(log.attempts_total, 1)
        run = self.start_plan(self.plan(command), self.neighbour)
        self.answer(approve=False)
        self.answer(self.neighbour, approve=False)
        self.assertEqual((log.state, run.state), ("failed", "failed"))
        self.assertEqual(run.command_log_ids.mapped("attempt"), [1])

    def test_run_again_begins_anew_with_the_same_values(self):
        log = self.env["cx.tower.command.log"].browse(
            self.site.run_command(self.approval("{{ port }}"), variable_values={"port": "9"})["id"]
        )
        self.answer(approve=False)
        again = self.env["cx.tower.command.log"].browse(log.action_run_again()["res_id"])
        self.assertEqual((again.state, self.open_approvals().question), ("waiting", "9"))

    # ------------------------------------------------------------------ as a step

    def test_a_plan_waits_at_its_step(self):
        after = self.python("custom_values['said'] = 'by ' + custom_values['approved_by']")
        run = self.start_plan(self.plan(self.approval(), after))
        self.assertEqual((run.state, run.command_log_ids.state), ("running", "waiting"))
        [step, *_later] = run.read_progress()["steps"]
        self.assertEqual((step["state"], step["waits_for"]), ("waiting", "Waiting for approval on “Shop”."))
        self.answer()
        self.assertEqual((run.state, run.variable_values["said"]), ("done", f"by {self.env.user.name}"))

    def test_the_rules_of_the_plan_apply_to_its_end(self):
        run = self.start_plan(self.plan(self.approval(), self.python(NOTE_TRACE)))
        self.answer(approve=False)
        self.assertEqual((run.state, run.plan_status, len(run.command_log_ids)), ("failed", 1, 1))
        self.assertIn("Refused by", run.message)

    def test_a_condition_may_leave_it_out(self):
        plan = self.plan(self.approval(), self.python(NOTE_TRACE))
        plan.line_ids[0].condition = "False"
        run = self.start_plan(plan)
        self.assertEqual(run.state, "done")
        self.assertFalse(self.open_approvals())

    def test_it_waits_at_any_depth(self):
        trace = self.python(NOTE_TRACE, allow_parallel_run=True)
        inner = self.plan(trace, self.approval(), trace)
        run = self.start_plan(self.plan(self.inside(self.plan(self.inside(inner), trace)), trace))
        self.assertEqual(run.state, "running")
        outer_step = run.command_log_ids
        self.assertEqual(outer_step._get_waiting_texts()[outer_step.id], "Waiting for flight plan “Publish”.")
        self.answer()
        self.assertEqual((run.state, run.variable_values["trace"]), ("done", "xxxx"))

    def test_many_that_end_at_once_are_a_loop(self):
        """Neither their number nor the way in which they end grows the stack."""
        for end in (
            lambda log, lane: log._end_waiting(RunEnd(0), lane),
            lambda log, lane: log._waited_for_ended(RunEnd(0)) and None,
        ):
            plan = self.plan(*([self.approval(allow_parallel_run=True)] * 150), self.python(NOTE_TRACE))
            with self.begin(end):
                run = self.start_plan(plan)
            self.assertEqual((run.state, run.steps_done), ("done", 151), run.message)

    def test_the_lane_of_the_event_keeps_to_its_own_plan(self):
        """The next step of the waiting plan is queued; it does not belong to the process that answered."""
        waiting = self.start_plan(self.plan(self.approval(), self.python(NOTE_TRACE)))
        code = f"env['cx.tower.site'].browse({self.site.id}).sudo().action_approve()"
        answering = self.plan(self.python(code), self.python("pass"))
        with self.nobody_executes():
            run = self.server.run_flight_plan(answering)
        self.execute(run)
        self.env.invalidate_all()
        self.assertEqual(run.state, "done", run.message)
        step = waiting.command_log_ids[0]
        self.assertEqual((step.state, step.follows), ("queued", 0))
        self.execute(waiting)
        self.assertEqual(waiting.state, "done")

    def test_an_error_in_what_follows_stays_in_its_plan(self):
        run = self.start_plan(self.plan(self.approval(), self.python(NOTE_TRACE)))
        plan_log = self.env.registry["cx.tower.plan.log"]
        with (
            patch.object(plan_log, "_decide_after", side_effect=ValueError("broken")),
            mute_logger(f"{MODELS}.plan.flow"),
        ):
            self.answer()
        self.assertEqual(self.site.approval_ids.state, "approved")
        self.assertEqual((run.state, run.command_log_ids.state), ("failed", "done"))
        self.assertIn("broken", run.message)

    def test_an_error_after_the_end_leaves_the_plan_to_the_cron(self):
        run = self.start_plan(self.plan(self.approval(), self.python(NOTE_TRACE)))
        log_class = self.env.registry["cx.tower.command.log"]
        with (
            patch.object(log_class, "_apply_end", side_effect=ValueError("broken")),
            mute_logger(f"{MODELS}.run.waiting_actions"),
        ):
            self.answer()
        self.assertEqual((run.state, run.command_log_ids.state), ("running", "done"))
        self.change(run, queued_date=self.ago("1 hour"))
        self.env["cx.tower.run.queue"]._recover_stalled_plans()
        self.env.invalidate_all()
        self.execute(run)
        self.assertEqual(run.state, "done")

    # ------------------------------------------------------------------ resume

    def test_a_resumed_plan_begins_to_wait_anew(self):
        trace = self.python(NOTE_TRACE, allow_parallel_run=True)
        run = self.start_plan(self.plan(trace, self.approval("{{ port }}"), trace))
        run.stop()
        self.assertEqual(run.state, "stopped")
        self.site.set_variable_value("port", "1")
        resumed = run.resume()
        self.env.invalidate_all()
        self.assertEqual((resumed.state, self.open_approvals().question), ("running", "8443"))
        self.answer()
        self.assertEqual((resumed.state, resumed.variable_values["trace"]), ("done", "xx"))

    def test_a_resumed_plan_begins_to_wait_inside(self):
        run = self.start_plan(self.plan(self.inside(self.plan(self.approval()))))
        self.answer(approve=False)
        self.assertEqual(run.state, "failed")
        resumed = run.resume()
        self.env.invalidate_all()
        self.answer()
        self.assertEqual(resumed.state, "done")


@tagged("post_install", "-at_install")
class TestWaitingStops(WaitingCase):
    """What ends a run that waits: a stop, a time limit, recovery."""

    # ------------------------------------------------------------------ stop

    def test_a_stop_reaches_what_it_waits_for(self):
        log = self.start(self.approval())
        log.stop()
        self.assertEqual((log.state, self.site.approval_ids.state), ("stopped", "withdrawn"))
        self.assertIn(f"Stopped by {self.env.user.name} while it was waiting", log.message)

    def test_it_ends_only_when_what_it_waits_for_has(self):
        log = self.start(self.approval())
        log_class = self.env.registry["cx.tower.command.log"]
        with patch.object(log_class, "_stop_waited", lambda logs, user: None):
            log.stop()
        self.assertEqual((log.state, log.stop_requested_by_id), ("waiting", self.env.user))
        log._waited_for_ended(RunEnd(ExitCode.COMMAND_STOPPED))
        self.assertEqual(log.state, "stopped")

    def test_a_stop_of_the_plan_reaches_its_steps_at_any_depth(self):
        run = self.start_plan(self.plan(self.inside(self.plan(self.approval())), self.python("pass")))
        run.stop()
        self.assertEqual((run.state, self.site.approval_ids.state), ("stopped", "withdrawn"))
        self.assertEqual(len(run.command_log_ids), 1)

    def test_a_stop_of_the_step_means_its_plan(self):
        run = self.start_plan(self.plan(self.approval(), self.python("pass"), on_error_action="n"))
        run.command_log_ids.stop()
        self.env.invalidate_all()
        self.assertEqual((run.state, len(run.command_log_ids)), ("stopped", 1))

    def test_a_stop_in_the_transaction_of_the_start(self):
        run = self.start_plan(self.plan(self.inside(self.plan(self.approval()))))
        with patch.object(
            self.env.registry["cx.tower.run.stop"], "_seen_by_all", lambda stop, runs: runs.browse()
        ):
            run.stop()
        self.env.invalidate_all()
        self.assertEqual((run.state, self.site.approval_ids.state), ("stopped", "withdrawn"))

    def test_a_failure_to_stop_is_made_up_for_by_the_cron(self):
        log = self.start(self.approval())
        log_class = self.env.registry["cx.tower.command.log"]
        with (
            patch.object(log_class, "_stop_waited", side_effect=ValueError("broken")),
            mute_logger(f"{MODELS}.run.cx_tower_run_queue"),
        ):
            log.stop()
        self.assertEqual((log.state, self.site.approval_ids.state), ("waiting", "open"))
        self.env["cx.tower.run.queue"]._cron_dispatch()
        self.assertEqual((log.state, self.site.approval_ids.state), ("stopped", "withdrawn"))

    def test_only_who_may_stop_the_run_may(self):
        log = self.start(self.approval())
        self.assertFalse(log.with_user(self.user)._may_stop())
        self.assertTrue(log.with_user(self.manager)._may_stop())

    # ------------------------------------------------------------------ time limits

    def test_the_timeout_of_its_command_ends_it(self):
        log = self.start(self.approval(timeout_s=60))
        self.assertAlmostEqual((log.wait_deadline - log.start_date).total_seconds(), 60, delta=1)
        self.env["cx.tower.run.queue"]._end_overdue_waits()
        self.assertEqual(log.state, "waiting")
        self.change(log, wait_deadline=self.ago("1 second"))
        self.env["cx.tower.run.queue"]._end_overdue_waits()
        self.assertEqual((log.state, log.command_status), ("failed", ExitCode.COMMAND_TIMED_OUT))
        self.assertEqual(self.site.approval_ids.state, "withdrawn")
        self.assertIn("timeout", log.message)

    def test_default_timeouts_do_not_apply(self):
        self.server.command_timeout_s = 5
        self.assertFalse(self.start(self.approval()).wait_deadline)

    def test_the_time_limit_of_the_plan_ends_it(self):
        run = self.start_plan(self.plan(self.inside(self.plan(self.approval(timeout_s=3600))), timeout_s=60))
        step = self.env["cx.tower.site.approval"].search([]).log_id
        self.assertEqual(step.wait_deadline, run.deadline)
        self.change(step, wait_deadline=self.ago("1 second"))
        self.env["cx.tower.run.queue"]._cron_dispatch()
        self.env.invalidate_all()
        self.assertEqual((run.state, run.plan_status), ("failed", ExitCode.COMMAND_TIMED_OUT))

    def test_it_times_out_when_what_it_waits_for_has_ended(self):
        log = self.start(self.approval(timeout_s=60))
        self.change(log, wait_deadline=self.ago("1 second"))
        log_class = self.env.registry["cx.tower.command.log"]
        with patch.object(log_class, "_stop_waited", lambda logs, user: None):
            self.env["cx.tower.run.queue"]._end_overdue_waits()
        self.env.invalidate_all()
        self.assertEqual(log.state, "waiting")
        log._waited_for_ended(RunEnd(ExitCode.COMMAND_STOPPED, "It was stopped."))
        self.assertEqual((log.state, log.command_status), ("failed", ExitCode.COMMAND_TIMED_OUT))
        self.assertIn("It was stopped.", log.message)

    def test_the_worker_is_woken_for_a_time_limit_that_is_near(self):
        Queue = self.env["cx.tower.run.queue"]
        log = self.start(self.approval(timeout_s=600))
        self.assertFalse(Queue._has_wait_deadline(within_s=90))
        self.change(log, wait_deadline=self.ago("-60 seconds"))
        self.assertTrue(Queue._has_wait_deadline(within_s=90))

    # ------------------------------------------------------------------ recovery

    def test_a_run_with_nothing_to_wait_for_is_interrupted(self):
        lost, alive = self.start(self.approval()), self.start(self.approval(), self.neighbour)
        self.site.approval_ids.unlink()
        self.change(lost | alive, create_date=self.ago("1 hour"))
        with mute_logger(f"{MODELS}.run.recovery"):
            self.env["cx.tower.run.queue"]._recover_stalled_plans()
        self.env.invalidate_all()
        self.assertEqual((lost.state, alive.state), ("interrupted", "waiting"))

    def test_a_lost_step_continues_its_plan_by_the_rules(self):
        run = self.start_plan(self.plan(self.approval(), self.python("pass"), on_error_action="n"))
        self.change(run.command_log_ids, create_date=self.ago("1 hour"))
        self.site.approval_ids.unlink()
        with mute_logger(f"{MODELS}.run.recovery"):
            self.env["cx.tower.run.queue"]._recover_stalled_plans()
        self.env.invalidate_all()
        self.execute(run)
        self.assertEqual(run.command_log_ids.sorted("position").mapped("state"), ["interrupted", "done"])

    def test_looking_for_lost_runs_costs_the_same_for_many(self):
        Queue = self.env["cx.tower.run.queue"]
        command = self.approval(allow_parallel_run=True)

        def queries():
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            Queue._recover_stalled_plans()
            return self.env.cr.sql_log_count - before

        self.start(command)
        few = queries()
        for _number in range(20):
            self.start(command)
        self.assertEqual(queries(), few)

    def test_two_ends_of_one_wait_collide(self):
        """The statement changes the row, so that a transaction that does not see it fails."""
        log = self.start(self.approval())
        self.env.flush_all()
        self.env.cr.execute("SELECT xmin::text, ctid::text FROM cx_tower_command_log WHERE id = %s", log.ids)
        before = self.env.cr.fetchone()
        log._collide_with_other_ends()
        self.env.cr.execute("SELECT xmin::text, ctid::text FROM cx_tower_command_log WHERE id = %s", log.ids)
        self.assertNotEqual(self.env.cr.fetchone(), before)


@tagged("post_install", "-at_install")
class TestWaitingFleet(WaitingCase):
    """Members of fleet runs begin to wait with their turn."""

    def fleet(self, what, sites=None, **limits):
        sites = sites or self.site | self.neighbour | self.third
        fleet = self.env["cx.tower.fleet.run"]._start(sites, what, RunRequest(), limits)
        self.env.invalidate_all()
        return fleet

    def asked(self):
        return self.open_approvals().site_id

    def test_members_begin_with_their_turn(self):
        for what in (
            self.approval(),
            self.plan(self.approval(), self.python("pass")),
            self.plan(self.inside(self.plan(self.approval()))),
            self.inside(self.plan(self.approval())),
        ):
            with self.subTest(what.name):
                fleet = self.fleet(what, concurrency_limit=1)
                for site in self.site | self.neighbour | self.third:
                    self.assertEqual((self.asked(), fleet.state), (site, "running"))
                    self.answer(site)
                self.assertEqual((fleet.state, self.asked()), ("done", self.site.browse()))

    def test_without_a_limit_all_begin_at_once(self):
        fleet = self.fleet(self.approval())
        self.assertEqual(self.asked(), self.site | self.neighbour | self.third)
        for site in self.asked():
            self.answer(site)
        self.assertEqual(fleet.state, "done")

    def test_a_refusal_halts_it(self):
        fleet = self.fleet(self.approval(), concurrency_limit=1, stop_after_failures=1)
        self.answer(approve=False)
        self.assertEqual((fleet.state, self.asked()), ("failed", self.site.browse()))
        self.assertEqual(fleet.command_log_ids.sorted("id").mapped("state"), ["failed", "stopped", "stopped"])

    def test_many_members_that_end_at_once_are_a_loop(self):
        sites = self.env["cx.tower.site"].create(
            [{"name": f"Site {n}", "server_id": self.server.id} for n in range(150)]
        )
        for what, limit in ((self.approval(), 1), (self.plan(self.approval()), 2), (self.approval(), 0)):
            with self.begin(lambda log, lane: log._end_waiting(RunEnd(0), lane)):
                fleet = self.fleet(what, sites, concurrency_limit=limit)
            self.assertEqual((fleet.state, fleet.succeeded_count), ("done", 150), fleet.message)

    def test_members_that_fail_at_once_halt_it(self):
        with self.begin(lambda log, lane: log._end_waiting(RunEnd(5), lane)):
            fleet = self.fleet(self.approval(), concurrency_limit=1, stop_after_failures=2)
        self.assertEqual(fleet.command_log_ids.sorted("id").mapped("state"), ["failed", "failed", "stopped"])
        self.assertEqual(fleet.state, "failed")

    def test_a_stop_reaches_members_and_those_that_have_not_begun(self):
        for what in (self.approval(), self.plan(self.approval())):
            fleet = self.fleet(what, concurrency_limit=1)
            fleet.stop()
            self.env.invalidate_all()
            self.assertEqual((fleet.state, self.asked()), ("stopped", self.site.browse()))
            members = fleet.command_log_ids if fleet.action == "command" else fleet.plan_log_ids
            self.assertEqual(set(members.mapped("state")), {"stopped"})

    def test_stopping_a_member_before_its_turn(self):
        fleet = self.fleet(self.plan(self.approval()), concurrency_limit=1)
        fleet.plan_log_ids.sorted("id")[1].stop()
        self.env.invalidate_all()
        self.assertEqual(fleet.plan_log_ids.sorted("id").mapped("state"), ["running", "stopped", "queued"])
        self.answer()
        self.answer(self.third)
        self.assertEqual(fleet.state, "stopped")

    def test_the_time_limit_starts_with_the_turn(self):
        fleet = self.fleet(self.approval(timeout_s=60), concurrency_limit=1)
        first, second, _third = fleet.command_log_ids.sorted("id")
        self.assertTrue(first.wait_deadline)
        self.assertFalse(second.wait_deadline)
        self.answer()
        self.assertTrue(second.wait_deadline)
