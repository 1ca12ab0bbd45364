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

    def _name_of(self, what, servers):
        if servers._name != "cx.tower.jet" or len(servers) == 1:
            return super()._name_of(what, servers)
        return self.env._("%(what)s on %(count)s jets", what=what, count=len(servers))
