from odoo import fields, models


class CxTowerPlanRunWizardPreview(models.TransientModel):
    """What a flight plan will do on one server; secrets are shown by name only."""

    _name = "cx.tower.plan.run.wizard.preview"
    _description = "Tower Flight Plan Run Wizard Preview"

    wizard_id = fields.Many2one("cx.tower.plan.run.wizard", ondelete="cascade", index=True)
    server_id = fields.Many2one("cx.tower.server", readonly=True)
    lines = fields.Json(readonly=True, help="The lines of the dry run, one below the other.")
    notes = fields.Text(readonly=True, help="What the dry run says about the server and the plan as a whole.")
    error = fields.Text(readonly=True)
