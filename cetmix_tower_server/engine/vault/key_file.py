"""The file that holds the vault's keys if neither the environment nor odoo.conf provides them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import VaultError
from .key_ring import KeyRing

_HEADER = (
    "# Keys of Cetmix Tower's vault, newest first. Without this file stored secrets cannot be read: back it up,\n"
    "# apart from the database. Old keys are needed for old backups and for other databases.\n"
)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_key_file(path: Path) -> KeyRing | None:
    """Return the keys in a file, or None if the file does not exist.

    :raise VaultError: other users may read it, or it is damaged
    """
    try:
        with open(path, encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                raise VaultError(
                    f"The key file of the vault, {path}, can be opened by other users (mode"
                    f" {stat.S_IMODE(mode):04o}). Tower does not use it until you run: chmod 600 {path}"
                )
            text = file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as err:
        raise VaultError(f"The key file of the vault, {path}, cannot be read: {err}") from err
    try:
        return KeyRing.parse(text)
    except VaultError as err:
        raise VaultError(f"The key file of the vault, {path}, is damaged. {err}") from None


def read_or_create_key_file(path: Path) -> KeyRing:
    """Return the keys in a file; create it with a first key if it does not exist.

    However many processes do this at once, all of them get the same key.
    """
    return read_key_file(path) or change_key_file(path, lambda ring: ring or KeyRing.generate())


def change_key_file(path: Path, change: Callable[[KeyRing | None], KeyRing]) -> KeyRing:
    """Replace the keys in a file by the result of ``change``, and return that.

    No other process changes the file meanwhile. A reader sees the old file or the new one, never part of one,
    even after a crash or a power failure at any moment. On return, the new keys are on the disk.

    :raise VaultError: the file cannot be read or written
    """
    try:
        with _locked(path):
            before = read_key_file(path)
            after = change(before)
            if before is None or after.key_ids != before.key_ids:
                _replace(path, _HEADER + after.dump())
            return after
    except OSError as err:
        raise VaultError(f"The key file of the vault, {path}, cannot be written: {err}") from err


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock; it ends with the process, so a crash leaves none behind."""
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    """Write a file under another name first, with its final rights from the start, then rename it."""
    temporary = Path(f"{path}.new")
    temporary.unlink(missing_ok=True)  # left behind by a crash; we hold the lock
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # so that the new name survives a power failure, too
    finally:
        os.close(directory)
