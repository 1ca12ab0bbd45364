"""The thread of a worker that looks after its runs: has them taken, their output written, their stops passed on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..engine.database_errors import is_away, may_succeed_later
from .job import Job
from .stops_and_time_limits import end_overdue_python, pass_on_stops

if TYPE_CHECKING:
    from .worker import Worker

_logger = logging.getLogger(__name__)

TICK_S = 0.5  # pace of live output, of stop requests and of looking for queued runs
FIRST_OUTPUT_S = 0.03  # the first output and the end of a run are announced this soon
TEND_S = 5  # pace of looking after what is overdue
IDLE_TICK_S = 2
IDLE_S = 60  # the thread ends after this long without work


class Conductor:
    """A thread that exists while there is work, and the rounds it makes.

    Nothing depends on it: what a round misses, the next one does. The lease of the runs is renewed by another thread.

    :param worker: the worker whose runs it looks after
    """

    def __init__(self, worker: Worker):
        self._worker = worker
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._thread: threading.Thread | None = None
        self._claim_wanted = False
        self._due = 0.0  # time.monotonic() of the next look after output
        self._last_tick = 0.0
        self._last_tended = 0.0
        self._last_work = 0.0

    # ------------------------------------------------------------------
    # Called from other threads
    # ------------------------------------------------------------------

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def ensure(self, claim: bool = False) -> None:
        """Start the thread unless it runs.

        :param claim: look for queued runs now
        """
        with self._lock:
            self._claim_wanted |= claim
            if not self.is_alive():
                self._last_work = time.monotonic()
                self._thread = threading.Thread(
                    target=self._conduct, name=f"tower-conductor-{self._worker.dbname}", daemon=True
                )
                self._thread.start()
        if claim:
            self._event.set()

    def look_soon(self, claim: bool = False) -> None:
        """Look after output and ends without waiting for the next tick.

        :param claim: look for queued runs as well
        """
        if claim:
            with self._lock:
                self._claim_wanted = True
        self._due = min(self._due, time.monotonic() + FIRST_OUTPUT_S)
        self._event.set()

    # ------------------------------------------------------------------
    # Rounds
    # ------------------------------------------------------------------

    def _conduct(self) -> None:
        threading.current_thread().dbname = self._worker.dbname
        while not self._worker.is_gone:
            try:
                if not self._round():
                    return
            except Exception as error:
                if self._worker.is_uninstalled():
                    return
                if is_away(error):
                    _logger.warning("tower worker: database not available (%s), trying again", error)
                else:
                    _logger.exception("tower worker: round failed")
                time.sleep(1)

    def _round(self) -> bool:
        """Wait for something to do and do it; False when the thread may end."""
        in_hand = self._worker.in_hand
        now = time.monotonic()
        tick = TICK_S if len(in_hand) else IDLE_TICK_S
        self._due = now + tick if self._due < now else self._due
        self._event.wait(max(0.0, 0.0 if self._claim_wanted else self._due - now))
        self._event.clear()
        now = time.monotonic()
        if self._claim_wanted or now - self._last_tick >= tick:
            self._attempt(self._take_runs)
        if now - self._last_tended >= TEND_S:
            self._last_tended = now
            self._attempt(self._tend_waits)
            if len(in_hand):
                self._attempt(self._tend_plans)
                self._attempt(self._tend_fleets)
        if now >= self._due or now - self._last_tick >= tick:
            self._due = now + tick
            self._last_tick = now
            self._attempt(partial(end_overdue_python, self._worker))
            self._attempt(partial(pass_on_stops, self._worker))
            self._attempt(self.write_output)
        return self._has_work(now)

    def _attempt(self, part: Callable[[], None]) -> None:
        """Do one part of a round; an error in it does not affect the others, unless the database is away."""
        try:
            part()
        except Exception as error:
            if is_away(error) or self._worker.is_uninstalled():
                raise
            if may_succeed_later(error):
                _logger.info("tower worker: another transaction was faster (%s)", error)
            else:
                _logger.exception("tower worker: a part of the round failed")

    def _has_work(self, now: float) -> bool:
        self._worker.kept_cursor.give_back()
        with self._lock:
            if self._claim_wanted or not self._worker.in_hand.is_empty:
                self._last_work = now
            if now - self._last_work < IDLE_S:
                return True
            self._thread = None
            return False

    def _take_runs(self) -> None:
        with self._lock:
            self._claim_wanted = False
        if self._worker.taker.take_runs():
            self._claim_wanted = True

    def _tend_waits(self) -> None:
        with self._worker.transaction() as env:
            env["cx.tower.run.queue"]._end_overdue_waits()

    def _tend_plans(self) -> None:
        with self._worker.transaction() as env:
            env["cx.tower.run.queue"]._end_overdue_plans()

    def _tend_fleets(self) -> None:
        with self._worker.transaction() as env:
            env["cx.tower.fleet.run"]._look_after()

    # ------------------------------------------------------------------
    # Output and ends
    # ------------------------------------------------------------------

    def write_output(self) -> None:
        """Write the pending output of all jobs and announce what changed, in one transaction.

        When that fails, each job gets a transaction of its own, so that what cannot be written of one affects no other.
        An end is announced once: it is a hint, and whoever looks sees the log. If the process dies before the commit, this
        output is lost; what was written before is kept.
        """
        in_hand = self._worker.in_hand
        jobs, ended = in_hand.jobs(), in_hand.take_ended()
        changed = [job for job in jobs if job.has_news() and not (job.is_unwritable or job.is_private)]
        if not changed and not ended:
            return
        try:
            self._write_output_of(changed, ended)
        except Exception as error:
            if is_away(error):
                in_hand.announce_again(ended)
                raise
            _logger.exception("tower worker: output could not be written together, writing it one by one")
            for part in [([job], []) for job in changed] + [([], [job]) for job in ended]:
                self._attempt(lambda part=part: self._write_output_of(*part))
                for job in part[0]:
                    job.is_unwritable = job.has_news()  # tried once more with its end

    def _write_output_of(self, changed: list[Job], ended: list[Job]) -> None:
        try:
            with self._worker.transaction() as env:
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
