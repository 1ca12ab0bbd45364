"""Records the ends of runs; those that come while a transaction is under way share the next one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg2

from . import crash_points

if TYPE_CHECKING:
    from ..engine.run_end import RunEnd
    from .job import Job, Recorded

_logger = logging.getLogger(__name__)


class _End:
    """How one run ended, on its way to the database."""

    def __init__(self, job: Job, end: RunEnd):
        self.job = job
        self.end = end
        self.recorded: Recorded | None = None
        self.turn = threading.Event()  # set when it is written, or when its thread is to write
        self.written = False
        self.error: Exception | None = None


class EndWriter:
    """Writes ends in the threads that bring them, one transaction at a time.

    A single end is written at once. When many runs end together, a commit costs more than the row: whoever
    comes while another thread writes waits, and one of those waiting writes for all. An end counts when its
    transaction is committed, so nothing is different for a run whether it shares one or not.

    :param transaction: gives an environment and commits, see ``Worker.transaction``
    :param read_ahead: called with the environment and the jobs that end together, before their ends are written
    """

    def __init__(self, transaction: Callable, read_ahead: Callable | None = None):
        self._transaction = transaction
        self._read_ahead = read_ahead
        self._lock = threading.Lock()
        self._waiting: list[_End] = []
        self._busy = False

    def record(self, job: Job, end: RunEnd) -> Recorded:
        """Write the end of a run and return when it is committed.

        :return: what the lane of the run continues with
        :raise Exception: what the database or the follow-up of this run raised; nothing of it is written then
        """
        waiting = _End(job, end)
        with self._lock:
            self._waiting.append(waiting)
            is_first, self._busy = not self._busy, True
        if not is_first:
            try:
                waiting.turn.wait()
            except BaseException:
                self._leave(waiting)
                raise
        if not waiting.written:
            self._write_waiting()
        if waiting.error:
            raise waiting.error
        return waiting.recorded

    def _leave(self, end: _End) -> None:
        """Withdraw an end whose thread was told to end; when it was its turn to write, the next one's comes."""
        with self._lock:
            if end not in self._waiting:
                return
            self._waiting.remove(end)
            if end.turn.is_set():
                self._busy = bool(self._waiting)
                if self._busy:
                    self._waiting[0].turn.set()

    def _write_waiting(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            self._write_batch(batch)
        except BaseException:
            # This thread was told to end in the middle: the others try again, nobody takes it for written.
            for end in batch:
                end.error = end.error or psycopg2.OperationalError("the writing thread ended")
            raise
        finally:
            for end in batch:
                end.written = True
                end.turn.set()
            with self._lock:
                self._busy = bool(self._waiting)
                if self._busy:
                    self._waiting[0].turn.set()

    def _write_batch(self, batch: list[_End]) -> None:
        try:
            self._write_together(batch)
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            _logger.info("the results of %s runs could not be stored together: %s", len(batch), error)
            for end in batch:  # one that cannot be written must not keep the others
                end.job.recorder.restore()
                self._write_batch([end])

    def _write_together(self, batch: list[_End]) -> None:
        """If the process dies before the commit, all these ends are lost and their runs become interrupted."""
        with self._transaction() as env:
            if self._read_ahead and len(batch) > 1:
                self._read_ahead(env, [end.job for end in batch])
            for end in batch:
                end.recorded = end.job.write_end(env, end.end)
                crash_points.reached("before_record_commit")
