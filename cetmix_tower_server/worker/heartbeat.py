"""Renews the lease of this process on its runs, whatever else fails or takes long."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress

import psycopg2

from ..engine import run_lease

_logger = logging.getLogger(__name__)

RETRY_S = 1  # after a failure


class Heartbeat:
    """A thread with a connection of its own that writes the heartbeat of one worker.

    It shares nothing with the runs: no registry, no connection pool, no transaction, no lock that is held while waiting
    for a database or a host. It ends when its worker has nothing in hand, when the database is gone, or when Tower was
    uninstalled from it; it survives restarts of the database. A forked child has no threads and makes a worker and a
    heartbeat of its own. If the process dies, the beats end and the lease expires.

    A run would stay "running" for ever if its process lived on without executing it, because its lane could not be
    started, or died. So each beat compares the runs that the database says are held here with those in hand. A run that
    was in nobody's hands for :data:`run_lease.ORPHAN_S` seconds loses its lease and is found as lost.

    :param code: of the worker
    :param connect: opens a connection; called in the thread
    :param is_wanted: whether the worker still has something in hand
    :param in_hand: ids of the runs that are being prepared or executed
    :param exists: whether the database is still there; asked when no connection can be made
    :param on_gone: called when there is no such database, or no Tower in it, any more
    """

    def __init__(
        self,
        code: str,
        connect: Callable,
        is_wanted: Callable[[], bool],
        in_hand: Callable[[], Collection[int]],
        exists: Callable[[], bool],
        on_gone: Callable[[], None],
    ):
        self.code = code
        self.last = 0.0  # time.monotonic() of the last beat
        self._connect = connect
        self._is_wanted = is_wanted
        self._in_hand = in_hand
        self._exists = exists
        self._on_gone = on_gone
        self._connection = None
        self._orphans: dict[int, float] = {}  # when each was first seen in nobody's hands
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def ensure(self) -> None:
        """Start the thread unless it runs. Call it after the worker has something in hand."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="tower-heartbeat", daemon=True)
                self._thread.start()

    def is_running(self) -> bool:
        """Return whether the thread runs."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def _run(self) -> None:
        try:
            while self._goes_on():
                time.sleep(self._beat_or_say_why_not())
        finally:
            self._disconnect()

    def _goes_on(self) -> bool:
        with self._lock:
            if self._is_wanted():
                return True
            self._thread = None  # whoever needs it from now on starts another one
            return False

    def _beat_or_say_why_not(self) -> float:
        """Beat once. :return: seconds until the next one"""
        try:
            self.beat()
            return run_lease.INTERVAL_S
        except psycopg2.errors.UndefinedTable:
            self._on_gone()
        except Exception as error:
            _logger.warning("tower heartbeat: %s, trying again", str(error).strip() or repr(error))
            if self._connection is None and not self._exists():
                self._on_gone()
        self._disconnect()
        return RETRY_S

    def beat(self) -> None:
        """Write one heartbeat and give up the runs that nobody executes."""
        if self._connection is None:
            self._connection = self._connect()
        in_hand = set(self._in_hand())  # before the look: what is added meanwhile is not missing
        with self._connection.cursor() as cursor:
            cursor.execute(
                run_lease.BEAT, {"code": self.code, "host": socket.gethostname(), "process": os.getpid()}
            )
            self.last = time.monotonic()
            cursor.execute(run_lease.HELD, {"code": self.code})
            overdue = self._overdue({row[0] for row in cursor.fetchall()} - in_hand)
            if overdue:
                _logger.error("runs %s are held by this process, but no thread executes them", overdue)
                cursor.execute(run_lease.GIVE_UP, {"code": self.code, "log_ids": overdue})

    def _overdue(self, orphans: set[int]) -> list[int]:
        now = time.monotonic()
        self._orphans = {log_id: self._orphans.get(log_id, now) for log_id in orphans}
        return [log_id for log_id, since in self._orphans.items() if now - since > run_lease.ORPHAN_S]

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()


def connect(parameters: dict):
    """Open a connection for heartbeats, with short limits for everything.

    :param parameters: of ``psycopg2.connect``
    """
    limits = {"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "tcp_user_timeout": 10000}
    connection = psycopg2.connect(**{**limits, **parameters})
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '10s'; SET lock_timeout = '3s'")
    return connection


def database_exists(name: str, parameters: dict) -> bool:
    """Return whether a database exists; True as well when the server cannot be asked.

    :param parameters: of ``psycopg2.connect``, for a database that is always there
    """
    try:
        connection = connect(parameters)
    except psycopg2.Error:
        return True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
            return cursor.rowcount > 0
    except psycopg2.Error:
        return True
    finally:
        connection.close()
