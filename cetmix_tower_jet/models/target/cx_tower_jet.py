from odoo import models


class CxTowerJet(models.Model):
    """A jet as what commands and flight plans run on."""

    _inherit = "cx.tower.jet"

    def _run_server(self):
        return self.server_id

    def _get_variable_scope_records(self):
        self.ensure_one()
        return {"jet": self, "jet_template": self.jet_template_id, "server": self.server_id}

    def _get_secret_owners(self):
        owners = super()._get_secret_owners()
        return owners | {"partner": self.sudo().partner_id or owners["partner"]}  # sudo: as the server's

    def _get_stop_managers(self):
        return super()._get_stop_managers() | self.manager_ids
