"""What a command's author sees: output, status, directory, standard input; whatever the output is."""

import importlib
import threading
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tower_engine.errors import ChannelRefused, ScriptError
from tower_engine.exit_codes import ExitCode
from tower_engine.script.conversation import SudoMode
from tower_engine.secret import Secret
from tower_engine.ssh.running.collecting import OutputLimits
from tower_engine.ssh.running.command_result import Outcome, Stream
from tower_engine.ssh.running.run_script import Clocks
from tower_engine.ssh.running.stopping import StopSignal

try:
    from tower_engine.masking.masker import Masker
except ImportError:
    Masker = None

hosts = importlib.import_module("sshd_hosts")
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_streams_and_status_are_kept_apart(lab, host):
    result = lab.run(host, "echo out; echo err >&2; exit 7")
    assert (result.outcome, result.exit_code) == (Outcome.COMPLETED, 7)
    assert (result.stdout, result.stderr, result.exit_signal, result.message) == ("out\n", "err\n", None, "")
    assert set(result.timings) == {"connect", "first_output", "total"}


@pytest.mark.parametrize(("name", "status"), [("KILL", 137), ("TERM", 143), ("SEGV", 139)])
def test_killed_by_signal(lab, host, name, status):
    result = lab.run(host, f"echo before; kill -{name} $$")
    assert (result.outcome, result.exit_code, result.exit_signal) == (Outcome.COMPLETED, status, name)
    assert result.stdout == "before\n"


def test_syntax_error_is_the_shells_own(lab, host):
    result = lab.run(host, "echo 'unbalanced")
    assert result.exit_code != 0 and "unexpected" in result.stderr.lower()


def test_last_line_without_line_end(lab, host):
    assert lab.run(host, "printf abc; printf def >&2").stdout == "abc"


def test_bytes_that_are_not_utf8(lab, host):
    assert lab.run(host, r"printf 'a\377\376b'").stdout == "a\ufffd\ufffdb"


def test_character_split_across_packets(lab, host):
    code = (
        r"printf 'a\303'; sleep 0.2; printf '\244b\342'; sleep 0.2; printf '\202'; sleep 0.2; printf '\254'"
    )
    pieces = []
    result = lab.run(host, code, on_output=lambda stream, text: pieces.append(text))
    assert result.stdout == "aäb€" == "".join(pieces)


@pytest.mark.parametrize(
    "code", ["cat", "cat; echo end", 'read x; echo "$?"', "ssh-keygen -y -f /dev/stdin; :"]
)
def test_standard_input_is_closed(lab, host, code):
    began = time.monotonic()
    assert lab.run(host, code).outcome is Outcome.COMPLETED
    assert time.monotonic() - began < 5


@pytest.mark.skipif(Masker is None, reason="masking is not there")
def test_output_is_masked_everywhere(lab, host):
    pieces = []
    result = lab.run(
        host,
        "printf 'pass hun'; sleep 0.2; printf 'ter2hunter3 word'; echo hunter2hunter3 >&2",
        masker=Masker({"TOKEN": Secret("hunter2hunter3")}),
        on_output=lambda stream, text: pieces.append((stream, text)),
    )
    assert result.stdout == "pass *** TOKEN *** word"
    assert "".join(text for stream, text in pieces if stream is Stream.STDOUT) == result.stdout
    assert result.stderr == "*** TOKEN ***\n"


def test_output_arrives_while_the_command_runs(lab, host):
    times = []
    lab.run(host, "echo 1; sleep 0.5; echo 2", on_output=lambda *_a: times.append(time.monotonic()))
    assert times[-1] - times[0] > 0.4


def test_a_reader_that_fails_does_not_end_the_command(lab, host):
    def fail(*_args):
        raise RuntimeError("reader")

    assert lab.run(host, "echo 1; echo 2", on_output=fail).stdout == "1\n2\n"


def test_ten_megabytes_on_both_streams_at_once(lab, host):
    sizes = dict.fromkeys(Stream, 0)

    def count(stream, text):
        sizes[stream] += len(text)

    code = "head -c 10000000 /dev/zero | tr '\\0' o & head -c 10000000 /dev/zero | tr '\\0' e >&2; wait"
    tracemalloc.start()
    result = lab.run(host, code, on_output=count, limits=OutputLimits(1000, 1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.exit_code == 0
    assert sizes == {Stream.STDOUT: 10_000_000, Stream.STDERR: 10_000_000}
    assert len(result.stdout) < 2100 and "9998000 bytes omitted" in result.stdout
    assert peak < 30_000_000


def test_a_slow_reader_slows_the_host_instead_of_filling_memory(lab, host):
    tracemalloc.start()
    result = lab.run(
        host, "head -c 20000000 /dev/zero | tr '\\0' x", on_output=lambda *_a: time.sleep(0.01),
        limits=OutputLimits(10, 10),
    )  # fmt: skip
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.exit_code == 0 and peak < 30_000_000


def test_background_process_that_keeps_the_streams_open(lab, host):
    began = time.monotonic()
    result = lab.run(host, "sleep 30 & echo started")
    assert (result.outcome, result.exit_code, result.stdout) == (Outcome.COMPLETED, 0, "started\n")
    assert time.monotonic() - began < 5


# -- directory


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "with space",
        "quo'te",
        'double"quote',
        "dollar$HOME",
        "übung ☃",
        "back\\slash",
        "new\nline",
        "-P",
    ],
)
def test_path(lab, host, name):
    base = lab.run(host, "mktemp -d").stdout.strip()
    quoted = name.replace("'", "'\\''")
    assert lab.run(host, f"mkdir -- '{quoted}'", path=base).exit_code == 0
    result = lab.run(host, "pwd", path=f"{base}/{name}")
    assert result.stdout == f"{base}/{name}\n"
    lab.run(host, 'rm -r -- "$PWD"', path=base)


def test_path_in_the_home_directory(lab, host):
    home = lab.run(host, "echo ~").stdout
    lab.run(host, "mkdir -p 'a b'", path="~")
    assert lab.run(host, "pwd", path="~").stdout == home
    assert lab.run(host, "pwd", path="~/").stdout == home
    assert lab.run(host, "pwd", path="~/a b").stdout == home.strip() + "/a b\n"
    assert lab.run(host, "pwd", path=f"~{host.user}/a b").stdout == home.strip() + "/a b\n"
    assert lab.run(host, "pwd", path="a b").stdout == home.strip() + "/a b\n"


def test_missing_path_runs_nothing(lab, host):
    result = lab.run(host, "echo ran", path="/no/such/dir")
    assert result.exit_code in (1, 2) and result.stdout == "" and "/no/such/dir" in result.stderr


def test_nul_is_refused(lab, host):
    with pytest.raises(ScriptError, match="NUL"):
        lab.run(host, "echo a\0b")
    with pytest.raises(ScriptError, match="NUL"):
        lab.run(host, "echo", path="a\0b")


# -- what the host gets


def test_script_is_in_no_process_list(lab, host):
    look = 'for f in /proc/[0-9]*/cmdline /proc/[0-9]*/environ;do tr "\\0" " " <$f;done 2>/dev/null; ps -ef'
    result = lab.run(host, f"# secret-in-the-code\n{look}")
    assert "sshd" in result.stdout
    assert "secret-in-the-code" not in result.stdout


@many
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_comes_back(lab, host, text):
    quoted = text.replace("'", "'\\''")
    assert lab.run(host, f"printf '%s' '{quoted}'").stdout == text


@pytest.mark.parametrize("size", [4000, 4096, 5000, 300_000, 3_000_000])
def test_long_scripts(lab, host, size):
    text = ("0123456789abcde\n" * (size // 16 + 1))[:size]
    result = lab.run(host, f"cat <<'END'\n{text}\nEND\n", limits=OutputLimits(size * 2, 10))
    assert result.stdout == text + "\n"


def test_heredocs_functions_and_comments(lab, host):
    code = "#!/bin/sh\n# comment ' \"\nf() {\n  cat <<EOF\n$1 `echo x` \\\\\nEOF\n}\nf 'a  b' # end"
    assert lab.run(host, code).stdout == "a  b x \\\n"


def test_line_numbers_are_the_authors(lab, host):
    result = lab.run(host, "true\ntrue\nno-such-command-x", path="/")
    assert "line 3" in result.stderr or ": 3:" in result.stderr


def test_variables_of_ours_are_not_visible(lab, host):
    assert lab.run(host, 'set | grep -a "^_[a-z]=" ; echo "$# $*"').stdout == "0 \n"


def test_noise_of_start_files_is_dropped(lab, users, own_host):
    host = own_host(user=users.make())
    assert (
        lab.run(
            host, "printf 'echo noise; echo noise >&2\\n' | cat - ~/.bashrc >~/x; mv ~/x ~/.bashrc"
        ).exit_code
        == 0
    )
    assert lab.run(host, "echo mine").stdout == "mine\n"


def test_account_without_shell_says_so(lab, users, own_host):
    for shell in ("/usr/sbin/nologin", "/bin/true"):
        result = lab.run(own_host(user=users.make(shell=shell)), "echo ran")
        assert result.outcome is Outcome.COMPLETED and result.exit_code not in (0, None)
        assert "without running the command" in result.message
        assert "ran" not in result.stdout.split()


# -- shells


@pytest.fixture(scope="module", params=["bash", "dash", "busybox", "zsh", "mksh"])
def shell_host(request, users):
    program = users.login_shell(request.param)
    if program is None:
        pytest.skip(f"{request.param} is missing")
    with hosts.SshHost(user=users.make(shell=program)) as started:
        yield started


class TestEveryShell:
    """sh as dash, bash and BusyBox: the same results."""

    def test_basics(self, lab, shell_host):
        result = lab.run(shell_host, "printf '%s\\n' \"$PWD\"; echo e >&2; cat; exit 9", path="/usr/bin")
        assert (result.stdout, result.stderr, result.exit_code) == ("/usr/bin\n", "e\n", 9)

    def test_missing_path(self, lab, shell_host):
        result = lab.run(shell_host, "echo ran", path="/no/such")
        assert result.exit_code in (1, 2) and result.stdout == "" and "/no/such" in result.stderr

    @pytest.mark.parametrize("size", [10, 5000, 200_000])
    def test_sizes(self, lab, shell_host, size):
        # mksh has no printf of its own, so it cannot be given as much
        assert lab.run(shell_host, f"x='{'x' * size}'; echo ${{#x}}").stdout.strip() == str(size)

    @many
    @given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200))
    def test_any_text_comes_back(self, lab, shell_host, text):
        quoted = text.replace("'", "'\\''")
        assert lab.run(shell_host, f"printf '%s' '{quoted}'").stdout == text

    def test_signal(self, lab, shell_host):
        assert lab.run(shell_host, "kill -KILL $$").exit_signal == "KILL"

    def test_stop_ends_the_tree(self, lab, shell_host):
        code = "trap '' TERM; sleep 300 & setsid sleep 301 & echo here; sleep 302; sleep 303"
        result = lab.run(shell_host, code, Clocks(step_timeout_s=1, stop_grace_s=0.5))
        assert result.outcome is Outcome.TIMED_OUT and result.stop_confirmed is True
        assert lab.run(shell_host, "ps -u $(id -u) -o args= | grep '[s]leep 30'").stdout == ""


# -- raw


def test_raw_mode_sends_the_code_as_it_is(lab, host):
    result = lab.run(host, "echo $0; cat; exit 4", raw=True)
    assert (result.stdout, result.exit_code) == ("bash\n", 4)


@pytest.mark.parametrize("options", [{"path": "/"}, {"sudo": SudoMode.NO_PASSWORD}])
def test_raw_mode_refuses_what_needs_a_shell(lab, host, options):
    with pytest.raises(ScriptError, match="raw mode"):
        lab.run(host, "true", raw=True, **options)


def test_raw_mode_stop_is_not_confirmed(lab, host):
    began = time.monotonic()
    result = lab.run(host, "echo x; exec sleep 60", Clocks(step_timeout_s=0.5), raw=True)
    assert (result.outcome, result.stop_confirmed, result.stdout) == (Outcome.TIMED_OUT, False, "x\n")
    assert time.monotonic() - began < 4


# -- accidents


def test_new_keys_in_the_middle_of_the_output(lab, own_host):
    host = own_host(options={"RekeyLimit": "1M"})
    code = "head -c 6000000 /dev/zero | tr '\\0' x; echo end"
    result = lab.run(host, code, limits=OutputLimits(10_000_000, 10))
    assert result.exit_code == 0 and len(result.stdout) == 6_000_004


def test_ipv6(lab, own_host):
    try:
        host = own_host(address="::1")
    except RuntimeError:
        pytest.skip("no IPv6 on this machine")
    assert lab.run(host, "echo six").stdout == "six\n"


def test_connection_cut_keeps_the_output_and_sends_nothing_again(lab, own_host, account):
    host = own_host()
    mark = lab.run(host, "mktemp").stdout.strip()
    seen = threading.Event()
    cutter = threading.Thread(target=lambda: seen.wait(10) and host.kill_sessions())
    cutter.start()
    result = lab.run(
        host, f"echo run >>{mark}; echo partial; sleep 60", on_output=lambda *_a: seen.set()
    )  # fmt: skip
    cutter.join()
    assert (result.outcome, result.exit_code) == (Outcome.LOST, ExitCode.SSH_CONNECTION_ERROR)
    assert result.stdout == "partial\n"
    assert "unknown" in result.message
    assert lab.run(host, f"cat {mark}; rm {mark}").stdout == "run\n"


def test_frozen_host_counts_as_lost_after_the_silent_keepalives(lab, own_host):
    from tower_engine.ssh.target import ConnectSettings

    host = own_host()
    target = lab.target(host, settings=ConnectSettings(keepalive_interval_s=0.5, keepalive_count_max=3))
    threading.Timer(1, host.freeze).start()
    began = time.monotonic()
    result = lab.run(target, "echo partial; sleep 60")
    assert result.outcome is Outcome.LOST and result.stdout == "partial\n"
    assert "has not responded for 1.5 s" in result.message
    assert 1.5 < time.monotonic() - began < 6
    host.thaw()


def test_a_quiet_command_on_a_living_host_is_not_lost(lab, own_host):
    from tower_engine.ssh.target import ConnectSettings

    host = own_host()
    target = lab.target(host, settings=ConnectSettings(keepalive_interval_s=0.2, keepalive_count_max=2))
    assert lab.run(target, "sleep 2; echo fine").stdout == "fine\n"


def test_host_that_allows_no_session_at_all(lab, own_host):
    with pytest.raises(ChannelRefused, match="refused another session"):
        lab.run(own_host(options={"MaxSessions": 0}), "true")


def test_forced_command_is_not_taken_for_success(lab, own_host):
    result = lab.run(own_host(options={"ForceCommand": "echo forced"}), "echo mine")
    assert result.exit_code == ExitCode.GENERAL_ERROR
    assert result.stdout == "forced\n" and "without running the command" in result.message


def test_stop_signal_wakes_at_once(lab, host):
    stop = StopSignal()
    seen = threading.Event()
    threading.Thread(target=lambda: seen.wait(10) and stop.request()).start()
    began = time.monotonic()
    result = lab.run(host, "echo x; sleep 60", stop=stop, on_output=lambda *_a: seen.set())
    assert time.monotonic() - began < 3
    assert (result.outcome, result.exit_code) == (Outcome.STOPPED, ExitCode.COMMAND_STOPPED)
    assert result.stop_confirmed is True and result.stdout == "x\n"
