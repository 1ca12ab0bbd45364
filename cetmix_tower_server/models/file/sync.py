import logging

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ...engine import states
from ...engine.files.operations import PULL, PUSH
from ..base.engine_context import heard
from ..base.transactions import do_all_possible

_logger = logging.getLogger(__name__)

FILES_A_ROUND = 2000  # files whose runs are created in one transaction
AUTO_SYNC_INTERVALS = [
    ("10-minutes", "10 minutes"),
    ("30-minutes", "30 minutes"),
    ("1-hours", "1 hour"),
    ("2-hours", "2 hours"),
    ("6-hours", "6 hours"),
    ("12-hours", "12 hours"),
    ("1-days", "1 day"),
    ("1-weeks", "1 week"),
    ("1-months", "1 month"),
    ("1-years", "1 year"),
]
CRON = "cetmix_tower_server.ir_cron_auto_pull_files_from_server"


class CxTowerFile(models.Model):
    """Auto sync: files are transferred after each change, at their interval, and when their template was changed."""

    _inherit = "cx.tower.file"

    auto_sync_interval = fields.Selection(AUTO_SYNC_INTERVALS, string="Sync every", default="1-days")
    sync_date_next = fields.Datetime(
        string="Next sync", required=True, default=fields.Datetime.now, copy=False
    )

    _due = models.Index("(sync_date_next) WHERE auto_sync AND active")

    @api.constrains("auto_sync", "auto_sync_interval")
    def _check_interval(self):
        for file in self.filtered("auto_sync"):
            if not file.auto_sync_interval:
                raise ValidationError(self.env._("Choose a sync interval for “%s”.", file.display_name))

    def _sync_after_change(self):
        """Start the transfer of changed files with auto sync. For files changed by their template, the cron starts it."""
        if heard(self.env, "from_yaml"):
            return
        wanted = self.filtered(lambda file: file.auto_sync and file.active)
        if heard(self.env, "tower_file_cascade"):
            # sudo: these fields are read-only for people; Tower records that the transfer is wanted
            wanted.sudo()._write_quietly({"sync_wanted": True, "sync_state": "waiting"})
            return
        for source, operation in (("tower", PUSH), ("server", PULL)):
            files = wanted.filtered(lambda file, source=source: file.source == source)
            if files:
                files._start_runs(operation)

    # ------------------------------------------------------------------ cron

    @api.model
    def _run_auto_pull_files(self):
        """Start the runs of all files that are due, in both directions (cron).

        Each round is committed separately, so an error does not undo what earlier rounds started.
        """
        self.env["cx.tower.command.log"]._take_over_late_results()
        started = FILES_A_ROUND
        while started == FILES_A_ROUND:
            with self.env.registry.cursor() as cr:
                files = self.with_env(self.env(cr=cr))._lock_due()
                files._start_due()
                started = len(files)

    @api.model
    def _wake_sync(self):
        """Trigger the cron, which starts wanted transfers in the background."""
        # sudo: triggering the cron is all that happens; it starts only what is due
        self.env.ref(CRON).sudo()._trigger()

    @api.model
    def _lock_due(self):
        """Return files that are due and not in an active run, locked until the end of the transaction."""
        self.flush_model(["sync_date_next", "auto_sync", "active", "sync_wanted", "last_log_id"])
        self.env.cr.execute(
            SQL(
                """SELECT file.id FROM cx_tower_file file
                     JOIN cx_tower_server server ON server.id = file.server_id AND server.active
                    WHERE file.active
                      AND (file.sync_wanted
                           OR (file.auto_sync AND file.sync_date_next <= (now() AT TIME ZONE 'UTC')))
                      AND NOT EXISTS (SELECT FROM cx_tower_command_log log
                                       WHERE log.id = file.last_log_id AND log.state = ANY(%s))
                    ORDER BY file.server_id, file.id LIMIT %s
                      FOR NO KEY UPDATE OF file SKIP LOCKED""",
                list(states.ACTIVE),
                FILES_A_ROUND,
            )
        )
        return self.browse(file_id for (file_id,) in self.env.cr.fetchall())

    def _start_due(self):
        """Start the runs of these files and set their next sync date."""
        now = fields.Datetime.now()
        wanted = self.filtered("sync_wanted")
        for next_date, files in self.grouped(lambda file: file._next_sync(now)).items():
            files._write_quietly({"sync_date_next": next_date, "sync_wanted": False})
        for files, only_changes in ((wanted, False), (self - wanted, True)):
            pushed = files.filtered(lambda file: file.source == "tower")
            for operation, part in ((PUSH, pushed), (PULL, files - pushed)):
                if part:
                    part._start_all_possible(operation, only_changes and operation == PUSH)

    def _start_all_possible(self, operation, only_changes):
        """Start the runs of these files. If one of them fails to start, the others are still started."""
        do_all_possible(
            self,
            lambda files: files._start_runs(operation, only_changes=only_changes),
            lambda file, error: file._note_start_failure(error),
        )

    def _note_start_failure(self, error):
        _logger.error("the transfer of file %s could not be started", self.id, exc_info=error)
        reason = self.env._("Tower could not start the transfer: %s", error)
        self._write_quietly({"sync_state": "failed", "server_response": reason})

    def _next_sync(self, now):
        """Return the next sync date: a whole number of intervals after the last one, in the future."""
        if not self.auto_sync or not self.auto_sync_interval or self.sync_date_next > now:
            return self.sync_date_next
        number, unit = self.auto_sync_interval.split("-")
        step = relativedelta(**{unit: int(number)})
        if unit in ("months", "years"):
            count = 1
            while self.sync_date_next + step * count <= now:
                count += 1
            return self.sync_date_next + step * count
        length = (now + step) - now
        missed = (now - self.sync_date_next) // length
        return self.sync_date_next + length * (missed + 1)
