import json
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..common import slow
from ..run.run_case import RunCase


@tagged("post_install", "-at_install")
class TestPlanRun(RunCase):
    """Flight plans carried out by the run engine, inline, with Python commands."""

    def plan(self, *lines, **values):
        """Return a plan of these lines; a line is a command, or a dict with ``command_id``."""
        return self.env["cx.tower.plan"].create(
            {
                "name": "Plan",
                "line_ids": [
                    (
                        0,
                        0,
                        {"sequence": number, **(line if isinstance(line, dict) else {"command_id": line.id})},
                    )
                    for number, line in enumerate(lines)
                ],
                **values,
            }
        )

    def sub_plan(self, plan):
        return self.env["cx.tower.command"].create(
            {"name": f"Run {plan.name}", "action": "plan", "flight_plan_id": plan.id}
        )

    def run_plan(self, plan, user=None, **arguments):
        runs = self.server.with_user(user or self.root).run_flight_plan(plan, **arguments)
        return self.env["cx.tower.plan.log"].browse(runs.ids)

    def exits(self, code, **values):
        return self.python(f"result = {{'exit_code': {code}, 'message': 'code {code}'}}", **values)

    def test_lines_run_in_order(self):
        trace = self.python(
            "custom_values['trace'] = custom_values.get('trace', '') + 'x'", allow_parallel_run=True
        )
        run = self.run_plan(self.plan(trace, trace, trace))
        self.assertEqual((run.state, run.plan_status), ("done", 0))
        self.assertEqual(run.variable_values, {"trace": "xxx"})
        self.assertEqual(run.command_log_ids.sorted("id").mapped("position"), [0, 1, 2])
        self.assertEqual(run.steps_done, 3)

    def test_sub_plan_returns_its_values(self):
        inner = self.plan(self.python("custom_values['inner'] = custom_values['outer'] + 1"))
        outer = self.plan(
            self.python("custom_values['outer'] = 1"),
            self.sub_plan(inner),
            self.python("result = {'exit_code': 0 if custom_values['inner'] == 2 else 9}"),
        )
        run = self.run_plan(outer)
        self.assertEqual((run.state, run.plan_status), ("done", 0))
        self.assertEqual(run.variable_values, {"outer": 1, "inner": 2})
        child = run.command_log_ids.triggered_plan_log_id
        self.assertEqual((child.parent_flight_plan_log_id, child.top_plan_log_id), (run, run))
        self.assertEqual(child.state, "done")

    def test_a_failing_line_ends_the_plan(self):
        run = self.run_plan(self.plan(self.exits(0), self.exits(7), self.exits(0)))
        self.assertEqual((run.state, run.plan_status), ("failed", 7))
        self.assertEqual(len(run.command_log_ids), 2)
        self.assertIn("Line 2", run.message)

    def test_a_tolerated_failure_on_the_last_line(self):
        tolerant = [(0, 0, {"condition": "!=", "value_char": "0", "action": "n"})]
        run = self.run_plan(self.plan({"command_id": self.exits(7).id, "action_ids": tolerant}))
        self.assertEqual((run.state, run.plan_status), ("done", 0))

    def test_nothing_ran(self):
        run = self.run_plan(self.plan({"command_id": self.exits(0).id, "condition": "1 == 2"}))
        self.assertEqual((run.state, run.plan_status), ("skipped", 0))
        self.assertIn("Nothing ran", run.message)
        step = run.command_log_ids
        self.assertEqual((step.state, step.command_status, step.is_skipped), ("skipped", -205, True))

    def test_resume_after_failure(self):
        count = self.python("custom_values['n'] = custom_values.get('n', 0) + 1")
        flaky = self.python(
            "if not env['ir.config_parameter'].sudo().get_param('tower_test_ok'): result = {'exit_code': 3}"
        )
        run = self.run_plan(self.plan(count, flaky, self.exits(0)))
        self.assertEqual((run.state, run.plan_status, run.can_resume), ("failed", 3, True))
        self.env["ir.config_parameter"].set_param("tower_test_ok", "1")
        resumed = self.env["cx.tower.plan.log"].browse(run.with_user(self.root).resume().ids)
        self.assertEqual((resumed.state, resumed.variable_values), ("done", {"n": 1}))
        self.assertEqual(resumed.command_log_ids.sorted("id").mapped("position"), [1, 2])
        self.assertFalse(run.can_resume)
        progress = resumed.read_progress()
        self.assertEqual([step["earlier_run"] for step in progress["steps"]], [True, False, False])
        with self.assertRaisesRegex(UserError, "already"):
            run.with_user(self.root).resume()

    def test_resume_in_a_sub_plan(self):
        flaky = self.python(
            "if not env['ir.config_parameter'].sudo().get_param('tower_test_ok'): result = {'exit_code': 3}"
        )
        once = self.python("custom_values['once'] = custom_values.get('once', 0) + 1")
        inner = self.plan(once, flaky)
        run = self.run_plan(self.plan(self.exits(0), self.sub_plan(inner), self.exits(0)))
        self.assertEqual((run.state, run.plan_status), ("failed", 3))
        self.env["ir.config_parameter"].set_param("tower_test_ok", "1")
        resumed = self.env["cx.tower.plan.log"].browse(run.with_user(self.root).resume().ids)
        self.assertEqual((resumed.state, resumed.variable_values), ("done", {"once": 1}))
        inner_steps = resumed.read_progress()["steps"][1]["steps"]
        self.assertEqual([step["earlier_run"] for step in inner_steps], [True, False])

    def test_resume_a_changed_plan(self):
        plan = self.plan(self.exits(0), self.exits(5))
        run = self.run_plan(plan)
        plan.line_ids[1].command_id.code = "result = {'exit_code': 0}"
        with self.assertRaisesRegex(UserError, "changed since"):
            run.with_user(self.root).resume()
        self.assertIn("result = {'exit_code': 0}", run.with_user(self.root).resume_difference())
        plan.line_ids[1].command_id.access_level = "3"
        plan.manager_ids = self.manager
        difference = run.with_user(self.manager).resume_difference()
        self.assertNotIn("exit_code", difference)
        self.assertIn("do not have access", difference)
        resumed = self.env["cx.tower.plan.log"].browse(
            run.with_user(self.root).resume(use_changed_plan=True).ids
        )
        self.assertEqual(resumed.state, "done")

    def test_the_difference_of_a_changed_plan_in_words(self):
        inner = self.plan(self.exits(0), self.exits(5), on_error_action="e")
        plan = self.plan(self.exits(0), self.sub_plan(inner), self.exits(0))
        run = self.run_plan(plan)
        first, nested, last = plan.line_ids
        plan.write({"on_error_action": "n", "timeout_s": 60})
        first.path = "/tmp"
        first.command_id.timeout_s = 77
        first.command_id.code = "result = {'exit_code': 7}"
        inner.line_ids[0].condition = "1"
        inner.line_ids[1].action_ids = [
            (0, 0, {"condition": "!=", "value_char": "3", "action": "n"}),
        ]
        last.write({"command_id": self.exits(9).id, "use_sudo": True})
        plan.line_ids = [(0, 0, {"sequence": 0, "command_id": self.exits(0).id})]
        self.env.flush_all()
        self.env.invalidate_all()
        text = run.with_user(self.root).resume_difference()
        main, done = text.split("Lines that are done and will not run again:")
        on_error = plan._fields["on_error_action"]._description_string(self.env)
        words = dict(plan._fields["on_error_action"]._description_selection(self.env))
        for said in (
            f"Flight plan “{plan.name}”:",
            f"  {on_error}: “{words['e']}” → “{words['n']}”",
            "“0” → “60”",
            "is new; it will not run, because the run continues after it",
            "  line 3 “",
            "    Sudo: “no” → “yes”",
            f"Flight plan “{inner.name}”:",
            "    Post-run actions:",
            "      +!= 3 → next",
        ):
            self.assertIn(said, main)
        self.assertNotIn("command_id", text)
        self.assertNotIn("Condition", main)
        for said in ("Condition: nothing → “1”", "→ “result = {'exit_code': 7}”", "“/tmp”", "“77”"):
            self.assertIn(said, done)

    def test_what_is_told_of_the_rules(self):
        variable = self.env["cx.tower.variable"].create({"name": "rule_value", "reference": "rule_value"})
        value = (0, 0, {"variable_id": variable.id, "value_char": "1"})
        action = {"condition": "!=", "value_char": "0", "action": "n", "variable_value_ids": [value]}
        tolerated = {"command_id": self.exits(3).id, "action_ids": [(0, 0, action)]}
        own = {"condition": "==", "value_char": "6", "action": "ec", "custom_exit_code": 60}
        last = {"command_id": self.exits(6).id, "action_ids": [(0, 0, own)]}
        plan = self.plan(self.exits(0), tolerated, self.exits(5), last, on_error_action="n")
        run = self.run_plan(plan)
        progress = run.with_user(self.root).read_progress()
        self.assertEqual(
            [step["remark"] for step in progress["steps"]],
            [
                "",
                "continues: post-run action != 0; sets rule_value",
                "continues: the plan's rule",
                "the plan ends with 60: post-run action == 6",
            ],
        )
        self.assertEqual(progress["steps_done"], 3)
        resumed = self.env["cx.tower.plan.log"].browse(run.with_user(self.root).resume().ids)
        again = resumed.with_user(self.root).read_progress()
        self.assertEqual(again["steps_done"], 3)
        self.assertEqual(
            [step["remark"] for step in again["steps"]], [step["remark"] for step in progress["steps"]]
        )

    def test_a_tolerated_failure_of_the_last_step_counts_as_done(self):
        run = self.run_plan(self.plan(self.exits(0), self.exits(5), on_error_action="n"))
        self.assertEqual((run.state, run.steps_done), ("done", 2))
        run = self.run_plan(self.plan(self.exits(5), self.exits(0)))
        self.assertEqual((run.state, run.steps_done), ("failed", 0))

    def test_a_failure_inside_is_called_by_the_number_on_the_screen(self):
        inner = self.plan(self.exits(0), self.exits(5))
        run = self.run_plan(self.plan(self.exits(0), self.sub_plan(inner)))
        self.assertTrue(run.message.startswith("Line 2, "), run.message)
        self.assertIn("Line 2.2, ", run.message)

    def test_notifications_that_need_not_stay(self):
        bus = self.env["bus.bus"]

        def told(run):
            self.env.cr.precommit.run()  # what its end told
            before = bus.search([], order="id desc", limit=1).id or 0
            run._notify_starter()
            self.env.cr.precommit.run()
            messages = [json.loads(row) for row in bus.search([("id", ">", before)]).mapped("message")]
            [payload] = [row["payload"] for row in messages if row["payload"].get("title") == run.name]
            return payload["type"], payload["sticky"]

        self.assertEqual(told(self.run_plan(self.plan(self.exits(5)))), ("danger", True))
        skipped = self.run_plan(self.plan({"command_id": self.exits(0).id, "condition": "0"}))
        self.assertEqual((skipped.state, told(skipped)), ("skipped", ("info", False)))
        self.assertIn("only line", skipped.message)
        refused = self.env["cx.tower.plan.log"].create(
            {
                "server_id": self.server.id,
                "plan_id": self.plan(self.exits(0)).id,
                "state": "failed",
                "plan_status": -301,
                "user_id": self.root.id,
            }
        )
        self.assertEqual(told(refused), ("danger", False))
        stopped = refused.copy(
            {"state": "stopped", "plan_status": -308, "stop_requested_by_id": self.root.id}
        )
        self.assertEqual(told(stopped), ("info", False))
        stopped.stop_requested_by_id = self.manager
        self.assertEqual(told(stopped), ("warning", True))

    def test_retries(self):
        command = self.python(
            "params = env['ir.config_parameter'].sudo()\n"
            "n = int(params.get_param('tower_test_n', '0')) + 1\n"
            "params.set_param('tower_test_n', str(n))\n"
            "result = {'exit_code': 0 if n == 3 else 4}",
            idempotent=True,
            retry_attempts=3,
            retry_delay_s=0,
        )
        run = self.run_plan(self.plan(command, self.exits(0)))
        self.assertEqual(run.state, "done")
        self.assertEqual(run.command_log_ids.sorted("id")[0].attempt, 3)

    def test_a_plan_inside_itself(self):
        """The constraint on plans keeps it from being stored; the run engine does not rely on it."""
        plan = self.plan(self.exits(0), allow_parallel_run=True)
        command = self.sub_plan(self.plan(self.exits(0)))
        plan.line_ids = [(0, 0, {"sequence": 99, "command_id": command.id})]
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE cx_tower_command SET flight_plan_id = %s WHERE id = %s", (plan.id, command.id)
        )
        self.env.invalidate_all()
        run = self.run_plan(plan)
        self.assertEqual((run.state, run.plan_status), ("failed", -301))
        child = run.command_log_ids.triggered_plan_log_id
        self.assertEqual((child.plan_status, child.command_log_ids.ids), (-301, []))

    def test_what_goes_wrong_in_tower_ends_the_plan_and_loses_no_result(self):
        plan = self.plan(self.python("1 / 0"), self.exits(0))
        flow = "odoo.addons.cetmix_tower_server.models.plan.flow.CxTowerPlanLog"
        with (
            patch(f"{flow}._decide_after", side_effect=ZeroDivisionError("on purpose")),
            mute_logger("odoo.addons.cetmix_tower_server.worker.job"),
        ):
            run = self.run_plan(plan)
        self.assertEqual((run.state, run.plan_status), ("failed", -100))
        self.assertIn("ZeroDivisionError", run.message)
        self.assertEqual(run.command_log_ids.command_status, -203)

    def test_a_next_step_that_cannot_be_prepared_is_left_in_the_queue(self):
        """What fails for it must not undo the end of the one before."""
        log = "odoo.addons.cetmix_tower_server.models.run.command_log_work.CxTowerCommandLog"
        plan = self.plan(self.python("1 / 0"), self.exits(0), on_error_action="n")
        prepare = self.env.registry["cx.tower.command.log"]._prepare_works
        failures = [None, ZeroDivisionError("on purpose")]

        def fail_once(logs, *args):
            failure = failures.pop(0) if failures else None
            if failure:
                raise failure
            return prepare(logs, *args)

        with (
            patch(f"{log}._prepare_works", fail_once),
            mute_logger("odoo.addons.cetmix_tower_server.worker.job"),
        ):
            run = self.run_plan(plan)
        self.assertEqual((run.state, run.steps_done), ("done", 2))

    def test_not_side_by_side(self):
        plan = self.plan(self.exits(0))
        self.enterContext(self.nobody_executes())
        server = self.server.with_user(self.root)
        first, second = server.run_flight_plan(plan).sudo(), server.run_flight_plan(plan).sudo()
        self.assertEqual(first.state, "queued")
        self.assertEqual((second.state, second.plan_status), ("failed", -301))
        self.assertIn("already", second.message)

    def test_starting_on_many_servers(self):
        """What is queried for each server is a constant, and small."""
        plan = self.plan(self.exits(0, allow_parallel_run=True), self.exits(0, allow_parallel_run=True))
        servers = self.server.concat(*(self.server.copy({"name": f"Copy {n}"}) for n in range(20)))
        self.enterContext(self.nobody_executes())
        servers = servers.with_user(self.root)
        self.env.flush_all()
        counts = []
        for some in (servers[:1], servers[1:]):
            before = self.env.cr.sql_log_count
            runs = some.run_flight_plan(plan)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(set(runs.sudo().mapped("state")), {"queued"})
        self.assertLess(counts[1] - counts[0], 19 * 4, counts)

    def test_queries_a_step(self):
        """The number of statements a step does not depend on the length of the plan."""
        step = self.exits(0, allow_parallel_run=True)

        def queries(lines):
            before = self.env.cr.sql_log_count
            self.run_plan(self.plan(*[step] * lines))
            return self.env.cr.sql_log_count - before

        queries(1)
        five, twenty, forty = (queries(lines) for lines in (5, 20, 40))
        self.assertAlmostEqual((forty - twenty) / 20, (twenty - five) / 15, delta=1.5)

    def test_stop_before_it_began(self):
        plan = self.plan(self.exits(0), self.exits(0))
        self.enterContext(self.nobody_executes())
        run = self.server.with_user(self.root).run_flight_plan(plan)
        run.stop()
        self.assertEqual((run.sudo().state, run.sudo().plan_status), ("stopped", -308))
        self.assertEqual(run.sudo().command_log_ids.state, "stopped")

    def test_the_cron_ends_what_was_to_be_stopped(self):
        """The process that was to do so died between its two transactions."""
        self.enterContext(self.nobody_executes())
        run = self.server.with_user(self.root).run_flight_plan(self.plan(self.exits(0), self.exits(0)))
        self.env["cx.tower.run.stop"]._mark_plans(run.ids, self.manager)
        self.env.invalidate_all()
        self.assertEqual(run.sudo().command_log_ids.state, "queued")
        self.env["cx.tower.run.queue"]._end_stopped()
        self.env.invalidate_all()
        self.assertEqual((run.sudo().state, run.sudo().command_log_ids.state), ("stopped", "stopped"))
        self.assertIn("run_manager", run.sudo().message)

    def test_what_is_taken_while_it_is_stopped_does_not_begin(self):
        command = self.python("custom_values['ran'] = True")
        with self.nobody_executes():
            run = self.server.with_user(self.root).run_flight_plan(self.plan(command, self.exits(0))).sudo()
        self.env["cx.tower.run.stop"]._mark_plans(run.ids, self.manager)
        self.env.invalidate_all()
        self.execute(run)
        self.env.invalidate_all()
        self.assertEqual(
            (run.state, run.command_log_ids.state, run.variable_values), ("stopped", "stopped", False)
        )

    def test_who_may(self):
        plan = self.plan(self.exits(0), access_level="3")
        with self.assertRaises(AccessError):
            self.run_plan(plan, user=self.user)

    def test_a_run_command_of_type_plan(self):
        inner = self.plan(self.exits(0), self.python("custom_values['x'] = 5"))
        started = self.server.with_user(self.root).run_command(self.sub_plan(inner))
        log = self.env["cx.tower.command.log"].browse(started["id"])
        self.assertEqual((log.state, log.variable_values), ("done", {"x": 5}))
        result = (
            self.server.with_user(self.root)
            .with_context(no_command_log=True)
            .run_command(self.sub_plan(inner))
        )
        self.assertEqual(result["status"], 0)

    # ------------------------------------------------------------------
    # What must not start
    # ------------------------------------------------------------------

    def test_a_plan_for_other_servers(self):
        other = self.server.copy({"name": "Other"})
        plan = self.plan(self.exits(0), server_ids=[(6, 0, other.ids)])
        run = self.run_plan(plan)
        self.assertEqual((run.state, run.plan_status), ("failed", -306))
        self.assertIn("restricted", run.message)
        log = self.run_as(self.root, self.sub_plan(plan))
        self.assertEqual((log.state, log.command_status), ("failed", -306))

    def test_no_servers(self):
        runs = self.server.browse().with_user(self.root).run_flight_plan(self.plan(self.exits(0)))
        self.assertFalse(runs)

    def test_a_command_that_was_given_another_type(self):
        """Code that was written for Python must not reach a shell."""
        second = self.exits(0)
        change = self.python(
            f"env['cx.tower.command'].browse({second.id}).write({{'action': 'ssh_command'}})"
        )
        run = self.run_plan(self.plan(change, second))
        self.assertEqual((run.state, run.plan_status), ("failed", -100))
        self.assertIn("type of the command was changed", run.command_log_ids.sorted("id")[-1].message)

    def test_no_attempt_behind_the_time_limit(self):
        command = self.exits(4, idempotent=True, retry_attempts=50, retry_delay_s=100)
        run = self.run_plan(self.plan(command, timeout_s=50))
        self.assertEqual((run.state, run.command_log_ids.attempt), ("failed", 1))

    def test_an_overdue_step_is_not_taken(self):
        self.enterContext(self.nobody_executes())
        run = self.server.with_user(self.root).run_flight_plan(self.plan(self.exits(0), timeout_s=50)).sudo()
        run.deadline = fields.Datetime.now() - timedelta(seconds=5)
        queue = self.env["cx.tower.run.queue"]
        self.assertFalse(queue._claim("worker", 10))
        queue._end_overdue_plans()
        self.assertEqual((run.state, run.plan_status), ("failed", -206))

    # ------------------------------------------------------------------
    # Stopping
    # ------------------------------------------------------------------

    def test_stopping_a_queued_step_stops_its_plan(self):
        self.enterContext(self.nobody_executes())
        server = self.server.with_user(self.root)
        run = server.run_flight_plan(self.plan(self.exits(0), self.exits(0), on_error_action="n")).sudo()
        run.command_log_ids.with_user(self.root).stop()
        self.env.invalidate_all()
        self.assertEqual((run.state, len(run.command_log_ids)), ("stopped", 1))

    def test_stopping_a_waiting_step_stops_what_is_inside(self):
        self.enterContext(self.nobody_executes())
        server = self.server.with_user(self.root)
        run = server.run_flight_plan(self.plan(self.sub_plan(self.plan(self.exits(0))), self.exits(0))).sudo()
        run.command_log_ids.with_user(self.root).stop()
        self.env.invalidate_all()
        self.assertEqual(run.command_log_ids.triggered_plan_log_id.state, "stopped")
        self.assertEqual((run.state, len(run.command_log_ids)), ("stopped", 1))

    def unconfirmed(self, **values):
        """Return a command that ends as one does whose stop the host did not confirm, and what makes it so."""
        command = self.exits(-206, **values)
        perform = self.env.registry["cx.tower.command.log"]._perform_python

        def perform_python(log, *args):
            end = perform(log, *args)
            return replace(end, stop_confirmed=False) if log.command_id == command else end

        owner = "odoo.addons.cetmix_tower_server.models.command.python_run.CxTowerCommandLog"
        return command, patch(f"{owner}._perform_python", perform_python)

    def test_nothing_is_started_beside_a_step_that_may_still_be_running(self):
        """Whatever the rules say, in the plan and in those around it; and no second attempt."""
        command, as_unconfirmed = self.unconfirmed(idempotent=True, retry_attempts=3, retry_delay_s=0)
        go_on = [(0, 0, {"condition": "!=", "value_char": "0", "action": "n"})]
        inner = self.plan({"command_id": command.id, "action_ids": go_on}, self.exits(0), on_error_action="n")
        outer = self.plan(self.sub_plan(inner), self.exits(0), on_error_action="n")
        with as_unconfirmed:
            run = self.run_plan(outer)
        self.assertEqual((run.state, run.plan_status, len(run.command_log_ids)), ("failed", -206, 1))
        inside = run.command_log_ids.triggered_plan_log_id
        self.assertEqual((inside.plan_status, inside.command_log_ids.attempt), (-206, 1))
        self.assertEqual(len(inside.command_log_ids), 1)
        self.assertIn("No further line was started", run.message)

    def test_a_plan_goes_on_behind_a_step_that_was_ended_for_certain(self):
        run = self.run_plan(self.plan(self.exits(-206), self.exits(0), on_error_action="n"))
        self.assertEqual((run.state, len(run.command_log_ids)), ("done", 2))

    # ------------------------------------------------------------------
    # Resuming: refusals
    # ------------------------------------------------------------------

    def test_resume_while_the_plan_runs(self):
        """It is refused, and can be resumed afterwards."""
        plan = self.plan(self.exits(5))
        run = self.run_plan(plan)
        with self.nobody_executes():
            other = self.server.with_user(self.root).run_flight_plan(plan)
        with self.assertRaisesRegex(UserError, "already"), self.env.cr.savepoint():
            run.with_user(self.root).resume()
        other.stop()
        self.env.invalidate_all()
        self.assertTrue(run.can_resume)
        self.assertEqual(run.with_user(self.root).resume().sudo().plan_status, 5)

    def test_resume_while_the_command_runs(self):
        """The step ends as ANOTHER_COMMAND_RUNNING, and so does the plan; nothing stays behind."""
        command = self.exits(5)
        run = self.run_plan(self.plan(command))
        with self.nobody_executes():
            started = self.server.with_user(self.root).run_command(command)
        resumed = run.with_user(self.root).resume().sudo()
        self.assertEqual((resumed.state, resumed.plan_status), ("failed", -201))
        again = resumed.with_user(self.root).resume().sudo()
        self.assertEqual((again.state, again.plan_status), ("failed", -201), "the guard was passed by")
        self.env["cx.tower.command.log"].browse(started["id"]).with_user(self.root).stop()
        self.env.invalidate_all()
        self.assertEqual(again.with_user(self.root).resume().sudo().plan_status, 5)

    def test_resume_while_the_plan_inside_runs(self):
        """What is done inside is not done again when it is resumed after a refusal."""
        once = self.python("custom_values['once'] = custom_values.get('once', 0) + 1")
        inner = self.plan(once, self.exits(5))
        run = self.run_plan(self.plan(self.sub_plan(inner)))
        with self.nobody_executes():
            other = self.server.with_user(self.root).run_flight_plan(inner)
        refused = run.with_user(self.root).resume().sudo()
        self.assertEqual((refused.state, refused.plan_status), ("failed", -301))
        other.stop()
        self.env.invalidate_all()
        resumed = refused.with_user(self.root).resume().sudo()
        self.assertEqual((resumed.plan_status, resumed.variable_values), (5, {"once": 1}))

    def test_resume_with_a_plan_one_may_not_run_any_more(self):
        plan = self.plan(self.exits(5), access_level="1", user_ids=[(4, self.user.id)])
        run = self.run_plan(plan, user=self.user)
        plan.access_level = "3"
        plan.line_ids.command_id.code = "result = {'exit_code': 0}"
        with self.assertRaises(AccessError):
            run.with_user(self.user).resume(use_changed_plan=True)

    def test_settings_of_a_command_are_frozen_too(self):
        """What decides how it runs is compared like its code; a run goes on with what it began with."""
        command = self.exits(5, timeout_s=7)
        run = self.run_plan(self.plan(command))
        self.assertEqual(run.command_log_ids.run_input["settings"]["timeout_s"], 7)
        command.timeout_s = 8
        with self.assertRaisesRegex(UserError, "changed since"):
            run.with_user(self.root).resume()

    def test_an_author_ended_it(self):
        """A plan that its author ended behind a success has nothing to resume, and says why it ended."""
        action = [(0, 0, {"condition": "==", "value_char": "0", "action": "ec", "custom_exit_code": 7})]
        run = self.run_plan(self.plan({"command_id": self.exits(0).id, "action_ids": action}, self.exits(0)))
        self.assertEqual((run.state, run.plan_status, run.can_resume), ("failed", 7, False))
        self.assertIn("ends with 7", run.message)

    def test_resume_after_another_change(self):
        plan = self.plan(self.exits(5))
        run = self.run_plan(plan)
        plan.line_ids.command_id.code = "result = {'exit_code': 1}"
        wizard = self.env["cx.tower.plan.resume.wizard"].with_user(self.root).create({"plan_log_id": run.id})
        self.assertIn("'exit_code': 1", wizard.difference)
        plan.line_ids.command_id.code = "result = {'exit_code': 2}"
        with self.assertRaisesRegex(UserError, "changed again"):
            wizard.action_resume()

    # ------------------------------------------------------------------
    # What is told
    # ------------------------------------------------------------------

    def test_values_above_ones_level_are_not_told(self):
        variable = self.env["cx.tower.variable"].create(
            {"name": "hidden", "reference": "hidden", "access_level": "3"}
        )
        self.env["cx.tower.variable.value"].create({"variable_id": variable.id, "value_char": "value-42"})
        line = {"command_id": self.exits(0).id, "condition": "{{ hidden }} + 1"}
        run = self.run_plan(self.plan(line, access_level="1", user_ids=[(4, self.user.id)]), user=self.user)
        self.assertEqual(run.plan_status, -210)
        told = f"{run.with_user(self.user).read_progress()} {run.message} {run.command_log_ids.message}"
        self.assertNotIn("value-42", told)

    def test_a_code_that_looks_like_skipped(self):
        """An author's code does not turn a failure into a success."""
        action = [(0, 0, {"condition": "==", "value_char": "5", "action": "ec", "custom_exit_code": -205})]
        inner = self.plan({"command_id": self.exits(5).id, "action_ids": action})
        run = self.run_plan(self.plan(self.sub_plan(inner)))
        self.assertEqual((run.state, run.plan_status), ("failed", -205))

    def test_custom_values_stay_a_dictionary(self):
        run = self.run_plan(self.plan(self.python("custom_values = [1]"), self.exits(0)))
        self.assertEqual(run.plan_status, -203)
        self.assertIn("dictionary", run.message)

    def test_run_again_begins_with_the_values_of_the_beginning(self):
        count = self.python("custom_values['n'] = custom_values.get('n', 0) + 1", allow_parallel_run=True)
        run = self.run_plan(self.plan(count, self.sub_plan(self.plan(count))))
        child = run.command_log_ids.triggered_plan_log_id
        self.assertEqual(child.variable_values, {"n": 2})
        action = child.with_user(self.root).action_run_again()
        self.assertEqual(self.env["cx.tower.plan.log"].browse(action["res_id"]).variable_values, {"n": 2})

    @slow
    def test_500_lines(self):
        command = self.exits(0)
        run = self.run_plan(self.plan(*[command] * 500))
        self.assertEqual((run.state, run.steps_done), ("done", 500))
