"""Copies a file on a host by way of Tower: for backups, if a hard link cannot be created."""

from __future__ import annotations

from contextlib import suppress

from .. import sftp_wire as wire
from ..sftp_answers import Task
from ..sftp_wire import SftpStatus
from .link import Link


def copy_file(link: Link, source: str, target: str) -> Task:
    """Copy content, mode and, where allowed, owner to a file that must not be there.

    :raise SftpStatus: what the host refuses; nothing is left of the copy then
    """
    sftp = link.sftp
    reading = yield sftp.open_file(source, wire.FOR_READING)
    try:
        writing = yield sftp.open_file(target, wire.FOR_WRITING | wire.CREATE | wire.EXCLUSIVE, 0o600)
        link.made(target)
        try:
            yield from _copy_content(link, reading, writing)
            facts = yield sftp.fstat(reading)
            if facts.uid is not None and facts.gid is not None:
                with suppress(SftpStatus):
                    yield sftp.set_attributes(writing, owner=(facts.uid, facts.gid))
            yield sftp.set_attributes(writing, mode=facts.permissions)
            if sftp.offers(wire.FSYNC):
                yield sftp.flush_to_disk(writing)
        except BaseException:
            link.remove(target)
            raise
        finally:
            sftp.close(writing)
        link.gone(target)
    finally:
        sftp.close(reading)


def _copy_content(link: Link, reading: bytes, writing: bytes) -> Task:
    sftp = link.sftp
    length = min(sftp.read_length, sftp.write_length)
    position, write = 0, None
    while True:
        data = yield sftp.read_at(reading, position, length)
        if write:
            yield write
        if not data:
            return
        write = sftp.write_at(writing, position, bytes(data))
        position += len(data)
