from odoo import models
from odoo.exceptions import UserError

from .cx_tower_jet_transition import LIVE, RUNNING, STOPPED


class CxTowerJetTransition(models.Model):
    """Stopping a transition."""

    _inherit = "cx.tower.jet.transition"

    def _stop(self, user):
        """Stop these transitions: the flight plan that runs, or the waiting. The end follows when the host has confirmed it.

        :param user: who stops them; they were allowed to. Empty: a time limit was reached
        """
        for transition in self.filtered(lambda one: one.state in LIVE):
            transition.stop_requested_by_id = user
            if transition.state == RUNNING and transition.plan_log_id:
                self.env["cx.tower.run.stop"]._ask(transition.plan_log_id, user)
            else:
                by_person = user and self.env._("Stopped by %s.", user.name)
                transition._end(STOPPED, by_person or self.env._("Stopped at a time limit."))


class CxTowerJet(models.Model):
    """Stopping what a jet is busy with."""

    _inherit = "cx.tower.jet"

    def stop(self):
        """Stop what these jets are busy with. Journeys end with it.

        :return: True
        :raise UserError: one of them is not busy
        :raise AccessError: the caller may not: who started it, Managers of the jet or of its server, and Root may
        """
        self.check_access("read")
        for jet in self:
            if not jet._is_busy():
                raise UserError(self.env._("“%s” is not busy: there is nothing to stop.", jet.name))
            jet._check_may_stop()
        self.sudo().current_transition_id._stop(self.env.user)  # sudo: the right was checked
        return True
