"""Ends Python code that runs in another thread: the only way out of an endless loop in a command."""

from __future__ import annotations

import ctypes
import threading


class RunAborted(BaseException):
    """Raised inside a Python command that was stopped or ran out of time.

    Not an ``Exception``, so that an ``except Exception`` in a command does not swallow it.
    """


def abort_thread(thread: threading.Thread) -> None:
    """Have :class:`RunAborted` raised in ``thread`` at its next Python instruction.

    A call that blocks in C (a query, a sleep) is not interrupted: it raises when it returns.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(RunAborted))
