"""Hosts that vanish under flight plans: the plan's rules and the commands' retry rules decide, other plans go on."""

import plans as tools
import pytest
from plans import CONNECTION_ERROR, Plans, lines, until


@pytest.fixture(scope="module")
def plans(server):
    return Plans(server.client())


@pytest.fixture(autouse=True)
def consistent(database):
    yield
    tools.check_consistent(database)


def test_a_host_that_vanishes(plans, make_host, one_host, host_dir):
    """A plan ends with 503 by its rule, another one tolerates it, a third on another host takes no notice."""
    host, mark, gate = make_host(), host_dir / "vanished", host_dir / "gate"
    server_id = host.register(plans.client, "Vanishing")
    held = f"while [ ! -e {gate} ]; do sleep 0.05; done"
    begin = plans.command("echo begun-{{ name }} >> {{ mark }}; sleep 100")
    strict = plans.plan(begin, plans.command(f"echo never >> {mark}"))
    tolerant = plans.plan(
        {
            "command_id": begin,
            "action_ids": [(0, 0, {"condition": "==", "value_char": "503", "action": "n"})],
        },
        plans.python("custom_values['after'] = 'the host was lost'"),
    )
    other_id = plans.plan(plans.command(held), plans.command(f"echo other >> {mark}.other"))
    run_ids = [
        plans.start(server_id, strict, name="strict", mark=f"{mark}.strict"),
        plans.start(server_id, tolerant, name="tolerant", mark=f"{mark}.tolerant"),
    ]
    other = plans.start(one_host.register(plans.client, "Other"), other_id)
    until(lambda: all(lines(host_dir / f"vanished.{name}") for name in ("strict", "tolerant")))
    host.host.stop()
    ended = [plans.wait(run_id, 90) for run_id in run_ids]
    assert [(run["state"], run["exit_code"]) for run in ended] == [("failed", CONNECTION_ERROR), ("done", 0)]
    assert plans.steps(run_ids[0]) == [("failed", CONNECTION_ERROR), ("", 0)]
    assert plans.steps(run_ids[1]) == [("failed", CONNECTION_ERROR), ("done", 0)]
    assert ended[1]["variable_values"]["after"] == "the host was lost"
    assert not plans.progress(other)["finished"]
    gate.touch()
    assert plans.wait(other)["state"] == "done"
    assert lines(host_dir / "vanished.other") == ["other"]
    assert not mark.exists()


def test_a_host_that_comes_back_in_time(plans, make_host, host_dir):
    """The second step finds no host and is tried again, on its own, until there is one; the first is not repeated."""
    host, mark, gate = make_host(), host_dir / "back", host_dir / "gate"
    server_id = host.register(plans.client, "Coming back")
    plan_id = plans.plan(
        plans.command(f"echo 1 >> {mark}"),
        plans.python(f"time.sleep(0) or custom_values.update(gate='{gate}')"),
        plans.command(
            f"echo 2 >> {mark}; while [ ! -e {gate} ]; do sleep 0.05; done",
            idempotent=True,
            retry_attempts=200,
            retry_delay_s=1,
        ),
        plans.command(f"echo 3 >> {mark}"),
    )
    run_id = plans.start(server_id, plan_id)
    until(lambda: lines(mark) == ["1", "2"])
    host.host.stop()
    gate.touch()
    seen = plans.until(run_id, lambda seen: seen["steps"][2]["attempt"] >= 3, 90)
    assert seen["state"] == "running"
    assert not seen["steps"][3]["state"]
    host.host.start()
    assert plans.wait(run_id, 60)["state"] == "done"
    assert plans.steps(run_id) == [("done", 0)] * 4
    assert lines(mark) == ["1", "2", "2", "3"]


def test_a_host_that_does_not_come_back(plans, make_host):
    host = make_host()
    server_id = host.register(plans.client, "Gone")
    host.host.stop()
    again = plans.command("true", idempotent=True, retry_attempts=2, retry_delay_s=0)
    run_id = plans.start(server_id, plans.plan(again, plans.command("true")))
    ended = plans.wait(run_id, 60)
    assert (ended["state"], ended["exit_code"]) == ("failed", CONNECTION_ERROR)
    (step, _never) = plans.progress(run_id)["steps"]
    assert (step["attempt"], step["attempts_total"]) == (3, 3)


def test_a_step_that_fails_twice_and_then_works(plans, one_host, host_dir):
    mark = host_dir / "attempts"
    flaky = plans.command(
        f"echo tried >> {mark}; test $(wc -l < {mark}) -ge 3",
        idempotent=True,
        retry_attempts=5,
        retry_delay_s=1,
    )
    run_id = plans.start(
        one_host.register(plans.client, "Flaky"), plans.plan(flaky, plans.command(f"echo after >> {mark}"))
    )
    assert plans.wait(run_id)["state"] == "done"
    assert lines(mark) == ["tried"] * 3 + ["after"]
    assert plans.progress(run_id)["steps"][0]["attempt"] == 3
