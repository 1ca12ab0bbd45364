from odoo import fields, models


class CxTowerJetTemplateInstallLine(models.Model):
    """One template of an installation: what its install plan runs on."""

    _name = "cx.tower.jet.template.install.line"
    _description = "Tower Jet Template Installation Line"
    _inherit = ["cx.tower.run.target.mixin"]
    _order = "order desc, id"

    order = fields.Integer(aggregator=None, help="The highest number is installed first.")
    jet_template_install_id = fields.Many2one(
        "cx.tower.jet.template.install", required=True, ondelete="cascade", index=True
    )
    jet_template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="cascade", index=True
    )
    server_id = fields.Many2one(related="jet_template_install_id.server_id", store=True, index=True)
    state = fields.Selection(
        [("to_process", "To do"), ("processing", "Processing"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        default="to_process",
    )
    plan_log_id = fields.Many2one(
        "cx.tower.plan.log", string="Run", ondelete="set null", index="btree_not_null"
    )
    message = fields.Text()

    def _run_server(self):
        return self.server_id

    def _get_variable_scope_records(self):
        self.ensure_one()
        return {"jet_template": self.jet_template_id, "server": self.server_id}
