"""Stop and time-out end everything a command started, prove it, and take bounded time whatever the host does."""

import importlib
import subprocess
import threading
import time

import pytest
from tower_engine.exit_codes import ExitCode
from tower_engine.ssh.running.command_result import Outcome
from tower_engine.ssh.running.run_script import Clocks
from tower_engine.ssh.running.stopping import StopSignal
from tower_engine.ssh.target import ConnectSettings

hosts = importlib.import_module("sshd_hosts")


def alive(mark: str) -> str:
    listing = subprocess.run(["ps", "-e", "-o", "args="], capture_output=True, text=True).stdout
    return "".join(line for line in listing.splitlines() if line.startswith(f"sleep {mark}"))


@pytest.mark.parametrize(
    "code",
    [
        "sleep {0}",
        "sleep {0} & sleep {0} & wait",
        "sleep {0} | sleep {0} | cat",
        "(sleep {0}; true) & setsid sleep {0} & sleep {0}; true",
        "setsid sh -c 'setsid sleep {0} & sleep {0}; true' & sleep {0}; true",
        "trap '' TERM HUP INT; sleep {0}; sleep {0}",
        "trap 'sleep {0}' TERM; sleep {0}; true",
        "sleep {0} & kill -STOP $!; sleep {0}; true",
        "nohup sleep {0} >/dev/null 2>&1 & sleep {0}; true",
        "while :; do sleep {0}; done",
        "exec sleep {0}",
    ],
)
def test_time_out_ends_the_whole_tree(lab, host, code, request):
    mark = str(40_000 + abs(hash(request.node.name)) % 9_999)
    began = time.monotonic()
    result = lab.run(host, "echo begun; " + code.format(mark), Clocks(step_timeout_s=0.7, stop_grace_s=0.4))
    assert (result.outcome, result.exit_code) == (Outcome.TIMED_OUT, ExitCode.COMMAND_TIMED_OUT)
    assert result.stop_confirmed is True and result.stdout == "begun\n"
    assert (
        "Timeout of 0.7 s" in result.message and "all processes of the command have ended" in result.message
    )
    assert alive(mark) == ""
    assert time.monotonic() - began < 8


def test_silence_has_a_clock_of_its_own(lab, host):
    code = "for i in 1 2 3 4; do echo $i; sleep 0.3; done; sleep 60"
    result = lab.run(host, code, Clocks(silence_timeout_s=1))
    assert (result.outcome, result.exit_code) == (Outcome.SILENT, ExitCode.COMMAND_TIMED_OUT)
    assert result.stdout == "1\n2\n3\n4\n" and "No output for 1 s" in result.message


def test_term_comes_first_and_last_words_are_kept(lab, host):
    code = "trap 'echo cleaned; exit 0' TERM; echo begun; while :; do sleep 0.1; done"
    result = lab.run(host, code, Clocks(step_timeout_s=0.7))
    assert result.outcome is Outcome.TIMED_OUT and result.stdout == "begun\ncleaned\n"


def test_a_command_that_prints_without_end_can_be_stopped(lab, host):
    result = lab.run(host, "yes", Clocks(step_timeout_s=0.7, stop_grace_s=1))
    assert result.outcome is Outcome.TIMED_OUT and result.stop_confirmed is True


def test_others_on_the_connection_go_on(lab, host):
    results = {}

    def run(name, limit):
        results[name] = lab.run(host, f"echo {name}; sleep 2; echo end", Clocks(step_timeout_s=limit))

    threads = [threading.Thread(target=run, args=args) for args in (("short", 0.5), ("long", 30))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results["short"].outcome is Outcome.TIMED_OUT
    assert results["long"].stdout == "long\nend\n"


def test_stop_before_anything_was_sent(lab, host):
    stop = StopSignal()
    stop.request()
    result = lab.run(host, "echo ran", stop=stop)
    assert (result.outcome, result.exit_code) == (Outcome.STOPPED, ExitCode.COMMAND_STOPPED)
    assert result.stop_confirmed is None and "before the command was sent" in result.message


def test_stop_while_connecting(lab, own_host):
    host = own_host()
    host.freeze()
    stop = StopSignal()
    threading.Timer(0.3, stop.request).start()
    began = time.monotonic()
    result = lab.run(host, "echo ran", stop=stop)
    assert time.monotonic() - began < 1.5
    assert result.outcome is Outcome.STOPPED and result.stop_confirmed is None


def test_stop_on_a_frozen_host_is_bounded_and_not_confirmed(lab, own_host):
    host = own_host()
    seen = threading.Event()
    stop = StopSignal()

    def freeze_and_stop():
        seen.wait(10)
        host.freeze()
        stop.request()

    threading.Thread(target=freeze_and_stop).start()
    began = time.monotonic()
    result = lab.run(
        host, "echo begun; sleep 60", Clocks(stop_timeout_s=3), stop=stop, on_output=lambda *_a: seen.set()
    )
    assert time.monotonic() - began < 6
    assert (result.outcome, result.stop_confirmed, result.stdout) == (Outcome.STOPPED, False, "begun\n")
    assert "did not confirm" in result.message and "may still be running" in result.message


def test_stop_when_no_second_session_is_allowed_uses_a_new_connection(lab, own_host):
    host = own_host(options={"MaxSessions": 1})
    result = lab.run(host, "echo begun; sleep 41234", Clocks(step_timeout_s=0.5, stop_grace_s=0.3))
    assert (result.outcome, result.stop_confirmed) == (Outcome.TIMED_OUT, True)
    assert alive("41234") == ""


def test_stop_over_a_connection_that_does_not_answer_uses_a_new_one(lab, own_host):
    """The command's own connection is frozen, the host is not."""
    host = own_host()
    seen = threading.Event()
    stop = StopSignal()

    def freeze_sessions():
        seen.wait(10)
        for pid in host.session_pids():
            subprocess.run(["kill", "-STOP", str(pid)], check=False)
        stop.request()

    threading.Thread(target=freeze_sessions).start()
    settings = ConnectSettings(connect_timeout_s=5, keepalive_interval_s=0)
    result = lab.run(
        lab.target(host, settings=settings), "echo begun; sleep 41235", Clocks(stop_timeout_s=10, stop_grace_s=0.5),
        stop=stop, on_output=lambda *_a: seen.set(),
    )  # fmt: skip
    assert (result.outcome, result.stop_confirmed) == (Outcome.STOPPED, True)
    assert alive("41235") == ""


def test_nothing_that_was_not_started_by_the_command_is_ended(lab, host):
    bystander = lab.run(host, "setsid -f sleep 41236 >/dev/null 2>&1; pgrep -f 'sleep 41236'").stdout.strip()
    lab.run(host, "sleep 60", Clocks(step_timeout_s=0.5))
    assert lab.run(host, f"kill {bystander}").exit_code == 0
