from odoo import api, models


class CxTowerJetDependency(models.Model):
    """Open screens are told when links between jets change."""

    _inherit = "cx.tower.jet.dependency"

    def _announce_ends(self):
        links = self.sudo()  # sudo: only sends ids
        (links.jet_id | links.jet_depends_on_id)._announce()

    @api.model_create_multi
    def create(self, vals_list):
        links = super().create(vals_list)
        links._announce_ends()
        return links

    def write(self, vals):
        self._announce_ends()  # those that lose a link, too
        result = super().write(vals)
        self._announce_ends()
        return result

    def _serve_with(self, jet):
        self._announce_ends()
        result = super()._serve_with(jet)
        self._announce_ends()
        return result

    def unlink(self):
        self._announce_ends()
        return super().unlink()
