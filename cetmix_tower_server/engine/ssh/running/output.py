"""Decodes the bytes of a channel, and bounds the size of a result."""

from __future__ import annotations

import codecs

PIECE = 65536  # characters encoded at once: bounds the temporary copy of a huge chunk


def _only_characters(text: str) -> str:
    if "\ufffe" not in text and "\uffff" not in text:
        return text
    return text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


class StreamDecoder:
    """UTF-8 to text, chunk by chunk: a character cut by a chunk border is put together again.

    Bytes that are not UTF-8 become U+FFFD, and so do noncharacters: XML cannot contain them, and logs are read
    over XML-RPC too. Line ends and carriage returns stay as they are. One decoder
    serves one stream.
    """

    def __init__(self):
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        """Return the text that is complete so far; at most three bytes are kept back."""
        return _only_characters(self._decoder.decode(data))

    def flush(self) -> str:
        """Return what is left at the end of the stream (an unfinished character becomes U+FFFD)."""
        return self._decoder.decode(b"", final=True)


class BoundedText:
    """A text of which only the beginning and the end are kept, however much arrives.

    The beginning and the end are kept as UTF-8 (one byte a character for most output, where ``str`` may
    take four) and never cut inside a character. Memory stays below ``head_limit`` + 2 * ``tail_limit`` +
    a small constant.

    :param head_limit: bytes kept of the beginning
    :param tail_limit: bytes kept of the end
    """

    def __init__(self, head_limit: int, tail_limit: int):
        self._head_limit = max(0, head_limit)
        self._tail_limit = max(0, tail_limit)
        self._head = bytearray()
        self._tail = bytearray()
        self._head_is_full = not self._head_limit
        self._total = 0

    def append(self, text: str) -> None:
        """Add text at the end."""
        for start in range(0, len(text), PIECE):
            data = text[start : start + PIECE].encode("utf-8", "replace")
            self._total += len(data)
            self._append_tail(data if self._head_is_full else self._fill_head(data))

    @property
    def size(self) -> int:
        """Bytes that arrived."""
        return self._total

    @property
    def skipped(self) -> int:
        """Bytes that :meth:`text` leaves out."""
        return self._total - len(self._head) - len(self._kept_tail())

    def text(self) -> str:
        """Return what is kept, with one line in place of what is not."""
        tail = self._kept_tail()
        skipped = self._total - len(self._head) - len(tail)
        head_text, tail_text = self._head.decode("utf-8"), tail.decode("utf-8")
        if not skipped:
            return head_text + tail_text
        return f"{head_text}\n[... {skipped} bytes omitted ...]\n{tail_text}"

    def _fill_head(self, data: bytes) -> bytes:
        """Add to the head what still fits and return the rest."""
        room = self._head_limit - len(self._head)
        if len(data) <= room:
            self._head += data
            return b""
        cut = _character_start(data, room)
        self._head += data[:cut]
        self._head_is_full = True
        return data[cut:]

    def _append_tail(self, data: bytes) -> None:
        self._tail += data
        # Cutting only at twice the limit makes the copying O(1) a byte.
        if len(self._tail) > 2 * self._tail_limit + PIECE:
            del self._tail[: len(self._tail) - self._tail_limit]

    def _kept_tail(self) -> bytearray:
        """Return the last bytes within the limit, beginning with a whole character."""
        start = max(0, len(self._tail) - self._tail_limit)
        while start < len(self._tail) and self._tail[start] & 0xC0 == 0x80:
            start += 1
        return self._tail[start:]


def _character_start(data: bytes, position: int) -> int:
    """Return the start of the UTF-8 character that ``position`` is in."""
    while position > 0 and data[position] & 0xC0 == 0x80:
        position -= 1
    return position
