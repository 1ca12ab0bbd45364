"""Output for people: a live line on a terminal, plain lines elsewhere."""

import os
import shutil
import sys
import time
from contextlib import contextmanager
from typing import TextIO

PLAIN_INTERVAL_S = 15
LIVE_INTERVAL_S = 0.1
COLOURS = {
    "green": "32",
    "red": "31",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}


class Console:
    """The terminal, or a log file where there is none."""

    def __init__(self, stream: TextIO = sys.stdout):
        self.stream = stream
        self.live = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.colours = self.live and not os.environ.get("NO_COLOR")
        unicode_ok = "utf" in (stream.encoding or "").lower()
        self.frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" if unicode_ok else "|/-\\"
        self.tick, self.cross = ("✓", "✗") if unicode_ok else ("ok", "FAILED")
        self.arrow, self.dash = ("▶", "–") if unicode_ok else (">", "-")

    def paint(self, text: str, colour: str) -> str:
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if self.colours else text

    def say(self, text: str = "") -> None:
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """Print now; characters that the terminal cannot show become question marks."""
        encoding = self.stream.encoding or "utf-8"
        self.stream.write(text.encode(encoding, "replace").decode(encoding))
        self.stream.flush()

    @contextmanager
    def step(self, title: str):
        """Show a long operation: its progress while it runs, and how it ended.

        Yields a Step. The block reports progress with `step.note(text)`, and calls that (or `step.beat()`) about once a
        second to keep the line alive.
        """
        step = Step(self, title)
        try:
            yield step
        except BaseException:
            step.end(self.paint(self.cross, "red"))
            raise
        step.end(self.paint(self.tick, "green") if step.good else self.paint(self.cross, "red"))


class Step:
    """One long operation."""

    def __init__(self, console: Console, title: str):
        self.console = console
        self.title = title
        self.good = True
        self.started = self._shown = time.monotonic()
        self._note = ""
        self._frame = 0
        if not console.live:
            console.say(f"{title} ...")

    @property
    def seconds(self) -> int:
        return int(time.monotonic() - self.started)

    def note(self, text: str) -> None:
        """Report what is happening now ("43 %", "12 of 70 packages")."""
        self._note = " ".join(text.split())
        self.beat()

    def beat(self) -> None:
        """Keep the line alive; does nothing if it was redrawn a moment ago."""
        now = time.monotonic()
        if now - self._shown < (LIVE_INTERVAL_S if self.console.live else PLAIN_INTERVAL_S):
            return
        self._shown = now
        if self.console.live:
            self._draw()
        else:
            self.console.say(f"  {self.seconds} s  {self._note}".rstrip())

    def _draw(self) -> None:
        self._frame = (self._frame + 1) % len(self.console.frames)
        width = shutil.get_terminal_size().columns - 1
        line = f"{self.console.frames[self._frame]} {self.title}  {self.seconds} s  {self._note}"
        self.console.write(f"\r\x1b[K{line[:width]}")

    def end(self, mark: str) -> None:
        if self.console.live:
            self.console.write(f"\r\x1b[K{mark} {self.title}  {self.seconds} s\n")
        elif self.seconds >= 2:
            self.console.say(f"  {mark} after {self.seconds} s")
