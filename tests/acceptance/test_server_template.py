"""From a server template to a server that is ready, and back: made over JSON-2, deleted with its delete plan."""

import json
import urllib.error
import urllib.request

import plans as tools
import pytest
from plans import Plans, lines, until

SERVER, TEMPLATE = "cx.tower.server", "cx.tower.server.template"


@pytest.fixture(scope="module")
def plans(server):
    return Plans(server.client())


@pytest.fixture(autouse=True)
def consistent(database):
    yield
    tools.check_consistent(database)


@pytest.fixture(scope="module")
def json2(server, plans):
    """Call a method over JSON-2 with an API key, as scripts do."""
    wizard = plans.client.create("res.users.apikeys.description", name="test", duration="1")
    check = plans.client.call("res.users.apikeys.description", "make_key", [wizard])["res_id"]
    shown = plans.client.call("res.users.identitycheck", "run_check", [check], context={"password": "admin"})
    api_key = shown["context"]["default_key"]

    def call(model, method, **arguments):
        request = urllib.request.Request(
            f"{server.url}/json/2/{model}/{method}",
            data=json.dumps(arguments).encode(),
            headers={"Authorization": f"bearer {api_key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    return call


def make_template(client, host, plan_id, delete_plan_id, folder):
    """Return the reference of a template for servers on this host, with everything that a template can hold."""
    suffix = folder.name.rsplit("-", 1)[-1].lower()
    key = client.create(
        "cx.tower.key", name=f"Key {suffix}", key_type="k", secret_value=host.host.private_key
    )
    variable = client.create(
        "cx.tower.variable", name=f"Site {suffix}", reference=f"site_{suffix}", access_level="1"
    )
    file_template = client.create(
        "cx.tower.file.template",
        name="Site configuration",
        file_name="site.conf",
        server_dir=str(folder),
        code=f"site={{{{ site_{suffix} }}}}\n",
        auto_sync=True,
    )
    look = client.create("cx.tower.command", name="Look", code=f"cat {folder}/ready", access_level="1")
    shortcut = client.create("cx.tower.shortcut", name="Look", command_id=look)
    task = client.create(
        "cx.tower.scheduled.task",
        name="Nightly",
        command_id=look,
        interval_type="days",
        next_call="2090-01-01",
    )
    template = client.create(
        TEMPLATE,
        name="Site",
        reference=f"site_template_{suffix}",
        ssh_port=host.host.port,
        ssh_username=host.host.user,
        ssh_auth_mode="k",
        ssh_key_id=key,
        flight_plan_id=plan_id,
        plan_delete_id=delete_plan_id,
        variable_value_ids=[(0, 0, {"variable_id": variable, "required": True})],
        server_log_ids=[(0, 0, {"name": "Ready", "command_id": look})],
        shortcut_ids=[(6, 0, [shortcut])],
        scheduled_task_ids=[(6, 0, [task])],
        file_template_ids=[(6, 0, [file_template])],
    )
    assert template
    return f"site_template_{suffix}", f"site_{suffix}", shortcut, task


def read(client, server_id, *names):
    rows = client.call(SERVER, "search_read", [("id", "=", server_id)], list(names))
    return rows[0] if rows else None


def test_from_nothing_to_ready_and_gone_again(plans, json2, one_host, host_dir):
    client = plans.client
    make_ready = plans.plan(plans.command(f"echo ready > {host_dir}/ready", name="Make ready"))
    clean_up = plans.plan(
        plans.command(f"rm -f {host_dir}/ready {host_dir}/site.conf; echo clean > {host_dir}/left"),
        plans.command("sleep 0.2", name="A second step"),
    )
    template, site, shortcut, task = make_template(client, one_host, make_ready, clean_up, host_dir)
    [server_id] = json2(
        TEMPLATE,
        "create_server_from_template",
        template_reference=template,
        server_name="Site 1",
        ipv4=one_host.host.address,
        host_key=one_host.host.host_key,
        configuration_variables={site: "one.example.com"},
    )
    made = read(client, server_id, "ssh_port", "template_plan_log_id", "server_log_ids", "file_ids", "status")
    assert made["ssh_port"] == one_host.host.port
    run = plans.wait(made["template_plan_log_id"][0])
    assert (run["state"], run["exit_code"]) == ("done", 0)
    assert lines(host_dir / "ready") == ["ready"]
    # the file is pushed in the background, by a run of its own
    until(lambda: lines(host_dir / "site.conf") == ["site=one.example.com"])
    assert len(made["server_log_ids"]) == len(made["file_ids"]) == 1
    for model, part in (("cx.tower.shortcut", shortcut), ("cx.tower.scheduled.task", task)):
        assert client.call(model, "read", [part], ["server_ids"])[0]["server_ids"] == [server_id]
    started = client.call("cx.tower.shortcut", "run", [shortcut], server_id)
    assert client.wait_for(started["id"])["state"] == "done"

    until(lambda: not client.call("cx.tower.command.log", "search_count", [("is_running", "=", True)]))
    assert json2(SERVER, "unlink", ids=[server_id]) is False
    until(lambda: read(client, server_id, "name") is None)
    assert lines(host_dir / "left") == ["clean"]
    assert not (host_dir / "ready").exists() and not (host_dir / "site.conf").exists()
    assert not client.call("cx.tower.command.log", "search_count", [("server_id", "=", server_id)])


def test_a_delete_plan_that_fails_keeps_the_server(plans, json2, one_host, host_dir):
    client = plans.client
    gate = host_dir / "gate"
    clean_up = plans.plan(plans.command(f"echo tried >> {host_dir}/tried; test -e {gate}", name="Clean up"))
    template, site, _shortcut, _task = make_template(client, one_host, False, clean_up, host_dir)
    [server_id] = json2(
        TEMPLATE,
        "create_server_from_template",
        template_reference=template,
        server_name="Site 2",
        ipv4=one_host.host.address,
        host_key=one_host.host.host_key,
        configuration_variables={site: "two.example.com"},
    )
    until(lambda: lines(host_dir / "site.conf"))
    until(lambda: not client.call("cx.tower.command.log", "search_count", [("is_running", "=", True)]))
    assert json2(SERVER, "unlink", ids=[server_id]) is False
    until(lambda: read(client, server_id, "status")["status"] == "delete_error")
    failed = read(client, server_id, "deletion_state", "deletion_message")
    assert failed["deletion_state"] == "failed"
    assert "exit code 1" in failed["deletion_message"]
    [log] = client.call("cx.tower.plan.log", "search", [("server_id", "=", server_id)])

    # put right on the host, the run goes on where it stopped, and so does the deletion
    gate.touch()
    resumed = plans.resume(log)
    assert resumed != log
    until(lambda: read(client, server_id, "name") is None)
    assert lines(host_dir / "tried") == ["tried", "tried"]
