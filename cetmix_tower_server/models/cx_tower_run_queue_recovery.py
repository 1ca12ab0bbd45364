import logging

from odoo import api, models
from odoo.tools import SQL

from ..engine.results import ExitCode
from .cx_tower_worker import LEASE_S

_logger = logging.getLogger(__name__)

RECOVER_BATCH = 200


class CxTowerRunQueue(models.AbstractModel):
    """What became of runs that nobody executes any more: lost ones, overdue ones, flight plans that stand still."""

    _inherit = "cx.tower.run.queue"

    @api.model
    def _recover_lost(self):
        """End every run whose process has been silent for longer than the lease as *interrupted*.

        Nothing is executed again here: whether the command finished on the host is unknown, so a person
        or the author's retry rule decides. Late results of the lost process are refused by the fence.

        :return: number of runs found lost
        """
        Log = self.env["cx.tower.command.log"].sudo()
        self.env["cx.tower.worker"]._bring_back_from_the_future()
        self._bring_back_retries()
        self.env.cr.execute(
            SQL(
                """SELECT id FROM cx_tower_command_log
                    WHERE state = 'running' AND (worker IS NULL OR worker NOT IN (%s))
                    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED""",
                self.env["cx.tower.worker"]._alive_sql(),
                RECOVER_BATCH,
            )
        )
        lost = Log.browse(row[0] for row in self.env.cr.fetchall())
        self._interrupt(lost)
        return len(lost)

    @api.model
    def _bring_back_retries(self):
        """After the database's clock was set back, the next attempts of runs would be late by that much."""
        self.env.cr.execute(
            """UPDATE cx_tower_command_log
                  SET retry_at = (clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => retry_delay_s)
                WHERE state = 'queued' AND attempt > 1
                  AND retry_at > (clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => retry_delay_s + 5)
            RETURNING retry_at"""
        )
        for (retry_at,) in self.env.cr.fetchall():
            self._wake_workers(at=retry_at)

    @api.model
    def _end_overdue_plans(self):
        """End queued steps (waiting for a seat or for another attempt) of flight plans that are out of time.

        Steps that run are ended by the process that runs them.
        """
        self.env.cr.execute(
            """SELECT log.id FROM cx_tower_command_log log JOIN cx_tower_plan_log plan_log ON plan_log.id = log.plan_log_id
                WHERE log.state = 'queued' AND log.is_held IS NOT TRUE
                  AND plan_log.deadline < clock_timestamp() AT TIME ZONE 'UTC'
                ORDER BY log.id LIMIT %s FOR UPDATE OF log SKIP LOCKED""",
            (RECOVER_BATCH,),
        )
        text = self.env._("The time limit of the flight plan was reached before it started.")
        for log in self.env["cx.tower.command.log"].sudo().browse(row[0] for row in self.env.cr.fetchall()):
            log._finish({"command_status": int(ExitCode.COMMAND_TIMED_OUT), "message": text})

    @api.model
    def _recover_stalled_plans(self):
        """Go on with flight plan runs whose last step has ended and was not followed by anything.

        That is so when the process died between the end of a Python step and the decision what is next. What has no
        step at all, and steps that wait for nothing, should not exist; if they do, they must not run for ever, and must
        not keep the queue from finding lost runs.
        """
        PlanLog = self.env["cx.tower.plan.log"].sudo()
        text = self.env._("There was nothing left that could lead on. The log of the Tower server says more.")
        status = int(ExitCode.RUN_INTERRUPTED)
        self.env.cr.execute(
            """SELECT step.id FROM cx_tower_command_log step
                WHERE step.state = 'waiting' AND step.create_date < (clock_timestamp() AT TIME ZONE 'UTC') - interval '2 minutes'
                  AND NOT EXISTS (SELECT FROM cx_tower_plan_log run WHERE run.triggering_command_log_id = step.id
                                     AND run.state IN ('queued', 'running', 'waiting'))
                ORDER BY step.id LIMIT %s FOR UPDATE SKIP LOCKED""",
            (RECOVER_BATCH,),
        )
        for step in self.env["cx.tower.command.log"].sudo().browse(row[0] for row in self.env.cr.fetchall()):
            _logger.error("run %s waits for a flight plan run that is not there", step.id)
            step._finish({"command_status": status, "message": text})
        self.env.cr.execute(
            SQL(
                """SELECT run.id FROM cx_tower_plan_log run
                    WHERE run.state IN ('queued', 'running', 'waiting')
                      AND NOT EXISTS (SELECT FROM cx_tower_command_log step
                                       WHERE step.plan_log_id = run.id
                                         AND (step.state IN ('queued', 'running', 'waiting')
                                              -- who ended it is about to go on
                                              OR step.finish_date > %(now)s - %(lease)s AND step.worker IN (%(alive)s)))
                      AND (run.queued_date < %(now)s - %(lease)s
                           OR EXISTS (SELECT FROM cx_tower_command_log step WHERE step.plan_log_id = run.id))
                    ORDER BY run.id LIMIT %(batch)s FOR UPDATE SKIP LOCKED""",
                now=SQL("(clock_timestamp() AT TIME ZONE 'UTC')"),
                lease=SQL("make_interval(secs => %s)", LEASE_S),
                alive=self.env["cx.tower.worker"]._alive_sql(),
                batch=RECOVER_BATCH,
            )
        )
        for run in PlanLog.browse(row[0] for row in self.env.cr.fetchall()):
            if run.command_log_ids:
                run._go_on()
                continue
            _logger.error("flight plan run %s has no step that leads on", run.id)
            if run._finish(status, text):
                run._drive(*run._after_child())

    @api.model
    def _interrupt(self, logs):
        """End runs that nobody executes any more; what became of them on their hosts is unknown."""
        text = self.env._(
            "The Tower process that ran this disappeared (restart, crash or power loss). Whether"
            " the command finished on the host is unknown: look there before you run it again."
        )
        for log in logs.sudo():
            _logger.warning("run %s on server %s lost its worker %s", log.id, log.server_id.id, log.worker)
            log._finish({"command_status": int(ExitCode.RUN_INTERRUPTED), "message": text})
