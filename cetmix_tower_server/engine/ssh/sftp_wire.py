"""SFTP version 3 in bytes (draft-ietf-secsh-filexfer-02 and OpenSSH's PROTOCOL file): numbers, packing, reading."""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass

VERSION_NUMBER = 3

# What a client asks.
INIT, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT = 1, 3, 4, 5, 6, 7, 8
SETSTAT, FSETSTAT, REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME = 9, 10, 13, 14, 15, 16, 17, 18
OPENDIR, READDIR, EXTENDED = 11, 12, 200
# What a server answers.
VERSION, STATUS, HANDLE, DATA, NAME, ATTRS, EXTENDED_REPLY = 2, 101, 102, 103, 104, 105, 201
#: NAME with any number of names, as READDIR gets it; not a number of the protocol.
NAMES = -NAME

# Status codes.
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE, UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8

# How a file is opened.
FOR_READING, FOR_WRITING, CREATE, EXCLUSIVE = 0x01, 0x02, 0x08, 0x20

# Extensions of OpenSSH's server.
POSIX_RENAME = "posix-rename@openssh.com"
FSYNC = "fsync@openssh.com"
HARDLINK = "hardlink@openssh.com"
STATVFS = "statvfs@openssh.com"
LIMITS = "limits@openssh.com"
NAMES_BY_ID = "users-groups-by-id@openssh.com"

_SIZE, _OWNER, _MODE, _TIMES, _MORE = 0x1, 0x2, 0x4, 0x8, 0x80000000
#: A user or group id that is to stay as it is (chown's -1).
KEEP_ID = 0xFFFFFFFF


class SftpError(Exception):
    """What a host's SFTP server did, before it is told to a person."""


class SftpStatus(SftpError):
    """The server refused a request.

    :param code: one of the status codes above
    """

    def __init__(self, code: int, text: str = ""):
        super().__init__(text)
        self.code = code
        self.text = text


class SftpNonsense(SftpError):
    """The server's answer is not what the protocol allows: the channel is of no use any more."""


class SftpUnavailable(SftpError):
    """There is no SFTP server."""


@dataclass(frozen=True)
class Attributes:
    """What the server says about a file; None: it does not say."""

    size: int | None = None
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None
    modified: int | None = None

    @property
    def is_file(self) -> bool:
        return self.mode is not None and stat.S_ISREG(self.mode)

    @property
    def is_directory(self) -> bool:
        return self.mode is not None and stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        return self.mode is not None and stat.S_ISLNK(self.mode)

    @property
    def permissions(self) -> int:
        return stat.S_IMODE(self.mode or 0)


def string(value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def number(value: int) -> bytes:
    return struct.pack(">I", value)


def offset(value: int) -> bytes:
    return struct.pack(">Q", value)


def attributes(mode: int | None = None, owner: tuple[int, int] | None = None) -> bytes:
    """Pack what is to be set.

    :param owner: user id and group id; :data:`KEEP_ID` leaves one as it is
    """
    flags, data = 0, b""
    if owner is not None:
        flags, data = flags | _OWNER, struct.pack(">II", *owner)
    if mode is not None:
        flags, data = flags | _MODE, data + number(mode)
    return number(flags) + data


class Reader:
    """Takes values off an answer, and complains when there are none."""

    def __init__(self, data: bytes):
        self._data = data
        self._position = 0

    @property
    def empty(self) -> bool:
        return self._position >= len(self._data)

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def offset(self) -> int:
        return int.from_bytes(self._take(8), "big")

    def string(self) -> bytes:
        return self._take(self.number())

    def text(self) -> str:
        return self.string().decode("utf-8", "replace")

    def attributes(self) -> Attributes:
        flags = self.number()
        size = self.offset() if flags & _SIZE else None
        uid, gid = (self.number(), self.number()) if flags & _OWNER else (None, None)
        mode = self.number() if flags & _MODE else None
        modified = None
        if flags & _TIMES:
            self.number()
            modified = self.number()
        if flags & _MORE:
            for _ in range(min(self.number(), len(self._data))):
                self.string(), self.string()
        return Attributes(size, uid, gid, mode, modified)

    def _take(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._data):
            raise SftpNonsense("an answer ends too early")
        taken = self._data[self._position : end]
        self._position = end
        return taken
