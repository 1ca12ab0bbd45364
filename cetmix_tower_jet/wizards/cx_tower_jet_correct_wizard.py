from odoo import fields, models


class CxTowerJetCorrectWizard(models.TransientModel):
    """Asks in which state a jet really is, and why Tower does not know it."""

    _name = "cx.tower.jet.correct.wizard"
    _description = "Tower Jet State Correction"

    jet_id = fields.Many2one("cx.tower.jet", required=True, readonly=True, ondelete="cascade")
    state_now_id = fields.Many2one(related="jet_id.state_id", string="State in Tower")
    state_id = fields.Many2one("cx.tower.jet.state", string="Real state", ondelete="cascade")
    reason = fields.Char(required=True, help="Kept in the history of the jet.")

    def action_confirm(self):
        """Correct the state. Nothing is run.

        :return: action that closes the dialog
        :raise AccessError, ValidationError, UserError: as :meth:`cx.tower.jet.correct_state`
        """
        self.ensure_one()
        # the caller's own rights count, whatever ids the wizard was created with
        self.jet_id.with_env(self.env).correct_state(self.state_id, self.reason)
        return {"type": "ir.actions.act_window_close"}
