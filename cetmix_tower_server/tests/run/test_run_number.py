from unittest.mock import patch

from odoo.tests import tagged
from psycopg2.errors import SerializationFailure

from .run_case import RunCase


@tagged("post_install", "-at_install")
class TestRunNumber(RunCase):
    """Runs that do the same can be told apart in a list."""

    def test_runs_of_a_command_are_counted(self):
        first, second = (self.python("pass", name=name, allow_parallel_run=True) for name in ("A", "B"))
        logs = [self.run_as(self.root, command) for command in (first, first, second)]
        self.assertEqual([log.number for log in logs], [1, 2, 1])
        self.assertEqual([log.title for log in logs], ["A #1", "A #2", "B #1"])

    def test_runs_that_start_together_get_numbers_in_order(self):
        command = self.python("pass", allow_parallel_run=True)
        servers = self.server | self.server.copy() | self.server.copy()
        servers.run_command(command)
        logs = self.env["cx.tower.command.log"].search([("command_id", "=", command.id)], order="id")
        self.assertEqual(logs.mapped("number"), [1, 2, 3])

    def test_a_plan_is_counted_and_its_steps_are_not(self):
        command = self.python("pass")
        lines = [(0, 0, {"command_id": command.id}) for _ in range(2)]
        plan = self.env["cx.tower.plan"].create({"name": "Update", "line_ids": lines})
        runs = [
            self.env["cx.tower.plan.log"].browse(self.server.run_flight_plan(plan)["id"]) for _ in range(2)
        ]
        self.assertEqual([run.title for run in runs], ["Update #1", "Update #2"])
        self.assertEqual(runs[0].command_log_ids.mapped("number"), [0, 0])

    def test_a_run_starts_without_a_number_rather_than_not_at_all(self):
        command = self.python("pass", allow_parallel_run=True)
        counter = type(self.env["cx.tower.run.counter"])
        with (
            patch.object(counter, "_count_on", side_effect=SerializationFailure()) as tried,
            patch("odoo.addons.cetmix_tower_server.models.base.transactions.time.sleep"),
        ):
            log = self.run_as(self.root, command)
        self.assertGreater(tried.call_count, 2)
        self.assertEqual((log.state, log.number, log.title), ("done", 0, "Test"))

    def test_typed_code_is_called_by_its_first_line(self):
        code = "#!/bin/sh\n\n# look\nwhoami  \nuptime"
        log = self.env["cx.tower.command.log"].browse(self.server.run_code(code)["id"])
        self.assertTrue(log.title.startswith("whoami #"), log.title)

    def test_code_that_is_hidden_gives_no_title(self):
        log = self.env["cx.tower.command.log"].browse(self.server.run_code("whoami")["id"])
        log.sudo().write({"code": False, "is_code_hidden": True})
        self.assertNotIn("whoami", log.title)

    def test_counters_of_what_was_deleted_are_forgotten(self):
        counters = self.env["cx.tower.run.counter"].sudo()
        command = self.env["cx.tower.command"].create({"name": "Kept", "code": "true"})
        counters._take("cx.tower.command.log", {command.id: 1, 10**9: 1})
        counters._gc_counters()
        self.assertEqual(counters.search([("target_id", "in", [command.id, 10**9])]).target_id, command.id)
