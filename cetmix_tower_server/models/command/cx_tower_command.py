from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...engine.run_request import Instruction


class CxTowerCommand(models.Model):
    """Something Tower can run: a shell command on a host, or Python in Tower itself."""

    _name = "cx.tower.command"
    _description = "Tower Command"
    _needs_more_than_a_name = True
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.mixin",
        "cx.tower.access.role.mixin",
        "cx.tower.audience.mixin",
        "cx.tower.template.mixin",
        "cx.tower.key.mixin",
        "cx.tower.tag.mixin",
    ]
    _order = "name"

    active = fields.Boolean(default=True)
    action = fields.Selection(selection="_selection_action", required=True, default="ssh_command")
    code = fields.Text()
    path = fields.Char(help="Directory the command runs in. May contain variables.")
    note = fields.Text()
    command_help = fields.Html(compute="_compute_command_help", string="Help")
    server_ids = fields.Many2many(
        "cx.tower.server",
        "cx_tower_server_command_rel",
        "command_id",
        "server_id",
        string="Only on servers",
        help="Leave empty to allow all servers.",
    )
    os_ids = fields.Many2many(
        "cx.tower.os", "cx_tower_os_command_rel", "command_id", "os_id", string="Made for"
    )
    tag_ids = fields.Many2many("cx.tower.tag", "cx_tower_command_tag_rel", "command_id", "tag_id")
    user_ids = fields.Many2many(
        "res.users", "cx_tower_command_user_rel", "record_id", "user_id", string="Users"
    )
    manager_ids = fields.Many2many(
        "res.users", "cx_tower_command_manager_rel", "record_id", "manager_id", string="Managers"
    )
    allow_parallel_run = fields.Boolean(
        help="Allow several runs at once on the same server. Otherwise, a second start is refused."
    )
    no_split_for_sudo = fields.Boolean(
        string="Don't split for sudo",
        help="With sudo and a password, each command in “a && b” gets its own sudo. Switch on to run the code as "
        "a whole.",
    )
    server_status = fields.Selection(
        selection=lambda self: self.env["cx.tower.server"]._selection_status(),
        help="Status the server gets when the command succeeds.",
    )
    timeout_s = fields.Integer(string="Timeout (s)", help="0: the timeout of the server or of the settings.")
    idempotent = fields.Boolean(
        string="Safe to repeat", help="Running it twice does no harm, so Tower may retry it automatically."
    )
    retry_attempts = fields.Integer(default=0)
    retry_delay_s = fields.Integer(string="Retry delay (s)", default=10)
    command_log_count = fields.Integer(compute="_compute_command_log_count", help="Counted up to 10,000.")

    @api.model
    def _selection_action(self):
        """Return the actions a command can have. Extended by other addons together with a runner."""
        return [("ssh_command", "SSH command"), ("python_code", "Python code")]

    @api.model
    def _get_waiting_actions(self):
        """Return the actions whose runs do no work of their own: they start something and wait for its end.

        Extension point, see "An action that waits" in docs/developer/extending.md.
        """
        return []

    @api.model
    def _get_restricting_relations(self):
        return [*super()._get_restricting_relations(), "server_ids"]

    @api.model
    def _get_depends_fields(self):
        return [*super()._get_depends_fields(), "path"]

    def _run_settings(self):
        """Return, as plain JSON, what besides its code decides how the command runs. It is frozen with a run."""
        self.ensure_one()
        repeats = max(self.retry_attempts, 0) if self.idempotent else 0
        return {
            "timeout_s": self.timeout_s,
            "no_split_for_sudo": self.no_split_for_sudo,
            "allow_parallel_run": self.allow_parallel_run,
            "attempts": 1 + repeats,
            "retry_delay_s": max(self.retry_delay_s, 0) if repeats else 0,
            "idempotent": self.idempotent,
            "server_status": self.server_status or "",
        }

    def _action_code(self):
        """Return the text that the command runs, as it was written. Extension point: other actions keep it elsewhere."""
        return self.code or ""

    def _action_document(self):
        """Return, as plain JSON, what an action needs besides code and path. It is frozen with a run.

        Extension point: an addon that adds an action puts what it needs under a key of its own.
        """
        return {}

    def _instruction(self, request):
        """Return what a run of this command by itself carries out.

        :param request: :class:`engine.run_request.RunRequest`
        :return: :class:`engine.run_request.Instruction`
        """
        self.ensure_one()
        return Instruction(
            command_id=self.id,
            action=self.action,
            name=self.name,
            code=self._action_code() if request.code is None else request.code,
            path=(self.path if request.path is None else request.path) or "",
            sudo=request.sudo,
            settings=self._run_settings(),
            details=self._action_document(),
            typed_code=request.code,
            typed_path=request.path or None,
        )

    def _get_incompatibilities(self, servers):
        """Return {server id: why the command may not run there, or False}."""
        self.ensure_one()
        return {
            server.id: not self._check_server_compatibility(server)
            and self.env._(
                "“%(command)s” is restricted to other servers than %(server)s.",
                command=self.name,
                server=server.name,
            )
            for server in servers
        }

    @api.model
    def _ad_hoc_command(self, action):
        """Return the command that logs of typed code of this action belong to, readable for managers.

        :raise ValidationError: the action cannot be typed
        """
        command = self.env.ref(f"cetmix_tower_server.command_ad_hoc_{action}", raise_if_not_found=False)
        if not command:
            raise ValidationError(self.env._("Code of type “%s” cannot be entered for a run.", action))
        return command

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        self.env["cx.tower.command.log"]._check_no_active_runs("command_id", self)

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_runs(self):
        self.env["cx.tower.command.log"]._outlive("command_id", self)
        self.env["cx.tower.command.log"]._outlive_sources("command_id", self)

    def action_open_command_logs(self):
        """Open the runs of this command.

        :raise AccessError: the caller may not read it
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "cetmix_tower_server.action_cx_tower_command_log"
        )
        return action | {"domain": [("command_id", "=", self.id)], "context": {}}

    def action_run_command(self):
        """Open the run wizard for this command.

        :raise AccessError: the caller may not read it
        """
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Run Command"),
            "res_model": "cx.tower.command.run.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_command_id": self.id},
        }

    def _compute_command_log_count(self):
        counts = self.env["cx.tower.command.log"]._count_by("command_id", self)
        for command in self:
            command.command_log_count = counts.get(command.id, 0)
