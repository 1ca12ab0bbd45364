"""What plans are made of, on a real host: many lines, plans inside plans, Python, conditions, post-run actions, sudo."""

import os

import plans as tools
import pytest
from hosts import UserFactory, find_program
from plans import EVERYTHING_STEPS, Plans, everything, everything_lines, lines


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


def test_500_lines(plans, server_id, host_dir):
    mark = host_dir / "500"
    count = plans.python("custom_values['number'] = custom_values.get('number', 0) + 1")
    echo = plans.command("echo {{ number }} >> {{ mark }}")
    run_id = plans.start(server_id, plans.plan(*[count, echo] * 250), mark=str(mark))
    ended = plans.wait(run_id, 180)
    assert (ended["state"], ended["exit_code"]) == ("done", 0)
    assert plans.steps(run_id) == [("done", 0)] * 500
    assert lines(mark) == [str(number) for number in range(1, 251)]


def test_values_flow_down_five_plans_and_back(plans, server_id, host_dir):
    """Each plan notes its depth on the way down and on the way back, in values and on the host."""
    mark = host_dir / "depth"
    plan_id = None
    for depth in (5, 4, 3, 2, 1):
        down = plans.python(f"custom_values['trace'] = custom_values.get('trace', '') + 'd{depth}'")
        back = plans.python(f"custom_values['trace'] += 'b{depth}'; custom_values['depth_{depth}'] = {depth}")
        echo = plans.command("echo {{ trace }} >> {{ mark }}")
        inside = [plans.inside(plan_id)] if plan_id else []
        plan_id = plans.plan(down, echo, *inside, back, echo, name=f"Depth {depth}")
    run_id = plans.start(server_id, plan_id, mark=str(mark))
    ended = plans.wait(run_id)
    assert ended["state"] == "done"
    words = ["d1", "d2", "d3", "d4", "d5", "b5", "b4", "b3", "b2", "b1"]
    assert ended["variable_values"] == {
        "mark": str(mark),
        "trace": "".join(words),
        **{f"depth_{depth}": depth for depth in range(1, 6)},
    }
    assert lines(mark) == ["".join(words[: count + 1]) for count in range(len(words))]
    steps, found = plans.progress(run_id)["steps"], 0
    while steps:
        found += 1
        steps = next((step["steps"] for step in steps if step["steps"]), [])
    assert found == 5


@pytest.fixture
def sudo_server_id(plans, make_host):
    """A server whose user may become root."""
    if os.geteuid() != 0 or not find_program("sudo"):
        pytest.skip("Making users with sudo rules needs root, and sudo")
    with UserFactory() as users:
        host = make_host(user=users.make(sudo="ALL=(ALL) NOPASSWD: ALL"))
        yield host.register(plans.client, "Sudo", use_sudo="n")
        host.host.stop()


def test_all_that_a_plan_can_do(plans, server_id, one_host, host_dir):
    mark = host_dir / "everything"
    run_id = plans.start(server_id, everything(plans, mark))
    ended = plans.wait(run_id)
    assert (ended["state"], ended["exit_code"]) == ("failed", 77)
    assert plans.steps(run_id) == EVERYTHING_STEPS
    assert lines(mark) == everything_lines(one_host.host.user)


def test_with_sudo(plans, sudo_server_id, host_dir):
    mark = host_dir / "sudo"
    plan_id = plans.plan(
        plans.command(f"id -un >> {mark}"),
        {"command_id": plans.command(f"id -un >> {mark}"), "use_sudo": True},
        {
            "command_id": plans.command("exit 3"),
            "use_sudo": True,
            "action_ids": [(0, 0, {"condition": "==", "value_char": "3", "action": "n"})],
        },
    )
    run_id = plans.start(sudo_server_id, plan_id)
    assert plans.wait(run_id)["state"] == "done"
    assert plans.steps(run_id) == [("done", 0), ("done", 0), ("failed", 3)]
    user, root = lines(mark)
    assert (user != "root", root) == (True, "root")
