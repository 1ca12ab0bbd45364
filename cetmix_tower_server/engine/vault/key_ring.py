"""Encryption of stored secrets: AES-256-GCM, a ring of keys, values bound to the record and field they belong to.

A token reads ``v1.<key id>.<base64 of nonce, ciphertext and tag>``. The place (for example "model,id,field") is
authenticated with it, so a token that was copied to another record or field does not decrypt there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import VaultError

KEY_BYTES = 32  # AES-256
NONCE_BYTES = 12  # 96 bits, as NIST SP 800-38D, 8.2.2 recommends for random nonces
KEY_ID_LENGTH = 16  # hexadecimal digits
VERSION = "v1"
_TOKEN = re.compile(rf"{VERSION}\.([0-9a-f]{{{KEY_ID_LENGTH}}})\.([A-Za-z0-9_-]+={{0,2}})")


class KeyRing:
    """Keys of a vault, newest first: the first one encrypts, all of them decrypt.

    A key's id is derived from the key, so nobody has to invent or keep ids.
    """

    __slots__ = ("_ciphers", "_keys")

    def __init__(self, keys: Iterable[bytes]):
        keys = tuple(dict.fromkeys(keys))
        if not keys:
            raise VaultError("The vault has no key.")
        if any(len(key) != KEY_BYTES for key in keys):
            raise VaultError(f"A vault key must have {KEY_BYTES} bytes.")
        self._keys = keys
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Read keys as they are written in an environment variable or file, newest first.

        :param text: base64 (standard or URL-safe) of 32 bytes each, separated by blanks, commas or new lines;
            a line that starts with # is a comment
        :raise VaultError: malformed; the message says which key by number, and never quotes it
        """
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        words = " ".join(lines).replace(",", " ").split()
        return cls(_parse_key(number, word) for number, word in enumerate(words, 1))

    @classmethod
    def generate(cls) -> KeyRing:
        """Return a ring with one new random key."""
        return cls([os.urandom(KEY_BYTES)])

    def with_new_key(self) -> KeyRing:
        """Return a ring with a new key in front; the current ones still decrypt."""
        return type(self)([os.urandom(KEY_BYTES), *self._keys])

    def dump(self) -> str:
        """Return the keys as :meth:`parse` reads them, one a line. The caller keeps this text secret."""
        return "".join(f"{base64.urlsafe_b64encode(key).decode()}\n" for key in self._keys)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the keys, newest first; an id reveals nothing of its key."""
        return tuple(self._ciphers)

    @property
    def current_id(self) -> str:
        """Id of the key that encrypts."""
        return next(iter(self._ciphers))

    def encrypt(self, value: str, context: str) -> str:
        """Return a token for ``value`` that decrypts with the same ``context`` only."""
        key_id = self.current_id
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, value.encode(), _associated(key_id, context))
        return f"{VERSION}.{key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, token: str, context: str) -> str:
        """Return the value of a token.

        :raise VaultError: not a token, unknown key, changed, or made for another context
        """
        key_id, data = _split(token)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKey(f"The vault has no key {key_id}.", key_id)
        try:
            plain = cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _associated(key_id, context))
            return plain.decode()
        except (InvalidTag, ValueError):
            raise VaultError("The stored value was changed, or belongs to another record or field.") from None

    def is_current(self, token: str) -> bool:
        """Return whether ``token`` was made with the newest key."""
        return token.startswith(f"{VERSION}.{self.current_id}.")

    def __repr__(self) -> str:
        return f"<KeyRing {', '.join(self.key_ids)}>"

    def __reduce__(self):
        raise TypeError("A key ring cannot be pickled or copied out of the process.")


class UnknownKey(VaultError):
    """A value was encrypted with a key that is not in the ring.

    :param key_id: id of the missing key
    """

    def __init__(self, message: str, key_id: str = ""):
        super().__init__(message)
        self.key_id = key_id


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"cetmix tower vault key id" + key).hexdigest()[:KEY_ID_LENGTH]


def _associated(key_id: str, context: str) -> bytes:
    return f"{VERSION}.{key_id}.{context}".encode()


def _parse_key(number: int, word: str) -> bytes:
    try:
        key = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise VaultError(f"Vault key number {number} is not the base64 encoding of {KEY_BYTES} bytes.")
    return key


def _split(token: str) -> tuple[str, bytes]:
    match = _TOKEN.fullmatch(token or "")
    if not match:
        raise VaultError("The stored value was not encrypted by the vault.")
    try:
        data = base64.urlsafe_b64decode(match[2])
    except binascii.Error:
        raise VaultError("The stored value was changed.") from None
    # The last base64 digit may have unused bits: only the one way of writing that we write counts.
    if base64.urlsafe_b64encode(data).decode() != match[2]:
        raise VaultError("The stored value was changed.")
    return match[1], data
