"""The worker of a process and a database: takes queued runs, executes them in lanes, watches over them."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import Cursor, connection_info_for

from ..engine.database_errors import is_away, may_succeed_later
from ..engine.masking.in_use import secrets_in_use
from ..engine.run_end import RunEnd
from ..engine.work import DatabaseWork, Ended
from . import crash_points, heartbeat
from .ends import EndWriter
from .job import Assignment, Job
from .lanes import Lanes
from .recorder import KeptOutput, OutputSoFar

_logger = logging.getLogger(__name__)

TICK_S = 0.5  # pace of live output, of stop requests and of looking for queued runs
FIRST_OUTPUT_S = 0.03  # the first output and the end of a run are announced this soon
TEND_S = 5  # pace of looking after what is overdue
IDLE_TICK_S = 2
IDLE_S = 60  # the conductor ends after this long without work
KEPT_CURSOR_S = 3  # the connection for the ends of runs is given back after this long without any
LOGIN_KEPT_S = 5  # a lane asks again how to log in to a host after this long
MAX_LANES = 64
SLICE_S = 10  # a lane goes on with the steps of one flight plan for this long while other runs wait


class Worker:
    """Executes runs of one database in this process.

    One *conductor* thread exists while there is work: it claims runs, prepares them in one transaction,
    hands them to lanes, writes the live output of all of them about twice a second in one transaction,
    and passes on stop requests. It ends by itself when nothing is left to do. The lease of the runs is renewed
    by a thread of its own (:mod:`heartbeat`), so that it does not depend on anything the conductor does.

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
        # Runs were left in the queue when it was last looked at: they wait for seats
        self._more_queued = False
        self._preparing: set[int] = set()  # claimed runs that are no jobs yet
        self._due = 0.0  # time.monotonic() of the next look after output
        self._last_tick = 0.0
        self._last_tended = 0.0
        self._last_work = 0.0
        self.is_gone = False  # the database was dropped, or Tower uninstalled from it
        self._heartbeat = heartbeat.Heartbeat(
            self.code,
            lambda: heartbeat.connect(connection_info_for(dbname)[1]),
            self._has_something_in_hand,
            self._in_hand,
            lambda: heartbeat.database_exists(dbname, connection_info_for("postgres")[1]),
            self._note_gone,
        )

    # ------------------------------------------------------------------
    # Called from other threads
    # ------------------------------------------------------------------

    def wake(self) -> None:
        """Look for queued runs now. Returns at once."""
        with self._lock:
            self.is_gone = False
            self._claim_wanted = True
            self._ensure_conductor()
        self._event.set()

    def announce_soon(self, job: Job) -> None:
        """The first output of a job arrived: show it without waiting for the next tick."""
        self._look_soon()

    def job_done(self, job: Job, following: Job | None) -> None:
        """A lane is through with a job: announce its end and take the next run.

        :param following: the next step of the flight plan, when the lane goes on with it. Then the news can wait for the
            next tick: quick steps must not be held up by what is told about them.
        """
        with self._lock:
            self._jobs.pop(job.log_id, None)
            self._ended.append(job)
            if following:
                self._jobs[following.log_id] = following
                return
            self._claim_wanted |= self._more_queued
        self._look_soon()

    def may_go_on(self, job: Job) -> bool:
        """Return whether the lane of a job goes on with the next step of its flight plan: while nobody else has waited
        for long."""
        return job.may_take_over and not (self._more_queued and time.monotonic() - job.since > SLICE_S)

    def take_over(self, env, job: Job, taken: tuple[int, int]) -> Job:
        """Prepare the step that follows a job's end for the same lane, in the transaction that records the end.

        :param taken: (id, fencing token) of the step
        """
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

    def held_by_this_thread(self) -> int:
        """Return the id of the run that the calling thread executes, 0 when it executes none."""
        thread = threading.current_thread()
        return max((log_id for log_id, job in list(self._jobs.items()) if job.thread is thread), default=0)

    def end_wanted(self, job: Job) -> str:
        """Return why a job is to end, also when that was not passed on to it yet: "stopped", "timed_out" or ""."""
        try:
            with self.transaction() as env:
                return env["cx.tower.run.queue"]._held_runs(self.code).get(job.log_id, "")
        except Exception as error:
            if not may_succeed_later(error):
                raise
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
        while not self.is_gone:
            try:
                if not self._round():
                    return
            except Exception as error:
                if self._is_uninstalled():
                    return
                if is_away(error):
                    _logger.warning("tower worker: database not available (%s), trying again", error)
                else:
                    _logger.exception("tower worker: round failed")
                time.sleep(1)

    def _is_uninstalled(self) -> bool:
        """Return whether Tower was uninstalled from the database: there is nothing to conduct any more."""
        try:
            return "cx.tower.run.queue" not in Registry(self.dbname)
        except Exception:  # it cannot be loaded now: the database may be away
            return False

    def _note_gone(self) -> None:
        self.is_gone = True

    # ------------------------------------------------------------------
    # The lease
    # ------------------------------------------------------------------

    def _has_something_in_hand(self) -> bool:
        conductor = self._thread
        return bool(self._jobs or self._preparing) or (conductor is not None and conductor.is_alive())

    def _in_hand(self) -> set[int]:
        """Return the runs that are being prepared, or that a lane executes or is about to."""
        executed = {
            log_id for log_id, job in list(self._jobs.items()) if job.thread is None or job.thread.is_alive()
        }
        return executed | self._preparing.copy()

    def _ensure_lease(self) -> None:
        """See to it that the lease exists before a run is held under it, and is renewed from then on.

        A beat that fails must not keep the caller: the lease may have been renewed by somebody else a moment ago.
        """
        if time.monotonic() - self._heartbeat.last < heartbeat.INTERVAL_S:
            return
        with self.transaction() as env:
            env["cx.tower.worker"]._beat(self.code, socket.gethostname(), os.getpid())
            is_real = isinstance(env.cr, Cursor)  # what a test wrote is not there for another connection
        self._heartbeat.last = time.monotonic()
        if is_real:
            self._heartbeat.ensure()

    def _round(self) -> bool:
        """Wait for something to do and do it; False when the conductor may end."""
        now = time.monotonic()
        tick = TICK_S if self._jobs else IDLE_TICK_S
        self._due = now + tick if self._due < now else self._due
        self._event.wait(max(0.0, 0.0 if self._claim_wanted else self._due - now))
        self._event.clear()
        now = time.monotonic()
        if self._claim_wanted or now - self._last_tick >= tick:
            self._attempt(self._take_runs)
        if self._jobs and now - self._last_tended >= TEND_S:
            self._last_tended = now
            self._attempt(self._tend_plans)
            self._attempt(self._tend_fleets)
        if now >= self._due or now - self._last_tick >= tick:
            self._due = now + tick
            self._last_tick = now
            self._attempt(self._abort_overdue)
            self._attempt(self._pass_on_stops)
            self._attempt(self._write_output)
        return self._has_work(now)

    def _attempt(self, part: Callable[[], None]) -> None:
        """Do one part of a round; what goes wrong in it does not keep the others, unless the database is away."""
        try:
            part()
        except Exception as error:
            if is_away(error) or self._is_uninstalled():
                raise
            if may_succeed_later(error):
                _logger.info("tower worker: another transaction was faster (%s)", error)
            else:
                _logger.exception("tower worker: a part of the round failed")

    def _has_work(self, now: float) -> bool:
        self._close_idle_cursor(KEPT_CURSOR_S)
        with self._lock:
            if self._jobs or self._ended or self._claim_wanted:
                self._last_work = now
            if now - self._last_work < IDLE_S:
                return True
            self._thread = None
            return False

    def _tend_plans(self) -> None:
        with self.transaction() as env:
            env["cx.tower.run.queue"]._end_overdue_plans()

    def _tend_fleets(self) -> None:
        with self.transaction() as env:
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
        self._ensure_lease()
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
        except Exception as error:
            if not (claimed and is_away(error)):
                raise
        return claimed

    def _prepare_patiently(self, claimed: dict[int, int]) -> list[Job]:
        """Prepare claimed runs, trying again while the database is away: nobody else may take them any more.

        One that cannot be prepared keeps none of the others: it becomes a job that has ended with the reason.
        """
        self._preparing |= set(claimed)
        try:
            while claimed and not self.is_gone:
                try:
                    with self.transaction() as env:
                        queue = env["cx.tower.run.queue"]
                        self._more_queued = queue._has_queued()
                        return self._prepare(env, queue._still_held(claimed))
                except Exception as error:
                    if may_succeed_later(error):
                        _logger.warning("tower worker: runs are prepared again (%s)", error)
                        time.sleep(1)
                    elif len(claimed) > 1:
                        _logger.info("runs could not be prepared together (%s), one by one", error)
                        singly = [{log_id: fence} for log_id, fence in claimed.items()]
                        return [job for single in singly for job in self._prepare_patiently(single)]
                    else:
                        return self._make_ended(claimed, error)
            return []
        finally:
            self._preparing -= set(claimed)

    def _make_ended(self, claimed: dict[int, int], error: Exception) -> list[Job]:
        """Return the jobs of runs that cannot be prepared at all."""
        _logger.error("runs %s cannot be prepared", list(claimed), exc_info=error)
        work = Ended(RunEnd.unexpected(error))
        jobs = [Job(self, Assignment(log_id, fence, work)) for log_id, fence in claimed.items()]
        with self._lock:
            self._jobs.update({job.log_id: job for job in jobs})
        return jobs

    def _prepare(self, env, claimed: dict[int, int]) -> list[Job]:
        """Turn claimed runs into jobs and register them."""
        if not claimed:
            return []
        jobs = self._make_jobs(env, claimed)
        with self._lock:
            self._jobs.update({job.log_id: job for job in jobs})
        return jobs

    def _make_jobs(self, env, claimed: dict[int, int], logins=None) -> list[Job]:
        kept = self._kept_output(env)
        logs = env["cx.tower.command.log"].browse(claimed)
        works = logs._prepare_works(logins)
        steps = {log.id for log in logs if log.plan_log_id}
        so_far = logs._output_so_far()
        return [
            Job(
                self,
                Assignment(
                    log_id, claimed[log_id], work, kept, so_far.get(log_id, OutputSoFar()), log_id in steps
                ),
            )
            for log_id, work in works.items()
        ]

    @staticmethod
    def _kept_output(env) -> KeptOutput:
        head = env["cx.tower.settings"]._get().output_limit_mb * 1024 * 1024
        return KeptOutput(head, head // 4)

    def _write_output(self) -> None:
        """Write the pending output of all jobs and announce what changed, in one transaction.

        When that fails, each job gets a transaction of its own, so that what cannot be written of one keeps no other.
        An end is announced once: it is a hint, and whoever looks sees the log.
        """
        with self._lock:
            jobs, ended = list(self._jobs.values()), self._ended
            self._ended = []
        changed = [job for job in jobs if job.has_news() and not (job.is_unwritable or job.is_private)]
        if not changed and not ended:
            return
        try:
            self._write_output_of(changed, ended)
        except Exception as error:
            if is_away(error):
                with self._lock:
                    self._ended = ended + self._ended
                raise
            _logger.exception("tower worker: output could not be written together, one by one")
            for part in [([job], []) for job in changed] + [([], [job]) for job in ended]:
                self._attempt(lambda part=part: self._write_output_of(*part))
                for job in part[0]:
                    job.is_unwritable = job.has_news()  # tried once more with its end

    def _write_output_of(self, changed: list[Job], ended: list[Job]) -> None:
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
            for job in changed:
                job.recorder.restore()
                job.progress_news = True
            raise
        for job in changed:
            job.recorder.confirm()
            job.announced_end = job.recorder.end

    def _pass_on_stops(self) -> None:
        """Stop what somebody asked to stop, and what is no longer ours."""
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
            if job.log_id not in held and not job.is_private:  # it was given up for lost, or has just ended
                job.stop.request()

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
        with suppress(psycopg2.errors.SerializationFailure):  # the heartbeat has just renewed the lease
            self._ensure_lease()
        return env["cx.tower.run.queue"]._claim_one(self.code, log_id)

    def execute_now(self, log_id: int, fence: int, watched: bool = True, work=None) -> None:
        """Execute one run that :meth:`claim_one` took, and return when its end is recorded.

        Used for runs inside runs and by the ``inline`` backend. The caller's thread is the seat: it takes
        none of the queue's. A transaction of the caller stays as it is; the run has its own.

        :param watched: let the conductor write live output, renew the lease and pass on stop requests.
            Without, the lease lasts as long as the step may.
        :param work: when the caller has prepared it; then what follows from the end is the caller's, too
        """
        jobs = self._take_in_hand(log_id, fence, work) if work else self._prepare_patiently({log_id: fence})
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

    def _take_in_hand(self, log_id: int, fence: int, work) -> list[Job]:
        with self.transaction() as env:
            job = self._make_job(env, log_id, fence, work)
        job.follow = False
        with self._lock:
            self._jobs[log_id] = job
        return [job]

    def _make_job(self, env, log_id: int, fence: int, work) -> Job:
        so_far = env["cx.tower.command.log"].browse(log_id)._output_so_far().get(log_id, OutputSoFar())
        return Job(self, Assignment(log_id, fence, work, self._kept_output(env), so_far))

    def make_private_job(self, env, log_id: int, fence: int, work) -> Job:
        """Return the job of a run whose log is part of the caller's transaction, see :mod:`waited`."""
        job = self._make_job(env, log_id, fence, work)
        job.is_private = True
        return job

    def perform_private(self, job: Job, watched: bool, perform: Callable) -> Any:
        """Call ``perform`` while the conductor sees to the time limit of a private job, and to stop requests of the one around.

        :return: what it returned
        """
        job.thread = job.parent = threading.current_thread()
        with self._lock:
            self._jobs[job.log_id] = job
            if watched:
                self._ensure_conductor()
        try:
            with secrets_in_use(getattr(job.work, "masker__", None)):
                if isinstance(job.work, DatabaseWork):
                    job.open_for_aborts()
                return perform()
        finally:
            job.close_for_aborts()
            with self._lock:
                self._jobs.pop(job.log_id, None)


def run_chain(job: Job | None) -> None:
    """Do a job, and the steps of its flight plan that follow."""
    while job:
        job = job.run()


_workers: dict[tuple[int, str], Worker] = {}
_workers_lock = threading.Lock()


def get(dbname: str) -> Worker:
    """Return the worker of this process for a database. A forked child gets one of its own."""
    with _workers_lock:
        return _workers.setdefault((os.getpid(), dbname), Worker(dbname))
