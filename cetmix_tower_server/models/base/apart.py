"""Short transactions of their own for rows that others change all the time, whatever the caller's transaction has seen."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Any

from odoo import api
from odoo.sql_db import Cursor

from ...engine.database_errors import may_succeed_later

_logger = logging.getLogger(__name__)

ATTEMPTS = 10
LOCK_TIMEOUT = "3s"  # whoever holds a row for longer may be waiting for the caller


def do_apart(env, do: Callable[[api.Environment], Any], what: str, read_committed: bool = False) -> Any:
    """Do something in a transaction of its own and commit it; once more when another transaction was faster.

    If the process dies before the commit nothing of it was done.

    :param env: of the caller; user and context are kept
    :param do: called with an environment, maybe several times
    :param what: its name, for the log of the server
    :param read_committed: each statement sees rows as they are when its turn comes, so it collides with nobody. For single
        statements that need no common view of the database.
    :return: what it returned, None when others were faster each time
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
