from dataclasses import replace

from odoo import models

from ...engine.errors import FileCreationFailed, RenderingError
from ...engine.exit_codes import ExitCode
from ...engine.files.document import FileDocument, FileToMake, RecordOfStep
from ...engine.files.operations import COMPARE, DELETE, PULL, PUSH
from ...engine.masking.masker import Masker
from ...engine.run_request import RunInput, RunRequest
from ...engine.template import placeholders

ACTION = "file_using_template"
NO_NONCE = "0"  # of runs without content: there is nothing that it could mark
COMMANDS = {
    operation: f"cetmix_tower_server.command_file_{operation}" for operation in (PUSH, PULL, COMPARE, DELETE)
}
PREVIEW_LIMIT = 100  # paths that a run of many files shows as its code


class CxTowerRunTargetMixin(models.AbstractModel):
    """Runs that transfer files: those of a command that makes one from a template, and those of files themselves."""

    _inherit = "cx.tower.run.target.mixin"

    # ------------------------------------------------------------------ a command's file

    def _texts_of(self, instruction):
        file = FileToMake.of(instruction.details)
        if not file:
            return super()._texts_of(instruction)
        return [file.name, *self._template_texts(instruction, file).values()]

    @staticmethod
    def _template_texts(instruction, file):
        """Return {"directory", "code"} of the file that a command makes, as they were written."""
        is_text = file.operation == PUSH and file.file_type == "text"
        return {
            "directory": instruction.path or file.directory,
            "code": instruction.code if is_text else "",
        }

    def _render_run(self, instruction, values):
        """A file's content, name and directory are rendered with the values of the run, and frozen."""
        if instruction.action != ACTION:
            return super()._render_run(instruction, values)
        file = FileToMake.of(instruction.details)
        if not file:
            raise FileCreationFailed(
                self.env._("Command “%s” has no file template. Choose one on the command.", instruction.name)
            )
        texts = {
            "name": file.name,
            **self._template_texts(instruction, file),
            "label": self.env._("file template “%s”", file.template),
        }
        File = self.env["cx.tower.file"]
        place = File._render_place(texts, values)
        content = File._render_content(texts, values)
        secrets = placeholders.find_protected(content, values.nonce)
        self._check_secrets_exist(secrets, values)
        document = self._step_file_document(file, texts, place, content, instruction.code)
        document = replace(document, sudo=bool(file.use_sudo or instruction.details.get("use_sudo")))
        run_input = RunInput(
            action=instruction.action,
            nonce=values.nonce,
            secrets=secrets,
            variable_values=values.scope.custom,
            settings=instruction.settings,
            source_path=instruction.typed_path,
            files=[document],
        )
        return {
            "code": placeholders.display(content, values.nonce),
            "path": document.path,
            "use_sudo": self._run_server()._sudo_mode(True) if document.sudo else False,
            "run_input": run_input.to_plain(),
        }

    def _check_can_be_shown(self, run_input, secrets):
        """Raise for a file whose place on the host contains a secret: it would stand on the file's record."""
        super()._check_can_be_shown(run_input, secrets)
        names = {
            name
            for document in FileDocument.all_in(run_input)
            for name in Masker(secrets).names_in(f"{document.path}\n{document.name}")
        }
        if names:
            raise RenderingError(
                self.env._(
                    "The name or directory of the file contains the text of the secret “%s”, which would be visible"
                    " there. Use another value for it.",
                    min(names),
                )
            )

    def _step_file_document(self, file, texts, place, content, code):
        """Return the document of a file that is made from a template, and of the record that it becomes.

        :param file: :class:`engine.files.document.FileToMake`
        :param texts: as they were written
        :param place: (name, directory, full path) on the host
        :param content: rendered
        :param code: as it was written
        """
        name, directory, path = place
        is_push = file.operation == PUSH
        if is_push and file.file_type == "binary":
            raise FileCreationFailed(
                self.env._(
                    "File template “%s” is binary and has no content to push. Only files of source “Server” can be"
                    " binary in a template.",
                    file.template,
                )
            )
        # A name that is new each time it is rendered would lead to another file at the next push.
        fixed = {
            "name": name if "tower.tools" in texts["name"] else texts["name"],
            "server_dir": directory if "tower.tools" in texts["directory"] else texts["directory"],
        }
        kept = ("source", "file_type", "mode", "owner", "group", "backup", "use_sudo")
        kept += ("keep_when_deleted", "auto_sync")
        values = {**{key: getattr(file, key) for key in kept}, **fixed, "code": code}
        return FileDocument(
            operation=file.operation,
            path=path,
            name=name,
            file_type=file.file_type,
            mode=file.mode,
            owner=file.owner,
            group=file.group,
            backup=file.backup,
            if_exists=file.if_exists,
            content=content if is_push else None,
            record=RecordOfStep(file.template_id, file.disconnect, values),
        )

    def _dry_run_facts(self, line):
        facts = super()._dry_run_facts(line)
        file = FileToMake.of(line)
        if not file:
            return facts
        if file.operation == PULL:
            return facts + [
                self.env._("The file is pulled from the server, from file template “%s”.", file.template)
            ]
        rules = {
            "overwrite": self.env._("an existing file is replaced"),
            "skip": self.env._("an existing file is kept"),
            "raise": self.env._("an existing file is an error"),
        }
        return facts + [
            self.env._(
                "The file is created from file template “%(template)s”; %(rule)s.",
                template=file.template,
                rule=rules.get(file.if_exists, file.if_exists),
            )
        ]

    # ------------------------------------------------------------------ runs of files themselves

    def _file_run_values(self, operation, documents, nonce, shown=None, keep_result=False):
        """Return the values of the log of a run that does the same with many files of this target.

        :param documents: see ``cx.tower.file._freeze``
        :param shown: what the log shows as its code; otherwise the paths
        :param keep_result: a caller waits for what the run brings back, and takes it from the log
        """
        # sudo: the right to transfer files was checked; the commands that stand for it are Tower's own
        command = self.env.ref(COMMANDS[operation]).sudo()
        instruction = command._instruction(RunRequest())
        paths = [document.path or document.name for document in documents]
        if shown is None:
            shown = "\n".join(paths[:PREVIEW_LIMIT])
            if len(paths) > PREVIEW_LIMIT:
                shown += "\n" + self.env._("… and %s more", len(paths) - PREVIEW_LIMIT)
        references = {
            reference
            for document in documents
            for reference in placeholders.find_protected(document.content or "", nonce)
        }
        with_sudo = any(document.sudo for document in documents)
        run_input = RunInput(
            action=ACTION,
            nonce=nonce,
            secrets=sorted(references),
            settings=instruction.settings,
            files=documents,
            keep_result=keep_result or None,
        )
        return {
            **self._prepare_log(instruction),
            "command_id": command.id,
            "user_id": self.env.user.id,
            "code": shown,
            "path": paths[0] if len(paths) == 1 else False,
            "use_sudo": self._run_server()._sudo_mode(True) if with_sudo else False,
            "file_ids": [(6, 0, [document.file_id for document in documents if document.file_id])],
            "run_input": run_input.to_plain(),
        }

    def _refuse_missing_secrets(self, documents, nonce):
        """Return the documents with an error on those whose secrets have no value here; one query for all."""
        named = [placeholders.find_protected(document.content or "", nonce) for document in documents]
        references = {reference for found in named for reference in found}
        if not references:
            return documents
        server = self._run_server().sudo()  # sudo: only its name, for whoever may transfer files there
        known = self.env["cx.tower.key"]._find_secrets__(sorted(references), **self._get_secret_owners())
        checked = []
        for document, found in zip(documents, named, strict=True):
            missing = [name for name in found if name not in known]
            if missing:
                text = self.env._(
                    "The secret “%(reference)s” has no value for server %(server)s.",
                    reference=missing[0],
                    server=server.name,
                )
                document = document.refused(text, ExitCode.SECRET_NOT_FOUND)
            checked.append(document)
        return checked

    def _start_deletion(self, documents):
        """Start the deletion of files whose records are gone; the right to do so was checked by the caller."""
        documents = [replace(document, operation=DELETE) for document in documents]
        values = self._file_run_values(DELETE, documents, NO_NONCE) | {"file_ids": False}
        # sudo: nobody may create logs by hand; the right was checked by the caller
        logs = self.env["cx.tower.command.log"].sudo().create([values])
        self.env["cx.tower.run.backend"]._chosen()._dispatch(logs)
        return logs.sudo(self.env.su)
