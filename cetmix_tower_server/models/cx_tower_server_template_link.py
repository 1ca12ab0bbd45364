from odoo import fields, models


class CxTowerServer(models.Model):
    """Where a server comes from."""

    _inherit = "cx.tower.server"

    server_template_id = fields.Many2one(
        "cx.tower.server.template",
        string="Made from template",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )
