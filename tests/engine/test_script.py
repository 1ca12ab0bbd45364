"""What is sent to a host, tried with the shells of this machine instead of a host."""

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tower_engine.errors import ScriptError, SudoReason
from tower_engine.script.conversation import ScriptSpec, SudoMode, compose, quote_path
from tower_engine.secret import Secret
from tower_engine.ssh.running import dialogue
from tower_engine.ssh.running.command_result import Stream
from tower_engine.ssh.running.dialogue import STDOUT_MARKER, Dialogue, MarkerScanner

TOKEN = "tower-0123456789abcdef"
SHELLS = [
    shell
    for shell in (["bash"], ["dash"], ["busybox", "sh"], ["zsh"], ["bash", "-r"], ["ksh93"], ["mksh"])
    if shutil.which(shell[0])
]
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
# What people write into start-up files: options, and functions and aliases that have other words for what we use.
NAMES = ("printf", "read", "cd", "test", "head", "echo", "sh")
HABITS = [
    "IFS=,",
    "IFS=tower",
    "set -u",
    "set -f",
    "set -e",
    "set -C",
    "CDPATH=/usr:/tmp; export CDPATH",
    "LC_ALL=C; export LC_ALL",
    "LC_ALL=en_US.UTF-8; export LC_ALL",
    "_t=x; _n=y; _l=z; _b=q",
    "if command -v shopt >/dev/null; then shopt -s expand_aliases; fi",
    *(f"{name}() {{ echo function; }}" for name in NAMES),
    *(f"alias {name}='echo alias'" for name in (*NAMES, "eval", "exit", "unset", "command", "break")),
]
few = settings(max_examples=40, deadline=None)


def run_locally(shell: list[str], spec: ScriptSpec) -> subprocess.CompletedProcess:
    talk = compose(spec, TOKEN)
    done = subprocess.run([*shell, "-c", talk.command], input=talk.opening, capture_output=True, check=False)
    ready, begins, done.stdout = done.stdout.split(b"\n", 2)
    assert ready.startswith(TOKEN.encode() + b":i:") and begins == TOKEN.encode() + b":s:0"
    return done


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
class TestBootstrap:
    @few
    @given(code=text, size=st.sampled_from([0, 5000]))
    def test_any_text_comes_back(self, shell, code, size):
        quoted = (code + "x" * size).replace("'", "'\\''")
        done = run_locally(shell, ScriptSpec(f"printf '%s' '{quoted}'"))
        assert done.stdout.decode() == code + "x" * size

    @few
    @given(path=text.filter(bool))
    def test_any_path_is_one_word(self, shell, path):
        done = run_locally(shell, ScriptSpec(f"printf '%s' {shutil_quote(path)}"))
        home = run_locally(shell, ScriptSpec('printf %s "$HOME"')).stdout.decode()
        if not path.startswith("~") and path != "-":
            assert done.stdout.decode() == path
        elif path == "~" or path.startswith("~/"):
            assert done.stdout.decode() == home + path[1:]

    def test_status_and_closed_input(self, shell):
        done = run_locally(shell, ScriptSpec("cat; exit 3"))
        assert (done.returncode, done.stdout) == (3, b"")

    @few
    @given(
        filler=st.sampled_from(["", "# ☃ é\n", "#" * 5000 + "\n", "#" + "é" * 5000 + "\n"]),
        start=st.integers(0, 12_000),
        size=st.integers(1, 12_000),
    )
    def test_incomplete_script_runs_nothing(self, shell, filler, start, size):
        """Whatever is missing: its beginning, its end, something in the middle, all of it."""
        talk = compose(ScriptSpec(filler + "echo ran; echo ran\n# end"), TOKEN)
        start %= len(talk.opening) - 1  # a line end behind the last token is not missed
        arrives = talk.opening[:start] + talk.opening[start + size :]
        done = subprocess.run([*shell, "-c", talk.command], input=arrives, capture_output=True, check=False)
        if arrives != talk.opening[: len(arrives)] or TOKEN.encode() not in arrives[len(TOKEN) :]:
            assert done.returncode == 125 and done.stdout.endswith(f"{TOKEN}:x:0\n".encode())
            assert b"ran" not in done.stdout and b":s:" not in done.stdout

    @few
    @given(
        habits=st.sets(st.sampled_from(HABITS), max_size=5),
        path=st.sampled_from([None, "/usr"]),
        plain_sh=st.booleans(),
        filler=st.sampled_from(["", "# ☃\n", "#" * 5000 + "\n"]),
    )
    def test_settings_of_start_files_do_not_matter(self, shell, habits, path, plain_sh, filler):
        code = f"{filler}env printf 'a  b %s\\n' \"$PWD\"\nenv sh -c 'exit 4'"
        talk = compose(ScriptSpec(code, path=path, plain_sh=plain_sh), TOKEN)
        done = subprocess.run(
            [*shell, "-c", "\n".join([*sorted(habits, key=HABITS.index), talk.command])], input=talk.opening, capture_output=True,
            check=False, cwd="/var",
        )  # fmt: skip
        if "-r" in shell and path and not plain_sh:
            return  # it may not change the directory
        assert done.stdout.endswith(f"{TOKEN}:s:0\na  b {path or '/var'}\n".encode()), done
        assert done.returncode == 4


def shutil_quote(path: str) -> str:
    return quote_path(path)


def test_exec_request_contains_nothing_of_the_script():
    spec = ScriptSpec(
        "echo my-secret", path="/my-path", sudo=SudoMode.PASSWORD, sudo_password=Secret("my-word")
    )
    for item in (spec, ScriptSpec("echo my-secret", path="/my-path")):
        assert "my-" not in compose(item).command
        assert "my-word" not in repr(compose(item)) + repr(item)


def test_tokens_differ():
    assert compose(ScriptSpec("true")).token != compose(ScriptSpec("true")).token


@pytest.mark.parametrize(
    "spec",
    [
        ScriptSpec("a\0b"),
        ScriptSpec("a", path="b\0"),
        ScriptSpec("\ud800"),
        ScriptSpec("a", raw=True, path="/"),
        ScriptSpec("a", raw=True, sudo=SudoMode.NO_PASSWORD),
        ScriptSpec("a", sudo=SudoMode.PASSWORD, sudo_password=Secret("two\nlines")),
    ],
)
def test_what_cannot_be_sent(spec):
    with pytest.raises(ScriptError):
        compose(spec)


def test_parts_with_secrets_never_become_arguments():
    spec = ScriptSpec("ls /x", sudo=SudoMode.NO_PASSWORD)
    assert compose(spec).direct == {1}
    assert compose(ScriptSpec("ls /x", sudo=SudoMode.NO_PASSWORD, secrets_used=True)).direct == frozenset()


def test_words_that_sudo_would_take_for_a_variable_go_through_a_shell():
    assert not compose(ScriptSpec("'A=1' env", sudo=SudoMode.NO_PASSWORD)).direct


@given(
    pieces=st.lists(st.one_of(st.binary(max_size=12), st.sampled_from([b":", b"\n", TOKEN.encode(), TOKEN[:7].encode()]))),
    cuts=st.lists(st.integers(0, 200)),
    markers=st.lists(st.integers(0, 9), max_size=3),
)  # fmt: skip
def test_markers_are_found_however_the_stream_is_cut(pieces, cuts, markers):
    data = b"".join(pieces)
    for position in markers:
        data = data[:position] + f"{TOKEN}:r:{position}\n".encode() + data[position:]

    def scan(chunks):
        scanner = MarkerScanner(TOKEN, STDOUT_MARKER)
        items = [item for chunk in chunks for item in scanner.feed(chunk)]
        found = [item for item in items if isinstance(item, tuple)]
        return b"".join(item for item in items if isinstance(item, bytes)) + scanner.flush(), found

    borders = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[a:b] for a, b in zip(borders, borders[1:], strict=False)]
    assert scan(chunks) == scan([data])


@given(
    before=st.sampled_from([b"", b"words\n", b"[sudo: ", b"[sudo"]),
    after=st.sampled_from([b"", b"out\n", b"\n", b"] x", b"] Password"]),
    rest=st.sampled_from([b"] Password: \n", b"] Passwort: \n", b"] Mot de passe : \n".replace(b" :", b":")]),
    cuts=st.lists(st.integers(1, 120)),
)
def test_prompts_of_sudo_rs_vanish_however_the_stream_is_cut(before, after, rest, cuts):
    talk = compose(ScriptSpec("id; :", sudo=SudoMode.PASSWORD, sudo_password=Secret("word")), TOKEN)
    made = Dialogue(talk)
    made.receive(Stream.STDOUT, f"{TOKEN}:i:42\n{TOKEN}:s:0\n{TOKEN}:b:1\n".encode(), 100)
    made.outgoing.clear()
    data = before + b"[sudo: " + f"{TOKEN}%p%1%".encode() + rest + after
    borders = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    shown = b"".join(
        made.receive(Stream.STDERR, data[a:b], 100) for a, b in zip(borders, borders[1:], strict=False)
    )
    assert shown + made.finish()[1] == before + after
    assert list(made.outgoing) == [b"word\n"]


class TestDialogue:
    """The client's side of sudo, without a host."""

    def start(self, code="id; :", mode=SudoMode.PASSWORD) -> Dialogue:
        talk = compose(ScriptSpec(code, sudo=mode, sudo_password=Secret("word"), split=False), TOKEN)
        made = Dialogue(talk)
        made.receive(Stream.STDOUT, f"noise\n{TOKEN}:i:42\n{TOKEN}:s:0\n{TOKEN}:b:1\n".encode(), 100)
        made.outgoing.clear()
        return made

    def test_password_only_as_answer_to_the_prompt(self):
        made = self.start()
        assert made.pid == 42 and not made.outgoing
        assert made.receive(Stream.STDOUT, f"{TOKEN}%p%1%".encode(), 100) != b"" or not made.outgoing
        made.receive(Stream.STDERR, f"{TOKEN}%p%1%".encode(), 100)
        assert list(made.outgoing) == [b"word\n"]

    def test_second_prompt_is_a_refusal(self):
        made = self.start()
        made.receive(Stream.STDERR, f"{TOKEN}%p%1%Sorry\n{TOKEN}%p%1%".encode(), 100)
        assert list(made.outgoing) == [b"word\n"]
        assert made.failure[0] is SudoReason.REFUSED_PASSWORD and made.close_input

    def test_script_only_after_the_ready_marker_and_once(self):
        made = self.start()
        ready = f"{TOKEN}:r:1\n".encode()
        made.receive(Stream.STDOUT, ready + ready, 100)
        assert len(made.outgoing) == 1 and b"id; :" in made.outgoing[0]

    def test_prompt_of_a_part_that_already_runs_is_not_answered(self):
        made = self.start()
        made.receive(Stream.STDOUT, f"{TOKEN}:r:1\n".encode(), 100)
        made.outgoing.clear()
        made.receive(Stream.STDERR, f"{TOKEN}%p%1%{TOKEN}%p%1%".encode(), 100)
        assert not made.outgoing and made.failure is None

    def test_no_answer_at_all(self):
        made = self.start()
        made.tick(100 + dialogue.SUDO_START_LIMIT_S - 1)
        assert made.failure is None
        made.tick(100 + dialogue.SUDO_START_LIMIT_S)
        assert made.failure[0] is None and made.close_input

    def test_markers_before_the_shell_began_are_noise(self):
        talk = compose(ScriptSpec("id; :", sudo=SudoMode.PASSWORD, sudo_password=Secret("word")), TOKEN)
        made = Dialogue(talk)
        made.outgoing.clear()
        made.receive(Stream.STDERR, f"{TOKEN}%p%1%".encode(), 100)
        assert not made.outgoing
