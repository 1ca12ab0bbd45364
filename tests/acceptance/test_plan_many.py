"""100 flight plans at once on 45 hosts, carried out by two Odoo processes that race for them: none lost, no limit passed."""

import json

import instance as tower
import plans as tools
from plans import HOSTS, Plans, lines, register

PLANS = 100
LIMIT = 10
STEPS = 3


def test_many_plans_on_many_hosts(database, tmp_path, many_hosts, host_dir):
    """Every command says on the host when it begins and ends, all in one file: so many of them ran at once."""
    busy, mark = host_dir / "busy", host_dir / "plan"
    with tower.Instance(database, tmp_path) as first, tower.Instance(database, tmp_path) as second:
        plans = Plans(first.client())
        plans.client.call(
            "ir.config_parameter", "set_param", "cetmix_tower_server.max_parallel_runs", str(LIMIT)
        )
        server_ids = register(plans.client, *many_hosts)
        code = (
            f"echo + >> {busy}; echo {{number}} >> {{{{{{{{ mark }}}}}}}}-{{{{{{{{ tower.server.reference }}}}}}}};"
            f" sleep 0.2; echo - >> {busy}"
        )
        plan_id = plans.numbered(STEPS, code)
        # Whoever starts runs is the first to take some: the first process gets half of the seats, the second the rest.
        run_ids = plans.start(server_ids[: LIMIT // 2], plan_id, mark=f"{mark}-first")
        plans = Plans(second.client())
        rest = PLANS - LIMIT // 2
        for number in range(0, rest, HOSTS):
            some = server_ids[: min(HOSTS, rest - number)]
            run_ids += plans.start(some, plan_id, mark=f"{mark}-{number}")
        for run_id in run_ids:
            ended = plans.wait(run_id, 180)
            assert (ended["state"], ended["exit_code"]) == ("done", 0), plans.progress(run_id)
    marks = list(host_dir.glob("plan-*"))
    assert len(marks) == len(run_ids) == PLANS
    for mark in marks:
        assert lines(mark) == ["1", "2", "3"]
    at_once = most = 0
    for sign in lines(busy):
        at_once += {"+": 1, "-": -1}[sign]
        most = max(most, at_once)
    assert at_once == 0 and len(lines(busy)) == 2 * PLANS * STEPS
    assert LIMIT / 2 < most <= LIMIT
    workers = database.query("SELECT DISTINCT worker FROM cx_tower_command_log WHERE plan_log_id IS NOT NULL")
    assert len(workers) == 2, "both processes have to have won some"
    tools.check_consistent(database)


RACE = """
import json, threading, time
from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
from odoo.addons.cetmix_tower_server.worker.worker import Worker
server = env["cx.tower.server"].browse({server_id})
plan = env["cx.tower.plan"].browse({plan_id})
workers = [Worker(env.cr.dbname) for _ in range(2)]
for number in range({races}):
    run = server._create_plan_runs(plan, RunRequest(variable_values={{"mark": "{mark}-%s" % number}}))
    env.cr.commit()
    barrier = threading.Barrier(2)
    racers = [threading.Thread(target=lambda worker=worker: (barrier.wait(), worker.wake())) for worker in workers]
    for racer in racers:
        racer.start()
    give_up = time.monotonic() + 30
    while run.state not in ("done", "failed", "interrupted") and time.monotonic() < give_up:
        time.sleep(0.01)
        env.cr.rollback()
        env.invalidate_all()
env.cr.execute("SELECT state, count(*) FROM cx_tower_plan_log GROUP BY state")
states = env.cr.fetchall()
env.cr.execute("SELECT worker, count(*) FROM cx_tower_command_log GROUP BY worker")
print("RESULT " + json.dumps([states, env.cr.fetchall()]))
"""
RACES = 40


def test_two_workers_race_for_one_run(template, tmp_path, one_host, host_dir):
    """Both are woken at the same moment, 40 times, with one run to be had: one of them gets it."""
    database = template.copy(f"{template.name}_race")
    try:
        with tower.Instance(database, tmp_path) as running:
            plans = Plans(running.client())
            names = {"server_id": one_host.register(plans.client), "plan_id": plans.numbered(2)}
        script = RACE.format(**names, mark=host_dir / "race", races=RACES)
        done = tower.odoo_shell(database, tmp_path, script, timeout_s=200)
        results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        assert results, done.stderr[-3000:]
        states, workers = json.loads(results[0].removeprefix("RESULT "))
        assert states == [["done", RACES]]
        for number in range(RACES):
            assert lines(host_dir / f"race-{number}") == ["1", "2"]
        assert sum(count for _worker, count in workers) == 2 * RACES
        assert len(workers) == 2, "each has to have won some"
        tools.check_consistent(database)
    finally:
        database.drop()
