"""Private keys: from text in memory to something that signs. Nothing is ever written to disk."""

from __future__ import annotations

import io
import re

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko.ssh_exception import SSHException

from ...errors import KeyFileError
from ...secret import Secret
from .key_file import KeyFile

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
#: Each round of bcrypt costs about 10 ms, and somebody waits for it at every log-in.
_MOST_ROUNDS = 1000
_KINDS = "Tower supports RSA, ECDSA (P-256, P-384, P-521) and Ed25519 keys."
_PASSPHRASE_MISSING = "The private key is protected by a passphrase, but no passphrase is stored."
_PASSPHRASE_WRONG = "The passphrase of the private key is wrong."
_UNREADABLE = (
    "The private key cannot be read. Paste the whole file, including its BEGIN and END lines. Supported formats: "
    "OpenSSH, PEM (PKCS#1, PKCS#8)."
)
_DAMAGED = (
    "The private key is damaged or incomplete. Paste the whole file, including its BEGIN and END lines."
)
_NOT_PRIVATE = (
    "This is a public key. Paste the private key: the file without “.pub”, which starts with"
    " “-----BEGIN ... PRIVATE KEY-----”."
)
_PUTTY = "This is a PuTTY key. Export it in PuTTYgen with “Conversions > Export OpenSSH key” and paste that."
_PUBLIC = re.compile(
    r"\s*(ssh-|ecdsa-sha2-|sk-|-----BEGIN [A-Z0-9 ]*PUBLIC KEY-----|---- BEGIN SSH2 PUBLIC KEY)"
)


def load_private_key(text: Secret, passphrase: Secret | None = None) -> paramiko.PKey:
    """Return the key of an OpenSSH or PEM text (RSA, ECDSA, Ed25519).

    Indentation, blank lines and text around the key do no harm.

    :raise KeyFileError: format, kind or passphrase; the message never quotes the key
    """
    file = KeyFile.find(text.reveal())
    if file is None:
        raise KeyFileError(_explain_missing(text.reveal()))
    if file.kdf_rounds > _MOST_ROUNDS:
        raise KeyFileError(
            f"The private key is protected with {file.kdf_rounds} KDF rounds, but Tower accepts at most "
            f"{_MOST_ROUNDS}. Change it with “ssh-keygen -p -a 64 -f FILE”."
        )
    password = passphrase.reveal().encode("utf-8", "surrogatepass") if passphrase else None
    return _usable(_load(file, password))


def _explain_missing(text: str) -> str:
    if _PUBLIC.match(text):
        return _NOT_PRIVATE
    return _PUTTY if text.lstrip().startswith("PuTTY-User-Key-File") else _UNREADABLE


def _usable(loaded) -> paramiko.PKey:
    """Turn a key into one that paramiko signs with."""
    if isinstance(loaded, rsa.RSAPrivateKey):
        key_class = paramiko.RSAKey
    elif isinstance(loaded, ed25519.Ed25519PrivateKey):
        key_class = paramiko.Ed25519Key
    elif isinstance(loaded, ec.EllipticCurvePrivateKey) and isinstance(loaded.curve, _CURVES):
        key_class = paramiko.ECDSAKey
    else:
        raise KeyFileError(_wrong_kind(_kind_of(loaded)))
    try:
        plain = loaded.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        ).decode()
        return key_class.from_private_key(io.StringIO(plain))
    except (ValueError, UnsupportedAlgorithm, SSHException):
        raise KeyFileError(_wrong_kind(_kind_of(loaded))) from None


def _kind_of(loaded) -> str:
    if isinstance(loaded, ec.EllipticCurvePrivateKey):
        return f"ECDSA on {loaded.curve.name}"
    return type(loaded).__name__.lstrip("_").removesuffix("PrivateKey")


def _wrong_kind(kind: str) -> str:
    return f"Private keys of this type ({kind}) are not supported. {_KINDS} Create one with ssh-keygen."


def _load(file: KeyFile, password: bytes | None):
    """Read the key; an unneeded passphrase is ignored as ssh does."""
    load = serialization.load_ssh_private_key if file.is_openssh else serialization.load_pem_private_key
    if not file.is_protected:
        password = None
    elif not password:
        raise KeyFileError(_PASSPHRASE_MISSING)
    try:
        return load(file.text.encode(), password=password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise KeyFileError(_explain(err, file)) from None


def _explain(err: Exception, file: KeyFile) -> str:
    """Say what is wrong with a key file that cannot be read."""
    if file.is_damaged:
        return _DAMAGED
    if file.kind and not file.kind.startswith(("ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp")):
        return _wrong_kind(file.kind)
    if isinstance(err, UnsupportedAlgorithm) and file.is_protected:
        return (
            f"The private key uses a cipher that Tower does not support ({file.cipher or 'unknown cipher'})."
            " Change it with “ssh-keygen -p -Z aes256-ctr -f FILE”."
        )
    return _PASSPHRASE_WRONG if file.is_protected else _UNREADABLE
