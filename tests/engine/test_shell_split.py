"""Splitting: the parts do what the script does, in real shells."""

import re
import shlex
import shutil
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tower_engine.errors import ScriptError
from tower_engine.shell import check, plain_words, split_commands

SHELLS = [shell for shell in (["sh"], ["bash"], ["dash"], ["busybox", "sh"]) if shutil.which(shell[0])]


def run_script(code, cwd, shell=("sh",)):
    done = subprocess.run([*shell], input=code.encode(), cwd=cwd, capture_output=True, timeout=20)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def run_eval(code, cwd, shell=("sh",)):
    done = subprocess.run(
        [*shell, "-c", code], stdin=subprocess.DEVNULL, cwd=cwd, capture_output=True, timeout=20
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def run_parts(parts, cwd, shell=("sh",)):
    status, output = 0, ""
    for part in parts:
        if part.connector != "&&" or status == 0:
            status, text = run_eval(part.code, cwd, shell)
            output += text
    return status, output


def codes(script):
    return [(part.connector, part.code) for part in split_commands(script)]


@pytest.mark.parametrize(
    ("script", "parts"),
    [
        ("", [("", "")]),
        ("apt-get update", [("", "apt-get update")]),
        ("a && b", [("", "a "), ("&&", " b")]),
        ("a; b\nc", [("", "a"), (";", " b"), ("\n", "c")]),
        ("a &&\n  b", [("", "a "), ("&&", "\n  b")]),
        ("a \\\n && b", [("", "a \\\n "), ("&&", " b")]),
        ("a\n\n# note; x && y\nb # z\n", [("", "a"), ("\n", "\n# note; x && y\nb # z\n")]),
        ("echo 'a && b' \"c; d\" e\\;f && g", [("", "echo 'a && b' \"c; d\" e\\;f "), ("&&", " g")]),
        ("echo $(a; b && c) && d", [("", "echo $(a; b && c) "), ("&&", " d")]),
        ("echo `a; b` ; d", [("", "echo `a; b` "), (";", " d")]),
        ("(a; b) && c", [("", "(a; b) "), ("&&", " c")]),
        ("{ a; b; } && c", [("", "{ a; b; } "), ("&&", " c")]),
        ("if a; then b; fi; c", [("", "if a; then b; fi"), (";", " c")]),
        ("case x in a|b) c;; (d) e;; esac; f", [("", "case x in a|b) c;; (d) e;; esac"), (";", " f")]),
        ("a | b && c | d", [("", "a | b "), ("&&", " c | d")]),
        ("cat <<E\nx && y; z\nE\nb", [("", "cat <<E\nx && y; z\nE"), ("\n", "b")]),
        ("cat <<'E' && b\nx\nE\nc", [("", "cat <<'E' && b\nx\nE"), ("\n", "c")]),
        ("a; cat <<-E\n\tx\n\tE", [("", "a"), (";", " cat <<-E\n\tx\n\tE")]),
        ("echo }; echo {a,b} && c", [("", "echo }"), (";", " echo {a,b} "), ("&&", " c")]),
        ("while a; do b; done && c", [("", "while a; do b; done "), ("&&", " c")]),
        ("a || b; c && d", [("", "a || b"), (";", " c "), ("&&", " d")]),
        ("echo a#b; c", [("", "echo a#b"), (";", " c")]),
        ("echo ${x:-a;b}; c", [("", "echo ${x:-a;b}"), (";", " c")]),
        ("echo $((1 + (2))); c", [("", "echo $((1 + (2)))"), (";", " c")]),
        ("X=1 env; c", [("", "X=1 env"), (";", " c")]),
        ("a;", [("", "a;")]),
        ("a ; # done\n", [("", "a ; # done\n")]),
    ],
)
def test_parts(script, parts):
    assert codes(script) == parts


@pytest.mark.parametrize(
    "script",
    [
        "cd /tmp && pwd",
        "x=1; echo $x",
        "export A=1; env",
        "f() { a; }; f",
        "function f { a; }; f",
        "a && b || c",
        "a & b",
        "a; echo $?",
        "a; echo ${?}",
        "echo > /tmp/x.$$; cat /tmp/x.$$",
        "set -e; false; echo x",
        "exit 3; echo x",
        "{ cd /; } && pwd",
        "if true; then cd /; fi; pwd",
        "c\\d /; pwd",
        "'cd' /; pwd",
        "$CMD /; pwd",
        "command cd /; pwd",
        "c\\\nd /; pwd",
        "{cd,/}; pwd",
        "/bin/[e]cho; pwd",
        "printf '-v' x 1; echo $x",
        ": ${x:=1}; echo $x",
        "echo $((x=1)); echo $x",
        "for x in 1 2; do a; done; echo $x",
        "printf -v x 1; echo $x",
        "read x; b",
        "umask 077; touch x",
        "a &> f && b",
        "[[ a && b ]] && c",
        "echo $'it\\'s; x'; b",
        "echo 'a; b",
        'a; echo "x',
        "a; )",
        "a; b (c)",
        "a && ; b",
        "a;; b",
        "if a; then b",
        "a; fi",
        "cat <<E; b\nno end",
        "a; > ; b",
        "trap 'x' EXIT; b",
        "a; echo `echo $?`",
        "alias ll=ls; ll",
        'echo "${x:-it\'s}"; b',
        "((x=1)); b",
        "a=(1 2); b",
    ],
)
def test_scripts_that_stay_whole(script):
    assert codes(script) == [("", script)]


WORD = st.sampled_from(
    [
        "a",
        "'x; y'",
        '"p && q"',
        "\\;",
        "$(echo s; echo t)",
        "`echo u; echo v`",
        "'it'\\''s'",
        '"$HOME"',
        "b#c",
        "$((1+2))",
    ]
    + [
        "${UNSET:-d; e}",
        '"$(echo "n; m")"',
        "}",
        "{",
        "if",
        "'\n'",
        "é",
        "$(case k in k) echo r;; esac)",
        "\\\n",
    ]
)
ECHO = st.lists(WORD, max_size=3).map(lambda words: " ".join(["echo", *words]))
SIMPLE = st.one_of(
    ECHO,
    st.sampled_from(
        ["true", "false", "touch f1", "cat f1", "rm f1", "mkdir d", "echo $x", "true", "false"] * 3
        + ["cd d", "pwd", "x=1", "exit 3"]
    ),
    st.sampled_from(
        [
            "(exit 4)",
            "(cd /; false)",
            "test -e f1",
            "cat <<E\nh; $((1+1)) && i\nE",
            "cat <<'E' | tr h j\nh; $x\nE",
        ]
        * 4
        + ["echo $?"]
    ),
)
FILES = re.compile(r"\bf1\b|\bd\b")


def _pipeline(left: str, right: str) -> str:
    """Put two commands in a pipeline, unless what comes of it depends on which of them is faster."""
    is_race = FILES.search(left) and FILES.search(right)
    return f"{left}\n{right}" if "<<" in left or is_race else f"{left} | {right}"


COMPOUND = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda both: f"({both[0]}\n{both[1]}\n)"),
        st.tuples(inner, inner).map(lambda both: f"{{ {both[0]}\n{both[1]}\n}}"),
        st.tuples(inner, inner).map(lambda both: f"if {both[0]}\nthen {both[1]}\nfi"),
        st.tuples(inner, inner).map(lambda both: _pipeline(*both)),
        inner.map(lambda one: f"! {one}"),
        inner.map(lambda one: f"for y in 1 2; do {one}\ndone"),
    ),
    max_leaves=3,
)
CONNECTOR = st.sampled_from(
    [" && ", "&&", "; ", ";", "\n", "\n\n", " && \\\n", ";\n", " # c; d && e\n"] * 5
    + [" || ", " || ", " & ", " ;; "]
)


@st.composite
def scripts(draw):
    text = draw(COMPOUND)
    for _ in range(draw(st.integers(0, 4))):
        connector = "\n" if text.endswith("\nE") else draw(CONNECTOR)
        text += connector + draw(COMPOUND)
    return text


@settings(max_examples=200, deadline=None)
@given(scripts())
def test_splitting_never_changes_what_a_shell_does(tmp_path_factory, script):
    parts = split_commands(script)
    assert "".join(part.connector + part.code for part in parts) == script
    if len(parts) == 1:
        return
    for shell in SHELLS[1:]:
        whole, apart = (tmp_path_factory.mktemp("run") for _ in range(2))
        status, output = run_eval(script, whole, shell)
        assert run_parts(parts, apart, shell) == (status, output.replace(str(whole), str(apart)))
        assert sorted(file.name for file in whole.iterdir()) == sorted(file.name for file in apart.iterdir())


@given(st.text("ab ;&|\n'\"`$(){}\\<>#!E=", max_size=25))
@settings(max_examples=300, deadline=None)
def test_reading_garbage_never_fails(script):
    parts = split_commands(script)
    assert "".join(part.connector + part.code for part in parts) == script
    check(script)
    plain_words(script)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "true",
                "(",
                ")",
                ";",
                "&&",
                "||",
                "\n",
                "{",
                "}",
                "if",
                "then",
                "fi",
                "'",
                '"',
                "#",
                "&",
                "|",
                "$(",
            ]
        ),
        max_size=9,
    )
)
def test_what_is_cut_is_correct_code(tmp_path_factory, tokens):
    script = " ".join(tokens)
    if len(split_commands(script)) > 1:
        for shell in SHELLS:
            assert subprocess.run([*shell, "-n"], input=script.encode(), capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("systemctl restart nginx", ["systemctl", "restart", "nginx"]),
        ("  ls  'a b' \"c\\\"d\" e\\ f ''\n", ["ls", "a b", 'c"d', "e f", ""]),
        ("ls \"a\\b\" 'x\\'", ["ls", "a\\b", "x\\"]),
        ("ls a\\\nb", ["ls", "ab"]),
        ("ls a$ 'c$d' \\$e a~b a=~ x", None),
        ("ls a$ 'c$d' \\$e a~b x=y", ["ls", "a$", "c$d", "$e", "a~b", "x=y"]),
        ("ls # note", ["ls"]),
        ("ls *.txt", None),
        ("ls '*.txt'", ["ls", "*.txt"]),
        ("ls ~/x", None),
        ("ls {a,b}", None),
        ("ls $HOME", None),
        ('ls "$HOME"', None),
        ("ls > x", None),
        ("ls 2>&1", None),
        ("ls | wc", None),
        ("ls; wc", None),
        ("ls &", None),
        ("X=1 ls", None),
        ("cd /", None),
        ("echo a", None),
        ("! ls", None),
        ("if x", None),
        ("(ls)", None),
        ("ls 'a", None),
        ("", None),
        ("'' a", None),
        ("$(ls)", None),
        ("`ls`", None),
    ],
)
def test_plain_words(code, words):
    assert plain_words(code) == words


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))), max_size=5))
def test_plain_words_of_quoted_words(words):
    assert plain_words(shlex.join(["/bin/prog", *words])) == ["/bin/prog", *words]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("ab\\\"'$~*{}[]#=!-\n ", max_size=8), max_size=3))
def test_plain_words_are_the_shells_words(tmp_path_factory, pieces):
    code = "/usr/bin/printf %s- " + " ".join(pieces)
    words = plain_words(code)
    if words:
        direct = subprocess.run(words, capture_output=True).stdout.decode()
        assert run_eval(code, "/") == (0, direct)


def test_check():
    assert check("echo ok") == ""
    assert check("a\necho 'x\n") == "Line 2: a single quote is never closed."
    with pytest.raises(ScriptError):
        check("a\0b")


def test_deep_nesting_is_refused_not_fatal():
    started = time.perf_counter()
    for piece in (
        "$((",
        "((",
        "$((1 + ",
        '"$(',
        "${x:-",
        '"${x:-',
        "`",
        "$((x) ",
        "<<a $(",
        "{ ",
        "if ",
        "case x in x) ",
        "[[ ",
        "a=(",
    ):
        assert len(split_commands("a; " + piece * 40)) == 1
        assert len(split_commands("a; " + piece * 2000)) == 1
    assert len(split_commands("a; " + "$(( " * 40 + ") )" * 40)) == 1
    assert len(split_commands("echo 'x'; " * 1 + "echo " + "word " * 100_000)) == 2
    assert len(split_commands("cat <<E\n" + "line of text\n" * 50_000 + "E\ntrue")) == 2
    assert time.perf_counter() - started < 10
    assert len(split_commands("a; " + "$(" * 5000)) == 1
    assert len(split_commands("a; " + "(" * 5000 + "b" + ")" * 5000)) == 1
