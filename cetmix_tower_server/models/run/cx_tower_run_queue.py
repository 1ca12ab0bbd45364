import logging
from functools import partial

from odoo import api, models
from psycopg2.errors import LockNotAvailable

from ...engine import states
from ...engine.database_errors import is_away, may_succeed_later
from ...worker import cron_service
from ..base.transactions import brief_locks, must_be_repeated

_logger = logging.getLogger(__name__)

# The cron looks once a minute; a worker that is awake takes the next attempt of a run when it is due.
LOOK_AHEAD_S = 90
# What follows from an end, and what crons do, waits this long for a lock: others wait for both.
FOLLOW_WAIT_S = 2


class CxTowerRunQueue(models.AbstractModel):
    """The runs that wait for their turn, those that a process holds, and the cron that looks after both.

    How a run is claimed within the limits of runs at once is in ``claim_within_limits.py``; what becomes of runs that nobody
    executes any more, in ``recovery.py``.
    """

    _name = "cx.tower.run.queue"
    _description = "Tower run queue"

    @api.model
    def _held_runs(self, worker):
        """Return {log id: why it must end} of the runs that ``worker`` holds.

        The reasons are "stopped" (somebody asked), "timed_out" (its flight plan is out of time) and "" (none).
        """
        self.env.cr.execute(
            """SELECT log.id,
                      CASE WHEN log.stop_requested_date IS NOT NULL THEN 'stopped'
                           WHEN plan_log.deadline < clock_timestamp() AT TIME ZONE 'UTC' THEN 'timed_out'
                           ELSE '' END
                 FROM cx_tower_command_log log LEFT JOIN cx_tower_plan_log plan_log ON plan_log.id = log.plan_log_id
                WHERE log.worker = %s AND log.state = 'running'""",
            (worker,),
        )
        return dict(self.env.cr.fetchall())

    @api.model
    def _has_queued(self, within_s=0):
        """Return whether any run waits to be taken now, or ``within_s`` seconds from now."""
        self.env.cr.execute(
            """SELECT EXISTS (SELECT FROM cx_tower_command_log WHERE state = 'queued' AND is_held IS NOT TRUE
                              AND (retry_at IS NULL
                                   OR retry_at <= clock_timestamp() AT TIME ZONE 'UTC' + make_interval(secs => %s)))""",
            (within_s,),
        )
        return self.env.cr.fetchone()[0]

    @api.model
    def _has_wait_deadline(self, within_s):
        """Return whether the time of any waiting run is over, or will be ``within_s`` seconds from now."""
        self.env.cr.execute(
            """SELECT EXISTS (SELECT FROM cx_tower_command_log WHERE state = 'waiting'
                              AND wait_deadline < clock_timestamp() AT TIME ZONE 'UTC' + make_interval(secs => %s))""",
            (within_s,),
        )
        return self.env.cr.fetchone()[0]

    @api.model
    def _next_of(self, log_id):
        """Return how to continue the whole that a run belongs to: the outermost flight plan of a step, or the run itself.

        :return: (state of the whole, id of the command log in it that is queued or False, seconds until that may begin)
        """
        self.env.cr.execute(
            """SELECT COALESCE(outermost.state, log.state), next.id,
                      EXTRACT(EPOCH FROM next.retry_at - clock_timestamp() AT TIME ZONE 'UTC')
                 FROM cx_tower_command_log log
                 LEFT JOIN cx_tower_plan_log around ON around.id = log.plan_log_id
                 LEFT JOIN cx_tower_plan_log outermost ON outermost.id = around.top_plan_log_id
                 LEFT JOIN cx_tower_plan_log inside ON inside.id = log.triggered_plan_log_id
                 LEFT JOIN LATERAL (
                      SELECT log.id, log.retry_at WHERE log.state = 'queued' AND log.is_held IS NOT TRUE
                      UNION ALL
                      SELECT step.id, step.retry_at
                        FROM cx_tower_command_log step JOIN cx_tower_plan_log run ON run.id = step.plan_log_id
                       WHERE step.state = 'queued' AND step.is_held IS NOT TRUE
                         AND run.top_plan_log_id = COALESCE(outermost.id, inside.top_plan_log_id)
                      LIMIT 1) next ON TRUE
                WHERE log.id = %s""",
            (log_id,),
        )
        state, next_id, wait_s = self.env.cr.fetchone() or (states.STOPPED, None, 0)
        return state, next_id or False, max(0.0, float(wait_s or 0))

    # ------------------------------------------------------------------
    # Crons
    # ------------------------------------------------------------------

    @api.model
    def _cron_dispatch(self):
        """Clean up after processes that died, then have the backend execute the runs that are still queued."""
        for part in (
            # First: it works in transactions of its own, which must not meet locks of this one.
            partial(self._end_overdue_waits, again=True),
            self._recover_lost,
            self._end_overdue_plans,
            self._end_stopped,
            self._recover_followers,
            self._recover_stalled_plans,
            self.env["cx.tower.fleet.run"]._look_after,
        ):
            self._do_in_savepoint(part, "a part of the queue's cron")
        if self._has_queued(within_s=LOOK_AHEAD_S) or self._has_wait_deadline(within_s=LOOK_AHEAD_S):
            self.env["cx.tower.run.backend"]._chosen()._look_after_queue()

    @api.model
    def _do_in_savepoint(self, do, what):
        """Do one of several things in a savepoint of its own, so that an error in it does not affect the others.

        When another transaction was faster, or holds a lock, nothing is lost: the next round of the cron does it.

        :param do: called without arguments
        :param what: names it in the log
        :return: the error with which it failed; None when it did not, or when another transaction was faster
        :raise Exception: the database is away
        """
        try:
            with brief_locks(self.env, FOLLOW_WAIT_S):
                do()
        except Exception as error:
            self.env.invalidate_all(flush=False)
            if is_away(error):
                raise
            if not may_succeed_later(error):
                _logger.exception("%s failed", what)
                return error
            _logger.info("%s: another transaction was faster (%s)", what, error)
        return None

    @api.model
    def _do_after_end(self, do, what):
        """Do what follows from the end of a run, in the transaction that records it.

        What goes wrong in it must not undo the record of what happened on the host, and rows that somebody has locked must not
        hold up the ends of other runs. In both cases ``_recover_followers`` makes up for it.

        :param do: called without arguments
        :param what: names it in the log
        :raise Exception: another transaction was faster: the whole end is recorded again
        """
        try:
            with brief_locks(self.env, FOLLOW_WAIT_S):
                do()
        except Exception as error:
            is_locked = isinstance(error, LockNotAvailable)
            if must_be_repeated(error) and not is_locked:
                raise
            self.env.invalidate_all(flush=False)
            if is_locked:
                _logger.info("%s: a row is locked, the cron does it", what)
            else:
                _logger.exception("%s failed, the cron does it", what)
            self.env["cx.tower.run.backend"]._chosen()._wake()

    def _register_hook(self):
        """Called when a registry was loaded: from now on runs may be executed in this process."""
        super()._register_hook()
        cron_service.protect()
