from odoo import api, fields, models
from odoo.exceptions import UserError

from ...engine import states
from ..base.engine_context import heard

RUN_MODELS = ("cx.tower.command.log", "cx.tower.plan.log")


class CxTowerServer(models.Model):
    """A host that commands run on: its owner, its people, its status and its runs.

    See ``connection.py`` for how Tower logs in, ``host_key.py`` and ``connection_test.py`` for these.
    """

    _name = "cx.tower.server"
    _description = "Tower Server"
    _needs_more_than_a_name = True
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.role.mixin",
        "cx.tower.variable.mixin",
        "cx.tower.metadata.mixin",
        "cx.tower.tag.mixin",
        "cx.tower.vault.mixin",
        "cx.tower.run.target.mixin",
        "mail.thread",
        "mail.activity.mixin",
    ]
    _order = "name, id"

    active = fields.Boolean(default=True)
    color = fields.Integer(export_string_translation=False)
    partner_id = fields.Many2one("res.partner", tracking=True, index="btree_not_null")
    status = fields.Selection(
        selection="_selection_status",
        copy=False,
        tracking=True,
        help="Set by commands, by hand or by scripts. Empty: unknown.",
    )
    url = fields.Char(string="URL", help="Address of the application that runs on this server.")
    os_id = fields.Many2one("cx.tower.os", string="Operating system", index="btree_not_null")
    tag_ids = fields.Many2many(
        "cx.tower.tag", "cx_tower_server_tag_rel", "server_id", "tag_id", string="Tags"
    )
    note = fields.Text()
    user_ids = fields.Many2many(
        "res.users",
        "cx_tower_server_user_rel",
        "record_id",
        "user_id",
        string="Users",
        help="They see the server and run commands of level User on it.",
    )
    manager_ids = fields.Many2many(
        "res.users",
        "cx_tower_server_manager_rel",
        "record_id",
        "manager_id",
        string="Managers",
        groups="cetmix_tower_server.group_manager",
        help="They change the server, its values and secrets, and stop runs on it.",
    )
    variable_value_ids = fields.One2many(inverse_name="server_id")
    secret_ids = fields.One2many(
        "cx.tower.key.value",
        "server_id",
        string="Secrets",
        copy=True,
        groups="cetmix_tower_server.group_manager",
    )
    command_ids = fields.Many2many(
        "cx.tower.command", "cx_tower_server_command_rel", "server_id", "command_id", string="Commands"
    )
    plan_ids = fields.Many2many(
        "cx.tower.plan",
        "cx_tower_plan_cx_tower_server_rel",
        "cx_tower_server_id",
        "cx_tower_plan_id",
        string="Flight plans",
    )
    command_log_ids = fields.One2many("cx.tower.command.log", "server_id", string="Command log")
    command_log_count = fields.Integer(
        string="Runs", compute="_compute_command_log_count", help="Counted up to 10,000."
    )
    plan_log_ids = fields.One2many("cx.tower.plan.log", "server_id", string="Flight plan log")
    plan_log_count = fields.Integer(
        string="Flight plan runs", compute="_compute_plan_log_count", help="Counted up to 10,000."
    )
    last_run_date = fields.Datetime(string="Last run at", compute="_compute_last_run")
    last_run_state = fields.Selection(states.LABELS, string="Last run", compute="_compute_last_run")

    @api.model
    def _selection_status(self):
        """Return the statuses of a server. Extension point."""
        return [
            ("stopped", "Stopped"),
            ("starting", "Starting"),
            ("running", "Running"),
            ("stopping", "Stopping"),
            ("restarting", "Restarting"),
            ("deleting", "Deleting"),
            ("delete_error", "Deletion failed"),
        ]

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "variable_value_ids"]

    @api.model
    def _get_linked_access_fields(self):
        # Managers of a server have rights on its key, and connect through its jump host.
        return [*super()._get_linked_access_fields(), "ssh_key_id", "jump_server_id"]

    @api.model
    def _get_links_left_out_of_copies(self):
        return [*super()._get_links_left_out_of_copies(), "ssh_key_id", "jump_server_id", "plan_delete_id"]

    @api.model
    def _empty_hint(self):
        if self._may_create():
            return self.env._(
                "You see the servers of which you are a User or Manager. Add one under Servers, or ask a Manager of the"
                " server you need."
            )
        return self.env._(
            "You see the servers of which you are a User. A Manager of a server, or Root, can add you on its Access tab."
        )

    def _get_copyable(self):
        """Return the servers that the caller may write: a copy includes how to log in to the host."""
        return super()._get_copyable()._filtered_access("write")

    def _compute_last_run(self):
        """Find the last run that the caller may see, ignoring steps of flight plans. Four queries for any number of servers."""
        newest = []
        for model in RUN_MODELS:
            runs = self.env[model]._newest_by("server_id", self, self._domain_of_started_runs(model))
            self.env[model].concat(*runs.values()).fetch(
                ["state", "queued_date", "start_date", "finish_date"]
            )
            newest.append(runs)
        for server in self:
            # of runs queued in the same second the plan counts: it may have started the command
            found = [runs[server.id] for runs in reversed(newest) if server.id in runs]
            last = max(found, key=lambda run: run.queued_date, default=None)
            server.last_run_date = last and (last.finish_date or last.start_date or last.queued_date)
            server.last_run_state = last and last.state

    def _compute_command_log_count(self):
        self._count_runs("cx.tower.command.log", "command_log_count")

    def _compute_plan_log_count(self):
        self._count_runs("cx.tower.plan.log", "plan_log_count")

    def _count_runs(self, model, field_name):
        counts = self.env[model]._count_by("server_id", self, self._domain_of_started_runs(model))
        for server in self:
            server[field_name] = counts.get(server.id, 0)

    @api.model
    def _domain_of_started_runs(self, model):
        """Return the domain of a model's runs that are not part of another run. Extension point."""
        parent = {"cx.tower.command.log": "plan_log_id", "cx.tower.plan.log": "parent_flight_plan_log_id"}[
            model
        ]
        return [(parent, "=", False)]

    # ------------------------------------------------------------------ archive, delete

    def server_toggle_active(self):
        """Archive the active servers and restore the archived ones.

        :return: True
        :raise AccessError: the caller may not write one of them
        """
        self.check_access("write")
        active = self.filtered("active")
        active.action_archive()
        (self - active).action_unarchive()
        return True

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals:
            values = self.env["cx.tower.variable.value"].with_context(active_test=False)
            # sudo: values follow their server, including those above the access level of the caller, who may write it
            values.sudo().search([("server_id", "in", self.ids)]).active = vals["active"]
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        """Refuse to delete a server with active runs: they would continue unseen on the host."""
        if heard(self.env, "server_force_delete"):
            return
        # sudo: runs of other people count, too; they are only counted
        running = (
            self.env["cx.tower.command.log"]
            .sudo()
            ._read_group(
                [("server_id", "in", self.ids), ("state", "in", list(states.ACTIVE))],
                ["server_id"],
                ["__count"],
            )
        )
        if running:
            server, count = running[0]
            raise UserError(
                self.env._(
                    "%(server)s (%(reference)s) cannot be deleted while it has unfinished runs: %(count)s. Wait for them or"
                    " stop them, then try again.",
                    server=server.name,
                    reference=server.reference or "",
                    count=count,
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_runs(self):
        """Keep the runs in the log. Active ones, which only a forced deletion leaves, are ended first."""
        for model in RUN_MODELS:
            # sudo: whoever may delete the server ends all runs on it
            active = self.env[model].sudo().search([("server_id", "in", self.ids), ("is_running", "=", True)])
            active._end_with_server()
            self.env[model]._outlive("server_id", self)

    # ------------------------------------------------------------------ as a run target

    def _run_server(self):
        return self

    # ------------------------------------------------------------------ actions

    def action_run_command(self):
        """Open the wizard that runs a command on these servers.

        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Run Command"),
            "res_model": "cx.tower.command.run.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {**self.env.context, "default_server_ids": self.ids},
        }

    def action_open_command_logs(self):
        """Open the command logs of these servers.

        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Command Log"),
            "res_model": "cx.tower.command.log",
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [("server_id", "in", self.ids)],
            "context": {
                "search_default_filter_no_plan": 1,
                "search_default_filter_no_server_log": 1,
                **({"search_default_server_id": self.id} if len(self) == 1 else {}),
            },
        }

    def action_run_flight_plan(self):
        """Open the wizard that runs a flight plan on these servers.

        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Run Flight Plan"),
            "res_model": "cx.tower.plan.run.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {**self.env.context, "default_server_ids": self.ids},
        }

    def action_open_plan_logs(self):
        """Open the flight plan logs of these servers.

        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.action_cx_tower_plan_log")
        context = {"search_default_filter_main": 1}
        if len(self) == 1:
            context["search_default_server_id"] = self.id
        return action | {"domain": [("server_id", "in", self.ids)], "context": context}
