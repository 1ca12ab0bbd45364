from odoo import fields, models


class CxTowerPlanRunWizardPreview(models.TransientModel):
    """What a flight plan will do on one server; secrets are shown by name only."""

    _name = "cx.tower.plan.run.wizard.preview"
    _description = "Tower Flight Plan Run Wizard Preview"

    wizard_id = fields.Many2one("cx.tower.plan.run.wizard", ondelete="cascade", index=True)
    server_id = fields.Many2one("cx.tower.server", readonly=True)
    lines = fields.Json(readonly=True, help="What `_plan_preview` of the server returned.")
    error = fields.Text(readonly=True)
