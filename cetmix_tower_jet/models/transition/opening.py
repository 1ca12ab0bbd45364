from odoo import models
from odoo.exceptions import UserError


class CxTowerJetTransition(models.Model):
    """Opening what a transition has run."""

    _inherit = "cx.tower.jet.transition"

    def action_open_run(self):
        """Open the flight plan run of this transition.

        :return: window action
        :raise AccessError: the caller may not read the transition or the run
        :raise UserError: nothing ran, or the run was deleted
        """
        self.ensure_one()
        self.check_access("read")
        run = self.plan_log_id
        if not run:
            raise UserError(
                self.env._(
                    "“%s” has no flight plan run: it ran nothing so far, or the run was deleted.",
                    self.display_name,
                )
            )
        run.check_access("read")
        return run._action_open()
