import logging
from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...engine.database_errors import is_away
from ...engine.exit_codes import ExitCode
from ...engine.ssh.running.output import BoundedText
from ..base.transactions import brief_locks, must_be_repeated

_logger = logging.getLogger(__name__)

#: Bytes of text that a server log keeps, counted from the end of the output.
TEXT_LIMIT = 512 * 1024


class CxTowerCommandLog(models.Model):
    """Runs that fetch a server log or follow it live. Their output moves to the server log when they end."""

    _inherit = "cx.tower.command.log"

    server_log_id = fields.Many2one(
        "cx.tower.server.log",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The server log that this run fetched.",
    )
    server_log_mode = fields.Selection(
        [("refresh", "Fetched"), ("follow", "Live view")], string="Server log mode", readonly=True
    )

    @api.model
    def _get_fields_needed_at_end(self):
        return [*super()._get_fields_needed_at_end(), "server_log_id", "server_log_mode"]

    @api.depends("server_log_id.access_level")
    def _compute_access_level(self):
        return super()._compute_access_level()

    def _level_of_run(self, target_level):
        """A run that fetches a log shows its content, so its level is never below that of the log."""
        level = super()._level_of_run(target_level)
        if not self.server_log_mode:
            return level
        own = self.server_log_id.access_level or "1"
        return own if self.is_code_hidden else max(level, own)

    def _output_keeper(self):
        """Return the collector of this run's output for its server log, or None for other runs.

        :return: :class:`ServerLogKeeper`
        """
        if not self.server_log_mode:
            return None
        is_live = self.server_log_mode == "follow"
        return ServerLogKeeper(is_live, self._hands_over())

    def _hands_over(self):
        """Return whether the output of this run becomes the text of a server log."""
        # sudo: reads a flag that the engine itself put into the frozen inputs
        return bool((self.sudo()._inputs__()[0].get("server_log") or {}).get("hands_over"))

    def _apply_end(self):
        super()._apply_end()
        if self.server_log_id:
            self._hand_over_to_server_log()

    def _hand_over_to_server_log(self):
        """Store the output in the server log. Whatever happens here, the end of the run is recorded."""
        # sudo: the right to fetch the log was checked when the run was started
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
            if must_be_repeated(error):
                _logger.warning("run %s: server log %s is being changed", run.id, run.server_log_id.id)
                run.message = self.env._(
                    "The server log was not updated because somebody was changing it at the same time. "
                    "Refresh it again."
                )
                return
            _logger.exception("run %s: its output could not be stored in the server log", run.id)
            run.message = self.env._("The server log could not be updated with the output: %s", error)

    def _notify_starter(self):
        # The server log shows its own state; fetching a list of logs would fill the screen with notifications.
        if not self.server_log_mode:
            super()._notify_starter()

    def action_run_again(self):
        self.ensure_one()
        if not self.server_log_mode:
            return super().action_run_again()
        if not self.server_log_id:
            raise UserError(
                self.env._("The server log of this run was deleted, so it cannot be fetched again.")
            )
        return self.server_log_id.action_open_log()

    @api.model
    def _forget_output_of_server_logs(self, server_log_ids):
        """Delete the live output of ended runs of these server logs. The text of the log has replaced it."""
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
    """Collects the masked output of a run, both streams in order of arrival, in bounded memory.

    :param is_live: the output is also stored as live output, for people who follow the run
    :param hands_over: the last part of the output becomes the result of the run
    """

    def __init__(self, is_live, hands_over):
        self._is_live = is_live
        self._text = BoundedText(0, TEXT_LIMIT) if hands_over else None

    def taker(self, append):
        """Return a function that is called with each piece of output: (stream, text).

        :param append: function that stores live output
        """

        def take(stream, text):
            if self._text:
                self._text.append(text)
            if self._is_live:
                append(stream, text)

        return take

    def end(self, end):
        """Return the end of the run, with the collected output as its response."""
        text = self._text.text() if self._text else ""
        return replace(end, response=text, error="" if end.exit_code == ExitCode.OK else end.message)
