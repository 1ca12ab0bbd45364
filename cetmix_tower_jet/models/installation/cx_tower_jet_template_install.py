from odoo import fields, models


class CxTowerJetTemplateInstall(models.Model):
    """The installation of a template, and of those it needs, on one server; or its removal."""

    _name = "cx.tower.jet.template.install"
    _description = "Tower Jet Template Installation"
    _order = "id desc"

    jet_template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="cascade", index=True
    )
    server_id = fields.Many2one("cx.tower.server", required=True, ondelete="cascade", index=True)
    user_id = fields.Many2one("res.users", string="Started by", ondelete="set null")
    action = fields.Selection(
        [("install", "Install"), ("uninstall", "Uninstall")], required=True, default="install"
    )
    state = fields.Selection(
        [("processing", "Processing"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        default="processing",
        index=True,
    )
    message = fields.Text()
    date_done = fields.Datetime(string="Ended")
    line_ids = fields.One2many(
        "cx.tower.jet.template.install.line", "jet_template_install_id", string="Templates"
    )
    current_line_id = fields.Many2one("cx.tower.jet.template.install.line", ondelete="set null")

    _one_at_a_time = models.UniqueIndex(
        "(jet_template_id, server_id) WHERE state = 'processing'",
        "This template is already being installed on, or removed from, this server.",
    )
