"""Engine, files, over loopback: 64 MB against OpenSSH's sftp and scp through the same sshd; 500 small files."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from figures import Figure, Samples, interleaved, paired_ratio, seconds
from lab import Lab, hosts

BIG_MB = 64
SMALL_FILES = 500
SMALL_BYTES = 4096
ROUNDS = 9


def measure(lab: Lab) -> list[Figure]:
    from tower_engine.results import Secret
    from tower_engine.ssh.files import FileSession
    from tower_engine.ssh.pool import ConnectionPool
    from tower_engine.ssh.target import Credential, Target

    host = lab.host
    credential = Credential(private_key=Secret(host.private_key))
    target = Target(host.address, host.port, host.user, credential, host.host_key)
    pool = ConnectionPool()
    with tempfile.TemporaryDirectory(prefix="tower-benchmark-files-") as name:
        folder = Path(name)
        folder.chmod(0o777)  # sshd's user writes here, and so do we
        try:
            with FileSession(pool, target) as session:
                return [*_big(session, _OpenSsh(host, folder), folder), *_small(session, folder)]
        finally:
            pool.close()


def _big(session, openssh: _OpenSsh, folder: Path) -> list[Figure]:
    """Upload and download. Uploads are flushed to the disk by all but scp, which cannot be told to."""
    from tower_engine.ssh.files import Content, PushSpec

    local, there, back = folder / "local", folder / "there", folder / "back"
    local.write_bytes(os.urandom(BIG_MB * 1024 * 1024))
    content = Content.from_path(local)

    def pull() -> None:
        with back.open("wb") as out:
            session.pull(str(there), out, digest=False)  # as Tower's own runs do

    def put() -> None:
        session.push(PushSpec(str(there), content))

    uploads = {"tower": put, "sftp": partial(openssh.sftp, "put -f", local, there)}
    uploads |= {"scp": partial(openssh.scp, local, f"{openssh.host}:{there}")}
    downloads = {"tower": pull, "sftp": partial(openssh.sftp, "get", there, back)}
    downloads |= {"scp": partial(openssh.scp, f"{openssh.host}:{there}", back)}
    figures = []
    openssh.open()
    try:
        for name, actions in (("upload", uploads), ("download", downloads)):
            for action in actions.values():
                action()
            rates = interleaved(ROUNDS, **{key: partial(_rate, action) for key, action in actions.items()})
            figures.append(_figure(name, rates))
    finally:
        openssh.close()
    if back.read_bytes() != local.read_bytes():
        raise RuntimeError("another content came back")
    return figures


def _rate(action) -> float:
    """Return megabytes a second."""
    return BIG_MB / seconds(action)


def _figure(name: str, rates: dict[str, Samples]) -> Figure:
    ours = rates["tower"]
    detail = f"Tower {ours.text('MB/s')}, sftp {rates['sftp'].text('MB/s')}, scp {rates['scp'].text('MB/s')}"
    return Figure(
        f"{BIG_MB} MB {name}: against sftp", paired_ratio(ours, rates["sftp"]), "x",
        f"{detail}; against scp {paired_ratio(ours, rates['scp']):.3g} x", 1,
    )  # fmt: skip


def _small(session, folder: Path) -> list[Figure]:
    """Each flushed to the disk and put in place in one step; the floor flushes and renames as often, with no host."""
    from tower_engine.ssh.files import Content, PushSpec

    data = os.urandom(SMALL_BYTES)
    content = Content.from_bytes(data)

    def push() -> float:
        failed = []

        def ended(_spec, result) -> None:
            if isinstance(result, Exception):
                failed.append(result)

        specs = [PushSpec(f"{folder}/small/{number}", content) for number in range(SMALL_FILES)]
        taken = seconds(lambda: session.push_many(specs, ended))
        if failed:
            raise failed[0]
        return SMALL_FILES / taken

    def floor() -> float:
        (folder / "floor").mkdir(exist_ok=True)
        return SMALL_FILES / seconds(
            lambda: [_write(folder / "floor" / str(n), data) for n in range(SMALL_FILES)]
        )

    push()
    rates = interleaved(ROUNDS, tower=push, floor=floor)
    detail = (
        f"Tower {rates['tower'].text('files/s')}; write, flush and rename on the disk itself"
        f" {rates['floor'].text('files/s')}: {paired_ratio(rates['tower'], rates['floor']):.3g} of that"
    )
    return [Figure(f"{SMALL_FILES} files of 4 KB", rates["tower"].median, "files/s", detail, 200)]


def _write(path: Path, data: bytes) -> None:
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


class _OpenSsh:
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

    def open(self) -> None:
        self._run("ssh", "-M", "-N", "-f", self.host)

    def sftp(self, verb: str, source: Path, target: Path) -> None:
        self._run("sftp", "-q", "-b", "-", self.host, words=f"{verb} {source} {target}\n")

    def scp(self, source: object, target: object) -> None:
        self._run("scp", "-q", str(source), str(target))

    def close(self) -> None:
        self._run("ssh", "-O", "exit", self.host)

    def _run(self, name: str, *arguments: str, words: str = "") -> None:
        program = hosts.find_program(name) or name
        subprocess.run(
            [program, *self._flags, *arguments], input=words, text=True, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if arguments[0] == "-O" else None,
        )  # fmt: skip
