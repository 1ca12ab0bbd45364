"""kill -9 of Tower while commands run: nothing stays "running", nothing runs twice, nothing recorded is lost."""

import random
import time
from pathlib import Path

import instance as tower
import pytest
from dying import answer_may_be_lost
from plans import expire_leases, recover, until

ACTIVE = ("queued", "running", "waiting")
INTERRUPTED = -209


@pytest.fixture
def marks(host_dir):
    """A folder in which every command leaves a line each time it runs on the host."""
    return host_dir


def start_marking(client, server_id, marks: Path, count: int) -> dict[int, Path]:
    """Start ``count`` commands that write a line to a file of their own when they run on the host."""
    logs = {}
    for _ in range(count):
        mark = marks / f"mark-{random.getrandbits(48):x}"
        code = f"echo ran >> {mark}; sleep 0.3; echo over >> {mark}"
        started = client.call("cx.tower.server", "run_code", [server_id], code)
        logs[started["id"]] = mark
    return logs


def check_aftermath(database, client, logs: dict[int, Path]):
    """Everything ended; what ran, ran once; what is recorded as done was done on the host."""
    states = dict(
        database.query("SELECT id, state FROM cx_tower_command_log WHERE id = ANY(%s)", (list(logs),))
    )
    assert set(states) == set(logs)
    for log_id, mark in logs.items():
        lines = mark.read_text().split() if mark.exists() else []
        assert lines.count("ran") <= 1, f"run {log_id} ran twice on the host"
        assert states[log_id] not in ACTIVE, f"run {log_id} is still {states[log_id]}"
        if states[log_id] == "done":
            assert lines == ["ran", "over"], f"run {log_id} is done but its host says {lines}"
        if not lines:
            assert states[log_id] == "interrupted", client.log(log_id, "state", "message")


@pytest.mark.parametrize("workers", [0, 2], ids=["threaded", "prefork"])
def test_killed_at_random_moments(template, tmp_path, marks, one_host, workers):
    database = template.copy(f"{template.name}_crash_{workers}")
    try:
        logs = {}
        server_id = None
        for _round in range(4):
            with tower.Instance(database, tmp_path, workers=workers) as running:
                client = running.client()
                server_id = server_id or one_host.register(client)
                logs |= start_marking(client, server_id, marks, 8)
                time.sleep(random.uniform(0.05, 1.2))
                running.kill()
            expire_leases(database)
        with tower.Instance(database, tmp_path, workers=workers) as running:
            client = running.client()
            recover(client)
            for log_id in logs:
                client.wait_for(log_id)
            check_aftermath(database, client, logs)
    finally:
        database.drop()


@pytest.mark.parametrize(
    ("point", "expected_state", "marks_on_host"),
    [
        ("claimed", "interrupted", []),
        ("performed", "interrupted", ["ran", "over"]),
        ("before_record_commit", "interrupted", ["ran", "over"]),
        ("recorded", "done", ["ran", "over"]),
    ],
)
def test_killed_at_a_named_point(database, tmp_path, marks, one_host, point, expected_state, marks_on_host):
    running = tower.Instance(database, tmp_path, environment={"TOWER_CRASH_POINT": point}).start()
    client = running.client()
    server_id = one_host.register(client)
    mark = marks / "mark"
    with answer_may_be_lost():
        code = f"echo ran >> {mark}; echo over >> {mark}"
        client.call("cx.tower.server", "run_code", [server_id], code)
    running.wait_until_dead()
    expire_leases(database)
    ((log_id,),) = database.query("SELECT max(id) FROM cx_tower_command_log")
    with tower.Instance(database, tmp_path) as again:
        client = again.client()
        recover(client)
        ended = client.wait_for(log_id)
        assert ended["state"] == expected_state
        assert (mark.read_text().split() if mark.exists() else []) == marks_on_host
        if expected_state == "interrupted":
            assert ended["exit_code"] == INTERRUPTED
            assert "unknown" in ended["message"]


def test_a_worker_that_wakes_up_late_changes_nothing(database, tmp_path, marks, one_host):
    gate = marks / "gate"
    with tower.Instance(database, tmp_path) as running:
        client = running.client()
        server_id = one_host.register(client)
        code = f"echo before; while [ ! -e {gate} ]; do sleep 0.05; done; echo late"
        log_id = client.call("cx.tower.server", "run_code", [server_id], code)["id"]
        until(lambda: "before" in str(client.call("cx.tower.command.log", "read_output", [log_id])["chunks"]))

        def is_found_lost():
            expire_leases(database)
            recover(client)
            return client.log(log_id)["state"] == "interrupted"

        until(is_found_lost)  # unless a heartbeat comes between the two
        gate.touch()
        until(lambda: "its result is discarded" in running.log())
        assert client.wait_for(log_id)["state"] == "interrupted"
        assert "before" in str(client.call("cx.tower.command.log", "read_output", [log_id])["chunks"])


def test_the_database_goes_away_while_a_command_runs(database, tmp_path, one_host):
    """Connections are cut when the command ends: its end is kept in memory and recorded later."""
    with tower.Instance(database, tmp_path) as running:
        client = running.client()
        server_id = one_host.register(client)
        log_id = client.call("cx.tower.server", "run_code", [server_id], "sleep 2; echo survived")["id"]
        give_up = time.monotonic() + 5
        while time.monotonic() < give_up:
            database.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
                (database.name,),
            )
            time.sleep(0.1)
        ended = running.client().wait_for(log_id)
        assert (ended["state"], ended["response"]) == ("done", "survived\n")
