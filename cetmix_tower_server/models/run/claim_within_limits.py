import random
import time

from odoo import api, models
from odoo.tools import SQL
from psycopg2 import errors as pg_errors

from ...engine import states

# Two processes that want the same seat collide in a unique index; the loser tries again.
CLAIM_ATTEMPTS = 20

# Claims runs in one statement: state, seats and fencing token. It picks the oldest queued runs for which a seat on
# their host and a seat of the whole installation are free. When two processes pick the same seat, its unique index decides.
CLAIM = """
WITH candidate AS (
    SELECT log.id, log.server_id, log.priority,
           LEAST(COALESCE(NULLIF(server.max_parallel_runs, 0), %(host_limit)s), 100) AS host_limit,
           row_number() OVER (PARTITION BY log.server_id ORDER BY log.priority, log.id) AS host_rank
      FROM cx_tower_command_log log
      JOIN cx_tower_server server ON server.id = log.server_id
     WHERE log.state = 'queued' AND log.is_held IS NOT TRUE AND %(only)s
       AND (log.retry_at IS NULL OR log.retry_at <= clock_timestamp() AT TIME ZONE 'UTC')
       AND NOT EXISTS (SELECT FROM cx_tower_plan_log run
                        WHERE run.id = log.plan_log_id AND run.deadline < clock_timestamp() AT TIME ZONE 'UTC')
), host_seat AS (
    SELECT host.server_id, seat, row_number() OVER (PARTITION BY host.server_id ORDER BY seat) AS host_rank
      FROM (SELECT DISTINCT server_id, host_limit FROM candidate) host,
           LATERAL generate_series(1, host.host_limit) AS seat
     WHERE NOT EXISTS (SELECT FROM cx_tower_command_log held
                        WHERE held.state = 'running' AND held.server_id = host.server_id
                          AND held.host_slot = seat)
), seated AS (
    SELECT candidate.id, host_seat.seat AS host_slot,
           row_number() OVER (ORDER BY candidate.priority, candidate.id) AS position
      FROM candidate JOIN host_seat USING (server_id, host_rank)
), global_seat AS (
    SELECT seat, row_number() OVER (ORDER BY seat) AS position
      FROM generate_series(1, %(global_limit)s) AS seat
     WHERE NOT EXISTS (SELECT FROM cx_tower_command_log held
                        WHERE held.state = 'running' AND held.global_slot = seat)
), chosen AS (
    SELECT seated.id, seated.host_slot, global_seat.seat AS global_slot
      FROM seated JOIN global_seat USING (position)
     ORDER BY position
     LIMIT %(wanted)s
)
UPDATE cx_tower_command_log log
   SET state = 'running', start_date = clock_timestamp() AT TIME ZONE 'UTC',
       worker = %(worker)s, fence = COALESCE(log.fence, 0) + 1,
       host_slot = chosen.host_slot, global_slot = chosen.global_slot
  FROM chosen
 WHERE log.id = chosen.id AND log.state = ANY(%(before)s)
RETURNING log.id, log.fence, log.plan_log_id
"""


class CxTowerRunQueue(models.AbstractModel):
    """Decides which process may execute which run, within the limits of runs at once on a host and in the installation.

    A limit is a number of seats: a claimed run holds one of its host and one of the installation. The rules live in single SQL
    statements, never in a check followed by a write.
    """

    _inherit = "cx.tower.run.queue"

    @api.model
    def _claim(self, worker, wanted, log_ids=None):
        """Take up to ``wanted`` queued runs for ``worker``. The caller commits.

        :param str worker: code of the process that will execute them
        :param int wanted: how many at most
        :param log_ids: only these runs (default: any)
        :return: {log id: fencing token}
        :raise psycopg2.errors.UniqueViolation, SerializationFailure: another process was faster;
            roll back and try again (see :meth:`_claim_retrying`)
        """
        settings = self.env["cx.tower.settings"]._get()
        self.env.flush_all()
        only = SQL("log.id = ANY(%s)", list(log_ids)) if log_ids is not None else SQL("TRUE")
        self.env.cr.execute(
            SQL(
                CLAIM,
                host_limit=settings.max_parallel_runs_per_host,
                global_limit=settings.max_parallel_runs,
                wanted=wanted,
                worker=worker,
                only=only,
                before=states.before(states.RUNNING),
            ),
            log_exceptions=False,  # losing the race for a seat is not an error
        )
        rows = self.env.cr.fetchall()
        claimed = {log_id: fence for log_id, fence, _plan_log_id in rows}
        self.env["cx.tower.command.log"].browse(claimed).invalidate_recordset(flush=False)
        steps = [log_id for log_id, _fence, plan_log_id in rows if plan_log_id]
        if steps:
            self._note_plans_began(steps)
        return claimed

    @api.model
    def _note_plans_began(self, log_ids):
        """Set flight plans whose first step was taken to *running*, and those around them."""
        self.env.cr.execute(
            """UPDATE cx_tower_plan_log run
                  SET state = 'running', start_date = COALESCE(run.start_date, clock_timestamp() AT TIME ZONE 'UTC')
                WHERE run.state = ANY(%s) AND run.top_plan_log_id IN (
                      SELECT plan_log.top_plan_log_id FROM cx_tower_command_log log
                        JOIN cx_tower_plan_log plan_log ON plan_log.id = log.plan_log_id
                       WHERE log.id = ANY(%s) AND plan_log.state = 'queued')
            RETURNING run.id""",
            (states.before(states.RUNNING), log_ids),
        )
        began = [row[0] for row in self.env.cr.fetchall()]
        if began:  # the steps that wait for these plans begin only now
            self.env.cr.execute(
                """UPDATE cx_tower_command_log SET start_date = clock_timestamp() AT TIME ZONE 'UTC'
                    WHERE plan_log_id = ANY(%s) AND state = 'waiting'""",
                (began,),
            )
            self.env["cx.tower.command.log"].invalidate_model(["start_date"], flush=False)
        self.env["cx.tower.plan.log"].browse(began).invalidate_recordset(["state", "start_date"], flush=False)

    @api.model
    def _taken_over(self, worker, log_id):
        """Return (log id, fencing token) of the step after a run that ``worker`` has taken over, or None."""
        self.env.cr.execute(
            "SELECT id, fence FROM cx_tower_command_log WHERE follows = %s AND worker = %s AND state = 'running'",
            (log_id, worker),
        )
        return self.env.cr.fetchone()

    @api.model
    def _claim_retrying(self, worker, wanted, log_ids=None):
        """Take runs as :meth:`_claim` does, commit, and try again when another process was faster.

        Must have the transaction for itself: it **commits**, and rolls back between attempts.
        If the process dies after the commit, the lease runs out and the runs become interrupted.
        """
        for attempt in range(CLAIM_ATTEMPTS):
            try:
                claimed = self._claim(worker, wanted, log_ids)
                self.env.cr.commit()  # its transaction is its own, see above  # pylint: disable=invalid-commit
                return claimed
            except (pg_errors.UniqueViolation, pg_errors.SerializationFailure, pg_errors.DeadlockDetected):
                self.env.cr.rollback()
                time.sleep(random.uniform(0, 0.005 * (attempt + 1)))
        return {}

    @api.model
    def _still_held(self, claimed):
        """Return those of the claimed runs that nobody has taken away since; {log id: fencing token}."""
        if not claimed:
            return {}
        self.env.cr.execute(
            "SELECT id, fence FROM cx_tower_command_log WHERE id = ANY(%s) AND state = 'running'",
            (list(claimed),),
        )
        return {log_id: fence for log_id, fence in self.env.cr.fetchall() if claimed[log_id] == fence}

    @api.model
    def _claim_one(self, worker, log_id):
        """Claim one queued run without a seat: the calling thread is its seat.

        :return: the fencing token, or 0 when somebody else took it
        """
        self.env.cr.execute(
            """UPDATE cx_tower_command_log
                  SET state = 'running', start_date = clock_timestamp() AT TIME ZONE 'UTC', worker = %s,
                      fence = COALESCE(fence, 0) + 1, host_slot = NULL, global_slot = NULL
                WHERE id = %s AND state = ANY(%s) AND is_held IS NOT TRUE
            RETURNING fence, plan_log_id""",
            (worker, log_id, states.before(states.RUNNING)),
        )
        row = self.env.cr.fetchone()
        self.env["cx.tower.command.log"].browse(log_id).invalidate_recordset(flush=False)
        if row and row[1]:
            self._note_plans_began([log_id])
        return row[0] if row else 0
