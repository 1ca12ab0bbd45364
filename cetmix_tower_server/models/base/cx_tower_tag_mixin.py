from odoo import fields, models


class CxTowerTagMixin(models.AbstractModel):
    """Tags to find and group records by."""

    _name = "cx.tower.tag.mixin"
    _description = "Tower tag mixin"

    tag_ids = fields.Many2many("cx.tower.tag", string="Tags")
