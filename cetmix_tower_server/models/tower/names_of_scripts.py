"""Methods under the names that scripts and addons for systems of this kind call; what they do is elsewhere."""

from odoo import api, models


class CxTowerCommand(models.Model):
    _inherit = "cx.tower.command"

    def _check_server_compatibility(self, server):
        """Return whether this command may run on a server: it is restricted to none, or to this one among others."""
        self.ensure_one()
        # sudo: what restricts it counts, whether the caller sees it or not; archived servers restrict, too
        servers = self.sudo().with_context(active_test=False).server_ids
        return not servers or server.id in servers.ids


class CxTowerPlan(models.Model):
    _inherit = "cx.tower.plan"

    def _run_single(self, server, jet_template=None, jet=None, **kwargs):
        """Start this flight plan on one server; see :meth:`cx.tower.run.target.mixin.run_flight_plan`. :return: its log"""
        self.ensure_one()
        server.ensure_one()
        return server.run_flight_plan(self, jet_template=jet_template, jet=jet, **kwargs)


class CxTowerServer(models.Model):
    _inherit = "cx.tower.server"

    def _have_access_to_server(self, operation):
        """Return whether the caller may "read", "write", ... these servers."""
        return self.has_access(operation)

    @api.model
    def _check_zombie_commands(self):
        """End the runs whose process is gone, and those whose time is over. A cron does it every minute anyway."""
        # sudo: looking after runs is the engine's own work, whoever asks for it
        self.env["cx.tower.run.queue"].sudo()._cron_dispatch()
