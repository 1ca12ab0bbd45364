from odoo import models
from odoo.exceptions import UserError

from ...engine.asking import REQUEST, UPKEEP, Asking
from .cx_tower_jet_transition import LIVE
from .refused import TransitionRefused


class CxTowerPlanLog(models.Model):
    """Resuming the run of an action claims the jet again."""

    _inherit = "cx.tower.plan.log"

    def _resumed_values(self):
        values = super()._resumed_values()
        if not self.jet_transition_id:
            self._check_moves_no_jet()
            return values
        transition = self.jet_transition_id._resume(self.env.user)
        return values | transition._plan_log_values()

    def _check_moves_no_jet(self):
        """Raise UserError for the run of an action whose transition was deleted: its flight plan alone would not move the jet."""
        if self.jet_action_id:
            raise UserError(
                self.env._(
                    "“%(run)s” cannot be continued: it was deleted from the history of the jet. Trigger “%(action)s” again.",
                    run=self.name,
                    action=self.jet_action_id.name,
                )
            )

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
        reason = self._why_not_resumed(jet)
        if reason:
            raise UserError(self.env._("It cannot be resumed: %s Trigger an action instead.", reason))
        if not self.state_from_id:
            jet._take_place_again()
        asking = Asking(level=self._level_of_rest(self.jet_id.with_user(user)), source=self.source)
        if self._is_journey():
            asking = asking.towards(self.journey_state_id.id or None, (self.first_transition_id or self).id)
        try:
            transition = jet._claim(action, asking, resumed=self.with_env(jet.env))
        except TransitionRefused as refused:
            raise UserError(str(refused)) from refused
        transition._take_up_again()
        jet._announce()
        return transition.with_env(self.env)

    def _take_up_again(self):
        """Let the jet be again where the run of this transition, which continues another one, was. Extension point."""
        if self.state_transit_id:
            self.jet_id._set_state(self.state_transit_id)

    def _why_not_resumed(self, jet):
        """Return why this transition can no longer be continued on its jet, as a sentence; "" if it can."""
        if jet._is_busy():
            return self.env._("“%(jet)s” is busy: %(busy)s.", jet=jet.name, busy=jet._busy_text())
        if not jet.active:
            return self.env._("“%s” is archived.", jet.name)
        if jet.state_id != self._left_in():
            return self.env._(
                "“%(jet)s” is in state %(state)s and no longer where the interruption left it.",
                jet=jet.name,
                state=jet._state_text(jet.state_id),
            )
        last = jet._last_transition()
        if self.source != UPKEEP and (self.parent_id or self) != last:
            return self.env._(
                "on “%(jet)s”, “%(last)s” has followed, so it is no longer where the interruption left it.",
                jet=jet.name,
                last=last.action_name or "",
            )
        return ""

    def _level_of_rest(self, jet):
        """Return the highest level of actions that may follow when this transition is resumed.

        :param jet: with the rights of the person who resumes it
        """
        level = self.level or "1"
        # What a request needs was decided by the author of the dependency, whoever continues it.
        return level if self.source == REQUEST else min(level, jet._level_of_caller())
