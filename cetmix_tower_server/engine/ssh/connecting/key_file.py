"""The file of a private key as people paste it: finding it in a text, and what it says of itself without its passphrase.

OpenSSH's own format is described in its PROTOCOL.key, the other one (PEM) in RFC 1421 and RFC 7468.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
# Headers of an encrypted PEM file; they stand on lines of their own, and on one line where those were lost.
_HEADER = re.compile(r"\s*((?:Proc-Type|DEK-Info|Key-Info|Originator-[A-Za-z-]+): ?)(\S+)")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=]")
_LINE = 64
_MAGIC = b"openssh-key-v1\0"


@dataclass(frozen=True)
class KeyFile:
    """A private key's file.

    :param text: as the format wants it, whatever the pasted text did to lines and blanks
    :param is_protected: by a passphrase
    :param is_damaged: it ends too early, or contains what cannot stand there
    :param kind: name of the key's type, where the file tells ("ssh-ed25519"); the same for ``cipher``
    :param kdf_rounds: how often the passphrase is hashed; 0: not told
    """

    text: str
    is_openssh: bool
    is_protected: bool = False
    is_damaged: bool = False
    kind: str = ""
    cipher: str = ""
    kdf_rounds: int = 0

    @classmethod
    def find(cls, pasted: str) -> KeyFile | None:
        """Return the first private key in a text, None when there is none."""
        found = _BLOCK.search(pasted.replace("\\n", "\n"))
        if not found:
            return None
        label, body = found[1], found[2]
        headers = {}
        while header := _HEADER.match(body):
            headers[header[1].strip()] = header[2]
            body = body[header.end() :]
        body = "".join(body.split())
        text = _join(label, headers, body)
        data = _decode(body)
        if label == "OPENSSH PRIVATE KEY":
            return cls(text, True, **_read_openssh(data))
        return cls(
            text,
            False,
            is_protected=label.startswith("ENCRYPTED") or "ENCRYPTED" in headers.get("Proc-Type:", ""),
            is_damaged=not data or ("DEK-Info:" not in headers and not _is_complete(data)),
            cipher=headers.get("DEK-Info:", "").partition(",")[0],
        )


def _join(label: str, headers: dict[str, str], body: str) -> str:
    lines = [f"-----BEGIN {label}-----"]
    if headers:
        lines += [*(f"{name} {value}" for name, value in headers.items()), ""]
    lines += [body[start : start + _LINE] for start in range(0, len(body), _LINE)]
    return "\n".join([*lines, f"-----END {label}-----", ""])


def _decode(body: str) -> bytes:
    """Return what base64 stands for, b"" when it is none."""
    if _NOT_BASE64.search(body):
        return b""
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_complete(der: bytes) -> bool:
    """Return whether the outermost DER value has the length that it says."""
    if len(der) < 2 or der[0] != 0x30:
        return False
    if der[1] < 0x80:
        return len(der) == 2 + der[1]
    size = der[1] & 0x7F
    return len(der) == 2 + size + int.from_bytes(der[2 : 2 + size], "big")


def _read_openssh(data: bytes) -> dict:
    """Read what stands before the encrypted part."""
    try:
        if not data.startswith(_MAGIC):
            raise ValueError
        cipher, rest = _string(data[len(_MAGIC) :])
        kdf, rest = _string(rest)
        options, rest = _string(rest)
        public, rest = _string(rest[4:])  # after the number of keys, which is 1
        kind, _rest = _string(public)
        private, tag = _string(rest)
        rounds = int.from_bytes(_string(options)[1], "big") if kdf == b"bcrypt" else 0
        return {
            "is_protected": cipher != b"none",
            "is_damaged": not private or len(tag) > 64,
            "kind": kind.decode("ascii", "replace"),
            "cipher": cipher.decode("ascii", "replace"),
            "kdf_rounds": rounds,
        }
    except ValueError:
        return {"is_damaged": True}


def _string(data: bytes) -> tuple[bytes, bytes]:
    """Return a string with its length before it, and what follows."""
    end = 4 + int.from_bytes(data[:4], "big")
    if len(data) < end:
        raise ValueError
    return data[4:end], data[end:]
