from unittest.mock import patch

from odoo import sql_db
from odoo.tests import tagged

from ..models import cx_tower_plan_log_flow as flow_module
from ..runs import worker as run_worker
from ..runs.engine_context import engine_says
from .run_case import RunCase

MEASURED = 5  # steps


@tagged("post_install", "-at_install")
class TestPlanLong(RunCase):
    """A step costs the same in any plan, however many lines it has and however many steps went before."""

    def start(self, lines):
        command = self.python("pass", allow_parallel_run=True)
        plan = self.env["cx.tower.plan"].create(
            {
                "name": f"{lines} lines",
                "allow_parallel_run": True,
                "line_ids": [
                    (0, 0, {"command_id": command.id, "sequence": number}) for number in range(lines)
                ],
            }
        )
        server = self.server.with_user(self.root).with_context(**engine_says(tower_no_dispatch=True))
        run = self.env["cx.tower.plan.log"].browse(server.run_flight_plan(plan).ids)
        self.env.flush_all()
        return run

    def pretend_steps(self, run, count):
        """Let a run have that many steps behind it, as far as the database can tell."""
        self.env.cr.execute(
            """INSERT INTO cx_tower_command_log (reference, name, state, plan_log_id, server_id, command_id, user_id, position, active)
               SELECT 'past-' || past, name, 'done', plan_log_id, server_id, command_id, user_id, 0, TRUE
                 FROM cx_tower_command_log, generate_series(1, %s) past WHERE plan_log_id = %s AND state = 'queued'""",
            (count, run.id),
        )
        self.env.cr.execute(
            """UPDATE cx_tower_command_log SET id = nextval('cx_tower_command_log_id_seq')
                WHERE plan_log_id = %s AND state = 'queued'""",
            (run.id,),
        )
        self.env.invalidate_all()

    def cost(self, run):
        """Execute some steps, each as a lane does it in a transaction of its own; return the number of their queries."""
        worker = run_worker.get(self.env.cr.dbname)
        costs = []
        for _step in range(MEASURED):
            step = self.env["cx.tower.command.log"].search(
                [("plan_log_id", "=", run.id), ("state", "=", "queued")]
            )
            with worker.transaction() as env:
                fence = worker.claim_one(env, step.id)
            before = sql_db.sql_counter
            (job,) = worker._prepare_patiently({step.id: fence})
            job.may_take_over = False
            job.run()
            worker._ended.clear()
            costs.append(sql_db.sql_counter - before)
        return costs

    def test_a_step_sends_as_many_queries_in_any_plan(self):
        short, long = self.start(MEASURED + 5), self.start(1500)
        self.pretend_steps(long, 1500)
        self.cost(short)  # fills the caches that all share
        self.assertEqual(self.cost(self.start(MEASURED + 5))[1:], self.cost(long)[1:])

    def test_its_document_is_parsed_once(self):
        run = self.start(MEASURED + 5)
        flow_module._inputs_of_runs._known.clear()
        with patch.object(flow_module, "freeze", wraps=flow_module.freeze) as parsed:
            self.cost(run)
        self.assertEqual(parsed.call_count, 1)
