from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from .cx_tower_jet_create_wizard import AUTOMATIC, MANUAL, NO, YES

COPY = "c"
#: Reasons why servers are not offered, at most.
LISTED = 5


class CxTowerJetCloneWizard(models.TransientModel):
    """Clones a jet, and explains before what that makes, uses, starts and runs."""

    _name = "cx.tower.jet.clone.wizard"
    _description = "Tower Jet Clone Wizard"
    _inherit = "cx.tower.jet.create.wizard"

    jet_id = fields.Many2one("cx.tower.jet", string="Original", required=True, ondelete="cascade")
    jet_template_id = fields.Many2one(related="jet_id.jet_template_id", required=False, readonly=True)
    same_server = fields.Selection(
        [(YES, "Its own"), (NO, "Another one")],
        string="Server of the clone",
        required=True,
        compute="_compute_same_server",
        store=True,
        readonly=False,
        precompute=True,
    )
    name_type = fields.Selection(
        [(AUTOMATIC, "That of the original, with “(clone)”"), (MANUAL, "Enter a name")]
    )
    use_custom_variables = fields.Selection(
        selection_add=[(COPY, "Copied from the original"), (YES, "Copied, with changes")],
        ondelete={COPY: "cascade"},
    )
    line_ids = fields.One2many("cx.tower.jet.clone.wizard.variable.line", "wizard_id")

    @api.model
    def _chosen_records(self):
        return "jet_id", "server_id", "partner_id", "state_id"

    # ------------------------------------------------------------------ what can be chosen

    @api.depends("jet_id", "same_server")
    @api.depends_context("uid")
    def _compute_choices(self):
        for wizard in self:
            jet = wizard.jet_id._origin
            servers, reasons = jet._other_servers() if jet else (self.env["cx.tower.server"], [])
            wizard.jet_template_domain = []
            wizard.server_domain = [("id", "in", servers.ids)]
            wizard.state_domain = [("id", "in", wizard._reachable_states().ids)]
            wizard.jet_template_message = wizard.same_server == NO and wizard._server_message(
                servers, reasons
            )

    def _server_message(self, servers, reasons):
        """Return why servers are not offered, "" if all of them are."""
        if not servers and not reasons:
            return self.env._(
                "“%s” is not installed on another server that you have access to. Install it there first.",
                self.jet_template_id.name,
            )
        return "\n".join(reasons[:LISTED] + (["…"] if len(reasons) > LISTED else []))

    # ------------------------------------------------------------------ defaults

    @api.depends("jet_id")
    def _compute_same_server(self):
        for wizard in self:
            jet = wizard.jet_id._origin
            own = jet.server_id
            wizard.same_server = NO if jet and not jet._clone_plan(own) else YES

    @api.depends("jet_id", "same_server")
    def _compute_server_id(self):
        for wizard in self:
            jet, chosen = wizard.jet_id._origin, wizard.server_id._origin
            if not jet or wizard.same_server != NO:
                wizard.server_id = jet.server_id
            elif not chosen or chosen == jet.server_id:
                servers = jet._other_servers()[0]
                wizard.server_id = servers if len(servers) == 1 else False
            else:
                wizard.server_id = chosen

    @api.depends("jet_id")
    def _compute_partner_id(self):
        for wizard in self:
            partner = wizard.jet_id._origin.partner_id
            wizard.partner_id = partner if partner.has_access("read") else False

    @api.depends("jet_id")
    def _compute_state_id(self):
        for wizard in self:
            jet = wizard.jet_id._origin
            wizard.state_id = jet._settled_state() & wizard._reachable_states() if jet else False

    @api.depends("jet_id")
    def _compute_use_custom_variables(self):
        self.use_custom_variables = COPY

    @api.onchange("jet_id", "use_custom_variables")
    def _onchange_values(self):
        """Show the values of the original and of the template, so that they can be changed."""
        if self.use_custom_variables != YES or self.line_ids:
            return
        own = self._own_values_of_original()
        of_template = self.jet_template_id._origin._values_of_template().with_env(self.env)
        shown = {value.variable_id: value for value in (*of_template._filtered_access("read"), *own)}
        self.line_ids = [
            Command.create(
                {
                    "variable_value_id": value.id,
                    "variable_id": value.variable_id.id,
                    "option_id": value.option_id.id,
                    "value_char": value.value_char,
                }
            )
            for value in shown.values()
            if not value.variable_id.allocation
        ]

    def _own_values_of_original(self):
        """Return the values that the original has of its own and that the caller may read; allocated ones are chosen anew."""
        domain = [("jet_id", "=", self.jet_id._origin.id), ("variable_id.allocation", "=", False)]
        return self.env["cx.tower.variable.value"].search(domain)

    # ------------------------------------------------------------------ explanation

    @api.depends(
        "jet_id",
        "same_server",
        "server_id",
        "state_id",
        "name_type",
        "name",
        "url_type",
        "url",
        "use_custom_variables",
        "line_ids.value_char",
        "line_ids.option_id",
        "line_ids.variable_id",
    )
    def _compute_explanation(self):
        return super()._compute_explanation()

    def _plan(self, template, server):
        self.jet_id._origin.check_access("read")
        return self.jet_id._origin._plan_clone(server, self.state_id._origin, self._own_texts())

    @property
    def _copies_values(self):
        return self.use_custom_variables != NO

    def _present_texts(self):
        if not self._copies_values:
            return self._own_texts()
        # sudo: only whether values are there; those above the caller's level are copied, too
        copied = self.jet_id._origin.sudo()._values_for_clone()
        return self.jet_template_id._origin._texts_of(copied) | self._own_texts()

    def _explain(self, plan):
        items = [self._name_text(), self._values_text(), *self._value_texts(plan)]
        items.append(self.env._("The logs and scheduled tasks of “%s”", self.jet_id.name))
        return self._as_html(items, plan)

    def _values_text(self):
        if not self._copies_values:
            return self.env._("The values of variables of the template")
        own = self.env._("The values of variables that “%s” has of its own", self.jet_id.name)
        changed = len(self._own_texts())
        return (
            self.env._("%(values)s, changed ones: %(count)s", values=own, count=changed) if changed else own
        )

    def _name_text(self):
        if self.name_type == MANUAL and self.name:
            return super()._name_text()
        return self.env._(
            "“%(name)s (clone)” on %(server)s", name=self.jet_id.name, server=self.server_id.name
        )

    # ------------------------------------------------------------------ the clone

    def action_confirm(self):
        """Clone the jet.

        :return: action that opens the clone
        :raise AccessError, ValidationError, UserError: see :meth:`cx.tower.jet.clone`
        """
        self.ensure_one()
        self.check_access("write")
        if self.name_type == MANUAL and not (self.name or "").strip():
            raise UserError(self.env._("Enter a name for the new jet, or choose an automatic one."))
        clone = self.jet_id.clone(
            server=self.server_id,
            name=self.name if self.name_type == MANUAL else None,
            state=self.state_id or False,
            copy_values=self._copies_values,
            url=(self.url_type == MANUAL and self.url) or None,
            note=self.note or None,
            partner_id=self.partner_id.id,
            variable_values=self._own_texts(),
        )
        return {
            "type": "ir.actions.act_window",
            "name": clone.name,
            "res_model": clone._name,
            "res_id": clone.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }


class CxTowerJetCloneWizardVariableLine(models.TransientModel):
    """A value of a variable for a clone."""

    _name = "cx.tower.jet.clone.wizard.variable.line"
    _description = "Tower Jet Clone Wizard Value"
    _inherit = "cx.tower.jet.create.wizard.variable.line"

    wizard_id = fields.Many2one("cx.tower.jet.clone.wizard")
