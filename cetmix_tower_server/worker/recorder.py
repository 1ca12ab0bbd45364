"""Keeps the live output of one run until it is written to the database, in bounded memory."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

# Postgres cannot store NUL in text.
NUL_REPLACEMENT = "\N{SYMBOL FOR NULL}"


@dataclass(frozen=True)
class KeptOutput:
    """How much of a run's live output is kept.

    :param head: characters from the start
    :param tail: characters from the end
    """

    head: int
    tail: int


@dataclass(frozen=True)
class OutputSoFar:
    """What earlier attempts of a run printed: the next one's output is appended to it.

    :param end: offset behind the last character
    :param skipped: characters left out
    :param note: line that separates the attempts
    """

    end: int = 0
    skipped: int = 0
    note: str = ""


class Recorder:
    """Collects masked output and writes it as blocks of ``cx_tower_command_log_output``.

    All of the head is kept; behind it, only the last characters (the tail). What is left out between the two shows as a gap
    between two blocks. So memory is bounded, however fast a command prints: by what is pending of the head, and twice the
    tail. Offsets count characters of both streams in the order they arrived.

    The lane appends, the conductor or the writer of the end flushes: both take the lock.

    :param log_id: id of the run
    :param kept: how much of the output is kept
    :param on_first_output: called once, when the first characters arrive
    :param so_far: what earlier attempts printed
    :param worker: code of the process that holds the run: nothing is written for a run that another one holds, which has the
        same id by chance, in a database that was restored under the same name; "" for whoever holds it
    """

    def __init__(
        self,
        log_id: int,
        kept: KeptOutput,
        on_first_output: Callable[[], None],
        so_far: OutputSoFar = OutputSoFar(),
        worker: str = "",
    ):
        self.log_id = log_id
        self._worker = worker
        self.end = so_far.end  # offset behind the last character received
        self.skipped = so_far.skipped  # characters left out so far
        self.first_output_at: float | None = None  # time.monotonic()
        self._head_limit = kept.head
        self._tail_limit = kept.tail
        self._pending: deque[tuple[int, str, str]] = deque()  # (offset, stream, text)
        self._pending_size = 0
        self._written_tail: deque[tuple[int, int]] = deque()  # (start, end) of rows behind the head
        self._unconfirmed: list[dict] = []
        self._on_first_output = on_first_output
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # one flush at a time; taken before the other lock

    def append(self, stream: str, text: str) -> None:
        """Append a piece of masked output of ``stream`` ("o" or "e")."""
        if not text:
            return
        if "\0" in text:
            text = text.replace("\0", NUL_REPLACEMENT)
        with self._lock:
            self._pending.append((self.end, stream, text))
            self._pending_size += len(text)
            self.end += len(text)
            # twice the tail before tidying up, so that tidying costs O(1) a character
            if self._pending_size > 2 * self._tail_limit and self.end > self._head_limit:
                self._drop_middle()
        if self.first_output_at is None:
            self.first_output_at = time.monotonic()
            self._on_first_output()

    def _drop_middle(self) -> None:
        """Forget pending text that is neither in the head nor among the last ``tail_limit`` characters."""
        tail_start = max(self.end - self._tail_limit, self._head_limit)
        kept: list[tuple[int, str, str]] = []
        while self._pending and self._pending[0][0] < tail_start:
            offset, stream, text = self._pending.popleft()
            if offset < self._head_limit:
                head = text[: self._head_limit - offset]
                kept.append((offset, stream, head))
                offset, text = offset + len(head), text[len(head) :]
            dropped = min(len(text), max(0, tail_start - offset))
            self.skipped += dropped
            if dropped < len(text):
                kept.append((offset + dropped, stream, text[dropped:]))
        self._pending.extendleft(reversed(kept))
        self._pending_size = sum(len(text) for _offset, _stream, text in self._pending)

    @property
    def has_pending(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._pending)

    def sizes(self) -> dict[str, int]:
        """Return how much was received and how much of it was left out, as columns of the log."""
        return {"output_size": self.end, "output_skipped": self.skipped}

    def flush(self, cr) -> bool:
        """Write what is pending with cursor ``cr``; the caller commits.

        If the process dies before the commit these blocks are lost, never half written. After the commit the
        caller calls :meth:`confirm`, after a failure :meth:`restore`.

        :return: whether anything was written
        """
        with self._writing:
            with self._lock:
                if self._pending_size > self._tail_limit and self.end > self._head_limit:
                    self._drop_middle()
                blocks = self._take_blocks()
                self._unconfirmed += blocks
                end = self.end
            if blocks:
                self._write(cr, blocks, end)  # without the lock: the host's output keeps coming in
            return bool(blocks)

    def confirm(self) -> None:
        """Forget what was written: the transaction of :meth:`flush` is committed."""
        with self._lock:
            self._unconfirmed = []

    def restore(self) -> None:
        """Make what was written pending again: the transaction of :meth:`flush` failed."""
        with self._lock:
            pieces = []
            for block in self._unconfirmed:
                offset = block["start_offset"]
                for stream, text in block["segments"]:
                    pieces.append((offset, stream, text))
                    offset += len(text)
            self._unconfirmed = []
            self._pending.extendleft(reversed(pieces))
            self._pending_size = sum(len(text) for _offset, _stream, text in self._pending)

    def _write(self, cr, blocks: list[dict], end: int) -> None:
        """Insert blocks and delete rows behind the head that no longer belong to the tail."""
        for block in blocks:  # few: a new one only at a gap and at the head's end
            cr.execute(
                # Nothing is written for a log that was deleted. A block that was written before its commit was
                # known to have succeeded comes again, perhaps longer.
                "INSERT INTO cx_tower_command_log_output AS kept (log_id, start_offset, end_offset, segments)"
                " SELECT id, %s, %s, %s::jsonb FROM cx_tower_command_log WHERE id = %s AND (worker = %s OR %s = '')"
                " ON CONFLICT (log_id, start_offset) DO UPDATE"
                " SET end_offset = EXCLUDED.end_offset, segments = EXCLUDED.segments"
                " WHERE EXCLUDED.end_offset > kept.end_offset",
                (
                    *(block["start_offset"], block["end_offset"], json.dumps(block["segments"])),
                    *(self.log_id, self._worker, self._worker),
                ),
            )
            if block["start_offset"] >= self._head_limit:
                self._written_tail.append((block["start_offset"], block["end_offset"]))
        obsolete = None
        while self._written_tail and self._written_tail[0][1] <= end - self._tail_limit:
            obsolete, obsolete_end = self._written_tail.popleft()
            with self._lock:
                self.skipped += obsolete_end - obsolete
        if obsolete is not None:
            cr.execute(
                "DELETE FROM cx_tower_command_log_output"
                " WHERE log_id = %s AND start_offset BETWEEN %s AND %s",
                (self.log_id, self._head_limit, obsolete),
            )

    def _take_blocks(self) -> list[dict]:
        """Return the pending output as blocks: a new one at a gap and at the head's end."""
        blocks: list[dict] = []
        for offset, stream, text in self._pending:
            if offset < self._head_limit < offset + len(text):
                cut = self._head_limit - offset
                pieces = [(offset, text[:cut]), (self._head_limit, text[cut:])]
            else:
                pieces = [(offset, text)]
            for start, piece in pieces:
                self._add_piece(blocks, start, stream, piece)
        for block in blocks:
            block["segments"] = [[stream, "".join(parts)] for stream, parts in block["segments"]]
        self._pending.clear()
        self._pending_size = 0
        return blocks

    def _add_piece(self, blocks: list[dict], start: int, stream: str, text: str) -> None:
        """Append a piece to the last block, or to a new one where it does not follow directly."""
        if not blocks or blocks[-1]["end_offset"] != start or start == self._head_limit:
            blocks.append({"start_offset": start, "end_offset": start, "segments": []})
        block = blocks[-1]
        if block["segments"] and block["segments"][-1][0] == stream:
            block["segments"][-1][1].append(text)
        else:
            block["segments"].append((stream, [text]))
        block["end_offset"] = start + len(text)
