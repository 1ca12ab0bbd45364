"""Compatibility: methods under the names that existing scripts and addons call. They only delegate."""

from odoo import api, models


class CxTowerCommand(models.Model):
    _inherit = "cx.tower.command"

    def _check_server_compatibility(self, server):
        """Return whether this command may run on ``server``: it is not restricted to servers, or this is one of them."""
        self.ensure_one()
        # sudo: the restriction applies even if the caller may not see the servers; archived servers count, too
        servers = self.sudo().with_context(active_test=False).server_ids
        return not servers or server.id in servers.ids


class CxTowerPlan(models.Model):
    _inherit = "cx.tower.plan"

    def _run_single(self, server, jet_template=None, jet=None, **kwargs):
        """Start this flight plan on one server; see :meth:`cx.tower.run.target.mixin.run_flight_plan`.

        :return: log of the run
        """
        self.ensure_one()
        server.ensure_one()
        return server.run_flight_plan(self, jet_template=jet_template, jet=jet, **kwargs)


class CxTowerServer(models.Model):
    _inherit = "cx.tower.server"

    def _have_access_to_server(self, operation):
        """Return whether the caller may perform ``operation`` ("read", "write" ...) on these servers."""
        return self.has_access(operation)

    @api.model
    def _check_zombie_commands(self):
        """End runs whose process is gone or whose time limit has passed. A cron does the same every minute."""
        # sudo: the engine's own maintenance; it only ends runs that are lost already
        self.env["cx.tower.run.queue"].sudo()._cron_dispatch()
