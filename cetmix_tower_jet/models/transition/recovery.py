import logging

from odoo import api, models

from .claim import CLAIMED
from .cx_tower_jet import PROBLEM
from .cx_tower_jet_transition import FAILED

_logger = logging.getLogger(__name__)

BATCH = 200


class CxTowerJetTransition(models.Model):
    """Ends transitions whose flight plan has ended without them, because what follows an end failed in Tower itself."""

    _inherit = "cx.tower.jet.transition"

    @api.model
    def _continue_missed(self):
        """End transitions that are running without a live run. Called by the cron, and by workers that noticed lost runs."""
        self.env.cr.execute(
            """SELECT transition.id
                 FROM cx_tower_jet_transition transition
                 LEFT JOIN cx_tower_plan_log run ON run.id = transition.plan_log_id
                WHERE transition.state = 'running'
                  AND COALESCE(run.state, '') NOT IN ('queued', 'running', 'waiting')
                  AND NOT EXISTS (SELECT FROM cx_tower_jet_transition inside
                                   WHERE inside.parent_id = transition.id AND inside.state IN ('waiting', 'running'))
                ORDER BY transition.id LIMIT %s FOR UPDATE OF transition SKIP LOCKED""",
            (BATCH,),
        )
        # sudo: the engine's own maintenance
        missed = self.sudo().browse(row[0] for row in self.env.cr.fetchall())
        self.env["cx.tower.run.queue"]._do_each(
            missed,
            lambda transition: transition._take_over_missed_end(),
            lambda transition, error: transition._end_without_following(error),
        )

    def _take_over_missed_end(self):
        _logger.warning("transition %s missed the end of its flight plan", self.id)
        if self.plan_log_id:
            self._plan_ended(self.plan_log_id)
        else:
            self._end(
                FAILED,
                self.env._(
                    "The run of its flight plan no longer exists. Check the jet, then trigger the action again."
                ),
            )

    def _end_without_following(self, error):
        """End this transition when what should follow from its end fails: no jet is busy for ever."""
        text = self.env._(
            "The actions after its end failed (%s). See the Odoo server log.", type(error).__name__
        )
        self._record_end(FAILED, text)
        # without hooks: they may be what fails
        self.jet_id._write_moves(
            dict.fromkeys(CLAIMED, False)
            | {"state_id": self._left_in().id, "movement": PROBLEM, "last_problem": text}
        )


class CxTowerRunQueue(models.AbstractModel):
    """Transitions follow runs: the cron that looks after runs looks after them."""

    _inherit = "cx.tower.run.queue"

    @api.model
    def _recover_followers(self):
        super()._recover_followers()
        self.env["cx.tower.jet.transition"]._continue_missed()
