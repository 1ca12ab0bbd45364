import re

from odoo.tests import tagged
from odoo.tools import SQL

from ...models.run import cx_tower_run_mixin
from .run_case import RunCase

COMMAND_LOG, PLAN_LOG = "cx.tower.command.log", "cx.tower.plan.log"
ERROR = ("state", "in", ["failed", "interrupted"])


@tagged("post_install", "-at_install")
class TestRunLists(RunCase):
    """Lists, counters and cards of a log with millions of rows read by index, and never all of it."""

    def setUp(self):
        super().setUp()
        # Small tables are read from end to end; here the planner is to show what it can do with large ones.
        for switch in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            self.env.cr.execute(f"SET LOCAL {switch} = off")

    def _plan(self, model, domain):
        """Return how PostgreSQL reads the first rows of a list in its default order."""
        records = self.env[model].with_user(self.root)
        query = records._search(domain, order=records._order, limit=80)
        self.env.cr.execute(SQL("EXPLAIN (COSTS OFF) %s", query.select()))
        return "\n".join(row[0] for row in self.env.cr.fetchall())

    def _assert_in_order_of_index(self, model, domain, index):
        plan = self._plan(model, domain)
        self.assertRegex(plan, rf"Index (Only )?Scan using \w+_{index}\b", domain)
        self.assertNotRegex(plan, r"\bSort\b", domain)

    def test_lists_come_in_the_order_of_an_index(self):
        server, command = self.server.id, self.python("pass").id
        plan = self.env["cx.tower.plan"].create({"name": "Plan"}).id
        # Of an empty table that was vacuumed, as in a database that is kept, the planner expects one row by any index.
        some = {"server_id": server, "user_id": self.user.id, "state": "done"}
        self.env[COMMAND_LOG].sudo().create([{**some, "command_id": command} for _ in range(200)])
        self.env[PLAN_LOG].sudo().create([{**some, "plan_id": plan} for _ in range(200)])
        self.env.flush_all()
        for model, domain, index in (
            (COMMAND_LOG, [], "newest"),
            (COMMAND_LOG, [ERROR], "newest_failures"),
            (COMMAND_LOG, [("state", "=", "stopped")], "newest_by_state"),
            (COMMAND_LOG, [("server_id", "=", server)], "newest_of_server"),
            (COMMAND_LOG, [("server_id", "=", server), ("plan_log_id", "=", False)], "newest_started_on_server"),
            (COMMAND_LOG, [("command_id", "=", command)], "newest_of_command"),
            (COMMAND_LOG, [("user_id", "=", self.user.id)], "newest_of_user"),
            (PLAN_LOG, [("parent_flight_plan_log_id", "=", False)], "newest"),
            (PLAN_LOG, [ERROR], "newest_failures"),
            (PLAN_LOG, [("state", "=", "skipped")], "newest_by_state"),
            (PLAN_LOG, [("server_id", "=", server)], "newest_of_server"),
            (PLAN_LOG, [("plan_id", "=", plan)], "newest_of_plan"),
        ):  # fmt: skip
            with self.subTest(model=model, domain=domain):
                self._assert_in_order_of_index(model, domain, index)

    def test_rows_of_lists_are_counted_up_to_a_thousand(self):
        for model in (COMMAND_LOG, PLAN_LOG):
            for kind in ("list", "kanban"):
                arch = self.env[model].get_view(view_type=kind)["arch"]
                self.assertTrue(re.search(r'count_limit="1000"', arch), (model, kind))

    def test_runs_of_a_record_are_counted_up_to_a_limit(self):
        other = self.server.copy()
        command = self.python("pass", allow_parallel_run=True)
        for _ in range(4):
            self.server.run_command(command)
        other.run_command(command)
        self.patch(cx_tower_run_mixin, "COUNT_LIMIT", 2)
        counts = self.env[COMMAND_LOG]._count_by("server_id", self.server | other)
        self.assertEqual(counts, {self.server.id: 3, other.id: 1})

    def test_a_record_that_is_not_saved_has_no_runs(self):
        log = self.env[COMMAND_LOG]
        new = self.env["cx.tower.server"].new({"name": "New"})
        self.assertEqual((log._count_by("server_id", new), log._newest_by("server_id", new)), ({}, {}))

    def test_people_count_and_see_what_they_may_read(self):
        theirs = self.server.copy({"name": "Theirs", "manager_ids": [(6, 0, [])], "user_ids": [(6, 0, [])]})
        command = self.python("pass", allow_parallel_run=True)
        (self.server | theirs).run_command(command)
        log = self.env[COMMAND_LOG].with_user(self.manager)
        self.assertEqual(log._count_by("server_id", self.server | theirs), {self.server.id: 1, theirs.id: 0})
        self.assertEqual(list(log._newest_by("server_id", self.server | theirs)), [self.server.id])

    def test_the_newest_run_is_the_one_that_waits(self):
        command = self.python("pass", allow_parallel_run=True)
        self.server.run_command(command)
        waiting = self.env[COMMAND_LOG].sudo().create({"server_id": self.server.id, "command_id": command.id})
        self.assertEqual(
            self.env[COMMAND_LOG]._newest_by("server_id", self.server), {self.server.id: waiting}
        )
