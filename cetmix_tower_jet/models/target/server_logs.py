from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.models.server_log.cx_tower_server_log import MANAGER


class CxTowerServerLog(models.Model):
    """Logs of jets, and the logs that the jets of a template get."""

    _inherit = "cx.tower.server.log"

    jet_id = fields.Many2one("cx.tower.jet", ondelete="cascade", index="btree_not_null")
    jet_template_id = fields.Many2one(
        "cx.tower.jet.template",
        string="Jet template",
        ondelete="cascade",
        index="btree_not_null",
        groups=MANAGER,
        help="Each new jet of this template gets a copy of this log.",
    )
    server_id = fields.Many2one(compute="_compute_server_id", store=True, readonly=False, precompute=True)

    @api.depends("jet_id")
    def _compute_server_id(self):
        for log in self:
            log.server_id = log.sudo().jet_id.server_id or log.server_id  # sudo: a jet names its server

    @api.model
    def _get_target_fields(self):
        return ["jet_id", *super()._get_target_fields()]

    @api.model
    def _get_owner_fields(self):
        return [*super()._get_owner_fields(), "jet_id", "jet_template_id"]

    def _owner_count(self):
        on_server_of_jet = bool(self.jet_id and self.server_id == self.jet_id.server_id)
        return super()._owner_count() - on_server_of_jet

    @api.model
    def _get_linked_access_fields(self):
        return [*super()._get_linked_access_fields(), "jet_id", "jet_template_id"]

    @api.model
    def _get_rights_owner_fields(self):
        return ["jet_id", "jet_template_id", *super()._get_rights_owner_fields()]
