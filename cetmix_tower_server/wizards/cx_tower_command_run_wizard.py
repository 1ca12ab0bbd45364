from dataclasses import replace

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..engine.run_request import RunRequest

PREVIEW_LIMIT = 20  # servers in the preview; the run includes all


class CxTowerCommandRunWizard(models.TransientModel):
    """Runs a command, or code entered here, on one or many servers, and shows before what will run where."""

    _name = "cx.tower.command.run.wizard"
    _description = "Tower Command Run Wizard"
    _inherit = ["cx.tower.run.wizard.mixin"]

    server_tag_ids = fields.Many2many(relation="cx_tower_command_run_wizard_server_tag_rel")
    action = fields.Selection(selection="_selection_action", required=True, default="ssh_command")
    tag_ids = fields.Many2many("cx.tower.tag", string="With tags")
    command_domain = fields.Binary(compute="_compute_command_domain")
    empty_hint = fields.Char(compute="_compute_command_domain")
    command_id = fields.Many2one("cx.tower.command")
    note = fields.Text(related="command_id.note", related_sudo=False)
    is_ad_hoc = fields.Boolean(
        string="Write code here", help="Run other code than the command's. It is logged like any other run."
    )
    may_write_code = fields.Boolean(compute="_compute_may_write_code")
    code = fields.Text(compute="_compute_code", store=True, readonly=False, compute_sudo=False)
    path = fields.Char(
        compute="_compute_code",
        store=True,
        readonly=False,
        compute_sudo=False,
        help="Working directory of the command. May contain variables.",
    )
    has_sudo = fields.Boolean(compute="_compute_has_sudo")
    use_sudo = fields.Boolean(string="Use sudo", help="Run with sudo, as set on each server.")
    custom_variable_value_ids = fields.One2many(
        "cx.tower.command.run.wizard.variable.value", "wizard_id", string="Custom values"
    )
    preview_ids = fields.One2many(
        "cx.tower.command.run.wizard.preview", "wizard_id", compute="_compute_preview_ids"
    )
    preview_message = fields.Char(compute="_compute_preview_ids")
    os_compatibility_warning = fields.Text(compute="_compute_os_compatibility_warning")

    @api.model
    def _selection_action(self):
        """Return the actions of commands that can be run by hand."""
        runnable = {"ssh_command", "python_code"}
        return [entry for entry in self.env["cx.tower.command"]._selection_action() if entry[0] in runnable]

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        command_id = values.get("command_id") or self.env.context.get("default_command_id")
        if command_id:
            values["action"] = self.env["cx.tower.command"].browse(command_id).action
        return values

    @api.constrains(lambda self: ["command_id", *self._get_target_fields()])
    def _check_may_read(self):
        """Refuse records that the user may not read, which a caller over RPC could name."""
        for wizard in self:
            wizard.command_id.with_user(self.env.user).check_access("read")
            wizard._targets().with_user(self.env.user).check_access("read")

    @api.depends("action", "applicability", "server_ids", "tag_ids")
    def _compute_command_domain(self):
        for wizard in self:
            domain = [("action", "=", wizard.action)]
            wizard.command_domain, wizard.empty_hint = wizard._offer("cx.tower.command", domain)

    @api.depends("action")
    def _compute_may_write_code(self):
        Command_ = self.env["cx.tower.command"]
        for wizard in self:
            try:
                Command_._check_may_write_code(wizard.action)
                wizard.may_write_code = True
            except AccessError:
                wizard.may_write_code = False

    @api.depends("command_id", "is_ad_hoc")
    def _compute_code(self):
        for wizard in self:
            typed = wizard.is_ad_hoc  # starts with the command's code; later changes are kept
            wizard.code = wizard.code if typed and wizard.code else wizard.command_id.code
            wizard.path = wizard.path if typed and wizard.path else wizard.command_id.path

    @api.depends("server_ids")
    def _compute_has_sudo(self):
        for wizard in self:
            # sudo: only whether any of the servers uses sudo
            wizard.has_sudo = any(server._sudo_mode() for server in wizard.server_ids._origin.sudo())

    @api.onchange("action")
    def _onchange_action(self):
        if self.command_id.action != self.action:
            self.command_id = False

    @api.onchange("command_id")
    def _onchange_command_id(self):
        self.custom_variable_value_ids = [Command.clear()]

    @api.depends("command_id.os_ids", "server_ids")
    def _compute_os_compatibility_warning(self):
        for wizard in self:
            made_for = wizard.command_id.os_ids
            # sudo: only the operating systems of servers that the user may read
            others = wizard.server_ids._origin.sudo().filtered(
                lambda server, made_for=made_for: made_for and server.os_id not in made_for
            )
            wizard.os_compatibility_warning = bool(others) and self.env._(
                "This command is made for %(made_for)s. Check whether it works on %(servers)s.",
                made_for=", ".join(made_for.mapped("name")),
                servers=", ".join(others.mapped("name")),
            )

    @api.depends(
        lambda self: [
            *self._get_target_fields(),
            "command_id",
            "is_ad_hoc",
            "code",
            "path",
            "use_sudo",
            "action",
            "custom_variable_value_ids.variable_id",
            "custom_variable_value_ids.value_char",
        ]
    )
    def _compute_preview_ids(self):
        for wizard in self:
            targets = wizard._targets()._origin
            rows = wizard._preview_rows(targets[:PREVIEW_LIMIT])
            wizard.preview_ids = [Command.clear(), *(Command.create(row) for row in rows)]
            more = len(targets) - PREVIEW_LIMIT
            wizard.preview_message = more > 0 and self.env._("… and on %s more servers.", more)

    def _preview_rows(self, targets):
        """Return what will run on each target, rendered by the method that starts the run."""
        command = self._command()
        if not command:
            return []
        request = self._request()
        try:
            targets._check_may_run(command, request)
        except (AccessError, ValidationError) as error:
            return [{**self._target_values(target), "error": str(error)} for target in targets]
        rows = []
        for target in targets:
            values = target._prepare_run(command, request)
            rows.append(
                {
                    **self._target_values(target),
                    "rendered_code": values.get("code"),
                    "path": values.get("path"),
                    "use_sudo": values.get("use_sudo"),
                    "error": values.get("message"),
                }
            )
        return rows

    def _command(self):
        if self.is_ad_hoc:
            return self.env["cx.tower.command"]._ad_hoc_command(self.action) if self.code else None
        return self.command_id

    def _request(self):
        """Return the :class:`engine.run_request.RunRequest` that the form describes."""
        return RunRequest(
            variable_values=self._custom_values(),
            path=self._path(),
            sudo=self.use_sudo,
            code=self._ad_hoc_code(),
        )

    def _ad_hoc_code(self):
        return (self.code or "") if self.is_ad_hoc else None

    def _path(self):
        return self.path if self.is_ad_hoc or (self.path or "") != (self.command_id.path or "") else None

    def action_run_command(self):
        """Start the run on every selected server and open it."""
        return self.run_command_on_server()

    def run_command_on_server(self):
        """Start the run on every selected server.

        :return: action that shows the log, or the fleet run if there are several servers
        """
        self.ensure_one()
        command = self._command()
        if not command:
            raise UserError(self.env._("Choose a command, or enter the code to run."))
        request, targets = self._request(), self._targets()
        if len(targets) > 1:
            return self._start_fleet(command, request)
        request = replace(request, label=self.env["cetmix.tower"].generate_random_id(2))
        return targets._start_command_runs(command, request)._action_open()


class CxTowerCommandRunWizardPreview(models.TransientModel):
    """What will run on one server. Secrets are shown by name only."""

    _name = "cx.tower.command.run.wizard.preview"
    _description = "Tower Command Run Wizard Preview"

    wizard_id = fields.Many2one("cx.tower.command.run.wizard", ondelete="cascade", index=True)
    server_id = fields.Many2one("cx.tower.server", readonly=True)
    rendered_code = fields.Text(readonly=True)
    path = fields.Char(readonly=True)
    use_sudo = fields.Selection(
        [("n", "Without password"), ("p", "With password")], string="Sudo", readonly=True
    )
    error = fields.Text(readonly=True)


class CxTowerCommandRunWizardVariableValue(models.TransientModel):
    """A custom value for this run."""

    _name = "cx.tower.command.run.wizard.variable.value"
    _description = "Tower Command Run Wizard Value"
    _inherit = ["cx.tower.custom.variable.value.mixin"]

    wizard_id = fields.Many2one("cx.tower.command.run.wizard", ondelete="cascade", index=True)
    variable_id = fields.Many2one(required=True)
