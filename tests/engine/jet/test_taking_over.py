"""What a jet takes over of its original that has changed since it was copied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_jet_engine.taking_over import merge_changes

rows = st.dictionaries(st.integers(1, 5), st.sampled_from("abc"))


@pytest.mark.parametrize(
    ("before", "now", "own", "merged"),
    [
        ({1: "a"}, {1: "a"}, {1: "a"}, {1: "a"}),
        ({1: "a"}, {1: "b"}, {1: "a"}, {1: "b"}),  # changed on the original
        ({1: "a"}, {1: "a"}, {1: "b"}, {1: "b"}),  # changed on the copy
        ({1: "a"}, {1: "b"}, {1: "c"}, {1: "b"}),  # on both: the original counts
        ({1: "a"}, {}, {1: "c"}, {}),  # removed from the original
        ({1: "a"}, {1: "a"}, {}, {}),  # removed from the copy
        ({}, {1: "a"}, {}, {1: "a"}),  # added to the original
        ({}, {}, {1: "a"}, {1: "a"}),  # added to the copy
    ],
)
def test_changes_of_the_original_count(before, now, own, merged):
    assert merge_changes(before, now, own) == merged


@given(rows, rows)
def test_without_changes_of_the_original_the_copy_stays(before, own):
    assert merge_changes(before, before, own) == own


@given(rows, rows)
def test_an_unchanged_copy_becomes_the_original(before, now):
    assert merge_changes(before, now, before) == now
