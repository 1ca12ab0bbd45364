"""Whatever a login shell's start-up files do: a script runs whole or not at all, and what is said about it is true."""

import importlib
import pwd
import subprocess
import threading
import time
from pathlib import Path

import pytest
from tower_engine.exit_codes import ExitCode
from tower_engine.script.conversation import SudoMode
from tower_engine.ssh.probe import test_connection
from tower_engine.ssh.running.command_result import Outcome
from tower_engine.ssh.running.run_script import Clocks
from tower_engine.ssh.running.stopping import StopSignal, kill_spec, processes_left

hosts = importlib.import_module("sshd_hosts")
START_FILES = {"bash": ".bashrc", "rbash": ".bashrc", "zsh": ".zshenv"}
SOON = Clocks(step_timeout_s=20, shell_timeout_s=1)


class StartFiles:
    """A host whose user's start-up file can be written."""

    def __init__(self, kind: str, user: str):
        self.host = hosts.SshHost(user=user).start()
        self.home = Path(pwd.getpwnam(user).pw_dir)
        self.mark = self.home / "ran"
        self._file = self.home / START_FILES[kind]

    def write(self, text: str):
        self.mark.unlink(missing_ok=True)
        self._file.write_text(text + "\n")
        return self.host


@pytest.fixture(scope="module")
def shells(users):
    """Start a host of a kind of login shell, once."""
    started = {}

    def start(kind: str) -> StartFiles:
        program = users.login_shell(kind)
        if program is None:
            pytest.skip(f"{kind} is missing")
        if kind not in started:
            started[kind] = StartFiles(kind, users.make(shell=program))
        return started[kind]

    yield start
    for shell in started.values():
        shell.host.close()


@pytest.fixture(params=["bash", "zsh"])
def shell(request, shells):
    return shells(request.param)


@pytest.fixture
def bash(shells):
    return shells("bash")


READS_INPUT = [
    "read -r x",
    "printf 'Press Enter: '; read -r x; echo",
    "cat >/dev/null",
    "head -c 100 >/dev/null",
    "read -r a; read -r b; read -r c",
    "while read -r x; do :; done",
]


class TestInputIsRead:
    @pytest.mark.parametrize("habit", READS_INPUT)
    def test_nothing_runs_and_the_reason_is_told(self, lab, shell, habit):
        host = shell.write(habit)
        for code in ("false", "touch ran", "cd /\ntouch ~/ran"):
            result = lab.run(host, code, SOON)
            assert (result.outcome, result.exit_code) == (Outcome.COMPLETED, ExitCode.GENERAL_ERROR)
            assert "wait for input" in result.message and "nothing was run" in result.message
            assert not shell.mark.exists()

    def test_the_connection_test_reports_it(self, lab, shell, monkeypatch):
        monkeypatch.setattr("tower_engine.ssh.probe.SHELL_LIMIT_S", 1)
        steps = test_connection(lab.pool, lab.target(shell.write("read -r x")))
        found = {step.name: step for step in steps}
        assert not found["shell"].ok and "wait for input" in found["shell"].message
        assert found["sftp"].ok

    @pytest.mark.parametrize("size", [10, 10_000])
    def test_a_process_left_behind_that_reads_what_comes_next(self, lab, bash, size):
        host = bash.write("exec 3<&0; cat <&3 >/dev/null 2>&1 & exec 3<&-; sleep 0.2")
        result = lab.run(host, f"touch ran\n# {'x' * size}", Clocks(5, 5))
        if bash.mark.exists():  # it was faster than the other one
            assert (result.exit_code, result.message) == (0, "")
        else:
            assert result.exit_code != 0 and "was not run" in result.message

    def test_input_from_elsewhere(self, lab, bash):
        result = lab.run(bash.write("exec </dev/null"), "touch ran", SOON)
        assert result.exit_code == ExitCode.GENERAL_ERROR and "was not run" in result.message
        assert not bash.mark.exists()

    def test_a_debug_trap_that_reads(self, lab, bash):
        result = lab.run(bash.write("trap 'read -r -t 0.05 x' DEBUG"), "touch ran\ntouch ran", Clocks(5, 5))
        assert result.exit_code != 0 and result.message and not bash.mark.exists()


class TestShellIsReplaced:
    @pytest.mark.parametrize(
        "habit", ["exec dash", "exec bash", "exec bash -s", "exec cat", "exec sh -i 2>/dev/null"]
    )
    def test_another_program_gets_nothing(self, lab, shell, habit):
        result = lab.run(shell.write(habit), "touch ran\ntouch ran", SOON)
        assert (result.outcome, result.exit_code) == (Outcome.COMPLETED, ExitCode.GENERAL_ERROR)
        assert "nothing was sent" in result.message and not shell.mark.exists()

    def test_a_shell_that_is_handed_the_command_works(self, lab, bash):
        host = bash.write('exec dash -c "$BASH_EXECUTION_STRING"')
        assert lab.run(host, "echo ${BASH_VERSION-none}").stdout == "none\n"

    @pytest.mark.parametrize("habit", ["exit 0", "exit 3", "kill -TERM $$", "set -n"])
    def test_a_shell_that_ends(self, lab, shell, habit):
        result = lab.run(shell.write(habit), "touch ran", SOON)
        assert (result.outcome, result.exit_code) == (Outcome.COMPLETED, ExitCode.GENERAL_ERROR)
        assert "nothing was sent" in result.message and not shell.mark.exists()

    @pytest.mark.parametrize("habit", ["exec >/dev/null", "exec >log 2>&1", "exec >&-"])
    def test_output_that_goes_elsewhere(self, lab, shell, habit):
        result = lab.run(shell.write(habit), "touch ran", SOON)
        assert result.exit_code == ExitCode.GENERAL_ERROR and "nothing was sent" in result.message
        assert not shell.mark.exists()

    def test_slow_start_files_are_waited_for(self, lab, shell):
        assert lab.run(shell.write("sleep 1.5"), "echo ran", Clocks(20, 20)).stdout == "ran\n"
        result = lab.run(shell.host, "touch ran", SOON)
        assert "nothing was sent" in result.message and not shell.mark.exists()

    def test_stopped_before_it_was_ready(self, lab, shell):
        stop = StopSignal()
        threading.Timer(0.7, stop.request).start()
        result = lab.run(shell.write("sleep 60"), "touch ran", Clocks(20, 20), stop=stop)
        assert (result.outcome, result.stop_confirmed) == (Outcome.STOPPED, None)
        assert "nothing was sent" in result.message and not shell.mark.exists()


HABITS = [
    "printf() { :; }",
    "printf() { builtin printf '%s: ' now; builtin printf \"$@\"; }",
    "read() { echo function; }",
    "test() { return 0; }; cd() { return 0; }",
    "function [ { return 1; }",
    "eval() { return 0; }; exec() { return 0; }; unset() { return 0; }; exit() { return 0; }",
    "alias printf=: read=: eval=: exec=: cd=: exit=: unset=: command=: builtin=: break=:; shopt -s expand_aliases 2>/dev/null",
    "set -u",
    "set -e",
    "set -f; IFS=1",
    "IFS='\n'",
    "IFS=tower-0123456789abcdef",
    "set -o noclobber; set -o vi",
    "CDPATH=/; export CDPATH",
    "echo tower; echo noise >&2; printf 'no line end'",
    "trap 'echo bye >&2' EXIT",
    "LC_ALL=C; export LC_ALL",
    "cat() { echo cat; }; head() { echo head; }",
    "stty -echo 2>/dev/null; setopt shwordsplit ksharrays 2>/dev/null; :",
]


@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("filler", ["", "#" * 5000 + "\n"])
def test_options_functions_and_aliases_do_not_keep_a_script_from_running(lab, shell, habit, filler):
    host = shell.write(habit)
    result = lab.run(host, f"{filler}env pwd\nenv sh -c 'exit 3'", path="/usr")
    assert (result.stdout, result.exit_code, result.message) == ("/usr\n", 3, ""), result


# -- stopping


def running(mark: str) -> list[str]:
    lines = subprocess.run(["ps", "-e", "-o", "args="], capture_output=True, text=True).stdout.splitlines()
    return [line for line in lines if line.startswith(f"sleep {mark}")]


STOP_HABITS = [
    "",
    "IFS=,",
    "IFS=0123456789",
    "set -f",
    "set -f; IFS=:",
    "kill() { :; }; sleep() { :; }; ps() { :; }",
]


@pytest.mark.parametrize("kind", ["bash", "rbash", "zsh"])
@pytest.mark.parametrize("habit", [*STOP_HABITS, "export -f kill sleep 2>/dev/null; set -u"])
def test_a_stop_assumes_nothing_of_the_login_shell(lab, shells, kind, habit, request):
    shell = shells(kind)
    mark = str(50_000 + abs(hash(request.node.name)) % 9_999)
    code = f"trap '' TERM; env sleep {mark} & env setsid sleep {mark} & echo begun; env sleep {mark}; env sleep {mark}"
    result = lab.run(shell.write(habit), code, Clocks(step_timeout_s=0.7, stop_grace_s=0.3))
    assert (result.outcome, result.stdout) == (Outcome.TIMED_OUT, "begun\n")
    assert result.stop_confirmed is True, result.message
    assert running(mark) == []


@pytest.mark.parametrize("words", ["", "left:", "left:0", "note: left:0\n", "blind\n", "left:0 left\n"])
def test_an_empty_or_partial_answer_confirms_nothing(words):
    assert processes_left(words) is None


def test_a_stop_that_cannot_be_carried_out_is_not_confirmed(lab, shells):
    """A restricted shell finds no programs: nothing can be ended or looked at."""
    host = shells("rbash").write("PATH=/nowhere")
    began = time.monotonic()
    result = lab.run(host, "while :; do :; done", Clocks(0.5, stop_grace_s=0.3, stop_timeout_s=3))
    assert (result.outcome, result.stop_confirmed) == (Outcome.TIMED_OUT, False)
    assert "did not confirm" in result.message and time.monotonic() - began < 8


@pytest.mark.parametrize(
    ("hidden", "is_foreign", "expected"),
    [
        ((), False, 0),
        ((), True, 0),
        (("/proc/", "ps -A"), False, None),  # there is no list of processes at all
        (("/proc/[0-9]*",), False, None),  # it is empty
        (("1)first=1",), False, 0),  # the host's first process is hidden, and so are those of other users
        (("1)first=1",), True, None),
    ],
)
def test_nothing_is_left_only_where_the_list_of_processes_can_be_trusted(hidden, is_foreign, expected):
    gone = subprocess.Popen(["true"])
    gone.wait()
    code = kill_spec(gone.pid, 0.1, SudoMode.NONE, None, is_foreign).code
    for place in hidden:
        assert place in code
        code = code.replace(place, "0)first=1" if "first" in place else "/nonexistent/")
    said = subprocess.run(["/bin/sh", "-c", code], capture_output=True, text=True, check=False).stdout
    assert processes_left(said) == expected
