from odoo import api, fields, models


class CxTowerPlanRunWizardVariableValue(models.TransientModel):
    """A value of one's own for this run."""

    _name = "cx.tower.plan.run.wizard.variable.value"
    _description = "Tower Flight Plan Run Wizard Value"

    wizard_id = fields.Many2one("cx.tower.plan.run.wizard", ondelete="cascade", index=True)
    variable_id = fields.Many2one("cx.tower.variable", required=True)
    value_char = fields.Char(string="Value")

    @api.constrains("variable_id")
    def _check_may_read(self):
        """The name of a variable is shown: only to those who may read it."""
        self.variable_id.with_user(self.env.user).check_access("read")
