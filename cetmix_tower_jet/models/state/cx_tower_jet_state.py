from odoo import api, fields, models


class CxTowerJetState(models.Model):
    """A state that jets can be in: running, stopped, ... Any template may use any state."""

    _name = "cx.tower.jet.state"
    _description = "Tower Jet State"
    _inherit = ["cx.tower.reference.mixin", "cx.tower.access.mixin"]
    _order = "sequence, id"

    name = fields.Char(translate=True)
    sequence = fields.Integer(default=10, aggregator=None, help="Order on the board and in the status bar.")
    active = fields.Boolean(default=True)
    color = fields.Integer(export_string_translation=False)
    note = fields.Text()
    access_level = fields.Selection(default="1", help="The lowest level that can bring a jet to this state.")

    @api.model
    def _default_access_level(self):
        return "1"
