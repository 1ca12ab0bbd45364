"""A dry run against the run itself, on a real host: they agree, and the dry run did not go near the host."""

import plans as tools
import pytest
from plans import Plans, lines

LOGS = ("cx_tower_plan_log", "cx_tower_command_log")


@pytest.fixture(scope="module")
def plans(server):
    return Plans(server.client())


def outcomes(report_lines) -> list[tuple[str, str]]:
    """Return (number, outcome) of all lines, those of plans inside after the line that runs them."""
    found = []
    for line in report_lines:
        found += [(line["number"], line["outcome"]), *outcomes(line["lines"])]
    return found


def steps(progress, prefix="") -> list[tuple[str, str]]:
    """Return the same of a run's progress: what ran, and what was skipped."""
    found = []
    for number, step in enumerate(progress, 1):
        if step["state"]:
            name = f"{prefix}{number}"
            found.append((name, {"done": "run", "skipped": "skip"}[step["state"]]))
            found += steps(step["steps"], f"{name}.")
    return found


def connections(host) -> int:
    """Return how often somebody came to the host's sshd, or ran something over a connection that was there."""
    return host.host.log.count("Connection from ") + host.host.log.count("Starting session")


@pytest.fixture
def host(make_host):
    return make_host(options={"LogLevel": "VERBOSE"})


def conditional_plan(plans, mark, then=()):
    """Make a plan whose conditions can all be decided before it runs."""
    echo = {name: plans.command(f"echo {name}-{{{{ dry_colour }}}} >> {mark}", name=name) for name in "abcde"}
    inner = plans.plan(
        {"command_id": echo["c"], "condition": "{{ dry_colour }} == 'red'"},
        {"command_id": echo["d"], "condition": "{{ dry_colour }} == 'blue'"},
    )
    nothing = plans.plan({"command_id": echo["d"], "condition": "{{ dry_unset }}"})
    return plans.plan(
        echo["a"],
        {"command_id": echo["b"], "condition": "{{ tower.server.name }} == 'Nobody'"},
        plans.inside(inner),
        plans.inside(nothing),
        {"command_id": echo["e"], "condition": "{{ own }} > 3", "action_ids": list(then)},
        echo["a"],
    )


@pytest.fixture(scope="module")
def colour(plans):
    variable_id = plans.client.create("cx.tower.variable", name="Dry colour", reference="dry_colour")
    return plans.client.create("cx.tower.variable.value", variable_id=variable_id, value_char="red")


def test_a_dry_run_and_the_run_agree(plans, server, database, host, host_dir, colour):
    exits = [(0, 0, {"condition": "==", "value_char": "0", "action": "e"})]
    for number, (then, own) in enumerate([((), 4), ((), 2), (exits, 4), (exits, 2)]):
        mark = host_dir / f"agree-{number}"
        server_id = host.register(plans.client, f"Dry {number}")
        plan_id = conditional_plan(plans, mark, then)
        before = [database.query(f"SELECT count(*) FROM {table}") for table in LOGS]
        seen = connections(host)
        report = plans.client.call(
            "cx.tower.plan", "dry_run", [plan_id], servers=[server_id], variable_values={"own": own}
        )
        text = plans.client.call(
            "cx.tower.plan", "dry_run_text", [plan_id], servers=[server_id], variable_values={"own": own}
        )
        assert connections(host) == seen, "the dry run went to the host"
        assert [database.query(f"SELECT count(*) FROM {table}") for table in LOGS] == before
        assert not mark.exists()
        (row,) = report["servers"]
        assert row["ok"] and not row["undecided"] and "echo a-red" in text

        run_id = plans.start(server_id, plan_id, own=own)
        assert plans.wait(run_id)["state"] == "done"
        assert outcomes(row["lines"]) == steps(plans.progress(run_id)["steps"])
        words = [
            line["code"].split()[1]
            for line in walk(row["lines"])
            if line["outcome"] == "run" and line["action"] == "ssh_command"
        ]
        assert lines(mark) == words
        assert connections(host) > seen
    tools.check_consistent(database)


def walk(report_lines):
    for line in report_lines:
        yield line
        yield from walk(line["lines"])


def test_what_is_told_to_fail_fails(plans, host, host_dir):
    """The first problem of the report is the exit code of the run."""
    server_id = host.register(plans.client, "Dry problems")
    broken = {
        "value_missing": plans.plan(plans.command("echo {{ dry_nobody_knows }}")),
        "secret_missing": plans.plan(plans.command("echo #!cxtower.secret.dry_nobody_knows!#")),
        "condition": plans.plan({"command_id": plans.command("true"), "condition": "1 +"}),
        "empty_plan": plans.plan(),
    }
    for kind, plan_id in broken.items():
        report = plans.client.call("cx.tower.plan", "dry_run", [plan_id], servers=[server_id])
        (problem,) = report["servers"][0]["problems"]
        ended = plans.wait(plans.start(server_id, plan_id))
        assert (kind, ended["exit_code"]) == (problem["kind"], problem["exit_code"])
        assert ended["state"] == "failed"
