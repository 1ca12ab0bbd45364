"""Fleet runs on real hosts: the limit holds between two processes, a kill loses no turn, failures and a person stop them."""

import time

import instance as tower
import plans as tools
from plans import HOSTS, Plans, lines, register, until

LIMIT = 6
MODEL = "cx.tower.fleet.run"


class Fleets:
    """Fleet runs of one instance, as one user."""

    def __init__(self, client):
        self.client = client

    def start(self, **arguments) -> int:
        return self.client.call(MODEL, "start", **arguments)["id"]

    def progress(self, fleet_id: int) -> dict:
        return self.client.call(MODEL, "read_progress", [fleet_id], limit=500)

    def wait(self, fleet_id: int, timeout_s: float = 90) -> dict:
        give_up = time.monotonic() + timeout_s
        while True:
            values = self.client.call(MODEL, "wait", [fleet_id], timeout_s=5)
            if values["finished"]:
                return values
            assert time.monotonic() < give_up, self.progress(fleet_id)


def most_at_once(path) -> int:
    """Return how many were at work at once at most, of what commands that begin (+) and end (-) left in a file."""
    at_once = most = 0
    for sign in lines(path):
        at_once += {"+": 1, "-": -1}[sign]
        most = max(most, at_once)
    assert at_once == 0
    return most


def running_workers(database) -> int:
    return database.query("SELECT count(DISTINCT worker) FROM cx_tower_command_log WHERE state = 'running'")[
        0
    ][0]


def test_the_limit_holds_between_two_processes(database, tmp_path, many_hosts, host_dir):
    """A host counts from its first step to its last; each says so in one file."""
    busy = host_dir / "busy"
    with tower.Instance(database, tmp_path) as first, tower.Instance(database, tmp_path) as second:
        plans, fleets = Plans(first.client()), Fleets(second.client())
        server_ids = register(plans.client, *many_hosts)
        plan_id = plans.plan(
            plans.command(f"echo + >> {busy}; sleep 0.1"),
            plans.command("sleep 0.1"),
            plans.command(f"echo - >> {busy}"),
        )
        half = HOSTS // 2
        with second.frozen():
            ids = [
                Fleets(plans.client).start(plan=plan_id, servers=server_ids[:half], concurrency_limit=LIMIT)
            ]
            until(lambda: len(lines(busy)) >= LIMIT)
        with first.frozen():  # the other one takes the second fleet run, so that both have turns to pass on
            ids.append(fleets.start(plan=plan_id, servers=server_ids[half:], concurrency_limit=LIMIT))
            until(lambda: running_workers(database) == 2)
        for fleet_id in ids:
            ended = fleets.wait(fleet_id)
            assert ended["state"] == "done", fleets.progress(fleet_id)
    assert len(lines(busy)) == 2 * HOSTS
    assert LIMIT < most_at_once(busy) <= 2 * LIMIT
    workers = database.query("SELECT DISTINCT worker FROM cx_tower_command_log WHERE plan_log_id IS NOT NULL")
    assert len(workers) == 2, "both processes have to have won some"
    tools.check_consistent(database)


def test_a_killed_process_takes_no_turn_along(database, tmp_path, many_hosts, host_dir):
    """Those that ran are interrupted, the others follow after the restart, and the interrupted ones can be retried."""
    mark, gate = host_dir / "mark", host_dir / "gate"
    with tower.Instance(database, tmp_path) as running:
        plans = Plans(running.client())
        server_ids = register(plans.client, *many_hosts)[:12]
        command_id = plans.command(f"echo x >> {mark}; while [ ! -e {gate} ]; do sleep 0.05; done")
        fleet_id = Fleets(plans.client).start(command=command_id, servers=server_ids, concurrency_limit=4)
        until(lambda: len(lines(mark)) >= 4)
        running.kill()
    gate.touch()
    tools.expire_leases(database)
    with tower.Instance(database, tmp_path) as running:
        fleets = Fleets(running.client())
        tools.recover(fleets.client)
        ended = fleets.wait(fleet_id)
        counts = ended["counts"]
        assert ended["state"] == "failed" and not counts["active"]
        assert counts["failed"] == 4 and counts["done"] == 8, fleets.progress(fleet_id)
        again = fleets.client.call(MODEL, "retry_failed", [fleet_id])
        assert again["servers"] == 4
        assert fleets.wait(again["id"])["state"] == "done"


def test_stops_after_failures_and_on_request(database, tmp_path, many_hosts, host_dir):
    with tower.Instance(database, tmp_path) as running:
        plans = Plans(running.client())
        fleets = Fleets(plans.client)
        server_ids = register(plans.client, *many_hosts)[:20]
        closed = tower.free_port()
        plans.client.call("cx.tower.server", "write", server_ids[:1], {"ssh_port": closed})
        plan_id = plans.plan(plans.command("true"), plans.command("sleep 0.2"))
        fleet_id = fleets.start(plan=plan_id, servers=server_ids, concurrency_limit=3, stop_after_percent=5)
        ended = fleets.wait(fleet_id)
        assert ended["state"] == "failed", ended
        assert ended["counts"]["failed"] == 1 and ended["counts"]["stopped"] > 10, ended
        unreached = [row for row in fleets.progress(fleet_id)["rows"] if row["state"] == "failed"]
        assert {row["exit_code"] for row in unreached} == {tools.CONNECTION_ERROR}

        alive = host_dir / "alive"
        endless = plans.command(f"while :; do echo x >> {alive}; sleep 0.1; done")
        fleet_id = fleets.start(command=endless, servers=server_ids[3:], concurrency_limit=4)
        until(lambda: len(lines(alive)) > 20)
        fleets.client.call(MODEL, "stop", [fleet_id])
        ended = fleets.wait(fleet_id)
        assert (ended["state"], ended["counts"]["stopped"]) == ("stopped", 17), ended
        size = len(lines(alive))
        time.sleep(0.5)
        assert len(lines(alive)) == size, "something still runs on a host"
    tools.check_consistent(database)


def test_a_stop_while_quick_runs_follow_each_other(server, one_host):
    """Turns are passed on all the time; the stop is there at the first attempt, and nothing begins behind it."""
    client = server.client()
    plans, fleets = Plans(client), Fleets(client)
    servers = [one_host.register(client, f"Quick {number}", manager_ids=[]) for number in range(60)]
    plan_id = plans.plan(*[plans.python("pass")] * 20)
    fleet_id = fleets.start(plan=plan_id, servers=servers, concurrency_limit=3)
    until(lambda: fleets.progress(fleet_id)["counts"]["done"] >= 2)
    before = server.log().count("tries left")
    client.call(MODEL, "stop", [fleet_id])
    assert server.log().count("tries left") == before
    ended = fleets.wait(fleet_id)
    assert (ended["state"], ended["counts"]["failed"]) == ("stopped", 0)
    assert ended["counts"]["stopped"] > 40


#: A fleet run of which one member runs and ends while a person stops the others.
STOPPED_MEANWHILE = """
from odoo.addons.cetmix_tower_server.engine.run_end import RunEnd
type(env["cx.tower.run.backend"]._chosen())._dispatch = lambda self, runs: None  # nobody executes anything in here
servers = env["cx.tower.server"].create([
    {"name": f"Host {n}", "ip_v4_address": "192.0.2.1", "ssh_username": "tower", "ssh_password": "x"} for n in range(20)
])
command = env["cx.tower.command"].create({"name": "Step", "code": "true"})
Fleet, Stop, Log = env["cx.tower.fleet.run"], env["cx.tower.run.stop"], env["cx.tower.command.log"]
fleet = Fleet.browse(Fleet.start(command=command.id, servers=servers.ids, concurrency_limit=1)["id"])
log = Log.search([("fleet_run_id", "=", fleet.id), ("is_held", "=", False)])
log.sudo().write({"state": "running"})
env.cr.commit()
marked = Stop._apart(lambda stop: stop._mark(fleet.with_env(stop.env), env.user), read_committed=True)
with env.registry.cursor() as other:
    ends = log.with_env(env(cr=other)).sudo()
    ends._finish(RunEnd(0, ""))
    ends.env.flush_all()
    Stop._end_queued_apart(fleet, marked, env.user)
env.cr.rollback()
print("FACTS", fleet.state, sorted(Log.search([("fleet_run_id", "=", fleet.id)]).grouped("state")))
"""


def test_a_member_that_ends_while_the_held_ones_are_stopped(template, tmp_path):
    """Neither of the two transactions sees the end of the other's members, yet the fleet run ends."""
    database = template.copy(f"{template.name}_stopped")
    try:
        done = tower.odoo_shell(database, tmp_path, STOPPED_MEANWHILE, 120)
        facts = [line.partition("FACTS ")[2] for line in done.stdout.splitlines() if "FACTS" in line]
        assert facts == ["stopped ['done', 'stopped']"], done.stdout[-2000:] + done.stderr[-2000:]
    finally:
        database.drop()
