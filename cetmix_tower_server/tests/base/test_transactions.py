from odoo.tests import tagged

from ...models.base.transactions import brief_locks
from ..common import TowerCommon


@tagged("post_install", "-at_install")
class TestBriefLocks(TowerCommon):
    """How long statements wait for locks."""

    def _limit(self):
        self.env.cr.execute("SHOW lock_timeout")
        return self.env.cr.fetchone()[0]

    def test_a_block_within_a_block_leaves_the_limit_of_the_outer_one(self):
        with brief_locks(self.env, 2):
            with brief_locks(self.env, 5):
                self.assertEqual(self._limit(), "5s")
            self.assertEqual(self._limit(), "2s")
        self.assertEqual(self._limit(), "0")

    def test_a_part_of_a_cron_waits_for_a_lock_only_briefly(self):
        limits = []
        self.env["cx.tower.run.queue"]._do_in_savepoint(lambda: limits.append(self._limit()), "a part")
        self.assertEqual(limits, ["2s"])
        self.assertEqual(self._limit(), "0")

    def test_a_step_that_may_not_run_twice_leaves_the_limit_as_it_was(self):
        server = self._new_server("Host")
        plan = self._new_plan("Plan", [self._new_command("Step", code="true", allow_parallel_run=False)])
        with brief_locks(self.env, 3):
            run = server.run_flight_plan(plan)
            self.assertTrue(run.command_log_ids.guard_key)
            self.assertEqual(self._limit(), "3s")
        self.assertEqual(self._limit(), "0")

    def test_an_error_leaves_the_limit_as_it_was(self):
        with self.assertRaises(ZeroDivisionError), brief_locks(self.env, 2):
            try:
                with brief_locks(self.env, 5):
                    raise ValueError
            except ValueError:
                self.assertEqual(self._limit(), "2s")
            raise ZeroDivisionError
        self.assertEqual(self._limit(), "0")
