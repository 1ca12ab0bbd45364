"""Turns the bytes of a host into masked, bounded text. All output takes this way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .command_result import Stream
from .output import BoundedText, StreamDecoder

if TYPE_CHECKING:
    from ...masking.masker import Masker

_logger = logging.getLogger(__name__)

OutputCallback = Callable[[Stream, str], None]


@dataclass(frozen=True)
class OutputLimits:
    """How much of a stream a result keeps: bytes at its beginning and at its end."""

    head_bytes: int = 512 * 1024
    tail_bytes: int = 512 * 1024


@dataclass(frozen=True)
class Output:
    """How the output of a command is handled.

    :param masker: hides secrets in the output and in the result
    :param on_output: receives (stream, masked text) while the command runs, in the thread that runs it
    :param limits: how much of each stream the result keeps
    :param raw: receives standard output as bytes instead: not decoded, not masked, not kept. An exception it raises ends the
        session
    """

    masker: Masker | None = None
    on_output: OutputCallback | None = None
    limits: OutputLimits = field(default_factory=OutputLimits)
    raw: Callable[[bytes], None] | None = None


class Collector:
    """Decodes, masks, keeps and announces the output of one command."""

    def __init__(self, output: Output):
        masker, limits = output.masker, output.limits
        self._on_output = output.on_output
        self._raw = output.raw
        self._decoders = {stream: StreamDecoder() for stream in Stream}
        self._masks = {stream: masker.stream() if masker else None for stream in Stream}
        self._kept = {stream: BoundedText(limits.head_bytes, limits.tail_bytes) for stream in Stream}

    def add(self, stream: Stream, data: bytes) -> None:
        """Take bytes as they arrive."""
        if self._raw and stream is Stream.STDOUT:
            self._raw(data)
            return
        self._emit(stream, self._mask(stream, self._decoders[stream].feed(data)))

    def finish(self) -> None:
        """Emit what decoder and masker held back."""
        for stream in Stream:
            text = self._mask(stream, self._decoders[stream].flush())
            mask = self._masks[stream]
            self._emit(stream, text + (mask.flush() if mask else ""))

    def text(self, stream: Stream) -> str:
        return self._kept[stream].text()

    def _mask(self, stream: Stream, text: str) -> str:
        mask = self._masks[stream]
        return mask.feed(text) if mask else text

    def _emit(self, stream: Stream, text: str) -> None:
        if not text:
            return
        self._kept[stream].append(text)
        if self._on_output is None:
            return
        try:
            self._on_output(stream, text)
        except Exception:  # the host works on; losing the result as well would make it worse
            _logger.exception("A reader of live output failed and receives no more output of this command")
            self._on_output = None
