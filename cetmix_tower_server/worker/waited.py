"""Work that a caller waits for and that is part of the caller's transaction: done here, recorded by the caller."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..engine.database_errors import may_succeed_later
from ..engine.errors import EngineError
from ..engine.masking.in_use import secrets_in_use
from ..engine.run_end import RunEnd
from ..engine.work import DatabaseWork, HostWork
from .job import Job
from .stops_and_time_limits import RunAborted

if TYPE_CHECKING:
    from .worker import Worker


def perform(worker: Worker, log, fence: int, work, watched: bool) -> RunEnd:
    """Do the work of a run whose log is part of the caller's transaction, and write its output there.

    If the process dies in here, nothing is left of the run in Tower.

    :param worker: of this process
    :param log: log of the run, in an environment of the caller's transaction with all rights
    :param fence: token under which the transaction holds the run
    :param work: what there is to do, see :mod:`engine.work`
    :param watched: let the conductor see to the time limit, and to stop requests of the run around
    :return: how it ended; the caller records that
    :raise Exception: the caller's transaction cannot continue
    """
    job = worker.taker.make_job(log, fence, work)
    job.is_private = True
    job.thread = job.parent = threading.current_thread()
    worker.in_hand.add(job)
    if watched:
        worker.conductor.ensure()
    try:
        with secrets_in_use(getattr(work, "masker__", None)):
            end = _perform(job, log)
    finally:
        job.close_for_aborts()
        worker.in_hand.drop(job)
    job.recorder.flush(log.env.cr)
    return end.with_columns(**job.recorder.sizes())


def _perform(job: Job, log) -> RunEnd:
    if isinstance(job.work, DatabaseWork):
        job.open_for_aborts()
        return _perform_in_transaction(job, log)
    if isinstance(job.work, HostWork):
        return _perform_on_host(job)
    return job.work.end


def _perform_in_transaction(job: Job, log) -> RunEnd:
    """Do database work in the caller's transaction; what it wrote is undone when it fails."""
    try:
        with log.env.cr.savepoint():
            try:
                return job.work.perform(job, log)
            finally:
                job.close_for_aborts()
    except RunAborted:
        return RunEnd.aborted(job.abort_reason)
    except EngineError as error:
        return RunEnd.of_error(error, job.work.masker__)
    except Exception as error:
        if may_succeed_later(error):
            raise
        return RunEnd.unexpected(error, job.work.masker__)


def _perform_on_host(job: Job) -> RunEnd:
    """Do work on a host in a thread of its own: what ends the caller's Python must not tear it apart."""
    ended: list[RunEnd] = []
    thread = threading.Thread(
        target=lambda: ended.append(job.perform_on_host()), name="tower-lane-waited", daemon=True
    )
    thread.start()
    thread.join()
    return ended[0]
