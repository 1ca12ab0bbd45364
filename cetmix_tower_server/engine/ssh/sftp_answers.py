"""Answers of an SFTP server: awaited, read, and checked against what was asked."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from . import sftp_wire as wire
from .sftp_wire import Reader, SftpNonsense, SftpStatus, SftpUnavailable

Task = Generator["Pending", Any, Any]

#: Handles are at most this long (draft-ietf-secsh-filexfer-02, 4).
HANDLE_LIMIT = 256


class Pending:
    """An answer that has not been awaited yet."""

    __slots__ = ("answer", "done", "error", "kind", "size", "task")

    def __init__(self, kind: int, size: int):
        self.kind = kind  # of the answer when all is well
        self.size = size  # bytes of content on their way
        self.done = False
        self.answer: Any = None
        self.error: SftpStatus | None = None
        self.task: Task | None = None


def read_version(kind: int, data: memoryview) -> dict[str, bytes]:
    """Return the extensions that the server offers."""
    reader = Reader(bytes(data))
    if kind != wire.VERSION or reader.number() < wire.VERSION_NUMBER:
        raise SftpUnavailable("it speaks another version than SFTP 3")
    offered = {}
    while not reader.empty:
        name = reader.text()
        offered[name] = reader.string()
    return offered


def read_content(data: memoryview, asked: int) -> memoryview:
    """Return the bytes of a file, which stay where they are."""
    size = int.from_bytes(data[:4], "big")
    if len(data) != size + 4 or not 0 < size <= asked:
        raise SftpNonsense(f"{size} bytes came where 1 to {asked} were asked for")
    return data[4:]


def read_answer(pending: Pending, kind: int, reader: Reader) -> None:
    """Put an answer, or the server's refusal, where it is awaited."""
    if kind == wire.STATUS:
        code = reader.number()
        text = "" if reader.empty else reader.text()
        if code == wire.EOF and pending.kind == wire.DATA:
            pending.answer = b""
        elif code != wire.OK or pending.kind != wire.STATUS:
            if code == wire.OK:
                raise SftpNonsense("success where an answer was due")
            pending.error = SftpStatus(code, text)
    elif kind != abs(pending.kind):
        raise SftpNonsense(f"an answer of kind {kind} where {pending.kind} was due")
    elif kind == wire.HANDLE:
        pending.answer = reader.string()
        if len(pending.answer) > HANDLE_LIMIT:
            raise SftpNonsense("a handle that is too long")
    elif kind == wire.ATTRS:
        pending.answer = reader.attributes()
    elif pending.kind == wire.NAMES:
        pending.answer = [_read_name(reader) for _ in range(reader.number())]
    elif kind == wire.NAME:
        if reader.number() != 1:
            raise SftpNonsense("several names where one was due")
        pending.answer = reader.string().decode("utf-8", "surrogateescape")
    else:
        pending.answer = reader


def _read_name(reader: Reader) -> tuple[str, wire.Attributes]:
    name = reader.string().decode("utf-8", "surrogateescape")
    reader.string()  # what "ls -l" would print
    return name, reader.attributes()
