from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CxTowerOs(models.Model):
    """An operating system; says what commands were made for, restricts nothing."""

    _name = "cx.tower.os"
    _description = "Tower Operating System"
    _inherit = ["cx.tower.reference.mixin"]
    _order = "name, id"

    color = fields.Integer(export_string_translation=False)
    parent_id = fields.Many2one(
        "cx.tower.os",
        string="Previous version",
        ondelete="restrict",
        index="btree_not_null",
        help="The version that this one follows.",
    )

    @api.constrains("parent_id")
    def _check_parent_id(self):
        if self._has_cycle():
            raise ValidationError(self.env._("An operating system cannot come before itself."))
