"""A database that is away or busy is told from one that refuses what it was given."""

import psycopg2
import pytest
from psycopg2.pool import PoolError
from tower_engine.database_errors import is_away, may_succeed_later


def answered(code):
    """Return an error as PostgreSQL answers it, with its SQLSTATE."""
    error = psycopg2.errors.lookup(code)("said by the server")
    error.__setstate__({"pgcode": code})
    return error


@pytest.mark.parametrize(
    "error",
    [
        psycopg2.OperationalError("connection refused"),
        psycopg2.InterfaceError("connection already closed"),
        psycopg2.DatabaseError("server closed the connection unexpectedly"),
        PoolError("The Connection Pool Is Full"),
        *(
            answered(code)
            for code in ("57P01", "57P02", "57P03", "08006", "53300", "53100", "58030", "25006")
        ),
    ],
    ids=str,
)
def test_away(error):
    assert is_away(error)
    assert may_succeed_later(error)


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "57014"])
def test_busy(code):
    assert not is_away(answered(code))
    assert may_succeed_later(answered(code))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no error of a database"),
        # psycopg2 makes an OperationalError of the first: an index that cannot hold a value never will
        *(answered(code) for code in ("54000", "22001", "22P05", "23505", "42P01", "XX000", "25P02")),
    ],
    ids=str,
)
def test_refused(error):
    assert not may_succeed_later(error)


def test_what_is_raised_while_a_broken_connection_is_tidied_up():
    try:
        try:
            raise psycopg2.DatabaseError("server closed the connection unexpectedly")
        except psycopg2.Error:
            raise KeyError("registry")
    except KeyError as error:
        assert is_away(error)


def test_a_refusal_that_another_error_hides_is_no_outage():
    try:
        try:
            raise answered("55P03")
        except psycopg2.Error as error:
            raise ValueError("somebody else is changing it") from error
    except ValueError as error:
        assert not may_succeed_later(error)
