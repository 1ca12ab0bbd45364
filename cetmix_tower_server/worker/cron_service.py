"""Keeps Odoo's crons alive through a restart of PostgreSQL: they take queued runs, and their process executes them.

Odoo's cron threads and cron processes wait on a connection for notifications. When PostgreSQL is restarted that connection
breaks. A thread (threaded mode) tries to make another one at once, and ends for good when PostgreSQL is not up yet: from
then on no cron runs until Odoo is restarted. A process (prefork mode) ends, and takes the lanes along that execute runs;
then the parent asks the database before it starts a successor, finds it away, and ends with the whole server.

So here cron threads that have ended are started again, cron processes connect again instead of ending, and the parent
waits with successors (of any process) until the database is back.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections.abc import Callable

from odoo import sql_db
from odoo.modules.registry import Registry
from odoo.service import server as odoo_server
from odoo.tools import config

from ..engine.database_errors import is_away
from . import worker

_logger = logging.getLogger(__name__)

LOOK_S = 5
FIRST_LOOK_S = 0.2  # until Odoo has started its cron threads
RETRY_S = 1
THREAD_NAME = "odoo.service.cron.cron"
WATCH_NAME = "tower-cron-watch"

_lock = threading.Lock()


def has_crons() -> bool:
    """Return whether this process runs crons (threaded mode), so that its worker is the one to take queued runs."""
    return any(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate())


def protect() -> None:
    """Protect the crons of this process, and of those forked from it. Call it in every process; it does it once."""
    running = odoo_server.server
    with _lock:
        if isinstance(running, odoo_server.PreforkServer):
            _protect_processes(odoo_server.WorkerCron, odoo_server.PreforkServer)
        elif isinstance(running, odoo_server.ThreadedServer) and config["max_cron_threads"]:
            if not any(thread.name == WATCH_NAME for thread in threading.enumerate()):
                threading.Thread(target=_watch, args=(running,), name=WATCH_NAME, daemon=True).start()


# ----------------------------------------------------------------------
# Threaded mode
# ----------------------------------------------------------------------


def _watch(running: odoo_server.ThreadedServer) -> None:
    seen: set[str] = set()
    while True:
        time.sleep(LOOK_S if len(seen) >= config["max_cron_threads"] else FIRST_LOOK_S)
        alive = {thread.name for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)}
        ended = seen - alive
        seen |= alive  # a thread that was never seen is still to be started by Odoo itself
        if ended and _is_reachable():
            for name in sorted(ended):
                _start_again(running, name)
            _wake_workers()


def _start_again(running: odoo_server.ThreadedServer, name: str) -> None:
    _logger.warning("%s has ended (perhaps the database was unavailable) and is restarted", name)
    number = int(name.removeprefix(THREAD_NAME))
    thread = threading.Thread(target=running.cron_thread, args=(number,), name=name, daemon=True)
    thread.type = "cron"
    thread.start()


def _is_reachable() -> bool:
    try:
        with sql_db.db_connect("postgres").cursor() as cr:
            cr.execute("SELECT 1")
        return True
    except Exception as error:
        if not is_away(error):
            _logger.exception("Odoo's cron threads cannot be restarted")
        return False


def _wake_workers() -> None:
    """Take what was queued meanwhile: a new cron thread first looks after a minute."""
    for dbname, registry in Registry.registries.snapshot.items():
        if "cx.tower.run.queue" in registry:
            worker.get(dbname).wake()


# ----------------------------------------------------------------------
# Prefork mode
# ----------------------------------------------------------------------


def _protect_processes(cron: type, parent: type) -> None:
    _wrap(cron, "sleep", _connect_again)
    _wrap(cron, "process_work", _connect_again)
    _wrap(parent, "process_spawn", lambda _parent: None)  # it tries again seconds later


def _wrap(kind: type, name: str, when_away: Callable) -> None:
    """Make a method of Odoo's processes survive an outage of the database."""
    method = getattr(kind, name)
    if hasattr(method, "tower_original"):
        return

    @functools.wraps(method)
    def call(process):
        try:
            return method(process)
        except Exception as error:
            if not is_away(error):
                raise
            _logger.warning("%s: the database is unavailable: %s", type(process).__name__, str(error).strip())
            return when_away(process)

    call.tower_original = method
    setattr(kind, name, call)


def _connect_again(process: odoo_server.WorkerCron) -> None:
    """Wait for the database, then listen for notifications as at the start of the process; keep its watchdog quiet."""
    while process.alive and process.ppid == os.getppid():
        process.multi.pipe_ping(process.watchdog_pipe)
        try:
            cursor = sql_db.db_connect("postgres").cursor()
            cursor.execute("SELECT pg_is_in_recovery()")
            if not cursor.fetchone()[0]:
                cursor.execute("LISTEN cron_trigger")
            cursor.commit()
            process.dbcursor._cnx.close()
            process.dbcursor = cursor
            return
        except Exception as error:
            if not is_away(error):
                raise
            time.sleep(RETRY_S)
