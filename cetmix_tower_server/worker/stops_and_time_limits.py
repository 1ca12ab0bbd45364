"""Ends runs early: those that somebody asked to stop, and those that have reached a time limit.

The conductor looks at every tick. Work on a host is asked to end (``StopSignal``) and ends itself; its own time limit is kept
by :mod:`engine.ssh.running.run_script`. Python code is ended by an exception in its thread: the only way out of an
endless loop.
"""

from __future__ import annotations

import ctypes
import threading
import time
from typing import TYPE_CHECKING

from ..engine.work import DatabaseWork

if TYPE_CHECKING:
    from .job import Job
    from .worker import Worker


class RunAborted(BaseException):
    """Raised inside a Python command that was stopped or ran out of time.

    Not an ``Exception``, so that an ``except Exception`` in a command does not swallow it.
    """


def abort_thread(thread: threading.Thread) -> None:
    """Have :class:`RunAborted` raised in ``thread`` at its next Python instruction.

    A call that blocks in C (a query, a sleep) is not interrupted: it raises when it returns.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(RunAborted))


def pass_on_stops(worker: Worker) -> None:
    """End the runs that somebody asked to stop, whose flight plan is out of time, or that this process no longer holds."""
    jobs = worker.in_hand.jobs()  # before the look: what is added meanwhile is not missing
    if not jobs:
        return
    with worker.transaction() as env:
        held = env["cx.tower.run.queue"]._held_runs(worker.code)
    for log_id, reason in held.items():
        job = worker.in_hand.get(log_id)
        if job and reason:
            job.out_of_time = reason == "timed_out"
            _end_early(worker, job, reason)
    for job in jobs:
        if job.log_id not in held and not job.is_private:  # it was given up for lost, or has just ended
            job.stop.request()


def end_overdue_python(worker: Worker) -> None:
    """End the Python commands that have reached their time limit."""
    now = time.monotonic()
    for job in worker.in_hand.jobs():
        if job.deadline and now > job.deadline:
            _end_early(worker, job, "timed_out")


def _end_early(worker: Worker, job: Job, reason: str) -> None:
    """Ask a job and the runs inside it to end; Python code gets the exception again at every tick until it is out.

    :param reason: "stopped" or "timed_out"
    """
    for inner in worker.in_hand.jobs():
        if inner.parent and inner.parent is job.thread:
            _end_early(worker, inner, reason)
    job.stop.request()
    if isinstance(job.work, DatabaseWork):
        job.abort(reason)
