"""Decoding and bounding of output."""

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.ssh.running.output import BoundedText, StreamDecoder


def decode(chunks):
    decoder = StreamDecoder()
    return "".join(map(decoder.feed, chunks)) + decoder.flush()


@given(st.binary(), st.lists(st.integers(0, 200)))
def test_decoding_does_not_depend_on_chunk_borders(data, cuts):
    borders = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in zip(borders, borders[1:], strict=False)]
    assert decode(chunks) == data.decode("utf-8", "replace")


def test_carriage_returns_stay():
    assert decode([b"10%\r", b"20%\r\n"]) == "10%\r20%\r\n"


@given(st.lists(st.text()), st.integers(0, 30), st.integers(0, 30))
def test_bounded_text_keeps_head_and_tail_and_counts_the_rest(chunks, head, tail):
    bounded = BoundedText(head, tail)
    for chunk in chunks:
        bounded.append(chunk)
    whole = "".join(chunks).encode()
    text = bounded.text()
    assert bounded.size == len(whole)
    if len(whole) <= head + tail - 6:  # up to 3 bytes a cut are lost to whole characters
        assert bounded.skipped == 0
    if not bounded.skipped:
        assert text == whole.decode()
        return
    begin, end = text.split(f"\n[... {bounded.skipped} bytes omitted ...]\n", 1)
    assert whole.startswith(begin.encode()) and whole.endswith(end.encode())
    assert len(begin.encode()) <= head and len(end.encode()) <= tail
    assert len(begin.encode()) + len(end.encode()) + bounded.skipped == len(whole)


@pytest.mark.parametrize("chunk", ["x" * 10_000_000, "é\n", "a"])
def test_memory_is_bounded_and_time_linear(chunk):
    bounded = BoundedText(1000, 100_000)
    started = time.perf_counter()
    for _ in range(max(1, 300_000 // len(chunk))):
        bounded.append(chunk)
    assert time.perf_counter() - started < 3
    assert sys.getsizeof(bounded._head) + sys.getsizeof(bounded._tail) < 600_000


def test_what_unicode_calls_no_character_does_not_get_into_texts():
    """XML cannot hold it: a log with it could not be read over XML-RPC."""
    decoder = StreamDecoder()
    data = "a\ufffeb\uffff\U0001f600".encode()
    assert "".join(decoder.feed(data[i : i + 1]) for i in range(len(data))) == "a\ufffdb\ufffd\U0001f600"
