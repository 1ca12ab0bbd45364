from odoo import api, fields, models


class CxTowerFleetRun(models.Model):
    """Fleet runs on many sites."""

    _inherit = "cx.tower.fleet.run"

    site_ids = fields.Many2many("cx.tower.site", string="Sites", readonly=True)

    @api.model
    def _get_targets_fields(self):
        return ["site_ids", *super()._get_targets_fields()]
