"""Access lists and extended attributes of what a push replaces are kept; what dead workers left is removed."""

import importlib
import io
import os
import pwd
import struct
import subprocess
import time
from pathlib import Path

import pytest
from tower_engine.errors import FileUploadFailed
from tower_engine.script.conversation import SudoMode
from tower_engine.ssh.files import Content, FileSession, Owner, PushSpec, rights, scripts
from tower_engine.ssh.files.link import Link

hosts = importlib.import_module("sshd_hosts")

ACL, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
READER = 12345
NOBODY = 0xFFFFFFFF


def acl(mask: int = 4, group: int = 0) -> bytes:
    """u::rw-, u:READER:r--, g::(group), m::(mask), o::---"""
    entries = [(1, 6, NOBODY), (2, 4, READER), (4, group, NOBODY), (16, mask, NOBODY), (32, 0, NOBODY)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def put(path, data: bytes = b"new", **options) -> PushSpec:
    return PushSpec(str(path), Content.from_bytes(data), **options)


@pytest.fixture
def listed(host, folder):
    """A file that only its owner and READER may read, though its mode shows "r" for the group."""
    made = folder / "listed"
    made.write_bytes(b"old")
    os.chown(made, folder.stat().st_uid, folder.stat().st_gid)
    try:
        os.setxattr(made, ACL, acl())
        os.setxattr(made, "user.note", b"kept")
    except OSError:
        pytest.skip("needs a kernel and file system with access lists")
    assert made.stat().st_mode & 0o777 == 0o640
    return made


def facts(path) -> tuple:
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    return path.read_bytes(), path.stat().st_mode & 0o7777, path.stat().st_uid, attributes


KEPT = {ACL: acl(), "user.note": b"kept"}


def test_access_list_and_attributes_are_kept(files, folder, listed):
    result = files.push(put(listed, backup=True))
    assert result.outcome == "pushed"
    assert facts(listed)[0] == b"new" and facts(listed)[3] == KEPT
    assert open(result.backup_path, "rb").read() == b"old" and os.getxattr(result.backup_path, ACL) == acl()
    assert sorted(os.listdir(folder)) == ["listed", os.path.basename(result.backup_path)]


def test_behind_a_link_and_among_many(files, folder, listed):
    (folder / "link").symlink_to("listed")
    for number in range(20):
        (folder / f"plain {number}").write_bytes(b"old")
        os.chown(folder / f"plain {number}", listed.stat().st_uid, listed.stat().st_gid)
    names = ["link", *(f"plain {number}" for number in range(40))]
    results = []
    files.push_many(
        [put(folder / name) for name in names], lambda _spec, result: results.append(result.outcome)
    )
    assert results == ["pushed"] * 41
    assert facts(listed)[0] == b"new" and facts(listed)[3] == KEPT
    assert all((folder / name).read_bytes() == b"new" for name in names)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660])
def test_a_mode_is_set_as_chmod_sets_it(files, listed, mode):
    files.push(put(listed, mode=mode))
    assert facts(listed)[1] == mode
    assert os.getxattr(listed, ACL) == acl(mask=mode >> 3 & 7)


def test_default_list_of_the_directory_gives_an_old_file_nothing(files, folder):
    old = folder / "old"
    old.write_bytes(b"old")
    os.chown(old, folder.stat().st_uid, folder.stat().st_gid)
    old.chmod(0o640)
    try:
        os.setxattr(folder, DEFAULT, acl(mask=7))
    except OSError:
        pytest.skip("needs a kernel and file system with access lists")
    files.push(put(old))
    assert old.read_bytes() == b"new" and old.stat().st_mode & 0o777 == 0o640
    assert ACL not in os.listxattr(old)


def test_nobody_else_may_read_it_at_any_moment(files, folder, listed, monkeypatch):
    """While the content is written, the list is there and its mask lets nobody in."""
    looking = f'stat -L -c "%a %s" $h >{folder}/seen;e=$(cat <"$s"'
    monkeypatch.setattr(scripts, "_PLACE", scripts._PLACE.replace('e=$(cat <"$s"', looking, 1))
    files.push(put(listed))
    seen = (folder / "seen").read_text().split()
    assert seen == ["600", "0"] and facts(listed)[3] == KEPT


def test_without_python_every_replaced_file_is_pushed_carefully(lab, host, folder, listed, monkeypatch):
    monkeypatch.setattr(rights, "_ASK", rights._ASK.replace("command -v $py", "command -v no-python"))
    with FileSession(lab.pool, lab.target(host)) as session:
        session.push(put(listed))
    assert facts(listed)[3] == KEPT


def test_a_host_without_tools_for_access_lists_refuses_when_it_shows_one(
    lab, host, folder, listed, monkeypatch
):
    monkeypatch.setattr(scripts, "_PLACE", scripts._PLACE.replace("*--attributes-only*", "*no-such-option*"))
    if subprocess.run("command -v setfacl", shell=True, capture_output=True).returncode == 0:
        pytest.skip("needs a kernel without setfacl")
    with FileSession(lab.pool, lab.target(host)) as session:
        with pytest.raises(FileUploadFailed, match="access list, label and attributes"):
            session.push(put(listed))
    assert facts(listed)[0] == b"old" and facts(listed)[3] == KEPT and os.listdir(folder) == ["listed"]


def test_through_sudo(lab, users, listed):
    if hosts.find_program("sudo") is None:
        pytest.skip("sudo is missing")
    before = facts(listed)
    with hosts.SshHost(user=users.make(sudo="ALL=(ALL) NOPASSWD: ALL")) as sudo_host:
        with FileSession(lab.pool, lab.target(sudo_host), SudoMode.NO_PASSWORD) as session:
            session.push(put(listed))
    assert facts(listed) == (b"new", *before[1:])


class TestNoShell:
    @pytest.fixture
    def session(self, lab, own_host):
        host = own_host(options={"ForceCommand": "internal-sftp"})
        with FileSession(lab.pool, lab.target(host)) as session:
            yield session

    def test_what_nobody_can_know_is_not_replaced(self, session, listed):
        with pytest.raises(FileUploadFailed, match="mode 640.*no shell.*Set permissions"):
            session.push(put(listed))
        assert facts(listed)[0] == b"old" and facts(listed)[3] == KEPT
        session.push(put(listed, mode=0o600))
        assert facts(listed)[:2] == (b"new", 0o600)

    def test_usual_files_are(self, session, folder, account):
        for mode in (0o644, 0o600, 0o755):
            session.push(put(folder / "file", mode=mode))
            assert session.push(put(folder / "file", b"newer")).outcome == "pushed"
            assert (folder / "file").stat().st_mode & 0o777 == mode


class Dying(io.RawIOBase):
    """Content in whose middle the process is killed."""

    left = 5

    def readable(self):
        return True

    def read(self, size=-1):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return bytes(size)


class TestLeftovers:
    def leave(self, folder, worker: str, installation: str = "this installation", age_s: float = 100) -> str:
        made = folder / Owner.of(installation, worker, []).temporary_name("target")
        made.write_bytes(b"half")
        os.chown(made, folder.stat().st_uid, folder.stat().st_gid)
        os.utime(made, (time.time() - age_s,) * 2)
        return made.name

    def push(self, lab, host, path, **options):
        owner = Owner.of("this installation", "this worker", ["another one"])
        with FileSession(lab.pool, lab.target(host), **{"owner": owner} | options) as session:
            session.push(put(path))

    def test_what_a_dead_worker_left_is_removed(self, lab, host, folder):
        self.leave(folder, "dead")
        self.push(lab, host, folder / "target")
        assert os.listdir(folder) == ["target"]

    def test_what_somebody_may_be_using_stays(self, lab, host, folder):
        stay = {
            self.leave(folder, "another one"),
            self.leave(folder, "this worker"),
            self.leave(folder, "dead", "another installation"),
            self.leave(folder, "started since", age_s=-5),
        }
        (folder / ".my.tower-notes").write_text("mine")
        self.push(lab, host, folder / "target")
        assert set(os.listdir(folder)) == {*stay, ".my.tower-notes", "target"}

    def test_nothing_is_removed_where_nobody_says_who_lives(self, lab, host, folder):
        left = self.leave(folder, "dead")
        self.push(lab, host, folder / "target", owner=None)
        assert set(os.listdir(folder)) == {left, "target"}

    def test_the_next_push_after_a_kill(self, lab, own_host, folder, monkeypatch):
        """What the connection's end leaves when nobody is there to clean up."""
        host = own_host()
        begun = Owner.of("this installation", "killed", [])
        with monkeypatch.context() as dead, pytest.raises(KeyboardInterrupt):
            dead.setattr(Link, "remove", lambda *_options: None)
            with FileSession(lab.pool, lab.target(host), owner=begun) as session:
                session.push(PushSpec(f"{folder}/target", Content(10**7, Dying)))
        host.kill_sessions()  # the host's side may still be writing what had arrived
        [left] = os.listdir(folder)
        os.utime(folder / left, (time.time() - 60,) * 2)
        self.push(lab, host, folder / "target")
        assert os.listdir(folder) == ["target"]

    def test_private_directories_and_through_sudo(self, lab, users, folder):
        if hosts.find_program("sudo") is None:
            pytest.skip("sudo is missing")
        user = users.make(sudo="ALL=(ALL) NOPASSWD: ALL")
        home = Path(pwd.getpwnam(user).pw_dir)
        private = home / Owner.of("this installation", "dead", []).suffix()
        private.mkdir(0o700)
        (private / "0").write_bytes(b"half")
        subprocess.run(["chown", "-R", user, str(private)], check=True)
        os.utime(private, (time.time() - 100,) * 2)
        left = self.leave(folder, "dead", age_s=1000)
        young = self.leave(folder, "dead", age_s=10)
        with hosts.SshHost(user=user) as host:
            self.push(lab, host, folder / "target", sudo=SudoMode.NO_PASSWORD)
        assert set(os.listdir(folder)) == {young, "target"} and left
        assert not private.exists()
