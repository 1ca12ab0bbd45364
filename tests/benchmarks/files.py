"""Engine, files: 64 MB against OpenSSH's sftp and scp and paramiko's SFTPClient through the same sshd; small files."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from distance import Distance
from figures import Figure, Samples, interleaved, paired_ratio, seconds
from lab import Lab
from sftp_clients import OpenSsh, Paramiko

BIG_MB = 64
SMALL_FILES = 500
SMALL_BYTES = 4096
ROUNDS = 9
# one file after the other takes long on a host that is far away
FAR_MS = 10
FAR_FILES = 100
FAR_ROUNDS = 5


def measure(lab: Lab) -> list[Figure]:
    from tower_engine.secret import Secret
    from tower_engine.ssh.files import FileSession
    from tower_engine.ssh.pool import ConnectionPool
    from tower_engine.ssh.target import Credential, Target

    host = lab.host
    credential = Credential(private_key=Secret(host.private_key))
    target = Target(host.address, host.port, host.user, credential, host.host_key)
    pool = ConnectionPool()
    with tempfile.TemporaryDirectory(prefix="tower-benchmark-files-") as name, ExitStack() as stack:
        stack.callback(pool.close)
        folder = Path(name)
        folder.chmod(0o777)  # sshd's user writes here, and so do we
        session = stack.enter_context(FileSession(pool, target))
        paramiko = stack.enter_context(Paramiko(pool, target))
        openssh = stack.enter_context(OpenSsh(host, folder))
        figures = [*_big(session, openssh, paramiko, folder), *_small(session, paramiko, folder)]
        distance = stack.enter_context(Distance(host.address, host.port, FAR_MS / 1000))
        far = replace(target, host="127.0.0.1", port=distance.port)
        session = stack.enter_context(FileSession(pool, far))
        paramiko = stack.enter_context(Paramiko(pool, far))
        return [*figures, _far(session, paramiko, folder)]


def _big(session, openssh: OpenSsh, paramiko: Paramiko, folder: Path) -> list[Figure]:
    """Upload and download. Uploads are flushed to the disk by all but scp, which cannot be told to."""
    from tower_engine.ssh.files import Content, PushSpec

    local, there, back = folder / "local", folder / "there", folder / "back"
    local.write_bytes(os.urandom(BIG_MB * 1024 * 1024))
    content = Content.from_path(local)

    def pull() -> None:
        with back.open("wb") as out:
            session.pull(str(there), out, digest=False)  # as Tower's own runs do

    def pull_with_paramiko() -> None:
        with back.open("wb") as out:
            paramiko.pull(str(there), out)

    def push_with_paramiko() -> None:
        with local.open("rb") as source:
            paramiko.push(source, str(there))

    uploads = {
        "tower": lambda: session.push(PushSpec(str(there), content)),
        "sftp": partial(openssh.sftp, "put -f", local, there),
        "scp": partial(openssh.scp, local, f"{openssh.host}:{there}"),
        "paramiko": push_with_paramiko,
    }
    downloads = {
        "tower": pull,
        "sftp": partial(openssh.sftp, "get", there, back),
        "scp": partial(openssh.scp, f"{openssh.host}:{there}", back),
        "paramiko": pull_with_paramiko,
    }
    figures = []
    for name, actions in (("upload", uploads), ("download", downloads)):
        for action in actions.values():
            action()
        rates = interleaved(ROUNDS, **{key: partial(_rate, action) for key, action in actions.items()})
        figures += _figures(name, rates)
    if back.read_bytes() != local.read_bytes():
        raise RuntimeError("another content came back")
    return figures


def _rate(action) -> float:
    """Return megabytes a second."""
    return BIG_MB / seconds(action)


def _figures(name: str, rates: dict[str, Samples]) -> list[Figure]:
    ours = rates["tower"]
    tower = f"Tower {ours.text('MB/s')}"
    detail = f"{tower}, sftp {rates['sftp'].text('MB/s')}, scp {rates['scp'].text('MB/s')}"
    return [
        Figure(
            f"{BIG_MB} MB {name}: against sftp", paired_ratio(ours, rates["sftp"]), "x",
            f"{detail}; against scp {paired_ratio(ours, rates['scp']):.3g} x", 1,
        ),
        Figure(
            f"{BIG_MB} MB {name}: against paramiko's SFTPClient", paired_ratio(ours, rates["paramiko"]), "x",
            f"{tower}, SFTPClient {rates['paramiko'].text('MB/s')}", 0.8,
        ),
    ]  # fmt: skip


def _small(session, paramiko: Paramiko, folder: Path) -> list[Figure]:
    """Each flushed to the disk and put in place in one step; the floor flushes and renames as often, with no host."""
    data = os.urandom(SMALL_BYTES)

    def floor() -> float:
        (folder / "floor").mkdir(exist_ok=True)
        return SMALL_FILES / seconds(
            lambda: [_write(folder / "floor" / str(n), data) for n in range(SMALL_FILES)]
        )

    push_many = partial(_push_many, session, folder / "small", data, SMALL_FILES)
    push_many()  # makes the directory
    push_each = partial(_push_each, paramiko, folder / "small", data, SMALL_FILES)
    rates = interleaved(ROUNDS, tower=push_many, floor=floor, paramiko=push_each)
    detail = (
        f"Tower {rates['tower'].text('files/s')}; write, flush and rename on the disk itself"
        f" {rates['floor'].text('files/s')}: {paired_ratio(rates['tower'], rates['floor']):.3g} of that"
    )
    return [
        Figure(f"{SMALL_FILES} files of 4 KB", rates["tower"].median, "files/s", detail, 200),
        _against_paramiko(f"{SMALL_FILES} files of 4 KB", rates, 1),
    ]


def _far(session, paramiko: Paramiko, folder: Path) -> Figure:
    """The same with the round trip of a host in another data centre."""
    data = os.urandom(SMALL_BYTES)
    push_many = partial(_push_many, session, folder / "small", data, FAR_FILES)
    push_many()  # connects
    push_each = partial(_push_each, paramiko, folder / "small", data, FAR_FILES)
    rates = interleaved(FAR_ROUNDS, tower=push_many, paramiko=push_each)
    return _against_paramiko(f"{FAR_FILES} files of 4 KB, round trips of {FAR_MS} ms", rates, 5)


def _against_paramiko(name: str, rates: dict[str, Samples], aim: float) -> Figure:
    detail = f"Tower {rates['tower'].text('files/s')}, SFTPClient {rates['paramiko'].text('files/s')}"
    ratio = paired_ratio(rates["tower"], rates["paramiko"])
    return Figure(f"{name}: against paramiko's SFTPClient", ratio, "x", detail, aim)


def _push_many(session, folder: Path, data: bytes, count: int) -> float:
    """Return files a second."""
    from tower_engine.ssh.files import Content, PushSpec

    failed = []

    def ended(_spec, result) -> None:
        if isinstance(result, Exception):
            failed.append(result)

    content = Content.from_bytes(data)
    specs = [PushSpec(f"{folder}/{number}", content) for number in range(count)]
    taken = seconds(lambda: session.push_many(specs, ended))
    if failed:
        raise failed[0]
    return count / taken


def _push_each(paramiko: Paramiko, folder: Path, data: bytes, count: int) -> float:
    """Return files a second. SFTPClient waits for each answer, and threads may not share it."""

    def push() -> None:
        for number in range(count):
            paramiko.push(io.BytesIO(data), f"{folder}/{number}")

    return count / seconds(push)


def _write(path: Path, data: bytes) -> None:
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
