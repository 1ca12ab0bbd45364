"""Work that a caller waits for and that is part of the caller's transaction: done here, recorded by the caller."""

from __future__ import annotations

import threading
from typing import Any

from ..engine.database_errors import may_succeed_later
from ..engine.results import EngineError
from ..engine.work import DatabaseWork, HostWork
from .interrupt import RunAborted
from .job import Job, aborted_values, error_values, unexpected_values


def perform(job: Job, record) -> dict[str, Any]:
    """Do the work of a run and return the values that its log is finished with.

    :param record: the log of the run, in an environment of the caller's transaction with all rights
    :raise Exception: the caller's transaction cannot go on
    """
    if isinstance(job.work, DatabaseWork):
        return _perform_in_transaction(job, record)
    if isinstance(job.work, HostWork):
        return _perform_on_host(job)
    return dict(job.work.values)


def _perform_in_transaction(job: Job, record) -> dict[str, Any]:
    """Do database work in the caller's transaction; what it wrote is undone when it fails."""
    try:
        with record.env.cr.savepoint():
            try:
                return job.work.perform(job, record)
            finally:
                job.close_for_aborts()
    except RunAborted:
        return aborted_values(job.abort_reason)
    except EngineError as error:
        return error_values(error, job.work.masker__)
    except Exception as error:
        if may_succeed_later(error):
            raise
        return unexpected_values(error, job.work.masker__)


def _perform_on_host(job: Job) -> dict[str, Any]:
    """Do work on a host in a thread of its own: what ends the caller's Python must not tear it apart."""
    ended: list[dict[str, Any]] = []
    thread = threading.Thread(
        target=lambda: ended.append(job.perform_on_host()), name="tower-lane-waited", daemon=True
    )
    thread.start()
    thread.join()
    return ended[0]
