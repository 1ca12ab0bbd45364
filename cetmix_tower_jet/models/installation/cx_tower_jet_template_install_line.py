from odoo import api, fields, models


class CxTowerJetTemplateInstallLine(models.Model):
    """One template of an installation: what its install plan, or uninstall plan, runs on."""

    _name = "cx.tower.jet.template.install.line"
    _description = "Tower Jet Template Installation Line"
    _inherit = ["cx.tower.run.target.mixin"]
    _order = "order desc, id"
    _rec_names_search = ("jet_template_id", "server_id")

    name = fields.Char(compute="_compute_name")
    order = fields.Integer(readonly=True, aggregator=None, help="The highest number is installed first.")
    jet_template_install_id = fields.Many2one(
        "cx.tower.jet.template.install", required=True, readonly=True, ondelete="cascade", index=True
    )
    jet_template_id = fields.Many2one(
        "cx.tower.jet.template",
        string="Jet template",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    server_id = fields.Many2one(related="jet_template_install_id.server_id", store=True, index=True)
    state = fields.Selection(
        [("to_process", "To do"), ("processing", "Processing"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        readonly=True,
        default="to_process",
    )
    plan_log_id = fields.Many2one(
        "cx.tower.plan.log", string="Run", readonly=True, ondelete="set null", index="btree_not_null"
    )
    message = fields.Text(readonly=True)

    _one_plan_at_a_time = models.UniqueIndex(
        "(jet_template_id, server_id) WHERE state = 'processing'",
        "This template is being installed on, or removed from, this server by another installation.",
    )

    @api.depends("jet_template_id", "server_id")
    def _compute_name(self):
        for line in self.sudo():  # sudo: whoever may read an installation may know what is installed where
            line.name = f"{line.jet_template_id.name or ''} ({line.server_id.name or ''})"

    # ------------------------------------------------------------------ as a run target

    def _run_server(self):
        return self.server_id

    def _get_variable_scope_records(self):
        self.ensure_one()
        return {"jet_template": self.jet_template_id, "server": self.server_id}
