"""What a run of files keeps of each of them, and what a command that makes a file says about it; plain JSON in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from .operations import PULL, PUSH

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class StoredContent:
    """Content of a binary file in Odoo's attachments.

    :param id: id of the attachment
    :param checksum: of the content when the run was started
    :param size: bytes
    """

    id: int
    checksum: str | None = None
    size: int = 0


@dataclass(frozen=True)
class RecordOfStep:
    """The record that a file becomes once a command has made it on the host.

    :param template_id: id of the file template
    :param disconnect: the record does not follow the template
    :param values: {field: value} besides
    """

    template_id: int = 0
    disconnect: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FileDocument:
    """One file of a run, frozen when the run was started. Kept in ``files`` of its ``run_input``.

    :param operation: what is done with it, see :mod:`.operations`
    :param path: full path on the host; "" if unknown
    :param name: for messages about a file without a path
    :param file_type: "text" or "binary"
    :param mode: permissions, octal; "" as they are
    :param owner: "" as it is
    :param group: "" as it is
    :param backup: keep what is replaced
    :param sudo: reach it with sudo
    :param if_exists: "overwrite", "skip" or "raise"
    :param only_changes: a push leaves alone what is on the host as it should be
    :param file_id: id of its record, if there is one
    :param change_mark: how its record stood when the run was started; None if there was none
    :param content: rendered text, with the places of secrets marked
    :param attachment: content of a binary file
    :param record: what it becomes, if a command makes it
    :param error: why it cannot be transferred
    :param exit_code: belongs to ``error``
    """

    operation: str
    path: str = ""
    name: str = ""
    file_type: str = "text"
    mode: str = ""
    owner: str = ""
    group: str = ""
    backup: bool = False
    sudo: bool = False
    if_exists: str = "overwrite"
    only_changes: bool = False
    file_id: int | None = None
    change_mark: str | None = None
    content: str | None = None
    attachment: StoredContent | None = None
    record: RecordOfStep | None = None
    error: str | None = None
    exit_code: int | None = None

    def refused(self, text: str, exit_code: int) -> FileDocument:
        """Return the document of this file when it cannot be transferred: with the reason in place of a content."""
        return replace(self, content=None, error=text, exit_code=int(exit_code))

    def to_plain(self) -> dict[str, Any]:
        """Return plain JSON without what is not given."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return {
            name: asdict(value) if is_dataclass(value) else value
            for name, value in values.items()
            if value is not None
        }

    @classmethod
    def from_plain(cls, document: Mapping[str, Any]) -> FileDocument:
        """Return the file that a document describes, as this or an earlier version of Tower wrote it."""
        made = _made_of(cls, document)
        return replace(
            made,
            attachment=_made_of(StoredContent, made.attachment) if made.attachment else None,
            record=_made_of(RecordOfStep, made.record) if made.record else None,
        )

    @classmethod
    def all_in(cls, run_input: Mapping[str, Any]) -> list[FileDocument]:
        """Return the files of a run.

        :param run_input: the run's frozen inputs as plain JSON
        """
        return [cls.from_plain(document) for document in run_input.get("files") or ()]


@dataclass(frozen=True)
class FileToMake:
    """The file that a command makes from a template, as authors wrote it. Kept under ``file`` in definitions of plans.

    :param template_id: id of the file template
    :param template: its name
    :param name: template of the file's name
    :param directory: template of its directory
    :param if_exists: see :class:`FileDocument`
    :param disconnect: see :class:`RecordOfStep`
    :param source: "tower" or "server"; what follows is as on ``cx.tower.file``
    """

    template_id: int = 0
    template: str = ""
    name: str = ""
    directory: str = ""
    if_exists: str = "overwrite"
    disconnect: bool = False
    source: str = "tower"
    file_type: str = "text"
    mode: str = ""
    owner: str = ""
    group: str = ""
    backup: bool = False
    use_sudo: bool = False
    keep_when_deleted: bool = False
    auto_sync: bool = False

    @property
    def operation(self) -> str:
        return PUSH if self.source == "tower" else PULL

    def to_plain(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> FileToMake | None:
        """Return the file that a command makes, if it makes one.

        :param details: what the command's action needs, or the document of a line with it
        """
        return _made_of(cls, details["file"]) if details.get("file") else None


def _made_of(kind: type[Kind], document: Mapping[str, Any]) -> Kind:
    """Return a dataclass with what a document gives; other keys are left out."""
    given = {part.name: document.get(part.name) for part in fields(kind)}
    return kind(**{name: value for name, value in given.items() if value is not None})
