"""An SFTP server in memory that can be told to lie, and a pool that leads to it."""

import struct
import threading
import time

from tower_engine.errors import ChannelRefused
from tower_engine.ssh import sftp_wire as wire
from tower_engine.ssh.running.command_result import Stream
from tower_engine.ssh.target import Target

EXTENSIONS = {
    wire.POSIX_RENAME: b"1",
    wire.FSYNC: b"1",
    wire.HARDLINK: b"1",
    wire.LIMITS: b"1",
    wire.NAMES_BY_ID: b"1",
}
NOTHING, HANG_UP = object(), object()


def packet(kind: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">IB", len(data) + 1, kind) + data


class Peer:
    """Keeps regular files of a flat file system. ``lies`` maps a kind of request to a function (peer, number, reader)
    that gives the answer; None as its answer means the honest one, NOTHING none, HANG_UP the end of the channel."""

    def __init__(self, files=None, lies=None, extensions=EXTENSIONS, limits=(0, 0, 0, 0), chunk=None):
        self.files = {path: bytearray(data) for path, data in (files or {}).items()}
        self.lies = lies or {}
        self.extensions = extensions
        self.limits = limits
        self.chunk = chunk
        self.asked = []
        self._handles = {}

    def answer(self, kind: int, data: bytes):
        reader = wire.Reader(data)
        number = reader.number() if kind != wire.INIT else 0
        self.asked.append(kind)
        if kind in self.lies:
            told = self.lies[kind](self, number, wire.Reader(data[4:]))
            if told is not None:
                return told
        return self._honest(kind, number, reader)

    def status(self, number: int, code: int = wire.OK) -> bytes:
        return packet(wire.STATUS, wire.number(number), wire.number(code), wire.string(""), wire.string(""))

    def attributes(self, number: int, path: str) -> bytes:
        if path not in self.files:
            return self.status(number, wire.NO_SUCH_FILE)
        size = len(self.files[path])
        fields = struct.pack(">IQIIIII", 0xF, size, 7, 8, 0o100644, 1, 1_700_000_000)
        return packet(wire.ATTRS, wire.number(number), fields)

    def _honest(self, kind, number, reader):
        if kind == wire.INIT:
            offered = [wire.string(name) + wire.string(value) for name, value in self.extensions.items()]
            return packet(wire.VERSION, wire.number(3), *offered)
        if kind == wire.REALPATH:
            reader.string()
            return packet(
                wire.NAME,
                wire.number(number),
                wire.number(1),
                wire.string("/home/u"),
                wire.string(""),
                wire.number(0),
            )
        if kind in (wire.LSTAT, wire.STAT):
            return self.attributes(number, reader.text())
        if kind == wire.FSTAT:
            return self.attributes(number, self._handles[reader.string()])
        if kind == wire.OPEN:
            return self._open(number, reader.text(), reader.number())
        if kind == wire.READ:
            content = self.files[self._handles[reader.string()]]
            position, length = reader.offset(), reader.number()
            data = bytes(content[position : position + length])
            return (
                packet(wire.DATA, wire.number(number), wire.string(data))
                if data
                else self.status(number, wire.EOF)
            )
        if kind == wire.WRITE:
            content = self.files[self._handles[reader.string()]]
            position, data = reader.offset(), reader.string()
            content[position : position + len(data)] = data
        if kind == wire.REMOVE and self.files.pop(reader.text(), None) is None:
            return self.status(number, wire.NO_SUCH_FILE)
        if kind == wire.RENAME:
            return self._rename(number, reader.text(), reader.text(), over=False)
        if kind == wire.EXTENDED:
            return self._extended(number, reader.text(), reader)
        return self.status(number)

    def _open(self, number, path, flags):
        if flags & wire.CREATE:
            self.files[path] = bytearray()
        if path not in self.files:
            return self.status(number, wire.NO_SUCH_FILE)
        handle = b"h%d" % number
        self._handles[handle] = path
        return packet(wire.HANDLE, wire.number(number), wire.string(handle))

    def _rename(self, number, old, new, over):
        if new in self.files and not over:
            return self.status(number, wire.FAILURE)
        self.files[new] = self.files.pop(old)
        return self.status(number)

    def _extended(self, number, name, reader):
        if name == wire.LIMITS:
            return packet(wire.EXTENDED_REPLY, wire.number(number), *map(wire.offset, self.limits))
        if name == wire.POSIX_RENAME:
            return self._rename(number, reader.text(), reader.text(), over=True)
        if name == wire.NAMES_BY_ID:
            names = wire.string(wire.string("user")), wire.string(wire.string("group"))
            return packet(wire.EXTENDED_REPLY, wire.number(number), *names)
        return self.status(number)


class Channel:
    """What the engine uses of a channel; the peer answers while requests are sent."""

    def __init__(self, peer: Peer):
        self.wake = threading.Event()
        self.ended = self.request_refused = False
        self._peer = peer
        self._incoming = b""
        self._answers = b""

    def request(self, kind, argument):
        assert (kind, argument) == ("subsystem", "sftp")

    def send_some(self, data):
        self._incoming += bytes(data)
        while len(self._incoming) >= 5 and not self.ended:
            end = 4 + int.from_bytes(self._incoming[:4], "big")
            if len(self._incoming) < end:
                break
            answer = self._peer.answer(self._incoming[4], self._incoming[5:end])
            self._incoming = self._incoming[end:]
            if answer is HANG_UP:
                self.ended = True
            elif answer is not NOTHING:
                self._answers += answer
        self.wake.set()
        return len(data)

    def want(self, size):
        pass

    def take(self):
        size = self._peer.chunk or len(self._answers)
        data, self._answers = self._answers[:size], self._answers[size:]
        if self._answers:
            self.wake.set()
        return [(Stream.STDOUT, data)] if data else []

    def close(self):
        self.ended = True


class Connection:
    alive = True

    def writable(self, _timeout_s):
        return True

    def check_life(self, _settings, now):
        return now + 0.2


class Pool:
    """Leads every lease to the peer."""

    def __init__(self, peer: Peer):
        self.peer = peer
        self.leases = 0

    def open_channel(self, _target, _stop=None, _patience_s=0):
        self.leases += 1
        return Lease(Channel(self.peer))

    @property
    def beside(self):
        return NoShell()


class NoShell:
    """Refuses scripts, as an account does that is only for files."""

    def open_channel(self, _target, _stop=None, _patience_s=0):
        raise ChannelRefused("The account has no shell.")


class Lease:
    def __init__(self, channel):
        self.channel = channel
        self.connection = Connection()

    def release(self):
        self.channel.close()

    discard = release

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.release()


TARGET = Target("host", 22, "user", name="Peer")


def soon(began: float) -> bool:
    return time.monotonic() - began < 8
