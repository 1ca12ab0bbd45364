import logging
from functools import partial

from odoo import api, models
from odoo.tools import SQL

from ...engine.exit_codes import ExitCode
from ...engine.run_end import RunEnd
from ...engine.run_lease import LEASE_S

_logger = logging.getLogger(__name__)

RECOVER_BATCH = 200


class CxTowerRunQueue(models.AbstractModel):
    """Ends or continues runs that nobody executes any more: lost ones, overdue ones, flight plans that stand still."""

    _inherit = "cx.tower.run.queue"

    @api.model
    def _logs(self, model="cx.tower.command.log"):
        """Return a model of logs with all rights."""
        # sudo: the cron and the workers look after the runs of all people; nothing is shown to anybody
        return self.env[model].sudo()

    @api.model
    def _do_each(self, records, do, last_resort):
        """Do something with each record in a savepoint of its own, so that an error with one does not affect the others.

        :param do: called with one record
        :param last_resort: called with a record for which that failed, and the error. Not called when another transaction
            was faster: the next round tries again
        """
        for record in records:
            error = self._do_in_savepoint(partial(do, record), f"ending or continuing {record}")
            if error:
                self._do_in_savepoint(
                    partial(last_resort, record, error), f"ending {record} without what follows"
                )

    @api.model
    def _finish_each(self, logs, end):
        """End each of these command logs; if what should follow from an end fails, the run ends without it.

        What waits for such a run is found by the next round of the cron, and continued or ended in the same way.

        :param end: :class:`engine.run_end.RunEnd`
        """
        self._do_each(
            logs,
            lambda log: log._finish(end),
            lambda log, error: log._record_end(end.without_following(error)),
        )

    @api.model
    def _recover_lost(self):
        """End every run whose process has been silent for longer than the lease as *interrupted*.

        Nothing is executed again here: whether the command finished on the host is unknown, so a person
        or the author's retry rule decides. Late results of the lost process are refused by the fence.

        :return: number of runs found lost
        """
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
        lost = self._logs().browse(row[0] for row in self.env.cr.fetchall())
        self._interrupt(lost)
        return len(lost)

    @api.model
    def _bring_back_retries(self):
        """Reschedule retries after the database's clock was set back: they would be late by as much."""
        self.env.cr.execute(
            """UPDATE cx_tower_command_log
                  SET retry_at = (clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => retry_delay_s)
                WHERE state = 'queued' AND attempt > 1
                  AND retry_at > (clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => retry_delay_s + 5)
            RETURNING retry_at"""
        )
        for (retry_at,) in self.env.cr.fetchall():
            self.env["cx.tower.run.backend"]._chosen()._wake(at=retry_at)

    @api.model
    def _end_overdue_plans(self):
        """End queued steps (waiting for a seat or for another attempt) of flight plans whose time limit is over.

        Steps that run are ended by the process that runs them.
        """
        self.env.cr.execute(
            """SELECT log.id FROM cx_tower_command_log log JOIN cx_tower_plan_log plan_log ON plan_log.id = log.plan_log_id
                WHERE log.state = 'queued' AND log.is_held IS NOT TRUE
                  AND plan_log.deadline < clock_timestamp() AT TIME ZONE 'UTC'
                ORDER BY log.id LIMIT %s FOR UPDATE OF log SKIP LOCKED""",
            (RECOVER_BATCH,),
        )
        text = self.env._("The flight plan reached its timeout before this step started.")
        overdue = self._logs().browse(row[0] for row in self.env.cr.fetchall())
        self._finish_each(overdue, RunEnd(int(ExitCode.COMMAND_TIMED_OUT), text))

    @api.model
    def _end_overdue_waits(self, again=False):
        """Stop what waiting runs wait for whose time is over: their own timeout, or that of their flight plan.

        :param again: also those that were to be stopped earlier: the process that should have done it may have died
        """
        self.env.cr.execute(
            SQL(
                """SELECT id, wait_timed_out OR stop_requested_date IS NOT NULL FROM cx_tower_command_log
                    WHERE state = 'waiting' AND (wait_deadline < clock_timestamp() AT TIME ZONE 'UTC'
                                                 AND wait_timed_out IS NOT TRUE
                                                 %s)
                    ORDER BY id LIMIT %s""",
                SQL("OR wait_timed_out OR stop_requested_date IS NOT NULL") if again else SQL(),
                RECOVER_BATCH,
            )
        )
        rows = self.env.cr.fetchall()
        Stop = self.env["cx.tower.run.stop"]
        marked = [log_id for log_id, is_marked in rows if is_marked]
        if marked:
            Stop._stop_marked(marked)
        overdue = [log_id for log_id, is_marked in rows if not is_marked]
        if overdue:
            Stop._end_overdue(overdue)

    @api.model
    def _recover_followers(self):
        """Continue what should have followed from the end of a run and has not. Extension point of addons; call ``super()``.

        Called by the queue's cron every minute, before waiting runs that have nothing to wait for are ended. An addon looks
        for its own records whose run has ended without their knowing, because what they do at its end had failed.
        """

    @api.model
    def _end_stopped(self):
        """End queued runs that somebody asked to stop, because the process that should have ended them died."""
        self.env.cr.execute(
            """SELECT id FROM cx_tower_command_log WHERE state = 'queued' AND stop_requested_date IS NOT NULL
                ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED""",
            (RECOVER_BATCH,),
        )
        logs = self._logs().browse(row[0] for row in self.env.cr.fetchall())
        self.env["cx.tower.run.stop"]._end_before_start(logs)

    @api.model
    def _recover_stalled_plans(self):
        """Continue flight plan runs whose last step has ended and was not followed by anything.

        That happens when the process died between the end of a Python step and the decision what is next. Runs without
        any step, and runs that wait for nothing, should not exist. If they do, they must not run for ever, nor keep the
        queue from finding lost runs.
        """
        # What conditions of addons read must be in the database.
        self.env.flush_all()
        text = self.env._("The run had no step left to continue with. See the Odoo server log.")
        self.env.cr.execute(
            SQL(
                """SELECT log.id FROM cx_tower_command_log log
                    WHERE log.state = 'waiting' AND log.awaits_begin IS NOT TRUE
                      AND log.create_date < (clock_timestamp() AT TIME ZONE 'UTC') - interval '2 minutes'
                      AND NOT %s
                    ORDER BY log.id LIMIT %s FOR UPDATE SKIP LOCKED""",
                self._logs()._waited_for_sql(),
                RECOVER_BATCH,
            )
        )
        steps = self._logs().browse(row[0] for row in self.env.cr.fetchall())
        if steps:
            _logger.error("runs %s wait for something that does not exist", steps.ids)
        end = RunEnd(int(ExitCode.RUN_INTERRUPTED), text)
        self._finish_each(steps, end)
        self._continue_stalled_plans(end)

    @api.model
    def _continue_stalled_plans(self, end):
        """Continue flight plan runs without an active step.

        :param end: :class:`engine.run_end.RunEnd` of those that have no step at all
        """
        self.env.cr.execute(
            SQL(
                """SELECT run.id FROM cx_tower_plan_log run
                    WHERE run.state IN ('queued', 'running', 'waiting')
                      AND NOT EXISTS (SELECT FROM cx_tower_command_log step
                                       WHERE step.plan_log_id = run.id
                                         AND (step.state IN ('queued', 'running', 'waiting')
                                              -- the process that ended it is about to continue
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
        stalled = self._logs("cx.tower.plan.log").browse(row[0] for row in self.env.cr.fetchall())
        self._do_each(
            stalled,
            lambda run: self._continue(run, end),
            lambda run, error: run._record_end(end.without_following(error)),
        )

    @api.model
    def _continue(self, run, end):
        """Continue a flight plan run that has no active step; without any step it ends."""
        if run.command_log_ids:
            run._continue()
            return
        _logger.error("flight plan run %s has no step that could continue it", run.id)
        run._carry_out(run._conclude(end))

    @api.model
    def _interrupt(self, logs):
        """End runs that nobody executes any more as *interrupted*: what happened on their hosts is unknown."""
        text = self.env._(
            "The Tower process that executed this run disappeared (restart, crash or power loss). Whether the "
            "command finished on the host is unknown. Check the host before you run it again."
        )
        for log in logs:
            _logger.warning("run %s on server %s lost its worker %s", log.id, log.server_id.id, log.worker)
        self._finish_each(logs, RunEnd(int(ExitCode.RUN_INTERRUPTED), text))
