"""A host's output is shown in a browser: it may become nothing but escaped text and spans with known classes."""

import html
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.ansi import CLASSES, PREFIX, to_html, to_text

SPAN = re.compile(r'<span class="([a-z0-9_ ]+)">|</span>')


def text_of(made):
    """Return the text that a browser would show."""
    return html.unescape(SPAN.sub("", made))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain", "plain"),
        ("<b>&\"'", "&lt;b&gt;&amp;&quot;&#x27;"),
        ("\x1b[31mred\x1b[0m no", f'<span class="{PREFIX}fg1">red</span> no'),
        ("\x1b[1;97;44mx\x1b[m", f'<span class="{PREFIX}bold {PREFIX}fg15 {PREFIX}bg4">x</span>'),
        ("\x1b[38;5;196mx\x1b[39my", f'<span class="{PREFIX}fg9">x</span>y'),
        ("\x1b[38;2;0;0;0mx", f'<span class="{PREFIX}fg0">x</span>'),
        ("\x1b[48:5:21mx\x1b[49my", f'<span class="{PREFIX}bg4">x</span>y'),
        ("\x1b[1mx\x1b[22my", f'<span class="{PREFIX}bold">x</span>y'),
        ("\x1b[38;5mx", "x"),
        ("\x1b[?31mx", "x"),
        ("a\x1b]0;title <i>\x07b", "ab"),
        ("a\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("\x1b[2Ja\x1b[10;10Hb\x1b(Bc", "abc"),
        ("one\r\ntwo\n", "one\ntwo\n"),
        ("10%\r50%\r100%\nend", "100%\nend"),
        ("kept\r", "kept"),
        ("100%\r5%", "5%0%"),
        ("100%\r\x1b[K5%", "5%"),
        ("10%\b\b\b20%\b\b\b30%", "30%"),
        ("working |\b/\b-\bdone", "working done"),
        ("***\b \b\b \b", "*  "),
        ("kept\b\b", "kept"),
        ("ab\n\b\bc", "ab\nc"),
        ("\x1b[31mab\x1b[0m\bc", f'<span class="{PREFIX}fg1">a</span>c'),
        ("a\x00\x08\x7f\x9bb", "a"),  # the eight-bit start of a sequence takes its final byte along
        ("tab\there", "tab\there"),
        ("a\u202eb", "a\ufffdb"),
        ("\x1b", ""),
        ("", ""),
    ],
)
def test_example(source, expected):
    assert to_html(source) == expected


PIECES = st.sampled_from(
    [
        "\x1b",
        "\x1b[",
        "\x9b",
        "\x1b]",
        "\x1bP",
        "\x07",
        "\x1b\\",
        ";",
        ":",
        "m",
        "31",
        "38;5;",
        "999999",
        "?",
        "\r",
        "\b",
        "\n",
    ]
    + [
        "<script>",
        "</span>",
        '"',
        "'",
        "&",
        "<img src=x onerror=alert(1)>",
        'class="x"',
        "\x00",
        "\u202e",
        "é",
        "x",
    ]
)
HOSTILE = st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=40).map("".join)


@given(HOSTILE)
def test_only_escaped_text_and_spans_come_out(source):
    made = to_html(source)
    depth = 0
    for match in SPAN.finditer(made):
        depth += 1 if match[1] else -1
        assert 0 <= depth <= 1
        assert not match[1] or set(match[1].split()) <= CLASSES
    assert depth == 0
    rest = SPAN.sub("", made)
    assert not re.search(r"[<>\"']", rest)
    assert re.fullmatch(r"(?:[^&]|&(?:lt|gt|amp|quot|#x27);)*", rest, re.DOTALL)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", made)


@given(HOSTILE)
def test_text_and_html_show_the_same(source):
    shown = text_of(to_html(source))
    assert shown == re.sub("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", "\ufffd", to_text(source))


@given(st.text(st.characters(blacklist_categories=("Cc", "Cf", "Cs"))))
def test_text_without_sequences_stays_as_it_is(source):
    assert text_of(to_html(source)) == source


@pytest.mark.parametrize(
    "source",
    [
        "\x1b]" * 200_000,
        "\x1b[" * 200_000,
        "\r" * 500_000,
        "x\r" * 200_000,
        "xy\x1b[1m\b" * 50_000,
        "x" * 100_000 + "\b" * 100_000 + "y\b" * 100_000,
        "\x1b[1m" * 100_000,
        "\x1bP" + "x" * 500_000,
        "<" * 500_000,
    ],
)
def test_time_is_linear_in_the_length(source):
    start = time.monotonic()
    to_html(source)
    to_text(source)
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    "body", ["x\x1b[1m", "x\x1b[22m\x1b[1m", "<\x1b[1m", "x\x1b[1m\b", "\x1b[4mx\x1b[24m"]
)
def test_size_of_the_html_is_linear_in_the_length(body):
    """At worst every character has a span of its own, with all styles and both colours."""
    source = "\x1b[1;2;3;4;7;9;97;107m" + body * 20_000
    assert len(to_html(source)) < 40 * len(source)
    assert len(to_text(source)) <= len(source)
