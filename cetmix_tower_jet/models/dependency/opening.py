from odoo import models
from odoo.exceptions import UserError


class CxTowerJetDependency(models.Model):
    """Opening the jets on both ends of a link."""

    _inherit = "cx.tower.jet.dependency"

    def action_open_served_by(self):
        """Open the jet that serves this dependency.

        :return: window action
        :raise AccessError: the caller may not read the link or that jet
        :raise UserError: no jet serves it yet
        """
        self.ensure_one()
        return self._action_open_jet("jet_depends_on_id")

    def action_open_jet(self):
        """Open the jet that has this dependency.

        :return: window action
        :raise AccessError: the caller may not read the link or that jet
        """
        self.ensure_one()
        return self._action_open_jet("jet_id")

    def _action_open_jet(self, name):
        self.check_access("read")
        jet = self[name]
        if not jet:
            raise UserError(self.env._("No jet serves “%s” yet.", self.display_name))
        jet.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": jet._name,
            "res_id": jet.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }
