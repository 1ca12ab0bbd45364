from odoo import fields, models


class CxTowerCommandRunWizardVariableValue(models.TransientModel):
    """A value of one's own for this run."""

    _name = "cx.tower.command.run.wizard.variable.value"
    _description = "Tower Command Run Wizard Value"

    wizard_id = fields.Many2one("cx.tower.command.run.wizard", ondelete="cascade", index=True)
    variable_id = fields.Many2one("cx.tower.variable", required=True)
    value_char = fields.Char(string="Value")
