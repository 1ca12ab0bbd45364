from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..run.history import SOURCES


class CxTowerAutomationMixin(models.AbstractModel):
    """For records that run one prepared command or flight plan: shortcuts and scheduled tasks."""

    _name = "cx.tower.automation.mixin"
    _description = "Tower automation mixin"

    action = fields.Selection(
        [("command", "Command"), ("plan", "Flight plan")], required=True, default="command"
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

    target_name = fields.Char(compute="_compute_target_name", string="Command or plan")

    @api.depends("action", "command_id.name", "plan_id.name")
    def _compute_target_name(self):
        for record in self:
            # sudo: shows only the name of the command or plan, as the link itself would
            record.target_name = record.sudo()._get_target().name

    @api.model
    def _get_command_actions(self):
        """Return the actions of commands that can run outside of a flight plan. Extension point."""
        return ["ssh_command", "python_code", "plan"]

    @api.constrains("action", "command_id", "plan_id")
    def _check_target(self):
        for record in self:
            target = record._get_target()
            if not target:
                raise ValidationError(
                    self.env._("Choose the command or flight plan that “%s” runs.", record.name)
                )
            # sudo: only reads the action; the link itself was checked as the caller when it was written
            action = record.action == "command" and target.sudo().action
            if action and action not in self._get_command_actions():
                raise ValidationError(
                    self.env._(
                        "“%(command)s” can only run as a step of a flight plan. Choose another command, or "
                        "a flight plan that contains it.",
                        command=target.sudo().name,
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_runs(self):
        self._keep_name_in_runs()

    def _keep_name_in_runs(self):
        """Store the names of these records in the runs they started, for when they are deleted."""
        for model in ("cx.tower.command.log", "cx.tower.plan.log"):
            self.env[model]._outlive(SOURCES[self._name], self)

    def _get_target(self):
        """Return the command or flight plan that this record runs."""
        self.ensure_one()
        return self.plan_id if self.action == "plan" else self.command_id

    @api.model
    def _start_runs(self, places, target, request):
        """Start a command or a flight plan on run targets, with the rights of the caller on each.

        :param places: servers, or other records of one model that inherits ``cx.tower.run.target.mixin``
        :param target: command or flight plan; as superuser if the caller's right to it was checked in another way
        :param request: :class:`engine.run_request.RunRequest`; flight plans decide about sudo per line
        :return: logs of the runs, in the order of the places
        """
        if target._name == "cx.tower.plan":
            return places._start_plan_runs(target, request)
        return places._start_command_runs(target, request)
