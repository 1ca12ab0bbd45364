"""PostgreSQL is restarted, really: no run suffers from it, and Tower wakes up by itself."""

import itertools
import os
import time

import instance as tower
import pytest
from plans import Plans, check_consistent, lines, until, until_a_cron
from postgres import FAST, IMMEDIATE, Postgres

RESTARTS = int(os.environ.get("TOWER_TEST_RESTARTS", "3"))
PLANS_A_RESTART = 5
# Odoo's crons are looked after once a minute; restarting its cron process takes it seconds.
AWAKE_S = 25


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL of this module's own; everything here finds it as setup/test's is found elsewhere."""
    with pytest.MonkeyPatch.context() as patch, Postgres() as server:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="module")
def installed(template, postgres):
    """A database with Tower in that PostgreSQL."""
    postgres.receive(template.name)
    return tower.Database(template.name)


@pytest.fixture(params=[0, 2], ids=["threaded", "prefork"])
def running(request, postgres, installed, tmp_path):
    database = installed.copy(f"{installed.name}_{request.param}")
    with tower.Instance(database, tmp_path, workers=request.param) as instance:
        yield instance


def test_plans_survive_restarts(running, postgres, host_dir, one_host):
    """Steps on hosts go on while the database is away, their ends wait for it, and no step runs twice or is lost."""
    client = running.client()
    server_id = one_host.register(client)
    client.call("cx.tower.server", "write", [server_id], {"max_parallel_runs": 100})
    plans = Plans(client)
    plan = plans.numbered(8, "echo {number} >> {{{{ mark }}}}; sleep 0.2")
    marks = {}
    for number, how in zip(range(RESTARTS), itertools.cycle([FAST, IMMEDIATE])):
        for _plan in range(PLANS_A_RESTART):
            mark = host_dir / f"mark-{len(marks)}"
            # Odoo answers the first request in each of its processes with an error page: its connections are broken.
            run_id = until(
                lambda mark=mark: _tried(lambda: plans.start(server_id, plan, mark=str(mark))), AWAKE_S
            )
            marks[run_id] = mark
        time.sleep(0.4 + 0.23 * (number % 6))
        postgres.restart(how, down_s=0.3 * (number % 4))
        client = until(lambda: _login(running), AWAKE_S)
        plans.client = client
    for run_id in marks:
        ended = until(lambda run_id=run_id: _tried(lambda: plans.wait(run_id, 90)), 90)
        assert (ended["state"], ended["exit_code"]) == ("done", 0), (ended, running.log()[-3000:])
    for mark in marks.values():
        assert lines(mark) == [str(number) for number in range(1, 9)]
    check_consistent(running.database)


def test_work_that_began_idle_after_a_restart(running, postgres, one_host):
    """Nothing runs when the database is restarted, and Tower's own threads have ended long ago, or never begun."""
    server_id = one_host.register(running.client())
    postgres.restart(FAST, down_s=2)
    client = until(lambda: _login(running), AWAKE_S)
    started = client.call("cx.tower.server", "run_code", [server_id], "echo awake")
    assert client.wait_for(started["id"], AWAKE_S)["response"] == "awake\n"
    ran_before = _last_call(running.database)
    running.database.query("UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' - interval '1 minute'")
    until_a_cron(running.database, lambda: _last_call(running.database) != ran_before)


def _last_call(database):
    return database.query("SELECT max(lastcall) FROM ir_cron")


def _tried(call):
    """Return what a call returns, None while the server cannot reach its database."""
    try:
        return call()
    except (OSError, tower.RpcError):
        return None


def _login(instance):
    """Return a client, None while the server cannot reach its database."""
    client = _tried(instance.client)
    return client if client and _tried(lambda: client.call("res.users", "search_count", [])) else None
