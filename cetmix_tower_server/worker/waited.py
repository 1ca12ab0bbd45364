"""Work that a caller waits for and that is part of the caller's transaction: done here, recorded by the caller."""

from __future__ import annotations

import threading

from ..engine.database_errors import may_succeed_later
from ..engine.results import EngineError
from ..engine.run_end import RunEnd
from ..engine.work import DatabaseWork, HostWork
from .interrupt import RunAborted
from .job import Job


def perform(job: Job, record) -> RunEnd:
    """Do the work of a run and return how it ended.

    :param record: the log of the run, in an environment of the caller's transaction with all rights
    :raise Exception: the caller's transaction cannot go on
    """
    if isinstance(job.work, DatabaseWork):
        return _perform_in_transaction(job, record)
    if isinstance(job.work, HostWork):
        return _perform_on_host(job)
    return job.work.end


def _perform_in_transaction(job: Job, record) -> RunEnd:
    """Do database work in the caller's transaction; what it wrote is undone when it fails."""
    try:
        with record.env.cr.savepoint():
            try:
                return job.work.perform(job, record)
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
