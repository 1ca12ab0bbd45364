from odoo import api, fields, models


class CxTowerServer(models.Model):
    """The logs of a server: what people want to look at there."""

    _inherit = "cx.tower.server"

    server_log_ids = fields.One2many("cx.tower.server.log", "server_id", string="Server logs", copy=True)

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "server_log_ids"]

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals:
            logs = self.env["cx.tower.server.log"].with_context(active_test=False)
            # sudo: logs go with their server, also those above the level of the person who archives it
            logs.sudo().search([("server_id", "in", self.ids)]).active = vals["active"]
        return result
