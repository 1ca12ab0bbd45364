from dataclasses import replace

from odoo import fields, models
from odoo.exceptions import UserError

from ...engine import states
from ...engine.errors import EngineError
from ...engine.exit_codes import ExitCode
from ...engine.files.document import FileDocument, StoredContent
from ...engine.files.operations import COMPARE, DELETE, PULL, PUSH
from ...engine.run_request import new_nonce
from ...engine.template import placeholders

# What one run carries at most: more files are several runs.
FILES_A_RUN = 500
TEXT_A_RUN = 4 * 1024 * 1024  # characters


class CxTowerFile(models.Model):
    """From files to the runs that push, pull, compare or delete them on their servers.

    Nothing is done on a host in the caller's transaction: starting means that logs are created and queued. A file is
    in one run at a time; what is wanted meanwhile is done when that one has ended (``sync_wanted``).
    """

    _inherit = "cx.tower.file"

    last_log_id = fields.Many2one(
        "cx.tower.command.log",
        string="Last run",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="The last run that pushed, pulled or compared the file.",
    )
    is_being_processed = fields.Boolean(
        string="Run in progress",
        compute="_compute_is_being_processed",
        help="The file is in an active run.",
    )
    sync_wanted = fields.Boolean(
        readonly=True, copy=False, help="The file will be transferred as soon as its active run has ended."
    )

    _sync_wanted = models.Index("(id) WHERE sync_wanted")

    def _compute_is_being_processed(self):
        # sudo: that the file is busy is no secret of those who may read the log
        for file in self:
            file.is_being_processed = file.sudo().last_log_id.state in states.ACTIVE

    # ------------------------------------------------------------------ public

    def upload(self, raise_error=False):
        """Start the push of these files to their servers.

        :param bool raise_error: raise when a run could not be started, or has failed already
        :return: dict as of ``cx.tower.server.run_command``: the runs, one a server; and ``busy``, a list of ``id``, ``reference``,
            ``log`` (id of the run that goes on) and ``follows`` (whether this follows when that has ended) of the files that
            are in a run already
        :raise AccessError: the caller may not write one of the files
        :raise UserError: one of them is pulled from its server; with ``raise_error`` also what is above
        """
        return self._start_checked(PUSH, raise_error)

    def download(self, raise_error=False):
        """Start the pull of these files from their servers; see :meth:`upload`."""
        return self._start_checked(PULL, raise_error)

    def delete(self, raise_error=False):
        """Start the deletion of these files on their servers; the records stay. See :meth:`upload`."""
        return self._start_checked(DELETE, raise_error)

    def compare(self, raise_error=False):
        """Start a comparison of these files with what is on their servers; see :meth:`upload`."""
        return self._start_checked(COMPARE, raise_error)

    def _start_checked(self, operation, raise_error):
        self.check_access("write")
        wrong = self.filtered(lambda file: (operation, file.source) in ((PUSH, "server"), (PULL, "tower")))
        if wrong:
            raise UserError(
                self.env._(
                    "“%(file)s” is pulled from its server, so it cannot be pushed. Change its source to "
                    "Tower first.",
                    file=wrong[0].display_name,
                )
                if operation == PUSH
                else self.env._(
                    "“%(file)s” is pushed to its server, so it cannot be pulled. Change its source to "
                    "Server first.",
                    file=wrong[0].display_name,
                )
            )
        logs = self._start_runs(operation)
        if raise_error:
            # sudo: how the runs that the caller has just started stand
            failed = logs.sudo().filtered(
                lambda log: log.state in states.FINISHED and log.state != states.DONE
            )
            if failed:
                raise UserError(failed[0].message or failed[0].name)
            # sudo: compares the runs; the message does not name the other one
            if self.sudo().last_log_id - logs.sudo():
                raise UserError(self.env._("One of these files is in an active run. Wait for it to end."))
        # sudo: which run keeps a file, and that something follows, is told to who may write it
        busy = [
            {
                "id": file.id,
                "reference": file.reference,
                "log": file.last_log_id.id,
                "follows": file.sync_wanted,
            }
            for file in self.sudo()
            if file.last_log_id not in logs.sudo()
        ]
        return {**logs._start_result(), "busy": busy}

    # ------------------------------------------------------------------ starting

    def _start_runs(self, operation, only_changes=False):
        """Start the runs of these files: one for each target, more where there are very many.

        Files that are in a run are left out; a transfer of theirs follows when it has ended. The right to do so is
        checked by the caller.

        :param only_changes: a push leaves alone what is on the host as it should be
        :return: logs, readable by the caller
        """
        free = self._lock_free()
        busy = self - free
        if busy and operation in (PUSH, PULL):
            # sudo: the right to transfer them was checked
            busy.sudo()._write_quietly({"sync_wanted": True})
        nonce = new_nonce()
        frozen, shown = free._freeze(operation, nonce)
        prepared, batches = [], []
        for target, files in free._grouped_by_target().items():
            documents = [replace(frozen[file.id], only_changes=only_changes) for file in files]
            documents = target._refuse_missing_secrets(documents, nonce)
            for batch in _batches(documents):
                batch_files = files.browse([document.file_id for document in batch])
                text = shown.get(batch[0].file_id) if len(batch) == 1 else None
                # sudo: the right to transfer them was checked
                readable = files.browse([document.file_id for document in batch if not document.error]).sudo()
                secrets = [pair for file in readable for pair in file._custom_values__().secrets]
                values = target._file_run_values(operation, batch, nonce, text)
                prepared.append(self.env["cx.tower.command.log"]._seal_new__(values, secrets))
                batches.append((batch_files, batch))
        # sudo: nobody may create logs by hand; the right to run was checked by the caller
        logs = self.env["cx.tower.command.log"].sudo().create(prepared)
        for log, (files, batch) in zip(logs, batches, strict=True):
            files._note_start(log, operation, batch)
        self.env["cx.tower.run.backend"]._chosen()._dispatch(logs)
        return logs.sudo(self.env.su)

    def _lock_free(self):
        """Return those of these files that are in no run; until the transaction ends nobody else starts one."""
        if not self:
            return self
        self.flush_recordset(["last_log_id"])
        self.env.cr.execute(
            """SELECT file.id FROM cx_tower_file file
                WHERE file.id = ANY(%s) AND NOT EXISTS (
                      SELECT FROM cx_tower_command_log log
                       WHERE log.id = file.last_log_id AND log.state = ANY(%s))
                  FOR NO KEY UPDATE OF file""",
            (self.ids, list(states.ACTIVE)),
        )
        free = {file_id for (file_id,) in self.env.cr.fetchall()}
        return self.filtered(lambda file: file.id in free)

    def _note_start(self, log, operation, documents):
        """Note on these files that they are in a run."""
        # sudo: how a file stands is written by Tower only
        for file, document in zip(self.sudo(), documents, strict=True):
            values = {"last_log_id": log.id}
            if operation in (PUSH, PULL):
                values |= {"sync_state": "waiting", "sync_wanted": False}
            if operation != DELETE and document.path and document.path != file.host_path:
                values["host_path"] = document.path
            file._write_quietly(values)

    # ------------------------------------------------------------------ freezing

    def _freeze(self, operation, nonce):
        """Return ({file id: :class:`engine.files.document.FileDocument`}, {file id: text as it is shown}) of these files.

        What cannot be rendered gets ``error`` and ``exit_code`` instead of content: it must not keep the others.

        :param nonce: marks the placeholders of secrets in contents
        """
        if operation == DELETE:
            # sudo: as below
            return {file.id: file._deletion_document() for file in self.sudo()}, {}
        attachments = self._content_attachments() if operation in (PUSH, COMPARE) else {}
        documents, shown = {}, {}
        # sudo: whoever called checked the right to transfer these files, which includes the values that they use
        lost = self.sudo()._lost_custom_values()
        for file, problem in lost.items():
            document = file._document(operation, file.host_path)
            documents[file.id] = document.refused(problem, ExitCode.GENERAL_ERROR)
        files = self.sudo().filtered(lambda file: file not in lost)
        for file, values in files._read_values_of_texts(nonce).items():
            document = file._document(operation, file.host_path)
            source = file._rendering_source()
            try:
                document = replace(document, path=file._render_place(source, values)[2])
                if operation in (PUSH, COMPARE) and file.source == "tower":
                    document = file._with_content(document, source, values, attachments)
            except EngineError as error:
                document = document.refused(str(error), error.exit_code)
            if document.content is not None:
                own = file._custom_values__()
                shown[file.id] = own.masker__.mask(placeholders.display(document.content, nonce))
            documents[file.id] = document
        return documents, shown

    def _deletion_document(self):
        """Return what is frozen of a file that is to be deleted: where it was put, whatever its name says today."""
        path = self.pushed_path or self.host_path
        document = self._document(DELETE, path)
        if not path:
            return document.refused(self.env._("Its path on the server is unknown."), ExitCode.NOT_FOUND)
        return document

    def _document(self, operation, path):
        """Return what is frozen of this file besides its content."""
        return FileDocument(
            operation=operation,
            path=path or "",
            name=self.name or "",
            file_type=self.file_type,
            mode=self.mode or "",
            owner=self.owner or "",
            group=self.group or "",
            backup=self.backup,
            sudo=self.use_sudo,
            file_id=self.id,
            change_mark=self.sudo().change_mark or "",  # sudo: Tower's own note
        )

    def _with_content(self, document, source, values, attachments):
        """Return the document with the content that is pushed, or compared with."""
        if self.file_type == "text":
            return replace(document, content=self._render_content(source, values))
        attachment = attachments.get(self.id)
        if not attachment:
            text = self.env._("It has no content yet. Choose a file.")
            return document.refused(text, ExitCode.FILE_UPLOAD_FAILED)
        stored = StoredContent(attachment.id, attachment.checksum, attachment.file_size)
        return replace(document, attachment=stored)

    def _content_attachments(self):
        """Return {file id: attachment with its binary content}; one query."""
        binary = self.filtered(lambda file: file.file_type == "binary")
        if not binary:
            return {}
        domain = [("res_model", "=", self._name), ("res_field", "=", "file"), ("res_id", "in", binary.ids)]
        # sudo: who may push a file may push its content
        attachments = self.env["ir.attachment"].sudo().search(domain)
        return {attachment.res_id: attachment for attachment in attachments}


def _batches(documents):
    """Yield the documents in parts that one run carries."""
    batch, size = [], 0
    for document in documents:
        length = len(document.content or "")
        if batch and (len(batch) >= FILES_A_RUN or size + length > TEXT_A_RUN):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += length
    if batch:
        yield batch
