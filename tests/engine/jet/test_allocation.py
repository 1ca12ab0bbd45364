"""Allocation: reading ranges and patterns, and the lowest free value, by table and against a plain list."""

import time
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_jet_engine.allocation import AllocationError, AllocationRange

PORTS = AllocationRange.parse("8000-8999")


# Reading


@pytest.mark.parametrize(
    ("text", "size", "beginning"),
    [
        ("8000-8999", 1000, ["8000", "8001"]),
        (" 8000 - 8999 ", 1000, ["8000", "8001"]),
        ("7-7", 1, ["7"]),
        ("0-1000", 1001, ["0", "1"]),
        ("8-11", 4, ["8", "9", "10", "11"]),
        ("08-11", 4, ["08", "09", "10", "11"]),
        ("shop{01-99}", 99, ["shop01", "shop02"]),
        ("shop{1-99}", 99, ["shop1", "shop2"]),
        ("db_{1-20}.local", 20, ["db_1.local", "db_2.local"]),
        ("{5-6}", 2, ["5", "6"]),
        ("a-1-2-{098-101}", 4, ["a-1-2-098", "a-1-2-099", "a-1-2-100", "a-1-2-101"]),
        ("1-1000000", 1_000_000, ["1", "2"]),
        ("9" * 18 + "-" + "9" * 18, 1, ["9" * 18]),
    ],
)
def test_a_range_or_pattern_is_read(text, size, beginning):
    values = AllocationRange.parse(text)
    assert values.size == size
    assert list(islice(values, len(beginning))) == beginning


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("8000", '"8000" is not a range'),
        ("ports", '"ports" is not a range'),
        ("8000–8999", "is not a range"),
        ("8000-8999-9999", "is not a range"),
        ("٨-٩", "is not a range"),
        ("1.5-2.5", "is not a range"),
        ("shop{}", '"" is not a range'),
        ("shop{a-z}", '"a-z" is not a range'),
        ("shop01-99", '"shop01-99" is not a range'),
        ("9-8", "9-8 is reversed: 9 is greater than 8"),
        ("shop{99-01}", "99-01 is reversed"),
        ("-5-5", "-5-5 has a negative number"),
        ("5--5", "5--5 has a negative number"),
        ("shop{-2--1}", "-2--1 has a negative number"),
        ("0-1000000", "has 1,000,001 values. No more than 1,000,000 are possible"),
        ("9" * 19 + "-" + "9" * 19, "a number of more than 18 digits"),
        ("1-" + "9" * 5000, "a number of more than 18 digits"),
        ("1-020", "1-020 has more leading zeros than the first"),
        ("a{1-2}b{3-4}", "has several counters"),
        ("a{1-2", "do not enclose a counter"),
        ("a1-2}", "do not enclose a counter"),
        ("a}1-2{", "do not enclose a counter"),
        ("a{{1-2}}", "do not enclose a counter"),
        ("{{", "do not enclose a counter"),
        ("a{1-2}}", "do not enclose a counter"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(text, why):
    with pytest.raises(AllocationError) as refused:
        AllocationRange.parse(text)
    assert why in str(refused.value)
    assert str(refused.value).endswith(".")


# What is in it


@pytest.mark.parametrize("value", ["8000", "8500", "8999"])
def test_values_of_a_range_are_in_it(value):
    assert value in PORTS


@pytest.mark.parametrize(
    "value",
    [
        "7999",
        "9000",
        "08000",
        "8000 ",
        " 8000",
        "+8000",
        "8_000",
        "",
        "x",
        "٨٠٠٠",
        "800²",
        "8" * 9999,
        8000,
        None,
    ],
)
def test_only_the_exact_text_is_in_a_range(value):
    assert value not in PORTS


@pytest.mark.parametrize(
    ("text", "value", "is_in"),
    [
        ("shop{01-99}", "shop01", True),
        ("shop{01-99}", "shop1", False),
        ("shop{01-99}", "shop001", False),
        ("shop{01-99}", "Shop01", False),
        ("shop{01-99}", "01", False),
        ("db_{1-20}.local", "db_20.local", True),
        ("db_{1-20}.local", "db_20", False),
        ("db_{1-20}.local", "db_21.local", False),
        ("{1-20}1", "1", False),
        ("1{1-20}1", "11", False),
        ("1{1-20}1", "111", True),
    ],
)
def test_the_exact_text_of_a_pattern_is_in_it(text, value, is_in):
    assert (value in AllocationRange.parse(text)) == is_in


# The lowest free value


@pytest.mark.parametrize(
    ("text", "taken", "free"),
    [
        ("8000-8999", [], "8000"),
        ("8000-8999", ["8000", "8001", "8003"], "8002"),
        ("8000-8999", ["08000", "x", "", "9000"], "8000"),
        ("1-3", ["3", "2", "1", "1"], None),
        ("shop{01-10}", [f"shop{number:02}" for number in range(1, 10)], "shop10"),
        ("shop{01-10}", ["shop1"], "shop01"),
    ],
)
def test_the_first_value_that_is_not_taken_is_free(text, taken, free):
    assert AllocationRange.parse(text).lowest_free(taken) == free
    assert AllocationRange.parse(text).lowest_free(iter(taken)) == free


def test_values_are_made_one_by_one_and_only_what_is_taken_is_looked_at():
    huge = AllocationRange.parse("1-1000000")
    started = time.perf_counter()
    for _repeat in range(1000):
        assert huge.lowest_free(["1", "2", "999999"]) == "3"
        assert next(iter(huge)) == "1"
    assert time.perf_counter() - started < 2


# Against a plain list

digits = st.integers(0, 120).flatmap(lambda number: st.sampled_from([str(number), f"{number:03}"]))
fixed = st.sampled_from(["", "1", "0", "a-", "-", "shop "])


@st.composite
def patterns(draw):
    first = draw(digits)
    last = str(int(first) + draw(st.integers(0, 30))).zfill(len(first))
    prefix, suffix = draw(fixed).lstrip(), draw(fixed).rstrip()
    number_list = [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    return f"{prefix}{{{first}-{last}}}{suffix}", [f"{prefix}{number}{suffix}" for number in number_list]


@given(patterns(), st.data())
def test_a_pattern_stands_for_a_list(pattern, data):
    text, expected = pattern
    values = AllocationRange.parse(text)
    assert list(values) == expected
    assert values.size == len(expected)
    others = st.text("01259a-", max_size=6)
    taken = data.draw(st.sets(st.sampled_from(expected) | others))
    assert values.lowest_free(taken) == next((value for value in expected if value not in taken), None)
    other = data.draw(st.sampled_from(expected) | others)
    assert (other in values) == (other in expected)


@given(st.text("0123{}-a ", max_size=12))
def test_any_text_is_read_or_refused(text):
    try:
        values = AllocationRange.parse(text)
    except AllocationError as refused:
        assert str(refused).endswith(".")
    else:
        assert 1 <= values.size <= 1_000_000
        assert values.lowest_free(()) == next(iter(values))
