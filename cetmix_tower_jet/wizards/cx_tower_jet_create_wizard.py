from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

AUTOMATIC, MANUAL = "a", "m"
NO, YES = "n", "y"


class CxTowerJetCreateWizard(models.TransientModel):
    """Launches a jet, and explains before what that makes, uses, starts and runs."""

    _name = "cx.tower.jet.create.wizard"
    _description = "Tower Jet Create Wizard"
    _inherit = ["cx.tower.jet.explanation.mixin"]

    jet_template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="cascade"
    )
    server_id = fields.Many2one(
        "cx.tower.server",
        required=True,
        ondelete="cascade",
        compute="_compute_server_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    name_type = fields.Selection(
        [(AUTOMATIC, "Automatic"), (MANUAL, "Enter a name")], string="Name", required=True, default=AUTOMATIC
    )
    name = fields.Char(string="Jet name")
    url_type = fields.Selection(
        [(AUTOMATIC, "Set by the jet's flight plans"), (MANUAL, "Enter a URL")],
        string="URL",
        required=True,
        default=AUTOMATIC,
    )
    url = fields.Char(string="Address")
    note = fields.Text()
    partner_id = fields.Many2one(
        "res.partner",
        ondelete="cascade",
        compute="_compute_partner_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    state_id = fields.Many2one(
        "cx.tower.jet.state",
        string="Target state",
        ondelete="cascade",
        compute="_compute_state_id",
        store=True,
        readonly=False,
        precompute=True,
        help="The jet is brought to this state. Empty: the jet is created, and nothing runs.",
    )
    use_custom_variables = fields.Selection(
        [(NO, "Those of the template"), (YES, "Enter values")],
        string="Values",
        required=True,
        compute="_compute_use_custom_variables",
        store=True,
        readonly=False,
        precompute=True,
    )
    line_ids = fields.One2many(
        "cx.tower.jet.create.wizard.variable.line",
        "wizard_id",
        string="Custom values",
    )
    jet_template_domain = fields.Binary(compute="_compute_choices", export_string_translation=False)
    server_domain = fields.Binary(compute="_compute_choices", export_string_translation=False)
    state_domain = fields.Binary(compute="_compute_choices", export_string_translation=False)
    jet_template_message = fields.Text(compute="_compute_choices")
    problem = fields.Text(string="Why it cannot be launched", compute="_compute_explanation")
    explanation = fields.Html(
        string="What will happen", compute="_compute_explanation", sanitize=False, readonly=True
    )

    @api.model
    def _chosen_records(self):
        """Return the fields whose records the user chooses."""
        return "jet_template_id", "server_id", "partner_id", "state_id"

    @api.constrains(lambda self: self._chosen_records())
    def _check_may_read(self):
        """Refuse records that the user may not read, which a caller over RPC could name."""
        for name in self._chosen_records():
            self[name].with_user(self.env.user).check_access("read")

    # ------------------------------------------------------------------ what can be chosen

    @api.depends("jet_template_id", "server_id")
    @api.depends_context("uid")
    def _compute_choices(self):
        launchable = self._launchable_templates()
        for wizard in self:
            template, server = wizard.jet_template_id._origin, wizard.server_id._origin
            offered = launchable.filtered("show_in_create_wizard") | (template & launchable)
            wizard.jet_template_domain = [("id", "in", offered.ids)]
            servers = self.env["cx.tower.server"].search(
                # sudo: where templates are that the caller may launch; only servers that they may read are found
                [("id", "in", (template or offered).sudo().server_ids.ids)]
            )
            wizard.server_domain = [("id", "in", servers.ids)]
            wizard.state_domain = [("id", "in", wizard._reachable_states().ids)]
            wizard.jet_template_message = self._message_about(offered, template, server, servers)

    @api.model
    def _launchable_templates(self):
        """Return the templates that the caller may launch jets of, as the caller."""
        user = self.env.user
        own = Domain("user_ids", "in", user.ids) | Domain("manager_ids", "in", user.ids)
        if user.has_group("cetmix_tower_server.group_root"):
            own = Domain.TRUE
        # sudo: the people of a template, which Users do not see; only templates that the caller may read are left
        found = self.env["cx.tower.jet.template"].sudo().search(own & Domain("server_ids", "!=", False))
        return found.with_env(self.env)._filtered_access("read")

    def _message_about(self, offered, template, server, servers):
        """Return a sentence for somebody who finds nothing to choose, "" otherwise."""
        if not offered:
            return self.env._(
                "There is nothing that you can launch. A Manager of a jet template can add you to its Users, and it must be"
                " installed on a server that you have access to."
            )
        if template and not servers:
            return self.env._("“%s” is not installed on a server that you have access to.", template.name)
        # sudo: whether a template that is offered is installed there
        if server and not template and not any(server in one.sudo().server_ids for one in offered):
            return self.env._("Nothing that you can launch is installed on “%s”.", server.name)
        return ""

    def _reachable_states(self):
        """Return the states that the caller can bring a new jet to."""
        template = self.jet_template_id._origin
        if not template:
            return self.env["cx.tower.jet.state"]
        level = template._level_on_new_jets()
        reachable = template._lifecycle(level).reachable(None)
        domain = [("id", "in", [one for one in reachable if one]), ("access_level", "<=", level)]
        return self.env["cx.tower.jet.state"].search(domain)

    # ------------------------------------------------------------------ defaults

    @api.depends("jet_template_id")
    def _compute_server_id(self):
        """Keep a server that the template is installed on; choose the only one."""
        for wizard in self:
            template = wizard.jet_template_id._origin
            installed = template.sudo().server_ids  # sudo: where it is; only readable ones are found
            servers = self.env["cx.tower.server"].search([("id", "in", installed.ids)], limit=2)
            if not template or wizard.server_id._origin in installed.with_env(self.env):
                wizard.server_id = wizard.server_id
            else:
                wizard.server_id = servers if len(servers) == 1 else False

    @api.depends("server_id")
    def _compute_partner_id(self):
        for wizard in self:
            partner = wizard.server_id._origin.partner_id
            wizard.partner_id = wizard.partner_id or (partner if partner.has_access("read") else False)

    @api.depends("jet_template_id")
    def _compute_state_id(self):
        for wizard in self:
            # sudo: which action it is; states that the caller cannot choose are left out
            create = wizard.jet_template_id._origin.sudo().action_create_id
            wizard.state_id = create.state_to_id.with_env(self.env) & wizard._reachable_states()

    @api.depends("jet_template_id")
    def _compute_use_custom_variables(self):
        for wizard in self:
            template = wizard.jet_template_id._origin
            wizard.use_custom_variables = YES if template and template._find_missing_values({}) else NO

    @api.onchange("jet_template_id", "use_custom_variables")
    def _onchange_values(self):
        """Show the values of the template, so that they can be changed."""
        template = self.jet_template_id._origin
        shown = self.line_ids.variable_value_id._origin
        if self.use_custom_variables != YES or (template and shown.jet_template_id == template):
            return
        # only those that the caller may read
        values = template._values_of_template().with_env(self.env)._filtered_access("read")
        self.line_ids = [Command.clear()] + [
            Command.create(
                {
                    "variable_value_id": value.id,
                    "variable_id": value.variable_id.id,
                    "option_id": value.option_id.id,
                    "value_char": value.value_char,
                }
            )
            for value in values
            if not value.sudo()._asks_for_allocation()  # sudo: whether, not what
        ]

    @api.model_create_multi
    def create(self, vals_list):
        """Read what scripts pass without the choice before it: a name, a URL, values."""
        choices = (
            ("name", "name_type", MANUAL),
            ("url", "url_type", MANUAL),
            ("line_ids", "use_custom_variables", YES),
        )
        return super().create(
            [
                {**{choice: value for name, choice, value in choices if vals.get(name)}, **vals}
                for vals in vals_list
            ]
        )

    # ------------------------------------------------------------------ explanation

    def _own_texts(self):
        """Return {variable reference: text} of the values that differ from the template's."""
        if self.use_custom_variables != YES:
            return {}
        return {
            line.variable_id.reference: line.value_char or ""
            for line in self.line_ids
            if line.variable_id and line._is_own()
        }

    @api.depends(
        "jet_template_id",
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
        for wizard in self:
            template, server = wizard.jet_template_id._origin, wizard.server_id._origin
            if not template or not server:
                wizard.update({"problem": False, "explanation": False})
                continue
            template.check_access("read")
            server.check_access("read")
            plan = wizard._plan(template, server)
            wizard.problem = "\n".join([*plan["problems"], *wizard._problems_with_entries(template)]) or False
            wizard.explanation = wizard._explain(plan)

    def _plan(self, template, server):
        """Return what confirming would do, see ``cx.tower.jet.template._plan_launch``."""
        return template._plan_launch(server, self.state_id._origin, self._own_texts())

    def _present_texts(self):
        """Return {variable reference: text} of all values that the jet would have of its own."""
        return self._own_texts()

    def _problems_with_entries(self, template):
        """Return sentences about what is missing or wrong in the form."""
        problems = []
        missing = template._find_missing_values(self._present_texts())
        if missing:
            names = ", ".join(missing.mapped("name"))
            problems.append(self.env._("These values are required: %s.", names))
        if self.url_type == MANUAL and self.url and not self.env["cetmix.tower"].is_valid_url(self.url):
            problems.append(
                self.env._(
                    "“%s” is not a valid URL. Enter a full address, such as https://shop.example.com.",
                    self.url,
                )
            )
        entered = template._problem_with_user_texts(
            self.name_type == MANUAL and self.name, self.url_type == MANUAL and self.url, self._own_texts()
        )
        return [*problems, entered] if entered else problems

    def _explain(self, plan):
        """Return the explanation as HTML: a list of what is made, used, started and run."""
        return self._as_html([self._name_text(), *self._value_texts(plan)], plan)

    def _name_text(self):
        if self.name_type == MANUAL and self.name:
            return self.env._("“%(name)s” on %(server)s", name=self.name, server=self.server_id.name)
        return self.env._(
            "“%(template)s”, followed by a random ID, on %(server)s",
            template=self.jet_template_id.name,
            server=self.server_id.name,
        )

    # ------------------------------------------------------------------ the jet

    def action_confirm(self):
        """Create the jet and bring it to the target state.

        :return: action that opens the jet
        :raise AccessError, ValidationError, UserError: see :meth:`cx.tower.jet.template.create_jet`
        """
        self.ensure_one()
        self.check_access("write")
        if self.name_type == MANUAL and not (self.name or "").strip():
            raise UserError(self.env._("Enter a name for the new jet, or choose an automatic one."))
        jet = self.jet_template_id.create_jet(
            self.server_id,
            name=self.name if self.name_type == MANUAL else None,
            state=self.state_id or False,
            url=(self.url_type == MANUAL and self.url) or None,
            note=self.note or None,
            partner_id=self.partner_id.id or None,
            variable_values=self._own_texts(),
        )
        return {
            "type": "ir.actions.act_window",
            "name": jet.name,
            "res_model": jet._name,
            "res_id": jet.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }


class CxTowerJetCreateWizardVariableLine(models.TransientModel):
    """A value of a variable for a new jet."""

    _name = "cx.tower.jet.create.wizard.variable.line"
    _description = "Tower Jet Create Wizard Value"
    _inherit = ["cx.tower.custom.variable.value.mixin"]
    _order = "id"

    wizard_id = fields.Many2one("cx.tower.jet.create.wizard", required=True, ondelete="cascade", index=True)
    variable_id = fields.Many2one(required=True)
    value_char = fields.Char(help="May use other variables: /srv/{{ customer }}.")

    def _is_own(self):
        """Return whether the jet gets this value as its own: it is not what the template says anyway."""
        template = self.variable_value_id
        if not template:
            return True
        return (self.value_char or "") != (template.value_char or "")

    @api.constrains("variable_id", "option_id", "value_char")
    def _check_value_char(self):
        """Check the value. Unlike custom values of a run, it is stored on the jet, so it may use variables."""
        for line in self.filtered("variable_id"):
            line.variable_id._check_template_syntax(line.value_char, line.variable_id.name)
            line.variable_id._check_value(line.value_char, line.option_id)

    @api.onchange("value_char", "variable_id")
    def _onchange_value_char(self):
        return self.variable_id._warn_value(self.value_char)
