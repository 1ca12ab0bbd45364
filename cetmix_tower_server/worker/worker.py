"""The worker of a process and a database: what all its threads share, and what other code asks of it."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg2
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import Cursor, connection_info_for

from ..engine.database_errors import may_succeed_later
from ..engine.run_lease import INTERVAL_S
from . import crash_points, heartbeat
from .conductor import Conductor
from .ends import EndWriter
from .in_hand import InHand
from .job import Job, run_chain
from .kept_cursor import KeptCursor
from .taking import Taker

LOGIN_KEPT_S = 5  # a lane asks again how to log in to a host after this long
SLICE_S = 10  # a lane continues with the steps of one flight plan for this long while other runs wait


class Worker:
    """Executes runs of one database in this process.

    * ``in_hand``: the runs it has at this moment
    * ``taker``: claims queued runs, prepares them and hands them to lanes
    * ``conductor``: a thread that looks after all of them while there are any
    * ``ends``: writes how they ended
    * a heartbeat: a thread that renews the lease on them, and depends on nothing else

    :param dbname: name of the database
    """

    def __init__(self, dbname: str):
        self.dbname = dbname
        self.code = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.is_gone = False  # the database was dropped, or Tower uninstalled from it
        self.in_hand = InHand()
        self.kept_cursor = KeptCursor(dbname)
        self.ends = EndWriter(self.kept_cursor.transaction, _read_ahead)
        self.taker = Taker(self)
        self.conductor = Conductor(self)
        self._heartbeat = heartbeat.Heartbeat(
            self.code,
            lambda: heartbeat.connect(connection_info_for(dbname)[1]),
            lambda: self.conductor.is_alive() or not self.in_hand.is_empty,
            self.in_hand.ids,
            lambda: heartbeat.database_exists(dbname, connection_info_for("postgres")[1]),
            self._note_gone,
        )

    @contextmanager
    def transaction(self, uid: int = SUPERUSER_ID) -> Iterator[api.Environment]:
        """Give an environment with a cursor of its own; commits when the block ends without error."""
        registry = Registry(self.dbname)
        with registry.cursor() as cr:
            yield api.Environment(cr, uid, {})

    # ------------------------------------------------------------------
    # The queue
    # ------------------------------------------------------------------

    def wake(self) -> None:
        """Look for queued runs now. Returns at once."""
        self.is_gone = False
        self.conductor.ensure(claim=True)

    def ensure_lease(self) -> None:
        """Make sure that the lease exists before a run is held under it, and is renewed from then on.

        A beat that fails must not keep the caller: the lease may have been renewed by somebody else a moment ago.
        """
        if time.monotonic() - self._heartbeat.last < INTERVAL_S:
            return
        with self.transaction() as env:
            env["cx.tower.worker"]._beat(self.code, socket.gethostname(), os.getpid())
            is_real = isinstance(env.cr, Cursor)  # what a test wrote is not there for another connection
        self._heartbeat.last = time.monotonic()
        if is_real:
            self._heartbeat.ensure()

    def is_uninstalled(self) -> bool:
        """Return whether Tower was uninstalled from the database: there is nothing to do any more."""
        try:
            return "cx.tower.run.queue" not in Registry(self.dbname)
        except Exception:  # it cannot be loaded now: the database may be away
            return False

    def _note_gone(self) -> None:
        self.is_gone = True

    # ------------------------------------------------------------------
    # Called by lanes
    # ------------------------------------------------------------------

    def announce_soon(self, job: Job) -> None:
        """The first output of a job arrived: show it without waiting for the next tick."""
        self.conductor.look_soon()

    def job_done(self, job: Job, following: Job | None) -> None:
        """A lane is through with a job: announce its end and take the next run.

        :param following: the next step of the flight plan, when the lane continues with it. Then the news can wait for the
            next tick: quick steps must not be held up by what is told about them.
        """
        self.in_hand.done(job, following)
        if not following:
            self.conductor.look_soon(claim=self.taker.more_queued)

    def may_continue(self, job: Job) -> bool:
        """Return whether the lane of a job continues with the next step of its flight plan: for a while, and for longer if no
        other run waits."""
        has_time = not self.taker.more_queued or time.monotonic() - job.since <= SLICE_S
        return job.may_take_over and has_time

    def take_over(self, env, job: Job, taken: tuple[int, int]) -> Job:
        """Prepare the step that follows a job's end for the same lane, in the transaction that records the end.

        :param taken: (id, fencing token) of the step
        """
        following = self._make_next_job(env, job, taken)
        crash_points.reached("taken_over")
        return following

    def find_taken_over(self, env, job: Job) -> Job | None:
        """Return the next step when a commit that seemed to fail, because the connection broke, did succeed.

        Then the end of ``job`` is recorded already and the step behind it is held here with nobody to execute it.
        """
        taken = env["cx.tower.run.queue"]._taken_over(self.code, job.log_id)
        return self._make_next_job(env, job, taken) if taken and taken[0] not in self.in_hand else None

    def _make_next_job(self, env, job: Job, taken: tuple[int, int]) -> Job:
        (following,) = self.taker.make_jobs(env, dict([taken]), job.logins(LOGIN_KEPT_S))
        following.since, following.parent = job.since, job.parent
        return following

    def end_wanted(self, job: Job) -> str:
        """Return why a job is to end, also when that was not passed on to it yet: "stopped", "timed_out" or ""."""
        try:
            with self.transaction() as env:
                return env["cx.tower.run.queue"]._held_runs(self.code).get(job.log_id, "")
        except Exception as error:
            if not may_succeed_later(error):
                raise
            return ""

    # ------------------------------------------------------------------
    # In the caller's thread
    # ------------------------------------------------------------------

    def held_by_this_thread(self) -> int:
        """Return the id of the run that the calling thread executes, 0 when it executes none."""
        return self.in_hand.of_thread(threading.current_thread())

    def claim_one(self, env, log_id: int) -> int:
        """Take one queued run for the calling thread, in the caller's transaction.

        :return: the fencing token for :meth:`execute_now`, 0 when somebody else has the run
        """
        with suppress(psycopg2.errors.SerializationFailure):  # the heartbeat has just renewed the lease
            self.ensure_lease()
        return env["cx.tower.run.queue"]._claim_one(self.code, log_id)

    def execute_now(self, log_id: int, fence: int, watched: bool = True, work=None) -> None:
        """Execute one run that :meth:`claim_one` took, and return when its end is recorded.

        Used for runs inside runs and by the ``inline`` backend. The caller's thread is the seat: it takes
        none of the queue's. A transaction of the caller stays as it is; the run has its own.

        :param watched: let the conductor write live output, renew the lease and pass on stop requests.
            Without, the lease lasts as long as the step may.
        :param work: when the caller has prepared it; then what follows from the end is the caller's, too
        """
        if work:
            job = self._take_in_hand(log_id, fence, work)
        else:
            job = next(iter(self.taker.prepare_patiently({log_id: fence})), None)
        if not job:
            return  # somebody ended it meanwhile
        if not watched:
            run_chain(job)
            self.in_hand.take_ended()
            return
        self.conductor.ensure()
        # In a thread of its own: what ends the caller's Python must not tear this run apart.
        job.parent = threading.current_thread()
        thread = threading.Thread(
            target=run_chain, args=(job,), name=f"tower-lane-{self.dbname}-nested", daemon=True
        )
        thread.start()
        thread.join()

    def _take_in_hand(self, log_id: int, fence: int, work) -> Job:
        with self.transaction() as env:
            job = self.taker.make_job(env["cx.tower.command.log"].browse(log_id), fence, work)
        job.follow = False
        self.in_hand.add(job)
        return job


def _read_ahead(env, jobs: list[Job]) -> None:
    env["cx.tower.command.log"].browse(job.log_id for job in jobs)._read_ahead()


_workers: dict[tuple[int, str], Worker] = {}
_workers_lock = threading.Lock()


def get(dbname: str) -> Worker:
    """Return the worker of this process for a database. A forked child gets one of its own."""
    with _workers_lock:
        return _workers.setdefault((os.getpid(), dbname), Worker(dbname))
