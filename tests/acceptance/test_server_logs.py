"""Server logs on real hosts: fetched, followed live and stopped; whatever a host prints is only shown."""

import subprocess
import time

import pytest
from browser import Browser, find_chromium

LOG = "cx.tower.server.log"
RUN = "cx.tower.command.log"
HOSTILE = (
    "printf '<img src=x onerror=window.hacked=1><script>window.hacked=1</script>\\n';"
    " printf '\\033]0;title\\007\\033[31mred words\\033[0m \\033]8;;javascript:window.hacked=1\\033\\\\link\\n';"
    " printf '\\033[2Jafter clearing \\342\\200\\256reversed\\n'; printf 'one\\000two\\n'"
)


@pytest.fixture(scope="module")
def client(server):
    return server.client()


@pytest.fixture(scope="module")
def server_id(client, one_host):
    return one_host.register(client, "Logged")


@pytest.fixture
def browser(server, client):
    if not find_chromium():
        pytest.skip("needs a Chromium")
    with Browser(server.url) as browser:
        browser.log_in(client)
        yield browser


def command_log(client, server_id, name, code, **values):
    command = client.create("cx.tower.command", name=name, code=code, allow_parallel_run=True)
    return client.create(LOG, name=name, server_id=server_id, command_id=command, **values)


def file_log(client, server_id, path, **values):
    file = client.create(
        "cx.tower.file", name=path.name, server_dir=str(path.parent), server_id=server_id, source="server"
    )
    return client.create(LOG, name=path.name, server_id=server_id, log_type="file", file_id=file, **values)


def fetched(client, log_id, timeout_s=60):
    """Wait until the log is not being fetched any more and return it."""
    give_up = time.monotonic() + timeout_s
    names = ["log_text", "log_html", "log_state", "log_message", "is_refreshing", "log_size"]
    while True:
        log = client.call(LOG, "read", [log_id], names)[0]
        if not log["is_refreshing"]:
            return log
        assert time.monotonic() < give_up, log
        time.sleep(0.1)


def processes(words):
    """Return how many processes of this machine have these words in their command line."""
    found = subprocess.run(["pgrep", "-fc", "--", words], capture_output=True, text=True)
    return int(found.stdout or 0)


def output_of(client, run_id):
    chunks = client.call(RUN, "read_output", [run_id])["chunks"]
    return "".join(text for chunk in chunks for _stream, text in chunk["segments"])


def wait_until(condition, timeout_s=30):
    give_up = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up, "in vain"
        time.sleep(0.1)


def test_a_refresh_returns_at_once_and_fills_the_log(client, server_id):
    log_id = command_log(
        client, server_id, "Slow", "sleep 2; echo to out; sleep 0.3; echo to err >&2; sleep 0.3; echo last"
    )
    start = time.monotonic()
    [started] = client.call(LOG, "refresh", [log_id])
    assert time.monotonic() - start < 1.5
    assert client.call(LOG, "refresh", [log_id])[0]["id"] == started["id"]
    log = fetched(client, log_id)
    assert (log["log_text"], log["log_state"]) == ("to out\nto err\nlast\n", "done")
    run = client.log(started["id"], "command_response", "output_size", "message")
    assert not run["command_response"] and not run["output_size"]
    assert output_of(client, started["id"]) == ""


def test_a_failed_refresh_says_why_and_keeps_the_text(client, server_id, one_host, host_dir):
    flag = host_dir / "flag"
    flag.write_text("here\n")
    log_id = command_log(client, server_id, "Flag", f"cat {flag}")
    client.call(LOG, "refresh", [log_id])
    assert fetched(client, log_id)["log_text"] == "here\n"
    client.call("cx.tower.server", "write", [server_id], {"ssh_port": one_host.host.port + 1})
    try:
        client.call(LOG, "refresh", [log_id])
        log = fetched(client, log_id, 120)
    finally:
        client.call("cx.tower.server", "write", [server_id], {"ssh_port": one_host.host.port})
    assert (log["log_state"], log["log_text"]) == ("failed", "here\n")
    assert log["log_message"]
    flag.unlink()
    client.call(LOG, "refresh", [log_id])
    log = fetched(client, log_id)
    assert log["log_state"] == "failed"
    assert "No such file" in log["log_text"]


def test_a_file_whatever_it_is_called(client, server_id, host_dir):
    path = host_dir / "it's $(touch gone); a log.txt"
    path.write_text("".join(f"line {number}\n" for number in range(100_000)))
    path.chmod(0o644)
    log_id = file_log(client, server_id, path)
    client.call(LOG, "action_update_log", [log_id])
    log = fetched(client, log_id)
    assert log["log_state"] == "done", log
    assert log["log_text"].endswith("line 99999\n")
    assert 500_000 < log["log_size"] <= 512 * 1024
    assert not list(host_dir.glob("gone*"))


def test_a_file_that_is_not_there(client, server_id, host_dir):
    log_id = file_log(client, server_id, host_dir / "missing.log")
    client.call(LOG, "refresh", [log_id])
    log = fetched(client, log_id)
    assert log["log_state"] == "failed"
    assert "missing.log" in log["log_text"]


def test_refresh_all(client, one_host):
    other = one_host.register(client, "Many logs")
    logs = [command_log(client, other, f"Log {number}", f"echo {number}") for number in range(12)]
    client.call("cx.tower.server", "action_update_server_logs", [other])
    assert [fetched(client, log_id)["log_text"] for log_id in logs] == [f"{n}\n" for n in range(12)]


def test_follow_a_file_and_stop(client, server_id, host_dir):
    path = host_dir / "followed.log"
    path.write_text("".join(f"old {number}\n" for number in range(1000)))
    path.chmod(0o644)
    log_id = file_log(client, server_id, path)
    run_id = client.call(LOG, "action_follow_log", [log_id])["params"]["run_id"]
    wait_until(lambda: "old 999\n" in output_of(client, run_id))
    assert "old 799\n" not in output_of(client, run_id)
    with path.open("a") as file:
        file.write("something new\n")
    wait_until(lambda: "something new\n" in output_of(client, run_id))
    path.rename(host_dir / "followed.log.1")  # as logrotate does
    path.write_text("after the rotation\n")
    path.chmod(0o644)
    wait_until(lambda: "after the rotation\n" in output_of(client, run_id))
    assert processes(str(path))
    client.call(RUN, "stop", [run_id])
    assert client.wait_for(run_id)["state"] == "stopped"
    assert not processes(str(path))
    assert fetched(client, log_id)["log_state"] == "never"


def test_a_secret_is_masked_in_the_text(client, server_id):
    client.create(
        "cx.tower.key", name="Log token", reference="log_token", key_type="s", secret_value="s3cr3t-of-logs"
    )
    code = "echo plain #!cxtower.secret.log_token!#; echo #!cxtower.secret.log_token!# | base64"
    log_id = command_log(client, server_id, "Secret", code)
    client.call(LOG, "refresh", [log_id])
    log = fetched(client, log_id)
    assert log["log_state"] == "done"
    assert "s3cr3t-of-logs" not in log["log_text"]


def test_hostile_output_is_stored_and_shown_safely(client, server_id, browser):
    log_id = command_log(client, server_id, "Hostile", HOSTILE)
    client.call(LOG, "refresh", [log_id])
    log = fetched(client, log_id)
    assert "\0" not in log["log_text"] and "onetwo" in log["log_text"]
    assert "<img" not in log["log_html"] and "<script" not in log["log_html"]
    assert '<span class="o_tower_ansi_fg1">red words</span>' in log["log_html"]
    text = client.get(f"/cetmix_tower/server_log/{log_id}/log.txt").decode()
    assert "red words link" in text and "\x1b" not in text
    browser.call("Page.navigate", url=f"{browser.url}/odoo/cetmix_tower_server_logs/{log_id}")
    shown = "document.querySelector('.o_tower_server_log_text')"
    browser.wait_for(f"{shown}?.innerText.includes('red words link')")
    assert browser.evaluate(f"{shown}.querySelectorAll('img, script, a').length") == 0
    assert browser.evaluate("window.hacked === undefined")
    assert "<script>" in browser.evaluate(f"{shown}.innerText")


def test_followed_in_the_browser_until_the_dialog_closes(client, server_id, browser, host_dir):
    path = host_dir / "watched.log"
    path.write_text("first line <b>\n")
    path.chmod(0o644)
    log_id = file_log(client, server_id, path)
    screen = "document.querySelector('.o_tower_follow_log .xterm-rows')?.innerText"

    def follow():
        browser.call("Page.navigate", url=f"{browser.url}/odoo/cetmix_tower_server_logs/{log_id}")
        browser.wait_for("!!document.querySelector('button[name=action_follow_log]')")
        browser.evaluate("document.querySelector('button[name=action_follow_log]').click()")
        browser.wait_for(f"({screen} || '').includes('first line <b>')")

    follow()
    with path.open("a") as file:
        file.write("added later\n")
    browser.wait_for(f"{screen}.includes('added later')")
    browser.picture("follow_log")
    browser.evaluate("document.querySelector('.o_tower_follow_close').click()")
    wait_until(lambda: not processes(str(path)))
    follow()
    browser.call("Page.navigate", url="about:blank")  # the tab is closed without a word
    wait_until(lambda: not processes(str(path)))


def test_the_form_shows_what_was_fetched_without_being_asked(client, server_id, browser, host_dir):
    flag = host_dir / "told"
    log_id = command_log(client, server_id, "Told", f"sleep 1; cat {flag}")
    flag.write_text("here it is\n")
    browser.call("Page.navigate", url=f"{browser.url}/odoo/cetmix_tower_server_logs/{log_id}")
    browser.wait_for("!!document.querySelector('button[name=action_update_log]')")
    browser.evaluate("document.querySelector('button[name=action_update_log]').click()")
    browser.wait_for("document.querySelector('.o_tower_server_log')?.dataset.state === 'refreshing'")
    browser.wait_for("document.querySelector('.o_tower_server_log')?.innerText.includes('here it is')")
