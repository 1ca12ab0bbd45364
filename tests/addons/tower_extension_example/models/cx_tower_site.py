from odoo import fields, models
from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest


class CxTowerSite(models.Model):
    """A website on a server: commands and flight plans run on it, with values, secrets and guards of its own."""

    _name = "cx.tower.site"
    _description = "Tower Site"
    _inherit = ["cx.tower.reference.mixin", "cx.tower.variable.mixin", "cx.tower.run.target.mixin"]

    server_id = fields.Many2one("cx.tower.server", required=True, ondelete="restrict", index=True)
    partner_id = fields.Many2one("res.partner", index="btree_not_null", help="Whose secrets count here.")
    url = fields.Char(string="URL")
    note = fields.Text()
    state = fields.Selection(
        [("offline", "Offline"), ("publishing", "Publishing"), ("online", "Online"), ("failed", "Failed")],
        default="offline",
        required=True,
        copy=False,
    )
    publishing_log_id = fields.Many2one("cx.tower.plan.log", readonly=True, copy=False, ondelete="set null")
    variable_value_ids = fields.One2many(inverse_name="site_id")

    # ------------------------------------------------------------------ as a run target

    def _run_server(self):
        return self.server_id

    def _get_variable_scope_records(self):
        return {"site": self, "server": self.server_id}

    def _get_secret_owners(self):
        owners = super()._get_secret_owners()
        return owners | {"partner": self.sudo().partner_id or owners["partner"]}  # sudo: as the server's

    def _get_python_scopes(self, run):
        return super()._get_python_scopes(run) | {"site": self}

    # ------------------------------------------------------------------ a state that follows a run

    def publish(self, plan):
        """Run a flight plan on this site, which is online when the plan has succeeded.

        :param plan: record, id or reference of the flight plan
        :return: log of the run
        :raise AccessError: the caller may not write the site, or not run the plan on it
        """
        self.ensure_one()
        self.check_access("write")
        request = RunRequest(variable_values={"published_by": self.env.user.name})
        runs = self._create_plan_runs(self._plan_argument(plan), request)
        self.write({"state": "publishing", "publishing_log_id": runs.id})
        # Dispatched last: the run may have ended when this returns, and its end looks at the site.
        self.env["cx.tower.run.backend"]._chosen()._dispatch(runs)
        return runs

    def _publishing_ended(self, run):
        """Take over how a run ended. Called in the transaction that records its end: both are committed, or neither."""
        self.state = "online" if run.state == "done" else "failed"
