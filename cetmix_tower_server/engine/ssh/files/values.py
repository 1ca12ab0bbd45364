"""Requests and answers about a host's files, as plain values."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO

#: Gets how many bytes are done and how many there are.
Progress = Callable[[int, int], None]

#: Gets the content of a file piece by piece.
Take = Callable[[bytes | memoryview], object]

PUSHED, SKIPPED = "pushed", "skipped"


class IfExists(str, Enum):
    """What to do if a file exists already; values as stored (field ``if_file_exists``)."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    RAISE = "raise"


@dataclass(frozen=True)
class Content:
    """The bytes of a file that is pushed. Its text form never shows them.

    :param size: number of bytes
    :param open: gives a binary file object that reads them from their beginning; may be called several times
    """

    size: int
    open: Callable[[], BinaryIO] = field(repr=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> Content:
        return cls(len(data), lambda: io.BytesIO(data))

    @classmethod
    def from_path(cls, path: str | os.PathLike) -> Content:
        """Stream a file of this machine; the size is the one it has now.

        :raise OSError: there is no such file
        """
        local = Path(path)
        return cls(local.stat().st_size, lambda: local.open("rb"))


@dataclass(frozen=True)
class HostFile:
    """A file as the host has it.

    :param path: as it was asked for
    :param mode: permissions (0o644)
    :param owner: name, or the number when the host does not tell a name. The same for ``group``
    :param modified: seconds since 1970
    :param sha256: in hexadecimal digits; empty when it was not asked for
    :param is_link: the path is a symbolic link; everything else is about the file behind it
    """

    path: str
    size: int
    mode: int
    owner: str
    group: str
    modified: float
    sha256: str = ""
    is_link: bool = False


@dataclass(frozen=True)
class PushSpec:
    """A file to be pushed.

    :param path: absolute, or ``~/...`` for the log-in user's home, or relative to that
    :param mode: None: as the file has it that is replaced, 0o644 for a new one
    :param owner: name or number; empty: as the file has it that is replaced. The same for ``group``
    :param backup: keep what is replaced as ``<name>.<YYYYmmddTHHMMSSZ>.bak`` beside it
    """

    path: str
    content: Content
    mode: int | None = None
    owner: str = ""
    group: str = ""
    make_directories: bool = True
    backup: bool = False
    if_exists: IfExists = IfExists.OVERWRITE


@dataclass(frozen=True)
class PushResult:
    """The result of a push.

    :param outcome: "pushed" or "skipped"
    :param size: of what was pushed; of what is there when it was skipped
    :param sha256: of what was pushed; empty when it was skipped
    :param backup_path: where the replaced file is kept; empty when there is none
    """

    path: str
    outcome: str
    size: int
    sha256: str
    backup_path: str = ""
    message: str = ""
