import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from psycopg2.errors import LockNotAvailable

from ...engine import states
from ...engine.files.document import FileDocument
from ...engine.files.operations import DELETE
from ..base.transactions import brief_locks, must_be_repeated
from .starting import ACTION

_logger = logging.getLogger(__name__)

LATE_RESULTS = 100  # ended runs per round of the cron
KEPT_FOR = timedelta(hours=1)  # time that a waiting caller has to take the result of its run


class CxTowerCommandLog(models.Model):
    """Runs that transfer files: which files, and the results to apply to their records."""

    _inherit = "cx.tower.command.log"

    file_ids = fields.Many2many(
        "cx.tower.file",
        "cx_tower_command_log_file_rel",
        "log_id",
        "file_id",
        string="Files",
        readonly=True,
        copy=False,
    )
    run_result = fields.Json(
        groups=fields.NO_ACCESS, copy=False, help="Results of the run, until they are applied to the files."
    )

    _with_result = models.Index("(id) WHERE run_result IS NOT NULL")

    def _apply_end(self):
        super()._apply_end()
        if self.command_action == ACTION:
            self._note_connection()
            self._take_over_files()

    def _take_over_files(self):
        """Apply the results of this run to its files. An error in here does not change the end of the run.

        If somebody holds a lock on a file for several seconds, the cron applies the results later: the end of a run must not
        wait for a transaction that may be waiting for this end.
        """
        log = self.sudo()  # sudo: follows from the run's end, whoever started the run
        if log._inputs__()[0].get("keep_result"):
            log._drop_uploaded_content()
            return  # whoever waits for it takes it
        self.flush_recordset()
        try:
            with brief_locks(self.env, 2):
                self.env["cx.tower.file"].sudo()._take_over_results(log)
                if log.run_result:
                    log.run_result = False
        except LockNotAvailable:
            self.env.invalidate_all(flush=False)
            if not log.run_result:
                log.run_result = {
                    "files": []
                }  # marks the run for the cron, which then records that it failed
            self.env["cx.tower.file"]._wake_sync()
        except Exception as error:
            if must_be_repeated(error):
                raise  # the end is written again
            self.env.invalidate_all(flush=False)
            _logger.exception("run %s: its files could not be updated", self.id)
            text = self.env._(
                "The run ended, but its files could not be updated in Tower: %(error)s", error=error
            )
            log.write(
                {"message": "\n".join(part for part in (log.message, text) if part), "run_result": False}
            )
            waiting = log.file_ids.filtered(lambda file: file.sync_state == "waiting")
            waiting._write_quietly({"sync_state": "failed", "server_response": text})

    @api.model
    def _take_over_late_results(self):
        """Apply results that could not be applied when their runs ended (cron)."""
        domain = [("run_result", "!=", False), ("state", "in", list(states.FINISHED))]
        given_up = fields.Datetime.now() - KEPT_FOR
        # sudo: the engine's own data; results are applied to the files of everyone
        for log in self.sudo().search(domain, order="id", limit=LATE_RESULTS):
            log._take_over_files()
            if log.run_result and log._inputs__()[0].get("keep_result") and log.finish_date < given_up:
                log.run_result = False  # the caller is gone

    def _drop_uploaded_content(self):
        """Delete content that was stored only for this run, see ``cx.tower.server.upload_file``."""
        documents = FileDocument.all_in(self._inputs__()[0])
        ids = [document.attachment.id for document in documents if document.attachment]
        self.env["ir.attachment"].browse(ids).exists().unlink()

    def _report_undeleted(self, document, result):
        """Post on the server that a file, whose record was deleted, could not be deleted on the host."""
        # sudo: part of the run, whoever started it; readers of the server are told the path and the reason
        self.server_id.sudo().message_post(
            body=self.env._(
                "The file %(path)s was deleted in Tower but could not be deleted on the server: %(reason)s",
                path=document.path or document.name,
                reason=result.get("message") or "",
            )
        )

    def action_run_again(self):
        """Start the same transfer again, with what the files hold today; and open the new run."""
        self.ensure_one()
        self.check_access("read")
        operation = self._file_operation()
        if not operation:
            return super().action_run_again()
        # sudo: only finds the files; access to them is checked below
        files = self.sudo().file_ids.exists().with_env(self.env)
        if files:
            files.check_access("write")
            logs = files._start_runs(operation)
        elif operation == DELETE:
            target = self._run_target()
            target.check_access("write")
            # sudo: the caller may read the run; its inputs go from log to log and are not shown
            logs = target._start_deletion(FileDocument.all_in(self.sudo()._inputs__()[0]))
        else:
            raise UserError(
                self.env._("The files of this run no longer exist in Tower, so there is nothing to transfer.")
            )
        return (logs or self)._action_open()

    def _file_operation(self):
        """Return what a run does that was started for files themselves; "" for commands."""
        log = self.sudo()  # sudo: tells readers of the run only which operation it is
        documents = FileDocument.all_in(log._inputs__()[0]) if log.command_action == ACTION else []
        if not documents or documents[0].record:
            return ""
        return documents[0].operation
