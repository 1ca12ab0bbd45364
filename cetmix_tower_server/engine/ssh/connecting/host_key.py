"""Host keys: parses stored keys, computes fingerprints, compares the key of a host with the stored one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from ...errors import HostKeyMismatch, HostKeyUnknown
from ..target import Target

#: Algorithms by which a host can prove a key of that type (RFC 8332 for RSA).
_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


@dataclass(frozen=True)
class HostKey:
    """Public key of a host.

    :param type: name inside the key, e.g. "ssh-ed25519"
    :param base64: the key as in a known_hosts line
    """

    type: str
    base64: str

    @classmethod
    def from_blob(cls, blob: bytes) -> HostKey:
        """Read the wire form (RFC 4253, 6.6): a length, the type's name, the rest.

        :raise ValueError: not a public key
        """
        length = int.from_bytes(blob[:4], "big")
        if not 0 < length <= 64 or len(blob) <= 4 + length:
            raise ValueError("not a public key")
        return cls(blob[4 : 4 + length].decode("ascii"), base64.b64encode(blob).decode())

    @classmethod
    def parse(cls, text: str) -> HostKey:
        """Read "type base64 [comment]" or base64 alone.

        :raise ValueError: neither of them
        """
        words = text.split()
        encoded = words[1] if len(words) > 1 and not words[0].startswith("AAAA") else "".join(words[:1])
        try:
            return cls.from_blob(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError, UnicodeDecodeError):
            raise ValueError("not a public key") from None

    @property
    def blob(self) -> bytes:
        return base64.b64decode(self.base64)

    @property
    def fingerprint(self) -> str:
        """SHA-256 fingerprint as OpenSSH prints it: "SHA256:" and base64 without padding."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return "SHA256:" + digest.rstrip("=")

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Names by which this key is negotiated."""
        return _ALGORITHMS.get(self.type, (self.type,))

    def __str__(self) -> str:
        return f"{self.type} {self.base64}"


def stored_key(target: Target) -> HostKey | None:
    """Return the key that is stored for a target, None when there is none.

    :raise HostKeyMismatch: the stored text is not a public key, so nothing can match it
    """
    if not target.host_key or not target.host_key.strip():
        return None
    try:
        return HostKey.parse(target.host_key)
    except ValueError:
        raise HostKeyMismatch(
            f"The host key stored for {target.label} is not a public key. Fetch the host key again and accept it.",
            target.host,
            target.port,
        ) from None


def check_host_key(target: Target, actual: HostKey) -> None:
    """Compare the key a host showed with the stored one.

    :raise HostKeyUnknown: none is stored
    :raise HostKeyMismatch: another one is stored; both fingerprints are in the message
    """
    if target.skip_host_key:
        return
    expected = stored_key(target)
    if expected is None:
        raise HostKeyUnknown(
            f"No host key is stored for {target.label}. The host presents {actual.type} {actual.fingerprint}."
            " Compare it with the key on the host and accept it.",
            target.host,
            target.port,
            actual=actual.fingerprint,
        )
    if not hmac.compare_digest(expected.blob, actual.blob):
        raise HostKeyMismatch(
            f"{target.label} presented a different host key: stored {expected.fingerprint},"
            f" shown {actual.fingerprint}. Nothing was sent. Accept the new key only if you know why it"
            " changed (host reinstalled, another machine at the address).",
            target.host,
            target.port,
            expected=expected.fingerprint,
            actual=actual.fingerprint,
        )
