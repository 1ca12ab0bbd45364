"""The output of the demo's runs in the terminal: lines of several hosts, each with its host's name."""

import re

from .console import Console
from .rpc import Client

COLOURS = ("cyan", "magenta", "yellow", "blue", "green")
LABEL_WIDTH = 12
LOG = "cx.tower.command.log"
# What a host prints must not move the cursor or rename the terminal; colours may stay.
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x00-\x08\x0b-\x1f\x7f]")


class HostLines:
    """The lines of one host.

    :param name: what the server is called
    :param number: its place among the servers; decides its colour
    """

    def __init__(self, console: Console, name: str, number: int):
        self.console = console
        self.name = name
        self._colour = COLOURS[number % len(COLOURS)]

    def say(self, text: str, depth: int = 0) -> None:
        label = self.console.paint(f"{self.name:>{LABEL_WIDTH}}", self._colour)
        self.console.say(f"{label} {'  ' * depth}{text}")


class LiveOutput:
    """The output of one run, printed as it comes.

    :param log_id: id of its log
    :param depth: how far its lines are indented
    """

    def __init__(self, log_id: int, lines: HostLines, depth: int = 0):
        self.log_id = log_id
        self.lines = lines
        self.depth = depth
        self._offset = 0
        self._partial = ""
        self._stream = "o"

    def show_more(self, client: Client) -> dict:
        """Print the output since the last call.

        :return: what `read_output` returned, and `all_shown`: the run has ended and everything is printed
        """
        answer = client.call(LOG, "read_output", [self.log_id], offset=self._offset)
        for chunk in answer["chunks"]:
            if chunk["offset"] > self._offset:
                self._print(f"[... {chunk['offset'] - self._offset} characters omitted ...]\n", "o")
            for stream, text in chunk["segments"]:
                self._print(text, stream)
            self._offset = chunk["end"]
        self._offset = max(self._offset, answer["end"])
        all_shown = answer["finished"] and not answer["chunks"]
        if all_shown and self._partial:
            self._print("\n", self._stream)
        return answer | {"all_shown": all_shown}

    def show_rest(self, client: Client) -> None:
        """Print the rest of the output of a run that has ended."""
        while not self.show_more(client)["all_shown"]:
            pass

    def _print(self, text: str, stream: str) -> None:
        *lines, self._partial = (self._partial + text).split("\n")
        self._stream = stream
        for line in lines:
            self._print_line(line)

    def _print_line(self, line: str) -> None:
        colours = self.lines.console.colours
        text = ESCAPES.sub(lambda match: match[0] if colours and match[0].endswith("m") else "", line)
        reset = "\x1b[0m" if colours and "\x1b" in text else ""
        self.lines.say(f"{'!' if self._stream == 'e' else '|'} {text}{reset}", self.depth)
