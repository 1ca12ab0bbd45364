from odoo import api, fields, models

LISTED = 5


class CxTowerJetTransferWizard(models.TransientModel):
    """Transfers a jet to another server, and explains before what that makes, runs and switches."""

    _name = "cx.tower.jet.transfer.wizard"
    _description = "Tower Jet Transfer Wizard"
    _inherit = ["cx.tower.jet.explanation.mixin"]

    jet_id = fields.Many2one("cx.tower.jet", required=True, ondelete="cascade")
    server_from_id = fields.Many2one(related="jet_id.server_id", string="From")
    server_id = fields.Many2one(
        "cx.tower.server",
        string="To",
        required=True,
        ondelete="cascade",
        compute="_compute_server_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    destroy_original = fields.Boolean(
        string="Destroy the original afterwards",
        help="Off: what is on the present server stays there, under another name, until you destroy it.",
    )
    server_domain = fields.Binary(compute="_compute_choices", export_string_translation=False)
    server_message = fields.Text(compute="_compute_choices")
    problem = fields.Text(string="Why it cannot be transferred", compute="_compute_explanation")
    warning = fields.Text(compute="_compute_explanation")
    explanation = fields.Html(
        string="What will happen", compute="_compute_explanation", sanitize=False, readonly=True
    )

    @api.constrains("jet_id", "server_id")
    def _check_may_read(self):
        """Refuse records that the user may not read, which a caller over RPC could name."""
        for name in ("jet_id", "server_id"):
            self[name].with_user(self.env.user).check_access("read")

    @api.depends("jet_id")
    @api.depends_context("uid")
    def _compute_choices(self):
        for wizard in self:
            jet = wizard.jet_id._origin
            servers, reasons = jet._other_servers() if jet else (self.env["cx.tower.server"], [])
            if jet and not servers and not reasons:
                reasons = [
                    self.env._(
                        "“%s” is not installed on another server that you have access to. Install it there first.",
                        jet.sudo().jet_template_id.name,  # sudo: of a jet that the caller may read
                    )
                ]
            wizard.server_domain = [("id", "in", servers.ids)]
            wizard.server_message = "\n".join(reasons[:LISTED] + (["…"] if len(reasons) > LISTED else []))

    @api.depends("jet_id")
    def _compute_server_id(self):
        for wizard in self:
            servers = wizard.jet_id._origin._other_servers()[0] if wizard.jet_id else wizard.server_id
            wizard.server_id = wizard.server_id or (servers if len(servers) == 1 else False)

    # ------------------------------------------------------------------ explanation

    @api.depends("jet_id", "server_id", "destroy_original")
    @api.depends_context("uid")
    def _compute_explanation(self):
        for wizard in self:
            jet, server = wizard.jet_id._origin, wizard.server_id._origin
            wizard.update({"problem": False, "warning": False, "explanation": False})
            if not jet or not server:
                continue
            jet.check_access("read")
            server.check_access("read")
            plan = jet._plan_transfer(server, wizard.destroy_original)
            wizard.problem = "\n".join(plan["problems"]) or False
            wizard.warning = "\n".join(plan["warnings"]) or False
            wizard.explanation = wizard._explain(plan)

    def _explain(self, plan):
        jet = self.jet_id
        items = [
            self.env._("“%(jet)s (transfer)” on %(server)s", jet=jet.name, server=self.server_id.name),
            self.env._("The values of variables that “%s” has of its own", jet.name),
            *self._value_texts(plan),
            self.env._("The logs of “%s”", jet.name),
        ]
        return self._as_html(items, plan, plan["last"])

    # ------------------------------------------------------------------ the transfer

    def action_confirm(self):
        """Begin the transfer.

        :return: action that opens it
        :raise AccessError, ValidationError, UserError: see :meth:`cx.tower.jet.transfer`
        """
        self.ensure_one()
        self.check_access("write")
        result = self.jet_id.transfer(self.server_id, self.destroy_original)
        return self.env["cx.tower.jet.transfer"].browse(result["transfer"])._action_open()
