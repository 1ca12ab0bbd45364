"""Distinguishes a database that is unavailable or busy from one that refuses a statement."""

from __future__ import annotations

import psycopg2
from psycopg2.pool import PoolError

# First two characters of SQLSTATE (PostgreSQL, appendix A): connection, resources, operator intervention, system.
_AWAY_CLASSES = ("08", "53", "58")
_AWAY_CODES = (
    "57P01",  # admin_shutdown
    "57P02",  # crash_shutdown
    "57P03",  # cannot_connect_now: it starts up, shuts down or recovers
    "57P04",  # database_dropped
    "57P05",  # idle_session_timeout
    "25006",  # read_only_sql_transaction: a standby that is about to take over
    "25P03",  # idle_in_transaction_session_timeout
    "25P04",  # transaction_timeout
)
_BUSY_CODES = (
    "40001",  # serialization_failure
    "40003",  # statement_completion_unknown
    "40P01",  # deadlock_detected
    "55006",  # object_in_use
    "55P03",  # lock_not_available
    "57014",  # query_canceled, by a statement_timeout
)


def is_away(error: BaseException | None) -> bool:
    """Return whether an error says that the database cannot be reached, or only partly, at this moment.

    The exception class alone is not enough: libpq reports a connection that breaks as ``OperationalError``, as
    ``InterfaceError`` or as a plain ``DatabaseError``, Odoo's pool has a class of its own, and what is raised while a
    broken connection is tidied up, or while a registry is loaded, may be anything at all.
    """
    return any(_says_away(link) for link in _chain(error))


def may_succeed_later(error: BaseException) -> bool:
    """Return whether the same statements may succeed when they are sent again: the database is away or busy.

    False: it refuses these values whenever they come.
    """
    return is_away(error) or getattr(error, "pgcode", None) in _BUSY_CODES


def _says_away(error: BaseException) -> bool:
    if isinstance(error, PoolError):
        return True
    if not isinstance(error, psycopg2.Error):
        return False
    code = error.pgcode
    if code:
        return code.startswith(_AWAY_CLASSES) or code in _AWAY_CODES
    # Without a code no server has answered: the connection could not be made, or broke.
    return isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) or (
        type(error) is psycopg2.DatabaseError
    )


def _chain(error: BaseException | None):
    """Yield an error and the errors that it was raised from or while handling."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
