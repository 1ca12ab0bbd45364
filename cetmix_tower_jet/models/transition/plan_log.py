from odoo import fields, models
from odoo.exceptions import UserError

from ...engine.asking import Asking
from .cx_tower_jet_transition import LIVE
from .refused import TransitionRefused


class CxTowerPlanLog(models.Model):
    """The run of an action's flight plan: its end moves the jet, resuming it claims the jet again."""

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

    def _on_run_finished(self, lane=None):
        following = super()._on_run_finished(lane)
        transition = self.jet_transition_id.sudo()  # sudo: the state belongs to the run, whoever started it
        if transition.state in LIVE:
            transition._plan_ended(self.sudo())  # sudo: as the transition
        return following

    def _reason_of_end(self):
        """Return in one sentence why this run did not succeed: its own message, or that of the step that failed."""
        step = self._last_step()
        if self.message:
            return self.message
        return self.env._(
            "“%(step)s” ended with exit code %(code)s. %(message)s",
            step=step.command_id.name or "",
            code=self.plan_status,
            message=step.message or "",
        )

    # ------------------------------------------------------------------ resume

    def _resumed_values(self):
        values = super()._resumed_values()
        if not self.jet_transition_id:
            return values
        transition = self.jet_transition_id._resume(self.env.user)
        return values | transition._plan_log_values()

    def _make_resumed(self, user, changed):
        resumed = super()._make_resumed(user, changed)
        transition = resumed.jet_transition_id
        if transition.state in LIVE:
            transition.plan_log_id = resumed
        return resumed


class CxTowerJetTransition(models.Model):
    """Resuming a transition that was interrupted, or failed, in its flight plan."""

    _inherit = "cx.tower.jet.transition"

    def _resume(self, user):
        """Bring the jet back into the transit state, for a run that is resumed.

        :return: new transition that continues this one
        :raise UserError: the jet is busy, or not where this transition left it
        """
        self.ensure_one()
        jet, action = self.jet_id.with_user(user).sudo(), self.action_id.with_user(user).sudo()
        # sudo: the right to resume the run was checked
        if jet.state_id != self._left_in() or not jet.active:
            raise UserError(
                self.env._(
                    "It cannot be resumed: “%(jet)s” is in state %(state)s and no longer where the interruption left it. Trigger"
                    " an action instead.",
                    jet=jet.name,
                    state=jet._state_text(jet.state_id),
                )
            )
        asking = Asking(level=self.level or "1", source=self.source)
        if self._is_journey():
            asking = asking.towards(self.journey_state_id.id or None, (self.first_transition_id or self).id)
        try:
            transition = jet._claim(action, asking, resumed=self.with_env(jet.env))
        except TransitionRefused as refused:
            raise UserError(str(refused)) from refused
        jet._set_state(self.state_transit_id)
        jet._announce()
        return transition.with_env(self.env)

    def _left_in(self):
        """Return the state in which this transition left its jet when it did not succeed."""
        return self.state_error_id or self.state_from_id
