from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CxTowerOs(models.Model):
    """An operating system: a hint which servers a command is made for, not a restriction."""

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
        help="The version before this one.",
    )

    @api.constrains("parent_id")
    def _check_parent_id(self):
        if self._has_cycle():
            raise ValidationError(
                self.env._("An operating system cannot be its own previous version. Choose another one.")
            )
