import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.errors import ConditionInvalid
from tower_engine.plan.advice import Advice, ConditionAdvice, advise, advise_on_condition
from tower_engine.plan.conditions import evaluate
from tower_engine.template.rendering import VariableScope

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


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", None),
        ("  ", None),
        ("{{ a }}", None),
        ('{{ a }} == "x" and not {{ _b }}', None),
        ("len({{ a }} or []) > 1", None),
        ("any(x == 1 for x in {{ a }})", None),
        ('{{ a }}.startswith("b")', None),
        ("{{ a }} in ['x', 'y']", None),
        ("{% if a %}1 ==={% endif %}", None),
        ("True", None),
        ('os == "debian"', (ConditionAdvice.NAME, "os")),
        ("{{ a }} == debian", (ConditionAdvice.NAME, "debian")),
        ("open('x')", (ConditionAdvice.NAME, "open")),
        ('"{{ a }}" == "x"', (ConditionAdvice.QUOTED, "")),
        ("'prefix-{{ a }}' == 'x'", (ConditionAdvice.QUOTED, "")),
    ],
)
def test_advice_on_conditions(source, expected):
    assert advise_on_condition(source) == expected


@pytest.mark.parametrize("source", ["{{ a }} ==", "{{ a }} = 1", "1 === 1", "if 1", "(", "\0", "(" * 1000])
def test_conditions_that_are_no_expression(source):
    assert (advise_on_condition(source) or (ConditionAdvice.SYNTAX,))[0] is ConditionAdvice.SYNTAX


@given(st.text("ab {}()'\"=<>!,.x1[]:+-*_", max_size=30))
def test_any_condition_has_an_answer(source):
    advise_on_condition(source)


@pytest.mark.parametrize("name", "abs all any bool float int len max min round sorted str sum".split())
def test_functions_are_those_of_conditions(name):
    argument = "[1]" if name not in ("abs", "float", "int", "round", "str", "bool") else "1"
    assert advise_on_condition(f"{name}({argument}) is not None") is None
    assert evaluate(f"{name}({argument}) is not None", VariableScope(), "here")
    with pytest.raises(ConditionInvalid):
        evaluate("open(1)", VariableScope(), "here")
