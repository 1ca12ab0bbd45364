"""One run in the hands of this process: does its work, then records how it ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2

from ..engine.bounded import pool
from ..engine.database_errors import is_away, may_succeed_later
from ..engine.errors import EngineError
from ..engine.masking.in_use import secrets_in_use
from ..engine.run_end import NOTHING, Claim, Following, Lane, RunEnd
from ..engine.ssh.running.command_result import Outcome
from ..engine.ssh.running.stopping import StopSignal
from ..engine.work import DatabaseWork, Ended, HostWork
from . import crash_points
from .recorder import KeptOutput, OutputSoFar, Recorder
from .stops_and_time_limits import RunAborted, abort_thread

if TYPE_CHECKING:
    from .worker import Worker

_logger = logging.getLogger(__name__)

# How long an end is tried again while others are faster. Time in which the database is away does not count.
BUSY_PATIENCE_S = 15 * 60
TEXTS_S = 0.1  # what texts of authors may take in a transaction that the ends of other runs wait for
# Attempts of repeatable database work that collided with another transaction or lost its connection
REPEATS = 3
COLLISIONS = (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected)
SEATS = ("cx_tower_command_log_host_seat", "cx_tower_command_log_global_seat")  # unique indexes


@dataclass(frozen=True)
class Assignment:
    """A claimed run, and what it takes to execute it.

    :param log_id: id of the run
    :param fence: token of the claim; a write with an old token changes nothing
    :param work: what there is to do, see :mod:`engine.work`
    :param kept: how much of the live output is kept
    :param so_far: what earlier attempts of the run printed
    :param is_step: whether it is the step of a flight plan
    """

    log_id: int
    fence: int
    work: HostWork | DatabaseWork | Ended
    kept: KeptOutput = KeptOutput(0, 0)
    so_far: OutputSoFar = OutputSoFar()
    is_step: bool = False


@dataclass(frozen=True)
class Recorded:
    """What the lane continues with after an end was written.

    :param next: the step that it took over, ready to be executed
    :param later: id of the flight plan run to continue in a transaction of its own; 0: none
    :param is_lost: nothing was written: the end was recorded by somebody else, or by a commit that only seemed to fail
    """

    next: Job | None = None
    later: int = 0
    is_lost: bool = False


class _Patience:
    """Decides how often, and how long, something is sent to the database again.

    :param is_hopeless: whether the database will never come back
    """

    def __init__(self, is_hopeless: Callable[[], bool]):
        self._is_hopeless = is_hopeless
        self._delay = 0.02
        self._spent = 0.0

    def wait(self, error: Exception) -> bool:
        """Wait a moment. :return: False when trying again would not help, or not soon enough"""
        if not may_succeed_later(error) or self._is_hopeless() or self._spent > BUSY_PATIENCE_S:
            return False
        time.sleep(self._delay)
        if not is_away(error):
            self._spent += self._delay
        self._delay = min(self._delay * 2, 5)
        return True


class Job:
    """A claimed run: its work, its live output and its end.

    :param worker: gives transactions, and announces output
    :param assignment: the run
    """

    def __init__(self, worker: Worker, assignment: Assignment):
        self.worker = worker
        self.log_id = assignment.log_id
        self.fence = assignment.fence
        self.work = assignment.work
        self.is_step = assignment.is_step
        self.stop = StopSignal()
        self.recorder = Recorder(
            assignment.log_id,
            assignment.kept,
            lambda: worker.announce_soon(self),
            assignment.so_far,
            worker.code,
        )
        if assignment.so_far.note:
            self.recorder.append("e", assignment.so_far.note)
        self.thread: threading.Thread | None = None
        self.parent: threading.Thread | None = None  # the lane that waits for this run
        self.since = time.monotonic()  # when this lane began with the flight plan
        # How it ends early
        self.deadline: float | None = None  # time.monotonic() at which database work is aborted
        self.abort_reason = ""  # "stopped" or "timed_out" once database work is being aborted
        self.out_of_time = False  # the flight plan's limit was reached: that is why it was asked to stop
        self._abort_lock = threading.Lock()
        self._has_begun = False  # whether the author's code was reached
        # What people are told
        self.announced_end = -1
        self.progress_now: dict[str, Any] = {}  # how far it is, for those who look
        self.progress_news = False  # whether that is still to be announced
        self.is_unwritable = False  # its live output is refused by the database
        self.is_private = False  # its log is part of a transaction that is not committed: nobody else sees it
        # What follows from its end
        self.follow = True  # whether this lane does what follows
        self.may_take_over = True  # whether the next step may be created as this lane's own
        self.plan_later = False  # the flight plan continues in a transaction of its own: its texts take long
        self.plan_failure = ""  # what went wrong when the flight plan was to continue

    # ------------------------------------------------------------------
    # While it runs
    # ------------------------------------------------------------------

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Tell how far the work is; announced with the next hint about the run's output, stored nowhere.

        :param done: bytes, files ... that are done
        :param total: of how many; 0 when nobody knows
        :param text: what it is about now, masked
        """
        self.progress_now = {"done": done, "total": total, "text": text}
        self.progress_news = True

    def has_news(self) -> bool:
        """Return whether there is output to write or anything to announce."""
        return self.recorder.has_pending or self.progress_news or self.announced_end < 0

    def logins(self, kept_s: float) -> dict | None:
        """Return {server id: Login} that this run used, unless it was read longer ago than ``kept_s`` seconds."""
        login = getattr(self.work, "login__", None)
        if login and time.monotonic() - self.work.prepared < kept_s:
            return {login.server_id: login}
        return None

    def abort(self, reason: str) -> None:
        """Have database work end where it is; does nothing once the author's code is left.

        :param reason: "stopped" or "timed_out"
        """
        with self._abort_lock:
            if self.deadline and self.thread:
                self.abort_reason = self.abort_reason or reason
                abort_thread(self.thread)

    def open_for_aborts(self) -> None:
        """From here on the author's code runs in this thread, for as long as the work's limit."""
        self.thread = threading.current_thread()
        self.deadline = time.monotonic() + self.work.timeout_s

    def close_for_aborts(self) -> None:
        """From here on nobody raises in this thread: what follows must not be torn."""
        with self._abort_lock:
            self.deadline = None

    # ------------------------------------------------------------------
    # The work
    # ------------------------------------------------------------------

    def run(self) -> Job | None:
        """Do the work and record its end. Never raises.

        A run whose end could not be recorded keeps its lease only as long as this process lives, and is then found
        interrupted.

        :return: the next step of its flight plan, when this lane continues with it
        """
        self.thread = threading.current_thread()
        self.thread.dbname = self.worker.dbname
        following = None
        try:
            with secrets_in_use(getattr(self.work, "masker__", None)):
                following = self._run()
        except Exception:
            _logger.exception("run %s: its end could not be recorded", self.log_id)
        finally:
            self.worker.job_done(self, following)
        return following

    def _run(self) -> Job | None:
        crash_points.reached("claimed")
        if isinstance(self.work, DatabaseWork):
            return self._perform_in_transaction()
        if not isinstance(self.work, HostWork):
            return self.record(self.work.end)
        end = self.perform_on_host()
        crash_points.reached("performed")
        return self.record(end)

    def perform_on_host(self) -> RunEnd:
        """Do work on a host. No transaction is open meanwhile."""
        try:
            end = self.work.perform(self)
        except EngineError as error:
            return RunEnd.of_error(error, self.work.masker__)
        except Exception as error:
            _logger.exception("run %s failed in Tower", self.log_id)
            return RunEnd.unexpected(error, self.work.masker__)
        return end.out_of_plan_time() if self.out_of_time and end.outcome == Outcome.STOPPED else end

    def _perform_in_transaction(self) -> Job | None:
        """Do database work; its writes and its end are one transaction.

        If the process dies anywhere in here the database rolls back, and the run becomes interrupted. What follows in a
        flight plan has a transaction of its own: a collision there must not undo what the author's code did. If the
        process dies between the two, the cron continues the plan.

        :return: the next step, when this lane continues with it
        """
        deadline = time.monotonic() + self.work.timeout_s
        patience, attempts = self._patience(), REPEATS if self.work.repeatable else 1
        while True:
            self.deadline, self._has_begun = deadline, False
            try:
                recorded = self._perform_once()
            except _LostRun as lost:
                return self._continue_plan(lost.later) if lost.later else None
            except RunAborted:
                end = RunEnd.aborted(self.abort_reason)
            except EngineError as error:
                end = RunEnd.of_error(error, self.work.masker__)
            except Exception as error:
                self.close_for_aborts()
                attempts -= self._has_begun  # nothing is repeated when the database was away before it began
                end = self._end_of_failed_transaction(error)
                is_undone = isinstance(error, COLLISIONS) or is_away(error)
                is_wanted = end.outcome in (Outcome.STOPPED, Outcome.TIMED_OUT)
                if is_undone and attempts > 0 and not is_wanted and patience.wait(error):
                    continue
            else:
                return self._continue_plan(recorded.later) if recorded.later else None
            self.close_for_aborts()
            return self.record(end)

    def _perform_once(self) -> Recorded:
        with self.worker.transaction() as env:
            try:
                self._has_begun = True
                end = self.work.perform(self, env["cx.tower.command.log"].browse(self.log_id))
            finally:
                self.close_for_aborts()
            recorded = self.write_end(env, end, plan_later=True)
            if recorded.is_lost:
                raise _LostRun(recorded.later)
            crash_points.reached("before_record_commit")
        crash_points.reached("recorded")
        return recorded

    def _end_of_failed_transaction(self, error: Exception) -> RunEnd:
        """Return the end of database work that raised; nothing of what it wrote is left."""
        if isinstance(error, COLLISIONS):
            reason = "stopped" if self.stop.is_set() else self.worker.end_wanted(self)
            if reason:  # the request to stop is what it collided with
                return RunEnd.aborted(reason)
        elif is_away(error):
            return RunEnd.undone()
        return RunEnd.unexpected(error, self.work.masker__)

    # ------------------------------------------------------------------
    # The end, see docs/developer/ends.md
    # ------------------------------------------------------------------

    def record(self, end: RunEnd) -> Job | None:
        """Have the end written until it is, trying again while the database is away or another transaction was faster.

        Any other error costs as little as possible: the end is written poorer, step by step, so that the run never stays
        "running". If the process dies before the commit, the end is lost and the run becomes interrupted.

        :return: the next step, when this lane continues with it
        """
        patience = self._patience()
        poorer_ends = self._poorer_ends(end)
        while True:
            try:
                recorded = self.worker.ends.record(self, end)
                self.recorder.confirm()
                crash_points.reached("recorded")
                return self._continue_plan(recorded.later) if recorded.later else recorded.next
            except pool.TooSlowHere:
                self.recorder.restore()
                self.plan_later = True
            except Exception as error:
                self.recorder.restore()
                if patience.wait(error):
                    continue
                if self.is_step and not self.plan_failure:
                    self._note_plan_failure(error)
                    continue
                _logger.exception("run %s: its end cannot be recorded in full", self.log_id)
                poorer = next(poorer_ends, None)
                if poorer is None:
                    raise
                end = poorer(error)

    def _poorer_ends(self, end: RunEnd) -> Iterator[Callable[[BaseException], RunEnd]]:
        """Yield functions that make ends which say less and less from the error before; sets :attr:`follow`."""
        self.follow = False
        yield end.without_following
        self.follow = True
        yield end.without_result
        self.follow = False
        yield end.without_result

    def write_end(self, env, end: RunEnd, plan_later: bool = False) -> Recorded:
        """Write the rest of the output and the end in the caller's transaction, and do what follows.

        When the run is the step of a flight plan, what follows is decided and created in here as well. If the process dies
        before the commit, nothing of it was done.

        :param plan_later: the flight plan continues in another transaction
        """
        plan_later = plan_later or self.plan_later
        self.recorder.flush(env.cr)
        # sudo: the engine records the end of a run that the person who started it may not write
        log = env["cx.tower.command.log"].sudo().browse(self.log_id)
        with pool.impatient(TEXTS_S) if self.is_step and not plan_later else nullcontext():
            following = self._finish(log, end.with_columns(**self.recorder.sizes()), plan_later)
        if following is None:
            found = self.worker.find_taken_over(env, self)
            if not found:
                _logger.warning("run %s was already ended elsewhere; its result is discarded", self.log_id)
            # After a commit that only seemed to fail, maybe nobody has gone on with the plan.
            later = log.plan_log_id.id if self.is_step and self.follow and not found else 0
            return Recorded(found, later, is_lost=True)
        return Recorded(self._take_over(env, following), following.later)

    def _finish(self, log, end: RunEnd, plan_later: bool) -> Following | None:
        claim = Claim(self.fence, self.worker.code)
        if self.follow:
            return log._finish(end, claim, self._lane(plan_later))
        return NOTHING if log._record_end(end, claim) else None

    def _lane(self, plan_later: bool = False) -> Lane:
        return Lane(
            self.log_id,
            self.worker.code,
            may_take_over=self.is_step and self.worker.may_continue(self),
            plan_later=plan_later,
            plan_failure=self.plan_failure,
        )

    def _take_over(self, env, following: Following) -> Job | None:
        """Prepare the step that follows for this lane, in the transaction that created it."""
        if following.taken_over:
            return self.worker.take_over(env, self, following.taken_over)
        if self.is_step and self.follow and not following.later:
            # What follows stays in the queue, if anything does; should this process die first, the cron finds it there.
            env.cr.postcommit.add(self.worker.wake)
        return None

    def _continue_plan(self, run_id: int) -> Job | None:
        """Decide what follows this step, whose end is recorded, and take it over; tried again like :meth:`record`.

        Lines whose texts take long are looked at in several transactions: so *Stop* finds its way between them, and people
        see how far it is. If the process dies between two of them, the cron continues the plan.

        :param run_id: of the flight plan run
        :return: the next step, when this lane continues with it
        """
        patience = self._patience()
        following = None
        while run_id:
            try:
                with self.worker.transaction() as env:
                    # sudo: the engine continues what was started
                    run = env["cx.tower.plan.log"].sudo().browse(run_id)
                    left = run._continue(self._lane())
                    following = self._take_over(env, left) or self.worker.find_taken_over(env, self)
                run_id = left.later
            except Exception as error:
                if self.may_take_over and _is_seat_taken(error):
                    # The end of this step gave it back: the next one waits for its turn
                    self.may_take_over = False
                    continue
                if patience.wait(error):
                    continue
                if self.plan_failure:
                    raise  # the cron continues it
                self._note_plan_failure(error)
        return following

    def _note_plan_failure(self, error: Exception) -> None:
        """Something of Tower failed when the flight plan was to continue; in no case is the end of this run lost.

        It may be the preparation of the next step: then that stays in the queue. Or the decision what is next: when it
        fails again, the plan ends.
        """
        _logger.exception("run %s: its flight plan cannot continue", self.log_id)
        if not self.may_take_over:
            self.plan_failure = f"{type(error).__name__}: {error}"
        self.may_take_over = False

    def _patience(self) -> _Patience:
        return _Patience(lambda: self.worker.is_gone)


class _LostRun(Exception):
    """The fence says that this process no longer holds the run: the transaction must be rolled back."""

    def __init__(self, later: int):
        super().__init__()
        self.later = later  # as of Recorded


def _is_seat_taken(error: Exception) -> bool:
    """Return whether an error says that somebody else has the seat that a step was to be created in."""
    return isinstance(error, psycopg2.errors.UniqueViolation) and error.diag.constraint_name in SEATS


def run_chain(job: Job | None) -> None:
    """Do a job, and the steps of its flight plan that follow."""
    while job:
        job = job.run()
