"""The recorder keeps head and tail of any output, in bounded memory, and loses nothing when a commit fails."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tower.worker.recorder import KeptOutput, Recorder


class Table:
    """Stands for the database table: takes the recorder's two statements and keeps rows by offset."""

    def __init__(self):
        self.rows = {}

    def execute(self, statement, parameters):
        if statement.startswith("INSERT"):
            start, end, segments, _log, *_worker = parameters
            row = {"start_offset": start, "end_offset": end, "segments": json.loads(segments)}
            if start not in self.rows or self.rows[start]["end_offset"] < end:
                self.rows[start] = row
        elif statement.startswith("DELETE"):
            _log, low, high = parameters
            self.rows = {start: row for start, row in self.rows.items() if not low <= start <= high}
        else:
            raise AssertionError(statement)

    def text(self):
        """Return {offset: character} of everything kept."""
        kept = {}
        for start, row in self.rows.items():
            text = "".join(text for _stream, text in row["segments"])
            assert row["end_offset"] - start == len(text)
            kept.update({start + index: character for index, character in enumerate(text)})
        return kept


def record(pieces, head, tail, flush_every):
    recorder, table = Recorder(1, KeptOutput(head, tail), lambda: None), Table()
    for index, (stream, text) in enumerate(pieces):
        recorder.append(stream, text)
        if flush_every and index % flush_every == 0:
            recorder.flush(table)
            recorder.confirm()
    recorder.flush(table)
    recorder.confirm()
    return recorder, table


PIECES = st.lists(st.tuples(st.sampled_from("oe"), st.text("abc\nü", max_size=30)), max_size=40)


@given(PIECES, st.integers(1, 60), st.integers(1, 40), st.integers(0, 5))
@settings(max_examples=400, deadline=None)
def test_head_and_tail_are_kept_exactly_and_the_gap_is_counted(pieces, head, tail, flush_every):
    whole = "".join(text for _stream, text in pieces)
    recorder, table = record(pieces, head, tail, flush_every)
    kept = table.text()
    assert recorder.end == len(whole)
    assert all(whole[offset] == character for offset, character in kept.items())
    assert set(range(min(head, len(whole)))) <= set(kept)
    assert set(range(max(0, len(whole) - tail), len(whole))) <= set(kept)
    assert recorder.skipped == len(whole) - len(kept)


@given(PIECES)
def test_streams_keep_their_order(pieces):
    _recorder, table = record(pieces, 10**6, 10**6, 3)
    segments = [segment for start in sorted(table.rows) for segment in table.rows[start]["segments"]]
    assert "".join(text for _stream, text in segments) == "".join(text for _stream, text in pieces)
    for stream in "oe":
        expected = "".join(text for name, text in pieces if name == stream)
        assert "".join(text for name, text in segments if name == stream) == expected


def test_output_of_a_failed_commit_is_written_again():
    recorder, lost, table = Recorder(1, KeptOutput(100, 100), lambda: None), Table(), Table()
    recorder.append("o", "first ")
    recorder.flush(lost)
    recorder.append("e", "second")
    recorder.restore()
    recorder.flush(table)
    assert "".join(table.text()[offset] for offset in range(12)) == "first second"


def test_nul_characters_can_be_stored():
    recorder, table = Recorder(1, KeptOutput(100, 100), lambda: None), Table()
    recorder.append("o", "a\0b")
    recorder.flush(table)
    assert "".join(table.text().values()) == "a␀b"


def test_memory_stays_bounded_without_a_flush():
    recorder = Recorder(1, KeptOutput(1000, 500), lambda: None)
    for _ in range(10_000):
        recorder.append("o", "x" * 1000)
    held = sum(len(text) for _offset, _stream, text in recorder._pending)
    assert held <= 1000 + 2 * 500 + 1000
    assert recorder.end == 10_000_000


def test_first_output_is_announced_once():
    calls = []
    recorder = Recorder(1, KeptOutput(100, 100), lambda: calls.append(1))
    recorder.append("o", "")
    assert calls == []
    recorder.append("o", "a")
    recorder.append("o", "b")
    assert calls == [1]


def test_a_block_that_was_committed_after_all_and_comes_again_longer_loses_nothing():
    recorder, table = Recorder(1, KeptOutput(100, 100), lambda: None), Table()
    recorder.append("o", "first ")
    recorder.flush(table)  # committed, but the caller has not heard of it yet
    recorder.append("o", "second")
    recorder.flush(Table())  # another transaction, which fails
    recorder.restore()
    recorder.flush(table)
    assert "".join(table.text()[offset] for offset in range(12)) == "first second"
