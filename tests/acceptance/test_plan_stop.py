"""Stop and time limits of flight plans: nothing of them goes on, on hosts or in the database. And who may do it."""

import random
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import plans as tools
import pytest
from instance import RpcError
from plans import STEP_STOPPED, STOPPED, TIMED_OUT, Plans, lines, until


@pytest.fixture(scope="module")
def plans(server):
    return Plans(server.client())


@pytest.fixture(scope="module")
def server_id(plans, one_host):
    return one_host.register(plans.client)


@pytest.fixture(autouse=True)
def consistent(database):
    yield
    tools.check_consistent(database)


@pytest.fixture
def tree(plans, host_dir):
    """Make a command that prints for a minute, with children of its own; ``tree.left()`` tells what is left of it."""
    return PrintingTree(plans, host_dir / "session")


class PrintingTree:
    def __init__(self, plans, mark):
        self._mark = mark
        self.command_id = plans.command(
            f"echo $$ > {mark}; (sleep 100 & sleep 100 & wait) & for i in $(seq 600); do echo tick $i; sleep 0.1; done"
        )

    def wait_until_it_runs(self):
        until(lambda: lines(self._mark))

    def left(self) -> list[str]:
        (session,) = lines(self._mark)
        listing = subprocess.run(
            ["ps", "-o", "stat=,args=", "-s", session], capture_output=True, text=True
        ).stdout
        return [line for line in listing.splitlines() if not line.startswith("Z")]


def check_stopped(plans, run_id, steps):
    ended = plans.wait(run_id, 30)
    assert (ended["state"], ended["exit_code"]) == ("stopped", STOPPED)
    assert ended["stop_requested_by"]
    assert plans.steps(run_id) == steps


def test_while_it_connects(plans):
    """The host takes the connection and says nothing; the time limit for that is much longer than the stop takes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        facts = {"ssh_username": "nobody", "ssh_auth_mode": "p", "ssh_password": "x", "skip_host_key": True}
        silent = plans.client.create(
            "cx.tower.server",
            name="Silent",
            ip_v4_address="127.0.0.1",
            ssh_port=listener.getsockname()[1],
            connect_timeout_s=120,
            **facts,
        )
        run_id = plans.start(silent, plans.plan(plans.command("true"), plans.command("true")))
        connection, _address = listener.accept()
        with connection:
            plans.until(run_id, lambda seen: seen["steps"][0]["state"] == "running")
            plans.stop(run_id)
            check_stopped(plans, run_id, [("stopped", STEP_STOPPED), ("", 0)])


def test_while_it_prints(plans, server_id, tree, host_dir):
    last = host_dir / "last"
    run_id = plans.start(server_id, plans.plan(tree.command_id, plans.command(f"echo ran > {last}")))
    tree.wait_until_it_runs()
    plans.stop(run_id)
    check_stopped(plans, run_id, [("stopped", STEP_STOPPED), ("", 0)])
    (step,) = plans.progress(run_id)["steps"][:1]
    assert plans.client.log(step["log_id"], "stop_confirmed")["stop_confirmed"] == "yes"
    assert tree.left() == []
    assert not last.exists()


def test_stopping_a_step_stops_its_plan(plans, server_id, tree):
    run_id = plans.start(server_id, plans.plan(tree.command_id, plans.command("true"), on_error_action="n"))
    tree.wait_until_it_runs()
    plans.client.call("cx.tower.command.log", "stop", [plans.progress(run_id)["steps"][0]["log_id"]])
    check_stopped(plans, run_id, [("stopped", STEP_STOPPED), ("", 0)])
    assert tree.left() == []


def test_while_python_runs(plans, server_id, host_dir):
    """Whenever the request comes, also when it collides with the end of the step: its changes count whole or not at all."""
    key, last = "tower_test_stop_python", host_dir / "last"
    count = (
        "time.sleep(0.3)\n"
        f"env['ir.config_parameter'].sudo().set_param('{key}', custom_values['attempt'])\n"
        "custom_values['counted'] = True"
    )
    plan_id = plans.plan(plans.python(count), plans.command(f"echo ran > {last}; sleep 100"))
    for attempt in range(8):
        run_id = plans.start(server_id, plan_id, attempt=str(attempt))
        plans.until(run_id, lambda seen: seen["steps"][0]["state"] == "running")
        time.sleep(random.uniform(0.1, 0.3))
        plans.stop(run_id)
        ended = plans.wait(run_id, 30)
        assert (ended["state"], ended["exit_code"]) == ("stopped", STOPPED)
        step = plans.steps(run_id)[0]
        counted = plans.client.call("ir.config_parameter", "get_param", key) == str(attempt)
        assert step == (("done", 0) if counted else ("stopped", STEP_STOPPED)), plans.progress(run_id)
        assert ended["variable_values"].get("counted", False) == counted


def collisions(server) -> int:
    """Return how often a request was done again because another transaction was faster."""
    return server.log().count("tries left")


def test_while_quick_steps_follow_each_other(plans, server, server_id):
    """Their lane changes the run all the time; the stop is there at the first attempt, whole, and the next step is the last."""
    for lines_of in (
        lambda: [plans.python("pass")] * 1000,
        lambda: [plans.command("true")] * 1000,
        lambda: [plans.inside(plans.plan(*[plans.python("pass")] * 3))] * 300,
    ):
        plan_id = plans.plan(*lines_of())
        for _attempt in range(3):
            run_id = plans.start(server_id, plan_id)
            plans.until(run_id, lambda seen: seen["steps_done"] >= 5)
            before = collisions(server)
            plans.stop(run_id)
            reached = plans.progress(run_id)["steps_done"]
            assert collisions(server) == before
            ended = plans.wait(run_id, 30)
            assert (ended["state"], ended["exit_code"]) == ("stopped", STOPPED)
            assert ended["stop_requested_by"]
            assert plans.progress(run_id)["steps_done"] <= reached + 2


def test_many_start_the_same_command_at_once(plans, server, server_id):
    """Their numbers are counted by one row; nobody is made to start again because of it."""
    command_id = plans.python("pass")
    clients = [server.client() for _number in range(8)]
    before = collisions(server)

    def start(client):
        return [
            client.call("cx.tower.server", "run_command", [server_id], command_id)["id"]
            for _attempt in range(5)
        ]

    with ThreadPoolExecutor(len(clients)) as threads:
        log_ids = [log_id for started in threads.map(start, clients) for log_id in started]
    assert collisions(server) == before
    numbers = [plans.client.log(log_id, "number")["number"] for log_id in log_ids]
    assert sorted(numbers) == list(range(1, 41))
    for log_id in log_ids:
        plans.client.wait_for(log_id)


def test_a_python_command_stops_its_own_plan(plans, server_id):
    """In its own transaction: what it did counts."""
    stop = (
        "env['cx.tower.plan.log'].search([('state', '=', 'running')]).stop()\ncustom_values['asked'] = True"
    )
    run_id = plans.start(server_id, plans.plan(plans.python(stop), plans.python("pass")))
    ended = plans.wait(run_id, 30)
    assert (ended["state"], ended["exit_code"]) == ("stopped", STOPPED)
    assert plans.steps(run_id) == [("done", 0), ("", 0)]
    assert ended["variable_values"]["asked"] is True


def test_before_the_next_attempt(plans, server_id, host_dir):
    mark = host_dir / "attempts"
    failing = plans.command(
        f"echo tried >> {mark}; exit 3", idempotent=True, retry_attempts=5, retry_delay_s=300
    )
    plan_id = plans.plan(failing, plans.command(f"echo never >> {mark}"), on_error_action="n")
    for what in ("plan", "step"):
        run_id = plans.start(server_id, plan_id)
        waiting = plans.until(run_id, lambda seen: seen["steps"][0]["attempt"] == 2)["steps"][0]
        assert (waiting["state"], waiting["exit_code"]) == ("queued", 3)
        assert 200 < waiting["retry_in"] <= 300
        if what == "plan":
            plans.stop(run_id)
        else:
            plans.client.call("cx.tower.command.log", "stop", [waiting["log_id"]])
        check_stopped(plans, run_id, [("stopped", STEP_STOPPED), ("", 0)])
    assert lines(mark) == ["tried", "tried"]


def test_what_was_queued_never_begins(plans, one_host, tree, host_dir):
    narrow = one_host.register(plans.client, "Narrow", max_parallel_runs=1)
    first = plans.start(narrow, plans.plan(tree.command_id))
    second = plans.start(narrow, plans.plan(plans.command(f"echo ran > {host_dir}/second")))
    tree.wait_until_it_runs()
    assert plans.steps(second) == [("queued", 0)]
    plans.stop(second)
    check_stopped(plans, second, [("stopped", STEP_STOPPED)])
    plans.stop(first)
    check_stopped(plans, first, [("stopped", STEP_STOPPED)])
    assert not (host_dir / "second").exists()


@pytest.fixture
def nested(plans, server_id, tree, host_dir):
    """A running plan with a plan inside a plan; the outermost tolerates failures. Gives its log and the inner ones."""
    mark = host_dir / "nested"
    inner = plans.plan(tree.command_id, plans.command(f"echo inner >> {mark}"), name="Inner")
    middle = plans.plan(plans.inside(inner), plans.command(f"echo middle >> {mark}"), name="Middle")
    tolerated = [(0, 0, {"condition": "!=", "value_char": "0", "action": "n"})]
    top = plans.plan(
        {"command_id": plans.inside(middle), "action_ids": tolerated},
        plans.command(f"echo top >> {mark}"),
        name="Top",
    )
    run_id = plans.start(server_id, top)
    tree.wait_until_it_runs()
    middle_step = plans.progress(run_id)["steps"][0]
    return run_id, middle_step["plan_log_id"], middle_step["steps"][0]["plan_log_id"], mark


def test_the_outermost_of_nested_plans(plans, nested, tree):
    top, middle, inner, mark = nested
    plans.stop(top)
    check_stopped(plans, inner, [("stopped", STEP_STOPPED), ("", 0)])
    check_stopped(plans, middle, [("stopped", STOPPED), ("", 0)])
    check_stopped(plans, top, [("stopped", STOPPED), ("", 0)])
    assert tree.left() == []
    assert lines(mark) == []


def test_a_step_that_waits_for_a_plan_inside(plans, nested, tree):
    """Who stops a step stops its plan, also when the plan tolerates that the step fails."""
    top, middle, inner, mark = nested
    plans.client.call("cx.tower.command.log", "stop", [plans.progress(top)["steps"][0]["log_id"]])
    for run_id, step in ((inner, STEP_STOPPED), (middle, STOPPED), (top, STOPPED)):
        check_stopped(plans, run_id, [("stopped", step), ("", 0)])
    assert tree.left() == []
    assert lines(mark) == []


def test_a_command_that_runs_a_plan(plans, server_id, tree):
    command = plans.inside(plans.plan(tree.command_id, plans.command("true")))
    log_id = plans.client.call("cx.tower.server", "run_command", [server_id], command)["id"]
    tree.wait_until_it_runs()
    plans.client.call("cx.tower.command.log", "stop", [log_id])
    ended = plans.client.wait_for(log_id, 30)
    assert (ended["state"], ended["exit_code"]) == ("stopped", STOPPED)
    assert tree.left() == []


def test_the_innermost_of_nested_plans(plans, nested, tree):
    """The plans around it follow their own rules: the middle one ends with its code, the outermost goes on."""
    top, middle, inner, mark = nested
    plans.stop(inner)
    check_stopped(plans, inner, [("stopped", STEP_STOPPED), ("", 0)])
    assert plans.wait(top)["state"] == "done"
    assert plans.steps(middle) == [("stopped", STOPPED), ("", 0)]
    assert plans.wait(middle)["exit_code"] == STOPPED
    assert plans.steps(top) == [("stopped", STOPPED), ("done", 0)]
    assert tree.left() == []
    assert lines(mark) == ["top"]


def test_the_time_limit_of_a_plan(plans, server_id, tree, host_dir):
    last = host_dir / "last"
    run_id = plans.start(
        server_id,
        plans.plan(plans.command("true"), tree.command_id, plans.command(f"echo ran > {last}"), timeout_s=3),
    )
    ended = plans.wait(run_id, 30)
    assert (ended["state"], ended["exit_code"]) == ("failed", TIMED_OUT)
    assert plans.steps(run_id) == [("done", 0), ("failed", TIMED_OUT), ("", 0)]
    assert ended["duration"] >= 3
    assert tree.left() == []
    assert not last.exists()


def test_the_time_limit_counts_in_the_plans_inside(plans, server_id, tree):
    inner = plans.plan(tree.command_id, timeout_s=100)
    run_id = plans.start(server_id, plans.plan(plans.inside(inner), plans.command("true"), timeout_s=3))
    assert plans.wait(run_id, 30)["exit_code"] == TIMED_OUT
    assert plans.steps(run_id) == [("failed", TIMED_OUT), ("", 0)]
    assert tree.left() == []


def test_no_attempt_begins_behind_the_time_limit(plans, server_id, host_dir):
    """Where the next attempt would be too late, the step keeps its own exit code; one that is due at the limit may not begin."""
    mark = host_dir / "attempts"
    late, soon = (
        plans.command(
            f"echo tried >> {mark}-{delay}; exit 3", idempotent=True, retry_attempts=500, retry_delay_s=delay
        )
        for delay in (300, 1)
    )
    run_id = plans.start(server_id, plans.plan(late, plans.command("true"), timeout_s=100))
    assert plans.wait(run_id, 30)["exit_code"] == 3
    assert plans.steps(run_id) == [("failed", 3), ("", 0)]
    assert lines(host_dir / "attempts-300") == ["tried"]

    run_id = plans.start(server_id, plans.plan(soon, plans.command("true"), timeout_s=6))
    began = time.monotonic()
    while not plans.progress(run_id)["finished"]:
        assert time.monotonic() - began < 60
        tools.recover(plans.client)  # it ends what waits for its turn when the limit is reached
    assert plans.wait(run_id)["exit_code"] in (3, TIMED_OUT)
    tried, attempt = len(lines(host_dir / "attempts-1")), plans.progress(run_id)["steps"][0]["attempt"]
    assert tried > 1 and attempt - tried in (0, 1)  # the last one may have waited when the time was over


# ----------------------------------------------------------------------
# Who may
# ----------------------------------------------------------------------


def make_user(client, login: str, group: str) -> int:
    groups = [
        client.call("ir.model.data", "check_object_reference", *name.split("."))[1]
        for name in ("base.group_user", f"cetmix_tower_server.{group}")
    ]
    return client.create("res.users", name=login, login=login, password=login, group_ids=[(6, 0, groups)])


def test_who_may_stop_and_resume(plans, server, one_host, host_dir):
    """A Manager of the server may; a User may where he started the run himself; another Manager sees nothing of it."""
    people = {
        login: make_user(plans.client, login, group)
        for login, group in (
            ("plan_user", "group_user"),
            ("plan_manager", "group_manager"),
            ("plan_stranger", "group_manager"),
        )
    }
    server_id = one_host.register(
        plans.client,
        "Shared",
        user_ids=[(4, people["plan_user"])],
        manager_ids=[(4, people["plan_manager"])],
    )
    gate = host_dir / "gate"
    open_to_all = {"access_level": "1", "user_ids": [(6, 0, list(people.values()))]}
    waiting = plans.command(f"while [ ! -e {gate} ]; do sleep 0.1; done", **open_to_all)
    plan_id = plans.plan(waiting, **open_to_all)
    user, manager, stranger = (Plans(server.client(login)) for login in people)

    def refused(action):
        with pytest.raises(RpcError) as error:
            action()
        assert error.value.name == "odoo.exceptions.AccessError", error.value

    foreign, own = plans.start(server_id, plan_id), user.start(server_id, plan_id)
    for run_id in (foreign, own):
        plans.until(run_id, lambda seen: seen["steps"][0]["state"] == "running")
    for run_id in (foreign, own):
        refused(lambda run_id=run_id: stranger.stop(run_id))
        refused(lambda run_id=run_id: stranger.resume(run_id))
        refused(lambda run_id=run_id: stranger.progress(run_id))
    refused(lambda: user.stop(foreign))
    user.stop(own)
    manager.stop(foreign)
    for run_id in (foreign, own):
        check_stopped(plans, run_id, [("stopped", STEP_STOPPED)])
    gate.touch()
    refused(lambda: user.resume(foreign))
    resumed = [user.resume(own), manager.resume(foreign)]
    assert [plans.wait(run_id)["state"] for run_id in resumed] == ["done", "done"]
    assert user.wait(resumed[0])["state"] == "done"
