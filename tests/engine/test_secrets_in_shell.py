"""A secret in shell code arrives as data in real shells, wherever it stands."""

import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tower_engine.errors import RenderingError, SecretNotFound
from tower_engine.secret import Secret
from tower_engine.template import placeholders

NONCE = "0123456789abcdef"
MARK = "#!cxtower.secret.pw!#"
SHELLS = [shell for shell in (["sh"], ["bash"], ["dash"], ["busybox", "sh"]) if shutil.which(shell[0])]
VALUES = st.text(st.characters(exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=30) | st.text(
    "'\"$`\\\n(){}!#&;|<>*?~ \tEOFab1", max_size=30
)
NASTY = [
    "",
    "plain",
    'it\'s "quoted" $HOME `id` $(id) \\ \\\\ ${x} !! %s',
    "a\nEOF\nb\n",
    "EOF",
    "\tEOF\n\tx",
    "-n",
    "$(touch /tmp/owned)",
    "';id;'",
    '";id;"',
    "\\",
    "'",
    '"',
    "\n",
    "grüße 日本 🔑",
    "x" * 8192 + "'\"$`\\\n" * 50,
    "(rm)",
    "{a,b}",
    "~",
    "* ?",
    "1",
    "abc def",
]
# {M}: the mark; text around it is expected around the value. printf %s prints its data unchanged.
PLACES = {
    "bare": ("printf %s {M}", "", ""),
    "glued": ("printf %s --pw={M}.x", "--pw=", ".x"),
    "single": ("printf %s '<{M}>'", "<", ">"),
    "double": ('printf %s "<{M}>"', "<", ">"),
    "assignment": ('x={M}; printf %s "$x"', "", ""),
    "after a variable in quotes": ('v=1; printf %s "$v{M}"', "1", ""),
    "after a variable": ("v=1; printf %s $v{M}", "1", ""),
    "after a dollar": ("printf %s ${M}", "$", ""),
    "after a dollar in quotes": ('printf %s "${M}"', "$", ""),
    "after two dollars": ('printf %s "\\$${M}"', "$$", ""),
    "after a backslash": ("printf %s \\{M}", "", ""),
    "after a backslash in quotes": ('printf %s "\\{M}"', "\\", ""),
    "substitution": ('x="$(printf "%s." {M})"; printf %s "$x"', "", "."),
    "quoted in substitution": ('printf %s "$(printf "%s." "{M}")"', "", "."),
    "backticks": ("x=`printf '%s.' {M}`; printf %s \"$x\"", "", "."),
    "quoted in backticks": ('printf %s "`printf \'%s.\' \\"{M}\\"`"', "", "."),
    "backticks with a comment": ("x=`printf '%s.' {M} # {M}`; printf %s \"$x\"", "", "."),
    "nested backticks": ('x=`printf %s "\\`printf \'%s.\' {M}\\`"`; printf %s "$x"', "", "."),
    "after a dollar, backticks": ("printf %s \"$`printf '%s.' {M}`\"", "$", "."),
    "here-document": ("cat <<EOF\n<{M}>\nEOF\n", "<", ">\n"),
    "here-document line": ("cat <<EOF\n{M}\nEOF", "", "\n"),
    "here-document delimiter in two": ("cat <<EOF\nE{M}\nEOF", "E", "\n"),
    "quoted here-document": ("cat <<'EOF'\n$x {M}\nEOF", "$x ", "\n"),
    "tab-stripping here-document": ("cat <<-EOF\n\t\t<{M}>\n\tb\n\tEOF", "<", ">\nb\n"),
    "quoted tab-stripping here-document": ("cat <<-\\EOF\n\t\t<{M}>\n\tb\n\tEOF", "<", ">\nb\n"),
    "variable in a here-document": ("v=1\ncat <<EOF\n$v{M}\nEOF", "1", "\n"),
    "dollar in a here-document": ("cat <<EOF\n${M} \\{M}\nEOF", "$", None),
    "piped here-document": ("cat <<EOF | cat && printf %s {M}\n<{M}>\nEOF", "<", None),
    "substitution in a here-document": ("cat <<EOF\n$(printf '%s.' {M})\nEOF", "", ".\n"),
    "quotes in a substitution in a here-document": (
        "cat <<EOF\n$(printf '%s.' '\\{M}\n'; printf '%s' \"{M}\")\nEOF",
        "\\",
        None,
    ),
    "here-document in a substitution": ('printf %s "$(cat <<EOF\n{M}.\nEOF\n)"', "", "."),
    "default": ("printf %s ${unset:-{M}}", "", ""),
    "case": ("case {M} in {M}) printf %s {M};; *) printf wrong;; esac", "", ""),
    "test": ("if [ {M} = '{M}' ]; then printf %s {M}; fi", "", ""),
    "comment": ("# {M}\nprintf %s {M} # {M}", "", ""),
    "after a quote": ("printf %s 'a'{M}\"b\"", "a", "b"),
    "function": ('f() { printf %s "$1"; }; f {M}', "", ""),
    "loop": ('for x in {M}; do printf %s "$x"; done', "", ""),
    "eval": ("x={M}\neval 'printf %s \"$x\"'", "", ""),
    "continued line": ("printf %s \\\n{M}", "", ""),
}


def resolve(code, value):
    protected = placeholders.protect(code.replace("{M}", MARK), NONCE)
    return placeholders.resolve_in_shell(protected, NONCE, {"pw": Secret(value)})


def run(shell, code):
    return subprocess.run([*shell], input=code.encode(), capture_output=True, timeout=20).stdout


def check_place(shell, place, value):
    code, before, after = PLACES[place]
    output = run(shell, resolve(code, value))
    if after is None:
        assert output.startswith((before + value).encode())
        if place.startswith("quotes"):
            assert output == f"\\{value}\n.{value}".rstrip("\n").encode() + b"\n"
        elif place == "dollar in a here-document":
            assert output == f"${value} \\{value}\n".encode()
        else:
            assert output == f"<{value}>\n{value}".encode()
    else:
        assert output == (before + value + after).encode()


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("place", PLACES)
def test_nasty_values_arrive(shell, place):
    for value in NASTY:
        check_place(shell, place, value)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SHELLS), st.sampled_from(sorted(PLACES)), VALUES)
@example(["sh"], "here-document", "\nEOF\n")
def test_any_value_arrives(shell, place, value):
    check_place(shell, place, value)


@pytest.mark.parametrize(
    ("shell", "code"),
    [
        (["bash"], "printf %s $'<{M}>'"),
        (["bash"], "printf %s $'<\\'{M}>'"),
        (["busybox", "sh"], "printf %s $'<\\'{M}>'"),
        (["bash"], "cat <<< '<'{M}'>'"),
        (["bash"], "[[ {M} == '{M}' ]] && printf '<%s>' {M}"),
        (["bash"], "x=(a {M}); printf '<%s>' \"${x[1]}\""),
        (["bash"], "cat <(printf '<%s>' {M})"),
    ],
)
def test_places_of_bash(shell, code):
    if shell not in SHELLS:
        pytest.skip(f"{shell[0]} is not installed")
    for value in NASTY:
        output = run(shell, resolve(code, value)).decode()
        assert output.startswith("<") and output.removesuffix("\n").removesuffix(">").endswith(value), code


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "'",
                '"',
                "\\",
                "$",
                "`",
                "{M}",
                " ",
                "x",
                "$(",
                ")",
                "<<E\n",
                "\nE\n",
                "\n",
                "#",
                "${x:-",
                "}",
                "$((",
                "))",
                "=",
                ";",
            ]
        ),
        max_size=10,
    )
)
def test_no_place_lets_a_value_run(tmp_path_factory, pieces):
    """Whatever the code around it: a value full of commands runs none of them."""
    folder = tmp_path_factory.mktemp("place")
    trap = folder / "ran"
    attack = f"x'\"`touch {trap}`$(touch {trap});touch {trap}\ntouch {trap}\nE\ntouch {trap}\n}})`\";touch {trap};'"
    try:
        code = resolve("".join(pieces), attack)
    except RenderingError:
        return
    for shell in SHELLS:
        subprocess.run([*shell], input=code.encode(), capture_output=True, timeout=20, cwd=folder)
        assert not trap.exists(), (shell, code)


def test_arithmetic_takes_whole_numbers_only():
    assert run(["sh"], resolve("echo $(({M} + 1))", "41")) == b"42\n"
    with pytest.raises(RenderingError):
        resolve("echo $(({M} + 1))", "x[$(id)]")


@pytest.mark.parametrize(
    "code", ["echo ${{M}}", 'echo "${x:-{M}}"', "echo ${x#{M}}", "cat <<{M}\n{M}", "echo '{M}"]
)
def test_places_that_are_refused(code):
    with pytest.raises(RenderingError) as caught:
        resolve(code, "hunter2")
    assert "hunter2" not in str(caught.value)


def test_typed_placeholders_stay_text():
    text = placeholders.protect(f"echo {MARK} ", NONCE) + f"'{MARK}'"
    assert placeholders.resolve_in_shell(text, NONCE, {"pw": Secret("x")}) == f"echo 'x' '{MARK}'"


def test_names_and_display():
    text = placeholders.protect(f"{MARK}{MARK}#!cxtower.secret.Db_2!#", NONCE)
    assert placeholders.find_protected(text, NONCE) == ["pw", "Db_2"]
    assert placeholders.display(text, NONCE) == "*** pw ****** pw ****** Db_2 ***"
    assert placeholders.find_secrets(f"{MARK} {MARK} #!cxtower.key.x!#") == ["pw"]


def test_missing_and_changed_marks():
    text = placeholders.protect(MARK, NONCE)
    with pytest.raises(SecretNotFound) as caught:
        placeholders.resolve_in_shell(text, NONCE, {})
    assert caught.value.reference == "pw"
    for resolver in (
        placeholders.resolve_in_shell,
        placeholders.resolve_in_python,
        placeholders.resolve_verbatim,
    ):
        with pytest.raises(RenderingError):
            resolver(text.upper(), NONCE, {"pw": Secret("x")})
    with pytest.raises(RenderingError):
        placeholders.resolve_in_shell(text, NONCE, {"pw": Secret("a\0b")})
