import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...engine.database_errors import is_away, may_succeed_later
from ...engine.output import BoundedText
from ...engine.results import ExitCode
from ..base.transactions import brief_locks

_logger = logging.getLogger(__name__)

#: Bytes of text that a server log keeps: the end counts.
TEXT_LIMIT = 512 * 1024


class CxTowerCommandLog(models.Model):
    """Runs that fetch a server log, or follow one live.

    What they print goes to the server log when they end; the run itself does not keep it a second time.
    """

    _inherit = "cx.tower.command.log"

    server_log_id = fields.Many2one(
        "cx.tower.server.log",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="What the run fetched.",
    )
    server_log_mode = fields.Selection(
        [("refresh", "Fetched"), ("follow", "Followed live")], string="Server log was", readonly=True
    )

    @api.model
    def _get_fields_needed_at_end(self):
        return [*super()._get_fields_needed_at_end(), "server_log_id", "server_log_mode"]

    @api.depends("server_log_id.access_level")
    def _compute_access_level(self):
        return super()._compute_access_level()

    def _level_of_run(self, target_level):
        """A run that fetches a log shows what the log shows: it is never below the log's own level."""
        level = super()._level_of_run(target_level)
        if not self.server_log_mode:
            return level
        own = self.server_log_id.access_level or "1"
        return own if self.is_code_hidden else max(level, own)

    def _output_keeper(self):
        """Return what takes the output of this run besides the live output, or None.

        :return: :class:`ServerLogKeeper`
        """
        if not self.server_log_mode:
            return None  # like most runs
        is_live = self.server_log_mode == "follow"
        return ServerLogKeeper(is_live, self._hands_over())

    def _hands_over(self):
        """Return whether what this run prints becomes the text of a server log."""
        # sudo: the engine's own note
        return bool((self.sudo()._inputs__()[0].get("server_log") or {}).get("hands_over"))

    def _apply_end(self):
        super()._apply_end()
        if self.server_log_id:
            self._hand_over_to_server_log()

    def _hand_over_to_server_log(self):
        """Let the server log take over what the run printed. The record of the run never depends on it."""
        # sudo: a log that the person may fetch is filled with what was fetched
        run = self.sudo()
        if not run._hands_over():
            return
        try:
            with brief_locks(self.env, 2):
                run.server_log_id._take_over(run)
        except Exception as error:
            if is_away(error):
                raise
            run.invalidate_recordset(flush=False)
            if may_succeed_later(error):
                _logger.warning("run %s: server log %s is being changed", run.id, run.server_log_id.id)
                run.message = self.env._(
                    "Somebody was changing the server log at this moment: it was not filled. Refresh it again."
                )
                return
            _logger.exception("run %s: its output could not be handed to server log", run.id)
            run.message = self.env._("The server log could not take the output over: %s", error)

    def _notify_starter(self):
        # The server log itself shows how it went; a page of logs would mean a screen of notifications.
        if not self.server_log_mode:
            super()._notify_starter()

    def action_run_again(self):
        self.ensure_one()
        if not self.server_log_mode:
            return super().action_run_again()
        if not self.server_log_id:
            raise UserError(self.env._("The server log that this run fetched was deleted."))
        return self.server_log_id.action_open_log()

    @api.model
    def _forget_output_of_server_logs(self, server_log_ids):
        """Delete the live output of ended runs of these server logs: the text of the log has replaced it."""
        self.env.cr.execute(
            """WITH ended AS (
                   UPDATE cx_tower_command_log SET output_skipped = output_size
                    WHERE server_log_id = ANY(%s) AND state NOT IN ('queued', 'running', 'waiting')
                      AND output_size > COALESCE(output_skipped, 0)
                RETURNING id)
               DELETE FROM cx_tower_command_log_output WHERE log_id IN (SELECT id FROM ended)""",
            (list(server_log_ids),),
        )


class ServerLogKeeper:
    """Takes the masked output of a run in the order it comes, both streams together, in bounded memory.

    :param is_live: the output is also kept as live output, which people read while it comes
    :param hands_over: the end of the output becomes the result of the run
    """

    def __init__(self, is_live, hands_over):
        self._is_live = is_live
        self._text = BoundedText(0, TEXT_LIMIT) if hands_over else None

    def taker(self, append):
        """Return what is called with each piece: (stream, text).

        :param append: the taker of the live output
        """

        def take(stream, text):
            if self._text:
                self._text.append(text)
            if self._is_live:
                append(stream, text)

        return take

    def result(self, values):
        """Return the values that a log ends with, with the collected output in place of the streams' own."""
        text = self._text.text() if self._text else ""
        error = values.get("message") or False
        if values.get("command_status") == ExitCode.OK:
            error = False
        return {**values, "command_response": text or False, "command_error": error}
