from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..run.history import SOURCES


class CxTowerAutomationMixin(models.AbstractModel):
    """Something prepared once that runs one command or one flight plan: shortcuts, scheduled tasks."""

    _name = "cx.tower.automation.mixin"
    _description = "Tower automation mixin"

    action = fields.Selection(
        [("command", "Command"), ("plan", "Flight plan")], string="Runs a", required=True, default="command"
    )
    command_id = fields.Many2one(
        "cx.tower.command",
        ondelete="cascade",
        index="btree_not_null",
        domain=lambda self: [("action", "in", self._get_command_actions())],
    )
    plan_id = fields.Many2one(
        "cx.tower.plan", string="Flight plan", ondelete="cascade", index="btree_not_null"
    )

    target_name = fields.Char(compute="_compute_target_name", string="Runs")

    @api.depends("action", "command_id.name", "plan_id.name")
    def _compute_target_name(self):
        for record in self:
            # sudo: what a record runs is called by its name, as a link to it would be
            record.target_name = record.sudo()._get_target().name

    @api.model
    def _get_command_actions(self):
        """Return the actions of commands that can be run by themselves. Extension point."""
        return ["ssh_command", "python_code", "plan"]

    @api.constrains("action", "command_id", "plan_id")
    def _check_target(self):
        for record in self:
            target = record._get_target()
            if not target:
                raise ValidationError(
                    self.env._("Choose the command or the flight plan that “%s” runs.", record.name)
                )
            # sudo: whether it can run by itself is a fact, whoever asks
            action = record.action == "command" and target.sudo().action
            if action and action not in self._get_command_actions():
                raise ValidationError(
                    self.env._(
                        "“%(command)s” only runs as a step of a flight plan. Choose another command, or the plan.",
                        command=target.sudo().name,
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_runs(self):
        self._keep_name_in_runs()

    def _keep_name_in_runs(self):
        """Let the runs that these have started say by whom, when these are gone."""
        for model in ("cx.tower.command.log", "cx.tower.plan.log"):
            self.env[model]._outlive(SOURCES[self._name], self)

    def _get_target(self):
        """Return the command or the flight plan that is run."""
        self.ensure_one()
        return self.plan_id if self.action == "plan" else self.command_id

    @api.model
    def _start_runs(self, servers, target, variable_values=None, sudo=None, **log_values):
        """Start a command or a flight plan on servers, with the rights of the caller on each.

        :param target: command or flight plan; as superuser where something else than the caller's right on it counts
        :param sudo: see :meth:`cx.tower.run.target.mixin.run_command`; plans decide it line by line
        :return: logs of the runs, in the order of the servers
        """
        if target._name == "cx.tower.plan":
            return servers._start_plan_runs(target, variable_values or {}, **log_values)
        return servers._start_command_runs(target, sudo=sudo, variable_values=variable_values, **log_values)
