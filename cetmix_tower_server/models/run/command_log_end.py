import logging

from odoo import api, models
from odoo.tools import SQL
from psycopg2.errors import LockNotAvailable

from ...engine import states
from ...engine.exit_codes import ExitCode
from ...engine.run_end import NOTHING, RunEnd
from ...engine.values.plain import storable_text
from ..base.transactions import brief_locks
from .next_attempt import ATTEMPTS_LEFT

_logger = logging.getLogger(__name__)

# What follows from an end usually needs only these; reading the row again would read its whole output as well.
# See _get_fields_needed_at_end.
NEEDED_AT_END = (
    "command_id",
    "server_id",
    "command_action",
    "command_status",
    "outcome",
    "message",
    "plan_log_id",
    "position",
    "is_skipped",
    "variable_values",
    "sealed",
    "stop_confirmed",
    "stop_requested_by_id",
    "stop_requested_date",
)


# What else an end changes, and what is computed from it.
CHANGED_AT_END = (
    "start_date",
    "finish_date",
    "duration",
    "attempt",
    "retry_at",
    "fence",
    "is_running",
    "duration_current",
)


# What a step of a flight plan needs of its command.
COMMAND_FIELDS = ("name", "action", "access_level", "server_status")


class CxTowerCommandLog(models.Model):
    """Records how a run ended and does what follows, see docs/developer/ends.md."""

    _inherit = "cx.tower.command.log"

    def _finish(self, end, claim=None, lane=None):
        """Record how this run ended, and do what follows from that in the same transaction.

        :param end: :class:`engine.run_end.RunEnd`
        :param claim: as of :meth:`_record_end`
        :param lane: :class:`engine.run_end.Lane` that executed the run; None outside of lanes
        :return: :class:`engine.run_end.Following`; None when somebody else has ended the run
        """
        state = self._record_end(end, claim)
        if not state:
            return None
        return (self._on_run_finished(lane) if state in states.FINISHED else None) or NOTHING

    def _record_end(self, end, claim=None):
        """Record how this run ended, or queue it again where its author allowed another attempt. Nothing follows.

        Only the first end counts: a finished run is never changed again. If the process dies before the commit, the run
        is still held, and becomes interrupted when the lease has run out.

        :param end: :class:`engine.run_end.RunEnd`
        :param claim: :class:`engine.run_end.Claim` under which the run must still be held; None: whoever holds it
        :return: the new state; "" when the run had ended, or is held under another claim
        """
        self.ensure_one()
        values = end.log_values()
        may_retry, fenced = self._may_retry(end), _fenced(claim)
        now = SQL("clock_timestamp() AT TIME ZONE 'UTC'")
        needed = self._get_fields_needed_at_end()
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                """UPDATE cx_tower_command_log
                      SET %(columns)s, finish_date = %(now)s, start_date = COALESCE(start_date, %(now)s),
                          duration = COALESCE(GREATEST(EXTRACT(EPOCH FROM %(now)s - start_date), 0), 0)
                    WHERE id = %(id)s AND state = ANY(%(before)s) AND %(fenced)s AND NOT %(retried)s
                RETURNING %(needed)s,
                          (SELECT connection_state FROM cx_tower_server server WHERE server.id = server_id)""",
                needed=SQL(", ").join(map(SQL.identifier, needed)),
                columns=self._columns_sql(values),
                now=now,
                id=self.id,
                before=states.before(values["state"]),
                fenced=fenced,
                retried=SQL("(%s AND %s)", may_retry, ATTEMPTS_LEFT),
            )
        )
        row = self.env.cr.fetchone()
        self.invalidate_recordset({*values, *needed, *CHANGED_AT_END}, flush=False)
        if not row:
            return states.QUEUED if may_retry and self._queue_next_attempt(values, fenced) else ""
        *found, connection_state = row
        for name, value in zip(needed, found, strict=True):
            self._fields[name]._insert_cache(self, [value])
        self.server_id._fields["connection_state"]._insert_cache(self.server_id, [connection_state])
        return values["state"]

    def _on_run_finished(self, lane=None):
        """Do what follows from the end of a run, in its transaction. Extension point.

        Addons decide here what comes next: another state, another run. A step hands over to its plan last.

        :param lane: :class:`engine.run_end.Lane` that executed the run; None outside of lanes
        :return: :class:`engine.run_end.Following`
        """
        self._apply_end()
        if self.plan_log_id:
            return self.plan_log_id._continue_after(self, lane)
        if self.fleet_run_id:
            self.fleet_run_id._member_ended(self, lane)
        return NOTHING

    def _apply_end(self):
        """Apply the end of a run to other records, such as its server. Extension point: called whether it is a step or not."""
        # sudo: reads which status the command's author chose; whoever runs the command need not be able to read that
        command = self.command_id.sudo()
        command.fetch(COMMAND_FIELDS if self.plan_log_id else ["server_status"])
        status = command.server_status
        if status and self.command_status == ExitCode.OK:
            self._set_server_status(status)
        if self.command_action == "ssh_command":
            self._note_connection()
        self._command_finished()

    def _command_finished(self):
        """Hook, called once for each run that has ended. Kept for addons that know it by this name."""

    @api.model
    def _get_fields_needed_at_end(self):
        """Return the fields that are read when a run ends.

        Extension point: add those that a hook reads for every run, so that they come back with the end itself.
        """
        return [*NEEDED_AT_END, "fleet_run_id", "is_held"]

    def _columns_sql(self, values):
        """Return the assignments of an UPDATE for these fields."""
        return SQL(", ").join(
            SQL("%s = %s", SQL.identifier(name), self._fields[name].convert_to_column(_storable(value), self))
            for name, value in values.items()
        )

    def _end_with_server(self):
        """End runs whose server is deleted by force. Nothing follows."""
        text = self.env._("Its server was deleted while it ran. What happened on the host is unknown.")
        for log in self:
            log._record_end(RunEnd(int(ExitCode.RUN_INTERRUPTED), text))

    def _end_before_turn(self, text):
        """End members of a fleet run that never got their turn."""
        self.triggered_plan_log_id._end_before_turn(text)
        for log in self:
            log._finish(RunEnd(int(ExitCode.COMMAND_STOPPED), text))

    def _set_server_status(self, status):
        """Set the server's status, unless another transaction holds the server for seconds.

        The end of a run must not wait for a transaction that may itself be waiting for this end.
        """
        # sudo: the command's author decided that its success sets this status; whoever runs it need not be able to
        server = self.server_id.sudo()
        server.fetch(["status"])
        if (
            server.status == status
        ):  # each step may set it, which must not collide with whoever edits the server
            return
        try:
            with brief_locks(self.env, 2):
                server.write({"status": status})
        except LockNotAvailable:
            server.invalidate_recordset(flush=False)
            _logger.warning("run %s: status %s of server %s could not be set", self.id, status, server.id)

    def _note_connection(self):
        """Note on the server whether it could be reached, if that has changed.

        A server that another transaction is changing is left alone: the end of a run waits for nobody.
        """
        failed = self.command_status == ExitCode.SSH_CONNECTION_ERROR
        if not failed and not self.outcome:
            return  # it ended before a connection was tried
        state = "failed" if failed else "ok"
        if self.server_id.connection_state == state:
            return
        self.env.cr.execute(
            """UPDATE cx_tower_server
                  SET connection_state = %s, connection_message = %s,
                      connection_checked = clock_timestamp() AT TIME ZONE 'UTC'
                WHERE id = (SELECT id FROM cx_tower_server WHERE id = %s AND connection_state IS DISTINCT FROM %s
                               FOR NO KEY UPDATE SKIP LOCKED)""",
            (state, self.message if failed else None, self.server_id.id, state),
        )
        if self.env.cr.rowcount:
            self.server_id.invalidate_recordset(
                ["connection_state", "connection_message", "connection_checked"]
            )


def _fenced(claim):
    """Return the SQL condition that a run is still held under a claim."""
    if claim is None:
        return SQL("TRUE")
    is_ours = SQL("worker = %s", claim.worker) if claim.worker else SQL("TRUE")
    return SQL("fence = %s AND %s", claim.fence, is_ours)


def _storable(value):
    """Return a value as the database can store it, without NUL and lone surrogates."""
    return storable_text(value) if isinstance(value, str) else value
