"""An SFTP client: many requests in flight on one channel, with bounded memory.

Work with files is written as tasks, generators that send requests and wait for answers:

    pending = sftp.lstat("/etc/hosts")  # on its way
    attributes = yield pending          # its answer; SftpStatus is raised here when the server refuses

Any number of requests may be on their way before the first answer is awaited, and :meth:`Sftp.run_all` lets many
tasks take turns. Everything happens in the thread that calls it.
"""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from . import sftp_wire as wire
from .errors import lost, lost_if_broken
from .lease import Lease
from .running.command_result import Stream
from .sftp_answers import Pending, Task, read_answer, read_content, read_version
from .sftp_wire import Reader, SftpError, SftpNonsense, SftpStatus, SftpUnavailable
from .target import Target
from .watching import Watch

Key = TypeVar("Key")

#: What a server takes and gives at least in one request, whatever it is.
SAFE_LENGTH = 32 * 1024
#: Requests and answers are at most this long here, even when the server offers more.
MAX_LENGTH = 255 * 1024
#: So many bytes of content may be on their way, unanswered.
IN_FLIGHT_BYTES = 2 * 1024 * 1024
#: Answers that carry no content: longer ones are nonsense.
_ANSWER_LIMIT = MAX_LENGTH + 4096
_BLOCK_BYTES = 128 * 1024
_SLICE_BYTES = 64 * 1024
_SOCKET_CHECK_S = 0.05
_START_LIMIT_S = 30.0


class Sftp:
    """One SFTP session on a leased channel."""

    def __init__(self, target: Target, lease: Lease, watch: Watch):
        self._target = target
        self._channel = lease.channel
        self._connection = lease.connection
        self._watch = watch
        self._outgoing: deque[bytes] = deque()  # whole requests
        self._sending = memoryview(b"")
        self._arrived: list[bytes] = []
        self._arrived_size = 0
        self._needed = 4
        self._last_id = 0
        self._waiting: dict[int, Pending] = {}
        self._ready: deque[Pending] = deque()
        self._heard = time.monotonic()
        self._version: dict[str, bytes] | None = None
        self.in_flight = 0
        self.read_length = self.write_length = SAFE_LENGTH
        self.open_files = 64
        self.home = "/"

    # -- the session

    def start(self) -> None:
        """Begin the session; nothing may be asked before.

        :raise SftpUnavailable: the host offers no SFTP
        """
        with lost_if_broken(self._target):
            self._channel.request("subsystem", "sftp")
        self._outgoing.append(struct.pack(">IBI", 5, wire.INIT, wire.VERSION_NUMBER))
        deadline = time.monotonic() + _START_LIMIT_S
        with self._listening():
            while self._version is None:
                if self._channel.request_refused or (self._channel.ended and self._connection.alive):
                    raise SftpUnavailable("it refuses the subsystem")
                if time.monotonic() > deadline:
                    raise SftpUnavailable("it does not answer")
                self._exchange(deadline)
        home = self._request(wire.REALPATH, wire.NAME, wire.string("."))
        limits = self._extended(wire.LIMITS, wire.EXTENDED_REPLY) if self.offers(wire.LIMITS) else None
        self.run(self._settle(home, limits))

    def _settle(self, home: Pending, limits: Pending | None) -> Task:
        self.home = yield home
        if limits is None:
            return
        try:
            reader = yield limits
        except SftpStatus:
            return
        _packet, read, write, handles = (reader.offset() for _ in range(4))
        self.read_length = min(max(read, SAFE_LENGTH), MAX_LENGTH)
        self.write_length = min(max(write, SAFE_LENGTH), MAX_LENGTH)
        if handles:
            self.open_files = max(min(handles // 2, self.open_files), 1)

    def offers(self, extension: str) -> bool:
        return extension in (self._version or {})

    # -- requests

    def open_file(self, path: str, flags: int, mode: int | None = None) -> Pending:
        return self._request(
            wire.OPEN, wire.HANDLE, wire.string(path) + wire.number(flags) + wire.attributes(mode)
        )

    def close(self, handle: bytes) -> Pending:
        return self._request(wire.CLOSE, wire.STATUS, wire.string(handle))

    def read_at(self, handle: bytes, position: int, length: int) -> Pending:
        """Ask for bytes; the answer may be shorter, and is b"" at the end of the file."""
        data = wire.string(handle) + wire.offset(position) + wire.number(length)
        return self._request(wire.READ, wire.DATA, data, length)

    def write_at(self, handle: bytes, position: int, content: bytes) -> Pending:
        head = wire.string(handle) + wire.offset(position) + wire.number(len(content))
        return self._request(wire.WRITE, wire.STATUS, head, len(content), content)

    def stat(self, path: str) -> Pending:
        return self._request(wire.STAT, wire.ATTRS, wire.string(path))

    def lstat(self, path: str) -> Pending:
        return self._request(wire.LSTAT, wire.ATTRS, wire.string(path))

    def fstat(self, handle: bytes) -> Pending:
        return self._request(wire.FSTAT, wire.ATTRS, wire.string(handle))

    def set_attributes(
        self, handle: bytes, mode: int | None = None, owner: tuple[int, int] | None = None
    ) -> Pending:
        return self._request(wire.FSETSTAT, wire.STATUS, wire.string(handle) + wire.attributes(mode, owner))

    def remove(self, path: str) -> Pending:
        return self._request(wire.REMOVE, wire.STATUS, wire.string(path))

    def make_directory(self, path: str, mode: int) -> Pending:
        return self._request(wire.MKDIR, wire.STATUS, wire.string(path) + wire.attributes(mode))

    def remove_directory(self, path: str) -> Pending:
        return self._request(wire.RMDIR, wire.STATUS, wire.string(path))

    def open_directory(self, path: str) -> Pending:
        return self._request(wire.OPENDIR, wire.HANDLE, wire.string(path))

    def read_directory(self, handle: bytes) -> Pending:
        """Ask for the next names; the answer is a list of (name, attributes), SftpStatus with EOF after the last."""
        return self._request(wire.READDIR, wire.NAMES, wire.string(handle))

    def real_path(self, path: str) -> Pending:
        return self._request(wire.REALPATH, wire.NAME, wire.string(path))

    def rename(self, old: str, new: str) -> Pending:
        """Rename, unless there is something with the new name."""
        return self._request(wire.RENAME, wire.STATUS, wire.string(old) + wire.string(new))

    def replace(self, old: str, new: str) -> Pending:
        """Rename over what is there (an extension)."""
        return self._extended(wire.POSIX_RENAME, wire.STATUS, wire.string(old) + wire.string(new))

    def hard_link(self, old: str, new: str) -> Pending:
        return self._extended(wire.HARDLINK, wire.STATUS, wire.string(old) + wire.string(new))

    def flush_to_disk(self, handle: bytes) -> Pending:
        return self._extended(wire.FSYNC, wire.STATUS, wire.string(handle))

    def disk_facts(self, path: str) -> Pending:
        return self._extended(wire.STATVFS, wire.EXTENDED_REPLY, wire.string(path))

    def names_by_id(self, uid: int, gid: int) -> Pending:
        ids = wire.string(wire.number(uid)) + wire.string(wire.number(gid))
        return self._extended(wire.NAMES_BY_ID, wire.EXTENDED_REPLY, ids)

    def _extended(self, name: str, answer: int, data: bytes = b"") -> Pending:
        return self._request(wire.EXTENDED, answer, wire.string(name) + data)

    def _request(self, kind: int, answer: int, data: bytes, size: int = 0, content: bytes = b"") -> Pending:
        if not self._waiting:
            self._heard = time.monotonic()  # the host owed us nothing
        self._last_id = (self._last_id + 1) & 0xFFFFFFFF
        head = struct.pack(">IBI", len(data) + len(content) + 5, kind, self._last_id)
        self._outgoing.append(b"".join((head, data, content)))
        pending = self._waiting[self._last_id] = Pending(answer, size)
        self.in_flight += size
        return pending

    # -- tasks

    def run(self, task: Task) -> Any:
        """Run one task to its end and return what it returns."""
        results: list[Any] = []
        self.run_all([(None, task)], lambda _key, result: results.append(result))
        if isinstance(results[0], Exception):
            raise results[0]
        return results[0]

    def run_all(
        self, tasks: Iterable[tuple[Key, Task]], on_done: Callable[[Key, Any], None], at_once: int = 1
    ) -> None:
        """Let tasks take turns until all have ended.

        :param on_done: gets a key and what its task returned, or the exception that ended it
        :param at_once: so many tasks have begun and not ended
        :raise SftpNonsense: the server does not speak SFTP any more
        :raise ConnectionLost, StopRequested, TransferTimedOut: what the :class:`Watch` says
        """
        active: dict[Task, Key] = {}
        try:
            with self._listening():
                self._take_turns(iter(tasks), active, on_done, at_once)
        except BaseException:
            self._drop_unsent()
            for task in active:
                task.close()  # which may ask for something, see finish
            raise

    @property
    def usable(self) -> bool:
        return not self._channel.ended and self._connection.alive

    def finish(self, limit_s: float) -> None:
        """After tasks were ended early: let the host do what they asked for at their end.

        :raise ConnectionLost, SftpNonsense: it cannot
        """
        watch, self._watch = self._watch, Watch(self._target)
        deadline = time.monotonic() + limit_s
        try:
            while self._waiting and time.monotonic() < deadline:
                self._exchange(deadline)
        finally:
            self._watch = watch

    def _drop_unsent(self) -> None:
        """Forget content that nobody wants any more. All else is sent: it is short, and may be what cleans up."""
        kept: deque[bytes] = deque()
        for request in self._outgoing:
            if request[4] != wire.WRITE:
                kept.append(request)
            elif pending := self._waiting.pop(int.from_bytes(request[5:9], "big"), None):
                self.in_flight -= pending.size
        self._outgoing = kept

    def _take_turns(self, source: Iterator, active: dict, on_done: Callable, at_once: int) -> None:
        more = True
        while True:
            while more and len(active) < at_once and (self.in_flight < IN_FLIGHT_BYTES or not active):
                entry = next(source, None)
                if entry is None:
                    more = False
                else:
                    active[entry[1]] = entry[0]
                    self._step(entry[1], None, active, on_done)
            if not active and not more:
                break
            if active:
                self._exchange()
            while self._ready:
                pending = self._ready.popleft()
                if pending.task in active:
                    self._step(pending.task, pending, active, on_done)
        while self._waiting:  # what tasks asked for at their end, without waiting for it
            self._exchange()

    def _step(self, task: Task, pending: Pending | None, active: dict, on_done: Callable) -> None:
        """Let a task go on until it waits for an answer that is not there."""
        result: Any
        try:
            while True:
                if pending is None:
                    pending = next(task)
                elif pending.error is not None:
                    pending = task.throw(pending.error)
                else:
                    pending = task.send(pending.answer)
                if not pending.done:
                    pending.task = task
                    return
        except StopIteration as end:
            result = end.value
        except SftpNonsense:
            raise
        except Exception as err:
            result = err
        key = active.pop(task)
        on_done(key, result)

    # -- bytes

    @contextmanager
    def _listening(self):
        """Let a stop wake us."""
        stop = self._watch.stop
        unsubscribe = stop.subscribe(self._channel.wake.set) if stop else None
        try:
            yield
        finally:
            if unsubscribe:
                unsubscribe()

    def _exchange(self, deadline: float | None = None) -> None:
        """Send what the host takes, wait for something to happen, and take what arrived."""
        with lost_if_broken(self._target):
            stuck = self._send()
        now = time.monotonic()
        patience = self._watch.check(self._connection, self._heard, now)
        if deadline is not None:
            patience = min(patience, max(deadline - now, 0))
        if stuck:
            self._connection.writable(min(patience, _SOCKET_CHECK_S))
        else:
            self._channel.wake.wait(patience)
        self._channel.wake.clear()
        ended = self._channel.ended  # looked at first: all data lie in the queue by then
        with lost_if_broken(self._target):
            arrived = [data for stream, data in self._channel.take() if stream is Stream.STDOUT]
        if arrived:
            if ended:
                self._channel.wake.set()  # nothing else will: the next turn is to see the end
            self._heard = time.monotonic()
            self._receive(arrived)
            self._channel.want(max(self._needed - self._arrived_size, 1))
        elif ended and (self._version is not None or not self._connection.alive):
            raise lost(self._target)

    def _send(self) -> bool:
        """Send what window and socket take; return whether the socket is what keeps us from sending more."""
        while True:
            if not self._sending:
                if not self._outgoing:
                    return False
                self._sending = memoryview(self._next_block())
            if not self._connection.writable(0):
                return True
            sent = self._channel.send_some(self._sending[:_SLICE_BYTES])
            self._sending = self._sending[sent:]
            if not sent:
                return False

    def _next_block(self) -> bytes:
        """Join small requests, so that they share packets."""
        block = [self._outgoing.popleft()]
        size = len(block[0])
        while self._outgoing and size + len(self._outgoing[0]) <= _BLOCK_BYTES:
            block.append(self._outgoing.popleft())
            size += len(block[-1])
        return block[0] if len(block) == 1 else b"".join(block)

    def _receive(self, arrived: list[bytes]) -> None:
        self._arrived += arrived
        self._arrived_size += sum(map(len, arrived))
        if self._arrived_size < self._needed:
            return
        data = self._arrived[0] if len(self._arrived) == 1 else b"".join(self._arrived)
        position = 0
        while True:
            left = len(data) - position
            if left < 4:
                self._needed = 4
                break
            length = int.from_bytes(data[position : position + 4], "big")
            if not 1 <= length <= _ANSWER_LIMIT:
                raise self._no_answer(data[position : position + 40])
            self._needed = 4 + length
            if left < self._needed:
                break
            self._answer(data[position + 4], memoryview(data)[position + 5 : position + self._needed])
            position += self._needed
        rest = data[position:]
        self._arrived, self._arrived_size = ([rest] if rest else []), len(rest)

    def _no_answer(self, data: bytes) -> SftpError:
        if self._version is None and data[:4].isascii():
            words = data.decode("ascii", "replace").strip()
            return SftpUnavailable(f"its login scripts print text instead (it begins with {words!r})")
        return SftpNonsense("an answer has an impossible length")

    def _answer(self, kind: int, data: memoryview) -> None:
        if self._version is None:
            self._version = read_version(kind, data)
            return
        if len(data) < 4:
            raise SftpNonsense("an answer without a number")
        pending = self._waiting.pop(int.from_bytes(data[:4], "big"), None)
        if pending is None:
            raise SftpNonsense("an answer to nothing that was asked")
        self.in_flight -= pending.size
        if kind == wire.DATA and pending.kind == wire.DATA:
            pending.answer = read_content(data[4:], pending.size)
        else:
            read_answer(pending, kind, Reader(bytes(data[4:])))
        pending.done = True
        if pending.task is not None:
            self._ready.append(pending)
