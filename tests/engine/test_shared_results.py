"""What tells that a text becomes the same on two servers: nothing that it uses may be left out."""

from hypothesis import given
from hypothesis import strategies as st
from tower_engine.errors import EngineError
from tower_engine.plan.shared_results import Inputs, Shared
from tower_engine.template.rendering import Mode, UndefinedPolicy, VariableScope, render

TEXTS = [
    "plain",
    "{{ a }}",
    "{{ a }}{{ b }}",
    "{% if c %}{{ a }}{% endif %}",
    "{{ tower.server.name }}",
    "{% set s = tower.server %}{{ s.name }}",
    "{{ tower['server']['name'] }}",
    "{% for key in tower %}{{ key }}{% endfor %}{{ tower.server }}",
    "{{ own }} {{ c }}",
    "{{ broken",
]
VALUES = st.sampled_from(
    [None, "", "x", "y", "{{ b }}", "{{ c }}!", "{{ tower.server.name }}", "{{ own }}", "{{"]
)


def scope(a=None, b=None, c=None, name="web", **more):
    system = {"tower": {"server": {"name": name, "url": None, **more}}}
    return VariableScope(
        stored={"a": a, "b": b, "c": c, "own": "stored"}, custom={"own": "mine"}, system=system
    )


def outcome(text, values):
    try:
        return render(text, values, Mode.SHELL, UndefinedPolicy.ERROR, "the test")
    except EngineError as error:
        return type(error), str(error)


SCOPES = st.builds(scope, VALUES, VALUES, VALUES, st.sampled_from(["web", "db"]), note=st.sampled_from("12"))


@given(st.sampled_from(TEXTS), SCOPES, SCOPES)
def test_texts_with_the_same_key_become_the_same(text, one, other):
    if Inputs(one).key([text]) == Inputs(other).key([text]):
        assert outcome(text, one) == outcome(text, other)


def test_what_a_text_does_not_use_does_not_matter():
    one, other = Inputs(scope("x", "1", note="n")), Inputs(scope("x", "2", note="m"))
    for text in ("plain", "{{ a }}", "{{ own }}", "{{ tower.server.name }}"):
        assert one.key([text]) == other.key([text])
    for text in (
        "{{ b }}",
        "{{ tower.server.note }}",
        "{{ tower.server }}",
        "{% set t = tower %}{{ t.server.note }}",
    ):
        assert one.key([text]) != other.key([text])


def test_names_are_found_through_stored_values_but_not_through_own_ones():
    found = Inputs(scope("{{ b }}", "{{ a }} {{ own }}")).names(["{{ a }}"])
    assert found == {"a", "b", "own"}


def test_a_result_is_made_once_for_its_key():
    shared, made = Shared(), []
    for key in ("k", "k", "other", "k"):
        assert shared.get(key, lambda key=key: made.append(key) or key.upper()) == key.upper()
    assert made == ["k", "other"]
