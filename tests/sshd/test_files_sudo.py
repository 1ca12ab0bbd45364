"""Files through sudo, in both modes."""

import importlib
import io
import os

import pytest
from tower_engine.results import Secret
from tower_engine.script import SudoMode
from tower_engine.ssh.files import Content, FileSession, PushSpec

hosts = importlib.import_module("sshd_hosts")
PASSWORD = "sudo 'päss\" $word"
MODES = {SudoMode.NO_PASSWORD: "ALL=(ALL) NOPASSWD: ALL", SudoMode.PASSWORD: "ALL=(ALL) ALL"}


@pytest.fixture(scope="module", params=list(MODES), ids=["without password", "with password"])
def sudo_host(request, users):
    """(host, mode)."""
    if hosts.find_program("sudo") is None:
        pytest.skip("sudo is missing")
    user = users.make(password=PASSWORD, sudo=MODES[request.param])
    with hosts.SshHost(user=user) as host:
        yield host, request.param


@pytest.fixture
def root_files(lab, sudo_host):
    host, mode = sudo_host
    with FileSession(lab.pool, lab.target(host), mode, Secret(PASSWORD)) as session:
        yield session


@pytest.fixture
def closed(tmp_path):
    """A directory that only root may enter."""
    tmp_path.chmod(0o700)
    return tmp_path


def put(data: bytes, path, **options) -> PushSpec:
    return PushSpec(str(path), Content.from_bytes(data), **options)


def test_a_round(root_files, closed):
    data = os.urandom(700_000) + b"\n"
    target = closed / "a b\n'\"$HOME~é"
    result = root_files.push(put(data, target, mode=0o640, owner="daemon", group="mail"))
    assert target.read_bytes() == data and result.size == len(data)
    facts = root_files.stat(str(target), digest=True)
    assert (facts.owner, facts.group, facts.mode, facts.sha256) == ("daemon", "mail", 0o640, result.sha256)
    out = io.BytesIO()
    assert root_files.pull(str(target), out) == facts and out.getvalue() == data
    assert root_files.tail(str(target), 10) == data[-10:]
    assert root_files.delete(str(target)) and not root_files.delete(str(target))
    assert os.listdir(closed) == []
