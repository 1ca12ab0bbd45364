"""Files through sudo, in both modes: what only root may touch, hostile names and places, failures, stops."""

import hashlib
import importlib
import io
import os
import pwd
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest
from tower_engine.errors import (
    FileCreationFailed,
    FileDownloadFailed,
    FileError,
    FileExists,
    FileMissing,
    FileTooLarge,
    FileUploadFailed,
    SudoFailed,
    SudoReason,
    TransferTimedOut,
)
from tower_engine.exit_codes import ExitCode
from tower_engine.script.conversation import SudoMode
from tower_engine.secret import Secret
from tower_engine.ssh.files import Content, FileSession, IfExists, PushSpec
from tower_engine.ssh.running.stopping import StopRequested, StopSignal

hosts = importlib.import_module("sshd_hosts")
PASSWORD = "sudo 'päss\" $word"
MODES = {SudoMode.NO_PASSWORD: "ALL=(ALL) NOPASSWD: ALL", SudoMode.PASSWORD: "ALL=(ALL) ALL"}
NAMES = [
    "two words",
    'it\'s "quoted" `x` $(x) $HOME \\',
    "line\nbreak\r\n",
    "Ünïcode 漢字 🙂",
    "-rf",
    "~",
    "*",
    ";x",
    "x" * 255,
]
MB = 1024 * 1024


def make_host(users, rule: str | None, shell: str = "/bin/bash"):
    if hosts.find_program("sudo") is None:
        pytest.skip("sudo is missing")
    return hosts.SshHost(user=users.make(password=PASSWORD, sudo=rule, shell=shell))


@pytest.fixture(scope="module", params=list(MODES), ids=["without password", "with password"])
def sudo_host(request, users):
    """(host, mode)."""
    with make_host(users, MODES[request.param]) as host:
        yield host, request.param


@pytest.fixture
def free(users):
    with make_host(users, MODES[SudoMode.NO_PASSWORD]) as host:
        yield host


@pytest.fixture
def root_files(lab, sudo_host):
    host, mode = sudo_host
    with FileSession(lab.pool, lab.target(host), mode, Secret(PASSWORD)) as session:
        yield session
    assert home_of(host) == []  # nothing of ours is left


@pytest.fixture
def closed(tmp_path):
    """A directory that only root may enter."""
    tmp_path.chmod(0o700)
    return tmp_path


def home_of(host) -> list[str]:
    """Names of what we left in the home directory."""
    return [name for name in os.listdir(pwd.getpwnam(host.user).pw_dir) if "tower" in name]


def put(path, data: bytes = b"new", **options) -> PushSpec:
    return PushSpec(str(path), Content.from_bytes(data), **options)


def pulled(files, path, **options) -> bytes:
    out = io.BytesIO()
    files.pull(str(path), out, **options)
    return out.getvalue()


def test_a_round(root_files, closed):
    data = os.urandom(700_000) + b"\n"
    target = closed / "file"
    result = root_files.push(put(target, data, mode=0o640, owner="daemon", group="mail"))
    assert target.read_bytes() == data and result.size == len(data)
    facts = root_files.stat(str(target), digest=True)
    assert (facts.owner, facts.group, facts.mode, facts.sha256) == ("daemon", "mail", 0o640, result.sha256)
    out = io.BytesIO()
    assert root_files.pull(str(target), out) == facts and out.getvalue() == data
    assert root_files.tail(str(target), 10) == data[-10:] and root_files.tail(str(target), 0) == b""
    assert root_files.delete(str(target)) and not root_files.delete(str(target))
    assert os.listdir(closed) == []


def test_names_are_only_names(root_files, closed):
    results = []
    specs = [put(closed / "deep" / name, name.encode(), backup=len(name) < 200) for name in NAMES]
    root_files.push_many(specs, lambda spec, result: results.append(result))
    assert [result.outcome for result in results] == ["pushed"] * len(NAMES)
    assert sorted(os.listdir(closed / "deep")) == sorted(NAMES)
    for name in NAMES:
        path = closed / "deep" / name
        assert pulled(root_files, path) == name.encode() and root_files.stat(str(path)).owner == "root"
        if len(name) < 200:
            backup = root_files.push(put(path, backup=True)).backup_path
            assert Path(backup).parent == path.parent and Path(backup).read_bytes() == name.encode()
        assert root_files.delete(str(path)) and not path.exists()


def test_any_bytes(root_files, closed):
    data = bytes(range(256)) * 300 + b"\0\n\n"
    root_files.push(put(closed / "file", data))
    assert pulled(root_files, closed / "file") == data
    root_files.push(put(closed / "file", b""))
    assert pulled(root_files, closed / "file") == b"" and root_files.stat(
        str(closed / "file"), True
    ).sha256 == (hashlib.sha256(b"").hexdigest())


def test_owner_and_mode_are_kept_or_set(root_files, closed):
    (closed / "file").write_bytes(b"old")
    os.chown(closed / "file", 1, 2)
    (closed / "file").chmod(0o4751)
    root_files.push(put(closed / "file"))
    found = (closed / "file").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1, 2, 0o4751)
    root_files.push(put(closed / "file", group="mail"))
    assert root_files.stat(str(closed / "file")).group == "mail" and (closed / "file").stat().st_uid == 1
    root_files.push(put(closed / "a/b/new", owner="1", group="2"))
    for path in ("a", "a/b", "a/b/new"):
        assert ((closed / path).stat().st_uid, (closed / path).stat().st_gid) == (1, 2)
    assert stat.S_IMODE((closed / "a/b").stat().st_mode) == 0o755
    assert stat.S_IMODE((closed / "a/b/new").stat().st_mode) == 0o644
    for options in ({"owner": "no such"}, {"group": "-R"}, {"owner": "--reference=/etc/passwd"}):
        with pytest.raises(FileUploadFailed, match="owner and group"):
            root_files.push(put(closed / "file", b"other", **options))
    assert (closed / "file").read_bytes() == b"new" and sorted(os.listdir(closed)) == ["a", "file"]


def test_if_there_is_one(root_files, closed):
    (closed / "file").write_bytes(b"old one")
    skipped = root_files.push(put(closed / "file", if_exists=IfExists.SKIP))
    assert (skipped.outcome, skipped.size) == ("skipped", 7)
    with pytest.raises(FileExists, match="already exists"):
        root_files.push(put(closed / "file", if_exists=IfExists.RAISE))
    assert (closed / "file").read_bytes() == b"old one"
    for choice in (IfExists.SKIP, IfExists.RAISE):
        assert root_files.push(put(closed / choice.value, if_exists=choice)).outcome == "pushed"
    assert sorted(os.listdir(closed)) == ["file", "raise", "skip"]


def test_places(root_files, closed):
    (closed / "real").write_bytes(b"old")
    (closed / "link\n").symlink_to("real")
    (closed / "far").symlink_to(closed / "link\n")
    (closed / "dangling").symlink_to("made")
    (closed / "loop").symlink_to("loop")
    (closed / "directory").mkdir()
    (closed / "to directory").symlink_to("directory")
    os.mkfifo(closed / "pipe")
    root_files.push(put(closed / "far"))
    root_files.push(put(closed / "dangling"))
    root_files.push(put(closed / "to directory/file"))
    assert (closed / "real").read_bytes() == (closed / "made").read_bytes() == b"new"
    assert (closed / "far").is_symlink() and (closed / "dangling").is_symlink()
    assert root_files.stat(str(closed / "far")).is_link and not root_files.stat(str(closed / "real")).is_link
    for name, words in {
        "loop": "points to itself", "directory": "is a directory", "to directory": "is a directory",
        "pipe": "not a regular file", "real/x": "directory cannot be created", "real/x/y": "directory cannot be created",
    }.items():  # fmt: skip
        with pytest.raises(FileCreationFailed, match=words):
            root_files.push(put(closed / name))
    with pytest.raises(FileCreationFailed, match="its directory does not exist"):
        root_files.push(put(closed / "no/file", make_directories=False))
    for name in ("directory", "pipe"):
        for action in (
            root_files.stat,
            lambda path: pulled(root_files, path),
            lambda path: root_files.tail(path, 1),
        ):
            with pytest.raises(FileDownloadFailed, match="directory|not a regular file"):
                action(str(closed / name))
    with pytest.raises(FileUploadFailed, match="is a directory"):
        root_files.delete(str(closed / "directory"))
    assert root_files.delete(str(closed / "far")) and (closed / "real").exists()
    assert root_files.stat(str(closed / "no")) is None and root_files.stat(str(closed / "loop")) is None
    for action in (lambda path: pulled(root_files, path), lambda path: root_files.tail(path, 1)):
        with pytest.raises(FileMissing):
            action(str(closed / "no"))
    assert not [name for name in os.listdir(closed) if "tower" in name]


def test_limit(root_files, closed):
    (closed / "file").write_bytes(bytes(3 * MB))
    assert len(pulled(root_files, closed / "file", limit=3 * MB)) == 3 * MB
    with pytest.raises(FileTooLarge):
        pulled(root_files, closed / "file", limit=3 * MB - 1)
    with pytest.raises(FileTooLarge):
        pulled(root_files, "/proc/kallsyms", limit=10_000)
    assert root_files.stat(str(closed / "file")).size == 3 * MB


def test_the_users_home(root_files, sudo_host):
    home = Path(pwd.getpwnam(sudo_host[0].user).pw_dir)
    root_files.push(put("~/root's file"))
    assert (home / "root's file").read_bytes() == b"new" and root_files.stat("root's file").owner == "root"
    assert root_files.delete("~/root's file")


def test_many_in_several_scripts(root_files, closed):
    (closed / "directory").mkdir()
    names = ["directory", *map(str, range(220))]
    results = {}
    root_files.push_many(
        (put(closed / name, name.encode()) for name in names), lambda s, r: results.update({s.path: r})
    )
    failed = [path for path, result in results.items() if isinstance(result, FileError)]
    assert failed == [str(closed / "directory")] and len(results) == 221
    assert all((closed / name).read_bytes() == name.encode() for name in names[1:])


def test_busybox(lab, users, closed):
    shell = users.login_shell("busybox")
    with make_host(users, MODES[SudoMode.NO_PASSWORD], shell) as host:
        with FileSession(lab.pool, lab.target(host), SudoMode.NO_PASSWORD) as files:
            data = os.urandom(100_000)
            files.push(put(closed / "a'b/c d", data, mode=0o600, backup=True))
            assert pulled(files, closed / "a'b/c d") == data and files.delete(str(closed / "a'b/c d"))


def test_nothing_of_a_content_is_an_argument(lab, free, closed):
    """Looked for in all processes while the script works."""
    seen, done = [], threading.Event()

    def look():
        while not done.is_set():
            listing = subprocess.run(["ps", "-e", "-o", "args="], capture_output=True, text=True).stdout
            seen.append("a secret content" in listing)

    watcher = threading.Thread(target=look)
    watcher.start()
    with FileSession(lab.pool, lab.target(free), SudoMode.NO_PASSWORD) as files:
        specs = [put(closed / str(number), b"a secret content") for number in range(50)]
        files.push_many(specs, lambda _spec, result: result.sha256)
        pulled(files, closed / "1")
    done.set()
    watcher.join()
    assert len(seen) > 2 and not any(seen)


def test_what_is_uploaded_is_private(lab, free, closed, monkeypatch):
    from tower_engine.ssh.files import privileged

    modes = []

    def spy(self, code, run=privileged.Privileged._run, **options):
        home = Path(pwd.getpwnam(free.user).pw_dir)
        for directory in home.glob(".tower-*"):
            modes.extend(stat.S_IMODE(path.stat().st_mode) for path in (directory, *directory.iterdir()))
        return run(self, code, **options)

    monkeypatch.setattr(privileged.Privileged, "_run", spy)
    with FileSession(lab.pool, lab.target(free), SudoMode.NO_PASSWORD) as files:
        files.push(put(closed / "file"))
    assert modes == [0o700, 0o600] and home_of(free) == []


@pytest.mark.parametrize(
    ("rule", "mode", "password", "reason"),
    [
        (None, SudoMode.NO_PASSWORD, None, None),
        ("ALL=(ALL) ALL", SudoMode.PASSWORD, "wrong", SudoReason.REFUSED_PASSWORD),
        ("ALL=(ALL) ALL", SudoMode.PASSWORD, None, SudoReason.NO_PASSWORD_STORED),
        ("ALL=(ALL) ALL", SudoMode.NO_PASSWORD, None, SudoReason.PASSWORD_REQUIRED),
    ],
)
def test_sudo_refuses(lab, users, closed, rule, mode, password, reason):
    with make_host(users, rule) as host:
        with FileSession(lab.pool, lab.target(host), mode, Secret(password) if password else None) as files:
            actions = [lambda: files.push(put(closed / "file"))]
            if password is None:  # sudo takes its time after a wrong password
                actions += [
                    lambda: files.push_many([put(closed / "file")], print),
                    lambda: files.stat("/etc/shadow"),
                    lambda: pulled(files, "/etc/shadow"),
                    lambda: files.delete("/etc/shadow"),
                ]
            for action in actions:
                with pytest.raises(SudoFailed) as caught:
                    action()
                assert caught.value.exit_code == ExitCode.SUDO_FAILED
                assert reason is None or caught.value.reason is reason
        assert home_of(host) == [] and os.listdir(closed) == []


def readers_of(path) -> list[str]:
    """Return the processes that have a file open."""
    open_there = subprocess.run(
        ["find", "/proc", "-maxdepth", "3", "-path", "/proc/[0-9]*/fd/*", "-lname", str(path)],
        capture_output=True,
        text=True,
    )
    return open_there.stdout.split()


class TestAccidents:
    def test_a_full_disk(self, lab, free, tmp_path):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(tmp_path)], check=True)
        try:
            with FileSession(lab.pool, lab.target(free), SudoMode.NO_PASSWORD) as files:
                files.push(put(tmp_path / "file", b"old"))
                with pytest.raises(FileUploadFailed, match="No space left"):
                    files.push(put(tmp_path / "file", bytes(3 * MB)))
            assert (tmp_path / "file").read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]
            assert home_of(free) == []
        finally:
            subprocess.run(["umount", str(tmp_path)], check=True)

    def test_stop_while_the_script_works(self, lab, free, closed, monkeypatch):
        """The script waits in the middle; the stop ends it, and it takes along what it made."""
        self.slow_down(monkeypatch)
        (closed / "file").write_bytes(b"old")
        stop = StopSignal()
        with FileSession(lab.pool, lab.target(free), SudoMode.NO_PASSWORD, stop=stop) as files:
            threading.Timer(1, stop.request).start()
            began = time.monotonic()
            with pytest.raises(StopRequested):
                files.push(put(closed / "file"))
            assert time.monotonic() - began < 6
        assert (
            os.listdir(closed) == ["file"]
            and (closed / "file").read_bytes() == b"old"
            and home_of(free) == []
        )

    def test_a_stop_that_the_host_does_not_confirm_is_told(self, lab, free, closed, monkeypatch):
        self.slow_down(monkeypatch)
        monkeypatch.setattr("tower_engine.ssh.running.run_script.processes_left", lambda _words: None)
        stop = StopSignal()
        with FileSession(lab.pool, lab.target(free), SudoMode.NO_PASSWORD, stop=stop) as files:
            threading.Timer(1, stop.request).start()
            with pytest.raises(StopRequested) as stopped:
                files.push(put(closed / "file"))
        assert stopped.value.may_run_on
        with FileSession(lab.pool, lab.target(free), SudoMode.NO_PASSWORD, timeout_s=1.5) as files:
            with pytest.raises(TransferTimedOut) as late:
                files.push(put(closed / "file"))
        assert late.value.may_run_on

    def test_time_limit_while_the_script_works(self, lab, free, closed, monkeypatch):
        self.slow_down(monkeypatch)
        with FileSession(lab.pool, lab.target(free), SudoMode.NO_PASSWORD, timeout_s=1.5) as files:
            with pytest.raises(TransferTimedOut):
                files.push(put(closed / "file"))
        assert os.listdir(closed) == [] and home_of(free) == []

    @staticmethod
    def slow_down(monkeypatch):
        from tower_engine.ssh.files import scripts

        assert "\nsync " in scripts._PLACE
        monkeypatch.setattr(scripts, "_PLACE", scripts._PLACE.replace("\nsync ", "\nsleep 30;sync "))

    def test_nothing_is_given_away_by_a_name_that_was_exchanged(self, lab, free, closed, monkeypatch):
        """Whoever owns the directory puts a link to another file in the place of what we are making there."""
        from tower_engine.ssh.files import scripts

        victim = closed / "victim"
        victim.write_bytes(b"secret")
        victim.chmod(0o600)
        assert "\nw=size;" in scripts._PLACE
        exchange = f'\nrm -f "$p";ln -s {victim} "$p";w=size;'
        monkeypatch.setattr(scripts, "_PLACE", scripts._PLACE.replace("\nw=size;", exchange))
        with FileSession(lab.pool, lab.target(free), SudoMode.NO_PASSWORD) as files:
            files.push(put(closed / "file", owner="daemon", mode=0o666))
        found = victim.stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode), victim.read_bytes()) == (0, 0o600, b"secret")

    def test_stop_while_pulling(self, lab, free, closed):
        (closed / "large").touch()
        os.truncate(closed / "large", 1 << 40)
        stop = StopSignal()
        with FileSession(lab.pool, lab.target(free), SudoMode.NO_PASSWORD, stop=stop) as files:
            threading.Timer(0.5, stop.request).start()
            began = time.monotonic()
            with open(os.devnull, "wb") as out, pytest.raises(StopRequested):
                files.pull(str(closed / "large"), out)
            assert time.monotonic() - began < 5
        assert readers_of(closed / "large") == []
