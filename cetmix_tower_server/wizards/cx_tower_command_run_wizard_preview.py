from odoo import fields, models


class CxTowerCommandRunWizardPreview(models.TransientModel):
    """What will run on one server; secrets are shown by name only."""

    _name = "cx.tower.command.run.wizard.preview"
    _description = "Tower Command Run Wizard Preview"

    wizard_id = fields.Many2one("cx.tower.command.run.wizard", ondelete="cascade", index=True)
    server_id = fields.Many2one("cx.tower.server", readonly=True)
    rendered_code = fields.Text(readonly=True)
    path = fields.Char(readonly=True)
    use_sudo = fields.Selection(
        [("n", "Without password"), ("p", "With password")], string="Sudo", readonly=True
    )
    error = fields.Text(readonly=True)
