from odoo import api, fields, models


class CxTowerFleetRun(models.Model):
    """Fleet runs on jets."""

    _inherit = "cx.tower.fleet.run"

    jet_ids = fields.Many2many(
        "cx.tower.jet",
        "cx_tower_fleet_run_jet_rel",
        "fleet_run_id",
        "jet_id",
        string="Jets",
        readonly=True,
    )

    @api.model
    def _get_targets_fields(self):
        return ["jet_ids", *super()._get_targets_fields()]
