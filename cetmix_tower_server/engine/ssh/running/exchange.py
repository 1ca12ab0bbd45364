"""Conducts a conversation over one channel: sends, receives, and detects the end."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...script.conversation import Conversation
from ..connecting.transport import CommandChannel
from ..errors import lost_if_broken
from ..target import Target
from .command_result import Stream
from .dialogue import Dialogue

#: After the exit status, output may still be on its way. A process that was left in the background may
#: hold the streams open for ever: without output for LINGER_S, or after LINGER_MAX_S, it is over.
LINGER_S = 3.0
LINGER_MAX_S = 30.0
_LONG_WAIT_S = 3600.0

ByteSink = Callable[[Stream, bytes], None]


class Exchange:
    """Drives one conversation. Used by one thread."""

    def __init__(self, target: Target, channel: CommandChannel, conversation: Conversation, sink: ByteSink):
        self._target = target
        self._channel = channel
        self._talk = conversation
        self._sink = sink
        self._sending = memoryview(b"")
        self._exit_seen: float | None = None
        self.dialogue = Dialogue(conversation)
        self.last_data = self.first_data = 0.0

    def start(self) -> None:
        """Send the command. From here on it may run on the host.

        :raise ConnectionLost: the connection broke while it was being sent
        """
        self.last_data = time.monotonic()
        with lost_if_broken(self._target):
            self._channel.request("exec", self._talk.command)
            self._send()

    def wait(self, until: float, now: float) -> None:
        """Sleep until something happens on the channel, or until a time on the monotonic clock."""
        for limit in (self.dialogue.next_deadline(), self._linger_end()):
            until = min(until, limit) if limit is not None else until
        self._channel.wake.wait(min(max(until - now, 0), _LONG_WAIT_S))

    def pump(self, now: float) -> bool:
        """Process what arrived. Return whether this was the end.

        :raise ConnectionLost: the connection broke while an answer was being sent
        """
        self._channel.wake.clear()
        ended = self._channel.ended  # looked at first: all data lie in the queue by then
        with lost_if_broken(self._target):
            arrived = self._channel.take()
        for stream, data in arrived:
            self.last_data = now
            self.first_data = self.first_data or now
            self._pass_on(stream, self.dialogue.receive(stream, data, now))
        self.dialogue.tick(now)
        if not ended:
            with lost_if_broken(self._target):
                self._send()
        if self._exit_seen is None and self._channel.has_exit:
            self._exit_seen = now
        linger_end = self._linger_end()
        return ended or (linger_end is not None and now >= linger_end)

    def finish(self) -> None:
        """Pass on what was held back."""
        for stream, data in zip(Stream, self.dialogue.finish(), strict=True):
            self._pass_on(stream, data)

    def run(self, deadline: float) -> bool:
        """Conduct all of it; return whether it ended in time."""
        self.start()
        now = time.monotonic()
        while now < deadline:
            self.wait(deadline, now)
            now = time.monotonic()
            if self.pump(now):
                self.finish()
                return self._channel.has_exit
        return False

    def wake(self) -> None:
        self._channel.wake.set()

    def _pass_on(self, stream: Stream, data: bytes) -> None:
        if data:
            self._sink(stream, data)

    def _linger_end(self) -> float | None:
        if self._exit_seen is None:
            return None
        return min(max(self._exit_seen, self.last_data) + LINGER_S, self._exit_seen + LINGER_MAX_S)

    def _send(self) -> None:
        """Send what the host takes now; the rest when its window opens."""
        outgoing = self.dialogue.outgoing
        while True:
            if not self._sending:
                if not outgoing:
                    break
                self._sending = memoryview(outgoing.popleft())
            sent = self._channel.send_some(self._sending)
            self._sending = self._sending[sent:]
            if self._sending:
                return
        if self.dialogue.close_input and not self._channel.eof_sent and not self._channel.closed:
            self._channel.shutdown_write()
