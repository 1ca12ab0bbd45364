"""What an operator does in the browser, on real hosts: add a server, accept its key, run, watch, stop, look it up."""

import base64
import hashlib

import pytest
from browser import Browser, find_chromium

pytestmark = pytest.mark.skipif(not find_chromium(), reason="needs a Chromium")

# Lasts 16 s: on a busy machine, the page may need ten to show a command that is still running.
COUNT = "i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo count $i; sleep 0.8; done"
ENDLESS = "while :; do echo going on; sleep 0.5; done"


@pytest.fixture(scope="module")
def client(server):
    return server.client()


@pytest.fixture(scope="module")
def fleet(client, one_host):
    """Two servers and the commands of the tours."""
    for name in ("Tour one", "Tour two"):
        one_host.register(client, name)
    for name, code in (("Tour counting", COUNT), ("Tour endless", ENDLESS)):
        client.create("cx.tower.command", name=name, code=code)


@pytest.fixture
def browser(server, client):
    with Browser(server.url) as browser:
        browser.log_in(client)
        yield browser


def fingerprint(host_key: str) -> str:
    """Return the fingerprint of "type base64" as ssh-keygen prints it."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def logs_of(client, command: str) -> list[dict]:
    domain = [["command_id.name", "=", command]]
    return client.call(
        "cx.tower.command.log", "search_read", domain, ["state", "command_status", "server_id"]
    )


def test_server_added_by_hand(client, browser, one_host):
    host = one_host.host
    client.create("cx.tower.key", name="Tour key", key_type="k", secret_value=host.private_key)
    facts = {
        "name": "By hand",
        "address": host.address,
        "port": host.port,
        "user": host.user,
        "key": "Tour key",
        "fingerprint": fingerprint(host.host_key),
    }
    browser.walk("tower_add_server", facts)
    [server] = client.call("cx.tower.server", "search", [["name", "=", "By hand"]])
    started = client.call("cx.tower.server", "run_code", [server], "echo it works")
    assert client.wait_for(started["id"])["response"] == "it works\n"


def test_watched_live_on_two_servers(client, browser, fleet):
    browser.walk("tower_watch_live")
    for log in logs_of(client, "Tour counting"):
        assert client.wait_for(log["id"])["exit_code"] == 0


def test_stopped(client, browser, fleet):
    browser.walk("tower_stop")
    one, two = sorted(logs_of(client, "Tour endless"), key=lambda log: log["server_id"][1])
    assert one["state"] == "stopped"
    assert two["state"] == "running"
    client.call("cx.tower.command.log", "stop", [two["id"]])
    assert client.wait_for(two["id"])["state"] == "stopped"
