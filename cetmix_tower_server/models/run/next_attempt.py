from odoo import models
from odoo.tools import SQL

from ...engine import states
from ...engine.exit_codes import ExitCode

# Ends that come from the inputs or from a person: another attempt would end the same way, or is not wanted.
NEVER_RETRIED = frozenset(
    {
        ExitCode.OK,
        ExitCode.COMMAND_STOPPED,
        ExitCode.PLAN_STOPPED,
        ExitCode.ANOTHER_COMMAND_RUNNING,
        ExitCode.NO_COMMAND_RUNNER_FOUND,
        ExitCode.RENDERING_FAILED,
        ExitCode.PLAN_LINE_CONDITION_CHECK_FAILED,
        ExitCode.CONDITION_INVALID,
        ExitCode.COMMAND_NOT_COMPATIBLE_WITH_SERVER,
        ExitCode.SECRET_NOT_FOUND,
        ExitCode.SUDO_FAILED,
    }
)

# Never after the time limit of its flight plan.
ATTEMPTS_LEFT = SQL(
    """(state = ANY(%s) AND attempt < attempts_total AND stop_requested_date IS NULL AND NOT EXISTS (
        SELECT FROM cx_tower_plan_log run WHERE run.id = plan_log_id AND run.deadline
             < (clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => COALESCE(retry_delay_s, 0))))""",
    states.before(states.QUEUED),
)


class CxTowerCommandLog(models.Model):
    """Another attempt of a run that failed, where the author of its command allowed that."""

    _inherit = "cx.tower.command.log"

    def _may_retry(self, end):
        """Return whether a run that ends like this may be repeated: never beside an attempt that may still be running.

        How many attempts are left, and how much time, is asked in the statement that records the end.

        :param end: :class:`engine.run_end.RunEnd`
        """
        return end.exit_code not in NEVER_RETRIED and end.stop_confirmed is not False

    def _queue_next_attempt(self, values, fenced):
        """Queue the next attempt of a run; its output is appended to that of the earlier ones.

        The fence moves on at once: a process that took the run for lost and wakes up late must not end the new attempt.

        :param values: how the attempt ended, as columns of the log
        :param fenced: SQL condition that the run is still held by whoever ends it
        :return: whether there is another attempt
        """
        kept = {
            name: values[name]
            for name in ("command_status", "message", "output_size", "output_skipped")
            if name in values
        }
        self.env.cr.execute(
            SQL(
                """UPDATE cx_tower_command_log
                      SET %(columns)s, state = 'queued', attempt = attempt + 1, fence = COALESCE(fence, 0) + 1,
                          retry_at = (clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => retry_delay_s)
                    WHERE id = %(id)s AND %(fenced)s AND %(left)s
                RETURNING retry_at""",
                columns=self._columns_sql(kept),
                id=self.id,
                fenced=fenced,
                left=ATTEMPTS_LEFT,
            )
        )
        row = self.env.cr.fetchone()
        if row:
            self.env["cx.tower.run.backend"]._chosen()._wake(at=row[0])
        return bool(row)
