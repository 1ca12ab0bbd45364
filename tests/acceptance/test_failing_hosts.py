"""Hosts that die, freeze, refuse or say nothing: the right error in bounded time, and others go on."""

import os
import signal
import socket
import subprocess
import threading
import time

import pytest

CONNECTION_ERROR = 503
LOST_SECONDS = 75  # three keepalives of 15 seconds, and some air


@pytest.fixture(scope="module")
def client(server):
    return server.client()


def run(client, server_id, code):
    return client.call("cx.tower.server", "run_code", [server_id], code)["id"]


def wait_for_output(client, log_id, text, timeout_s=20):
    give_up = time.monotonic() + timeout_s
    while text not in str(client.call("cx.tower.command.log", "read_output", [log_id])["chunks"]):
        assert time.monotonic() < give_up, f"{text!r} did not arrive"
        time.sleep(0.05)


def descendants(pid):
    found = [pid]
    for parent in found:
        listing = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True).stdout
        found += [int(child) for child in listing.split()]
    return found


def test_sshd_is_killed_while_a_command_runs(client, make_host):
    host = make_host()
    log_id = run(client, host.register(client), "echo partial; sleep 60; echo never")
    wait_for_output(client, log_id, "partial")
    began = time.monotonic()
    host.host.kill_sessions()  # kill -9 of sshd's own processes; what they started is not touched
    ended = client.wait_for(log_id, LOST_SECONDS)
    assert time.monotonic() - began < 30
    assert (ended["state"], ended["exit_code"]) == ("failed", CONNECTION_ERROR)
    assert ended["response"] == "partial\n"
    assert client.log(log_id, "outcome")["outcome"] == "lost"


def test_a_frozen_host_is_given_up_and_others_go_on(client, make_host, one_host):
    host = make_host()
    server_id = host.register(client, keepalive_interval_s=2)
    log_id = run(client, server_id, "echo partial; sleep 60")
    wait_for_output(client, log_id, "partial")
    frozen = descendants(host.host.pid)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        other = run(client, one_host.register(client, "Other"), "echo alive")
        assert client.wait_for(other, 20)["response"] == "alive\n"
        ended = client.wait_for(log_id, LOST_SECONDS)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert (ended["state"], ended["exit_code"]) == ("failed", CONNECTION_ERROR)
    assert ended["response"] == "partial\n"


def test_a_host_that_accepts_and_says_nothing(client):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server_id = client.create(
            "cx.tower.server",
            name="Silent",
            ip_v4_address="127.0.0.1",
            ssh_port=listener.getsockname()[1],
            ssh_username="nobody",
            ssh_auth_mode="p",
            ssh_password="irrelevant",
            skip_host_key=True,
            connect_timeout_s=3,
        )
        began = time.monotonic()
        ended = client.wait_for(run(client, server_id, "true"), 40)
    assert time.monotonic() - began < 20
    assert (ended["state"], ended["exit_code"]) == ("failed", CONNECTION_ERROR)
    assert "127.0.0.1" in ended["message"]


def test_a_refused_port_and_an_unknown_name(client):
    common = {"ssh_username": "x", "ssh_auth_mode": "p", "ssh_password": "x", "skip_host_key": True}
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    refused = client.create(
        "cx.tower.server", name="Refused", ip_v4_address="127.0.0.1", ssh_port=port, **common
    )
    unknown = client.create("cx.tower.server", name="Unknown", ip_v4_address="no-such-host.invalid", **common)
    for server_id in (refused, unknown):
        ended = client.wait_for(run(client, server_id, "true"), 60)
        assert (ended["state"], ended["exit_code"]) == ("failed", CONNECTION_ERROR)
        assert ended["message"]


def test_a_changed_host_key_blocks_and_names_both_fingerprints(client, make_host):
    host, impostor = make_host(), make_host()
    server_id = host.register(client, "Changed", ssh_port=impostor.host.port)
    ended = client.wait_for(run(client, server_id, "true"))
    assert ended["exit_code"] == CONNECTION_ERROR
    assert ended["message"].count("SHA256:") == 2


def test_the_network_goes_away(client, make_host, one_host):
    """A relay stands for the network: it stops passing bytes on, without closing anything."""
    host = make_host()
    with Relay(host.host.port) as relay:
        server_id = host.register(client, "Behind", ssh_port=relay.port, keepalive_interval_s=2)
        log_id = run(client, server_id, "echo partial; sleep 60")
        wait_for_output(client, log_id, "partial")
        relay.cut.set()
        ended = client.wait_for(log_id, LOST_SECONDS)
    assert (ended["state"], ended["exit_code"]) == ("failed", CONNECTION_ERROR)
    assert ended["response"] == "partial\n"


def test_stop_ends_the_tree_and_a_queued_run_never_starts(client, one_host, host_dir):
    server_id = one_host.register(client, "Stop", max_parallel_runs=1)
    first = run(client, server_id, "echo session $$; (sleep 100 & sleep 100 & wait)")
    second = run(client, server_id, f"echo ran > {host_dir}/second")
    wait_for_output(client, first, "session")
    client.call("cx.tower.command.log", "stop", [second])
    assert client.wait_for(second)["state"] == "stopped"
    began = time.monotonic()
    client.call("cx.tower.command.log", "action_stop", [first])
    ended = client.wait_for(first)
    assert time.monotonic() - began < 10
    assert (ended["state"], ended["exit_code"]) == ("stopped", -208)
    assert ended["stop_requested_by"]
    assert client.log(first, "stop_confirmed")["stop_confirmed"] == "yes"
    session = ended["response"].split()[1]
    listing = subprocess.run(
        ["ps", "-o", "stat=,args=", "-s", session], capture_output=True, text=True
    ).stdout
    assert [line for line in listing.splitlines() if not line.startswith("Z")] == []
    assert not (host_dir / "second").exists()


def test_a_time_limit_ends_the_command(client, one_host):
    server_id = one_host.register(client, "Slow", command_timeout_s=1)
    ended = client.wait_for(run(client, server_id, "echo begun; sleep 60"), 30)
    assert (ended["state"], ended["exit_code"], ended["response"]) == ("failed", -206, "begun\n")


class Relay:
    """Passes TCP connections on to a port until ``cut`` is set; then bytes go nowhere."""

    def __init__(self, port: int):
        self._target = port
        self.cut = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exception):
        for sock in [self._listener, *self._sockets]:
            sock.close()

    def _accept(self):
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            host = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [client, host]
            for source, sink in ((client, host), (host, client)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source, sink):
        try:
            while data := source.recv(65536):
                if self.cut.is_set():
                    continue
                sink.sendall(data)
        except OSError:
            pass
