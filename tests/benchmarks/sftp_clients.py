"""What Tower's file transfers are compared with: OpenSSH's programs, and paramiko's SFTPClient."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path
from typing import BinaryIO

import paramiko
from lab import hosts
from paramiko.sftp import CMD_EXTENDED

#: Sizes of requests with which SFTPClient is fastest; it reads in as large pieces as Tower does.
_WRITE_BYTES = 32 * 1024
_READ_BYTES = 255 * 1024


class OpenSsh:
    """sftp and scp through a master connection, so that no log-in is measured."""

    def __init__(self, host, folder: Path):
        (folder / "known_hosts").write_text(f"[{host.address}]:{host.port} {host.host_key}\n")
        key = folder / "key"
        key.write_text(host.private_key)
        key.chmod(0o600)
        self.host = f"{host.user}@{host.address}"
        options = {
            "ControlPath": folder / "master", "UserKnownHostsFile": folder / "known_hosts", "Port": host.port,
            "IdentityFile": key, "IdentitiesOnly": "yes", "BatchMode": "yes",
        }  # fmt: skip
        self._flags = ["-F", "none", *(f"-o{name}={value}" for name, value in options.items())]

    def __enter__(self) -> OpenSsh:
        self._run("ssh", "-M", "-N", "-f", self.host)
        return self

    def __exit__(self, *_exc) -> None:
        self._run("ssh", "-O", "exit", self.host)

    def sftp(self, verb: str, source: Path, target: Path) -> None:
        self._run("sftp", "-q", "-b", "-", self.host, words=f"{verb} {source} {target}\n")

    def scp(self, source: object, target: object) -> None:
        self._run("scp", "-q", str(source), str(target))

    def _run(self, name: str, *arguments: str, words: str = "") -> None:
        program = hosts.find_program(name) or name
        subprocess.run(
            [program, *self._flags, *arguments], input=words, text=True, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if arguments[0] == "-O" else None,
        )  # fmt: skip


class Paramiko:
    """paramiko's SFTPClient with the same guarantees as Tower's: a file is flushed, checked and put in place in one step.

    It has a channel of its own on the connection that Tower uses, with the same window.
    """

    def __init__(self, pool, target):
        from tower_engine.ssh.connecting.transport import WINDOW_BYTES

        with pool.open_channel(target) as lease:
            transport = lease.connection.transport
        self._client = paramiko.SFTPClient.from_transport(transport, window_size=WINDOW_BYTES)

    def __enter__(self) -> Paramiko:
        return self

    def __exit__(self, *_exc) -> None:
        self._client.close()

    def push(self, source: BinaryIO, path: str) -> None:
        """Write a file; its pieces are on their way at the same time, everything else waits for its answer."""
        draft = f"{path}.{secrets.token_hex(4)}"
        with self._client.open(draft, "wbx") as file:
            file.MAX_REQUEST_SIZE = _WRITE_BYTES
            file.set_pipelined(True)
            size = 0
            while data := source.read(_WRITE_BYTES):
                file.write(data)
                size += len(data)
            # SFTPClient has no public method for that
            self._client._request(CMD_EXTENDED, "fsync@openssh.com", file.handle)
            file.chmod(0o644)
            if file.stat().st_size != size:
                raise RuntimeError("the file did not arrive completely")
        self._client.posix_rename(draft, path)

    def pull(self, path: str, out: BinaryIO) -> None:
        """Read a file; all of it is asked for at once (with a limit, SFTPClient sleeps between its requests)."""
        with self._client.open(path, "rb") as file:
            file.MAX_REQUEST_SIZE = _READ_BYTES
            file.prefetch(file.stat().st_size)
            while data := file.read(_READ_BYTES):
                out.write(data)
