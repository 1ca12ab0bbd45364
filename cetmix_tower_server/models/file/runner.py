from odoo import models

from ...engine.exit_codes import ExitCode
from ...engine.files.operations import COMPARE, PULL
from ...engine.masking.hidden_places import Template
from ...engine.masking.masker import Masker
from ...engine.script.conversation import SudoMode
from ...engine.ssh.files import Content, Owner
from ...engine.template import placeholders
from ...engine.work import HostWork
from ...worker.file_store import FileStore
from ...worker.file_work import FileRun, FileTask
from .starting import ACTION


class CxTowerServer(models.Model):
    """From a claimed run of files to the work that a lane does."""

    _inherit = "cx.tower.server"

    def _get_command_runners(self):
        return {**super()._get_command_runners(), ACTION: self._command_runner_file_using_template}

    def _command_runner_file_using_template(self, log, logins):
        """Return the work of a run that transfers files: contents with their secrets, read now."""
        # sudo: the right to run was checked when the run was started; how to log in to the host is no concern of the person
        server = self.sudo()
        inputs, carried = log._frozen_inputs__()
        secrets = log._run_target()._get_secrets__(inputs.secrets)
        login = logins.of(server)
        read = {document.operation for document in inputs.files} & {PULL, COMPARE}
        there = self._secrets_in_files__() if read else ()
        masker = Masker((*carried, *secrets.items(), *login.secrets.items(), *there))
        sudo = SudoMode(log.use_sudo or "")
        clocks = self._clocks(inputs.settings)
        attachments = self._attachments_of_run(inputs.files)
        run = FileRun(
            target=login.target,
            tasks=[
                self._file_task(document, inputs.nonce, secrets, attachments, Masker(carried))
                for document in inputs.files
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
        """Return (reference, Secret) pairs of what Tower's files bring to this server: whatever is read there may show them."""
        # sudo: which secrets there are is the engine's matter; nobody is told
        File = self.env["cx.tower.file"].sudo().with_context(active_test=False)
        domain = [("server_id", "=", self.id), ("source", "=", "tower"), ("secret_ids", "!=", False)]
        find = self.env["cx.tower.key"]._find_secrets__
        return tuple(
            pair
            for target, files in File.search(domain)._grouped_by_target().items()
            for pair in find(files.secret_ids.mapped("reference"), **target._get_secret_owners()).items()
        )

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
        ids = [document.attachment.id for document in documents if document.attachment]
        # sudo: the content was chosen by somebody who may push it
        return {
            attachment.id: attachment for attachment in self.env["ir.attachment"].sudo().browse(ids).exists()
        }

    def _file_task(self, document, nonce, secrets, attachments, carried):
        if document.error:
            return FileTask(document)
        if document.content is not None:
            text = placeholders.resolve_verbatim(document.content, nonce, secrets)
            content = Content.from_bytes(text.encode())
            if document.operation != COMPARE:
                return FileTask(document, content)
            return FileTask(document, content, Template.of(document.content, nonce, carried))
        wanted = document.attachment
        if not wanted:
            return FileTask(document)
        attachment = attachments.get(wanted.id)
        if not attachment or attachment.checksum != wanted.checksum:
            text = self.env._("Its content was changed after the run had started. Push it again.")
            return FileTask(document.refused(text, ExitCode.FILE_UPLOAD_FAILED))
        if not attachment.store_fname:
            return FileTask(document, Content.from_bytes(attachment.raw or b""))
        try:
            return FileTask(document, Content.from_path(attachment._full_path(attachment.store_fname)))
        except OSError:  # a database that was restored without its files, for example
            text = self.env._("Its content is missing in Odoo's file store. Choose the file again.")
            return FileTask(document.refused(text, ExitCode.FILE_UPLOAD_FAILED))
