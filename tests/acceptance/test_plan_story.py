"""What a flight plan is trusted for: three hosts, everything a plan can do, Tower killed in the middle, nothing runs twice."""

import os

import instance as tower
import plans as tools
import pytest
from hosts import SshHost, UserFactory
from plans import Plans, lines, until

TOLERATED = [[0, 0, {"condition": "==", "value_char": "3", "action": "n"}]]
# What each host's file holds at the end: the lines in their order, each once. The third host is killed in "slow".
WHOLE = ["first", "python:ready", "inner:ready!", "sudo", "failed", "slow", "slow-end", "last:ready!"]


@pytest.fixture
def three_hosts(host_dir):
    """Three hosts; as root, their user may use sudo without a password."""
    with UserFactory("twst") as users:
        user = users.make(shell="/bin/sh", sudo="ALL=(ALL) NOPASSWD: ALL") if os.geteuid() == 0 else None
        hosts = [SshHost(user=user).start() for _number in range(3)]
        yield hosts
        for host in hosts:
            host.close()


def make_plan(plans: Plans) -> int:
    """A plan with conditions, post-run actions, sudo, a plan inside, Python with own values and a tolerated failure."""
    echo = "echo {} >> {{{{ mark }}}}"
    inner = plans.plan(
        plans.python("custom_values['_fact'] += '!'"),
        plans.command(echo.format("inner:{{ _fact }}")),
        name="Inner",
    )
    return plans.plan(
        plans.command(echo.format("first")),
        plans.python("custom_values['_fact'] = 'ready'"),
        {
            "command_id": plans.command(echo.format("python:{{ _fact }}")),
            "condition": "{{ _fact }} == 'ready'",
        },
        {"command_id": plans.command(echo.format("never")), "condition": "{{ _unset }}"},
        plans.inside(inner),
        {"command_id": plans.command(echo.format("sudo")), "use_sudo": True},
        {"command_id": plans.command("echo failed >> {{ mark }}; exit 3"), "action_ids": TOLERATED},
        plans.command("echo slow >> {{ mark }}; sleep {{ pause }}; echo slow-end >> {{ mark }}"),
        plans.command(echo.format("last:{{ _fact }}")),
        name="Story",
    )


def test_killed_in_the_middle_and_resumed(database, tmp_path, host_dir, three_hosts):
    marks = [host_dir / f"host{number}" for number in range(3)]
    with tower.Instance(database, tmp_path) as running:
        plans = Plans(running.client())
        sudo = {"use_sudo": "n"} if os.geteuid() == 0 else {}
        servers = [
            register(plans.client, host, f"Host {number}", **sudo) for number, host in enumerate(three_hosts)
        ]
        plan_id = make_plan(plans)
        runs = [
            plans.start(server_id, plan_id, mark=str(mark), pause=pause)
            for server_id, mark, pause in zip(servers, marks, ("0", "0", "3000"), strict=True)
        ]
        for run_id in runs[:2]:
            assert plans.wait(run_id)["state"] == "done"
        until(lambda: "slow" in lines(marks[2]))
        running.kill()
    three_hosts[2].kill_sessions()
    tools.shorten_lease(database)

    with tower.Instance(database, tmp_path) as running:
        plans = Plans(running.client())
        tools.recover(plans.client)
        ended = plans.wait(runs[2])
        assert (ended["state"], ended["exit_code"]) == ("interrupted", tools.INTERRUPTED)
        # the person sees exactly what happened
        progress = plans.progress(runs[2])
        assert [step["state"] for step in progress["steps"]] == [
            *("done", "done", "done", "skipped", "done", "done", "failed", "interrupted", ""),
        ]
        assert "look there" in progress["steps"][7]["message"] and progress["can_resume"]
        assert [step["state"] for step in progress["steps"][4]["steps"]] == ["done", "done"]
        # ... and goes on from there: with the same inputs, only the step that was interrupted is run again
        hurry(database, runs[2])
        resumed = plans.wait(plans.resume(runs[2]))
        assert resumed["state"] == "done" and resumed["variable_values"]["_fact"] == "ready!"

    assert [lines(mark) for mark in marks[:2]] == [WHOLE, WHOLE]
    before = WHOLE.index("slow")
    assert lines(marks[2]) == [*WHOLE[: before + 1], *WHOLE[before:]]
    tools.check_consistent(database)


def hurry(database, run_id: int) -> None:
    """Take the long pause out of the frozen code of the step that is run again; the test does not wait for it."""
    database.query(
        """UPDATE cx_tower_command_log
              SET run_input = jsonb_set(run_input, '{code}', to_jsonb(replace(run_input->>'code', '3000', '0')))
            WHERE plan_log_id = %s AND state = 'interrupted'""",
        (run_id,),
    )


def register(client, host, name: str, **values) -> int:
    key = client.create("cx.tower.key", name=name, key_type="k", secret_value=host.private_key)
    return client.create(
        "cx.tower.server",
        name=name,
        ip_v4_address=host.address,
        ssh_port=host.port,
        ssh_username=host.user,
        ssh_auth_mode="k",
        ssh_key_id=key,
        host_key=host.host_key,
        **values,
    )
