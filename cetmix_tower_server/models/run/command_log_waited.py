import logging

from odoo import SUPERUSER_ID, models
from odoo.exceptions import MissingError

from ...engine.database_errors import is_away, may_succeed_later
from ...engine.exit_codes import ExitCode
from ...engine.run_end import RunEnd

_logger = logging.getLogger(__name__)


class CxTowerCommandLog(models.Model):
    """A run whose end the caller waits for."""

    _inherit = "cx.tower.command.log"

    def _end_values(self, collect=None):
        """Return the end of this run as plain values, see ``cx.tower.run.target.mixin._run_and_wait``."""
        return (
            self._state_values()
            | {
                "response": self.command_response or "",
                "error": self.command_error or "",
                "variable_values": self.variable_values or {},
            }
            | (collect(self) if collect else {})
        )

    def _as_row(self):
        """Return the row of this log as text that :meth:`_insert_from_row` takes."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT to_jsonb(log)::text FROM cx_tower_command_log log WHERE id = %s", (self.id,)
        )
        return self.env.cr.fetchone()[0]

    def _insert_from_row(self, row):
        """Insert a log with all its columns. :return: the log"""
        self.env.cr.execute(
            "INSERT INTO cx_tower_command_log"
            " SELECT * FROM jsonb_populate_record(NULL::cx_tower_command_log, %s::jsonb) RETURNING id",
            (row,),
            log_exceptions=False,  # the caller handles it
        )
        return self.browse(self.env.cr.fetchone()[0])

    def _follow_end_of(self, ended):
        """Do in this transaction what follows from the end of a log that another transaction has committed.

        The row may be invisible in here, so it is put into the cache.

        :param ended: the same log, in the other transaction
        """
        for field in self._fields.values():
            if field.store and field.column_type:
                value = field.convert_to_cache(ended[field.name], self, validate=False)
                field._insert_cache(self, [value])
        try:
            with self.env.cr.savepoint(flush=False):
                self._on_run_finished()
                self.env.flush_all()
        except Exception as error:
            if is_away(error):
                raise
            if may_succeed_later(error) or isinstance(error, MissingError):
                # Another transaction has changed the same rows. Raising would repeat the whole call, and with it the
                # work on the host. Or something was deleted: then Odoo drops what it has read, and the log cannot be
                # read again in here.
                self.env.invalidate_all(flush=False)
                ended._on_run_finished()
                return
            _logger.exception("run %s: what should follow from its end did not happen", self.id)

    def _leave_trace_at_rollback(self, trace):
        """Have a log written of a run whose own log is lost when its transaction is rolled back.

        :param dict trace: ``row`` of the log, and its ``end`` once that is known
        """
        registry, text = (
            self.env.registry,
            self.env._(
                "The transaction in which it ran was rolled back: everything it wrote in Tower is undone."
            ),
        )

        def write():
            try:
                with registry.cursor() as cr:
                    log = self.with_env(self.env(cr=cr, user=SUPERUSER_ID, context={})).browse()
                    log = log._insert_from_row(trace["row"])
                    end = trace["end"] or RunEnd(int(ExitCode.RUN_INTERRUPTED))
                    log._record_end(end.with_remark(text))
            except Exception as error:
                _logger.info("of run %s, which was rolled back, no log can be kept: %s", self.id, error)

        self.env.cr.postrollback.add(write)
