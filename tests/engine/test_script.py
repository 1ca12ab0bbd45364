"""What is sent to a host, tried with the shells of this machine instead of a host."""

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tower_engine.results import ScriptError, Secret, Stream, SudoReason
from tower_engine.script import ScriptSpec, SudoMode, compose, quote_path
from tower_engine.ssh import dialogue
from tower_engine.ssh.dialogue import STDOUT_MARKER, Dialogue, MarkerScanner

TOKEN = "tower-0123456789abcdef"
SHELLS = [shell for shell in (["bash"], ["dash"], ["busybox", "sh"]) if shutil.which(shell[0])]
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
few = settings(max_examples=40, deadline=None)


def run_locally(shell: list[str], spec: ScriptSpec) -> subprocess.CompletedProcess:
    talk = compose(spec, TOKEN)
    done = subprocess.run([*shell, "-c", talk.command], input=talk.opening, capture_output=True, check=False)
    marker, _, done.stdout = done.stdout.partition(b"\n")
    assert marker.startswith(TOKEN.encode() + b":i:")
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

    @pytest.mark.parametrize("filler", ["", "#" * 5000 + "\n"])
    def test_incomplete_script_runs_nothing(self, shell, filler):
        talk = compose(ScriptSpec(filler + "echo ran; echo ran"), TOKEN)
        for cut in (0, 20, len(talk.opening) // 2, len(talk.opening) - 10):
            done = subprocess.run(
                [*shell, "-c", talk.command], input=talk.opening[:cut], capture_output=True, check=False
            )
            assert done.returncode == 125 and b"ran" not in done.stdout


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


class TestDialogue:
    """The client's side of sudo, without a host."""

    def start(self, code="id; :", mode=SudoMode.PASSWORD) -> Dialogue:
        talk = compose(ScriptSpec(code, sudo=mode, sudo_password=Secret("word"), split=False), TOKEN)
        made = Dialogue(talk)
        made.outgoing.clear()
        made.receive(Stream.STDOUT, f"noise\n{TOKEN}:i:42\n{TOKEN}:b:1\n".encode(), 100)
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
