"""Files, when things go wrong: full disks, cut connections, stops, frozen hosts, hosts without SFTP; memory stays bounded."""

import hashlib
import importlib
import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tower_engine.errors import (
    ConnectError,
    ConnectionLost,
    FileDownloadFailed,
    FileError,
    FileUploadFailed,
    TransferTimedOut,
)
from tower_engine.exit_codes import ExitCode
from tower_engine.ssh.files import Content, FileSession, PushSpec
from tower_engine.ssh.running.stopping import StopRequested, StopSignal
from tower_engine.ssh.target import ConnectSettings

hosts = importlib.import_module("sshd_hosts")
MB = 1024 * 1024


class Faucet(io.RawIOBase):
    """Content that never ends by itself and does something after a while."""

    def __init__(self, after: int = 0, action=None):
        self._left = after
        self._action = action

    def readable(self):
        return True

    def read(self, size=-1):
        self._left -= size
        if self._action and self._left <= 0:
            self._action, action = None, self._action
            action()
        return bytes(size)


def endless(path, after=0, action=None) -> PushSpec:
    return PushSpec(str(path), Content(1 << 40, lambda: Faucet(after, action)))


def later(seconds: float, action) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def until_listed(folder: Path, names: list[str], limit_s: float = 5) -> bool:
    end = time.monotonic() + limit_s
    while sorted(os.listdir(folder)) != names and time.monotonic() < end:
        time.sleep(0.02)
    return sorted(os.listdir(folder)) == names


@pytest.fixture
def old(folder):
    path = folder / "old"
    path.write_bytes(b"old")
    os.chown(path, folder.stat().st_uid, folder.stat().st_gid)
    return path


class TestFullDisk:
    @pytest.fixture
    def disk(self, own_host, account):
        """(host, folder on a disk of 2 MB)."""
        if account is None:
            pytest.skip("needs root: mounting a small disk")
        host = own_host()
        folder = host.directory / "small"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=777", "tmpfs", str(folder)], check=True)
        yield host, folder
        subprocess.run(["umount", str(folder)], check=True)

    def test_the_old_file_stays(self, lab, disk):
        host, folder = disk
        with FileSession(lab.pool, lab.target(host)) as files:
            files.push(PushSpec(f"{folder}/file", Content.from_bytes(b"old")))
            with pytest.raises(FileUploadFailed, match="no space is left on the disk") as caught:
                files.push(PushSpec(f"{folder}/file", Content.from_bytes(bytes(3 * MB))))
            assert caught.value.exit_code == ExitCode.FILE_UPLOAD_FAILED
            assert (folder / "file").read_bytes() == b"old" and os.listdir(folder) == ["file"]
            results = []
            specs = [PushSpec(f"{folder}/{n}", Content.from_bytes(bytes(300_000))) for n in range(20)]
            files.push_many(specs, lambda spec, result: results.append((spec, result)))
            there = {spec.path for spec, result in results if not isinstance(result, Exception)}
            assert 0 < len(there) < 20 and len(results) == 20
            assert {f"{folder}/{name}" for name in os.listdir(folder)} == there | {f"{folder}/file"}
            assert all(os.path.getsize(path) == 300_000 for path in there)

    def test_read_only(self, lab, disk):
        host, folder = disk
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        with FileSession(lab.pool, lab.target(host)) as files:
            with pytest.raises(FileError, match="mounted read-only"):
                files.push(PushSpec(f"{folder}/file", Content.from_bytes(b"x")))


class TestStop:
    def test_push(self, lab, host, old, folder):
        stop = StopSignal()
        with FileSession(lab.pool, lab.target(host), stop=stop) as files:
            timer = later(0.3, stop.request)
            began = time.monotonic()
            with pytest.raises(StopRequested):
                files.push(endless(old))
            assert time.monotonic() - began < 2
            timer.join()
        assert old.read_bytes() == b"old" and until_listed(folder, ["old"])
        assert lab.run(host, "echo on").stdout == "on\n"  # others on the connection go on

    def test_many(self, lab, host, folder):
        stop = StopSignal()
        done = []

        def on_result(spec, result):
            done.append(os.path.basename(spec.path))
            if len(done) == 20:
                stop.request()

        with FileSession(lab.pool, lab.target(host), stop=stop) as files, pytest.raises(StopRequested):
            specs = (PushSpec(f"{folder}/{n}", Content.from_bytes(bytes(100_000))) for n in range(1000))
            files.push_many(specs, on_result)
        assert not [name for name in os.listdir(folder) if name.startswith(".")]
        assert set(done) <= set(os.listdir(folder)) and len(os.listdir(folder)) < 100

    def test_pull(self, lab, host, folder):
        stop = StopSignal()
        (folder / "large").touch()
        os.truncate(folder / "large", 1 << 40)
        with FileSession(lab.pool, lab.target(host), stop=stop) as files:
            later(0.3, stop.request)
            began = time.monotonic()
            with open(os.devnull, "wb") as out, pytest.raises(StopRequested):
                files.pull(str(folder / "large"), out)
            assert time.monotonic() - began < 2

    def test_before_it_begins(self, lab, host, folder):
        stop = StopSignal()
        stop.request()
        with FileSession(lab.pool, lab.target(host), stop=stop) as files:
            with pytest.raises(StopRequested):
                files.push(PushSpec(f"{folder}/file", Content.from_bytes(b"x")))
        assert os.listdir(folder) == []


class TestTimeLimits:
    def test_of_everything_together(self, lab, host, folder, old):
        with FileSession(lab.pool, lab.target(host), timeout_s=0.5) as files:
            began = time.monotonic()
            with pytest.raises(TransferTimedOut, match="Timeout of 0.5 s") as caught:
                files.push(endless(old))
            assert time.monotonic() - began < 2.5 and caught.value.exit_code == ExitCode.COMMAND_TIMED_OUT
            with pytest.raises(TransferTimedOut):
                files.stat(str(old))
        assert until_listed(folder, ["old"])

    def test_silence_of_a_host_that_froze(self, lab, own_host, folder):
        host = own_host()
        with FileSession(lab.pool, lab.target(host), silence_timeout_s=0.5) as files:
            files.stat("/etc/hosts")
            host.freeze()
            began = time.monotonic()
            with pytest.raises(TransferTimedOut, match="did not respond for 0.5 s"):
                files.push(endless(folder / "file"))
            assert time.monotonic() - began < 5
            host.thaw()


class TestBrokenConnections:
    def test_cut_while_pushing(self, lab, own_host, old, folder):
        host = own_host()
        with FileSession(lab.pool, lab.target(host)) as files:
            with pytest.raises(ConnectError) as caught:
                files.push(endless(old, 3 * MB, host.kill_sessions))
            assert caught.value.exit_code == ExitCode.SSH_CONNECTION_ERROR
            assert old.read_bytes() == b"old" and until_listed(folder, ["old"])  # over another connection
            assert files.push(PushSpec(str(old), Content.from_bytes(b"new"))).size == 3  # so is the next file

    def test_cut_and_away(self, lab, own_host, old):
        host = own_host()
        with FileSession(lab.pool, lab.target(host)) as files, pytest.raises(ConnectError):
            files.push(endless(old, 3 * MB, host.stop))
        assert old.read_bytes() == b"old"

    def test_cut_while_pulling(self, lab, own_host, folder):
        host = own_host()
        (folder / "large").touch()
        os.truncate(folder / "large", 1 << 40)

        class Cut(io.RawIOBase):
            def write(self, data):
                host.kill_sessions()
                return len(data)

        with FileSession(lab.pool, lab.target(host)) as files, pytest.raises(ConnectError):
            files.pull(str(folder / "large"), Cut())

    @pytest.mark.parametrize("stopped", [True, False])
    def test_frozen(self, lab, own_host, folder, stopped):
        host = own_host()
        settings = ConnectSettings(5, 5, keepalive_interval_s=0.3, keepalive_count_max=4)
        stop = StopSignal()
        with FileSession(lab.pool, lab.target(host, settings=settings), stop=stop) as files:
            began = 0.0

            def freeze():
                nonlocal began
                host.freeze()
                began = time.monotonic()
                if stopped:
                    later(0.2, stop.request)

            with pytest.raises(StopRequested if stopped else ConnectionLost):
                files.push(endless(folder / "file", 3 * MB, freeze))
            taken = time.monotonic() - began
            # stop: at once, and two seconds for cleaning up; else: silence, and five seconds to connect again
            assert taken < (3.5 if stopped else 9), taken
            host.thaw()

    def test_through_a_jump_host_that_is_cut(self, lab, host, own_host, folder):
        jump = own_host()
        target = lab.target(host, jump=lab.target(jump))
        data = os.urandom(5 * MB)
        with FileSession(lab.pool, target) as files:
            files.push(PushSpec(f"{folder}/file", Content.from_bytes(data)))
            out = io.BytesIO()
            files.pull(f"{folder}/file", out)
            assert out.getvalue() == data
            with pytest.raises(ConnectError):
                files.push(endless(folder / "more", 3 * MB, jump.kill_sessions))
        assert until_listed(folder, ["file"])


class TestNoSftp:
    @pytest.mark.parametrize(
        "subsystem",
        ["other internal-sftp", "sftp /no/such/program", "sftp /bin/false", "sftp /bin/echo hello"],
    )
    def test_says_so(self, lab, own_host, subsystem):
        host = own_host(options={"Subsystem": subsystem})
        with FileSession(lab.pool, lab.target(host)) as files:
            began = time.monotonic()
            with pytest.raises(FileUploadFailed, match="does not offer SFTP") as caught:
                files.push(PushSpec("/tmp/x", Content.from_bytes(b"x")))
            assert "Subsystem sftp" in str(caught.value)
            with pytest.raises(FileDownloadFailed, match="does not offer SFTP"):
                files.stat("/tmp/x")
            assert time.monotonic() - began < 5

    def test_only_sftp(self, lab, own_host, folder):
        """An account without a shell: names stay numbers at worst, content is read to be hashed."""
        host = own_host(options={"ForceCommand": "internal-sftp"})
        (folder / "large").write_bytes(bytes(2 * MB))
        with FileSession(lab.pool, lab.target(host)) as files:
            assert files.push(PushSpec(f"{folder}/file", Content.from_bytes(b"x"))).size == 1
            assert files.stat(f"{folder}/large", digest=True).sha256.startswith(
                "5647f05ec18958947d32874eeb788fa3"
            )


def test_new_keys_in_the_middle(lab, own_host, folder):
    """Keys are exchanged anew after so many bytes; nothing is lost or reordered."""
    host = own_host(options={"RekeyLimit": "3M"})
    data = os.urandom(20 * MB)
    with FileSession(lab.pool, lab.target(host)) as files:
        files.push(PushSpec(f"{folder}/file", Content.from_bytes(data)))
        out = io.BytesIO()
        files.pull(f"{folder}/file", out)
    assert out.getvalue() == data


_MEASURE = """
import importlib.util, os, resource, sys
sys.path.insert(0, {tests!r})
import conftest
from tower_engine.secret import Secret
from tower_engine.ssh.files import Content, FileSession, PushSpec
from tower_engine.ssh.pool import ConnectionPool
from tower_engine.ssh.target import Credential, Target

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

target = Target({address!r}, {port}, {user!r}, Credential(private_key=Secret(sys.stdin.read())), {host_key!r})
with FileSession(ConnectionPool(), target) as files:
    files.push(PushSpec({path!r}, Content.from_bytes(b"x")))
    files.stat({path!r}, digest=True)
    before = peak()
    files.push(PushSpec({path!r}, Content.from_path({local!r})))
    pushed = peak() - before
    with open({back!r}, "wb") as out:
        print(files.pull({path!r}, out).sha256, pushed, peak() - before)
os._exit(0)
"""


def test_memory_is_bounded(host, folder, tmp_path):
    """64 MB there and back, in a process of its own."""
    local, back = tmp_path / "local", tmp_path / "back"
    local.write_bytes(os.urandom(64 * MB))
    code = _MEASURE.format(
        tests=str(Path(__file__).parents[1] / "engine"),
        address=host.address, port=host.port, user=host.user, host_key=host.host_key,
        path=f"{folder}/file", local=str(local), back=str(back),
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], input=host.private_key, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    digest, pushed, both = done.stdout.split()
    assert (
        digest == hashlib.sha256(local.read_bytes()).hexdigest() and back.read_bytes() == local.read_bytes()
    )
    assert int(pushed) < 16 * MB and int(both) < 24 * MB, done.stdout
