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
from ..engine.masking.in_use import secrets_in_use
from ..engine.results import EngineError, ExitCode
from ..engine.ssh.running import StopSignal
from ..engine.work import DatabaseWork, HostWork
from . import crash_points
from .engine_context import engine_says
from .interrupt import RunAborted, abort_thread
from .recorder import Recorder

if TYPE_CHECKING:
    from .worker import Worker

_logger = logging.getLogger(__name__)

# How long an end is tried again while others are faster. Time in which the database is away does not count.
BUSY_PATIENCE_S = 15 * 60
UNRECORDABLE = "unrecordable"
TEXTS_S = 0.1  # what texts of authors may take in a transaction that the ends of other runs wait for
# Attempts of repeatable database work that collided with another transaction or lost its connection
REPEATS = 3
COLLISIONS = (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected)
SEATS = ("cx_tower_command_log_host_seat", "cx_tower_command_log_global_seat")  # unique indexes


@dataclass(frozen=True)
class OutputSoFar:
    """What earlier attempts of a run printed: the next one's output goes on behind it.

    :param end: offset behind the last character
    :param skipped: characters left out
    :param note: line that separates the attempts
    """

    end: int
    skipped: int
    note: str = ""


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

    :param worker: gives transactions and hears about output
    :param log_id: id of the run
    :param fence: token of the claim; a write with an old token changes nothing
    :param work: what there is to do, see :mod:`work`
    :param head_limit: characters of live output kept from the start
    :param tail_limit: characters of live output kept from the end
    :param output: what earlier attempts of the run printed
    :param is_step: whether it is the step of a flight plan
    """

    def __init__(
        self,
        worker: Worker,
        log_id: int,
        fence: int,
        work,
        head_limit: int,
        tail_limit: int,
        output: OutputSoFar | None = None,
        is_step: bool = False,
    ):
        self.worker = worker
        self.log_id = log_id
        self.fence = fence
        self.work = work
        self.stop = StopSignal()
        self.recorder = Recorder(
            log_id,
            head_limit,
            tail_limit,
            lambda: worker.announce_soon(self),
            *((output.end, output.skipped) if output else ()),
            worker=worker.code,
        )
        if output and output.note:
            self.recorder.append("e", output.note)
        self.thread: threading.Thread | None = None
        self.deadline: float | None = None  # time.monotonic() at which database work is aborted
        self.parent: threading.Thread | None = None  # the lane that waits for this run
        self._abort_lock = threading.Lock()
        self.abort_reason = ""  # "stopped" or "timed_out" once database work is being aborted
        self.announced_end = -1
        self.progress_now: dict[str, Any] = {}  # how far it is, for those who look
        self.progress_news = False  # whether that is still to be announced
        self.is_unwritable = False  # its live output is refused by the database
        self.finished = False
        self.out_of_time = False  # the flight plan's limit was reached: that is why it was asked to stop
        self.since = time.monotonic()  # when this lane began with the flight plan
        self.is_step = is_step
        self.is_lost = False  # its end was recorded by somebody else, or by a commit that seemed to fail
        self.may_take_over = True
        self._has_begun = False  # whether the author's code was reached
        self.goes_on_later = False  # what follows takes long, and has a transaction of its own
        self.plan_failure = ""  # what went wrong when the flight plan was to go on
        self.is_private = False  # its log is part of a transaction that is not committed: nobody else sees it
        self.follow = True  # whether its end is followed by what should follow
        self.next: Job | None = None  # the step that this lane goes on with

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

    def run(self) -> None:
        """Do the work and record its end. Never raises; a run whose end could not be recorded keeps its
        lease only as long as this process lives and is then found interrupted."""
        self.thread = threading.current_thread()
        self.thread.dbname = self.worker.dbname
        try:
            with secrets_in_use(getattr(self.work, "masker__", None)):
                self._run_logged()
        finally:
            self.finished = True
            self.worker.job_done(self)

    def _run_logged(self) -> None:
        try:
            self._run()
        except Exception:
            self.next = None
            _logger.exception("run %s: its end could not be recorded", self.log_id)

    def _run(self) -> None:
        crash_points.reached("claimed")
        if isinstance(self.work, DatabaseWork):
            self._perform_in_transaction()
        elif isinstance(self.work, HostWork):
            values = self.perform_on_host()
            crash_points.reached("performed")
            self.record(values)
        else:
            self.record(self.work.values)

    def perform_on_host(self) -> dict[str, Any]:
        """Do work on a host. :return: the values that the log is finished with"""
        try:
            values = self.work.perform(self)
            if self.out_of_time and values.get("outcome") == "stopped":
                values |= {"command_status": int(ExitCode.COMMAND_TIMED_OUT), "outcome": "timed_out"}
                values["message"] = "The time limit of the flight plan was reached."
            return values
        except EngineError as error:
            return error_values(error, self.work.masker__)
        except Exception as error:
            _logger.exception("run %s failed in Tower", self.log_id)
            return unexpected_values(error, self.work.masker__)

    def _perform_in_transaction(self) -> None:
        """Do database work; its writes and its end are one transaction.

        If the process dies anywhere in here the database rolls back, and the run becomes interrupted. What follows in a
        flight plan has a transaction of its own: a collision there must not undo what the author's code did. If the
        process dies between the two, the cron goes on with the plan.
        """
        deadline = time.monotonic() + self.work.timeout_s
        patience, attempts = self._patience(), REPEATS if self.work.repeatable else 1
        while True:
            self.deadline, self._has_begun = deadline, False
            try:
                self._perform_once()
            except _LostRun:
                break
            except RunAborted:
                failure = aborted_values(self.abort_reason)
            except EngineError as error:
                failure = error_values(error, self.work.masker__)
            except Exception as error:
                self.close_for_aborts()
                attempts -= self._has_begun  # nothing is repeated when the database was away before it began
                failure = self._failure_in_transaction(error)
                is_undone = isinstance(error, COLLISIONS) or is_away(error)
                may_repeat = (
                    is_undone and attempts > 0 and failure.get("outcome") not in ("stopped", "timed_out")
                )
                if may_repeat and patience.wait(error):
                    continue
            else:
                return self._go_on_with_plan() if self.is_step else None
            self.close_for_aborts()
            self.record(failure)
            break
        if self.is_step and self.is_lost:
            # The commit may only have seemed to fail, because the connection broke. Then nobody goes on with the plan.
            self._go_on_with_plan()

    def _perform_once(self) -> None:
        with self.worker.transaction() as env:
            try:
                self._has_begun = True
                values = self.work.perform(self, env["cx.tower.command.log"].browse(self.log_id))
            finally:
                self.close_for_aborts()
            if not self.write_end(env, values, plan_later=True):
                raise _LostRun()
            crash_points.reached("before_record_commit")
        crash_points.reached("recorded")

    def _failure_in_transaction(self, error: Exception) -> dict[str, Any]:
        """Return the end of database work that raised; nothing of what it wrote is left."""
        if isinstance(error, COLLISIONS):
            reason = "stopped" if self.stop.is_set() else self.worker.end_wanted(self)
            if reason:  # the request to stop is what it collided with
                return aborted_values(reason)
        elif is_away(error):
            return undone_values()
        return unexpected_values(error, self.work.masker__)

    def _go_on_with_plan(self) -> None:
        """Decide what follows this step, whose end is recorded, and take it over; tried again like :meth:`record`.

        Lines whose texts take long are looked at in several transactions: so *Stop* finds its way between them, and people
        see how far it is. If the process dies between two of them, the cron goes on with the plan.
        """
        patience = self._patience()
        left_id = 0
        while True:
            try:
                with self.worker.transaction() as env:
                    self.next = None
                    log = env["cx.tower.command.log"].sudo().with_context(**self._lane_context())
                    run = log.browse(self.log_id).plan_log_id
                    left = (run.browse(left_id) if left_id else run)._go_on()
                    self.next = self.worker.take_over(env, self) or self.worker.find_taken_over(env, self)
                    left = left.id if left else 0
                if not left:
                    return
                left_id = left
            except Exception as error:
                self.next = None
                if self.may_take_over and _is_seat_taken(error):
                    # The end of this step gave it back: the next one waits for its turn
                    self.may_take_over = False
                    continue
                if patience.wait(error):
                    continue
                if self.plan_failure:
                    raise  # the cron goes on with it
                self._note_plan_failure(error)

    def _patience(self) -> _Patience:
        return _Patience(lambda: self.worker.is_gone)

    def abort(self, reason: str) -> None:
        """Have database work end where it is; nothing happens when it is not in the author's code any more.

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

    def record(self, values: dict[str, Any]) -> None:
        """Write how the run ended, trying again while the database is away or another was faster.

        What keeps an end from being written, other than that, is left out until it can be written: what should follow
        in its flight plan, then all that should follow, then its result. In no case the run goes on "running".

        If the process dies before the commit, the end is lost and the run becomes interrupted.
        """
        patience = self._patience()
        poorer_ends = self._poorer_ends(values)
        while True:
            try:
                self.worker.ends.record(self, values)
                self.recorder.confirm()
                crash_points.reached("recorded")
                return self._go_on_with_plan() if self.goes_on_later and self.follow else None
            except pool.TooSlowHere:
                self.recorder.restore()
                self.goes_on_later = True
            except Exception as error:
                self.recorder.restore()
                if patience.wait(error):
                    continue
                if self.is_step and not self.plan_failure:
                    self._note_plan_failure(error)
                    continue
                _logger.exception("run %s: its end cannot be recorded like this", self.log_id)
                poorer = next(poorer_ends, None)
                if poorer is None:
                    raise
                values = poorer(error)

    def _poorer_ends(self, values: dict[str, Any]) -> Iterator[Callable[[Exception], dict[str, Any]]]:
        """Give functions that return the values of an end that says less than the one before; sets :attr:`follow`."""
        self.follow = False
        yield lambda error: unfollowed_values(error, values)
        self.follow = True
        yield lambda error: unrecordable_values(error, values)
        self.follow = False
        yield lambda error: unrecordable_values(error, values)

    def _note_plan_failure(self, error: Exception) -> None:
        """Something of Tower failed when the flight plan was to go on; in no case is the end of this run lost.

        It may be the preparation of the next step: then that stays in the queue. Or the decision what is next: when it
        fails again, the plan ends.
        """
        _logger.exception("run %s: its flight plan cannot go on", self.log_id)
        if not self.may_take_over:
            self.plan_failure = f"{type(error).__name__}: {error}"
        self.may_take_over = False

    def _lane_context(self) -> dict[str, Any]:
        """Return the context in which the end of a step leads on."""
        goes_on = self.is_step and self.worker.may_go_on(self)
        return engine_says(
            tower_lane=True,
            tower_lane_worker=self.worker.code if goes_on else "",
            tower_plan_failure=self.plan_failure,
        )

    def write_end(self, env, values: dict[str, Any], plan_later: bool = False) -> bool:
        """Write the rest of the output and the end with the caller's transaction; False: no longer ours.

        When the run is the step of a flight plan, what follows is decided and created in here too, and :attr:`next` is the
        following step if this lane goes on with it.
        """
        self.next = None
        plan_later = plan_later or self.goes_on_later
        self.recorder.flush(env.cr)
        context = {**self._lane_context(), **engine_says(tower_plan_later=plan_later)}
        log = env["cx.tower.command.log"].sudo().with_context(**context).browse(self.log_id)
        with pool.impatient(TEXTS_S) if self.is_step and not plan_later else nullcontext():
            ended = log._finish(
                {**values, "output_size": self.recorder.end, "output_skipped": self.recorder.skipped},
                fence=self.fence,
                follow=self.follow,
                worker=self.worker.code,
            )
        if not ended:
            self.next = self.worker.find_taken_over(env, self)
            self.is_lost = True
            if not self.next:
                _logger.warning("run %s was ended by somebody else; its result is dropped", self.log_id)
        elif self.is_step and self.follow and not self.plan_failure and not plan_later:
            self.next = self.worker.take_over(env, self)
        return ended


class _LostRun(Exception):
    """The fence says that this process no longer holds the run."""


def error_values(error: EngineError, masker) -> dict[str, Any]:
    """Return the end of a run that an error of the engine prevented."""
    text = masker.mask(str(error))
    return {"command_status": int(error.exit_code), "message": text, "command_error": text}


def unexpected_values(error: BaseException, masker) -> dict[str, Any]:
    """Return the end of a run that failed in Tower itself."""
    text = masker.mask(f"{type(error).__name__}: {error}")
    return {"command_status": int(ExitCode.GENERAL_ERROR), "message": text, "command_error": text}


def undone_values() -> dict[str, Any]:
    """Return the end of a Python command whose connection to the database broke: what it wrote is undone."""
    text = (
        "The connection to the database broke (it was restarted, perhaps), so all that this command wrote was undone."
        " Look whether what it did elsewhere may be done twice before you run it again."
    )
    return {"command_status": int(ExitCode.GENERAL_ERROR), "message": text, "command_error": text}


def unfollowed_values(error: BaseException, values: dict[str, Any]) -> dict[str, Any]:
    """Return the end of a run after which nothing follows: what should have followed failed in Tower itself."""
    text = f"What should follow from its end did not happen: {type(error).__name__}. The log of the Tower server says more."
    return {**values, "message": " ".join(filter(None, (values.get("message"), text)))}


def unrecordable_values(error: BaseException, values: dict[str, Any]) -> dict[str, Any]:
    """Return the end of a run whose result the database refused: that it ended, and with which code."""
    text = (
        f"It ended with exit code {values.get('command_status')}, but its result could not be stored"
        f" ({type(error).__name__}). The log of the Tower server says more."
    )
    return {"command_status": int(ExitCode.GENERAL_ERROR), "message": text, "outcome": UNRECORDABLE}


def aborted_values(reason: str) -> dict[str, Any]:
    """Return the end of a Python command that was stopped or ran out of time; its writes are undone."""
    if reason == "timed_out":
        status, text = ExitCode.COMMAND_TIMED_OUT, "The time limit was reached; its changes were undone."
    else:
        status, text = ExitCode.COMMAND_STOPPED, "Stopped on request; its changes were undone."
    return {"command_status": int(status), "message": text, "outcome": reason, "stop_confirmed": "yes"}


def _is_seat_taken(error: Exception) -> bool:
    """Return whether an error says that somebody else has the seat that a step was to be created in."""
    return isinstance(error, psycopg2.errors.UniqueViolation) and error.diag.constraint_name in SEATS
