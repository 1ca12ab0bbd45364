"""Files on a real host: made by flight plans, compared, pushed, pulled, kept in sync, deleted; Tower killed in between."""

import base64
import hashlib
import os
import pwd
import time
from pathlib import Path

import instance as tower
import plans as tools
import pytest
from dying import CrashPoint, answer_may_be_lost
from plans import INTERRUPTED, Plans, until

FILE = "cx.tower.file"
TEMPLATE = "cx.tower.file.template"
STATE = [
    "sync_state",
    "server_response",
    "host_state",
    "host_note",
    "code_on_server",
    "is_being_processed",
    "code",
]
LARGE = 48 * 1024 * 1024


@pytest.fixture(scope="module")
def client(server):
    return server.client()


@pytest.fixture(scope="module")
def server_id(client, one_host):
    return one_host.register(client, "Files")


def ended(client, file_id: int, timeout_s: float = 60) -> dict:
    """Wait until a file is in no run any more, and return how it stands."""
    give_up = time.monotonic() + timeout_s
    while True:
        (file,) = client.call(FILE, "read", [file_id], STATE)
        if not file["is_being_processed"] and file["sync_state"] != "waiting":
            return file
        assert time.monotonic() < give_up, file
        time.sleep(0.1)


def make(client, server_id, path: Path, **values) -> int:
    return client.create(FILE, server_id=server_id, name=path.name, server_dir=str(path.parent), **values)


def sync(client) -> None:
    """Do what the cron does."""
    (cron,) = client.call(
        "ir.model.data", "search_read", [["name", "=", "ir_cron_auto_pull_files_from_server"]], ["res_id"]
    )
    client.call("ir.cron", "method_direct_trigger", [cron["res_id"]])


def test_a_plan_makes_a_file_from_its_template(client, server_id, host_dir):
    """With the values of the run; and again with another template, which changes the file that is there."""
    variable = client.create("cx.tower.variable", name="Files port", reference="files_port")
    client.create("cx.tower.variable.value", variable_id=variable, value_char="80")
    client.create(
        "cx.tower.key", name="Files token", reference="files_token", key_type="s", secret_value="very hush"
    )
    template = client.create(
        TEMPLATE,
        name="Site",
        file_name="site-{{ files_port }}.conf",
        server_dir=str(host_dir / "made" / "deep"),
        code="port {{ files_port }}\ntoken #!cxtower.secret.files_token!#\n",
        mode="640",
    )
    plans = Plans(client)
    command = plans.command("", "file_using_template", name="Make it", file_template_id=template)
    after = plans.command(f"cat {host_dir}/made/deep/site-8080.conf | wc -l")
    run_id = plans.start(server_id, plans.plan(command, after), files_port="8080")
    assert plans.wait(run_id)["state"] == "done", plans.progress(run_id)
    made = host_dir / "made" / "deep" / "site-8080.conf"
    assert made.read_text() == "port 8080\ntoken very hush\n"
    assert made.stat().st_mode & 0o777 == 0o640
    (file,) = client.call(
        FILE, "search_read", [["host_path", "=", str(made)]], ["template_id", "variable_values", *STATE]
    )
    assert file["template_id"][0] == template
    assert (file["sync_state"], file["variable_values"]) == ("ok", {"files_port": "8080"})

    # the rule for existing files looks at the host
    fails = plans.command(
        "", "file_using_template", name="Fail", file_template_id=template, if_file_exists="raise"
    )
    run_id = plans.start(server_id, plans.plan(fails), files_port="8080")
    assert plans.wait(run_id)["exit_code"] == -400

    # a later push of the file renders the same
    client.call(TEMPLATE, "write", [template], {"code": "listen {{ files_port }}\n"})
    client.call(FILE, "upload", [file["id"]])
    assert ended(client, file["id"])["sync_state"] == "ok"
    assert made.read_text() == "listen 8080\n"
    assert made.stat().st_mode & 0o777 == 0o640


def test_compare_push_pull_and_delete(client, server_id, host_dir):
    path = host_dir / "app.conf"
    file_id = make(client, server_id, path, code="one\ntwo\nthree\n", backup=True)
    client.call(FILE, "compare", [file_id])
    assert ended(client, file_id)["host_state"] == "missing"
    client.call(FILE, "upload", [file_id])
    assert ended(client, file_id)["sync_state"] == "ok"
    assert path.read_text() == "one\ntwo\nthree\n"
    client.call(FILE, "compare", [file_id])
    assert ended(client, file_id)["host_state"] == "same"

    path.write_text("one\n2\nthree\n")
    client.call(FILE, "compare", [file_id])
    file = ended(client, file_id)
    assert (file["host_state"], file["code_on_server"]) == ("differs", "one\n2\nthree\n")
    difference = client.call(FILE, "get_difference", [file_id])
    assert ["changed", 2, "2", 2, "two"] in difference["rows"]
    client.call(FILE, "upload", [file_id])
    assert ended(client, file_id)["host_state"] == "same"
    assert path.read_text() == "one\ntwo\nthree\n"
    (backup,) = host_dir.glob("app.conf.*.bak")
    assert backup.read_text() == "one\n2\nthree\n"

    pulled_id = make(client, server_id, backup, source="server")
    client.call(FILE, "download", [pulled_id])
    assert ended(client, pulled_id)["code"] == "one\n2\nthree\n"
    client.call(FILE, "unlink", [pulled_id])  # what was pulled stays where it is
    client.call(FILE, "unlink", [file_id])
    until(lambda: not path.exists())
    assert backup.exists()


def test_large_files_stream_both_ways(client, server, server_id, host_dir):
    content = os.urandom(LARGE)
    path = host_dir / "large.bin"
    file_id = make(client, server_id, path, file_type="binary", file=base64.b64encode(content).decode())
    client.call(FILE, "upload", [file_id])
    assert ended(client, file_id, 120)["sync_state"] == "ok"
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content).digest()
    pulled_id = make(client, server_id, path, file_type="binary", source="server")
    before = server.memory()
    client.call(FILE, "download", [pulled_id])
    assert ended(client, pulled_id, 120)["sync_state"] == "ok"
    assert server.memory() - before < LARGE // 2
    (file,) = client.call(FILE, "read", [pulled_id], ["file"])
    assert base64.b64decode(file["file"]) == content


def test_auto_sync_and_templates_in_the_background(client, server_id, host_dir):
    """A template is saved at once, though one of its files cannot be pushed; it says which and why."""
    template = client.create(
        TEMPLATE, name="Many", file_name="x.conf", server_dir=str(host_dir), code="1\n", auto_sync=True
    )
    ids = [
        client.call(
            FILE, "create", {"template_id": template, "server_id": server_id, "name": f"{number}.conf"}
        )
        for number in range(5)
    ]
    (host_dir / "blocked").write_text("a file where a directory should be")
    blocked = client.call(
        FILE,
        "create",
        {"template_id": template, "server_id": server_id, "server_dir": str(host_dir / "blocked" / "x")},
    )
    for file_id in [*ids, blocked]:
        ended(client, file_id)
    client.call(TEMPLATE, "write", [template], {"code": "2\n"})
    until(lambda: all((host_dir / f"{number}.conf").read_text() == "2\n" for number in range(5)), 90)
    assert ended(client, blocked)["sync_state"] == "failed"
    (seen,) = client.call(
        TEMPLATE, "read", [template], ["files_synced_count", "files_failed_count", "sync_failures"]
    )
    assert (seen["files_synced_count"], seen["files_failed_count"]) == (5, 1)
    assert "blocked" in seen["sync_failures"][0]["name"]

    path = host_dir / "0.conf"
    path.write_text("changed by hand\n")
    client.call(FILE, "write", ids[:1], {"sync_date_next": "2020-01-01 00:00:00"})
    sync(client)
    until(lambda: path.read_text() == "2\n")


def test_scripts_transfer_files_without_records(client, server_id, host_dir):
    path = str(host_dir / "script.txt")
    result = client.call("cx.tower.server", "upload_file", [server_id], "grüße\n", path)
    assert (result["path"], result["outcome"]) == (path, "pushed")
    assert Path(path).read_text() == "grüße\n"
    assert (
        base64.b64decode(
            client.call("cx.tower.server", "download_file", [server_id], path, as_base64=True)
        ).decode()
        == "grüße\n"
    )
    assert client.call("cx.tower.server", "delete_file", [server_id], path) is True
    assert client.call("cx.tower.server", "delete_file", [server_id], path) is False
    with pytest.raises(tower.RpcError):
        client.call("cx.tower.server", "download_file", [server_id], path)
    with pytest.raises(tower.RpcError):
        client.call("cx.tower.server", "upload_file", [server_id], "/etc/passwd", path, from_path=True)


@pytest.mark.parametrize("point", ["file_progress", "performed"])
def test_killed_in_mid_push(template, tmp_path, host_dir, one_host, point):
    """The host has the old file or the new one, never a part; the run is found interrupted and can be done again."""
    database = template.copy(f"{template.name}_files_{point}")
    crash_point = CrashPoint(tmp_path)
    path = host_dir / "target.bin"
    path.write_bytes(b"old")
    if os.geteuid() == 0:  # as the user that Tower logs in as has it
        user = pwd.getpwnam(one_host.host.user)
        os.chown(path, user.pw_uid, user.pw_gid)
    content = os.urandom(LARGE)
    try:
        with tower.Instance(database, tmp_path, environment=crash_point.environment) as running:
            client = running.client()
            server_id = one_host.register(client)
            file_id = make(
                client, server_id, path, file_type="binary", file=base64.b64encode(content).decode()
            )
            crash_point.arm(point)
            with answer_may_be_lost():
                client.call(FILE, "upload", [file_id])
            crash_point.wait_for_victim(running)
        assert path.read_bytes() == (b"old" if point == "file_progress" else content)
        tools.expire_leases(database)
        with tower.Instance(database, tmp_path) as running:
            client = running.client()
            tools.recover(client)
            file = ended(client, file_id)
            assert file["sync_state"] == "failed"
            (log,) = client.call(
                "cx.tower.command.log", "search_read", [["file_ids", "=", file_id]], ["command_status"]
            )
            assert log["command_status"] == INTERRUPTED
            client.call(FILE, "upload", [file_id])
            file = ended(client, file_id, 120)
            assert file["sync_state"] == "ok", file
            assert path.read_bytes() == content
    finally:
        database.drop()
