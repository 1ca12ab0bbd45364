"""Runs that somebody asked to stop, or that have reached a time limit, are ended; all others are left alone."""

import threading
import time
from contextlib import contextmanager

import pytest
from tower.engine.run_end import RunEnd
from tower.engine.work import DatabaseWork, HostWork
from tower.worker.in_hand import InHand
from tower.worker.job import Assignment, Job
from tower.worker.stops_and_time_limits import RunAborted, end_overdue_python, pass_on_stops


class Worker:
    """Stands for the worker of a process; ``held`` is what the database says about its runs."""

    code = "here"

    def __init__(self):
        self.in_hand = InHand()
        self.held = {}

    def announce_soon(self, job):
        pass

    @contextmanager
    def transaction(self):
        yield {"cx.tower.run.queue": self}

    def _held_runs(self, code):
        return self.held


@pytest.fixture
def worker():
    return Worker()


def on_host(worker, number):
    job = Job(worker, Assignment(number, 1, HostWork(lambda job: RunEnd(0), None)))
    worker.in_hand.add(job)
    return job


class Endless:
    """A Python command that ends only when it is ended."""

    def __init__(self, worker, number, timeout_s):
        work = DatabaseWork(lambda job, record: RunEnd(0), None, timeout_s)
        self.job = Job(worker, Assignment(number, 1, work))
        self.was_aborted = False
        self._begun = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self._begun.wait(10)
        worker.in_hand.add(self.job)

    def _run(self):
        try:
            self.job.open_for_aborts()
            self._begun.set()
            while True:
                pass
        except RunAborted:
            self.was_aborted = True

    def end(self, look):
        """Look as the conductor does, until the command has ended. :return: whether it was aborted"""
        deadline = time.monotonic() + 10
        while self.thread.is_alive() and time.monotonic() < deadline:
            look()
            self.thread.join(0.05)
        return self.was_aborted


def test_python_that_has_reached_its_time_limit_is_ended(worker):
    command = Endless(worker, 1, timeout_s=0)
    assert command.end(lambda: end_overdue_python(worker))
    assert command.job.abort_reason == "timed_out"


def test_python_that_has_time_left_is_not_ended_by_the_look_at_time_limits(worker):
    command = Endless(worker, 1, timeout_s=60)
    end_overdue_python(worker)
    assert (command.job.abort_reason, command.job.stop.is_set()) == ("", False)
    worker.held = {1: "stopped"}
    assert command.end(lambda: pass_on_stops(worker))
    assert command.job.abort_reason == "stopped"


def test_what_a_python_command_waits_for_ends_with_it(worker):
    command = Endless(worker, 1, timeout_s=0)
    inner, other = on_host(worker, 2), on_host(worker, 3)
    inner.parent = command.thread
    assert command.end(lambda: end_overdue_python(worker))
    assert inner.stop.is_set() and not other.stop.is_set()


def test_work_on_a_host_is_asked_to_end_for_the_reason_that_the_database_says(worker):
    stopped, out_of_time, untouched = (on_host(worker, number) for number in (1, 2, 3))
    worker.held = {1: "stopped", 2: "timed_out", 3: ""}
    pass_on_stops(worker)
    assert [job.stop.is_set() for job in (stopped, out_of_time, untouched)] == [True, True, False]
    assert [job.out_of_time for job in (stopped, out_of_time, untouched)] == [False, True, False]


def test_a_run_that_is_no_longer_held_is_asked_to_end_unless_nobody_else_can_see_it(worker):
    lost, private = on_host(worker, 1), on_host(worker, 2)
    private.is_private = True
    pass_on_stops(worker)
    assert (lost.stop.is_set(), private.stop.is_set()) == (True, False)
