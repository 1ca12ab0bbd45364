"""Every way in which connecting can fail has an error of its own, a sentence, and an end in time."""

import importlib
import select
import socket
import subprocess
import threading
import time
from dataclasses import replace

import pytest
from tower_engine.errors import (
    AuthenticationFailed,
    ConnectError,
    ConnectionRefused,
    ConnectTimeout,
    HostKeyMismatch,
    HostKeyUnknown,
    KeyFileError,
    NameResolutionError,
)
from tower_engine.secret import Secret
from tower_engine.ssh.connecting.host_key import HostKey
from tower_engine.ssh.probe import fetch_host_key
from tower_engine.ssh.target import ConnectSettings, Credential

hosts = importlib.import_module("sshd_hosts")


def fingerprint(public_key: str) -> str:
    line = subprocess.run(["ssh-keygen", "-lf", "-"], input=public_key, capture_output=True, text=True).stdout
    return line.split()[1]


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
@pytest.mark.parametrize("passphrase", ["", "päss phrase"])
def test_key_kinds_and_passphrases(lab, host, tmp_path, kind, passphrase):
    text = hosts.make_key(tmp_path / "key", kind, passphrase)
    host.authorize((tmp_path / "key.pub").read_text())
    credential = Credential(private_key=Secret(text), passphrase=Secret(passphrase) if passphrase else None)
    assert lab.run(lab.target(host, credential=credential), "echo in").stdout == "in\n"


@pytest.mark.parametrize(
    ("kind", "fmt"), [("rsa", "PEM"), ("rsa", "PKCS8"), ("ecdsa", "PEM"), ("ecdsa", "PKCS8")]
)
@pytest.mark.parametrize("passphrase", ["", "secret"])
def test_older_key_formats(lab, host, tmp_path, kind, fmt, passphrase):
    text = hosts.make_key(tmp_path / "key", kind, passphrase, fmt)
    host.authorize((tmp_path / "key.pub").read_text())
    credential = Credential(private_key=Secret(text), passphrase=Secret(passphrase) if passphrase else None)
    assert lab.run(lab.target(host, credential=credential), "echo in").exit_code == 0


def test_windows_line_ends_and_needless_passphrase_do_no_harm(lab, host):
    text = host.private_key.replace("\n", "\r\n")
    credential = Credential(private_key=Secret(text), passphrase=Secret("not needed"))
    assert lab.run(lab.target(host, credential=credential), "true").exit_code == 0


@pytest.mark.parametrize(
    ("passphrase", "words"),
    [(None, "no passphrase is stored"), (Secret("wrong"), "passphrase of the private key is wrong")],
)
@pytest.mark.parametrize("fmt", [None, "PEM"])
def test_wrong_passphrase(lab, host, tmp_path, passphrase, words, fmt):
    text = hosts.make_key(tmp_path / "key", "ecdsa", "right", fmt)
    credential = Credential(private_key=Secret(text), passphrase=passphrase)
    with pytest.raises(KeyFileError, match=words):
        lab.run(lab.target(host, credential=credential), "true")


def test_text_that_is_no_key(lab, host):
    with pytest.raises(KeyFileError, match="cannot be read"):
        lab.run(lab.target(host, credential=Credential(private_key=Secret("hello"))), "true")


def test_wrong_key(lab, host, tmp_path):
    credential = Credential(private_key=Secret(hosts.make_key(tmp_path / "key")))
    with pytest.raises(AuthenticationFailed, match=f"as {host.user}: the host rejected the key") as caught:
        lab.run(lab.target(host, credential=credential), "true")
    assert (caught.value.host, caught.value.port) == (host.address, host.port)


def test_wrong_user(lab, host):
    with pytest.raises(AuthenticationFailed, match="as nobody-here"):
        lab.run(lab.target(host, username="nobody-here"), "true")


def test_no_credential(lab, host):
    with pytest.raises(AuthenticationFailed, match="neither a private key nor a password"):
        lab.run(lab.target(host, credential=Credential()), "true")


def test_a_password_is_no_substitute_for_a_key_that_is_not_there(lab, users, own_host):
    host = own_host(user=users.make(password="right"), password=True)
    credential = Credential(password=Secret("right"), needs_key=True)
    with pytest.raises(AuthenticationFailed, match="its SSH key contains no private key"):
        lab.run(lab.target(host, credential=credential), "true")
    assert "Accepted password" not in host.log


def test_host_without_passwords_is_sent_none(lab, host):
    with pytest.raises(AuthenticationFailed, match="does not accept passwords, only: publickey"):
        lab.run(lab.target(host, credential=Credential(password=Secret("x"))), "true")


@pytest.mark.parametrize("methods", ["password", "keyboard-interactive"])
def test_password(lab, users, own_host, methods):
    keyboard = "yes" if methods == "keyboard-interactive" else "no"
    options = {"KbdInteractiveAuthentication": keyboard}
    if keyboard == "yes":
        options["PasswordAuthentication"] = "no"
    user = users.make(password="right ö 'word'")
    host = own_host(user=user, password=True, options=options)
    right = lab.target(host, credential=Credential(password=Secret("right ö 'word'")))
    assert lab.run(right, "echo in").stdout == "in\n"


@pytest.mark.parametrize("keyboard", ["no", "yes"])
def test_wrong_password_is_tried_once(lab, users, own_host, keyboard):
    options = {
        "KbdInteractiveAuthentication": keyboard,
        "PasswordAuthentication": "no" if keyboard == "yes" else "yes",
    }
    host = own_host(user=users.make(password="right"), password=True, options=options)
    wrong = lab.target(host, credential=Credential(password=Secret("wrong")))
    for _ in range(3):  # the second and third are answered from memory
        with pytest.raises(AuthenticationFailed, match="rejected the password"):
            lab.run(wrong, "true")
    tries = [
        line for line in host.log.splitlines() if line.startswith("Failed ") and "none" not in line.split()[1]
    ]
    assert len([line for line in tries if host.user in line]) <= 1
    assert host.log.count("Connection from") == 2  # one of them looked whether sshd listens


def test_refused_credential_may_be_tried_again_after_a_while(lab, users, own_host):
    host = own_host(user=users.make(password="first"), password=True)
    target = lab.target(host, credential=Credential(password=Secret("second")))
    with pytest.raises(AuthenticationFailed):
        lab.run(target, "true")
    subprocess.run(["chpasswd"], input=f"{host.user}:second\n", text=True, check=True)
    lab.pool.forget_refusal(target)
    assert lab.run(target, "true").exit_code == 0


def test_key_and_password_as_second_factor(lab, users, own_host):
    options = {"AuthenticationMethods": "publickey,password"}
    host = own_host(user=users.make(password="second"), password=True, options=options)
    key = Secret(host.private_key)
    both = lab.target(host, credential=Credential(private_key=key, password=Secret("second")))
    assert lab.run(both, "true").exit_code == 0
    with pytest.raises(AuthenticationFailed, match="the host also requires: password"):
        lab.run(lab.target(host), "true")


@pytest.mark.parametrize(
    "methods", ["password,publickey", "publickey,password", "keyboard-interactive,publickey"]
)
def test_parts_of_a_log_in_in_the_order_of_the_host(lab, users, own_host, methods):
    options = {"AuthenticationMethods": methods, "KbdInteractiveAuthentication": "yes"}
    host = own_host(user=users.make(password="second"), password=True, options=options)
    key, password = Secret(host.private_key), Secret("second")
    both = lab.target(host, credential=Credential(private_key=key, password=password))
    assert lab.run(both, "echo in").stdout == "in\n"
    assert "Failed password" not in host.log
    first, other = methods.split(",")
    with pytest.raises(AuthenticationFailed, match=first if first != "publickey" else other):
        lab.run(lab.target(host), "true")
    with pytest.raises(AuthenticationFailed, match="publickey"):
        lab.run(lab.target(host, credential=Credential(password=password)), "true")


def test_what_is_still_asked_for_is_said(lab, users, own_host):
    options = {"AuthenticationMethods": "password,publickey"}
    host = own_host(user=users.make(password="second"), password=True, options=options)
    with pytest.raises(
        AuthenticationFailed, match="requires another method first: password. No password is stored"
    ):
        lab.run(lab.target(host), "true")
    with pytest.raises(
        AuthenticationFailed, match="password was accepted, but the host also requires: publickey"
    ):
        lab.run(lab.target(host, credential=Credential(password=Secret("second"))), "true")


def test_a_password_is_not_tried_in_place_of_a_refused_key(lab, users, own_host, tmp_path):
    host = own_host(user=users.make(password="second"), password=True)
    key = Secret(hosts.make_key(tmp_path / "other"))
    with pytest.raises(AuthenticationFailed, match="rejected the key"):
        lab.run(lab.target(host, credential=Credential(private_key=key, password=Secret("second"))), "true")
    assert "Accepted" not in host.log


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_every_kind_of_host_key(lab, own_host, kind):
    """The stored key is asked for, whatever else the host has."""
    host = own_host(host_key_kinds=("rsa", "ecdsa", "ed25519"))
    stored = host.host_keys[kind]
    assert lab.run(lab.target(host, host_key=stored), "true").exit_code == 0
    assert lab.run(lab.target(host, host_key=stored.split()[1]), "true").exit_code == 0
    assert lab.run(lab.target(host, host_key=stored + " a comment"), "true").exit_code == 0


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_changed_host_key_names_both_fingerprints(lab, host, tmp_path, kind):
    hosts.make_key(tmp_path / "other", kind)
    other = (tmp_path / "other.pub").read_text()
    with pytest.raises(HostKeyMismatch) as caught:
        lab.run(lab.target(host, host_key=other), "true")
    assert caught.value.expected == fingerprint(other)
    assert caught.value.actual == fingerprint(host.host_key)
    assert fingerprint(other) in str(caught.value)
    assert fingerprint(host.host_key) in str(caught.value)


def test_unknown_host_key(lab, host):
    with pytest.raises(HostKeyUnknown) as caught:
        lab.run(lab.target(host, host_key=None), "true")
    assert caught.value.actual == fingerprint(host.host_key)


def test_stored_text_that_is_no_key(lab, host):
    with pytest.raises(HostKeyMismatch, match="not a public key"):
        lab.run(lab.target(host, host_key="ssh-ed25519 nonsense"), "true")


def test_host_key_check_can_be_skipped(lab, host):
    assert lab.run(lab.target(host, host_key=None, skip_host_key=True), "true").exit_code == 0


def test_no_credential_is_sent_to_a_host_with_a_wrong_key(lab, own_host, tmp_path):
    host = own_host()
    hosts.make_key(tmp_path / "other")
    with pytest.raises(HostKeyMismatch):
        lab.run(lab.target(host, host_key=(tmp_path / "other.pub").read_text()), "true")
    assert "Failed" not in host.log and "Accepted" not in host.log


def test_fetch_host_key_logs_in_nowhere(lab, own_host):
    host = own_host()
    key = fetch_host_key(lab.target(host, host_key=None, credential=Credential()))
    assert str(key) == host.host_key
    assert key.fingerprint == fingerprint(host.host_key)
    assert HostKey.parse(str(key)) == HostKey.parse(key.base64) == key
    assert "Accepted" not in host.log


def test_refused_port(lab, host):
    with pytest.raises(ConnectionRefused, match="nothing is listening on port"):
        lab.run(lab.target(host, port=hosts.free_port()), "true")


def test_name_that_does_not_exist(lab, host):
    with pytest.raises(NameResolutionError, match="no-such-host.invalid"):
        lab.run(lab.target(host, host="no-such-host.invalid"), "true")


@pytest.fixture
def listener():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(5)
        yield sock


def test_port_that_accepts_and_says_nothing(lab, host, listener):
    settings = ConnectSettings(connect_timeout_s=1)
    began = time.monotonic()
    with pytest.raises(ConnectTimeout, match="did not answer as an SSH server within 1 s"):
        lab.run(lab.target(host, port=listener.getsockname()[1], settings=settings), "true")
    assert time.monotonic() - began < 3


def test_port_that_speaks_something_else(lab, host, listener):
    def serve():
        peer, _ = listener.accept()
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.close()

    threading.Thread(target=serve, daemon=True).start()
    with pytest.raises(ConnectError, match="does not speak SSH"):
        lab.run(lab.target(host, port=listener.getsockname()[1]), "true")


def test_lines_in_any_encoding_before_the_version(lab, host, listener):
    """A banner of a gateway in Latin-1, then the host itself."""

    def serve():
        peer, _ = listener.accept()
        peer.sendall("Nur für Befugte\r\nZugriff \n".encode("latin-1"))
        with socket.create_connection((host.address, host.port)) as behind:
            pairs = {peer: behind, behind: peer}
            while ready := select.select(list(pairs), [], [], 10)[0]:
                for sock in ready:
                    data = sock.recv(65536)
                    if not data:
                        return peer.close()
                    pairs[sock].sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    assert lab.run(lab.target(host, port=listener.getsockname()[1]), "echo in").stdout == "in\n"


def test_resolver_that_hangs_is_bounded(lab, host, monkeypatch):
    from tower_engine.ssh import pool
    from tower_engine.ssh.connecting import sockets

    release = threading.Event()
    monkeypatch.setattr(sockets.socket, "getaddrinfo", lambda *_a, **_k: release.wait(20) and [])
    monkeypatch.setattr(pool, "QUEUE_LIMIT_S", 0.2)
    settings = ConnectSettings(connect_timeout_s=0.3, auth_timeout_s=0.3)
    began = time.monotonic()
    with pytest.raises(ConnectTimeout):
        lab.run(lab.target(host, host="slow.example", settings=settings), "true")
    assert time.monotonic() - began < 3
    release.set()


def test_no_common_algorithm(lab, own_host):
    host = own_host(options={"Ciphers": "chacha20-poly1305@openssh.com"})
    with pytest.raises(ConnectError, match="no algorithm in common"):
        lab.run(host, "true")


def test_algorithms_can_be_chosen(lab, own_host):
    host = own_host(options={"Ciphers": "aes256-ctr", "MACs": "hmac-sha2-512"})
    assert lab.run(host, "true").exit_code == 0
    settings = ConnectSettings(ciphers=("aes256-ctr",), macs=("hmac-sha2-512",))
    assert lab.run(lab.target(host, settings=settings), "true").exit_code == 0


def test_messages_name_the_host_as_people_do(lab, host):
    target = lab.target(host, name="Web 1", port=hosts.free_port())
    with pytest.raises(ConnectionRefused, match=r"^Web 1 \(127\.0\.0\.1:\d+\)"):
        lab.run(target, "true")


def test_secrets_are_in_no_representation(lab, host):
    target = replace(lab.target(host), credential=Credential(password=Secret("hunter2")))
    assert "hunter2" not in repr(target) + str(target.key)
