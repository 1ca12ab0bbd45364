"""The worker of a process and a database: takes queued runs, executes them in lanes, watches over them."""

from __future__ import annotations

import logging
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
from odoo.sql_db import Cursor

from . import crash_points
from .ends import EndWriter
from .job import Job
from .lanes import Lanes
from .work import DatabaseWork

_logger = logging.getLogger(__name__)

TICK_S = 0.5  # pace of live output, of stop requests and of looking for queued runs
FIRST_OUTPUT_S = 0.03  # the first output and the end of a run are announced this soon
HEARTBEAT_S = 5
IDLE_TICK_S = 2
IDLE_S = 60  # the conductor ends after this long without work
KEPT_CURSOR_S = 3  # the connection for the ends of runs is given back after this long without any
LOGIN_KEPT_S = 5  # a lane asks again how to log in to a host after this long
MAX_LANES = 64
SLICE_S = 10  # a lane goes on with the steps of one flight plan for this long while other runs wait
ORPHAN_S = 20  # a run that is held here and not executed for this long is ended


class Worker:
    """Executes runs of one database in this process.

    One *conductor* thread exists while there is work: it claims runs, prepares them in one transaction,
    hands them to lanes, writes the live output of all of them about twice a second in one transaction,
    renews the lease and passes on stop requests. It ends by itself when nothing is left to do.

    :param dbname: name of the database
    """

    def __init__(self, dbname: str):
        self.dbname = dbname
        self.code = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.ends = EndWriter(self._kept_transaction, self._read_ahead)
        self._kept_cursors: list = []  # at most one: that of the ends of runs
        self._kept_used = 0.0
        self._jobs: dict[int, Job] = {}
        self._ended: list[Job] = []  # their end is yet to be announced
        self._lanes = Lanes(f"tower-lane-{dbname}")
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._thread: threading.Thread | None = None
        self._claim_wanted = False
        self._more_queued = (
            False  # runs were left in the queue when it was last looked at: they wait for seats
        )
        self._orphans: dict[int, float] = {}  # runs held here without a job: when that was first seen
        self._due = 0.0  # time.monotonic() of the next look after output
        self._last_tick = 0.0
        self._last_beat = 0.0
        self._last_work = 0.0

    # ------------------------------------------------------------------
    # Called from other threads
    # ------------------------------------------------------------------

    def wake(self) -> None:
        """Look for queued runs now. Returns at once."""
        with self._lock:
            self._claim_wanted = True
            self._ensure_conductor()
        self._event.set()

    def announce_soon(self, job: Job) -> None:
        """The first output of a job arrived: show it without waiting for the next tick."""
        self._look_soon()

    def job_done(self, job: Job) -> None:
        """A lane is through with a job: announce its end and take the next run.

        While the lane goes on with the next step of a flight plan, its news can wait for the next tick: quick steps are
        not to be held up by what is told about them.
        """
        with self._lock:
            self._jobs.pop(job.log_id, None)
            self._ended.append(job)
            if job.next:
                self._jobs[job.next.log_id] = job.next
                return
            self._claim_wanted |= self._more_queued
        self._look_soon()

    def may_go_on(self, job: Job) -> bool:
        """Return whether the lane of a job goes on with the next step of its flight plan: while nobody else has waited
        for long."""
        return job.may_take_over and not (self._more_queued and time.monotonic() - job.since > SLICE_S)

    def take_over(self, env, job: Job) -> Job | None:
        """Prepare the step that follows a job's end for the same lane, in the transaction that records the end.

        :return: the next job, None when nothing follows at once
        """
        taken = env["cx.tower.command.log"]._pop_taken_over()
        if not taken:
            # What follows stays in the queue, if anything does; should this process die first, the cron finds it there.
            env.cr.postcommit.add(self.wake)
            return None
        following = self._follow(env, job, taken)
        crash_points.reached("taken_over")
        return following

    def find_taken_over(self, env, job: Job) -> Job | None:
        """Return the next step when a commit that seemed to fail, because the connection broke, did succeed.

        Then the end of ``job`` is recorded already and the step behind it is held here with nobody to execute it.
        """
        taken = env["cx.tower.run.queue"]._taken_over(self.code, job.log_id)
        return self._follow(env, job, taken) if taken and not self.holds(taken[0]) else None

    def _follow(self, env, job: Job, taken: tuple[int, int]) -> Job:
        (following,) = self._make_jobs(env, dict([taken]), job.logins(LOGIN_KEPT_S))
        following.since, following.parent = job.since, job.parent
        return following

    def holds(self, log_id: int) -> bool:
        """Return whether a run is being executed here."""
        return log_id in self._jobs

    def end_wanted(self, job: Job) -> str:
        """Return why a job is to end, also when that was not passed on to it yet: "stopped", "timed_out" or ""."""
        try:
            with self.transaction() as env:
                return env["cx.tower.run.queue"]._held_runs(self.code).get(job.log_id, "")
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            return ""

    def _look_soon(self) -> None:
        self._due = min(self._due, time.monotonic() + FIRST_OUTPUT_S)
        self._event.set()

    def _ensure_conductor(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._last_work = time.monotonic()
            self._thread = threading.Thread(
                target=self._conduct, name=f"tower-conductor-{self.dbname}", daemon=True
            )
            self._thread.start()

    @contextmanager
    def transaction(self, uid: int = SUPERUSER_ID) -> Iterator[api.Environment]:
        """Give an environment with a cursor of its own; commits when the block ends without error."""
        registry = Registry(self.dbname)
        with registry.cursor() as cr:
            yield api.Environment(cr, uid, {})

    @contextmanager
    def _kept_transaction(self) -> Iterator[api.Environment]:
        """As :meth:`transaction`, but the connection is kept for the next one: quick steps end many times a second.

        For one thread at a time.
        """
        try:
            cr = self._kept_cursors.pop()
        except IndexError:  # also when the conductor gives it back at this moment
            cr = Registry(self.dbname).cursor()
        try:
            yield api.Environment(cr, SUPERUSER_ID, {})
            cr.commit()  # its transaction is its own  # pylint: disable=invalid-commit
        except BaseException:
            cr.close()
            raise
        self._kept_used = time.monotonic()
        if isinstance(cr, Cursor):
            self._kept_cursors.append(cr)
        else:
            cr.close()  # a test's cursor: they are closed in the order they were opened

    @staticmethod
    def _read_ahead(env, jobs: list[Job]) -> None:
        env["cx.tower.command.log"].browse(job.log_id for job in jobs)._read_ahead()

    def _close_idle_cursor(self, after_s: float) -> None:
        if self._kept_cursors and time.monotonic() - self._kept_used > after_s:
            with suppress(IndexError):  # somebody is using it after all
                self._kept_cursors.pop().close()

    # ------------------------------------------------------------------
    # The conductor
    # ------------------------------------------------------------------

    def _conduct(self) -> None:
        threading.current_thread().dbname = self.dbname
        while True:
            try:
                if not self._round():
                    return
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                _logger.warning("tower worker: database not available (%s), trying again", error)
                self._restore_output()
                time.sleep(1)
            except Exception:
                if self._is_gone():
                    return
                _logger.exception("tower worker: round failed")
                self._restore_output()
                time.sleep(1)

    def _is_gone(self) -> bool:
        """Return whether Tower was uninstalled from the database: there is nothing to conduct any more."""
        return "cx.tower.run.queue" not in Registry(self.dbname)

    def _round(self) -> bool:
        """Wait for something to do and do it; False when the conductor may end."""
        now = time.monotonic()
        tick = TICK_S if self._jobs else IDLE_TICK_S
        self._due = now + tick if self._due < now else self._due
        self._event.wait(max(0.0, 0.0 if self._claim_wanted else self._due - now))
        self._event.clear()
        now = time.monotonic()
        if self._claim_wanted or now - self._last_tick >= tick:
            self._take_runs()
        if self._jobs and now - self._last_beat >= HEARTBEAT_S:
            self._beat()
        if now >= self._due or now - self._last_tick >= tick:
            self._due = now + tick
            self._last_tick = now
            self._pass_on_stops()
            self._abort_overdue()
            self._write_output()
        return self._has_work(now)

    def _has_work(self, now: float) -> bool:
        self._close_idle_cursor(KEPT_CURSOR_S)
        with self._lock:
            if self._jobs or self._ended or self._claim_wanted:
                self._last_work = now
            if now - self._last_work < IDLE_S:
                return True
            self._thread = None
            return False

    def _beat(self) -> None:
        with self.transaction() as env:
            env["cx.tower.worker"]._beat(self.code, socket.gethostname(), os.getpid())
            env["cx.tower.run.queue"]._end_overdue_plans()
        self._last_beat = time.monotonic()
        # Another process may do the same at this moment: then one of them is refused, which must not cost the lease.
        with suppress(psycopg2.OperationalError), self.transaction() as env:
            env["cx.tower.fleet.run"]._look_after()

    def _take_runs(self) -> None:
        """Claim as many runs as there are lanes, prepare them in one transaction and start them."""
        with self._lock:
            self._claim_wanted = False
            free = MAX_LANES - len(self._jobs)
        if free <= 0:
            return
        with self.transaction() as env:
            self._more_queued = env["cx.tower.run.queue"]._has_queued()
        if not self._more_queued:
            return
        if time.monotonic() - self._last_beat >= HEARTBEAT_S:
            self._beat()  # the lease must exist before a run is held under it
        Registry(self.dbname).check_signaling()
        crash_points.reached("before_claim")
        claimed = self._claim(free)
        crash_points.reached("taken")
        for job in self._prepare_patiently(claimed):
            try:
                self._lanes.submit(lambda job=job: run_chain(job))
            except RuntimeError:  # no memory for a thread: found as held and not executed, and ended
                _logger.exception("run %s could not be started", job.log_id)
                self._jobs.pop(job.log_id, None)
        if len(claimed) == free:
            self._claim_wanted = True

    def _claim(self, free: int) -> dict[int, int]:
        """Take queued runs; what was committed counts, also when the connection breaks right after it."""
        claimed: dict[int, int] = {}
        try:
            with self.transaction() as env:
                claimed = env["cx.tower.run.queue"]._claim_retrying(self.code, free)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            if not claimed:
                raise
        return claimed

    def _prepare_patiently(self, claimed: dict[int, int]) -> list[Job]:
        """Prepare claimed runs, trying again while the database is away: nobody else may take them any more."""
        while claimed:
            try:
                with self.transaction() as env:
                    queue = env["cx.tower.run.queue"]
                    self._more_queued = queue._has_queued()
                    return self._prepare(env, queue._still_held(claimed))
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                _logger.warning("tower worker: database not available (%s), preparing again", error)
                time.sleep(1)
        return []

    def _prepare(self, env, claimed: dict[int, int]) -> list[Job]:
        """Turn claimed runs into jobs and register them."""
        if not claimed:
            return []
        jobs = self._make_jobs(env, claimed)
        with self._lock:
            self._jobs.update({job.log_id: job for job in jobs})
        return jobs

    def _make_jobs(self, env, claimed: dict[int, int], logins=None) -> list[Job]:
        settings = env["cx.tower.settings"]._get()
        head = settings.output_limit_mb * 1024 * 1024
        logs = env["cx.tower.command.log"].browse(claimed)
        works = logs._prepare_works(logins)
        steps = {log.id for log in logs if log.plan_log_id}
        so_far = logs._output_so_far()
        return [
            Job(self, log_id, claimed[log_id], work, head, head // 4, so_far.get(log_id), log_id in steps)
            for log_id, work in works.items()
        ]

    def _write_output(self) -> None:
        """Write the pending output of all jobs and announce what changed, in one transaction."""
        with self._lock:
            jobs, ended = list(self._jobs.values()), self._ended
            self._ended = []
        changed = [
            job for job in jobs if job.recorder.has_pending or job.progress_news or job.announced_end < 0
        ]
        if not changed and not ended:
            return
        try:
            with self.transaction() as env:
                progress = {}
                for job in changed:
                    job.recorder.flush(env.cr)
                    job.progress_news = False
                    progress[job.log_id] = job.progress_now
                env["cx.tower.command.log"]._announce(
                    [(job.log_id, job.recorder.end) for job in changed],
                    [job.log_id for job in ended],
                    progress,
                )
        except Exception:
            with self._lock:
                self._ended = ended + self._ended
            raise
        for job in changed:
            job.recorder.confirm()
            job.announced_end = job.recorder.end

    def _restore_output(self) -> None:
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.recorder.restore()

    def _pass_on_stops(self) -> None:
        """Stop what somebody asked to stop; end what this process holds without executing it.

        The latter should not happen; if it does (no memory for a thread, say), the lease would be renewed for
        the other runs' sake and the run would be running for ever.
        """
        if not self._jobs:
            return
        jobs = dict(self._jobs)  # before the look: what is added meanwhile is not missing
        with self.transaction() as env:
            held = env["cx.tower.run.queue"]._held_runs(self.code)
        for log_id, reason in held.items():
            job = self._jobs.get(log_id)
            if job and reason:
                job.out_of_time = reason == "timed_out"
                self._stop(job, reason)
        for job in jobs.values():
            if job.log_id not in held:  # it was given up for lost, or has just ended
                job.stop.request()
        now = time.monotonic()
        self._orphans = {
            log_id: self._orphans.get(log_id, now) for log_id in held if log_id not in self._jobs
        }
        overdue = [log_id for log_id, since in self._orphans.items() if now - since > ORPHAN_S]
        if overdue:
            with self.transaction() as env:
                env["cx.tower.run.queue"]._interrupt(env["cx.tower.command.log"].browse(overdue))

    def _abort_overdue(self) -> None:
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.deadline and now > job.deadline:
                self._stop(job, "timed_out")

    def _stop(self, job: Job, reason: str) -> None:
        """Ask a job and the runs inside it to end; Python code gets the exception again at every tick until it is out."""
        for inner in list(self._jobs.values()):
            if inner.parent and inner.parent is job.thread:
                self._stop(inner, reason)
        job.stop.request()
        if isinstance(job.work, DatabaseWork):
            job.abort(reason)

    # ------------------------------------------------------------------
    # In the caller's thread
    # ------------------------------------------------------------------

    def claim_one(self, env, log_id: int) -> int:
        """Take one queued run for the calling thread, in the caller's transaction.

        :return: the fencing token for :meth:`execute_now`, 0 when somebody else has the run
        """
        try:
            self._beat()
        except psycopg2.errors.SerializationFailure:
            pass  # the conductor has just renewed the lease
        return env["cx.tower.run.queue"]._claim_one(self.code, log_id)

    def execute_now(self, log_id: int, fence: int, watched: bool = True) -> None:
        """Execute one run that :meth:`claim_one` took, and return when its end is recorded.

        Used for runs inside runs and by the ``inline`` backend. The caller's thread is the seat: it takes
        none of the queue's. A transaction of the caller stays as it is; the run has its own.

        :param watched: let the conductor write live output, renew the lease and pass on stop requests.
            Without, the lease lasts as long as the step may.
        """
        jobs = self._prepare_patiently({log_id: fence})
        if not jobs:
            return  # somebody ended it meanwhile
        (job,) = jobs
        if not watched:
            run_chain(job)
            with self._lock:
                self._ended.clear()
            return
        with self._lock:
            self._ensure_conductor()
        # In a thread of its own: what ends the caller's Python must not tear this run apart.
        job.parent = threading.current_thread()
        thread = threading.Thread(
            target=run_chain, args=(job,), name=f"tower-lane-{self.dbname}-nested", daemon=True
        )
        thread.start()
        thread.join()


def run_chain(job: Job | None) -> None:
    """Do a job, and the steps of its flight plan that follow."""
    while job:
        job.run()
        job = job.next


_workers: dict[tuple[int, str], Worker] = {}
_workers_lock = threading.Lock()


def get(dbname: str) -> Worker:
    """Return the worker of this process for a database. A forked child gets one of its own."""
    with _workers_lock:
        return _workers.setdefault((os.getpid(), dbname), Worker(dbname))


def has_crons() -> bool:
    """Return whether this process runs crons (threaded mode), so that its worker takes the queued runs anyway."""
    return any(thread.name.startswith("odoo.service.cron.cron") for thread in threading.enumerate())


def in_lane() -> bool:
    """Return whether the calling thread executes a run."""
    return threading.current_thread().name.startswith("tower-lane-")
