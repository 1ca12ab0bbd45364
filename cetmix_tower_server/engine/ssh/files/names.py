"""Names and numbers of users and groups on a host."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from ...errors import FileCreationFailed
from .. import sftp_wire as wire
from ..running.command_result import CommandResult
from ..sftp import Sftp
from ..sftp_answers import Task
from ..sftp_wire import Reader, SftpStatus
from ..target import Target
from .failures import failure

#: Runs a small script as the log-in user.
Run = Callable[[str], CommandResult]
_UNKNOWN = 0xFFFFFFFF
# Without getent (BusyBox, macOS) the files are read.
_BY_NAME = 'w=$(getent {base} {name} 2>/dev/null)||w=$(grep -m 1 -e {line} /etc/{base});IFS=:;set -f;set -- $w;echo "$3"'
_BY_ID = (
    'n() {{ getent $1 $2 2>/dev/null||while IFS= read -r l;do case $l in *:*:$2:*)echo "$l";break;;esac;done'
    "</etc/$1; }};n passwd {uid};echo;echo -;n group {gid}"
)


class Names:
    """Remembers what a session asked for."""

    def __init__(self, target: Target, run: Run):
        self._target = target
        self._run = run
        self._names: dict[tuple[int, int], tuple[str, str]] = {}
        self._ids: dict[tuple[str, str], int] = {}

    def of(self, sftp: Sftp, uid: int | None, gid: int | None) -> Task:
        """Return the names of user and group; the number where there is none, "" where the host does not tell."""
        if uid is None or gid is None:
            return "", ""
        if (uid, gid) not in self._names:
            owner = group = ""
            if sftp.offers(wire.NAMES_BY_ID):
                try:
                    owner, group = _read_names((yield sftp.names_by_id(uid, gid)))
                except SftpStatus:
                    pass
            else:
                owner, group = self._by_script(uid, gid)
            self._names[uid, gid] = owner or str(uid), group or str(gid)
        return self._names[uid, gid]

    def ids(self, owner: str, group: str, path: str) -> tuple[int | None, int | None]:
        """Return user id and group id of two names or numbers; None for an empty name.

        :param path: the file they are for
        :raise FileCreationFailed: the host does not know the name
        """
        return self._id("passwd", owner, path), self._id("group", group, path)

    def _by_script(self, uid: int, gid: int) -> tuple[str, str]:
        lines = self._run(_BY_ID.format(uid=uid, gid=gid)).stdout.split("\n-\n", 1)
        owner, group = (line.strip().split(":", 1)[0] for line in (*lines, "", "")[:2])
        return owner, group

    def _id(self, base: str, name: str, path: str) -> int | None:
        if not name:
            return None
        if name.isascii() and name.isdigit() and int(name) < _UNKNOWN:
            return int(name)
        if (base, name) not in self._ids:
            code = _BY_NAME.format(base=base, name=shlex.quote(name), line=shlex.quote(f"^{name}:"))
            found = "" if name.startswith("-") or ":" in name else self._run(code).stdout.strip()
            if not found.isdigit():
                what = f"the host has no {'user' if base == 'passwd' else 'group'} {name}"
                raise failure(
                    FileCreationFailed,
                    path,
                    self._target,
                    what,
                    "",
                    "Correct the name, or create it on the host.",
                )
            self._ids[base, name] = int(found)
        return self._ids[base, name]


def _read_names(reader: Reader) -> tuple[str, str]:
    owners, groups = Reader(reader.string()), Reader(reader.string())
    return ("" if owners.empty else owners.text()), ("" if groups.empty else groups.text())
