"""kill -9 of Tower while flight plans run: what was interrupted is found, resumed where it was, and nothing else repeats."""

import getpass
import os
import random
import signal
import time
from collections import Counter

import instance as tower
import plans as tools
import pytest
from dying import CrashPoint, answer_may_be_lost
from hosts import UserFactory, find_program
from plans import INTERRUPTED, Plans, lines, until

LINES = 10

# (crash point, lines that ran on the host before the kill, line at which the run is interrupted or None)
CRASHES = [
    ("before_claim", 0, None),  # nobody has it: it just begins after the restart
    ("taken", 0, 1),
    ("claimed:5", 4, 5),
    ("performed:5", 5, 5),
    ("before_record_commit:5", 5, 5),
    ("taken_over:5", 5, 5),  # the next step exists in the transaction only
    ("recorded:5", 5, 6),  # the next step is committed and has not begun on the host
    ("performed:10", 10, 10),
    ("before_record_commit:10", 10, 10),
    ("recorded:10", 10, None),  # the plan had ended
]


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


def test_killed_at_every_point(database, tmp_path, host_dir, one_host):
    """Each restart recovers from the crash before and arms the next one."""
    crash_point = CrashPoint(tmp_path)
    server_id = plan_id = run_id = crash = None
    for following in [*CRASHES, None]:
        with tower.Instance(database, tmp_path, environment=crash_point.environment) as running:
            plans = Plans(running.client())
            if crash:
                check_aftermath(database, plans, crash, run_id, host_dir / crash[0])
            server_id = server_id or one_host.register(plans.client)
            plan_id = plan_id or plans.numbered(LINES)
            if following:
                crash_point.arm(following[0])
                with answer_may_be_lost():
                    plans.start(server_id, plan_id, mark=str(host_dir / following[0]))
                crash_point.wait_for_victim(running)
                run_id = last_run(database)
        crash = following
        tools.expire_leases(database)


def test_killed_at_every_point_in_prefork_mode(template, tmp_path, host_dir, one_host):
    """Here only the process that holds the run dies, and the server starts another."""
    crash_point = CrashPoint(tmp_path)
    database = template.copy(f"{template.name}_points_prefork")
    try:
        with tower.Instance(database, tmp_path, workers=2, environment=crash_point.environment) as running:
            plans = Plans(running.client())
            server_id, plan_id = one_host.register(plans.client), plans.numbered(LINES)
            for crash in CRASHES:
                mark = host_dir / crash[0]
                crash_point.arm(crash[0])
                with answer_may_be_lost():
                    plans.start(server_id, plan_id, mark=str(mark))
                tools.expire_leases(database, [crash_point.wait_for_victim(running)])
                check_aftermath(database, plans, crash, last_run(database), mark)
    finally:
        database.drop()


def last_run(database) -> int:
    ((run_id,),) = database.query("SELECT max(id) FROM cx_tower_plan_log")
    return run_id


def test_killed_before_a_stop_and_before_a_next_attempt(template, tmp_path, host_dir, one_host):
    """What was asked for before the kill is done after it: a plan that was to stop ends, one that was to try again does."""
    stopped_mark, retried_mark = host_dir / "stopped", host_dir / "retried"
    database = template.copy(f"{template.name}_asked")
    try:
        with tower.Instance(database, tmp_path) as running:
            plans = Plans(running.client())
            server_id = one_host.register(plans.client)
            flaky = f"echo tried >> {retried_mark}; test $(wc -l < {retried_mark}) -ge 2"
            retried = plans.start(
                server_id,
                plans.plan(
                    plans.command(flaky, idempotent=True, retry_attempts=1, retry_delay_s=4),
                    plans.command(f"echo after >> {retried_mark}"),
                ),
            )
            plans.until(retried, lambda seen: seen["steps"][0]["attempt"] == 2)
            stopped = plans.start(
                server_id,
                plans.plan(
                    plans.command(f"echo begun >> {stopped_mark}; sleep 100"),
                    plans.command(f"echo never >> {stopped_mark}"),
                    on_error_action="n",
                ),
            )
            until(lambda: lines(stopped_mark))
            plans.stop(stopped)
            running.kill()
        tools.expire_leases(database)
        with tower.Instance(database, tmp_path) as running:
            plans = Plans(running.client())
            tools.recover(plans.client)
            assert plans.wait(stopped)["state"] == "stopped"
            assert plans.wait(retried)["state"] == "done"
            assert plans.progress(retried)["steps"][0]["attempt"] == 2
        assert lines(stopped_mark) == ["begun"]
        assert lines(retried_mark) == ["tried", "tried", "after"]
        tools.check_consistent(database)
    finally:
        database.drop()


def check_aftermath(database, plans, crash, run_id, mark):
    """Recover from one crash; the host's file shows exactly what was said of the point."""
    point, ran, interrupted_at = crash
    if point != "before_claim":  # there, the restarted Tower may have gone on by now
        assert lines(mark) == numbers(1, ran), point
    tools.recover(plans.client)
    ended = plans.wait(run_id)
    expected = ("interrupted", INTERRUPTED) if interrupted_at else ("done", 0)
    assert (ended["state"], ended["exit_code"]) == expected, (point, ended)
    steps = plans.steps(run_id)
    if not interrupted_at:
        assert steps == [("done", 0)] * LINES, point
        assert lines(mark) == numbers(1, LINES), point
    else:
        assert steps == (
            [("done", 0)] * (interrupted_at - 1)
            + [("interrupted", INTERRUPTED)]
            + [("", 0)] * (LINES - interrupted_at)
        ), point
        resumed = plans.progress(plans.resume(run_id))
        assert [step["earlier_run"] for step in resumed["steps"]] == [
            number < interrupted_at for number in range(1, LINES + 1)
        ], point
        assert plans.wait(resumed["id"])["state"] == "done", point
        assert plans.steps(resumed["id"]) == [("done", 0)] * LINES, point
        assert lines(mark) == numbers(1, ran) + numbers(interrupted_at, LINES), point
    tools.check_consistent(database)


def test_killed_while_python_is_recorded(database, tmp_path, host_dir, one_host):
    """A Python step's changes and its end are one transaction: it leaves nothing behind, or all of it."""
    crash_point = CrashPoint(tmp_path)
    key = "tower_test_python"
    with tower.Instance(database, tmp_path, environment=crash_point.environment) as running:
        plans = Plans(running.client())
        count = (
            "parameters = env['ir.config_parameter'].sudo()\n"
            f"parameters.set_param('{key}', parameters.get_param('{key}', '') + 'x')\n"
            "custom_values['trace'] = custom_values.get('trace', '') + 'x'"
        )
        mark = host_dir / "python"
        plan_id = plans.plan(
            plans.command(f"echo 1 >> {mark}"),
            plans.python(count),
            plans.command(f"echo {{{{ trace }}}} >> {mark}"),
        )
        server_id = one_host.register(plans.client)
        crash_point.arm("before_record_commit:2")
        with answer_may_be_lost():
            plans.start(server_id, plan_id)
        crash_point.wait_for_victim(running)
        run_id = last_run(database)
    tools.expire_leases(database)
    assert not database.query("SELECT value FROM ir_config_parameter WHERE key = %s", (key,))
    with tower.Instance(database, tmp_path) as running:
        plans = Plans(running.client())
        tools.recover(plans.client)
        assert plans.wait(run_id)["state"] == "interrupted"
        assert plans.steps(run_id) == [("done", 0), ("interrupted", INTERRUPTED), ("", 0)]
        ended = plans.wait(plans.resume(run_id))
        assert (ended["state"], ended["variable_values"]) == ("done", {"trace": "x"})
    assert lines(mark) == ["1", "x"]
    assert database.query("SELECT value FROM ir_config_parameter WHERE key = %s", (key,)) == [("x",)]
    tools.check_consistent(database)


def test_a_plan_of_everything_on_three_hosts(template, tmp_path, host_dir, make_host, sudo_user):
    """Killed in the middle of the plan inside; after the restart each host's run goes on with that very step."""
    user, use_sudo = sudo_user
    gate = host_dir / "gate"
    database = template.copy(f"{template.name}_everything")
    try:
        with tower.Instance(database, tmp_path) as running:
            plans = Plans(running.client())
            facts = {"use_sudo": "n"} if use_sudo else {}
            servers = [
                make_host(user=user).register(plans.client, f"Three {number}", **facts) for number in range(3)
            ]
            mark = f"{host_dir}/everything-{{{{ tower.server.reference }}}}"
            run_ids = plans.start(servers, tools.everything(plans, mark, gate, use_sudo=use_sudo))
            rows = plans.client.call("cx.tower.server", "read", servers, ["reference"])
            marks = [host_dir / f"everything-{row['reference']}" for row in rows]
            before = ["first", "coloured", "inner-42-red"]
            until(lambda: all(lines(mark) == before for mark in marks))
            running.kill()
        tools.expire_leases(database)
        gate.touch()
        with tower.Instance(database, tmp_path) as running:
            plans = Plans(running.client())
            tools.recover(plans.client)
            for run_id, mark in zip(run_ids, marks, strict=True):
                assert plans.wait(run_id)["state"] == "interrupted"
                inside = plans.progress(run_id)["steps"][4]
                assert (inside["state"], inside["exit_code"]) == ("interrupted", INTERRUPTED)
                assert [step["state"] for step in inside["steps"]] == ["done", "interrupted", "", ""]
                assert lines(mark) == before
                resumed_id = plans.resume(run_id)
                assert plans.wait(resumed_id)["exit_code"] == 77
                assert plans.steps(resumed_id) == tools.EVERYTHING_STEPS
                assert lines(mark) == tools.everything_lines("root" if use_sudo else user, inner=2)
        tools.check_consistent(database)
    finally:
        database.drop()


@pytest.fixture
def sudo_user():
    """(a user, whether it may become root); without root's rights, or sudo, on this machine it may not."""
    if os.geteuid() != 0:
        yield getpass.getuser(), False
        return
    may = find_program("sudo") is not None
    with UserFactory() as users:
        yield users.make(shell="/bin/sh", sudo="ALL=(ALL) NOPASSWD: ALL" if may else None), may


def test_a_process_that_wakes_up_late_changes_nothing(database, tmp_path, host_dir, one_host):
    """SIGSTOP in the middle of a step; meanwhile another process finds the run lost and resumes it."""
    mark, gate = host_dir / "late", host_dir / "gate"
    with tower.Instance(database, tmp_path) as late:
        plans = Plans(late.client())
        plan_id = plans.plan(
            plans.command(f"echo 1 >> {mark}"),
            plans.command(f"echo 2 >> {mark}; while [ ! -e {gate} ]; do sleep 0.1; done"),
            plans.command(f"echo 3 >> {mark}"),
        )
        run_id = plans.start(one_host.register(plans.client), plan_id)
        until(lambda: lines(mark) == ["1", "2"])
        with tower.Instance(database, tmp_path) as other:
            with late.frozen() as pids:
                tools.expire_leases(database, pids)
                plans = Plans(other.client())
                tools.recover(plans.client)
                assert plans.wait(run_id)["state"] == "interrupted"
                gate.touch()
                resumed_id = plans.resume(run_id)
                assert plans.wait(resumed_id)["state"] == "done"
                before = snapshot(database)
            until(lambda: "its result is discarded" in late.log())
            tools.check_consistent(database)
            assert snapshot(database) == before
            assert lines(mark) == ["1", "2", "2", "3"]


def snapshot(database):
    return [
        database.query(f"SELECT * FROM {table} ORDER BY id")
        for table in ("cx_tower_plan_log", "cx_tower_command_log")
    ]


def test_the_database_restarts_under_a_running_plan(database, tmp_path, host_dir, one_host):
    """For five seconds, connections are cut all the time, and for two of them nobody can connect."""
    mark = host_dir / "restarts"
    with tower.Instance(database, tmp_path) as running:
        plans = Plans(running.client())
        plan_id = plans.numbered(20, "echo {number} >> {{{{ mark }}}}; sleep 0.2")
        run_id = plans.start(one_host.register(plans.client), plan_id, mark=str(mark))
        until(lambda: lines(mark))
        began = time.monotonic()
        while (passed := time.monotonic() - began) < 5:
            tower._maintain(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS {not 1 < passed < 3}')
            tower._maintain(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user",
                (database.name,),
            )
            time.sleep(random.uniform(0.01, 0.2))
        plans = Plans(running.client())
        ended = plans.wait(run_id)
        assert (ended["state"], ended["exit_code"]) == ("done", 0), plans.progress(run_id)
        assert plans.steps(run_id) == [("done", 0)] * 20
    assert lines(mark) == numbers(1, 20)
    tools.check_consistent(database)


# ----------------------------------------------------------------------
# At random moments
# ----------------------------------------------------------------------

HOSTS = 3
SERVERS_PER_HOST = 3
# What each step prints, in order; 2 and 3 are in a plan inside, 5 is Python.
STEPS = ["1", "2", "3", "4", "6"]


class Chain:
    """A plan run and the runs that resumed it, with the file in which its commands leave their numbers."""

    def __init__(self, run_id, mark):
        self.run_ids = [run_id]
        self.mark = mark
        self.ended = False


class Traffic:
    """Flight plans that are always under way, on several hosts; what is interrupted is resumed."""

    def __init__(self, plans, hosts, folder):
        self.plans = plans
        self.folder = folder
        self.chains: list[Chain] = []
        self.server_ids = [
            host.register(plans.client, f"Host {number}.{copy}")
            for number, host in enumerate(hosts)
            for copy in range(SERVERS_PER_HOST)
        ]
        mark = "{{ mark }}-{{ tower.server.reference }}"
        echo = [plans.command(f"echo {number} >> {mark}; sleep 0.0{number}") for number in range(7)]
        repeatable = plans.command(
            f"echo 4 >> {mark}", idempotent=True, retry_attempts=1, retry_delay_s=0, name="Repeatable"
        )
        trace = plans.python("custom_values['trace'] = custom_values.get('trace', '') + '5'")
        inner = plans.plan(echo[2], trace, echo[3], name="Inner")
        self.plan_id = plans.plan(echo[1], plans.inside(inner), repeatable, trace, echo[6], name="Outer")
        references = plans.client.call("cx.tower.server", "read", self.server_ids, ["reference"])
        self.references = {row["id"]: row["reference"] for row in references}

    def top_up(self):
        """Have a plan under way on each server."""
        if sum(not chain.ended for chain in self.chains) >= len(self.server_ids):
            return
        name = f"{self.folder}/chain-{len(self.chains)}"
        run_ids = self.plans.start(self.server_ids, self.plan_id, mark=name)
        for server_id, run_id in zip(self.server_ids, run_ids, strict=True):
            self.chains.append(Chain(run_id, self.folder / f"{name}-{self.references[server_id]}"))

    def look_after(self, database):
        """Find lost runs and resume them."""
        tools.recover(self.plans.client)
        open_chains = [chain for chain in self.chains if not chain.ended]
        rows = database.query(
            "SELECT id, state, plan_status FROM cx_tower_plan_log WHERE id = ANY(%s)",
            ([chain.run_ids[-1] for chain in open_chains],),
        )
        states = {run_id: (state, status) for run_id, state, status in rows}
        for chain in open_chains:
            state, status = states[chain.run_ids[-1]]
            # A connection that breaks in the middle leaves a step as unclear as the death of its process does.
            if state == "interrupted" or status == tools.CONNECTION_ERROR:
                chain.run_ids.append(self.plans.resume(chain.run_ids[-1]))
            elif state not in tools.ACTIVE:
                assert state == "done", self.plans.progress(chain.run_ids[-1])
                chain.ended = True

    def finish(self, database):
        """Let all end without further kills."""
        give_up = time.monotonic() + 90
        while not all(chain.ended for chain in self.chains):
            assert time.monotonic() < give_up
            self.look_after(database)
            time.sleep(0.2)

    def check(self, database):
        """What ran, ran once, except the steps at which a run was interrupted; these ran at most once more for each time."""
        tools.check_consistent(database)
        rows = database.query(
            """SELECT plan_log.top_plan_log_id, trim(substr(log.code, 6, 1)), log.state, log.attempt
                 FROM cx_tower_command_log log JOIN cx_tower_plan_log plan_log ON plan_log.id = log.plan_log_id
                WHERE log.command_action = 'ssh_command'"""
        )
        done, unclear = Counter(), Counter()
        for top_id, number, state, attempt in rows:
            done[top_id, number] += state == "done"
            unclear[top_id, number] += attempt - (state == "done")
        values = dict(database.query("SELECT id, variable_values ->> 'trace' FROM cx_tower_plan_log"))
        for chain in self.chains:
            told = f"{chain.run_ids}: {lines(chain.mark)}"
            found = Counter(lines(chain.mark))
            assert list(dict.fromkeys(lines(chain.mark))) == STEPS, told
            for number in STEPS:
                sure = sum(done[run_id, number] for run_id in chain.run_ids)
                perhaps = sum(unclear[run_id, number] for run_id in chain.run_ids)
                assert sure == 1, told
                assert 1 <= found[number] <= 1 + perhaps, told
            assert values[chain.run_ids[-1]] == "55", told
        return sum(len(chain.run_ids) - 1 for chain in self.chains)


def kills(share: float, fewest: int) -> int:
    """Return how many kills a test does: a share of ``TOWER_KILLS`` (200 in all for a release), or the fewest."""
    return max(fewest, int(share * int(os.environ.get("TOWER_KILLS", "0"))))


def test_killed_at_random_moments_threaded(template, tmp_path, host_dir, make_host):
    """6 kills of the whole server (100 of ``TOWER_KILLS=200``), each in the middle of nine plans on three hosts."""
    database = template.copy(f"{template.name}_plans_threaded")
    traffic, wanted = None, kills(0.5, 6)
    try:
        hosts = [make_host() for _ in range(HOSTS)]
        for number in range(wanted + 1):
            with tower.Instance(database, tmp_path) as running:
                plans = Plans(running.client())
                traffic = traffic or Traffic(plans, hosts, host_dir)
                traffic.plans = plans
                traffic.look_after(database)
                if number == wanted:
                    traffic.finish(database)
                    break
                traffic.top_up()
                time.sleep(random.uniform(0, 1))
                running.kill()
            tools.expire_leases(database)
            tools.check_agreement(database)
        interruptions = traffic.check(database)
        print(f"{wanted} kills, {len(traffic.chains)} plans, {interruptions} resumed")
        assert interruptions
    finally:
        database.drop()


def test_killed_at_random_moments_prefork(template, tmp_path, host_dir, make_host):
    """30 kills of processes that hold runs (100 of ``TOWER_KILLS=200``); the server starts another each time."""
    database = template.copy(f"{template.name}_plans_prefork")
    wanted = kills(0.5, 30)
    killed = 0
    try:
        hosts = [make_host() for _ in range(HOSTS)]
        with tower.Instance(database, tmp_path, workers=2) as running:
            plans = Plans(running.client())
            traffic = Traffic(plans, hosts, host_dir)
            while killed < wanted:
                traffic.look_after(database)
                traffic.top_up()
                time.sleep(random.uniform(0, 0.5))
                holders = {row[0] for row in database.query(HOLDERS)} & set(running.pids())
                for pid in holders:
                    os.kill(pid, signal.SIGKILL)
                killed += len(holders)
                until(lambda gone=holders: not gone & set(running.pids()))
                tools.expire_leases(database, holders)
                tools.check_agreement(database)
            traffic.finish(database)
            interruptions = traffic.check(database)
            print(f"{killed} kills, {len(traffic.chains)} plans, {interruptions} resumed")
            assert interruptions
    finally:
        database.drop()


HOLDERS = """
SELECT DISTINCT worker.process FROM cx_tower_worker worker JOIN cx_tower_command_log log ON log.worker = worker.code
 WHERE log.state = 'running'
"""
