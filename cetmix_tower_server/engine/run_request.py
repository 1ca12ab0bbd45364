"""What somebody asks to run, what its authors wrote, and what is frozen of both when the run is started."""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from .files.document import FileDocument
from .template import placeholders
from .template.rendering import VariableScope
from .values.custom import Secrets


@dataclass(frozen=True)
class RunRequest:
    """What a person, or an automation, asks for besides the command or flight plan itself. Empty: as its author wrote it.

    :param variable_values: {reference: JSON value} custom values of the run; they win over stored ones
    :param path: directory in place of the command's own
    :param sudo: False: without sudo; otherwise as the server is set
    :param code: typed code in place of the command's
    :param label: a word to find the run by
    :param secrets: (name, secret) pairs that may stand in the values, when they come from an earlier run
    :param log_values: further fields of the run's log: what started it
    """

    variable_values: Mapping[str, Any] = field(default_factory=dict)
    path: str | None = None
    sudo: bool | None = None
    code: str | None = None
    label: str | None = None
    secrets: Secrets = ()
    log_values: Mapping[str, Any] = field(default_factory=dict)


#: Keys of a plan line's document that do not come from ``cx.tower.command._action_document``.
LINE_PARTS = frozenset(
    "id reference name command_id action condition path use_sudo code command_path settings flight_plan_id actions".split()
)


@dataclass(frozen=True)
class Instruction:
    """What one run carries out, as authors wrote it: a command by itself, or a line of a flight plan.

    :param command_id: id of the command
    :param action: the command's action
    :param name: of the command, for messages
    :param code: template of what runs
    :param path: template of the directory
    :param sudo: False: without sudo; otherwise as the server is set
    :param settings: limits and retries, see ``cx.tower.command._run_settings``
    :param details: what the action needs besides, see ``cx.tower.command._action_document``
    :param typed_code: the code, when a person typed it for this run
    :param typed_path: the directory, when a person chose it for this run
    """

    command_id: int
    action: str
    name: str
    code: str
    path: str
    sudo: bool | None
    settings: Mapping[str, Any]
    details: Mapping[str, Any] = field(default_factory=dict)
    typed_code: str | None = None
    typed_path: str | None = None

    @classmethod
    def of_line(cls, line: Mapping[str, Any]) -> Instruction:
        """Return what a line of a flight plan carries out.

        :param line: the line's document, see ``cx.tower.plan._definition``
        """
        return cls(
            command_id=line["command_id"],
            action=line["action"],
            name=line["name"],
            code=line["code"],
            path=line["path"] or line["command_path"],
            sudo=line["use_sudo"],
            settings=line["settings"],
            details=line,
        )

    @property
    def document(self) -> dict[str, Any]:
        """What the action's ``_action_document`` says: part of the frozen inputs of a run."""
        return {name: part for name, part in self.details.items() if name not in LINE_PARTS}


@dataclass(frozen=True)
class RunValues:
    """What the texts of one run may use.

    Placeholders of secrets are marked with a random nonce in what authors wrote (code and stored values), so that a value
    typed for the run cannot smuggle one in.

    :param scope: values of variables; marked when there is a nonce
    :param nonce: the mark; "" where no secret can be used
    :param checks_secrets: whether rendering makes sure that the secrets have a value. False: whoever renders many texts looks for
        all their secrets together
    """

    scope: VariableScope
    nonce: str = ""
    checks_secrets: bool = True

    @classmethod
    def marked(cls, scope: VariableScope, nonce: str = "", checks_secrets: bool = True) -> RunValues:
        """Return these values with the placeholders of secrets in stored ones marked.

        :param nonce: "" for a new one
        """
        nonce = nonce or new_nonce()
        stored = {name: text and placeholders.protect(text, nonce) for name, text in scope.stored.items()}
        return cls(replace(scope, stored=stored), nonce, checks_secrets)


def new_nonce() -> str:
    """Return a mark that nobody can guess."""
    return random_secrets.token_hex(8)


@dataclass(frozen=True)
class RunInput:
    """What a run needs when its turn comes, frozen when it was started. Kept as plain JSON in ``run_input`` of its log.

    :param action: action that it was rendered for
    :param nonce: marks the placeholders of secrets in code and contents
    :param secrets: references of the secrets that are named there
    :param variable_values: custom values
    :param settings: see :class:`Instruction`
    :param code: rendered code
    :param path: rendered directory
    :param source_code: typed code, as it was written
    :param source_path: chosen directory, as it was written
    :param files: the files that it transfers
    :param keep_result: what comes back is taken by a caller that waits
    :param server_log: what the run does for a server log
    """

    action: str
    nonce: str
    secrets: Sequence[str] = ()
    variable_values: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    code: str | None = None
    path: str | None = None
    source_code: str | None = None
    source_path: str | None = None
    files: Sequence[FileDocument] | None = None
    keep_result: bool | None = None
    server_log: Mapping[str, Any] | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return plain JSON without what is not given."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        if self.files is not None:
            values["files"] = [file.to_plain() for file in self.files]
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_plain(cls, document: Mapping[str, Any]) -> RunInput:
        """Return the inputs that a document holds. Other keys, those of actions of addons, are left out."""
        names = {part.name for part in fields(cls)}
        values = {name: value for name, value in document.items() if name in names}
        if values.get("files") is not None:
            values["files"] = FileDocument.all_in(document)
        return cls(**values)
