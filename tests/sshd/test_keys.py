"""Private keys as people have and paste them: each is used, or one sentence says what is wrong and what to do."""

import base64
import importlib
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from hypothesis import given, settings
from hypothesis import strategies as st
from tower_engine.errors import KeyFileError
from tower_engine.secret import Secret
from tower_engine.ssh.connecting.private_key import load_private_key

hosts = importlib.import_module("sshd_hosts")
PASSPHRASE = Secret("päss phrase")


def pem(key, passphrase: str = "", fmt=serialization.PrivateFormat.PKCS8) -> str:
    protection = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, fmt, protection).decode()


def protect(path, cipher: str, rounds: int = 1) -> str:
    """Change the protection of a key file with ssh-keygen."""
    subprocess.run(
        [
            "ssh-keygen",
            "-q",
            "-p",
            "-P",
            "",
            "-N",
            "secret",
            "-Z",
            cipher,
            "-a",
            str(rounds),
            "-f",
            str(path),
        ],
        check=True,
        capture_output=True,
    )
    return path.read_text()


def refusal(text: str, passphrase: str = "") -> str:
    with pytest.raises(KeyFileError) as caught:
        load_private_key(Secret(text), Secret(passphrase) if passphrase else None)
    return str(caught.value)


@pytest.mark.parametrize("passphrase", ["", "secret"])
@pytest.mark.parametrize(
    ("key", "name"),
    [
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (ec.generate_private_key(ec.BrainpoolP256R1()), "brainpoolP256r1"),
        (ed448.Ed448PrivateKey.generate(), "Ed448"),
        (x25519.X25519PrivateKey.generate(), "X25519"),
    ],
)
def test_kinds_of_keys_that_ssh_does_not_know_are_named(key, name, passphrase):
    said = refusal(pem(key, passphrase), passphrase)
    assert name in said and "Ed25519" in said and "ssh-keygen" in said


@pytest.mark.parametrize("cipher", ["chacha20-poly1305@openssh.com", "aes192-ctr", "aes128-gcm@openssh.com"])
def test_a_cipher_that_cannot_be_read_is_no_wrong_passphrase(tmp_path, cipher):
    hosts.make_key(tmp_path / "key")
    said = refusal(protect(tmp_path / "key", cipher), "secret")
    assert cipher in said and "ssh-keygen -p -Z aes256-ctr" in said


@pytest.mark.parametrize("cipher", ["aes256-ctr", "aes256-cbc", "aes128-ctr", "aes256-gcm@openssh.com"])
def test_ciphers_of_ssh_keygen_are_read_or_named(tmp_path, cipher):
    hosts.make_key(tmp_path / "key")
    text = protect(tmp_path / "key", cipher)
    try:
        assert load_private_key(Secret(text), Secret("secret")).get_name() == "ssh-ed25519"
    except KeyFileError as error:
        assert cipher in str(error)


def test_key_on_a_security_stick_is_named():
    # what "ssh-keygen -t ed25519-sk" writes: the private part is on the stick
    text = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAASgAAABpzay1zc2gtZWQyNTUxOUBvcGVuc3NoLmNvbQAA
ACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAARzc2g6AAAACAAAAAEAAAAB
-----END OPENSSH PRIVATE KEY-----"""
    assert "sk-ssh-ed25519@openssh.com" in refusal(text)


def test_a_passphrase_that_takes_hours_is_refused(tmp_path):
    hosts.make_key(tmp_path / "key")
    text = protect(tmp_path / "key", "aes256-ctr", 1)
    many = text.splitlines()
    data = base64.b64decode("".join(many[1:-1]))
    data = data.replace(
        (1).to_bytes(4, "big") + (1).to_bytes(4, "big"), b"\0\x98\x96\x80" + (1).to_bytes(4, "big"), 1
    )
    many[1:-1] = [base64.b64encode(data).decode()]
    assert "10000000 KDF rounds" in refusal("\n".join(many), "secret")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBIOmI2LvdU", "public key"),
        ("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----", "public key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none", "PuTTYgen"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "cannot be read"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----", "damaged"),
        ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "damaged"),
        ("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "damaged"),
        ("\ud800", "cannot be read"),
    ],
)
def test_what_is_no_private_key_is_told_apart(text, word):
    assert word in refusal(text)


def _samples() -> list[str]:
    key = rsa.generate_private_key(65537, 1024)
    openssh, old = serialization.PrivateFormat.OpenSSH, serialization.PrivateFormat.TraditionalOpenSSL
    phrase = PASSPHRASE.reveal()
    return [pem(key, phrase), pem(key, phrase, old), pem(key, phrase, openssh), pem(key), pem(key, fmt=old)]


SAMPLES = _samples()


@pytest.mark.parametrize("sample", range(len(SAMPLES)))
@settings(deadline=None, max_examples=15)
@given(
    indent=st.text(" \t\u00a0", max_size=4),
    after=st.text(" \t", max_size=3),
    end=st.sampled_from(["\n", "\r\n", "\n\n", "\r", "\\n", " "]),
    around=st.sampled_from(["", "\ufeff", "Bag Attributes\n    localKeyID: 01\n", "# my key: prod\n"]),
)
def test_a_key_may_be_pasted_with_blanks_indentation_and_lost_lines(sample, indent, after, end, around):
    text = around + "".join(indent + line + after + end for line in SAMPLES[sample].splitlines())
    assert load_private_key(Secret(text), PASSPHRASE).get_bits() == 1024


@pytest.mark.parametrize("sample", range(3))
@settings(deadline=None, max_examples=10)
@given(cut=st.integers(1, 40))
def test_a_key_that_lost_its_end_is_damaged_not_wrongly_protected(sample, cut):
    lines = SAMPLES[sample].rstrip().splitlines()
    body = "\n".join(lines[:-1])[:-cut]
    said = refusal(f"{body}\n{lines[-1]}", PASSPHRASE.reveal())
    assert "damaged" in said or sample == 1  # this format does not say how long it is


@pytest.mark.parametrize("sample", range(3))
@pytest.mark.parametrize("passphrase", ["wrong", "\ud800", "\0"])
def test_wrong_passphrases_are_said_to_be_wrong(sample, passphrase):
    assert refusal(SAMPLES[sample], passphrase) == "The passphrase of the private key is wrong."


@settings(deadline=None, max_examples=200)
@given(
    st.text(),
    st.sampled_from(["OPENSSH PRIVATE KEY", "PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]),
    st.binary(),
)
def test_no_text_ends_in_an_error_of_a_library(text, label, data):
    for body in (
        text,
        base64.b64encode(data).decode(),
        base64.b64encode(b"openssh-key-v1\0" + data).decode(),
    ):
        for passphrase in (None, PASSPHRASE):
            with pytest.raises(KeyFileError):
                load_private_key(
                    Secret(f"-----BEGIN {label}-----\n{body}\n-----END {label}-----"), passphrase
                )
