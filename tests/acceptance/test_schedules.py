"""Scheduled tasks and shortcuts end to end: the cron fires them on a real host, once, whatever happens to its process."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import instance as tower
import psycopg2
import pytest
from dying import answer_may_be_lost
from plans import recover, until_a_cron

# Odoo looks for crons that are due once a minute.
CRON_ROUND_S = 100


def moment(seconds: float) -> str:
    """Return a moment from now on, as Odoo takes it."""
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"


def new_task(client, server_id: int, code: str, **values) -> int:
    """Make a task that runs a shell command on a server, every day."""
    command = client.create("cx.tower.command", name="Tick", code=code)
    facts = {"name": "Tick", "command_id": command, "server_ids": [(6, 0, [server_id])]}
    facts |= {"interval_type": "days", "next_call": moment(-5)}
    return client.create("cx.tower.scheduled.task", **(facts | values))


def runs_of(database, task_id: int) -> list[str]:
    """Return the states of a task's runs."""
    rows = database.query(
        "SELECT state FROM cx_tower_command_log WHERE scheduled_task_id = %s ORDER BY id", (task_id,)
    )
    return [state for (state,) in rows]


def wait_until(condition, timeout_s: float = 60):
    """Wait until a condition holds and return what it returned."""
    give_up = time.monotonic() + timeout_s
    while time.monotonic() < give_up:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"nothing after {timeout_s} s")


def wait_for_runs(database, task_id: int, states: list[str], timeout_s: float = CRON_ROUND_S) -> None:
    """Wait until a task's runs are in these states."""
    try:
        wait_until(lambda: runs_of(database, task_id) == states, timeout_s)
    except AssertionError:
        rows = database.query(
            "SELECT state, message, command_error FROM cx_tower_command_log WHERE scheduled_task_id = %s",
            (task_id,),
        )
        task = database.query(
            "SELECT last_call, last_note FROM cx_tower_scheduled_task WHERE id = %s", (task_id,)
        )
        raise AssertionError(f"{rows} {task} instead of {states}") from None


def next_call(database, task_id: int) -> datetime:
    return database.query("SELECT next_call FROM cx_tower_scheduled_task WHERE id = %s", (task_id,))[0][0]


def test_a_task_due_in_a_few_seconds_runs_once_though_two_servers_wait_for_it(
    server, database, one_host, host_dir
):
    client = server.client()
    with tower.Instance(database, server.folder) as second:
        assert second.pid != server.pid
        host = one_host.register(client, "Ticking")
        mark = host_dir / "ticks"
        due = datetime.now(UTC).replace(tzinfo=None, microsecond=0) + timedelta(seconds=4)
        task = new_task(client, host, f"echo tick >> {mark}", next_call=str(due))
        until_a_cron(database, lambda: runs_of(database, task))
        wait_for_runs(database, task, ["done"])
        assert datetime.now(UTC).replace(tzinfo=None) >= due
        assert next_call(database, task) == due + timedelta(days=1)
        # again and again, by both: each time is run by one of them
        for number in range(2, 7):
            client.call("cx.tower.scheduled.task", "write", [task], {"next_call": moment(-5)})
            wait_for_runs(database, task, ["done"] * number)
        time.sleep(3)
        assert mark.read_text().split() == ["tick"] * 6


def test_a_task_that_another_transaction_holds_is_left_to_it(server, database, one_host, host_dir):
    """Two transactions at once: what one has taken, the other goes around."""
    client = server.client()
    host = one_host.register(client, "Held")
    later = moment(3600)
    held, free = (
        new_task(client, host, f"echo {name} >> {host_dir / 'marks'}", next_call=later)
        for name in ("held", "free")
    )
    due = "UPDATE cx_tower_scheduled_task SET next_call = (now() AT TIME ZONE 'UTC') - interval '1 minute' WHERE id = %s"
    connection = psycopg2.connect(dbname=database.name)
    try:
        with connection.cursor() as cursor:
            cursor.execute(due, (held,))
            connection.commit()
            cursor.execute("SELECT id FROM cx_tower_scheduled_task WHERE id = %s FOR NO KEY UPDATE", (held,))
            client.call("cx.tower.scheduled.task", "write", [free], {"next_call": moment(-10)})
            wait_for_runs(database, free, ["done"])
            assert runs_of(database, held) == []
        connection.rollback()
        wait_until(lambda: triggered(client))
        wait_for_runs(database, held, ["done"])
    finally:
        connection.close()


def triggered(client) -> bool:
    """Run the cron by hand, which Odoo would do within a minute; False while it is running anyway."""
    cron = client.call(
        "ir.model.data", "search_read", [("name", "=", "ir_cron_run_scheduled_tasks")], ["res_id"]
    )[0]["res_id"]
    try:
        client.call("ir.cron", "method_direct_trigger", [cron])
    except tower.RpcError:
        return False
    return True


@pytest.mark.parametrize("point", ["task_reserved", "task_started", "task_flushed", "task_committed"])
def test_a_process_that_dies_at_any_line_runs_a_time_once(point, template, tmp_path, one_host, host_dir):
    database = template.copy(f"{template.name}_{point}")
    folder = host_dir / point
    try:
        with tower.Instance(database, tmp_path, environment={"TOWER_CRASH_POINT": point}) as dying:
            client = dying.client()
            host = one_host.register(client, "Ticking")
            with answer_may_be_lost():
                new_task(client, host, f"echo tick >> {folder}")  # it is due, which starts the cron
                triggered(client)
            dying.wait_until_dead()
        ((task,),) = database.query("SELECT max(id) FROM cx_tower_scheduled_task")
        committed = point == "task_committed"
        assert len(runs_of(database, task)) == committed
        assert (next_call(database, task) > datetime.now(UTC).replace(tzinfo=None)) == committed
        with tower.Instance(database, tmp_path) as running:
            wait_until(lambda: triggered(running.client()))
            recover(running.client())  # what was queued before is taken at once, not in a minute
            wait_for_runs(database, task, ["done"])
            time.sleep(2)
        assert runs_of(database, task) == ["done"]
        assert folder.read_text() == "tick\n"
    finally:
        database.drop()


def test_a_shortcut_lets_a_user_run_what_the_user_may_not_read(server, one_host):
    root = server.client()
    group = root.call(
        "ir.model.data", "search_read", [("name", "=", "group_user"), ("module", "=", "cetmix_tower_server")]
    )
    base = root.call("ir.model.data", "search_read", [("name", "=", "group_user"), ("module", "=", "base")])
    person = root.create(
        "res.users",
        name="Operator",
        login="operator",
        password="operator",
        group_ids=[(6, 0, [group[0]["res_id"], base[0]["res_id"]])],
    )
    host = one_host.register(root, "For operators", user_ids=[(6, 0, [person])])
    command = root.create(
        "cx.tower.command", name="Restart", code="echo hidden-$((40 + 2))", access_level="3"
    )
    shortcut = root.create(
        "cx.tower.shortcut",
        name="Restart",
        command_id=command,
        access_level="1",
        server_ids=[(6, 0, [host])],
    )
    operator = server.client("operator")
    started = operator.call("cx.tower.shortcut", "run", [shortcut], host)
    assert operator.wait_for(started["id"])["response"] == "hidden-42\n"
    shown = operator.log(started["id"], "code", "path", "is_code_hidden", "state")
    assert (shown["code"], shown["is_code_hidden"], shown["state"]) == (False, True, "done")
    for attempt in (
        lambda: operator.call("cx.tower.command", "read", [command], ["code"]),
        lambda: operator.call("cx.tower.server", "run_command", [host], command),
        lambda: operator.log(started["id"], "hidden_code"),
    ):
        with pytest.raises(tower.RpcError) as error:
            attempt()
        assert error.value.name.endswith("AccessError")
    assert root.log(started["id"], "hidden_code")["hidden_code"] == "echo hidden-$((40 + 2))"
