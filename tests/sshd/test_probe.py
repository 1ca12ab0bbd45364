"""The connection test names the part that fails."""

import importlib

from tower_engine.script.conversation import SudoMode
from tower_engine.secret import Secret
from tower_engine.ssh.probe import fetch_host_key, test_connection
from tower_engine.ssh.target import Credential

hosts = importlib.import_module("sshd_hosts")


def outcome(steps) -> list[tuple[str, bool]]:
    assert all(step.seconds >= 0 for step in steps)
    return [(step.name, step.ok) for step in steps]


def test_everything_works(lab, host):
    steps = test_connection(lab.pool, lab.target(host))
    assert outcome(steps) == [
        (name, True) for name in ("name", "tcp", "host key", "authentication", "shell", "sftp")
    ]  # fmt: skip
    found = {step.name: step.message for step in steps}
    assert found["name"] == "127.0.0.1" and "SHA256:" in found["host key"]
    assert "Linux" in found["shell"] and found["sftp"] == "version 3"


def test_failures_end_the_test_where_nothing_else_makes_sense(lab, host, tmp_path):
    refused = lab.target(host, port=hosts.free_port())
    assert outcome(test_connection(lab.pool, refused)) == [("name", True), ("tcp", False)]
    unnamed = lab.target(host, host="no-such-host.invalid")
    assert outcome(test_connection(lab.pool, unnamed)) == [("name", False)]
    unknown = lab.target(host, host_key=None)
    assert outcome(test_connection(lab.pool, unknown))[-1] == ("host key", False)
    wrong = lab.target(host, credential=Credential(private_key=Secret(hosts.make_key(tmp_path / "key"))))
    assert outcome(test_connection(lab.pool, wrong))[-1] == ("authentication", False)


def test_no_sftp(lab, own_host):
    steps = test_connection(lab.pool, lab.target(own_host(options={"Subsystem": "other /bin/true"})))
    assert outcome(steps)[-1] == ("sftp", False) and "does not offer SFTP" in steps[-1].message


def test_no_shell(lab, users, own_host):
    steps = test_connection(lab.pool, lab.target(own_host(user=users.make(shell="/usr/sbin/nologin"))))
    assert ("shell", False) in outcome(steps)


def test_sudo(lab, users, own_host):
    host = own_host(user=users.make(password="right", sudo="ALL=(ALL) ALL"))
    good = test_connection(lab.pool, lab.target(host), SudoMode.PASSWORD, Secret("right"))
    assert outcome(good)[-1] == ("sudo", True) and good[-1].message == "runs as root"
    bad = test_connection(lab.pool, lab.target(host), SudoMode.NO_PASSWORD)
    assert outcome(bad)[-1] == ("sudo", False) and "asks for a password" in bad[-1].message


def test_through_a_jump_host(lab, own_host):
    first, last = own_host(), own_host()
    target = lab.target(last, jump=lab.target(first))
    assert outcome(test_connection(lab.pool, target))[0] == ("jump", True)
    assert str(fetch_host_key(target, lab.pool)) == last.host_key
    lab.pool.close()


def test_sftp_subsystem_that_says_nothing_is_bounded(lab, own_host, monkeypatch):
    from tower_engine.ssh import probe

    monkeypatch.setattr(probe, "_SFTP_LIMIT_S", 0.5)
    steps = test_connection(lab.pool, lab.target(own_host(options={"Subsystem": "sftp /bin/sleep 60"})))
    assert outcome(steps)[-1] == ("sftp", False)
