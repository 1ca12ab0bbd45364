from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from ..engine.errors import ConnectError, EngineError
from ..engine.ssh import address
from ..engine.ssh.probe import fetch_host_key
from ..engine.ssh.target import Credential, Target
from ..models.base.fields import SecretChar
from ..models.server.host_key import FETCH_LIMIT_S, bounded, parse_key

# Fields that start with the template's values. Unchanged ones are copied from the template, as superuser.
FROM_TEMPLATE = ("color", "os_id", "tag_ids", "ssh_port", "ssh_username", "ssh_key_id", "use_sudo")


class CxTowerServerTemplateCreateWizard(models.TransientModel):
    """Asks for what a new server needs besides its template: name, address, different values, host key."""

    _name = "cx.tower.server.template.create.wizard"
    _description = "Tower Server Template Create Wizard"
    _inherit = ["cx.tower.vault.mixin"]

    SECRET_FIELDS = ("ssh_password",)

    server_template_id = fields.Many2one(
        "cx.tower.server.template", string="Template", required=True, ondelete="cascade"
    )
    name = fields.Char(string="Server name", required=True)
    partner_id = fields.Many2one("res.partner", ondelete="cascade")
    color = fields.Integer()
    os_id = fields.Many2one("cx.tower.os", string="Operating system", ondelete="set null")
    tag_ids = fields.Many2many(
        "cx.tower.tag",
        "cx_tower_server_template_create_wizard_tag_rel",
        "wizard_id",
        "tag_id",
        string="Tags",
    )
    ip_v4_address = fields.Char(string="IPv4 address or host name")
    ip_v6_address = fields.Char(string="IPv6 address or host name")
    ssh_port = fields.Integer(string="SSH port", default=22, aggregator=None)
    ssh_username = fields.Char(string="SSH user")
    ssh_auth_mode = fields.Selection([("p", "Password"), ("k", "Key")], string="Log in with", default="p")
    ssh_password = SecretChar(
        string="SSH password", help="Overrides the template's. Stored encrypted and never shown again."
    )
    has_template_password = fields.Boolean(compute="_compute_has_template_password")
    ssh_key_id = fields.Many2one(
        "cx.tower.key", string="SSH key", domain=[("key_type", "=", "k")], ondelete="cascade"
    )
    use_sudo = fields.Selection([("n", "Without password"), ("p", "With password")], string="Sudo")
    host_key = fields.Text(string="Public key", help="As in known_hosts: type and base64.")
    host_key_fingerprint = fields.Char(string="Fingerprint", compute="_compute_host_key_fingerprint")
    fetched_host_key = fields.Text(readonly=True)
    fetched_fingerprint = fields.Char(string="Presented by the host", compute="_compute_host_key_fingerprint")
    fetch_error = fields.Text(readonly=True)
    skip_host_key = fields.Boolean(string="Skip host key check")
    flight_plan_name = fields.Char(compute="_compute_flight_plan_name")
    line_ids = fields.One2many("cx.tower.server.template.create.wizard.line", "wizard_id", string="Values")
    has_missing_required_values = fields.Boolean(compute="_compute_missing_required_variables")
    missing_required_variables = fields.Text(compute="_compute_missing_required_variables")
    missing_required_variables_message = fields.Text(compute="_compute_missing_required_variables")

    @api.constrains("server_template_id", "partner_id", "os_id")
    def _check_may_read(self):
        """Refuse records that the user may not read, which a caller over RPC could name."""
        for name in ("server_template_id", "partner_id", "os_id"):
            self[name].with_user(self.env.user).check_access("read")

    @api.constrains("ssh_key_id", "server_template_id")
    def _check_key(self):
        """Refuse a key that the user may not read, unless it is the template's."""
        for wizard in self:
            # sudo: only to compare the keys
            if wizard.ssh_key_id != wizard.server_template_id.sudo().ssh_key_id:
                wizard.ssh_key_id.with_user(self.env.user).check_access("read")

    @api.constrains("host_key")
    def _check_host_key_is_public_key(self):
        for wizard in self:
            if wizard.host_key and not parse_key(wizard.host_key):
                raise ValidationError(
                    self.env._("The host key is not a valid public key. Enter one like “ssh-ed25519 AAAA…”.")
                )

    # ------------------------------------------------------------------ values from the template

    @api.model_create_multi
    def create(self, vals_list):
        """Fill in missing values from the template, so that scripts only need to pass different ones."""
        return super().create([{**self._template_vals(vals), **vals} for vals in vals_list])

    @api.model
    def _template_vals(self, vals):
        """Return the values that a new wizard gets from its template, as far as its user may read them."""
        template_id = vals.get("server_template_id") or self.env.context.get("default_server_template_id")
        template = self.env["cx.tower.server.template"].browse(template_id or ())
        if not template:
            return {}
        given = {name: template[name] for name in (*FROM_TEMPLATE, "ssh_auth_mode") if template[name]}
        given["line_ids"] = [
            Command.create(
                {
                    "variable_value_id": value.id,
                    "variable_id": value.variable_id.id,
                    "option_id": value.option_id.id,
                    "value_char": value.value_char,
                }
            )
            for value in template._variable_values()
        ]
        return self._convert_to_write(given)

    def _get_links_given_by_others(self, values):
        template = self.env["cx.tower.server.template"].browse(values.get("server_template_id") or ())
        if not template.has_access("read"):
            return super()._get_links_given_by_others(values)
        # sudo: only the id of the key, which whoever may read the template may use for servers
        return super()._get_links_given_by_others(values) | {"ssh_key_id": template.sudo().ssh_key_id.ids}

    @api.onchange("server_template_id")
    def _onchange_server_template_id(self):
        empty = {"ssh_port": 22, "ssh_auth_mode": "p"}
        vals = self._template_vals({"server_template_id": self.server_template_id.id})
        for name in (*FROM_TEMPLATE, "ssh_auth_mode"):
            self[name] = vals.get(name, empty.get(name, False))
        self.line_ids = [Command.clear(), *vals.get("line_ids", ())]

    @api.depends("server_template_id")
    def _compute_has_template_password(self):
        for wizard in self:
            wizard.has_template_password = bool(wizard.server_template_id._origin.ssh_password)

    @api.depends("server_template_id")
    def _compute_flight_plan_name(self):
        for wizard in self:
            # sudo: only the name of the plan, which the user must know before creating the server
            wizard.flight_plan_name = wizard.server_template_id.sudo().flight_plan_id.name

    @api.depends("line_ids.value_char", "line_ids.option_id", "line_ids.variable_id", "server_template_id")
    def _compute_missing_required_variables(self):
        for wizard in self:
            template = wizard.server_template_id._origin
            missing, empty = [], []
            if template:
                given = {reference: text for reference, (text, _option) in wizard._given_values().items()}
                missing, empty = template._find_unmet_variables(given, wizard._left_out())
            names = ", ".join([*missing, *empty])
            wizard.has_missing_required_values = bool(names)
            wizard.missing_required_variables = names
            wizard.missing_required_variables_message = bool(names) and self.env._(
                "These values are required: %s", names
            )

    def _given_values(self):
        """Return {variable reference: (text, option)} of the lines."""
        return {
            line.variable_id.reference: (line.value_char or "", line.option_id)
            for line in self.line_ids
            if line.variable_id
        }

    def _left_out(self):
        """Return the references of the template's values whose lines were removed."""
        values = self.server_template_id._origin._variable_values()
        return set(values.mapped("variable_reference")) - set(self._given_values())

    # ------------------------------------------------------------------ host key

    @api.depends("host_key", "fetched_host_key")
    def _compute_host_key_fingerprint(self):
        for wizard in self:
            for source, name in (
                ("host_key", "host_key_fingerprint"),
                ("fetched_host_key", "fetched_fingerprint"),
            ):
                key = parse_key(wizard[source])
                wizard[name] = key.fingerprint if key else False

    def action_fetch_host_key(self):
        """Ask the host for its key and show it, for a person to compare. No credentials are sent to the host.

        :return: action that shows this wizard again, with the key or the error
        :raise AccessError: the caller may not read the template
        """
        self.ensure_one()
        self.check_access("write")
        self.server_template_id.check_access("read")
        try:
            key = fetch_host_key(bounded(self._target__(), FETCH_LIMIT_S))
            self.write({"fetched_host_key": str(key), "fetch_error": False})
        except (EngineError, ValueError) as error:
            self.write({"fetched_host_key": False, "fetch_error": str(error)})
        return self._action_reopen()

    def action_accept_host_key(self):
        """Use the key that was fetched for the new server.

        :return: action that shows this wizard again
        """
        self.ensure_one()
        self.check_access("write")
        if not self.fetched_host_key:
            raise UserError(self.env._("Get the key from the host first."))
        self.write({"host_key": self.fetched_host_key, "fetched_host_key": False, "skip_host_key": False})
        return self._action_reopen()

    def _target__(self):
        """Return the engine's Target of the new server, without credentials."""
        host = address.normalise(self.ip_v4_address or self.ip_v6_address or "")
        if not host:
            raise ConnectError(self.env._("Enter the address of the server first."))
        settings = self.env["cx.tower.settings"]._get()
        # sudo: the jump host of the new server, which its creator need not see; it goes to the engine only
        jump = self.server_template_id.sudo().jump_server_id
        return Target(
            host=host,
            port=self.ssh_port,
            username=self.ssh_username or "",
            credential=Credential(),
            host_key=None,
            skip_host_key=False,
            settings=jump.browse()._connect_settings(settings),
            jump=jump._connection_target__() if jump else None,
            name=self.name or "",
        )

    def _action_reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Create Server"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
        }

    # ------------------------------------------------------------------ the server

    def action_confirm(self):
        """Create the server and start its flight plan after creation.

        :return: action that opens the server
        :raise AccessError: the caller may not use the template, or a record that was chosen instead of the template's
        :raise ValidationError: required values (all in one message) or login settings are missing
        """
        self.ensure_one()
        self.check_access("write")
        values = self._given_values()
        server = self.server_template_id._create_new_server(
            self.name,
            partner=self.partner_id,
            configuration_variables={reference: text for reference, (text, _option) in values.items()},
            configuration_variable_options={
                reference: option.reference for reference, (_text, option) in values.items() if option
            },
            left_out=self._left_out(),
            **self._server_values__(),
        )
        # Unlike scripts, the user of a wizard can complete what is missing.
        server._check_addresses()
        server._check_ssh_key()
        server._check_password_stored()
        return {
            "type": "ir.actions.act_window",
            "name": server.name,
            "res_model": server._name,
            "res_id": server.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    def _server_values__(self):
        """Return the fields of the server that were filled in, or differ from the template's."""
        values = {
            name: self[name]
            for name in (
                "ip_v4_address",
                "ip_v6_address",
                "ssh_port",
                "ssh_username",
                "ssh_auth_mode",
                "use_sudo",
                "color",
                "host_key",
                "skip_host_key",
            )
        }
        template = self.server_template_id
        if self.os_id != template.os_id:
            values["os_id"] = self.os_id.id
        if self.tag_ids != template.tag_ids:
            values["tag_ids"] = [Command.set(self.tag_ids.ids)]
        if self.ssh_key_id != template.ssh_key_id:
            values["ssh_key_id"] = self.ssh_key_id.id
        # sudo: the password that the user has entered here, on its way to the server
        password = self.sudo()._get_secret_value__("ssh_password")
        if password:
            values["ssh_password"] = password.reveal()
        return values


class CxTowerServerTemplateCreateWizardLine(models.TransientModel):
    """A value of a variable for a new server."""

    _name = "cx.tower.server.template.create.wizard.line"
    _description = "Tower Server Template Create Wizard Value"
    _inherit = ["cx.tower.custom.variable.value.mixin"]
    _order = "id"

    wizard_id = fields.Many2one(
        "cx.tower.server.template.create.wizard", required=True, ondelete="cascade", index=True
    )
    variable_id = fields.Many2one(required=True)
    value_char = fields.Char(help="May use other variables: /srv/{{ customer }}.")

    @api.constrains("variable_id", "option_id", "value_char")
    def _check_value_char(self):
        """Check the value. Unlike custom values of a run, it is stored on the server, so it may use variables."""
        for line in self.filtered("variable_id"):
            line.variable_id._check_template_syntax(line.value_char, line.variable_id.name)
            line.variable_id._check_value(line.value_char, line.option_id)

    @api.onchange("value_char", "variable_id")
    def _onchange_value_char(self):
        return self.variable_id._warn_value(self.value_char)
