"""Writes content that is too large for memory into Odoo's filestore as it arrives, where it is found by its checksum."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LEFTOVER_S = 24 * 3600  # a file that has been written for longer was left by a process that died


@dataclass(frozen=True)
class Blob:
    """Content in the filestore.

    :param checksum: SHA-1, by which Odoo names what it stores
    :param size: bytes
    :param name: path below the filestore
    """

    checksum: str
    size: int
    name: str


class FileStore:
    """Writes into the directory where Odoo keeps attachments; needs no transaction.

    What is written is noted for Odoo's garbage collection first: without an attachment that names it, it goes away by
    itself.

    :param root: directory of the database's filestore
    """

    def __init__(self, root: str):
        self._root = Path(root)

    def path(self, name: str) -> Path:
        """Return where content is, by its path below the filestore."""
        return self._root / name

    def save(self, fill: Callable[[BinaryIO], object]) -> Blob:
        """Store what ``fill`` writes into the file it gets.

        :raise OSError: no space, no permission; nothing is left then
        """
        incoming = self._root / "tower_incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        self._remove_leftovers(incoming)
        path = incoming / secrets.token_hex(16)
        # The umask belongs to the whole process: no thread may set it to find it out, so the file is created with it.
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
            try:
                writer = _HashingWriter(file)
                fill(writer)
                file.flush()
                os.fsync(file.fileno())
                return self._keep(path, writer)
            except BaseException:
                path.unlink(missing_ok=True)
                raise

    def _keep(self, written: Path, writer: _HashingWriter) -> Blob:
        checksum = writer.checksum
        blob = Blob(checksum, writer.size, f"{checksum[:2]}/{checksum}")
        note = self._root / "checklist" / blob.name
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
        target = self.path(blob.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        written.replace(target)
        return blob

    @staticmethod
    def _remove_leftovers(directory: Path) -> None:
        for path in directory.iterdir():
            try:
                if path.stat().st_mtime < time.time() - LEFTOVER_S:
                    path.unlink()
            except FileNotFoundError:
                continue


class _HashingWriter:
    """A file to write to that keeps the size and checksum of what was written."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._hash = hashlib.sha1(usedforsecurity=False)
        self.size = 0

    @property
    def checksum(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> int:  # pylint: disable=method-required-super
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)
