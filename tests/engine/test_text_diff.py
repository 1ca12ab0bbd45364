"""Rows of a difference lead from one text to the other, whatever the texts."""

from hypothesis import given
from hypothesis import strategies as st
from tower_engine.files import text_diff
from tower_engine.files.text_diff import side_by_side


def test_equal_texts_have_no_rows():
    assert side_by_side("a\nb\n", "a\nb\n").rows == []


def test_a_changed_line_stands_beside_the_new_one():
    assert side_by_side("a\nb\nc\n", "a\nB\nc\n").rows == [
        ("same", 1, "a", 1, "a"),
        ("changed", 2, "b", 2, "B"),
        ("same", 3, "c", 3, "c"),
    ]


def test_what_is_equal_for_long_is_left_out():
    old = "".join(f"{number}\n" for number in range(100))
    rows = side_by_side(old, old.replace("50\n", "fifty\n")).rows
    assert rows[0] == ("gap", 47, "", 0, "")
    assert rows[-1] == ("gap", 46, "", 0, "")
    assert len(rows) == 2 + 7


def test_signs_for_what_cannot_be_seen():
    assert side_by_side("a\r\n", "a\n").rows == [("changed", 1, "a\N{SYMBOL FOR CARRIAGE RETURN}", 1, "a")]
    [(_kind, _old, left, _new, right)] = side_by_side("a", "a\n").rows
    assert (left, right) == ("a\N{RIGHTWARDS ARROW TO BAR}", "a")


def test_long_texts_are_bounded():
    many = "".join(f"{number}\n" for number in range(3000))
    found = side_by_side("", many)
    assert found.is_cut
    assert len(found.rows) == text_diff.ROWS_MAX
    assert side_by_side("x\n", "y\n" * text_diff.LINES_MAX).too_long
    assert len(side_by_side("", "x" * 10_000).rows[0][4]) == text_diff.LINE_MAX + 1


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=30)


@given(LINES, LINES)
def test_rows_lead_from_one_to_the_other(old, new):
    """Every line of the new text is in a row of its number, or equal and left out; the same holds for the old one."""
    rows = [row for row in side_by_side("".join(old), "".join(new)).rows if row[0] != "gap"]
    for kind, old_number, left, new_number, right in rows:
        if old_number:
            assert old[old_number - 1] == left + "\n"
        if new_number:
            assert new[new_number - 1] == right + "\n"
        assert (kind == "same") == bool(old_number and new_number and left == right and kind != "changed")
    removed = {row[1] for row in rows if row[0] in ("changed", "removed")}
    added = {row[3] for row in rows if row[0] in ("changed", "added")}
    rest_old = [line for number, line in enumerate(old, 1) if number not in removed]
    rest_new = [line for number, line in enumerate(new, 1) if number not in added]
    assert rest_old == rest_new
