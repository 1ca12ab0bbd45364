from odoo import fields, models
from odoo.addons.cetmix_tower_server.engine import states

from .cx_tower_jet_transition import LIVE


class CxTowerPlanLog(models.Model):
    """The run of an action's flight plan: its end moves the jet."""

    _inherit = "cx.tower.plan.log"

    jet_transition_id = fields.Many2one(
        "cx.tower.jet.transition",
        string="Transition",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    jet_action_id = fields.Many2one(
        "cx.tower.jet.action", string="Jet action", readonly=True, ondelete="set null", index="btree_not_null"
    )

    def _notify_starter(self):
        """Notify the end of what the person asked for, not of each action on the way there; failures always."""
        transition = self.jet_transition_id.sudo()  # sudo: what was asked for; nothing of it is shown
        if self.state != states.DONE or not transition or transition._is_last_asked_for():
            super()._notify_starter()

    def _on_run_finished(self, lane=None):
        following = super()._on_run_finished(lane)
        # sudo: the state belongs to the run, whoever started it
        transition, run = self.jet_transition_id.sudo(), self.sudo()
        if transition.state in LIVE:
            self.env["cx.tower.run.queue"]._do_after_end(
                lambda: transition._plan_ended(run), f"the end of transition {transition.id}"
            )
        return following
