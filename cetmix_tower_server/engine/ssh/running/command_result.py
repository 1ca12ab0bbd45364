"""The result of a command that was sent to a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ...errors import SudoReason


class Stream(str, Enum):
    """Which of a command's two output streams a text came from."""

    STDOUT = "o"
    STDERR = "e"


class Outcome(str, Enum):
    """How a command that was sent to a host ended."""

    COMPLETED = "completed"  # the command ended by itself, with an exit status or a signal
    TIMED_OUT = "timed_out"  # the step's time limit was reached
    SILENT = "silent"  # no output for longer than the silence limit
    STOPPED = "stopped"  # somebody asked for it
    LOST = "lost"  # the connection broke; whether the command goes on is unknown
    SUDO_FAILED = "sudo_failed"  # sudo refused; the command did not start


@dataclass(frozen=True)
class CommandResult:
    """The end of a command that was sent to a host.

    :param outcome: how it ended
    :param exit_code: what a log stores: the host's exit status, 128 + signal number when a signal
        ended it, or one of :class:`ExitCode` for the other outcomes
    :param stdout: masked standard output, bounded (head and tail kept)
    :param stderr: masked error output, bounded
    :param exit_signal: name without SIG ("KILL") when a signal ended it
    :param message: a sentence for people if the outcome is not ``COMPLETED``, else ""
    :param stop_confirmed: after a stop or time-out: True when the host confirmed that nothing is left
        of the process tree, False when it could not be confirmed, None when nothing was to be stopped
    :param timings: seconds by phase ("connect", "first_output", "total")
    :param sudo_reason: why, when the outcome is ``SUDO_FAILED`` (None: sudo did not answer)
    """

    outcome: Outcome
    exit_code: int
    stdout: str = ""
    stderr: str = ""
    exit_signal: str | None = None
    message: str = ""
    stop_confirmed: bool | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    sudo_reason: SudoReason | None = None
