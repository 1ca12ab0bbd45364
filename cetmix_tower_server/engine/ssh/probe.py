"""Tests a connection before anything is run: fetches the host key, and tries every step on the way to a command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import ConnectError, EngineError
from ..script.conversation import ScriptSpec, SudoMode
from ..secret import Secret
from .connecting import sockets
from .connecting.connection import Connection, handshake, host_key_of
from .connecting.dialing import open_tunnel
from .connecting.host_key import HostKey, check_host_key
from .connecting.login import authenticate
from .errors import lost, lost_if_broken, where
from .pool import ConnectionPool
from .running.command_result import Outcome
from .running.run_script import Clocks, run_script
from .target import Target

_SFTP_LIMIT_S = 10.0
#: A login shell whose start-up files take longer is reported.
SHELL_LIMIT_S = 10.0
#: SSH_FXP_INIT, version 3; a server answers with SSH_FXP_VERSION (2).
_SFTP_INIT = bytes((0, 0, 0, 5, 1, 0, 0, 0, 3))
_SFTP_VERSION = 2


@dataclass(frozen=True)
class ProbeStep:
    """One part of a connection test.

    :param name: "jump", "name", "tcp", "host key", "authentication", "shell", "sftp" or "sudo"
    :param seconds: how long it took
    :param message: what was found, or why it failed
    """

    name: str
    ok: bool
    seconds: float
    message: str = ""


def fetch_host_key(target: Target, pool: ConnectionPool | None = None) -> HostKey:
    """Return the key a host shows now. No credential of the target is sent; jump hosts are logged in to.

    The type that is stored for the target is asked for first, so that a comparison means something.

    :param pool: where connections to jump hosts come from; default: one for this call
    :raise ConnectError: a subclass that says which step failed
    """
    probe = _Probe(pool or ConnectionPool(), target)
    try:
        probe.open_way()
        return probe.shake_hands()
    finally:
        probe.close()
        if pool is None:
            probe.pool.close()


def test_connection(
    pool: ConnectionPool,
    target: Target,
    sudo: SudoMode = SudoMode.NONE,
    sudo_password: Secret | None = None,
    shell: bool = True,
    sftp: bool = True,
) -> list[ProbeStep]:
    """Try everything a command needs, step by step, over a new connection; stop at the first failure
    that makes the rest impossible.

    A person asked for the test, so a credential that was refused a moment ago is tried again.

    :param shell: try the shell, and sudo where a mode is given; False for hosts without a POSIX shell
    :param sftp: try the file transfer
    :return: the steps in order; a failure of shell, SFTP or sudo does not prevent the other steps
    """
    probe = _Probe(pool, target)
    pool.forget_refusal(target)
    try:
        probe.open_session()
        if shell:
            probe.try_shell()
        if sftp:
            probe.try_sftp()
        if shell and SudoMode(sudo) is not SudoMode.NONE:
            probe.try_sudo(SudoMode(sudo), sudo_password)
    except _Failed:
        pass
    finally:
        probe.close()
    return probe.steps


test_connection.__test__ = False  # the name looks like a test to pytest


class _Failed(Exception):
    """A step failed that the remaining ones depend on."""


class _Probe:
    """A connection that is established step by step."""

    def __init__(self, pool: ConnectionPool, target: Target):
        self.pool = pool
        self.target = target
        self.steps: list[ProbeStep] = []
        self._closers: list[Callable[[], None]] = []
        self._sock = None
        self._transport = None
        self._watched = None
        self._connection: Connection | None = None

    def close(self) -> None:
        while self._closers:
            self._closers.pop()()

    # -- the way, used with and without steps

    def open_way(self) -> None:
        if self.target.jump:
            self._open_jump()
        else:
            self._open_tcp(self._resolve())

    def shake_hands(self) -> HostKey:
        deadline = time.monotonic() + self.target.settings.connect_timeout_s
        self._transport, self._watched = handshake(self.target, self._sock, deadline)
        self._closers.append(self._transport.close)
        return host_key_of(self._transport)

    def _resolve(self) -> list[tuple]:
        return sockets.resolve(self.target)

    def _open_tcp(self, addresses: list[tuple]) -> None:
        deadline = time.monotonic() + self.target.settings.connect_timeout_s
        self._sock = sockets.open_socket(self.target, addresses, deadline)
        self._closers.append(self._sock.close)

    def _open_jump(self) -> None:
        lease = self.pool.lease(self.target.jump)
        self._closers.append(lease.release)
        self._sock = open_tunnel(lease, self.target)
        self._closers.append(self._sock.close)

    # -- the steps

    def open_session(self) -> None:
        if self.target.jump:
            with self._step("jump") as found:
                self._open_jump()
                found.append(f"through {self.target.jump.label}")
        else:
            with self._step("name") as found:
                addresses = self._resolve()
                found.append(", ".join(dict.fromkeys(address[4][0] for address in addresses)))
            with self._step("tcp"):
                self._open_tcp(addresses)
        with self._step("host key") as found:
            key = self.shake_hands()
            found.append(f"{key.type} {key.fingerprint}")
            check_host_key(self.target, key)
        with self._step("authentication"):
            authenticate(self.target, self._transport)
            self._watched.end_handshake()
        self._connection = Connection(self.target, self._transport, self._watched, lambda: None)
        self._closers.append(self._connection.close)

    def try_shell(self) -> None:
        with self._step("shell", fatal=False) as found:
            found.append(self._run(ScriptSpec("uname -a 2>/dev/null || echo POSIX shell")))

    def try_sftp(self) -> None:
        with self._step("sftp", fatal=False) as found:
            found.append(f"version {_sftp_version(self._connection)}")

    def try_sudo(self, sudo: SudoMode, password: Secret | None) -> None:
        with self._step("sudo", fatal=False) as found:
            spec = ScriptSpec(":;id -un", sudo=sudo, sudo_password=password, split=False)
            found.append("runs as " + self._run(spec))

    def _run(self, spec: ScriptSpec) -> str:
        limit = self.target.settings.connect_timeout_s + self.target.settings.auth_timeout_s
        clocks = Clocks(limit, limit, 1, 5, SHELL_LIMIT_S)
        result = run_script(_SingleConnection(self._connection), self.target, spec, clocks)
        if result.outcome is not Outcome.COMPLETED or result.exit_code:
            raise EngineError(
                result.message or f"exit code {result.exit_code}: {result.stderr.strip()[:200]}"
            )
        return result.stdout.strip()[:200]

    @contextmanager
    def _step(self, name: str, fatal: bool = True) -> Iterator[list[str]]:
        began = time.monotonic()
        found: list[str] = []
        try:
            yield found
        except EngineError as err:
            self.steps.append(ProbeStep(name, False, time.monotonic() - began, str(err)))
            if fatal:
                raise _Failed from err
        else:
            self.steps.append(ProbeStep(name, True, time.monotonic() - began, "; ".join(found)))


class _SingleConnection:
    """Stands in for a pool where exactly one connection is to be used."""

    def __init__(self, connection: Connection):
        self._connection = connection

    def open_channel(self, target: Target, *_options) -> _SingleLease:
        return _SingleLease(self._connection, target.settings.connect_timeout_s)

    def lease(self, target: Target, _stop=None):
        raise ConnectError(f"A connection test uses one connection to {target.label} only.", *where(target))


class _SingleLease:
    """See :class:`_SingleConnection`."""

    reused = False

    def __init__(self, connection: Connection, timeout_s: float):
        self.connection = connection
        self.channel = connection.open_channel(timeout_s)

    def __enter__(self) -> _SingleLease:
        return self

    def __exit__(self, *_exc) -> None:
        self.channel.close()


def _sftp_version(connection: Connection) -> int:
    """Start the SFTP subsystem and return the version it offers."""
    target = connection.target
    deadline = time.monotonic() + _SFTP_LIMIT_S
    channel = connection.open_channel(_SFTP_LIMIT_S)
    answer = b""
    try:
        with lost_if_broken(target):
            channel.request("subsystem", "sftp")
            to_send = _SFTP_INIT
            while len(answer) < 9 and time.monotonic() < deadline and not channel.ended:
                channel.wake.wait(0.2)
                channel.wake.clear()
                to_send = to_send[channel.send_some(to_send) :]  # sshd opens its window after the request
                answer += b"".join(data for _stream, data in channel.take())
    finally:
        channel.close()
    if len(answer) >= 9 and answer[4] == _SFTP_VERSION:
        return int.from_bytes(answer[5:9], "big")
    if not connection.alive:
        raise lost(target)
    raise ConnectError(f"{target.label} does not offer SFTP, so files cannot be transferred.", *where(target))
