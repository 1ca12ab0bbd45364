"""Messages over a pipe: eight bytes with the length, then so many bytes."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

_LENGTH = struct.Struct(">Q")
PIECE = 1 << 20


class Closed(Exception):
    """The other side is gone."""


def send(descriptor: int, payload: bytes) -> None:
    """Write a message.

    :raise OSError: the other side is gone
    """
    view = memoryview(_LENGTH.pack(len(payload)) + payload)
    while view:
        view = view[os.write(descriptor, view) :]


def receive(descriptor: int, size_max: int, wait: Callable[[], None] = lambda: None) -> bytes:
    """Read a message.

    :param size_max: bytes that are accepted
    :param wait: called before each read; returns when there is something to read, or raises
    :raise Closed: the other side is gone, or sends more than is accepted
    """
    (size,) = _LENGTH.unpack(_read(descriptor, _LENGTH.size, wait))
    if size > size_max:
        raise Closed()
    return _read(descriptor, size, wait)


def _read(descriptor: int, size: int, wait: Callable[[], None]) -> bytes:
    pieces = []
    while size:
        wait()
        piece = os.read(descriptor, min(size, PIECE))
        if not piece:
            raise Closed()
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
