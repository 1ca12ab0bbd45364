import logging

from odoo import api, models

from ...engine import states
from ..base.transactions import do_all_possible

_logger = logging.getLogger(__name__)


class CxTowerRunQueue(models.AbstractModel):
    """Deletes old logs; that of a flight plan together with its steps and the plans inside it."""

    _inherit = "cx.tower.run.queue"

    @api.model
    def _cron_purge_logs(self):
        """Delete finished logs beyond the age and the total size set in the settings.

        Commits after each batch, so it must not be called inside another transaction.
        """
        settings = self.env["cx.tower.settings"]._get()
        # sudo: the cron deletes whatever the administrator's settings say
        Log = self.env["cx.tower.command.log"].sudo().with_context(active_test=False)
        progress = self.env["ir.cron"]._commit_progress
        finished = [("state", "in", list(states.FINISHED))]
        if settings.log_retention_days:
            domain = finished + [("finish_date", "<", f"now -{settings.log_retention_days}d")]
            # sudo: as above
            PlanLog = self.env["cx.tower.plan.log"].sudo().with_context(active_test=False)
            for Model, own in ((PlanLog, "parent_flight_plan_log_id"), (Log, "plan_log_id")):
                old = [*domain, (own, "=", False)]
                while batch := Model.search(old, limit=500 if Model is Log else 50, order="id"):
                    old.append(("id", "not in", self._delete_possible(batch)))
                    if not progress(len(batch), remaining=Model.search_count(old)):
                        return
            self._purge_fleet_runs()
        if settings.log_retention_mb:
            for model, batch in self._logs_beyond_size(settings.log_retention_mb):
                # sudo: as above
                self._delete_possible(self.env[model].sudo().browse(batch).exists())
                if not progress(len(batch)):
                    return

    @api.model
    def _delete_possible(self, records):
        """Delete records, except those that cannot be deleted. :return: ids of these"""
        kept = []

        def keep(record, error):
            _logger.warning("the old log %s cannot be deleted: %s", record, error)
            kept.append(record.id)

        do_all_possible(records, lambda part: part.unlink(), keep)
        return kept

    @api.model
    def _purge_fleet_runs(self):
        """Delete ended fleet runs of which no member is left."""
        # sudo: as in _cron_purge_logs
        fleets = self.env["cx.tower.fleet.run"].sudo().with_context(active_test=False)
        empty = [("command_log_ids", "=", False), ("plan_log_ids", "=", False), ("finish_date", "!=", False)]
        while batch := fleets.search(empty, limit=500):
            empty.append(("id", "not in", self._delete_possible(batch)))
            if not self.env["ir.cron"]._commit_progress(len(batch)):
                return

    @api.model
    def _logs_beyond_size(self, limit_mb):
        """Return [(model, ids)], in batches, of the oldest ended runs whose output exceeds the limit."""
        self.env.cr.execute(
            """WITH whole AS (
                   SELECT COALESCE(run.top_plan_log_id, 0) AS plan_log_id,
                          CASE WHEN run.id IS NULL THEN log.id ELSE 0 END AS log_id,
                          max(log.id) AS newest,
                          sum(COALESCE(log.output_size, 0) - COALESCE(log.output_skipped, 0)) AS size,
                          bool_and(COALESCE(outermost.state, log.state) = ANY(%s)) AS ended
                     FROM cx_tower_command_log log
                     LEFT JOIN cx_tower_plan_log run ON run.id = log.plan_log_id
                     LEFT JOIN cx_tower_plan_log outermost ON outermost.id = run.top_plan_log_id
                    GROUP BY 1, 2)
               SELECT plan_log_id, log_id
                 FROM (SELECT *, sum(size) OVER (ORDER BY newest DESC) AS total FROM whole) sized
                WHERE total > %s AND ended ORDER BY newest""",
            (list(states.FINISHED), limit_mb * 1024 * 1024),
        )
        plans, logs = [], []
        for plan_log_id, log_id in self.env.cr.fetchall():
            (plans if plan_log_id else logs).append(plan_log_id or log_id)
        return [
            *(("cx.tower.plan.log", plans[start : start + 50]) for start in range(0, len(plans), 50)),
            *(("cx.tower.command.log", logs[start : start + 500]) for start in range(0, len(logs), 500)),
        ]
