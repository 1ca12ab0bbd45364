"""Runs a script on a host: time limits, stop, result."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, field, replace
from functools import partial

from ...errors import ChannelRefused, ConnectError, ConnectionLost, SudoReason
from ...exit_codes import ExitCode
from ...script.conversation import ScriptSpec, SudoMode, compose
from ..connecting.dialing import dial
from ..connecting.transport import CommandChannel
from ..errors import where
from ..lease import Lease
from ..pool import Channels
from ..target import Target
from . import arrival
from .collecting import Collector, Output
from .command_result import CommandResult, Outcome, Stream
from .exchange import Exchange
from .stopping import StopRequested, StopSignal, kill_spec, processes_left

#: How long to wait for the last output after the process tree has ended.
LAST_OUTPUT_S = 1.0
#: How long to wait for the login shell after sudo failed.
SUDO_END_S = 5.0
#: How long a login shell that was not ready may take, after its input was closed, to show what it waited for.
SHELL_END_S = 2.0
_NEVER = float("inf")


@dataclass(frozen=True)
class Clocks:
    """Time limits of one command, in seconds; 0 switches a limit off.

    :param silence_timeout_s: without any output
    :param shell_timeout_s: for the login shell and its start-up files until the script can be sent
    :param stop_grace_s: between TERM and KILL
    :param stop_timeout_s: for the whole stop, after which it counts as not confirmed
    """

    step_timeout_s: float = 900
    silence_timeout_s: float = 900
    stop_grace_s: float = 5
    stop_timeout_s: float = 20
    shell_timeout_s: float = 30


def run_script(
    channels: Channels,
    target: Target,
    spec: ScriptSpec,
    clocks: Clocks | None = None,
    output: Output | None = None,
    stop: StopSignal | None = None,
) -> CommandResult:
    """Run a script on a host and wait for its end.

    The script is sent at most once, whatever happens. If the host allows no further session, it waits for one up to its own
    time limit; the limit starts again when the script is sent.

    :param channels: a pool; its ``beside`` if the caller holds another session on the host meanwhile
    :param stop: ends the command and everything it started
    :raise ConnectError: a subclass that says why; nothing ran then
    :raise ScriptError: the code cannot be sent as it is
    """
    conversation = compose(spec)
    collector = Collector(output or Output())
    if SudoMode(spec.sudo) is SudoMode.PASSWORD and not spec.sudo_password:
        reason = SudoReason.NO_PASSWORD_STORED
        return _sudo_failed(target, reason, "no sudo password is stored for it", collector, {})
    began = time.monotonic()
    clocks = clocks or Clocks()
    try:
        lease = channels.open_channel(target, stop, clocks.step_timeout_s)
    except StopRequested:
        return CommandResult(
            Outcome.STOPPED, ExitCode.COMMAND_STOPPED, message="Stopped before the command was sent."
        )
    with lease:
        exchange = Exchange(target, lease.channel, conversation, collector.add)
        return _Run(channels, target, spec, clocks, lease, exchange, collector, began).run(stop)


class _StopJob(threading.Thread):
    """Ends the process tree while the caller's thread keeps reading the command's output."""

    def __init__(self, run: _Run, pid: int):
        super().__init__(name="tower-ssh-stop", daemon=True)
        self._run_state = run
        self._pid = pid
        self.left: int | None = None
        self.done = False
        self.deadline = time.monotonic() + run.clocks.stop_timeout_s

    def run(self) -> None:
        try:
            if not self._stop_over_same_connection():
                self._stop_over_new_connection()
        except ConnectError:
            pass  # not confirmed; the result says so
        finally:
            self.done = True
            self._run_state.exchange.wake()

    def _stop_over_same_connection(self) -> bool:
        """Return whether the host answered."""
        connection = self._run_state.lease.connection
        patience = min(5.0, (self.deadline - time.monotonic()) / 2)
        try:
            return self._end_tree(connection, patience)
        except ConnectError:
            return False

    def _stop_over_new_connection(self) -> None:
        left = self.deadline - time.monotonic()
        target = self._run_state.target
        settings = replace(target.settings, connect_timeout_s=left, auth_timeout_s=left)
        connection = dial(replace(target, settings=settings), self._run_state.channels.lease)
        try:
            self._end_tree(connection, self.deadline - time.monotonic())
        finally:
            connection.close()

    def _end_tree(self, connection, patience: float) -> bool:
        spec, clocks = self._run_state.spec, self._run_state.clocks
        sudo = SudoMode(spec.sudo)
        for mode in dict.fromkeys((sudo, SudoMode.NONE)):
            is_foreign = sudo is not SudoMode.NONE
            script = kill_spec(self._pid, clocks.stop_grace_s, mode, spec.sudo_password, is_foreign)
            printed: list[bytes] = []
            channel = connection.open_channel(patience)
            try:
                talk = Exchange(
                    self._run_state.target, channel, compose(script), partial(_keep_stdout, printed)
                )
                talk.run(self.deadline)
            finally:
                channel.close()
            self.left = processes_left(b"".join(printed).decode("utf-8", "replace"))
            if self.left is not None:
                return True
        return False


def _keep_stdout(kept: list[bytes], stream: Stream, data: bytes) -> None:
    if stream is Stream.STDOUT:
        kept.append(data)


@dataclass
class _Run:
    """A command that is being run.

    :param began: when the caller asked for it, on the monotonic clock
    """

    channels: Channels
    target: Target
    spec: ScriptSpec
    clocks: Clocks
    lease: Lease
    exchange: Exchange
    collector: Collector
    began: float
    _sent: float = field(default_factory=time.monotonic)
    _ending: Outcome | None = None  # why it is ended from outside
    _is_too_late: bool = False  # the shell was not ready in time: the script is not sent any more
    _job: _StopJob | None = None
    _lost: ConnectionLost | None = None
    _give_up_at: float = _NEVER

    @property
    def _channel(self) -> CommandChannel:
        return self.lease.channel

    def run(self, stop: StopSignal | None) -> CommandResult:
        unsubscribe = stop.subscribe(self.exchange.wake) if stop else None
        try:
            self.exchange.start()
            self._loop(stop)
        except ConnectionLost as err:
            self._lost = err
        finally:
            if unsubscribe:
                unsubscribe()
        if self._job:  # the command's channel may end before all its processes are proved to be gone
            self._job.join(max(self._job.deadline - time.monotonic(), 0))
        if self._channel.request_refused and not self.exchange.dialogue.pid:
            raise ChannelRefused(f"{self.target.label} refused to run commands.", *where(self.target))
        self.exchange.finish()
        self.collector.finish()
        return self._result()

    def _loop(self, stop: StopSignal | None) -> None:
        now = time.monotonic()
        while True:
            self.exchange.wait(self._next_check(now), now)
            now = time.monotonic()
            if self.exchange.pump(now) or now >= self._give_up_at:
                return
            if self._ending is None:
                self._check_limits(stop, now)
            if self._ending is not None:
                self._advance_ending(now)

    def _next_check(self, now: float) -> float:
        if self._ending is not None:
            return min(self._job.deadline if self._job else _NEVER, self._give_up_at)
        life = self.lease.connection.check_life(self.target.settings, now)
        ready_end = _NEVER if self._is_too_late else self._ready_end()
        return min(self._step_end(), self._silence_end(), ready_end, life, self._give_up_at)

    def _ready_end(self) -> float:
        return _NEVER if self.exchange.dialogue.ready else self._sent + self.clocks.shell_timeout_s

    def _step_end(self) -> float:
        return self._sent + self.clocks.step_timeout_s if self.clocks.step_timeout_s else _NEVER

    def _silence_end(self) -> float:
        limit = self.clocks.silence_timeout_s
        return self.exchange.last_data + limit if limit else _NEVER

    def _check_limits(self, stop: StopSignal | None, now: float) -> None:
        if self.exchange.dialogue.failure:
            self._give_up_at = min(self._give_up_at, now + SUDO_END_S)
        elif stop and stop.is_set():
            self._end(Outcome.STOPPED, now)
        elif now >= self._step_end():
            self._end(Outcome.TIMED_OUT, now)
        elif now >= self._silence_end():
            self._end(Outcome.SILENT, now)
        elif now >= self._ready_end() and not self._is_too_late:
            self._is_too_late = True
            self.exchange.dialogue.withhold()
            self.exchange.wake()  # to close its input
            self._give_up_at = now + SHELL_END_S

    def _end(self, why: Outcome, now: float) -> None:
        self._ending = why
        self.exchange.dialogue.withhold()

    def _advance_ending(self, now: float) -> None:
        """Start the stop if there is anything to stop; give up when it is done or out of time."""
        if self._job is None:
            pid = self.exchange.dialogue.pid
            if pid:
                self._job = _StopJob(self, pid)
                self._job.start()
            else:
                self._give_up_at = now
        elif self._job.done:
            self._give_up_at = min(self._give_up_at, now + (LAST_OUTPUT_S if self._job.left == 0 else 0))
        elif now >= self._job.deadline:
            self._give_up_at = now

    # -- the end

    def _result(self) -> CommandResult:
        timings = self._timings()
        dialogue = self.exchange.dialogue
        failure = dialogue.failure
        if failure and not dialogue.is_incomplete:
            return _sudo_failed(self.target, *failure, self.collector, timings)
        if self._ending is not None and (self._job or not self._channel.has_exit):
            return self._make(self._ending, *self._describe_ending(), timings, stopped=self._stop_confirmed())
        unproved = self._describe_arrival()
        if unproved:
            return self._make(*unproved, timings)
        if self._channel.exit_signal is not None:
            return self._make(Outcome.COMPLETED, _signal_status(self._channel.exit_signal), "", timings)
        if self._channel.exit_status != -1:
            return self._make(Outcome.COMPLETED, self._channel.exit_status, "", timings)
        if self.spec.raw and self._lost is None and self.lease.connection.alive:
            return self._make(Outcome.COMPLETED, ExitCode.OK, "", timings)  # many appliances send no status
        return self._make(Outcome.LOST, ExitCode.SSH_CONNECTION_ERROR, self._describe_loss(), timings)

    def _describe_arrival(self) -> tuple[Outcome, int, str] | None:
        """Return the end of a script that may not have started; None if it started."""
        dialogue = self.exchange.dialogue
        if dialogue.is_incomplete:
            return Outcome.COMPLETED, ExitCode.GENERAL_ERROR, arrival.incomplete(self.target)
        if not dialogue.ready and not self._broke:
            limit = self.clocks.shell_timeout_s if self._is_too_late else None
            text = arrival.never_ready(self.target, dialogue, limit)
            return Outcome.COMPLETED, ExitCode.GENERAL_ERROR, text
        if dialogue.is_unconfirmed and not self._broke:
            return Outcome.LOST, ExitCode.GENERAL_ERROR, arrival.unconfirmed(self.target)
        return None

    @property
    def _broke(self) -> bool:
        """The connection ended, not the shell."""
        return self._lost is not None or not (self._channel.has_exit or self.lease.connection.alive)

    def _stop_confirmed(self) -> bool | None:
        """Return whether the stop was confirmed; None if nothing had been sent that could be stopped."""
        return self._job is not None and self._job.left == 0 if self.exchange.dialogue.ready else None

    def _describe_ending(self) -> tuple[int, str]:
        clocks = self.clocks
        what, code = {
            Outcome.STOPPED: ("Stopped.", ExitCode.COMMAND_STOPPED),
            Outcome.TIMED_OUT: (
                f"Timeout of {clocks.step_timeout_s:g} s reached.",
                ExitCode.COMMAND_TIMED_OUT,
            ),
            Outcome.SILENT: (f"No output for {clocks.silence_timeout_s:g} s.", ExitCode.COMMAND_TIMED_OUT),
        }[self._ending]
        if not self.exchange.dialogue.ready:
            return code, f"{what} {arrival.still_waiting(self.target)}"
        if self._stop_confirmed():
            return code, f"{what} {self.target.label} confirmed that all processes of the command have ended."
        left = self._job.left if self._job else None
        rest = f"{left} of its processes could not be stopped." if left else "It may still be running there."
        return code, f"{what} {self.target.label} did not confirm that the command ended. {rest}"

    def _describe_loss(self) -> str:
        reason = str(self._lost) if self._lost else f"The connection to {self.target.label} was lost."
        if self._lost is None and self.lease.connection.alive:
            reason = f"{self.target.label} closed the session without an exit code."
        if not self.exchange.dialogue.ready:
            return f"{reason} The command had not been sent yet."
        return f"{reason} Whether the command is still running there is unknown."

    def _timings(self) -> dict[str, float]:
        now = time.monotonic()
        timings = {"connect": self._sent - self.began, "total": now - self.began}
        if self.exchange.first_data:
            timings["first_output"] = self.exchange.first_data - self._sent
        return timings

    def _make(self, outcome, code, message, timings, stopped: bool | None = None) -> CommandResult:
        return CommandResult(
            outcome,
            int(code),
            self.collector.text(Stream.STDOUT),
            self.collector.text(Stream.STDERR),
            self._channel.exit_signal if outcome is Outcome.COMPLETED else None,
            message,
            stopped,
            timings,
        )


def _sudo_failed(target: Target, reason, sentence: str, collector: Collector, timings) -> CommandResult:
    advice = {
        SudoReason.REFUSED_PASSWORD: "Correct the password of the server.",
        SudoReason.NO_PASSWORD_STORED: "Store one, or choose sudo without password.",
        SudoReason.PASSWORD_REQUIRED: "Choose sudo with password for the server, or allow it without (NOPASSWD).",
        SudoReason.TERMINAL_REQUIRED: "Tower uses none: switch off requiretty for the user in the host's sudoers"
        f" (Defaults:{target.username} !requiretty).",
        SudoReason.NOT_ALLOWED: "Check the host's sudoers.",
        SudoReason.NOT_FOUND: "Install it, or switch sudo off for the server.",
    }.get(reason, "Try sudo manually on the host.")
    return CommandResult(
        Outcome.SUDO_FAILED,
        int(ExitCode.SUDO_FAILED),
        collector.text(Stream.STDOUT),
        collector.text(Stream.STDERR),
        None,
        f"sudo as {target.username} on {target.label}: {sentence}. {advice}",
        timings=timings,
        sudo_reason=reason,
    )


def _signal_status(name: str) -> int:
    """Return 128 + number, as shells do (a signal unknown here counts as a general error)."""
    number = getattr(signal, "SIG" + name, None)
    return 128 + int(number) if number else int(ExitCode.GENERAL_ERROR)
