"""Programs that the tools start end with them; a failure is one sentence and an exit status."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tower_setup import processes
from tower_setup.errors import SetupError

SETUP = Path(__file__).parents[2] / "setup"
CHILD = """
import subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tower_setup import processes
from tower_setup.errors import Interrupted
processes.take_charge()
services = processes.Services()
slow_to_end = "(setsid sh -c 'trap \\"sleep 0.02; exit\\" TERM; sleep 301' &)"
try:
    services.start("one", ["sh", "-c", f"sleep 300 & {slow_to_end}; sleep 302"], log=Path(sys.argv[2]))
    print("ready", flush=True)
    time.sleep(60)
except Interrupted:
    services.stop()
    processes.end_descendants()
    print("ended", flush=True)
"""
PR_SET_CHILD_SUBREAPER = 36


def sleepers(mark):
    """Processes whose environment contains our mark."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def commands(mark):
    found = []
    for pid in sleepers(mark):
        with contextlib.suppress(OSError):
            found.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.fixture
def parent(tmp_path):
    mark = f"TOWER_TEST_MARK={os.getpid()}-{time.monotonic_ns()}"
    name, _, value = mark.partition("=")
    argv = [sys.executable, "-c", CHILD, str(SETUP), str(tmp_path / "log")]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, name: value})
    assert process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 10
    while not all(any(f"sleep {n}" in command for command in commands(mark)) for n in (300, 301, 302)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield process, mark
    process.kill()
    process.wait()
    for pid in sleepers(mark):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(parent, signum):
    process, mark = parent
    process.send_signal(signum)
    assert process.wait(20) == 0
    assert sleepers(mark) == []


@pytest.fixture
def inherited():
    """Return a function that lists the zombies that this process has inherited since."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = zombies()
    yield lambda: zombies() - before
    for pid in zombies() - before:
        os.waitpid(pid, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def zombies():
    found = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if state == "Z" and int(parent) == os.getpid():
                found.add(int(entry.name))
    return found


def test_no_zombie_is_left_to_a_parent_that_may_never_reap_it(inherited, parent):
    process, _mark = parent
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert inherited() == set()


def test_output_is_followed_and_the_telling_line_is_named(tmp_path):
    lines = []
    argv = ["sh", "-c", "echo one; printf two; echo; echo 'E: no space' >&2; echo bye; exit 3"]
    with pytest.raises(SetupError, match="It failed: E: no space") as raised:
        processes.run(argv, "It failed", on_line=lines.append, log=tmp_path / "log")
    assert lines == ["one", "two", "E: no space", "bye", ""]
    assert str(tmp_path / "log") in str(raised.value)
    assert (tmp_path / "log").read_text().startswith("one\ntwo\n")


def test_what_takes_too_long_is_ended():
    started = time.monotonic()
    status, tail = processes.run(["sleep", "60"], "", check=False, timeout_s=0.5)
    assert status is None
    assert "still running" in tail[-1]
    assert time.monotonic() - started < 10


def test_a_missing_program_is_named():
    with pytest.raises(SetupError, match="no-such-program"):
        processes.run(["no-such-program"], "x")


def launch(*arguments, **environment):
    argv = [str(SETUP / "launch"), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60)


def test_a_port_in_use_is_one_sentence(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = launch("demo", "--once", "--port", str(port), XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert (
        done.stderr == f"setup/demo: Port {port} is in use by another program; choose another with --port.\n"
    )


def test_a_failed_download_is_one_sentence(tmp_path):
    if not shutil.which("apt-get"):
        pytest.fail("apt-get is not installed")
    places = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{probe.getsockname()[1]}/debian"
        places |= {"TOWER_DEBIAN_MIRROR": nowhere, "no_proxy": "127.0.0.1", "ODOO_HOME": ""}
        done = launch("demo", "--once", "--port", "0", **places)
    assert done.returncode == 1
    assert done.stderr.startswith("setup/demo: The lists of packages could not be downloaded: E: ")
    assert done.stderr.count("\n") == 1


def test_a_wrong_odoo_is_refused(tmp_path):
    # A cache of its own: the lock of the shared one may be held by somebody who is downloading.
    places = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = launch("demo", "--once", "--port", "0", ODOO_HOME=str(tmp_path), **places)
    assert done.returncode == 1
    assert "no Odoo was found there" in done.stderr


def test_an_unknown_suite_names_the_known_ones(tmp_path):
    done = launch("test", "no-such-suite", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert "there are: setup, " in done.stderr
    assert "fast" in done.stderr


@pytest.mark.parametrize("command", ["demo", "test", "benchmark", "lint", "changelog"])
def test_help(command):
    done = launch(command, "--help")
    assert done.returncode == 0
    assert f"usage: setup/{command}" in done.stdout


def test_a_second_one_is_refused(tmp_path):
    from tower_setup import locks

    with locks.only_one(tmp_path / "lock", "The demo"):
        with pytest.raises(SetupError, match=f"The demo is already running .process {os.getpid()}"):
            with locks.only_one(tmp_path / "lock", "The demo"):
                pass


def test_private_files_are_private(tmp_path):
    from tower_setup import paths

    path = paths.write_private(tmp_path / "a" / "key", "x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert paths.private_dir(tmp_path / "b").stat().st_mode & 0o777 == 0o700
