"""Finds the host's markers in its streams, however these are split. ``script/conversation.py`` says what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: What follows the token; compiled once, for compiling costs more than a command does.
STDOUT_MARKER = re.compile(rb":([imbrdwsxh]):(\d*(?::[^\n]*)?)\n")
STDERR_MARKER = re.compile(rb"[:%]([ap])[:%](\d+)[:%]")
#: sudo-rs puts the prompt that it was given between this and "] Password: ".
PROMPT_LEAD = b"[sudo: "
_PROMPT_REST = re.compile(rb"\] [^\n:]{1,80}: \n?")
_PROMPT_REST_BEGUN = re.compile(rb"(?:\](?: (?:[^\n:]{1,80}(?:: ?)?)?)?)?")
_MARKER_LIMIT = 1024


class MarkerScanner:
    """Separates markers from the output around them, however the stream is cut.

    Holds back at most the beginning of a possible marker. ``active`` off: everything passes untouched.

    :param pattern: what follows the token in a marker; groups: letter and argument
    :param lead: what belongs to a marker when it stands before it
    """

    def __init__(self, token: str, pattern: re.Pattern[bytes], lead: bytes = b""):
        self._token = token.encode()
        self._lead = lead
        self._pattern = pattern
        self._rest = b""
        self.active = bool(token)

    def feed(self, data: bytes) -> Iterator[bytes | tuple[str, str]]:
        """Yield output as bytes and markers as (letter, argument), in order."""
        if not self.active and not self._rest:
            yield data
            return
        data = self._rest + data
        position = 0
        while self.active and (match := self._find(data, position)):
            start = self._start(data, position, match.start() - len(self._token))
            if start > position:
                yield data[position:start]
            position = match.end()
            yield match[1].decode(), match[2].decode("utf-8", "replace")
        held = self._held_from(data, position) if self.active else len(data)
        self._rest = data[held:]
        if held > position:
            yield data[position:held]

    def _find(self, data: bytes, position: int) -> re.Match[bytes] | None:
        while (begun := data.find(self._token, position)) >= 0:
            position = begun + len(self._token)
            if match := self._pattern.match(data, position):
                return match
        return None

    def flush(self) -> bytes:
        rest, self._rest = self._rest, b""
        return rest

    def _held_from(self, data: bytes, position: int) -> int:
        """Return where a marker may have begun that has not arrived completely."""
        begun = data.rfind(self._token, position)
        behind = data[begun + len(self._token) :][:1]
        if begun >= 0 and behind in (b"", b":", b"%") and len(data) - begun < _MARKER_LIMIT:
            return self._start(data, position, begun)
        for whole in {self._lead + self._token: 0, self._token: 0}:
            for size in range(min(len(whole) - 1, len(data) - position), 0, -1):
                if data.endswith(whole[:size]):
                    return len(data) - size
        return len(data)

    def _start(self, data: bytes, position: int, token_at: int) -> int:
        return token_at - len(self._lead) if data.endswith(self._lead, position, token_at) else token_at


class PromptRest:
    """Drops what sudo-rs writes behind a prompt, and the line end it writes behind the password.

    :ivar is_sudo_rs: there was such a prompt
    """

    def __init__(self):
        self.is_sudo_rs = False
        self._held: bytes | None = None  # None: the last thing was no prompt

    def begin(self) -> None:
        """A prompt of ours has just been found."""
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what is output of ``data``, which came after the prompt."""
        if self._held is None:
            return data
        held = self._held + data
        rest = _PROMPT_REST.match(held)
        self.is_sudo_rs |= bool(rest)
        if rest and (rest.end() < len(held) or held.endswith(b"\n")):
            self._held = None
            return held[rest.end() :]
        if rest or _PROMPT_REST_BEGUN.fullmatch(held):
            self._held = held
            return b""
        self._held = None
        return held

    def flush(self) -> bytes:
        """Return what turned out not to be the rest of a prompt."""
        held, self._held = self._held or b"", None
        return b"" if _PROMPT_REST.match(held) else held
