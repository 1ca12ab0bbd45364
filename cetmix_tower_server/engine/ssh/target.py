"""Where to log in and how: plain values, and the key by which a pooled connection is found again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field

from ..secret import Secret

#: Digests of credentials are only compared inside one process, so their salt dies with it.
_SALT = os.urandom(32)


@dataclass(frozen=True)
class Credential:
    """What proves who we are: a private key, a password, or a key with a password as second factor.

    :param needs_key: the log-in is by key; without one nothing is sent, a password least of all
    """

    password: Secret | None = None
    private_key: Secret | None = None
    passphrase: Secret | None = None
    needs_key: bool = False

    @property
    def fingerprint(self) -> str:
        """Digest that is equal for equal credentials in this process and tells nothing elsewhere."""
        digest = hashlib.blake2b(b"key" if self.needs_key else b"", key=_SALT, digest_size=16)
        for secret in (self.password, self.private_key, self.passphrase):
            value = secret.reveal().encode() if secret else b""
            digest.update(b"%d:%b" % (len(value), value))
        return digest.hexdigest()


@dataclass(frozen=True)
class ConnectSettings:
    """Clocks and algorithms of a connection.

    :param connect_timeout_s: seconds for name, TCP, banner and key exchange together
    :param auth_timeout_s: seconds for the log-in after that
    :param keepalive_interval_s: seconds of silence of the whole connection before we ask for a sign of
        life; 0 switches it off
    :param keepalive_count_max: silent intervals after which the connection counts as lost
    :param ciphers: names to offer, in order; empty: all that are sound. The same for the other tuples
    """

    connect_timeout_s: float = 10
    auth_timeout_s: float = 15
    keepalive_interval_s: float = 15
    keepalive_count_max: int = 3
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    kex: tuple[str, ...] = ()
    host_key_algorithms: tuple[str, ...] = ()

    @property
    def dead_after_s(self) -> float:
        """Seconds of silence after which a connection counts as lost (0: never)."""
        return self.keepalive_interval_s * self.keepalive_count_max

    @property
    def algorithms(self) -> tuple:
        return (self.ciphers, self.macs, self.kex, self.host_key_algorithms)


@dataclass(frozen=True)
class Target:
    """A log-in on a host.

    :param host: name, IPv4 or IPv6 address
    :param host_key: stored key of the host: "type base64" or base64 alone
    :param skip_host_key: accept any key; a deliberate choice of a person
    :param jump: the host through which this one is reached; chains are allowed
    :param name: what messages call the host, e.g. the server's name
    """

    host: str
    port: int
    username: str
    credential: Credential = field(default_factory=Credential, repr=False)
    host_key: str | None = None
    skip_host_key: bool = False
    settings: ConnectSettings = field(default_factory=ConnectSettings)
    jump: Target | None = None
    name: str = ""

    @property
    def address(self) -> str:
        """Return host and port as people write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def label(self) -> str:
        """Return what error messages call this host."""
        return f"{self.name} ({self.address})" if self.name else self.address

    @property
    def route(self) -> tuple:
        """The hosts on the way, first jump first, and this one last."""
        return (*(self.jump.route if self.jump else ()), (self.host, self.port))

    @property
    def key(self) -> tuple:
        """Identity of a connection that may be shared: never the same for different credentials."""
        return (
            self.host,
            self.port,
            self.username,
            self.credential.fingerprint,
            self.host_key,
            self.skip_host_key,
            self.settings.algorithms,
            self.jump.key if self.jump else None,
        )

    def __post_init__(self):
        if self.port and not 0 < self.port < 65536:
            raise ValueError("A TCP port is between 1 and 65535.")
