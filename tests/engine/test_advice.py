import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.advice import Advice, advise

CHAIN, SUDO, DIRECTORY = Advice.CHAIN, Advice.SUDO, Advice.DIRECTORY


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", set()),
        ("df -h", set()),
        ("df -h\nuptime", set()),
        ("a && b", {CHAIN}),
        ("a; b", {CHAIN}),
        ("a;", set()),
        ("a; # done", set()),
        ("a || true", set()),
        ("a | b", set()),
        ("echo 'a && b; sudo cd'", set()),
        ('echo "a && b; sudo cd"', set()),
        ("echo a \\&\\& b", set()),
        ("# a && sudo b", set()),
        ("for x in 1 2; do echo $x; done", set()),
        ("if a && b; then c; fi", set()),
        ("(cd /tmp && make)", set()),
        ("cat <<EOF\na && b; sudo c\nEOF", set()),
        ("cd /tmp && make", {CHAIN, DIRECTORY}),
        ("cd /tmp\nmake", {DIRECTORY}),
        ("make -C /tmp cd", set()),
        ("sudo systemctl restart nginx", {SUDO}),
        ("/usr/bin/sudo true", {SUDO}),
        ("LANG=C sudo true", {SUDO}),
        ("'sudo' true", {SUDO}),
        ("a | sudo tee b", {SUDO}),
        ("echo sudo", set()),
        ("grep sudo /etc/group", set()),
        ("{{ a }} && b", {CHAIN}),
        ("{{ 'a && b' }}", set()),
        ("{% if a %}cd /x{% endif %}", {DIRECTORY}),
        ("{# a && sudo b #} c", set()),
        ("login #!cxtower.secret.password!# && b", {CHAIN}),
        ("a 'not closed && sudo b", set()),
    ],
)
def test_advice(code, expected):
    assert advise(code) == expected


@given(st.text("ab cd;&|(){}'\"\\\n#!$%<>sudo=`", max_size=40))
def test_any_text_has_an_answer(code):
    assert advise(code) <= set(Advice)


def test_deep_nesting_has_an_answer():
    assert advise("(" * 50_000) == frozenset()
