from odoo import fields, models


class CxTowerCommandRunWizardVariableValue(models.TransientModel):
    """A value of one's own for this run."""

    _name = "cx.tower.command.run.wizard.variable.value"
    _description = "Tower Command Run Wizard Value"
    _inherit = ["cx.tower.custom.variable.value.mixin"]

    wizard_id = fields.Many2one("cx.tower.command.run.wizard", ondelete="cascade", index=True)
    variable_id = fields.Many2one(required=True)
