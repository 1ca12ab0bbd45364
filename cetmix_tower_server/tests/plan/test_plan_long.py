from unittest.mock import patch

from odoo import sql_db
from odoo.tests import tagged

from ...engine.run_request import RunRequest
from ...engine.secret import Secret
from ...models.plan import frozen_inputs, plan_log_reading
from ...worker import worker as run_worker
from ..run.run_case import RunCase

MEASURED = 5  # steps
SECRETS = (("long", Secret("a long secret")),)  # of a Python command that starts a run


@tagged("post_install", "-at_install")
class TestPlanLong(RunCase):
    """A step costs the same in any plan, however many lines it has and however many steps went before."""

    def start(self, lines, secrets=(), **own_values):
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
        request = RunRequest(variable_values=own_values, secrets=secrets)
        started = self.server.with_user(self.root)._create_plan_runs(plan, request)
        run = self.env["cx.tower.plan.log"].browse(started.ids)
        self.env.flush_all()
        return run

    def pretend_steps(self, run, count):
        """Let a run have that many steps behind it, as far as the database can tell."""
        self.env.cr.execute(
            """INSERT INTO cx_tower_command_log (reference, name, state, plan_log_id, server_id, command_id, user_id, position, active)
               SELECT 'past-' || plan_log_id || '-' || past, name, 'done', plan_log_id, server_id, command_id, user_id, 0, TRUE
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
            (job,) = worker.taker.prepare_patiently({step.id: fence})
            job.may_take_over = False
            job.run()
            worker.in_hand.take_ended()
            costs.append(sql_db.sql_counter - before)
        return costs

    def test_a_step_sends_as_many_queries_in_any_plan(self):
        short, long = self.start(MEASURED + 5), self.start(1500)
        self.pretend_steps(long, 1500)
        self.cost(short)  # fills the caches that all share
        self.assertEqual(self.cost(self.start(MEASURED + 5))[1:], self.cost(long)[1:])

    def rows_read(self):
        """Return how many rows of logs of commands this transaction has read."""
        self.env.cr.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'cx_tower_command_log'"
        )
        return self.env.cr.fetchone()[0]

    def test_a_step_reads_as_many_rows_in_any_plan(self):
        short, long = self.start(MEASURED + 5), self.start(1500)
        self.pretend_steps(long, 3000)
        self.env.cr.execute("ANALYZE cx_tower_command_log")
        self.cost(short)
        read = []
        for run in (self.start(MEASURED + 5), long):
            before = self.rows_read()
            self.cost(run)
            read.append(self.rows_read() - before)
        self.assertLess(read[1], read[0] + 100)

    def test_a_step_decrypts_as_much_in_any_plan(self):
        """Custom values that contain a secret's text are sealed; the plan beside them is not decrypted with them each time."""
        decrypted = []
        Vault = type(self.env["cx.tower.vault"])
        unseal = Vault._unseal__

        def watched(vault, token, *args):
            decrypted.append(len(token))
            return unseal(vault, token, *args)

        def cost(run):
            self.assertTrue(run.sealed)
            decrypted.clear()
            with patch.object(Vault, "_unseal__", watched):
                self.cost(run)
            self.assertTrue(decrypted)
            return sum(decrypted)

        long, short = (
            cost(self.start(lines, SECRETS, word="it was: a long secret")) for lines in (1500, MEASURED + 5)
        )
        self.assertLess(long, 2 * short)

    def test_a_secret_in_the_code_of_a_plan_is_known_to_its_steps(self):
        """Its frozen inputs are sealed apart from custom values; what is known of secrets travels along all the same."""
        command = self.python("custom_values['seen'] = 'a long secret'", allow_parallel_run=True)
        plan = self.env["cx.tower.plan"].create(
            {"name": "Sealed", "line_ids": [(0, 0, {"command_id": command.id}) for _line in range(2)]}
        )
        server = self.server.with_user(self.root)
        run = server._start_plan_runs(plan, RunRequest({"word": "x"}, secrets=SECRETS)).sudo()
        self.assertEqual(run.state, "done")
        self.assertTrue(run.sealed_input)
        self.assertNotIn(
            "a long secret", f"{run.run_input} {run.variable_values} {run.command_log_ids.mapped('code')}"
        )
        self.assertEqual(run._custom_values__().values, {"word": "x", "seen": "a long secret"})
        self.assertIn("a long secret", str(run._inputs__()[0]))
        again = self.env["cx.tower.plan.log"].browse(run.with_user(self.root).action_run_again()["res_id"])
        self.assertEqual(again._custom_values__().values, {"word": "x", "seen": "a long secret"})

    def test_reading_how_it_stands_costs_the_same_in_any_plan(self):
        """Of a long plan the lines around the one that was reached are read, and others when they are asked for."""
        runs = [self.start(lines).with_user(self.root) for lines in (600, 1500)]
        for run in runs:
            run.sudo().position = 300
            self.pretend_steps(run, 1000)
        self.env.cr.execute("ANALYZE cx_tower_command_log")
        told, read, queries = [], [], []
        for run in (runs[0], *runs):  # the first one warms up
            self.env.invalidate_all()
            before, sent = self.rows_read(), sql_db.sql_counter
            told.append(run.read_progress())
            queries.append(sql_db.sql_counter - sent)
            read.append(self.rows_read() - before)
        self.assertEqual(queries[1], queries[2])
        self.assertLess(abs(read[2] - read[1]), 100)
        for progress in told:
            self.assertEqual(progress["steps_offset"], 50)
            self.assertEqual([step["position"] for step in progress["steps"]], list(range(50, 550)))
        self.assertLess(len(str(told[2])), 1.1 * len(str(told[1])))
        for offset, limit, expected in (
            (0, 3, [0, 1, 2]),
            (1498, 10, [1498, 1499]),
            (5000, 10, []),
            (-5, 2, [0, 1]),
            (10, 0, [10]),
        ):
            with self.subTest(offset=offset, limit=limit):
                progress = runs[1].read_progress(offset=offset, limit=limit)
                self.assertEqual([step["position"] for step in progress["steps"]], expected)
        self.assertEqual(len(runs[1].read_progress(offset=0, limit=10**9)["steps"]), 500)

    def test_plans_inside_are_told_within_a_limit(self):
        """First what goes on; what is left out says how much that is."""
        command = self.python("pass", allow_parallel_run=True)
        inner = self.env["cx.tower.plan"].create(
            {
                "name": "Inner",
                "allow_parallel_run": True,
                "line_ids": [(0, 0, {"command_id": command.id}) for _line in range(7)],
            }
        )
        inside = self.env["cx.tower.command"].create(
            {"name": "In", "action": "plan", "flight_plan_id": inner.id, "allow_parallel_run": True}
        )
        outer = self.env["cx.tower.plan"].create(
            {"name": "Outer", "line_ids": [(0, 0, {"command_id": inside.id}) for _line in range(4)]}
        )
        run = self.server.with_user(self.root).run_flight_plan(outer)
        self.assertEqual(run.sudo().state, "done")
        with patch.object(plan_log_reading, "INSIDE_LIMIT", 17):
            steps = run.read_progress()["steps"]
        self.assertEqual([len(step["steps"]) for step in steps], [7, 7, 3, 0])
        self.assertEqual([step["steps_left_out"] for step in steps], [0, 0, 4, 7])

    def test_its_document_is_parsed_once(self):
        run = self.start(MEASURED + 5)
        frozen_inputs._inputs_of_runs._known.clear()
        with patch.object(frozen_inputs, "freeze", wraps=frozen_inputs.freeze) as parsed:
            self.cost(run)
        self.assertEqual(parsed.call_count, 1)
