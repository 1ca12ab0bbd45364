"""Private keys: from text in memory to something that signs. Nothing is ever written to disk."""

from __future__ import annotations

import io

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ..results import KeyFileError, Secret

_CLASSES = (
    (rsa.RSAPrivateKey, paramiko.RSAKey),
    (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
    (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
)
_PASSPHRASE_MISSING = "The private key is protected by a passphrase, and none is stored with it."
_PASSPHRASE_WRONG = "The passphrase of the private key is wrong."
_UNREADABLE = (
    "The private key cannot be read. Paste the whole file, with its BEGIN and END lines;"
    " formats: OpenSSH, PEM (PKCS#1, PKCS#8)."
)


def load_private_key(text: Secret, passphrase: Secret | None = None) -> paramiko.PKey:
    """Return the key of an OpenSSH or PEM text (RSA, ECDSA, Ed25519).

    :raise KeyFileError: format, kind or passphrase; the message never quotes the key
    """
    data = text.reveal().replace("\r\n", "\n").strip().encode() + b"\n"
    password = passphrase.reveal().encode() if passphrase else None
    loaded = _load(data, password)
    plain = loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()
    for loaded_class, key_class in _CLASSES:
        if isinstance(loaded, loaded_class):
            return key_class.from_private_key(io.StringIO(plain))
    raise KeyFileError("This kind of private key cannot be used: Tower knows RSA, ECDSA and Ed25519.")


def _load(data: bytes, password: bytes | None):
    """Try the OpenSSH format first, then PEM; an unneeded passphrase is ignored as ssh does."""
    load = (
        serialization.load_ssh_private_key if b"BEGIN OPENSSH" in data else serialization.load_pem_private_key
    )
    encrypted = True
    try:
        try:
            return load(data, password=password)
        except TypeError:  # a passphrase for a key without one, or the reverse
            if password is None:
                raise KeyFileError(_PASSPHRASE_MISSING) from None
            encrypted = False
            return load(data, password=None)
    except (ValueError, UnsupportedAlgorithm) as err:
        raise KeyFileError(_explain(err, encrypted and password is not None, data)) from None


def _explain(err: Exception, with_passphrase: bool, data: bytes) -> str:
    reason = str(err).lower()
    if "encrypted" in reason and not with_passphrase:
        return _PASSPHRASE_MISSING
    damaged = not data.startswith(b"-----BEGIN ") or b"-----END " not in data
    if with_passphrase and not damaged:
        return _PASSPHRASE_WRONG
    return _UNREADABLE
