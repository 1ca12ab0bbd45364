"""Turns the exceptions of a broken connection into one error."""

from __future__ import annotations

from contextlib import contextmanager

from paramiko.ssh_exception import SSHException

from ..errors import ConnectionLost
from .target import Target


@contextmanager
def lost_if_broken(target: Target):
    """Raise :class:`ConnectionLost` for whatever paramiko raises on a broken connection."""
    try:
        yield
    except (EOFError, OSError, SSHException) as err:
        raise lost(target) from err


def lost(target: Target) -> ConnectionLost:
    return ConnectionLost(f"The connection to {target.label} is broken.", *where(target))


def where(target: Target) -> tuple[str, int]:
    return target.host, target.port
