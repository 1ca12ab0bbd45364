"""Rights of a file beyond its mode: access lists, extended attributes, SELinux labels.

A push creates a new file and renames it. The new file would lose these rights, and if an access list is lost, the group gets
the rights of the list's mask. SFTP shows none of this, so one script asks the host about up to a hundred existing files.
Files without such rights (nearly all) are pushed over SFTP. The others are put in place by the script for files behind sudo,
without sudo: it copies the rights of the old file before it writes any content.

An account without a shell cannot be asked. There, a file is replaced if its mode is set in Tower, or if its group
has no more rights than everybody: then only people named in an invisible access list could get other rights.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from enum import Enum

from ...errors import ConnectError, FileUploadFailed, ScriptError
from ..sftp_answers import Task
from ..sftp_wire import Attributes, SftpStatus
from .access import HostAccess
from .failures import failure
from .link import Link
from .values import PushSpec

_LIMIT_S = 30.0
_LOOKS_AT_ONCE = 32
# These depend on the content, so new content must not keep them.
_IGNORED = "security.selinux security.capability security.ima security.evm system.nfs4_acl"
# No quotation marks of the shell in it.
_LOOK = """
import os, sys
def ask(function, *words):
    try:
        return function(*words)
    except OSError as error:
        if error.errno in (38, 61, 95):
            return b""
        raise
def label(path):
    return ask(os.getxattr, path, "security.selinux").split(b":")[2:]
ignored = set("@IGNORED@".split())
for path in sys.argv[1:]:
    parent = os.path.dirname(path) or "/"
    more = set(ask(os.listxattr, path)) - ignored or "system.posix_acl_default" in ask(os.listxattr, parent)
    print("more" if more or label(path) != label(parent) else "mode")
""".replace("@IGNORED@", _IGNORED)
_ASK = r"""LC_ALL=C;export LC_ALL
set -- @PATHS@
all() { for f;do echo more;done; }
py=/usr/bin/python3;[ -x $py ]||py=python3
if command -v $py >/dev/null;then said=$($py -IS -c '@LOOK@' "$@" 2>/dev/null)||said=$(all "$@")
else case $(cp --help 2>&1) in *--attributes-only*)said=$(all "$@");;
*)said=$(for f;do
if command -v setfacl >/dev/null;then echo more
else case $(ls -ld "$f") in ??????????[+@]*)echo more;;*)echo mode;;esac;fi;done);;esac
fi
printf '%s\nend\n' "$said"
"""


class Kept(Enum):
    """How the rights of an existing file are kept."""

    BY_MODE = "mode"  # it has no others
    BY_HOST = "more"  # by a script on the host
    UNKNOWN = "unknown"


class KeptByHost(Exception):
    """A file must be put in place by a script on the host to keep its rights."""


class Rights:
    """Asks a host about the files that a session is going to replace."""

    def __init__(self, access: HostAccess):
        self._access = access
        self._has_shell = True
        self._known: dict[str, Kept] = {}

    def of(self, paths: Iterable[str]) -> Mapping[str, Kept]:
        """Return how the rights of regular files are kept."""
        paths = list(dict.fromkeys(paths))
        said = self._ask(paths) if paths and self._has_shell else []
        if len(said) != len(paths) + 1 or said[-1] != "end":
            self._has_shell = not paths and self._has_shell
            return dict.fromkeys(paths, Kept.UNKNOWN)
        return {path: Kept(word) for path, word in zip(paths, said, strict=False)}

    def _ask(self, paths: list[str]) -> list[str]:
        code = _ASK.replace("@LOOK@", _LOOK).replace("@PATHS@", " ".join(map(shlex.quote, paths)))
        try:
            return self._access.run_script(code, _LIMIT_S).stdout.split()
        except (ConnectError, ScriptError):
            return []

    def look_at(self, link: Link, paths: Iterable[str]) -> None:
        """Ask about all existing files at once, so that no file needs a question of its own."""
        there: list[str] = []

        def seen(_key: str, found: str | Exception | None) -> None:
            if isinstance(found, str):
                there.append(found)

        link.sftp.run_all(((path, self._regular(link, path)) for path in paths), seen, _LOOKS_AT_ONCE)
        self._known = dict(self.of(there))

    def _regular(self, link: Link, path: str) -> Task:
        """Return the path of a regular file, behind a symbolic link, None of anything else."""
        try:
            found = yield link.sftp.lstat(path)
            if found.is_link:
                path = yield link.sftp.real_path(path)
                found = yield link.sftp.lstat(path)
        except SftpStatus:
            return None  # the push finds out and says why
        return path if found.is_file else None

    def check(self, spec: PushSpec, path: str, found: Attributes) -> None:
        """Make sure that a regular file can be replaced over SFTP.

        :raise KeptByHost: a script has to do it
        :raise FileUploadFailed: nobody knows who may read it
        """
        how = self._known.pop(path, None) or self.of([path])[path]
        if how is Kept.BY_HOST:
            raise KeptByHost
        if how is Kept.UNKNOWN and (refused := self._refusal(spec, found)):
            raise refused

    def _refusal(self, spec: PushSpec, found: Attributes) -> FileUploadFailed | None:
        group, others = found.permissions >> 3 & 7, found.permissions & 7
        if spec.mode is not None or not group & ~others:
            return None
        return failure(
            FileUploadFailed,
            spec.path,
            self._access.target,
            f"is there with the mode {found.permissions:o}, and this account has no shell to check whether an "
            f"access list restricts who can read it",
            "",
            "Set permissions for the file in Tower, or delete it on the host first.",
        )
