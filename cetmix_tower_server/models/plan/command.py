from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CxTowerCommand(models.Model):
    """Commands and flight plans: the plan that a command runs, and the plans that use it."""

    _inherit = "cx.tower.command"

    flight_plan_id = fields.Many2one(
        "cx.tower.plan",
        ondelete="restrict",
        index="btree_not_null",
        help="The flight plan that the command runs.",
    )
    flight_plan_line_ids = fields.Many2many(
        "cx.tower.plan.line", string="Lines of the flight plan", compute="_compute_flight_plan_line_ids"
    )
    flight_plan_used_ids = fields.Many2many(
        "cx.tower.plan",
        "cx_tower_command_flight_plan_used_id_rel",
        "command_id",
        "plan_id",
        string="Used in flight plans",
        copy=False,
        readonly=True,
    )
    flight_plan_used_ids_count = fields.Integer(
        string="Number of flight plans", compute="_compute_flight_plan_used_ids_count"
    )

    @api.model
    def _selection_action(self):
        return [*super()._selection_action(), ("plan", "Run flight plan")]

    @api.model
    def _get_linked_access_fields(self):
        # Running the command runs its flight plan.
        return [*super()._get_linked_access_fields(), "flight_plan_id"]

    @api.model
    def _get_command_for_plan(self, plan):
        """Return a command that only runs ``plan``: an existing one, or a new one created by the caller.

        :param plan: flight plan that the caller may read
        :raise AccessError: the caller may not read the plan, or there is no such command and the caller may not create one
        """
        plan.check_access("read")
        return self._find_command_for_plan(plan) or self.create(
            {
                "name": plan.name,
                "action": "plan",
                "flight_plan_id": plan.id,
                "access_level": plan.access_level,
            }
        )

    @api.model
    def _find_command_for_plan(self, plan):
        """Return an existing command that only runs ``plan`` and that the caller may read; empty if there is none."""
        plain = [("server_status", "=", False), ("server_ids", "=", False)]
        ours = [("action", "=", "plan"), ("flight_plan_id", "=", plan._origin.id)]
        return self.search([*ours, *plain], order="id", limit=1)

    def _get_flight_plans(self):
        """Return the plans that these commands run. Commands with another action do not run a plan."""
        return self.filtered(lambda command: command.action == "plan").flight_plan_id

    @api.depends_context("uid")
    @api.depends("flight_plan_id.line_ids")
    def _compute_flight_plan_line_ids(self):
        plans = self.flight_plan_id._filtered_access("read")
        lines = plans.line_ids._filtered_access("read")
        for command in self:
            command.flight_plan_line_ids = (command.flight_plan_id & plans).line_ids & lines

    def _compute_flight_plan_used_ids_count(self):
        groups = self.env["cx.tower.plan"]._read_group(
            [("command_ids", "in", self.ids)], ["command_ids"], ["__count"]
        )
        counts = {command.id: count for command, count in groups}
        for command in self:
            command.flight_plan_used_ids_count = counts.get(command.id, 0)

    @api.constrains("action", "flight_plan_id")
    def _check_flight_plan(self):
        for command in self.filtered(lambda command: command.action == "plan"):
            if not command.flight_plan_id:
                raise ValidationError(
                    self.env._("Choose the flight plan that command “%s” runs.", command.name)
                )
        # sudo: walks nested plans, also those that the caller may not read; the right to link the plan was checked
        plans = self.sudo()._get_flight_plans()
        if plans:
            plans._check_no_recursion()

    def action_open_plans(self):
        """Open the flight plans that use this command.

        :raise AccessError: the caller may not read it
        """
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.action_cx_tower_plan")
        return action | {"domain": [("command_ids", "in", self.ids)], "context": {}}
