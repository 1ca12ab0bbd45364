"""Work that other transactions, or single records, must not hold up: brief locks, own transactions, parts."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from odoo import api
from odoo.sql_db import Cursor

from ...engine.bounded.pool import TooSlowHere
from ...engine.database_errors import may_succeed_later

_logger = logging.getLogger(__name__)

GUARD_WAIT_S = (
    5  # for the key that keeps something from running twice, while another transaction holds it uncommitted
)
ATTEMPTS = 10
LOCK_TIMEOUT = (
    "3s"  # a longer wait may be a deadlock that the database cannot see: the holder waits for the caller
)


def must_be_repeated(error: BaseException) -> bool:
    """Return whether what follows from an event must be done again as a whole, event included, instead of being given up.

    Another transaction was faster, the database is away, or texts of authors take too long for a transaction that others wait
    for: whoever records the event repeats it.
    """
    return may_succeed_later(error) or isinstance(error, TooSlowHere)


@contextmanager
def brief_locks(env, seconds, flush=True):
    """Run a block in its own savepoint, in which no statement waits longer than this for a lock.

    For the consequences of a run's end: the holder of the lock may itself be waiting for this transaction, in another process
    or in the same thread, where the database sees no deadlock.

    In a block within a block, the inner limit counts; behind it the outer one counts again.

    :param seconds: whole seconds
    :param flush: flush what the block has written through the ORM while the limit holds; False flushes nothing at all
    :raise psycopg2.errors.LockNotAvailable: somebody holds the lock for longer; the block is rolled back
    """
    cr = env.cr
    with cr.savepoint(flush=flush):
        # the setting is read before it is changed: columns are computed from left to right
        cr.execute(
            "SELECT current_setting('lock_timeout'), set_config('lock_timeout', %s, TRUE)", (f"{seconds}s",)
        )
        before, _now = cr.fetchone()
        yield
        if flush:
            env.flush_all()
        cr.execute("SET LOCAL lock_timeout = %s", (before,))


def in_own_transaction(
    env, do: Callable[[api.Environment], Any], what: str, read_committed: bool = False
) -> Any:
    """Do something in its own transaction and commit it; try again when another transaction was faster.

    For rows that everybody changes: the caller's transaction neither locks them nor depends on an old view of them. If the
    process dies before the commit, nothing was done.

    :param env: of the caller; user and context are kept
    :param do: called with an environment, possibly several times
    :param what: its name in the server's log
    :param read_committed: each statement sees the rows as they are when it runs, so it never collides. For single statements
        that need no consistent view of the database.
    :return: what ``do`` returned, None when another transaction was faster every time
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with env.registry.cursor() as cr:
                if isinstance(cr, Cursor):  # a test's cursor is in the middle of a transaction
                    if read_committed:
                        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
                    cr.execute("SELECT set_config('lock_timeout', %s, TRUE)", (LOCK_TIMEOUT,))
                return do(env(cr=cr))
        except Exception as error:
            if not may_succeed_later(error):
                raise
            _logger.info("%s, attempt %s: another transaction was faster (%s)", what, attempt, error)
            time.sleep(random.uniform(0, 0.02 * attempt))
    return None


def do_all_possible(records, do: Callable, failed: Callable) -> list:
    """Do something with records at once; if it fails, with each half, so that one bad record does not hold up the others.

    Each attempt has a savepoint of its own: one bad record among n costs about 2 log2(n) of them.

    :param do: called with a part of the records
    :param failed: called with a single record that failed, and the error
    :return: what ``do`` returned for each part that succeeded
    :raise Exception: an error after which the whole transaction should be retried; see ``may_succeed_later``
    """
    if not records:
        return []
    try:
        with records.env.cr.savepoint():
            return [do(records)]
    except Exception as error:
        if may_succeed_later(error):
            raise
        if len(records) == 1:
            failed(records, error)
            return []
    half = len(records) // 2
    return do_all_possible(records[:half], do, failed) + do_all_possible(records[half:], do, failed)
