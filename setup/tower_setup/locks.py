"""One at a time: a lock that the kernel releases whatever happens to its holder."""

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path

from .console import Console
from .errors import SetupError
from .paths import private_dir


@contextmanager
def only_one(path: Path, what: str):
    """Hold the lock file while the block runs; fail at once if another process holds it.

    :param what: what holds it, for the message ("The demo of this checkout")
    :raise SetupError: another process holds it
    """
    with _open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(f"{what} is already running (process {_holder(path)}).") from None
        _sign(file)
        yield


@contextmanager
def in_turn(path: Path, console: Console, what: str):
    """Hold the lock file while the block runs; wait, and say so, if another process holds it."""
    with _open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.say(f"Waiting for process {_holder(path)}, which is {what} ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        _sign(file)
        yield


def _open(path: Path):
    private_dir(path.parent)
    return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+", encoding="ascii")


def _sign(file) -> None:
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()


def _holder(path: Path) -> str:
    return path.read_text("ascii").strip() or "unknown"
