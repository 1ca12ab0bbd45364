"""Temporary files on hosts: names that say whose they are, and removing those of workers that died.

A push that ends, in whatever way, removes what it made. A worker that is killed cannot; what it left is removed by the
next push into the same directory. What dies where:

* while the content is written, flushed, given its owner and mode: the temporary file stays, the target is what it was;
* after the rename: nothing stays;
* through sudo: the private directory in the log-in user's home stays, with what was uploaded so far. The script that
  puts files in their places goes on without us and removes what it makes.

What another worker may be using is never touched: those that were alive when the list of workers was read are left
alone, and so is what was written to after that moment, for a worker may have started since. Times are compared on the
host's own clock, by what it says about the file that was just made.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from .. import sftp_wire as wire
from ..sftp import Sftp
from ..sftp_answers import Task
from ..sftp_wire import SftpStatus

#: A name has at most 255 bytes on nearly all file systems; ours carries a dot, marks and a token, too.
_NAME_BYTES = 200
_NAME = re.compile(r"(?:\.[^/]+)?\.tower-([0-9a-f]{8})-([0-9a-f]{8})-[0-9a-f]{16}")
#: Directories with more answers than this (about a hundred names each) are not read to their end.
_MOST_ANSWERS = 500
#: Hosts tell times in whole seconds.
_ROUNDING_S = 2


@dataclass(frozen=True)
class Owner:
    """Who makes temporary files here.

    :param installation: mark of the Tower installation, 8 hexadecimal digits; the files of others are not ours
    :param worker: mark of the process
    :param alive: marks of the workers that may be at work; None: not known, so nothing is removed
    :param asked_at: when that was read, on the monotonic clock
    """

    installation: str = "00000000"
    worker: str = field(default_factory=lambda: secrets.token_hex(4))
    alive: frozenset[str] | None = None
    asked_at: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, installation: str, worker: str, alive: Collection[str]) -> Owner:
        """Make the marks of names."""
        return cls(_mark(installation), _mark(worker), frozenset(map(_mark, alive)))

    def suffix(self) -> str:
        """Return the end of a temporary name that nobody can guess."""
        return f".tower-{self.installation}-{self.worker}-{secrets.token_hex(8)}"

    def temporary_name(self, name: str) -> str:
        """Return where the content of a file is collected: hidden, beside it."""
        return f".{name.encode()[:_NAME_BYTES].decode('utf-8', 'ignore')}{self.suffix()}"

    def is_left(self, name: str) -> bool:
        """Return whether a name is that of something whose maker was dead when the workers were asked for."""
        found = _NAME.fullmatch(name)
        if self.alive is None or not found or found[1] != self.installation:
            return False
        return found[2] != self.worker and found[2] not in self.alive


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


class Leftovers:
    """Removes what dead workers left, once for each directory of a session."""

    def __init__(self, sftp: Sftp, owner: Owner):
        self._sftp = sftp
        self._owner = owner
        self._seen: set[str] = set()

    def to_be_looked_for(self, directory: str) -> bool:
        return self._owner.alive is not None and directory not in self._seen

    def remove(self, directory: str, now_there: int | None) -> Task:
        """Look through a directory.

        :param now_there: the host's time, seconds since 1970; None: it does not tell, so nothing is removed
        """
        if now_there is None or not self.to_be_looked_for(directory):
            return
        self._seen.add(directory)
        before = now_there - (time.monotonic() - self._owner.asked_at) - _ROUNDING_S
        try:
            for name, facts in (yield from self._list(directory)):
                if self._owner.is_left(name) and facts.modified is not None and facts.modified < before:
                    yield from self._remove(f"{directory.rstrip('/')}/{name}", facts.is_directory)
        except SftpStatus:
            pass  # it may not be listed

    def _remove(self, path: str, is_directory: bool) -> Task:
        if is_directory:
            for name, _facts in (yield from self._list(path)):
                if name not in (".", ".."):
                    self._sftp.remove(f"{path}/{name}")
            self._sftp.remove_directory(path)
        else:
            self._sftp.remove(path)

    def _list(self, directory: str) -> Task:
        handle = yield self._sftp.open_directory(directory)
        found: list = []
        try:
            for _ in range(_MOST_ANSWERS):
                found += yield self._sftp.read_directory(handle)
        except SftpStatus as err:
            if err.code != wire.EOF:
                raise
        finally:
            self._sftp.close(handle)
        return found
