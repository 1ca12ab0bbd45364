"""sudo: both modes, refusals told apart, one attempt, never a hang, and the password nowhere to be seen."""

import importlib
import time
from pathlib import Path

import pytest
from tower_engine.errors import SudoReason
from tower_engine.exit_codes import ExitCode
from tower_engine.script.conversation import SudoMode
from tower_engine.secret import Secret
from tower_engine.ssh.running import dialogue
from tower_engine.ssh.running.command_result import Outcome
from tower_engine.ssh.running.run_script import Clocks

hosts = importlib.import_module("sshd_hosts")
PASSWORD = "sudo 'päss\" $word"
MODES = [SudoMode.NO_PASSWORD, SudoMode.PASSWORD]


@pytest.fixture(scope="module")
def sudo_host(users):
    """Start hosts for users with a sudo rule; options of UserFactory.make."""
    if hosts.find_program("sudo") is None:
        pytest.skip("sudo is missing")
    started = {}

    def start(rule: str | None, shell: str = "/bin/bash"):
        if (rule, shell) not in started:
            user = users.make(shell=shell, password=PASSWORD, sudo=rule)
            started[rule, shell] = hosts.SshHost(user=user).start()
        return started[rule, shell]

    yield start
    for host in started.values():
        host.close()


@pytest.fixture
def free(sudo_host):
    return sudo_host("ALL=(ALL) NOPASSWD: ALL")


@pytest.fixture
def asking(sudo_host):
    return sudo_host("ALL=(ALL) ALL")


def failed(result, reason) -> bool:
    assert (result.outcome, result.exit_code) == (Outcome.SUDO_FAILED, ExitCode.SUDO_FAILED), result
    assert result.message and PASSWORD not in repr(result)
    return result.sudo_reason is reason


def run(lab, host, code, mode=SudoMode.PASSWORD, password=PASSWORD, **options):
    return lab.run(host, code, sudo=mode, sudo_password=Secret(password) if password else None, **options)


@pytest.fixture(params=MODES, ids=["without password", "with password"])
def root_host(request, free, asking):
    """(host, mode) where sudo works."""
    return (free if request.param is SudoMode.NO_PASSWORD else asking), request.param


class TestBothModes:
    def test_a_command(self, lab, root_host):
        host, mode = root_host
        result = run(lab, host, "id -un", mode)
        assert (result.stdout, result.stderr, result.exit_code) == ("root\n", "", 0)

    def test_a_script(self, lab, root_host):
        host, mode = root_host
        result = run(lab, host, "for i in 1 2; do\n id -un; done >&2\nexit 5", mode)
        assert (result.stdout, result.stderr, result.exit_code) == ("", "root\nroot\n", 5)

    @pytest.mark.parametrize(
        "code", ["ls /no-such-file-x", "grep -q x /dev/null", "sh -c 'exit 1'", "( exit 1 )"]
    )
    def test_status_of_the_command_is_not_taken_for_sudos(self, lab, root_host, code):
        host, mode = root_host
        result = run(lab, host, code, mode)
        assert result.outcome is Outcome.COMPLETED and result.exit_code in (1, 2)

    @pytest.mark.parametrize("code", ["cat", "cat; :", "cat && cat"])
    def test_standard_input_is_closed(self, lab, root_host, code):
        host, mode = root_host
        began = time.monotonic()
        assert run(lab, host, code, mode).exit_code == 0
        assert time.monotonic() - began < 5

    def test_path(self, lab, root_host):
        host, mode = root_host
        assert run(lab, host, "pwd; pwd", mode, path="/usr/lib").stdout == "/usr/lib\n/usr/lib\n"
        assert run(lab, host, "env pwd && env pwd", mode, path="/usr/lib").stdout == "/usr/lib\n/usr/lib\n"

    def test_path_that_only_root_may_enter(self, lab, root_host):
        host, mode = root_host
        run(lab, host, "mkdir -p -m 700 '/var/tmp/tower only root'", mode)
        for code in ("pwd;:", "env pwd", "env pwd && env pwd"):
            result = run(lab, host, code, mode, path="/var/tmp/tower only root")
            assert set(result.stdout.split("\n")) == {"/var/tmp/tower only root", ""}, code
        run(lab, host, "rmdir '/var/tmp/tower only root'", mode)

    def test_missing_path(self, lab, root_host):
        host, mode = root_host
        for code in ("echo ran", "env echo ran"):
            result = run(lab, host, code, mode, path="/no/such")
            assert result.outcome is Outcome.COMPLETED and result.exit_code in (1, 2)
            assert result.stdout == "" and "/no/such" in result.stderr

    def test_nothing_in_the_process_list(self, lab, root_host):
        host, mode = root_host
        code = "# secret-in-the-code\nfor f in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do tr '\\0' ' ' <$f; done"
        result = run(lab, host, code, mode)
        assert "sudo" in result.stdout and "secret-in-the-code" not in result.stdout
        assert PASSWORD not in result.stdout + result.stderr

    def test_a_process_list_does_not_confuse_the_conversation(self, lab, root_host):
        host, mode = root_host
        result = run(lab, host, "ps -ef; ps -ef >&2; tr '\\0' ' ' </proc/$PPID/cmdline >&2; exit 4", mode)
        assert result.outcome is Outcome.COMPLETED and result.exit_code == 4
        assert "sudo" in result.stdout and "sudo" in result.stderr
        assert run(lab, host, "ps -ef", mode).stdout.count("\n") > 5

    def test_secrets_never_become_arguments(self, lab, root_host):
        host, mode = root_host
        code = "grep -c -a secret-argument /proc/self/cmdline"  # grep's own words: it finds them either way
        assert run(lab, host, code, mode).stdout == "1\n"
        look = "ps -ef | grep -a 's[u]do.*secret-word' ; : secret-word"
        assert run(lab, host, look, mode, secrets_used=True).stdout == ""

    @pytest.mark.parametrize("size", [5000, 200_000])
    def test_long_script(self, lab, root_host, size):
        host, mode = root_host
        assert run(lab, host, f"printf '%s' '{'x' * size}' | wc -c", mode).stdout.strip() == str(size)

    def test_locale_is_the_users(self, lab, root_host):
        host, mode = root_host
        assert run(lab, host, 'echo "${LC_ALL-unset}"; :', mode).stdout == "unset\n"

    def test_time_out_ends_what_root_started(self, lab, root_host):
        host, mode = root_host
        code = "trap '' TERM; sleep 310 & setsid sleep 311 & echo here; sleep 312; sleep 313"
        result = run(lab, host, code, mode, clocks=Clocks(step_timeout_s=1, stop_grace_s=0.5))
        assert (result.outcome, result.stop_confirmed) == (Outcome.TIMED_OUT, True)
        assert lab.run(host, "ps -e -o args= | grep '[s]leep 31'").stdout == ""


ONLY_BASH = {
    "echo {a,b}": "a b\n",
    "x=(1 2 3); echo ${#x[@]}": "3\n",
    "[[ abc == a* && x < y ]] && echo yes": "yes\n",
    "cat <<<here": "here\n",
    "set -o pipefail; false | true; echo $?": "1\n",
    "cat <(echo process)": "process\n",
    "x=abc; echo ${x^^} ${x:1:1}": "ABC b\n",
    'echo "$(id -un) ${BASH##*/}"': "root bash\n",
}


class TestTheShellIsTheLoginShell:
    """sudo changes who runs a script, not its language."""

    @pytest.mark.parametrize("code", ONLY_BASH)
    @pytest.mark.parametrize("path", [None, "/usr"])
    def test_bash(self, lab, root_host, code, path):
        host, mode = root_host
        result = run(lab, host, code, mode, path=path, split=False)
        assert (result.stdout, result.stderr, result.exit_code) == (ONLY_BASH[code], "", 0)

    @pytest.mark.parametrize("code", [code for code in ONLY_BASH if "id -un" not in code])
    def test_bash_without_sudo_says_the_same(self, lab, free, code):
        assert lab.run(free, code).stdout == ONLY_BASH[code]

    def test_each_part_of_a_list(self, lab, asking):
        result = run(lab, asking, "echo {a,b} && [[ x == x ]] && cat <<<here && env echo plain && echo {c,d}")
        assert (result.stdout, result.exit_code) == ("a b\nhere\nplain\nc d\n", 0)

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize(
        ("kind", "code", "expected"),
        [
            ("zsh", "x=abc; echo ${(U)x}", "ABC\n"),
            ("dash", "echo ${BASH_VERSION-none} {a,b}", "none {a,b}\n"),
            ("busybox", "echo ${BASH_VERSION-none}", "none\n"),
            ("mksh", "echo ${KSH_VERSION+ksh}", "ksh\n"),
        ],
    )
    def test_others(self, lab, users, sudo_host, mode, kind, code, expected):
        shell = users.login_shell(kind)
        if shell is None:
            pytest.skip(f"{kind} is missing")
        rule = "ALL=(ALL) NOPASSWD: ALL" if mode is SudoMode.NO_PASSWORD else "ALL=(ALL) ALL"
        host = sudo_host(rule, shell)
        assert run(lab, host, code, mode, split=False).stdout == expected
        assert lab.run(host, code).stdout == expected

    def test_start_files_that_speak_of_another_shell(self, lab, users, own_host):
        """What counts is the program that runs, not what variables say."""
        host = own_host(user=users.make(sudo="ALL=(ALL) NOPASSWD: ALL"))
        lab.run(host, "printf '%s\\n' 'SHELL=/bin/dash BASH=/bin/dash; export SHELL' >.bashrc")
        assert run(lab, host, "echo {a,b}; :", SudoMode.NO_PASSWORD).stdout == "a b\n"
        lab.run(host, """printf '%s\\n' 'exec dash -c "$BASH_EXECUTION_STRING"' >.bashrc""")
        assert (
            run(lab, host, "echo {a,b} ${BASH_VERSION-none}; :", SudoMode.NO_PASSWORD).stdout
            == "{a,b} none\n"
        )

    def test_rules_for_single_commands_work_as_before(self, lab, sudo_host):
        host = sudo_host("ALL=(ALL) NOPASSWD: /usr/bin/id, /bin/bash, /usr/bin/bash")
        assert run(lab, host, "id -un", SudoMode.NO_PASSWORD).stdout == "root\n"
        assert run(lab, host, "echo {a,b}", SudoMode.NO_PASSWORD).stdout == "a b\n"

    def test_settings_of_start_files_do_not_matter(self, lab, users, own_host):
        host = own_host(user=users.make(password=PASSWORD, sudo="ALL=(ALL) ALL"))
        for habit in ("IFS=0123456789; set -f", "sudo() { echo function; }; printf() { :; }", "set -u -C"):
            lab.run(host, f"printf '%s\\n' '{habit}' >.bashrc")
            result = run(lab, host, "id -un && echo {a,b} && cd / && env pwd", path="/usr")
            assert (result.stdout, result.stderr) == ("root\na b\n/\n", ""), habit

    def test_a_directory_below_the_home_that_only_root_may_enter(self, lab, users, own_host):
        host = own_host(user=users.make(sudo="ALL=(ALL) NOPASSWD: ALL"))
        home = lab.run(host, "echo ~").stdout.strip()
        run(lab, host, f"mkdir -m 700 {home}/private", SudoMode.NO_PASSWORD)
        assert run(lab, host, "pwd; :", SudoMode.NO_PASSWORD, path="~/private").stdout == f"{home}/private\n"


class TestSplitting:
    """With a password each command of a list gets a sudo of its own."""

    def test_stops_at_the_first_failure(self, lab, asking):
        result = run(lab, asking, "env echo 1 && env false && env echo 2")
        assert (result.stdout, result.exit_code) == ("1\n", 1)

    def test_goes_on_behind_a_semicolon(self, lab, asking):
        result = run(lab, asking, "env false; env echo 2\nenv false && env echo 3; id -un")
        assert (result.stdout, result.exit_code) == ("2\nroot\n", 0)

    def test_all_parts_are_root(self, lab, asking):
        assert run(lab, asking, "id -un && id -un | cat && (id -un)").stdout == "root\n" * 3

    def test_no_split(self, lab, asking):
        assert run(lab, asking, "a=1 && echo $a && id -un", split=False).stdout == "1\nroot\n"

    def test_quotes_are_not_cut(self, lab, asking):
        assert run(lab, asking, "env echo 'a && b' && env echo \"c; d\"").stdout == "a && b\nc; d\n"

    def test_partial_lines_before_markers(self, lab, asking):
        result = run(lab, asking, "env printf a && printf b && env printf c && sh -c 'printf d; exit 3'")
        assert (result.stdout, result.exit_code) == ("abcd", 3)


class TestRefusals:
    def test_wrong_password_is_tried_once(self, lab, asking):
        for code in ("id -un", "id; id", "id -un && id -un", ": shell"):
            result = run(lab, asking, code, password="wrong")
            assert failed(result, SudoReason.REFUSED_PASSWORD)
            assert result.stderr.count("incorrect password attempt") == 1
            assert "1 incorrect password attempt" in result.stderr

    def test_wrong_password_where_one_attempt_is_allowed(self, lab, users, sudo_host):
        host = sudo_host("ALL=(ALL) ALL\nDefaults:{user} passwd_tries=1")
        for code in ("env true", "true; true"):
            result = run(lab, host, code, password="wrong")
            assert failed(result, SudoReason.REFUSED_PASSWORD)
            assert "1 incorrect password attempt" in result.stderr

    def test_second_part_does_not_run_after_a_refusal(self, lab, asking):
        result = run(lab, asking, "env true; env echo ran", password="wrong")
        assert failed(result, SudoReason.REFUSED_PASSWORD) and result.stdout == ""
        assert "1 incorrect password attempt" in result.stderr

    @pytest.mark.parametrize("code", ["env true", "true; true"])
    def test_password_needed(self, lab, asking, code):
        assert failed(run(lab, asking, code, SudoMode.NO_PASSWORD), SudoReason.PASSWORD_REQUIRED)

    def test_no_password_stored_sends_nothing(self, lab, asking):
        result = run(lab, lab.target(asking, port=1), "id", password=None)
        assert failed(result, SudoReason.NO_PASSWORD_STORED)

    @pytest.mark.parametrize("code", ["env true", "true; true"])
    def test_user_without_any_rule(self, lab, sudo_host, code):
        host = sudo_host(None)
        assert failed(run(lab, host, code), SudoReason.NOT_ALLOWED)
        assert failed(run(lab, host, code, SudoMode.NO_PASSWORD), SudoReason.PASSWORD_REQUIRED)

    @pytest.mark.parametrize(
        ("mode", "rule"),
        [
            (SudoMode.NO_PASSWORD, "ALL=(ALL) NOPASSWD: /usr/bin/id"),
            (SudoMode.PASSWORD, "ALL=(ALL) /usr/bin/id"),
        ],
    )
    def test_restricted_rules(self, lab, sudo_host, mode, rule):
        host = sudo_host(rule)
        assert run(lab, host, "id -un", mode).stdout == "root\n"
        assert run(lab, host, "id -un", mode, path="/usr").stdout == "root\n"
        assert run(lab, host, "id no-such-user", mode).exit_code == 1
        assert failed(run(lab, host, "env true", mode), SudoReason.NOT_ALLOWED)
        if mode is SudoMode.PASSWORD:
            assert run(lab, host, "id -un && id -gn").stdout == "root\nroot\n"
            assert failed(run(lab, host, "id; : x", mode), SudoReason.NOT_ALLOWED)

    @pytest.mark.parametrize("code", ["env true", "true; true"])
    def test_a_terminal_is_required(self, lab, sudo_host, code):
        for mode, rule in zip(MODES, ("NOPASSWD: ALL", "ALL"), strict=True):
            host = sudo_host(f"ALL=(ALL) {rule}\nDefaults:{{user}} requiretty")
            result = run(lab, host, code, mode)
            assert failed(result, SudoReason.TERMINAL_REQUIRED) and "!requiretty" in result.message

    def test_no_sudo_on_the_host(self, lab, asking, own_host):
        host = own_host(user=asking.user, options={"SetEnv": "PATH=/nowhere"})
        for mode in MODES:
            assert failed(run(lab, host, "id", mode), SudoReason.NOT_FOUND)

    def test_password_stored_but_not_asked_for(self, lab, free, monkeypatch):
        monkeypatch.setattr(dialogue, "PROMPT_LIMIT_S", 0.5)
        assert run(lab, free, "id -un && id -un").stdout == "root\nroot\n"
        assert run(lab, free, "id -un; : x").stdout == "root\n"
        assert run(lab, free, "cat").exit_code == 0

    def test_sudo_that_does_not_answer(self, lab, users, own_host, monkeypatch):
        monkeypatch.setattr(dialogue, "SUDO_START_LIMIT_S", 0.5)
        host = own_host(user=users.make())
        lab.run(host, "mkdir -p bin; printf '#!/bin/sh\\nsleep 60\\n' >bin/sudo; chmod +x bin/sudo")
        lab.run(host, "echo 'PATH=~/bin:$PATH' | cat - .bashrc >x; mv x .bashrc")
        began = time.monotonic()
        result = run(lab, host, "id; :")
        assert failed(result, None) and "neither asked nor started" in result.message
        assert time.monotonic() - began < 15

    def test_stop_where_root_may_not_kill(self, lab, sudo_host):
        """Sudo allows one program only: what it starts cannot be ended, and the result says so."""
        program = Path("/var/tmp/tower-test-stubborn")
        program.write_text("#!/bin/sh\ntrap '' TERM\nsleep 30\nsleep 1\n")
        program.chmod(0o755)
        host = sudo_host(f"ALL=(ALL) NOPASSWD: {program}")
        # a busy host takes long to look through its processes 23 times
        clocks = Clocks(0.5, stop_grace_s=0.3, stop_timeout_s=30)
        result = run(lab, host, str(program), SudoMode.NO_PASSWORD, clocks=clocks)
        assert (result.outcome, result.stop_confirmed) == (Outcome.TIMED_OUT, False)
        assert "of its processes could not be stopped" in result.message
        program.unlink()


# Talks as sudo-rs 0.2 does, and runs the command without changing the user.
SUDO_RS = r"""#!/bin/sh
ask=1 prompt= list=
while :; do case $1 in
-n) ask=; shift;; -p) prompt=$2; shift 2;; -l) list=1; shift;; --) shift; break;; *) shift;;
esac; done
[ -e ~/free ] && ask=
if [ -n "$ask" ]; then
n=0; while :; do
printf '[sudo: %s' "$(printf %s "$prompt" | sed 's/%%/%/g')" >&2; sleep 0.1; printf '] Pass' >&2; sleep 0.1; printf 'word: ' >&2
IFS= read -r word; echo >&2; [ "$word" = right ] && break
n=$((n+1)); echo 'sudo: Authentication failed, try again.' >&2
[ $n = 3 ] && { echo 'sudo-rs: Maximum 3 incorrect authentication attempts' >&2; exit 1; }
done
elif [ ! -e ~/free ]; then echo 'sudo-rs: interactive authentication is required' >&2; exit 1
fi
case $1 in */false|false) echo "sudo-rs: I'm sorry $USER. I'm afraid I can't do that" >&2; exit 1;; esac
[ -n "$list" ] || exec "$@"
"""


@pytest.fixture(scope="module")
def rs_host(users):
    with hosts.SshHost(user=users.make()) as host:
        home = Path(f"~{host.user}").expanduser()
        (home / "bin").mkdir()
        (home / "bin" / "sudo").write_text(SUDO_RS)
        (home / "bin" / "sudo").chmod(0o755)
        (home / ".bashrc").write_text("PATH=~/bin:$PATH\n")
        yield host


class TestSudoRs:
    @pytest.mark.parametrize("code", ["env echo ran", "echo ran; :", "env echo ran && sh -c 'echo told >&2'"])
    def test_prompts_do_not_stay_in_the_error_output(self, lab, rs_host, code):
        result = run(lab, rs_host, code, password="right")
        assert (result.stdout, result.exit_code) == ("ran\n", 0)
        assert result.stderr == ("told\n" if "told" in code else "")

    @pytest.mark.parametrize("code", ["env true", "true; :"])
    def test_wrong_password(self, lab, rs_host, code):
        result = run(lab, rs_host, code, password="wrong")
        assert failed(result, SudoReason.REFUSED_PASSWORD)
        assert "[sudo:" not in result.stderr and "Authentication failed" in result.stderr

    @pytest.mark.parametrize("code", ["env true", "true; :"])
    def test_password_needed(self, lab, rs_host, code):
        assert failed(run(lab, rs_host, code, SudoMode.NO_PASSWORD), SudoReason.PASSWORD_REQUIRED)

    def test_not_allowed(self, lab, rs_host):
        assert failed(run(lab, rs_host, "/bin/false", password="right"), SudoReason.NOT_ALLOWED)


@pytest.mark.parametrize("kind", ["dash", "busybox", "zsh", "mksh"])
@pytest.mark.parametrize("mode", MODES)
def test_other_login_shells(lab, users, sudo_host, kind, mode):
    shell = users.login_shell(kind)
    if shell is None:
        pytest.skip(f"{kind} is missing")
    rule = "ALL=(ALL) NOPASSWD: ALL" if mode is SudoMode.NO_PASSWORD else "ALL=(ALL) ALL"
    host = sudo_host(rule, shell)
    assert run(lab, host, "id -un && echo x; exit 3", mode, path="/usr").exit_code == 3
    assert run(lab, host, "id -un", mode).stdout == "root\n"
    assert run(lab, host, "id -un && env false && echo no", mode).exit_code == 1
    if mode is SudoMode.PASSWORD:
        assert failed(run(lab, host, "id -un", password="wrong"), SudoReason.REFUSED_PASSWORD)
