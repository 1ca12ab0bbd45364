"""The lease of a process's runs is renewed whatever happens, but not for runs that nobody executes."""

import threading

import psycopg2
import pytest
from tower.engine import run_lease
from tower.worker import heartbeat
from tower.worker.heartbeat import Heartbeat


class Database:
    """Stands for the database: its workers' beats and the runs that they hold."""

    def __init__(self):
        self.is_there = True
        self.is_up = True
        self.has_tower = True
        self.held = set()
        self.given_up = []
        self.beats = threading.Semaphore(0)
        self.connections = 0

    def connect(self):
        if not (self.is_up and self.is_there):
            raise psycopg2.OperationalError("connection refused")
        self.connections += 1
        return Connection(self)


class Connection:
    """A connection, and a cursor of it."""

    def __init__(self, database):
        self.database = database

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def close(self):
        self.database.connections -= 1

    def execute(self, statement, parameters):
        if not self.database.is_up:
            raise psycopg2.DatabaseError("server closed the connection unexpectedly")
        if not self.database.has_tower:
            raise psycopg2.errors.UndefinedTable("cx_tower.worker")
        if statement == run_lease.BEAT:
            self.database.beats.release()
        if statement == run_lease.GIVE_UP:
            self.database.given_up.append(sorted(parameters["log_ids"]))
            self.database.held -= set(parameters["log_ids"])

    def fetchall(self):
        return [(log_id,) for log_id in self.database.held]


class Worker:
    """Has runs in hand, and a heartbeat."""

    def __init__(self, database):
        self.in_hand = {1}
        self.gone = threading.Event()
        self.heartbeat = Heartbeat(
            "worker",
            database.connect,
            lambda: bool(self.in_hand) and not self.gone.is_set(),
            lambda: self.in_hand,
            lambda: database.is_there,
            self.gone.set,
        )


@pytest.fixture
def database(monkeypatch):
    monkeypatch.setattr(run_lease, "INTERVAL_S", 0.01)
    monkeypatch.setattr(heartbeat, "RETRY_S", 0.01)
    return Database()


@pytest.fixture
def worker(database):
    made = Worker(database)
    yield made
    made.in_hand = set()
    ended(made)


def beats(database, count=3):
    """Wait for that many beats."""
    return all(database.beats.acquire(timeout=10) for _beat in range(count))


def ended(worker):
    """Wait until the thread has ended."""
    thread = worker.heartbeat._thread
    if thread:
        thread.join(10)
    return not worker.heartbeat.is_running()


def test_it_beats_while_its_worker_has_something_in_hand(database, worker):
    worker.heartbeat.ensure()
    assert beats(database)
    worker.in_hand = set()
    assert ended(worker)
    assert database.connections == 0
    worker.in_hand = {2}
    worker.heartbeat.ensure()
    assert beats(database)


def test_it_beats_again_after_a_restart_of_the_database(database, worker):
    worker.heartbeat.ensure()
    assert beats(database)
    database.is_up = False
    while database.beats.acquire(timeout=0.1):
        pass
    database.is_up = True
    assert beats(database)
    assert not worker.gone.is_set()


def test_it_ends_when_the_database_was_dropped(database, worker):
    database.is_there = False
    worker.heartbeat.ensure()
    assert worker.gone.wait(10)
    assert ended(worker)


def test_it_ends_when_tower_was_uninstalled(database, worker):
    database.has_tower = False
    worker.heartbeat.ensure()
    assert worker.gone.wait(10)
    assert ended(worker)


def test_a_run_in_nobodys_hands_loses_its_lease(database, worker, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: now[0])
    database.held = {1, 2, 3}
    worker.heartbeat.beat()
    now[0] += run_lease.ORPHAN_S - 1
    worker.in_hand = {1, 3}  # a lane has it now
    worker.heartbeat.beat()
    worker.in_hand = {1}
    now[0] += 2
    worker.heartbeat.beat()
    assert database.given_up == [[2]]
    assert database.held == {1, 3}
    now[0] += run_lease.ORPHAN_S + 1
    worker.heartbeat.beat()
    assert database.given_up == [[2], [3]]
