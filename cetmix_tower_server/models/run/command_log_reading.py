from odoo import fields, models

from ...engine import states
from ...engine.exit_codes import ExitCode
from ...engine.run_end import RunEnd
from ...engine.run_request import RunRequest

READ_LIMIT = 8 * 1024 * 1024  # characters that one call of read_output returns at most
OFFSET_LIMIT = 2**62
ANNOUNCED_FIELDS = ("plan_log_id", "fleet_run_id", "state", "output_size")


class CxTowerCommandLog(models.Model):
    """What people and scripts do with a run: read and follow its output, wait for it, stop it, repeat it."""

    _inherit = "cx.tower.command.log"

    def read_output(self, offset=0, limit=1048576):
        """Return the live output of a run from an offset on.

        :param int offset: characters already known to the caller
        :param int limit: about how many characters to return at most; the last block is not cut
        :return: dict: ``chunks`` (list of ``offset``, ``end``, ``segments`` = list of [stream, text], stream
            "o" or "e"; a chunk that starts behind the end of the one before means output left out), ``end``
            (pass it as the next offset), ``more`` (there is more to read at once), ``state``, ``finished``,
            ``exit_code`` (0 until it has finished), ``message``, ``skipped``, ``duration``,
            ``stop_requested_by``, ``can_stop`` (it is active, and the caller may stop it)
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
        # sudo: the size of what the caller may read
        if not chunks and not self.sudo().output_size:
            chunks = self._result_as_chunks(position)
            position = chunks[-1]["end"] if chunks else position
        values = self._state_values()
        can_stop = values["state"] in states.ACTIVE and self._may_stop()
        return {"chunks": chunks, "end": position, "more": more, "can_stop": can_stop, **values}

    def _result_as_chunks(self, position):
        """Return the result of a run without live output, such as Python, as output from ``position`` on."""
        log = self.sudo()  # sudo: the result of a run that the caller may read
        if log.state not in states.FINISHED:
            return []
        error = log.command_error if log.command_error != log.message else ""
        segments = [[stream, text] for stream, text in (("o", log.command_response), ("e", error)) if text]
        end = sum(len(text) for _stream, text in segments)
        return [_chunk_from(position, 0, end, segments)] if end > position else []

    def _state_values(self):
        """Return the state of a run as plain values that every RPC protocol can carry."""
        self.ensure_one()
        # sudo: the state of a run that the caller may read, with the name of the person who stopped it
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
            "waits_for": log._get_waiting_texts().get(log.id, "") if log.state == states.WAITING else "",
        }

    def _values_after_waiting(self):
        return {"response": self.command_response or "", "error": self.command_error or ""}

    def stop(self):
        """Request the stop of these runs; a queued run ends at once.

        The state becomes *stopped* when the host confirmed that nothing is left, or when the time for that
        is over (the log says which).

        :return: True
        :raise AccessError: unless the caller started the run, manages its server or is Root
        """
        self._check_may_stop()
        # sudo: nobody may write logs; the right to stop these runs was checked
        active = self.sudo().filtered(lambda log: not log._is_finished())
        self.env["cx.tower.run.stop"]._ask(active, self.env.user)
        return True

    def _end_when_stopped(self, user):
        """Return the end of a run that was stopped before it began.

        :param user: who stopped it; empty when a time limit did
        """
        text = (
            self.env._("Stopped by %s before it started.", user.name)
            if user
            else self.env._("Stopped before it started.")
        )
        return RunEnd(int(ExitCode.COMMAND_STOPPED), text)

    def _request_stop(self, user):
        """Request the stop of this run in the caller's transaction, see ``cx.tower.run.stop``."""
        asked = {"stop_requested_by_id": user.id, "stop_requested_date": fields.Datetime.now()}
        if self.state == states.QUEUED and self._finish(self._end_when_stopped(user).with_columns(**asked)):
            return
        self.write(asked)
        if self.state == states.WAITING:  # it ends when what it waits for has
            self.flush_recordset()
            self._stop_waiting(user)

    def action_run_again(self):
        """Start the same command on the same server with the same custom values, and open the new run."""
        self.ensure_one()
        self.check_access("read")
        self._check_is_no_orphan()
        # sudo: reads the inputs of the run; the new start checks whether the caller may use them
        log = self.sudo()
        if log.shortcut_id:
            return log.shortcut_id.with_env(self.env)._run_on(self.server_id)._action_open()
        run_input, secrets = log._inputs__()
        code = run_input.get("source_code") if log.is_ad_hoc else None
        request = RunRequest(
            variable_values=run_input.get("variable_values") or {},
            path=run_input.get("source_path"),
            sudo=bool(log.use_sudo),
            code=code,
            secrets=secrets,
        )
        return self._run_target()._start_command_runs(self.command_id, request)._action_open()

    def _announce(self, changed, ended, progress=None):
        """Tell open screens that these runs have changed. The message carries no content.

        :param changed: list of (log id, offset behind the last character) of runs going on
        :param ended: ids of runs that ended
        :param progress: {log id: {"done", "total", "text"}} of runs that tell how far they are
        """
        for log_id, end in changed:
            payload = {"id": log_id, "end": end, "state": states.RUNNING}
            if progress and progress.get(log_id):
                payload["progress"] = progress[log_id]
            self.browse(log_id)._bus_send("cetmix_tower_log", payload)
        logs = self.sudo()  # sudo: for all who look; each channel checks who may listen
        finished = logs.browse(ended).exists()
        seen = finished | logs.browse(log_id for log_id, _end in changed)
        seen.fetch(ANNOUNCED_FIELDS)  # not their output
        seen.plan_log_id._send_hint()
        (seen.fleet_run_id | seen.plan_log_id.top_plan_log_id.fleet_run_id)._send_hint()
        for log in finished:
            payload = {"id": log.id, "end": log.output_size, "state": log.state}
            log._bus_send("cetmix_tower_log", payload)
            if not log.plan_log_id:
                log._notify_starter()


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
