"""Child processes that evaluate texts of authors and can be killed.

The pool belongs to one process: after a fork the new process starts with an empty one. A child does one task at a time. It returns
to the pool only if it answered, and is killed otherwise. If this process dies, idle children find their pipe closed;
busy ones are ended by their timers.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import errors
from ..errors import OutOfBudget
from . import messages

CHILDREN_MAX = 4
SLOW_S = 0.2  # shorter tasks do not count as slow
START_S = 30  # a child that is not ready after this long is given up
TURN_S = 30  # a text that gets no child within this time is refused
UNUSED_S = 60  # all children but one are ended after this time without work
REFUSED_S = 60  # the same text with the same values is not tried again for this long after it was given up
REFUSED_MAX = 500
ANSWER_MAX = 64_000_000  # bytes
OF_COMPUTING = "of CPU time"
STATUS_CRASH = "it needs too much memory, or it ended the process that evaluated it"
STATUS_NOT_STARTED = "the process that evaluates templates did not start; check the memory and process limits of Tower's system user"

is_child = False  # set in children: they do the work themselves


@dataclass(frozen=True)
class Limits:
    """What one text may take.

    :param cpu_s: seconds of computing
    :param wall_s: seconds until it is given up, when the machine is too busy for it
    :param memory: bytes
    """

    cpu_s: float = 1.0
    wall_s: float = 10.0
    memory: int = 512 << 20


class NotCheap(Exception):
    """This work may take long: it belongs in a child."""


class TooSlowHere(Exception):
    """Others wait for this thread, and the text takes too long for that: repeat it where nobody waits."""


_limits = Limits()
# .until: time.monotonic() at which others have waited long enough; .spent: seconds
_patience = threading.local()


def configure(cpu_s: float) -> None:
    """Set how many seconds of computing a text may take, for children started from now on."""
    global _limits
    _limits = Limits(cpu_s, max(10.0, 5 * cpu_s))


@contextmanager
def impatient(seconds: float) -> Iterator[None]:
    """Within the block, :func:`run` raises :class:`TooSlowHere` instead of taking longer than this in total."""
    _patience.until = time.monotonic() + seconds
    try:
        yield
    finally:
        _patience.until = None


def run(task: str, *arguments: Any, what: str) -> Any:
    """Let a child do a task of ``tasks`` and return its result.

    :param arguments: plain data
    :param what: what messages call the text: "code of command “x”"
    :raise OutOfBudget: it takes too long or too much memory
    :raise EngineError, ValueError: what the task raises
    :raise TooSlowHere: see :func:`impatient`
    """
    payload = pickle.dumps((task, arguments))
    started = time.monotonic()
    try:
        return _result(_pool.perform(payload, what), what)
    finally:
        took = time.monotonic() - started
        if took > SLOW_S:
            _patience.spent = time_spent() + took


def time_spent() -> float:
    """Return how many seconds this thread has spent waiting for slow texts."""
    return getattr(_patience, "spent", 0.0)


def end_idle() -> None:
    """End the idle children; new ones are started when needed."""
    _pool.end_idle()


def plain_data(value: Any, depth: int = 0) -> Any:
    """Return a value as plain data: texts, numbers, lists, dictionaries; anything else as the text that it prints."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if depth > 100:
        return str(value)
    if isinstance(value, dict):
        return {plain_data(key, depth + 1): plain_data(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return (
            type(value)(plain_data(item, depth + 1) for item in value)
            if type(value) in (list, tuple)
            else str(value)
        )
    if isinstance(value, str):
        return str.__str__(value)
    return str(value)


def _result(answer: dict[str, Any], what: str) -> Any:
    if "result" in answer:
        return answer["result"]
    kind, message, facts = str(answer["error"]), str(answer["message"]), answer["facts"]
    if kind == "ValueError":
        raise ValueError(message)
    if kind in ("MemoryError", "RecursionError"):
        raise OutOfBudget(_refusal(what, "it needs too much memory, or is nested too deeply"))
    if kind == "UndefinedVariable":
        raise errors.UndefinedVariable(message, str(facts))
    if kind == "VariableCycle":
        raise errors.VariableCycle(message, tuple(map(str, facts)))
    if kind == "ConditionInvalid":
        raise errors.ConditionInvalid(message, str(facts))
    raise (errors.ValueInvalid if kind == "ValueInvalid" else errors.RenderingError)(message)


def _refusal(what: str, why: str) -> str:
    return f"{what[:1].upper()}{what[1:]} cannot be used: {why}."


class _Child:
    """A child process; used by one thread at a time."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.since = time.monotonic()  # when it was given back
        self.is_ready = False
        try:
            self._process = subprocess.Popen(
                [_python(), "-I", str(Path(__file__).with_name("child.py")), str(Path(__file__).parents[1])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={"LC_ALL": "C.UTF-8"},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise OutOfBudget(
                f"No process could be started to evaluate templates: {error.strerror}."
            ) from None
        self._in = self._process.stdin.fileno()
        self._out = self._process.stdout.fileno()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)

    def is_good(self, limits: Limits) -> bool:
        """Return whether it lives and has these limits."""
        return self.limits == limits and self._process.poll() is None

    def perform(self, payload: bytes, until: float | None) -> bytes:
        """Return the answer to a task.

        :param until: time.monotonic() at which others have waited long enough
        :raise TooSlowHere, Closed, OSError, TimeoutError: it is of no use any more, :meth:`end` it
        """
        if not self.is_ready:
            self._prepare(until)
        messages.send(self._in, payload)
        deadline = time.monotonic() + self.limits.wall_s + 1
        return messages.receive(self._out, ANSWER_MAX, lambda: self._wait(deadline, until))

    def _prepare(self, until: float | None) -> None:
        setup = {
            "path": [os.path.abspath(path) for path in sys.path if path],
            "cpu_s": self.limits.cpu_s,
            "wall_s": self.limits.wall_s,
            "memory": self.limits.memory,
        }
        messages.send(self._in, pickle.dumps(setup))
        deadline = time.monotonic() + START_S
        messages.receive(self._out, 100, lambda: self._wait(deadline, until))
        self.is_ready = True

    def _wait(self, deadline: float, until: float | None) -> None:
        end = min(deadline, until or deadline)
        if not self._selector.select(max(0, end - time.monotonic())):
            raise TooSlowHere() if until and until < deadline else TimeoutError()

    def end(self) -> int:
        """Kill it; return its status."""
        if self._process.poll() is None:
            self._process.kill()
        status = self._process.wait()
        self._close()
        return status

    def status(self) -> int:
        """Return the status of a child that closed its pipe."""
        try:
            status = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return self.end()
        self._close()
        return status

    def forget(self) -> None:
        """Let go of a child of the process that this one was forked from."""
        self._process.returncode = 0  # it is not ours to wait for
        self._close()

    def _close(self) -> None:
        self._selector.close()
        self._process.stdin.close()
        self._process.stdout.close()


class _Pool:
    def __init__(self):
        self._turn = threading.Condition()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._seats = CHILDREN_MAX
        self._refused: dict[bytes, tuple[float, str]] = {}  # {digest of a task: (until when, why)}

    def perform(self, payload: bytes, what: str) -> dict[str, Any]:
        known = self._known_refusal(payload)
        if known:
            raise OutOfBudget(_refusal(what, known))
        until = getattr(_patience, "until", None)
        why = ""
        for _attempt in range(2):
            child = self._take(what, until)
            was_used, is_usable = child.is_ready, False
            try:
                answer = json.loads(child.perform(payload, until).decode("utf-8", "surrogatepass"))
                is_usable = not answer.get("last")
                return answer
            except (messages.Closed, OSError, TimeoutError, ValueError) as error:
                why = _why(child, error)
            finally:
                self._give_back(child, is_usable)
            if not (was_used and why == STATUS_CRASH):
                break  # else it may have been killed before it got this task
        if why.endswith(OF_COMPUTING):
            self._remember_refusal(payload, why)
        raise OutOfBudget(_refusal(what, why))

    def _known_refusal(self, payload: bytes) -> str:
        """Return why the very same task was given up a moment ago, or "": previews ask again and again."""
        if not self._refused:
            return ""
        until, why = self._refused.get(hashlib.sha256(payload).digest(), (0.0, ""))
        return why if until > time.monotonic() else ""

    def _remember_refusal(self, payload: bytes, why: str) -> None:
        with self._turn:
            self._refused[hashlib.sha256(payload).digest()] = (time.monotonic() + REFUSED_S, why)
            while len(self._refused) > REFUSED_MAX:
                self._refused.pop(next(iter(self._refused)))

    def _take(self, what: str, until: float | None) -> _Child:
        deadline = time.monotonic() + TURN_S
        with self._turn:
            while not self._seats:
                end = min(deadline, until or deadline)
                if not self._turn.wait(max(0, end - time.monotonic())) and time.monotonic() >= end:
                    if until and until < deadline:
                        raise TooSlowHere()
                    raise OutOfBudget(
                        _refusal(what, "Tower is busy evaluating other templates; try again later")
                    )
            self._seats -= 1
            child = self._idle.pop() if self._idle else None
        try:
            if child and not child.is_good(_limits):
                child.end()
                child = None
            child = child or _Child(_limits)
        except BaseException:
            self._free_seat()
            raise
        self._busy.add(child)
        return child

    def _give_back(self, child: _Child, is_usable: bool) -> None:
        self._busy.discard(child)
        unused = []
        try:
            if not is_usable:
                child.end()
        finally:
            with self._turn:
                if is_usable:
                    child.since = time.monotonic()
                    self._idle.append(child)
                while len(self._idle) > 1 and child.since - self._idle[0].since > UNUSED_S:
                    unused.append(self._idle.pop(0))
            self._free_seat()
        for one in unused:
            one.end()

    def _free_seat(self) -> None:
        with self._turn:
            self._seats += 1
            self._turn.notify()

    def end_idle(self) -> None:
        with self._turn:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def forget(self) -> None:
        for child in [*self._idle, *self._busy]:
            child.forget()


def _why(child: _Child, error: Exception) -> str:
    if not child.is_ready:
        return STATUS_NOT_STARTED
    seconds = f"{child.limits.cpu_s:g} second" + ("" if child.limits.cpu_s == 1 else "s")
    if isinstance(error, TimeoutError):
        return f"it takes longer than {child.limits.wall_s:g} seconds"
    status = child.status()
    if status == -signal.SIGPROF:
        return f"it takes longer than {seconds} {OF_COMPUTING}"
    if status == -signal.SIGALRM:
        return f"it takes longer than {child.limits.wall_s:g} seconds"
    return STATUS_CRASH


def _python() -> str:
    """Return the interpreter; inside of other programs (uwsgi) ``sys.executable`` may be something else."""
    if "python" in os.path.basename(sys.executable or ""):
        return sys.executable
    return os.path.join(sys.exec_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")


def _after_fork() -> None:
    """Begin anew in a forked process: the children are those of the other one."""
    global _pool
    old, _pool = _pool, _Pool()
    old.forget()


_pool = _Pool()
os.register_at_fork(after_in_child=_after_fork)
