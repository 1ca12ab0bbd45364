"""Starting other programs, and leaving none behind.

Each program gets its own session, so that Ctrl-C reaches only us and we end the others in order. We are the
"subreaper": whatever a program leaves behind (for example a command that a demo host still runs) becomes our
child, so that we find it and end it too. If we are killed, the kernel signals each program to end.
"""

import ctypes
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .console import Step
from .errors import Interrupted, SetupError

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
TAIL_LINES = 40


def take_charge() -> None:
    """Turn the signals that ask us to end into an exception, and adopt orphans of the programs we start."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _interrupt)


def _interrupt(signum: int, _frame) -> None:
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(signum)


def _end_with_parent(signum: int) -> Callable[[], None]:
    def before_exec() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)

    return before_exec


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    death_signal: int = signal.SIGTERM,
    **popen,
) -> subprocess.Popen:
    """Start a program in its own session.

    :param user: name of the user it runs as (root only)
    :param death_signal: the signal it gets if this process is killed
    :raise SetupError: the program is not installed
    """
    identity = {"user": user, "group": _primary_group(user), "extra_groups": []} if user else {}
    try:
        return subprocess.Popen(
            [str(part) for part in argv],
            env=dict(env) if env is not None else None,
            start_new_session=True,
            preexec_fn=_end_with_parent(death_signal),
            **{"stdin": subprocess.DEVNULL, **identity, **popen},
        )
    except FileNotFoundError:
        raise SetupError(f"The program {argv[0]} is not installed.") from None


def _primary_group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def run(
    argv: Sequence[str | Path],
    what: str,
    *,
    step: Step | None = None,
    on_line: Callable[[str], None] | None = None,
    log: Path | None = None,
    check: bool = True,
    timeout_s: float | None = None,
    **spawning,
) -> tuple[int | None, list[str]]:
    """Run a program to its end, with its output as progress.

    :param what: the failure, as the beginning of a sentence ("Odoo 19 could not be downloaded")
    :param on_line: called with each line of stdout and stderr
    :param log: file that gets the whole output
    :param timeout_s: time limit; reaching it counts as a failure
    :return: exit status (None: it took too long) and the last lines
    :raise SetupError: it failed and `check` is set; the message contains the line that best explains it
    """
    process = spawn(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **spawning)
    tail: list[str] = []
    sink = open(log, "ab") if log else None
    try:
        for line in _lines(process.stdout, step, sink, timeout_s):
            tail = [*tail[1 - TAIL_LINES :], line]
            if on_line:
                on_line(line)
            elif step and line.strip():
                step.note(line)
        status = process.wait()
    except TimeoutError:
        status = None
        tail = [*tail, f"error: it was still running after {timeout_s:.0f} s"]
    finally:
        end([process], grace_s=3)
        if sink:
            sink.close()
    if check and status != 0:
        raise SetupError(failure(what, tail, log))
    return status, tail


def _lines(pipe, step: Step | None, sink, timeout_s: float | None):
    """Yield the lines of the pipe as they come; keep the step alive meanwhile."""
    rest = b""
    deadline = time.monotonic() + timeout_s if timeout_s else None
    while True:
        if deadline and time.monotonic() > deadline:
            raise TimeoutError
        if step:
            step.beat()
        if not select.select([pipe], [], [], 0.2)[0]:
            continue
        data = os.read(pipe.fileno(), 65536)
        if sink:
            sink.write(data)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines if data else [*lines, rest]:
            yield line.decode("utf-8", "replace").rstrip("\r")
        if not data:
            return


def failure(what: str, tail: Sequence[str], log: Path | None = None) -> str:
    """One sentence about a program that failed, with the line that best explains it: the first that apt, pip, git or a
    compiler marks as an error, or else the last exception, or else the last line."""
    lines = [line.strip() for line in tail if line.strip()]
    marked = [line for line in lines if line.startswith(("E: ", "ERROR:", "error:", "fatal:", "FATAL:"))]
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Warning)\b(: |$)", line)]
    reason = (marked[:1] or raised[-1:] or lines[-1:] or ["it printed nothing"])[0][:300]
    return f"{what}: {reason}" + (f" (all of its output: {log})" if log else "")


class Services:
    """Servers that run beside us; stopped in reverse order."""

    def __init__(self) -> None:
        self._running: list[tuple[str, subprocess.Popen, int]] = []

    def start(
        self, name: str, argv, *, log: Path, stop_signal: int = signal.SIGTERM, **spawning
    ) -> subprocess.Popen:
        """Start a server; its output goes to the file `log`."""
        with open(log, "ab") as sink:
            process = spawn(argv, stdout=sink, stderr=subprocess.STDOUT, **spawning)
        self._running.append((name, process, stop_signal))
        return process

    def kill(self, name: str) -> None:
        """End a server and its children at once, as `kill -9` does."""
        for entry in [entry for entry in self._running if entry[0] == name]:
            self._running.remove(entry)
            end([entry[1]], signal.SIGKILL)

    def ended(self) -> str | None:
        """Name of a server that has ended by itself, or None."""
        return next((name for name, process, _signal in self._running if process.poll() is not None), None)

    def reap_strangers(self) -> None:
        """Reap adopted processes that have ended, so that no zombies pile up."""
        own = {process.pid for _name, process, _signal in self._running}
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            while (found := os.waitid(os.P_ALL, 0, options)) and found.si_pid not in own:
                os.waitpid(found.si_pid, 0)
        except ChildProcessError:
            pass

    def stop(self) -> None:
        while self._running:
            _name, process, stop_signal = self._running.pop()
            end([process], stop_signal)


def end(
    processes: Sequence[subprocess.Popen], stop_signal: int = signal.SIGTERM, grace_s: float = 10
) -> None:
    """End programs and their process groups: signal, wait, kill."""
    for process in processes:
        if process.poll() is None:
            _signal_group(process.pid, stop_signal)
    deadline = time.monotonic() + grace_s
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def _signal_group(pid: int, signum: int) -> None:
    try:
        os.killpg(pid, signum)
    except (ProcessLookupError, PermissionError):
        pass


def end_descendants(grace_s: float = 3) -> None:
    """End whatever our programs left behind, and wait for it."""
    try:
        _end_descendants(grace_s)
    finally:
        # What ended after the last look would be inherited as a zombie by a process that may never reap it.
        _reap()


def _end_descendants(grace_s: float) -> None:
    deadline = time.monotonic() + grace_s
    while pids := _descendants(os.getpid()):
        signum = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        for pid in pids:
            try:
                os.kill(pid, signum)
            except (ProcessLookupError, PermissionError):
                pass
        _reap()
        time.sleep(0.05)
        if time.monotonic() > deadline + grace_s:
            return


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _descendants(root: int) -> list[int]:
    """Every process below `root`, from /proc; zombies left out."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                state, parent = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[:2]
            except (OSError, ValueError):
                continue
            if state != "Z":
                parents[int(entry)] = int(parent)
    return [pid for pid in parents if _is_below(pid, root, parents)]


def _is_below(pid: int, root: int, parents: Mapping[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == root:
            return True
    return False
