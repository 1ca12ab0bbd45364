from odoo import models


class CxTowerJetTransition(models.Model):
    """Opening what a transition has run."""

    _inherit = "cx.tower.jet.transition"

    def action_open_run(self):
        """Open the flight plan run of this transition.

        :return: window action
        :raise AccessError: the caller may not read the run
        """
        self.ensure_one()
        run = self.plan_log_id
        run.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": run._name,
            "res_id": run.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }
