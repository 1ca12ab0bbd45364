"""Calls that wait for their result see what their transaction has written, do not collide with it, and leave a log."""

import pytest
from plans import Plans

BEGIN = "server.write({'note': 'written before'})\n"
#: What comes back is compared as text.
REPLY = "\nresult = {'exit_code': 0, 'message': '%s' % (said,)}"


@pytest.fixture(scope="module")
def client(server):
    return server.client()


@pytest.fixture(scope="module")
def server_id(client, one_host):
    server_id = one_host.register(client)
    client.create("cx.tower.variable", name="Colour", reference="colour")
    client.call("cx.tower.server", "set_variable_value", [server_id], "colour", "old")
    Plans(client).command("echo {{ colour }}", name="Colour", reference="say_colour")
    return server_id


@pytest.fixture
def run(client, server_id):
    """Run Python on the server and return how it ended."""

    def perform(code):
        started = client.call("cx.tower.server", "run_code", [server_id], code, action="python_code")
        return client.wait_for(started["id"])

    return perform


def said(run, code):
    """Return what Python code left in ``said``; it must have ended well."""
    ended = run(code + REPLY)
    assert (ended["state"], ended["exit_code"]) == ("done", 0), ended
    return ended["response"]


def test_a_value_set_a_moment_ago(run):
    code = "server.set_variable_value('colour', 'new')\nsaid = tower.server_run_command(server.reference, 'say_colour')['message'].strip()"
    assert said(run, code) == "new"


def test_a_command_made_a_moment_ago(run):
    code = (
        "command = tower_commands.create({'name': 'Fresh', 'action': 'ssh_command', 'code': 'echo fresh'})\n"
        "said = server.with_context(no_command_log=True).run_command(command)['response'].strip()"
    )
    assert said(run, code) == "fresh"


def test_a_server_made_a_moment_ago(run):
    code = (
        "twin = server.copy({'name': 'Twin'})\ntwin.write({'host_key': server.host_key})\n"
        "said = tower.server_run_command(twin.reference, 'say_colour', colour='twin')['message'].strip()"
    )
    assert said(run, code) == "twin"


def test_python_in_python_shares_the_transaction(run, client):
    Plans(client).python(
        "server.write({'note': str(server.note) + ' and inside'})", name="Inner", reference="inner_note"
    )
    code = BEGIN + "tower.server_run_command(server.reference, 'inner_note')\nsaid = server.note"
    assert "written before and inside" in said(run, code).replace("<p>", "").replace("</p>", "")


def test_what_follows_from_the_end_is_seen_and_may_be_changed(run, client):
    Plans(client).command("true", name="Starts", reference="starts", server_status="running")
    code = (
        "tower.server_run_command(server.reference, 'starts')\nseen = server.status\n"
        "server.write({'status': 'stopped'})\nenv.cr.execute('SELECT 1')\nsaid = [seen, server.status]"
    )
    assert said(run, code) == "['running', 'stopped']"


def test_the_connection_is_tested_between_two_writes(run):
    code = (
        BEGIN + "server.test_ssh_connection()\nseen = server.connection_state\n"
        "server.write({'note': 'written after'})\nsaid = seen"
    )
    assert said(run, code) == "ok"


def test_files_are_sent_and_read_between_two_writes(run, host_dir):
    path = host_dir / "sent"
    code = (
        BEGIN + f"server.upload_file('content', '{path}')\n"
        f"server.write({{'note': 'between'}})\nsaid = server.download_file('{path}', as_base64=True)"
    )
    assert said(run, code) == "Y29udGVudA=="
    assert path.read_text() == "content"


def test_the_log_of_what_a_host_did_outlives_a_rollback(run, client, host_dir):
    mark = host_dir / "mark"
    command = Plans(client).command(
        f"echo ran >> {mark}", name="Marks", reference="marks_it", server_status="running"
    )
    ended = run(
        "server.write({'status': 'stopped'})\ntower.server_run_command(server.reference, 'marks_it')\nraise ValueError('no')"
    )
    assert ended["state"] == "failed"
    assert mark.read_text() == "ran\n"
    logs = client.call(
        "cx.tower.command.log", "search_read", [("command_id", "=", command)], ["state", "command_status"]
    )
    assert [(log["state"], log["command_status"]) for log in logs] == [("done", 0)]


def test_python_that_was_rolled_back_with_its_caller_leaves_a_trace(run, client):
    command = Plans(client).python("server.write({'note': 'gone'})", name="Undone", reference="undone")
    ended = run("tower.server_run_command(server.reference, 'undone')\nraise ValueError('no')")
    assert ended["state"] == "failed"
    (log,) = client.call(
        "cx.tower.command.log", "search_read", [("command_id", "=", command)], ["state", "message"]
    )
    assert "undone" in log["message"]


def test_waiting_for_a_run_that_begins_after_the_commit_says_so(run):
    ended = run(
        "started = server.run_command('say_colour')\nenv['cx.tower.command.log'].browse(started['id']).wait()"
    )
    assert ended["state"] == "failed"
    assert (
        "begins when the transaction" in ended["message"] or "begins when the transaction" in ended["error"]
    )
