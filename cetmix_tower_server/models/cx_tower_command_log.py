import logging
import math
import time

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from psycopg2 import InterfaceError, OperationalError
from psycopg2.errors import LockNotAvailable, UniqueViolation

from ..engine import states
from ..engine.masking import Masker
from ..engine.results import EngineError, ExitCode
from ..runs.job import error_values, unexpected_values
from ..runs.recorder import NUL_REPLACEMENT
from ..runs.work import Ended
from .big_integer import BigInteger

_logger = logging.getLogger(__name__)

WAIT_LIMIT_S = 60
WAIT_STEP_S = 0.1
READ_LIMIT = 8 * 1024 * 1024  # characters that one call of read_output returns at most
OFFSET_LIMIT = 2**62
# What usually follows from an end needs only these; reading the row again would bring its whole output along.
NEEDED_AT_END = ("command_id", "server_id", "command_action", "command_status", "outcome", "message")


class CxTowerCommandLog(models.Model):
    """One run of one command on one server: queue entry, state machine and log in one row.

    How it is executed lives in ``cx.tower.run.queue`` (who takes which run) and in ``runs/`` (the threads).
    """

    _name = "cx.tower.command.log"
    _description = "Tower Command Log"
    _inherit = ["cx.tower.run.mixin", "bus.listener.mixin"]
    _order = "start_date desc, id desc"

    command_id = fields.Many2one("cx.tower.command", required=True, ondelete="restrict", index=True)
    command_action = fields.Selection(related="command_id.action", store=True, string="Action")
    access_level = fields.Selection(related="command_id.access_level", store=True, index=True)
    is_ad_hoc = fields.Boolean(string="Ad-hoc code", readonly=True, help="The code was typed for this run.")
    path = fields.Char(readonly=True)
    code = fields.Text(readonly=True, help="What was run; secrets are shown by name only.")
    use_sudo = fields.Selection(
        [("n", "Without password"), ("p", "With password")], string="Sudo", readonly=True
    )
    command_status = fields.Integer(string="Exit code", readonly=True, aggregator=None)
    exit_signal = fields.Char(readonly=True)
    outcome = fields.Char(readonly=True)
    stop_confirmed = fields.Selection(
        [("yes", "Nothing is left of it on the host"), ("no", "Could not be confirmed")], readonly=True
    )
    command_response = fields.Text(string="Output", readonly=True)
    command_error = fields.Text(string="Error output", readonly=True)
    output_size = BigInteger(string="Characters of output", readonly=True, aggregator=None)
    output_skipped = BigInteger(string="Characters left out", readonly=True, aggregator=None)
    timings = fields.Json(readonly=True)
    condition = fields.Char(readonly=True)
    is_skipped = fields.Boolean(readonly=True)
    output_ids = fields.One2many("cx.tower.command.log.output", "log_id", string="Output blocks")

    # The queue's own columns.
    priority = fields.Integer(default=10, readonly=True, help="Lower runs first.")
    run_input = fields.Json(
        groups=fields.NO_ACCESS, copy=False, help="The frozen inputs of the run; secrets by name only."
    )
    guard_key = fields.Char(groups=fields.NO_ACCESS, copy=False)
    worker = fields.Char(readonly=True, copy=False, help="The process that holds the run.")
    fence = fields.Integer(readonly=True, copy=False, aggregator=None)
    host_slot = fields.Integer(readonly=True, copy=False, aggregator=None)
    global_slot = fields.Integer(readonly=True, copy=False, aggregator=None)

    _guard = models.UniqueIndex(
        "(guard_key) WHERE guard_key IS NOT NULL AND state IN ('queued', 'running', 'waiting')",
        "This command is already running on this server.",
    )
    _host_seat = models.UniqueIndex("(server_id, host_slot) WHERE state = 'running'")
    _global_seat = models.UniqueIndex("(global_slot) WHERE state = 'running'")
    _queue = models.Index("(priority, id) WHERE state = 'queued'")
    _held = models.Index("(worker) WHERE state = 'running'")

    @api.depends("server_id", "command_id")
    def _compute_name(self):
        for log in self:
            log.name = f"{log.server_id.name or ''}: {log.command_id.name or ''}"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_active(self):
        """A run whose log disappears would go on unseen on its host."""
        for log in self.sudo():
            if log.state in states.ACTIVE:
                raise UserError(
                    self.env._("“%s” has not ended. Stop it first, then delete its log.", log.name)
                )

    def _is_finished(self):
        """Return whether this run has ended, whatever the result."""
        self.ensure_one()
        return self.state in states.FINISHED

    # ------------------------------------------------------------------
    # Life of a run
    # ------------------------------------------------------------------

    def _take_guards(self, keys):
        """Give runs their guard keys; a run whose key is taken ends as ANOTHER_COMMAND_RUNNING.

        The unique index decides, also between two transactions that have not seen each other: the second
        one waits for the first one's commit.

        :param keys: key or False, a run each
        """
        wanted = [(log, key) for log, key in zip(self, keys, strict=True) if key]
        if not wanted:
            return
        if not self._try_guards(wanted):
            for log, key in wanted:
                if not self._try_guards([(log, key)]):
                    log._refuse_parallel()

    def _try_guards(self, wanted):
        self.flush_recordset()
        try:
            with self.env.cr.savepoint(flush=False):
                # Who holds the key without a commit may be waiting for us: an answer after a while, not for ever.
                self.env.cr.execute("SET LOCAL lock_timeout = '5s'")
                self.env.cr.execute(
                    "UPDATE cx_tower_command_log log SET guard_key = wanted.key"
                    " FROM unnest(%s, %s) AS wanted (id, key) WHERE log.id = wanted.id",
                    ([log.id for log, _key in wanted], [key for _log, key in wanted]),
                    log_exceptions=False,  # a taken key is an answer, not an error
                )
                self.env.cr.execute("SET LOCAL lock_timeout = 0")
        except (UniqueViolation, LockNotAvailable):
            return False
        return True

    def _refuse_parallel(self):
        text = self.env._(
            "“%(command)s” is running on %(server)s already. Wait for its end or stop it; commands that may run"
            " side by side have “Allow parallel run” switched on.",
            command=self.command_id.name,
            server=self.server_id.name,
        )
        status = int(ExitCode.ANOTHER_COMMAND_RUNNING)
        self._finish({"command_status": status, "message": text, "command_error": text})

    def _start_result(self):
        """Return what the caller of a start gets: plain values that lead to the logs."""
        rows = [
            {
                "id": log.id,
                "reference": log.reference,
                "server": log.server_id.reference or "",
                "state": log.state,
                "exit_code": log.command_status,
            }
            for log in self.sudo()
        ]
        single = (
            {key: rows[0][key] for key in ("id", "reference", "state", "exit_code")} if len(rows) == 1 else {}
        )
        return {"logs": rows, **single}

    def _prepare_works(self):
        """Return what is to be done for each of these claimed runs, as plain values.

        A run that cannot be prepared (server without credentials, secret without a value ...) gets its end
        here; the others are not affected.

        :return: {log id: :class:`runs.work.HostWork`, ``DatabaseWork`` or ``Ended``}
        """
        with self.server_id._share_logins():
            return {log.id: log._prepare_work_or_end() for log in self}

    def _prepare_work_or_end(self):
        try:
            return self._prepare_work()
        except EngineError as error:
            return Ended(error_values(error, Masker({})))
        except UserError as error:
            return Ended(unexpected_values(error, Masker({})) | {"message": str(error)})
        except (OperationalError, InterfaceError):
            raise  # the database went away: the worker prepares again
        except Exception as error:
            _logger.exception("run %s could not be prepared", self.id)
            return Ended(unexpected_values(error, Masker({})))

    def _prepare_work(self):
        """Return what is to be done for this run, from the runner of its command's action."""
        self.ensure_one()
        runner = self.server_id._get_command_runners().get(self.command_action)
        if not runner:
            text = self.env._("Nothing here can run a command of type “%s”.", self.command_action)
            status = int(ExitCode.NO_COMMAND_RUNNER_FOUND)
            return Ended({"command_status": status, "message": text, "command_error": text})
        return runner(self)

    def _finish(self, values, fence=None):
        """End a run. Only the first end counts: a finished run is never changed again.

        :param dict values: fields of the log; ``command_status`` decides the final state
        :param fence: token of the claim; with another one in the database nothing is written
        :return: whether this call ended the run
        """
        self.ensure_one()
        values = dict(values)
        values.setdefault("command_status", int(ExitCode.GENERAL_ERROR))
        values["state"] = states.state_for_exit_code(values["command_status"])
        columns = SQL(", ").join(
            SQL("%s = %s", SQL.identifier(name), self._fields[name].convert_to_column(_storable(value), self))
            for name, value in values.items()
        )
        now = SQL("clock_timestamp() AT TIME ZONE 'UTC'")
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                """UPDATE cx_tower_command_log
                      SET %(columns)s, finish_date = %(now)s, start_date = COALESCE(start_date, %(now)s),
                          duration = COALESCE(EXTRACT(EPOCH FROM %(now)s - start_date), 0),
                          host_slot = NULL, global_slot = NULL
                    WHERE id = %(id)s AND state = ANY(%(active)s) AND %(fenced)s
                RETURNING %(needed)s,
                          (SELECT connection_state FROM cx_tower_server server WHERE server.id = server_id)""",
                needed=SQL(", ").join(map(SQL.identifier, NEEDED_AT_END)),
                columns=columns,
                now=now,
                id=self.id,
                active=list(states.ACTIVE),
                fenced=SQL("fence = %s", fence) if fence is not None else SQL("TRUE"),
            )
        )
        row = self.env.cr.fetchone()
        self.invalidate_recordset(flush=False)
        if not row:
            return False
        *needed, connection_state = row
        for name, value in zip(NEEDED_AT_END, needed, strict=True):
            self._fields[name]._insert_cache(self, [value])
        self.server_id._fields["connection_state"]._insert_cache(self.server_id, [connection_state])
        self._on_run_finished()
        return True

    def _on_run_finished(self):
        """Do what follows from the end of a run, in its transaction. Extension point.

        Addons decide here what comes next: another step, another state.
        """
        status = self.command_id.server_status
        if status and self.command_status == ExitCode.OK:
            self._set_server_status(status)
        if self.command_action == "ssh_command":
            self._note_connection()

    def _set_server_status(self, status):
        """Set the server's status; when somebody holds the server for seconds, say so and go on.

        The end of a run must not wait for a transaction that may itself be waiting for this end.
        """
        # sudo: the command's author decided that its success sets the status
        server = self.server_id.sudo()
        try:
            with self.env.cr.savepoint():
                self.env.cr.execute("SET LOCAL lock_timeout = '2s'")
                server.write({"status": status})
                server.flush_recordset()
                self.env.cr.execute("SET LOCAL lock_timeout = 0")
        except LockNotAvailable:
            server.invalidate_recordset(flush=False)
            _logger.warning("run %s: status %s of server %s could not be set", self.id, status, server.id)

    def _note_connection(self):
        """Note on the server whether it could be reached, when that has changed.

        A server that somebody is changing at this moment is left alone: the end of a run waits for nobody.
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

    def _announce(self, changed, ended):
        """Tell whoever looks at these runs that there is something to read. A hint only, without content.

        :param changed: list of (log id, offset behind the last character) of runs going on
        :param ended: ids of runs that ended
        """
        for log_id, end in changed:
            payload = {"id": log_id, "end": end, "state": states.RUNNING}
            self.browse(log_id)._bus_send("cetmix_tower_log", payload)
        for log in self.sudo().browse(ended).exists():
            payload = {"id": log.id, "end": log.output_size, "state": log.state}
            log._bus_send("cetmix_tower_log", payload)
            log._notify_starter()

    def _notify_starter(self):
        """Tell the person who started a run how it ended, as the settings want it."""
        settings = self.env["cx.tower.settings"]._get()
        succeeded = self.state == states.DONE
        wanted = settings.notification_type_success if succeeded else settings.notification_type_error
        if not wanted or not self.user_id:
            return
        label = dict(states.LABELS)[self.state]
        self.user_id._bus_send(
            "simple_notification",
            {
                "type": "success" if succeeded else "danger",
                "title": self.name,
                "message": self.message or self.env._("%(state)s", state=label),
                "sticky": wanted == "sticky",
            },
        )

    # ------------------------------------------------------------------
    # Public: reading, waiting, stopping, repeating
    # ------------------------------------------------------------------

    def read_output(self, offset=0, limit=1048576):
        """Return the live output of a run from an offset on.

        :param int offset: characters already known to the caller
        :param int limit: about how many characters to return at most; the last block is not cut
        :return: dict: ``chunks`` (list of ``offset``, ``end``, ``segments`` = list of [stream, text], stream
            "o" or "e"; a chunk that starts behind the end of the one before means output left out), ``end``
            (pass it as the next offset), ``more`` (there is more to read at once), ``state``, ``finished``,
            ``exit_code`` (0 until it has finished), ``message``, ``skipped``, ``duration``,
            ``stop_requested_by``
        :raise AccessError: when the caller may not read the log
        """
        self.ensure_one()
        self.check_access("read")
        chunks, size, more = [], 0, False
        # sudo: the blocks belong to the log, whose access was checked
        Output = self.env["cx.tower.command.log.output"].sudo()
        position = min(max(0, int(offset or 0)), OFFSET_LIMIT)
        domain = [("log_id", "=", self.id)]
        self.env.cr.execute(
            """SELECT start_offset, end_offset, segments FROM (
                   SELECT *, sum(end_offset - start_offset) OVER (ORDER BY start_offset) AS total
                     FROM cx_tower_command_log_output WHERE log_id = %s AND end_offset > %s) block
                WHERE total - (end_offset - start_offset) < %s ORDER BY start_offset""",
            (self.id, position, min(max(1, int(limit or 1)), READ_LIMIT)),
        )
        for start, end, segments in self.env.cr.fetchall():
            chunks.append(_chunk_from(position, start, end, segments))
            size += end - start
            position = max(position, end)
        more = bool(chunks) and bool(Output.search_count(domain + [("end_offset", ">", position)], limit=1))
        if not chunks and not self.sudo().output_size:
            chunks = self._result_as_chunks(position)
            position = chunks[-1]["end"] if chunks else position
        return {"chunks": chunks, "end": position, "more": more, **self._state_values()}

    def _result_as_chunks(self, position):
        """Return the result of a run that streamed nothing, such as Python, as output from ``position`` on."""
        log = self.sudo()
        if log.state not in states.FINISHED:
            return []
        error = log.command_error if log.command_error != log.message else ""
        segments = [[stream, text] for stream, text in (("o", log.command_response), ("e", error)) if text]
        end = sum(len(text) for _stream, text in segments)
        return [_chunk_from(position, 0, end, segments)] if end > position else []

    def _state_values(self):
        """Return how a run stands, as plain values that every RPC protocol can carry."""
        self.ensure_one()
        log = self.sudo()
        return {
            "id": log.id,
            "reference": log.reference,
            "state": log.state,
            "finished": log.state in states.FINISHED,
            "exit_code": log.command_status,
            "message": log.message or "",
            "skipped": log.output_skipped,
            "duration": log.duration_current,
            "stop_requested_by": log.stop_requested_by_id.name or "",
        }

    def wait(self, timeout_s=30):
        """Wait until the run has ended, at most ``timeout_s`` seconds (60 at most), and say how it stands.

        Looks through short transactions of its own; the caller's stays as it is.

        :return: dict as in :meth:`read_output` without the output, with ``response`` and ``error``
        """
        self.ensure_one()
        self.check_access("read")
        timeout_s = float(timeout_s)
        limit = min(max(0.0, timeout_s), WAIT_LIMIT_S) if math.isfinite(timeout_s) else WAIT_LIMIT_S
        give_up = time.monotonic() + limit
        while True:
            with self.env.registry.cursor() as cr:
                log = self.with_env(self.env(cr=cr)).sudo()
                values = log._state_values()
                if values["finished"] or time.monotonic() >= give_up:
                    values["response"] = log.command_response or ""
                    values["error"] = log.command_error or ""
                    return values
            time.sleep(WAIT_STEP_S)

    def stop(self):
        """Ask the process that executes these runs to end them; a queued run ends at once.

        The state becomes *stopped* when the host confirmed that nothing is left, or when the time for that
        is over (the log says which).

        :return: True
        :raise AccessError: unless the caller started the run, manages its server or is Root
        """
        self._check_may_stop()
        # sudo: nobody may write logs; the right to stop was checked
        for log in self.sudo().filtered(lambda log: not log._is_finished()):
            log._request_stop(self.env.user)
        return True

    def _request_stop(self, user):
        if self.state == states.QUEUED:
            text = self.env._("Stopped by %s before it started.", user.name)
            if self._finish({"command_status": int(ExitCode.COMMAND_STOPPED), "message": text}):
                return
        self.write({"stop_requested_by_id": user.id, "stop_requested_date": fields.Datetime.now()})

    def action_stop(self):
        """Ask for the end of these runs and say so (button)."""
        self.stop()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._("Stop requested. The log shows when the host has confirmed it."),
            },
        }

    def action_run_again(self):
        """Start the same command on the same server with the same own values, and open the new run."""
        self.ensure_one()
        self.check_access("read")
        log = self.sudo()
        run_input = log.run_input or {}
        code = run_input.get("source_code") if log.is_ad_hoc else None
        logs = self.server_id._start_command_runs(
            self.command_id,
            path=run_input.get("source_path"),
            sudo=bool(log.use_sudo),
            variable_values=run_input.get("variable_values") or {},
            code=code,
        )
        return logs._action_open()

    def _action_open(self):
        """Return the action that shows these runs: one in its form, several in a list."""
        action = {
            "type": "ir.actions.act_window",
            "name": self.env._("Command Log"),
            "res_model": self._name,
            "view_mode": "list,form",
            "domain": [("id", "in", self.ids)],
        }
        if len(self) == 1:
            action |= {"view_mode": "form", "res_id": self.id}
        return action


def _storable(value):
    """Return a value as the database can store it: its texts cannot hold NUL."""
    return value.replace("\0", NUL_REPLACEMENT) if isinstance(value, str) else value


def _chunk_from(position, start, end, segments):
    """Return a block as a chunk, without what lies before ``position``."""
    cut = max(0, position - start)
    kept = []
    for stream, text in segments or []:
        if cut >= len(text):
            cut -= len(text)
            continue
        kept.append([stream, text[cut:]])
        cut = 0
    return {"offset": max(start, position), "end": end, "segments": kept}
