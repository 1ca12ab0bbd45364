from odoo import fields, models


class CxTowerPlanRunWizardVariableValue(models.TransientModel):
    """A value of one's own for this run."""

    _name = "cx.tower.plan.run.wizard.variable.value"
    _description = "Tower Flight Plan Run Wizard Value"
    _inherit = ["cx.tower.custom.variable.value.mixin"]

    wizard_id = fields.Many2one("cx.tower.plan.run.wizard", ondelete="cascade", index=True)
    variable_id = fields.Many2one(required=True)
