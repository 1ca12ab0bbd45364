"""Saved values: stored and read, found again, restored by the fewest rows, and compared."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_jet_engine.waypoint_values import (
    Changes,
    Problem,
    SavedValue,
    VariableFacts,
    compare,
    find_changes,
    resolve,
)

PORT = SavedValue(1, "port", text="8069")
MODE = SavedValue(2, "mode", 21, "mode_fast", "fast")
FACTS = {
    1: VariableFacts(1, "port"),
    2: VariableFacts(2, "mode", True, {21: ("mode_fast", "fast"), 22: ("mode_safe", "safe")}),
}

texts = st.none() | st.sampled_from(["", "a", "{{ b }}", "line\nline", "é"])
values = st.builds(
    SavedValue,
    variable_id=st.integers(1, 6),
    variable=st.sampled_from("abcdef"),
    option_id=st.none() | st.integers(1, 3),
    option=st.sampled_from(["", "x", "y"]),
    text=texts,
    level=st.sampled_from("123"),
    sequence=st.integers(1, 3),
    required=st.booleans(),
    active=st.booleans(),
)
sets_of_values = st.lists(values, max_size=6, unique_by=lambda value: value.variable_id)


# As a document


@given(values)
def test_a_value_is_the_same_after_it_was_stored(value):
    assert SavedValue.of_document(json.loads(json.dumps(value.document()))) == value


def test_missing_keys_take_their_defaults_and_unknown_ones_are_ignored():
    assert SavedValue.of_document({"variable": "port", "text": "8069", "colour": "red"}) == replace(
        PORT, variable_id=0
    )
    assert SavedValue.of_document({"variable_id": 1}) == SavedValue(1, "")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "must be a dictionary, not NoneType"),
        (["port"], "must be a dictionary, not list"),
        ({}, "names no variable"),
        ({"variable_id": 0, "variable": ""}, "names no variable"),
        ({"variable": "port", "text": 8069}, '"text" of the wrong type: int'),
        ({"variable": "port", "text": False}, '"text" of the wrong type: bool'),
        ({"variable": None}, '"variable" of the wrong type: NoneType'),
        ({"variable_id": True}, '"variable_id" of the wrong type: bool'),
        ({"variable": "port", "option_id": "7"}, '"option_id" of the wrong type: str'),
        ({"variable": "port", "active": 1}, '"active" of the wrong type: int'),
        ({"variable": "port", "sequence": 1.5}, '"sequence" of the wrong type: float'),
    ],
)
def test_what_is_no_saved_value_is_refused_with_the_reason(document, message):
    with pytest.raises(ValueError, match=message):
        SavedValue.of_document(document)


# The rows to change


def test_an_equal_row_is_not_touched():
    assert find_changes({7: PORT, 8: MODE}, [MODE, PORT]) == Changes(unchanged=2)


@pytest.mark.parametrize(
    "difference",
    [
        {"text": "8070"},
        {"text": ""},
        {"text": None},
        {"option_id": 21},
        {"level": "2"},
        {"sequence": 11},
        {"required": True},
        {"active": False},
    ],
)
def test_a_row_that_differs_in_anything_is_written(difference):
    wanted = replace(PORT, **difference)
    assert find_changes({7: PORT}, [wanted]) == Changes(write={7: wanted})


def test_another_option_with_the_same_text_is_written():
    wanted = replace(MODE, option_id=22)
    assert find_changes({7: MODE}, [wanted]) == Changes(write={7: wanted})


def test_none_and_an_empty_text_are_different():
    assert find_changes({7: replace(PORT, text=None)}, [replace(PORT, text="")]).write


def test_a_renamed_variable_or_option_changes_no_row():
    assert find_changes({7: MODE}, [replace(MODE, variable="kind", option="kind_fast")]).unchanged == 1


def test_rows_of_other_variables_are_removed_and_missing_ones_created():
    assert find_changes({7: PORT}, [MODE]) == Changes(create=(MODE,), remove=(7,))
    assert find_changes({}, [MODE, PORT]).create == (MODE, PORT)
    assert find_changes({9: PORT, 8: MODE}, []).remove == (8, 9)


def test_a_second_row_of_a_variable_is_removed():
    assert find_changes({8: PORT, 7: PORT}, [PORT]) == Changes(remove=(8,), unchanged=1)


def test_two_wanted_values_of_a_variable_are_refused():
    with pytest.raises(ValueError, match='"port" has two values'):
        find_changes({}, [PORT, replace(PORT, text="8070")])


@given(st.dictionaries(st.integers(1, 20), values, max_size=6), sets_of_values)
def test_the_changes_lead_from_the_rows_to_the_wanted_values(present, wanted):
    changes = find_changes(present, wanted)
    rows = {id: value for id, value in present.items() if id not in changes.remove} | changes.write
    reached = [*rows.values(), *changes.create]

    def comparable(value):
        return replace(value, variable="", option="").document()

    def by_variable(value):
        return value["variable_id"]

    assert sorted(map(comparable, reached), key=by_variable) == sorted(
        map(comparable, wanted), key=by_variable
    )


@given(st.dictionaries(st.integers(1, 20), values, max_size=6), sets_of_values)
def test_no_row_is_touched_that_need_not_be(present, wanted):
    changes = find_changes(present, wanted)
    assert not changes.write.keys() & set(changes.remove)
    assert {present[id].variable_id for id in changes.write} <= {value.variable_id for value in wanted}
    assert not {value.variable_id for value in changes.create} & {
        value.variable_id for value in present.values()
    }
    assert all(
        replace(present[id], variable=v.variable, option=v.option) != v for id, v in changes.write.items()
    )
    assert changes.unchanged == len(present) - len(changes.write) - len(changes.remove)


# Variables and options, found again


def resolved(value, facts=None):
    """Return what one value becomes: a SavedValue or the kind of its problem."""
    found, problems = resolve([value], {fact.id: fact for fact in facts or FACTS.values()})
    assert len(found) + len(problems) == 1
    return found[0] if found else problems[0].kind


def test_values_of_what_still_exists_are_found_as_they_are():
    assert resolve([MODE, PORT], FACTS) == ((MODE, PORT), ())


def test_a_renamed_variable_is_found_by_its_id():
    assert resolved(PORT, [VariableFacts(1, "http_port")]) == replace(PORT, variable="http_port")


def test_a_variable_that_was_created_again_is_found_by_its_reference():
    assert resolved(PORT, [VariableFacts(9, "port")]) == replace(PORT, variable_id=9)


def test_the_id_counts_before_the_reference():
    assert resolved(PORT, [VariableFacts(9, "port"), VariableFacts(1, "old_port")]).variable_id == 1


def test_a_variable_is_never_given_to_two_values():
    taken_over = {2: VariableFacts(2, "port")}
    other = SavedValue(2, "mode", text="x")
    assert resolve([PORT, other], taken_over) == (
        (replace(other, variable="port"),),
        (Problem("port", "variable", "8069"),),
    )
    twice = [replace(PORT, variable_id=5), replace(PORT, variable_id=6, text="8070")]
    found, problems = resolve(twice, {1: FACTS[1]})
    assert (found, problems) == ((PORT,), (Problem("port", "variable", "8070"),))


def test_a_variable_that_is_gone_is_a_problem():
    assert resolve([PORT, replace(MODE, variable_id=9, variable="gone", text=None)], FACTS) == (
        (PORT,),
        (Problem("gone", "variable", ""),),
    )


def options(*rows, is_options=True):
    return [VariableFacts(2, "mode", is_options, {id: (reference, text) for id, reference, text in rows})]


@pytest.mark.parametrize(
    ("value", "facts", "expected"),
    [
        (MODE, options((21, "renamed", "fast")), replace(MODE, option="renamed")),
        (MODE, options((31, "mode_fast", "fast")), replace(MODE, option_id=31)),
        (MODE, options((31, "mode_fast", "no"), (21, "other", "fast")), replace(MODE, option="other")),
        (replace(MODE, option_id=None), options((21, "mode_fast", "fast")), MODE),
        (replace(MODE, text=""), options((21, "mode_fast", None)), replace(MODE, text="")),
        (MODE, options((22, "mode_safe", "safe")), "option"),
        (MODE, options((31, "another", "fast")), "option"),
        (MODE, options((21, "mode_fast", "faster")), "option"),
        (MODE, options((31, "mode_fast", "Fast")), "option"),
        (MODE, options((21, "mode_fast", None)), "option"),
        (MODE, options(), "option"),
        (MODE, options((21, "mode_fast", "fast"), is_options=False), "option"),
        (SavedValue(2, "mode", text="fast"), options((21, "mode_fast", "fast")), "option"),
        (SavedValue(2, "mode", text=None), options(), SavedValue(2, "mode", text=None)),
        (SavedValue(2, "mode", text=""), options(), SavedValue(2, "mode", text="")),
    ],
)
def test_an_option_is_found_by_id_then_reference_and_must_have_the_saved_text(value, facts, expected):
    assert resolved(value, facts) == expected


def test_a_problem_has_the_level_of_what_it_tells():
    hidden = replace(MODE, level="2")
    assert resolve([hidden], {})[1][0].level == "2"
    facts = [replace(one, level="3") for one in options()]
    assert resolve([hidden], {2: facts[0]})[1] == (Problem("mode", "option", "fast", "3"),)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"text": "a"}, True),
        ({"text": None}, True),
        ({"text": "", "required": True}, False),
        ({"text": None, "required": True}, False),
        ({"text": "a", "required": True}, True),
        ({"text": "a", "active": False}, False),
    ],
)
def test_archived_rows_and_empty_required_ones_have_no_effect(row, expected):
    assert replace(PORT, **row).has_effect is expected


def test_the_level_is_raised_to_that_of_the_variable():
    assert resolved(PORT, [VariableFacts(1, "port", level="3")]).level == "3"
    assert resolved(replace(PORT, level="3"), [VariableFacts(1, "port", level="2")]).level == "3"


facts_of_variables = st.lists(
    st.builds(
        VariableFacts,
        id=st.integers(1, 6),
        reference=st.sampled_from("abcdef"),
        is_options=st.booleans(),
        options=st.dictionaries(st.integers(1, 3), st.tuples(st.sampled_from(["x", "y", "z"]), texts)),
    ),
    max_size=6,
    unique_by=(lambda facts: facts.id, lambda facts: facts.reference),
).map(lambda found: {facts.id: facts for facts in found})


def has_its_option(value, facts):
    """Whether the value has no option where none is possible, or one with its text, by looking at all of them."""
    if not value.option_id and not value.option:
        return not facts.is_options or not value.text
    candidates = [facts.options[value.option_id]] if value.option_id in facts.options else []
    candidates = candidates or [option for option in facts.options.values() if option[0] == value.option]
    return facts.is_options and bool(candidates) and (candidates[0][1] or "") == (value.text or "")


def slow_resolve(saved, variables):
    """Return the variables that get a value and the problems, each found by looking at everything."""
    given, problems = {}, []
    reserved = {value.variable_id for value in saved if value.variable_id in variables}
    for value in saved:
        facts = variables.get(value.variable_id)
        for candidate in variables.values():
            if not facts and candidate.reference == value.variable and candidate.id not in reserved:
                facts = candidate
                reserved.add(candidate.id)
                break
        if not facts:
            problems.append((value.variable, "variable"))
        elif not has_its_option(value, facts):
            problems.append((value.variable, "option"))
        else:
            given[facts.id] = value.text
    return given, problems


@given(sets_of_values, facts_of_variables)
def test_each_value_is_resolved_or_a_problem_as_a_slow_search_says(saved, variables):
    found, problems = resolve(saved, variables)
    given_texts, expected = slow_resolve(saved, variables)
    assert {value.variable_id: value.text for value in found} == given_texts
    assert [(problem.variable, problem.kind) for problem in problems] == expected
    assert len(found) + len(problems) == len(saved)
    find_changes({}, found)  # never two for one variable


@given(sets_of_values, facts_of_variables)
def test_resolving_twice_changes_nothing(saved, variables):
    found, _problems = resolve(saved, variables)
    assert resolve(found, variables) == (found, ())


# Comparing


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, {}),
        ({"a": "1"}, {"a": "1"}, {}),
        ({}, {"a": "1"}, {"added": {"a": "1"}}),
        ({"a": "1"}, {}, {"removed": {"a": "1"}}),
        ({"a": "1"}, {"a": "2"}, {"changed": {"a": ["1", "2"]}}),
        ({"a": None}, {}, {"removed": {"a": None}}),
        ({"a": ""}, {"a": None}, {"changed": {"a": ["", None]}}),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2]}}, {}),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [2, 1]}}, {"changed": {"a": [{"b": [1, 2]}, {"b": [2, 1]}]}}),
        ({"a": [1]}, {"a": [1, 2]}, {"changed": {"a": [[1], [1, 2]]}}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 1}}, {"changed": {"a": [{"b": 1}, {"b": 1, "c": 1}]}}),
        ({"a": 1}, {"a": True}, {"changed": {"a": [1, True]}}),
        ({"a": [{"b": 0}]}, {"a": [{"b": False}]}, {"changed": {"a": [[{"b": 0}], [{"b": False}]]}}),
        ({"a": 1}, {"a": "1"}, {"changed": {"a": [1, "1"]}}),
        ({"a": []}, {"a": {}}, {"changed": {"a": [[], {}]}}),
    ],
)
def test_differences_by_key(before, after, expected):
    assert compare(before, after) == {"added": {}, "removed": {}, "changed": {}} | expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
documents = st.dictionaries(st.sampled_from("abcd"), json_values, max_size=4)


@given(documents, documents)
def test_the_difference_is_that_of_the_texts_and_leads_from_one_to_the_other(before, after):
    difference = compare(before, after)

    def texts_of(document):
        return {key: json.dumps(value, sort_keys=True) for key, value in document.items()}

    old, new = texts_of(before), texts_of(after)
    assert set(difference["changed"]) == {key for key in old.keys() & new.keys() if old[key] != new[key]}
    reached = {key: value for key, value in before.items() if key not in difference["removed"]}
    reached |= difference["added"] | {key: pair[1] for key, pair in difference["changed"].items()}
    assert texts_of(reached) == new


@given(documents, documents)
def test_comparing_the_other_way_round_swaps_the_sides(before, after):
    there, back = compare(before, after), compare(after, before)
    assert (there["added"], there["removed"]) == (back["removed"], back["added"])
    assert there["changed"] == {key: pair[::-1] for key, pair in back["changed"].items()}


def test_keys_are_sorted():
    assert list(compare({}, {"b": 1, "a": 1, "c": 1})["added"]) == ["a", "b", "c"]
