from odoo.tests import TransactionCase, tagged

from ...models.base.transactions import brief_locks


@tagged("post_install", "-at_install")
class TestBriefLocks(TransactionCase):
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

    def test_an_error_leaves_the_limit_as_it_was(self):
        with self.assertRaises(ZeroDivisionError), brief_locks(self.env, 2):
            try:
                with brief_locks(self.env, 5):
                    raise ValueError
            except ValueError:
                self.assertEqual(self._limit(), "2s")
            raise ZeroDivisionError
        self.assertEqual(self._limit(), "0")
