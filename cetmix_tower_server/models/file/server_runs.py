from odoo import models

from ...engine.exit_codes import ExitCode
from ...engine.files.operations import COMPARE, DELETE, PULL
from ...engine.masking.hidden_places import Template
from ...engine.masking.masker import Masker
from ...engine.script.conversation import SudoMode
from ...engine.ssh.files import Content, Owner
from ...engine.template import placeholders
from ...engine.work import HostWork
from ...worker.file_store import FileStore
from ...worker.file_work import FileRun, FileTask
from .run_target import ACTION
from .runs import COMMANDS, PREVIEW_LIMIT, refusal

NO_NONCE = "0"  # of runs without content: there is nothing that it could mark


class CxTowerServer(models.Model):
    """The part of a server that starts and executes runs of files."""

    _inherit = "cx.tower.server"

    def _get_command_runners(self):
        return {**super()._get_command_runners(), ACTION: self._command_runner_file_using_template}

    def _file_run_values(self, operation, documents, nonce, shown=None):
        """Return the values of the log of a run that does the same with many files of this server.

        :param documents: see ``cx.tower.file._freeze``
        :param shown: what the log shows as its code; otherwise the paths
        """
        # sudo: the right to transfer files was checked; the commands that stand for it are Tower's own
        command = self.env.ref(COMMANDS[operation]).sudo()
        settings = command._run_settings()
        paths = [document["path"] or document["name"] for document in documents]
        if shown is None:
            shown = "\n".join(paths[:PREVIEW_LIMIT])
            if len(paths) > PREVIEW_LIMIT:
                shown += "\n" + self.env._("… and %s more", len(paths) - PREVIEW_LIMIT)
        references = {
            reference
            for document in documents
            for reference in placeholders.find_protected(document.get("content") or "", nonce)
        }
        with_sudo = any(document.get("sudo") for document in documents)
        return {
            **self._retry_values(settings),
            "server_id": self.id,
            "command_id": command.id,
            "user_id": self.env.user.id,
            "code": shown,
            "path": paths[0] if len(paths) == 1 else False,
            "use_sudo": self._sudo_mode(True) if with_sudo else False,
            "file_ids": [(6, 0, [document["file_id"] for document in documents if document.get("file_id")])],
            "run_input": {
                "action": ACTION,
                "files": documents,
                "nonce": nonce,
                "secrets": sorted(references),
                "variable_values": {},
                "settings": settings,
            },
        }

    def _refuse_missing_secrets(self, documents, nonce):
        """Give files whose secrets have no value here their error; one query for all."""
        named = {
            document["file_id"]: placeholders.find_protected(document["content"], nonce)
            for document in documents
            if document.get("content")
        }
        references = {reference for found in named.values() for reference in found}
        if not references:
            return
        known = self.env["cx.tower.key"]._find_secrets__(sorted(references), server=self)
        for document in documents:
            missing = [name for name in named.get(document["file_id"], ()) if name not in known]
            if missing:
                document.pop("content")
                document |= refusal(
                    self.env._(
                        "The secret “%(reference)s” has no value for server %(server)s.",
                        reference=missing[0],
                        server=self.sudo().name,
                    ),
                    ExitCode.SECRET_NOT_FOUND,
                )

    def _start_deletion(self, documents):
        """Start the deletion of files whose records are gone; the right to do so was checked by the caller."""
        documents = [{**document, "operation": DELETE} for document in documents]
        # sudo: nobody may create logs by hand
        logs = (
            self.env["cx.tower.command.log"]
            .sudo()
            .create([self._file_run_values(DELETE, documents, NO_NONCE) | {"file_ids": False}])
        )
        self._dispatch(logs)
        return logs.sudo(self.env.su)

    def _command_runner_file_using_template(self, log):
        """Return the work of a run that transfers files: contents with their secrets, read now."""
        server = self.sudo()
        run_input, carried = log.sudo()._inputs__()
        secrets = self._secrets_of_run__(run_input)
        login = server._login__()
        read = {document["operation"] for document in run_input["files"]} & {PULL, COMPARE}
        there = self._secrets_in_files__() if read else {}
        masker = Masker((*carried, *secrets.items(), *login.secrets.items(), *there.items()))
        sudo = SudoMode(log.use_sudo or "")
        clocks = self._clocks(run_input["settings"])
        attachments = self._attachments_of_run(run_input["files"])
        run = FileRun(
            target=login.target,
            tasks=[
                self._file_task(document, run_input["nonce"], secrets, attachments, Masker(carried))
                for document in run_input["files"]
            ],
            masker__=masker,
            sudo=sudo,
            sudo_password=login.sudo_password if sudo is SudoMode.PASSWORD else None,
            timeout_s=clocks.step_timeout_s,
            silence_timeout_s=clocks.silence_timeout_s,
            store=FileStore(self.env["ir.attachment"]._filestore()),
            owner=self._file_owner(log),
        )
        return HostWork(run.perform, masker, login)

    def _secrets_in_files__(self):
        """Return {reference: Secret} of what Tower's files bring to this server: whatever is read there may show them."""
        # sudo: which secrets there are is the engine's matter; nobody is told
        File = self.env["cx.tower.file"].sudo().with_context(active_test=False)
        domain = [("server_id", "=", self.id), ("source", "=", "tower"), ("secret_ids", "!=", False)]
        references = File.search(domain).secret_ids.mapped("reference")
        return self.env["cx.tower.key"]._find_secrets__(references, server=self) if references else {}

    def _file_owner(self, log):
        """Return who makes temporary files on hosts in this run, and which workers may be making others.

        None for a run that no worker holds: its files could be taken for those of a dead one.
        """
        worker = log.sudo().worker  # sudo: who may run something need not see who executes it
        if not worker:
            return None
        # sudo: which installation this is, is no secret, but a parameter
        installation = self.env["ir.config_parameter"].sudo().get_param("database.uuid", "")
        # sudo: who may run something need not see the workers
        alive = self.env["cx.tower.worker"].sudo()._alive_codes()
        return Owner.of(installation, worker, alive)

    def _attachments_of_run(self, documents):
        ids = [document["attachment"]["id"] for document in documents if document.get("attachment")]
        # sudo: the content was chosen by somebody who may push it
        return {
            attachment.id: attachment for attachment in self.env["ir.attachment"].sudo().browse(ids).exists()
        }

    def _file_task(self, document, nonce, secrets, attachments, carried):
        if document.get("error"):
            return FileTask(document)
        if isinstance(document.get("content"), str):
            text = placeholders.resolve_verbatim(document["content"], nonce, secrets)
            content = Content.from_bytes(text.encode())
            if document["operation"] != COMPARE:
                return FileTask(document, content)
            return FileTask(document, content, Template.of(document["content"], nonce, carried))
        wanted = document.get("attachment")
        if not wanted:
            return FileTask(document)
        attachment = attachments.get(wanted["id"])
        if not attachment or attachment.checksum != wanted["checksum"]:
            text = self.env._("Its content was changed after the run was started. Push it again.")
            return FileTask({**document, **refusal(text, ExitCode.FILE_UPLOAD_FAILED)})
        if not attachment.store_fname:
            return FileTask(document, Content.from_bytes(attachment.raw or b""))
        try:
            return FileTask(document, Content.from_path(attachment._full_path(attachment.store_fname)))
        except OSError:  # a database that was restored without its files, for example
            text = self.env._("Its content is missing in Odoo's file store. Choose it once more.")
            return FileTask({**document, **refusal(text, ExitCode.FILE_UPLOAD_FAILED)})
