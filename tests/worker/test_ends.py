"""Ends that come together share a transaction; one that cannot be written keeps nobody else."""

import threading
from contextlib import contextmanager

import psycopg2
import pytest
from tower.worker.ends import EndWriter


class Store:
    """Stands for the database: what a transaction wrote counts when it ends without an error."""

    def __init__(self):
        self.commits = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    @contextmanager
    def transaction(self):
        written = []
        self.entered.set()
        self.gate.wait(10)
        yield written
        self.commits.append(written)


class Job:
    """Stands for a run; one that is ``broken`` cannot be written."""

    def __init__(self, number, broken=False):
        self.number = number
        self.broken = broken
        self.recorder = self
        self.restored = 0

    def restore(self):
        self.restored += 1

    def write_end(self, written, values):
        if self.broken:
            raise ValueError(values["why"])
        written.append(self.number)


def write_all(writer, jobs):
    """Write the ends of jobs, each in a thread; return {number: error}."""
    errors = {}

    def write(job):
        try:
            writer.record(job, {"why": f"job {job.number}"})
        except ValueError as error:
            errors[job.number] = str(error)

    threads = [threading.Thread(target=write, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    return threads, errors


def wait_until_waiting(writer, count):
    for _ in range(1000):
        if len(writer._waiting) == count:
            return
        threading.Event().wait(0.005)
    raise AssertionError(f"{len(writer._waiting)} wait, not {count}")


def join(threads):
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def run_behind_a_slow_commit(jobs):
    """Write ``jobs`` while the end of job 0 is being committed."""
    store = Store()
    writer = EndWriter(store.transaction)
    store.gate.clear()
    first, _none = write_all(writer, [Job(0)])
    assert store.entered.wait(10)
    others, errors = write_all(writer, jobs)
    wait_until_waiting(writer, len(jobs))
    store.gate.set()
    join([*first, *others])
    return store, writer, errors


def test_ends_that_wait_share_the_next_transaction():
    store, writer, errors = run_behind_a_slow_commit([Job(number) for number in range(1, 20)])
    assert [len(written) for written in store.commits] == [1, 19]
    assert sorted(store.commits[1]) == list(range(1, 20))
    assert not errors and not writer._busy and not writer._waiting


def test_one_that_cannot_be_written_keeps_nobody_and_hears_of_it():
    jobs = [Job(number, broken=number == 3) for number in range(1, 7)]
    store, writer, errors = run_behind_a_slow_commit(jobs)
    assert errors == {3: "job 3"}
    assert sorted(sum(store.commits, [])) == [0, 1, 2, 4, 5, 6]
    assert all(job.restored == 1 for job in jobs)
    assert not writer._busy


def test_a_single_end_is_written_at_once_and_raises_its_error():
    store = Store()
    writer = EndWriter(store.transaction)
    writer.record(Job(1), {})
    assert store.commits == [[1]]
    with pytest.raises(ValueError):
        writer.record(Job(2, broken=True), {"why": "no"})
    writer.record(Job(3), {})
    assert store.commits == [[1], [3]]


def test_none_is_lost_when_many_come_at_any_time():
    store = Store()
    writer = EndWriter(store.transaction)
    threads, errors = write_all(writer, [Job(number) for number in range(200)])
    join(threads)
    assert sorted(sum(store.commits, [])) == list(range(200)) and not errors


class Stopped(BaseException):
    """As the exception that ends a Python command."""


def test_nobody_takes_an_end_for_written_when_the_writing_thread_is_ended():
    store = Store()
    store.gate.clear()
    writer = EndWriter(store.transaction)
    outcomes = {}

    def write(job):
        try:
            writer.record(job, {"why": "told to"})
            outcomes[job.number] = None
        except BaseException as error:
            outcomes[job.number] = error

    jobs = [Job(number) for number in range(8)]

    def stop(written, values):
        raise Stopped()

    jobs[3].write_end = stop
    threads = [threading.Thread(target=write, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    store.gate.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "an end is waited for for ever"
    written = {number for commit in store.commits for number in commit}
    assert {number for number, error in outcomes.items() if error is None} == written
    assert set(outcomes) == set(range(8))
    refused = [error for error in outcomes.values() if error is not None]
    assert all(isinstance(error, (Stopped, psycopg2.OperationalError)) for error in refused)


def test_a_thread_that_is_told_to_end_while_it_waits_keeps_nobody():
    """An asynchronous exception in the wait: the others' ends are written all the same."""

    class Told(BaseException):
        pass

    store = Store()
    store.gate.clear()
    writer = EndWriter(store.transaction)
    first, _errors = write_all(writer, [Job(0)])
    store.entered.wait(10)

    def leave():
        original = threading.Event.wait

        def wait(event, *arguments):
            if threading.current_thread().name == "leaving":
                raise Told
            return original(event, *arguments)

        threading.Event.wait = wait
        try:
            with pytest.raises(Told):
                writer.record(Job(1), {"why": ""})
        finally:
            threading.Event.wait = original

    leaving = threading.Thread(target=leave, name="leaving")
    leaving.start()
    leaving.join(10)
    store.gate.set()
    for thread in first:
        thread.join(10)
    later, _errors = write_all(writer, [Job(2)])
    for thread in later:
        thread.join(10)
    assert not any(thread.is_alive() for thread in [*first, *later, leaving])
    assert sorted(number for commit in store.commits for number in commit) == [0, 2]
