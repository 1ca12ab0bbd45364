from collections import Counter

from odoo import api, fields, models
from odoo.tools import SQL

from ..base.transactions import in_own_transaction


class CxTowerRunCounter(models.Model):
    """Counts the runs of a command or a flight plan.

    It counts in a transaction of its own, so that a start never waits for the commit of another start. A start that is
    rolled back leaves a gap, as does a process that dies after counting. When too many starts compete, the run starts
    without a number.
    """

    _name = "cx.tower.run.counter"
    _description = "Tower Run Counter"
    _log_access = False

    log_model = fields.Char(required=True)
    # Without a foreign key: the command may be one that its transaction has not committed yet.
    target_id = fields.Integer(required=True, aggregator=None)
    last_number = fields.Integer(required=True, aggregator=None)

    _target = models.UniqueIndex("(log_model, target_id)")

    @api.model
    def _take(self, log_model, counts):
        """Take numbers for runs.

        :param str log_model: model of the runs' logs
        :param dict counts: {id of what is run: how many numbers}
        :return: {id: the last one of its numbers}; {} when others were faster each time
        """
        return (
            in_own_transaction(
                self.env, lambda env: self._count_on(env.cr, log_model, counts), "run numbers", True
            )
            or {}
        )

    @api.model
    def _count_on(self, cr, log_model, counts):
        targets = sorted(counts)  # in one order everywhere: no two transactions wait for each other
        cr.execute(SQL(
            """INSERT INTO cx_tower_run_counter AS counter (log_model, target_id, last_number)
               SELECT %s, target_id, number FROM unnest(%s, %s) AS wanted (target_id, number)
               ON CONFLICT (log_model, target_id)
               DO UPDATE SET last_number = counter.last_number + EXCLUDED.last_number
               RETURNING target_id, last_number""",
            log_model, targets, [counts[target] for target in targets],
        ))  # fmt: skip
        return dict(cr.fetchall())

    @api.autovacuum
    def _gc_counters(self):
        """Forget the counters of what was deleted."""
        for log_model, table in (
            ("cx.tower.command.log", "cx_tower_command"),
            ("cx.tower.plan.log", "cx_tower_plan"),
        ):
            self.env.cr.execute(SQL(
                """DELETE FROM cx_tower_run_counter counter WHERE log_model = %s
                      AND NOT EXISTS (SELECT FROM %s target WHERE target.id = target_id)""",
                log_model, SQL.identifier(table),
            ))  # fmt: skip


class CxTowerRunMixin(models.AbstractModel):
    """Runs of the same command or flight plan are told apart by a number."""

    _inherit = "cx.tower.run.mixin"

    number = fields.Integer(
        string="No.",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Counts the runs of this command or flight plan. Steps of a flight plan have no number.",
    )
    title = fields.Char(compute="_compute_title", string="What", help="What runs, with its number.")

    @api.model
    def _number_by(self):
        """Return (field of what is run, field of the run around it). Defined by both kinds of logs."""
        raise NotImplementedError

    def _compute_title(self):
        """Overridden by both kinds of logs."""
        for run in self:
            run.title = run._numbered("")

    def _numbered(self, text):
        """Return a text with the run's number behind it."""
        return f"{text} #{self.number}" if self.number else text

    @api.model_create_multi
    def create(self, vals_list):
        target, parent = self._number_by()
        started = [vals for vals in vals_list if vals.get(target) and not vals.get(parent)]
        if started:
            counts = Counter(vals[target] for vals in started)
            # sudo: all starts count, whoever made them; only numbers come back
            last = self.env["cx.tower.run.counter"].sudo()._take(self._name, counts)
            following = {target_id: number - counts[target_id] for target_id, number in last.items()}
            for vals in started:
                if vals[target] in following:  # a start matters more than its number
                    following[vals[target]] += 1
                    vals["number"] = following[vals[target]]
        return super().create(vals_list)
