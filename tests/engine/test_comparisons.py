"""Comparisons that cannot do what their author wants: texts with numbers, texts that read like a no."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.errors import ConditionInvalid
from tower_engine.plan import conditions
from tower_engine.plan.comparisons import Doubt, How, Use, find_uses, judge
from tower_engine.template.rendering import VariableScope


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("{{ debug }}", [Use("debug", How.TRUTH)]),
        ("not {{ a }} or {{ b }} and ({{ c }})", [Use(name, How.TRUTH) for name in "abc"]),
        ("{{ n }} == 10", [Use("n", How.EQUAL, (10,))]),
        ("10 != {{n}}", [Use("n", How.DIFFERENT, (10,))]),
        ("{{ n }} is True", [Use("n", How.EQUAL, (True,))]),
        ("{{ n }} in [1, -2.5]", [Use("n", How.EQUAL, (1, -2.5))]),
        ("{{ n }} not in ('a', None)", [Use("n", How.DIFFERENT, ("a", None))]),
        ("1 < {{ n }} <= 5", [Use("n", How.ORDER, (1,)), Use("n", How.ORDER, (5,))]),
        ("any({{ n }} == x for x in [1])", []),
        ("int({{ n }}) == 10", []),
        ("'x' in {{ n }}", []),
        ("{{ n }} == {{ m }}", []),
        ("{{ n|int }} == 10", []),
        ("{% if n %}{{ n }} == 10{% endif %}", []),
        ("{{ n }} === 10", []),
        ("", []),
        ("{{ n }} == 10" * 2000, []),
    ],
)
def test_what_is_compared_with_what(source, uses):
    assert list(find_uses(source)) == uses


@pytest.mark.parametrize(
    ("source", "doubt"),
    [
        ("{{ n }} == 10", Doubt.OTHER_TYPE),
        ("{{ n }} == False", Doubt.OTHER_TYPE),
        ("{{ n }} != 1.5", Doubt.OTHER_TYPE),
        ("{{ n }} in (1, 2)", Doubt.OTHER_TYPE),
        ("{{ n }} > 10", Doubt.NO_ORDER),
        ("{{ n }} == 'prod'", Doubt.NO_OPTION),
        ("{{ n }} in ['prod', 'dev']", Doubt.NO_OPTION),
        ("{{ n }} == 'test'", None),
        ("{{ n }} in ['test', 'prod']", None),
        ("{{ n }} == ''", None),
        ("{{ n }} in (1, 'test')", None),
        ("{{ n }} == None", None),
        ("{{ n }} in (None, 1)", None),
        ("{{ n }} > '10'", None),
        ("{{ n }}", None),
    ],
)
def test_what_is_doubtful(source, doubt):
    (use,) = find_uses(source)
    assert judge(use, texts=["test"], options=["test", "live"]) is doubt


def test_a_text_that_reads_like_a_no_is_true():
    (use,) = find_uses("not {{ debug }}")
    for text in ("false", "False", " 0 ", "no", "OFF", "none"):
        assert judge(use, texts=["yes", text]) is Doubt.READS_FALSE
    for text in ("true", "1", "", "nope"):
        assert judge(use, texts=[text]) is None


LITERALS = st.one_of(st.integers(-9, 9), st.booleans(), st.none(), st.sampled_from(["", "1", "x", "True"]))


@given(st.sampled_from(["==", "!=", "<", ">=", "is"]), LITERALS, st.sampled_from(["", "0", "1", "x", "True"]))
def test_a_doubtful_comparison_has_the_same_result_whatever_the_text(operator, literal, text):
    source = f"{{{{ n }}}} {operator} {literal!r}"
    if operator == "is" and isinstance(literal, str | int) and not isinstance(literal, bool):
        return  # refused
    doubts = {judge(use) for use in find_uses(source)}
    try:
        holds = conditions.evaluate(source, VariableScope(stored={"n": text}), "the test")
    except ConditionInvalid:
        assert doubts & {Doubt.NO_ORDER} or literal is None
        return
    if Doubt.OTHER_TYPE in doubts:
        assert holds is (operator == "!=")
    assert Doubt.NO_ORDER not in doubts
