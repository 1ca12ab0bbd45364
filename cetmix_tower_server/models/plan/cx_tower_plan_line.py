from odoo import api, fields, models


class CxTowerPlanLine(models.Model):
    """One line of a flight plan: a command, its condition, and what to do depending on its exit code."""

    _name = "cx.tower.plan.line"
    _description = "Tower Flight Plan Line"
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.mixin",
        "cx.tower.linked.access.mixin",
        "cx.tower.variable.text.mixin",
    ]
    _order = "sequence, id"

    active = fields.Boolean(related="plan_id.active", store=True)
    sequence = fields.Integer(default=10)
    plan_id = fields.Many2one("cx.tower.plan", required=True, ondelete="cascade", index=True)
    access_level = fields.Selection(
        compute="_compute_access_level", store=True, precompute=True, default=None
    )
    name = fields.Char(related="command_id.name", required=False, index=False)
    action = fields.Selection(
        selection=lambda self: self.env["cx.tower.command"]._selection_action(),
        compute="_compute_action",
        store=True,
        readonly=False,
        precompute=True,
        help="Choose an action first to list only commands with this action.",
    )
    command_id = fields.Many2one(
        "cx.tower.command",
        required=True,
        ondelete="restrict",
        index=True,
        domain="[('action', '=?', action)]",
    )
    # Choosing a plan selects or creates the command that runs it.
    plan_run_id = fields.Many2one(
        "cx.tower.plan",
        string="Flight plan to run",
        compute="_compute_from_command",
        inverse="_inverse_plan_run_id",
        help="The flight plan that this line runs as a step.",
    )
    condition = fields.Char(
        help=(
            'Python expression with variables, for example {{ tower.server.os }} == "Debian 12" or {{ '
            "_changed }}. Variables without a value are None. If empty, the command always runs."
        ),
    )
    path = fields.Char(help="Directory to run in, instead of that of the command. May contain variables.")
    use_sudo = fields.Boolean(string="Sudo", help="Run with sudo, as configured on each server.")
    action_ids = fields.One2many(
        "cx.tower.plan.line.action",
        "line_id",
        string="Post-run actions",
        copy=True,
        context={"active_test": False},
        help="What to do after the command, depending on its exit code. The first match applies.",
    )
    action_summary = fields.Char(string="Post-run summary", compute="_compute_action_summary")
    variable_ids = fields.Many2many(
        "cx.tower.variable",
        "cx_tower_plan_line_cx_tower_variable_rel",
        "cx_tower_plan_line_id",
        "cx_tower_variable_id",
        string="Variables",
        compute="_compute_variable_ids",
        store=True,
        copy=False,
        help="Variables used in the condition and the path.",
    )

    # Fields of the command, if the person may read it: a plan may use commands above its own access level.
    note = fields.Text(string="Command notes", compute="_compute_from_command")
    command_code = fields.Text(string="Code", compute="_compute_from_command")
    tag_ids = fields.Many2many("cx.tower.tag", string="Tags", compute="_compute_from_command")
    plan_run_line_ids = fields.Many2many(
        "cx.tower.plan.line", string="Lines of the flight plan", compute="_compute_from_command"
    )
    plan_run_names = fields.Text(string="Commands of the flight plan", compute="_compute_from_command")

    @api.depends("plan_id.access_level")
    def _compute_access_level(self):
        for line in self:
            line.access_level = line.plan_id.access_level

    @api.depends("command_id.action")
    def _compute_action(self):
        for line in self:
            line.action = line.command_id.action or line.action

    @api.onchange("action")
    def _onchange_action(self):
        if self.command_id and self.command_id.action != self.action:
            self.command_id = False

    @api.onchange("plan_run_id")
    def _onchange_plan_run_id(self):
        """Show the command that runs the chosen plan. If there is none yet, saving the line creates it."""
        found = self.plan_run_id and self.env["cx.tower.command"]._find_command_for_plan(self.plan_run_id)
        if found and self.command_id.flight_plan_id != self.plan_run_id:
            self.command_id = found

    @api.depends_context("uid")
    @api.depends(
        "command_id.note", "command_id.code", "command_id.tag_ids", "command_id.flight_plan_id.line_ids"
    )
    def _compute_from_command(self):
        readable = self.command_id._filtered_access("read")
        plans = readable.flight_plan_id._filtered_access("read")
        lines = plans.line_ids._filtered_access("read")
        for line in self:
            command = line.command_id & readable
            plan = (command.flight_plan_id & plans) if command.action == "plan" else plans.browse()
            line.note = command.note
            line.tag_ids = command.tag_ids
            line.command_code = command.code if command.action != "plan" else False
            line.plan_run_id = plan
            line.plan_run_line_ids = (plan.line_ids & lines)._sorted_as_run()
            line.plan_run_names = "\n".join(
                f"{number}. {nested.name}" for number, nested in enumerate(line.plan_run_line_ids, 1)
            )

    @api.depends("action_ids.sequence", "action_ids.short_name")
    def _compute_action_summary(self):
        for line in self:
            actions = line.action_ids.sorted(
                lambda action: (action.sequence, action._origin.id or float("inf"))
            )
            line.action_summary = " · ".join(action.short_name for action in actions)

    @api.depends("condition", "path")
    def _compute_variable_ids(self):
        self.env["cx.tower.variable"]._link_used_variables(self, ["condition", "path"])

    @api.constrains("condition", "path")
    def _check_template_syntax(self):
        check = self.env["cx.tower.variable"]._check_template_syntax
        # sudo: counts all lines of the plan, because the form shows their numbers
        numbers = {
            line.id: number
            for plan in self.sudo().plan_id
            for number, line in enumerate(plan.line_ids._sorted_as_run(), 1)
        }
        for line in self:
            place = {"number": numbers[line.id], "command": line.display_name}
            check(line.condition, self.env._("Line %(number)s “%(command)s”, condition", **place))
            check(line.path, self.env._("Line %(number)s “%(command)s”, path", **place))

    @api.constrains("command_id", "plan_id")
    def _check_plan_does_not_run_itself(self):
        # sudo: reads only the action; the right to link the command was checked
        if any(command.action == "plan" for command in self.sudo().command_id):
            self.plan_id._check_no_recursion()

    # ------------------------------------------------------------------ rights, reference

    @api.model
    def _get_variable_text_fields(self):
        return [*super()._get_variable_text_fields(), "condition", "path"]

    @api.model
    def _get_access_fields(self):
        return [*super()._get_access_fields(), "plan_id"]

    @api.model
    def _get_linked_access_fields(self):
        # Running the plan runs its commands.
        return [*super()._get_linked_access_fields(), "command_id"]

    @api.model
    def _get_pre_populated_model_data(self):
        return {
            **super()._get_pre_populated_model_data(),
            "cx.tower.plan.line": ("cx.tower.plan", "plan_id"),
        }

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "action_ids"]

    # ------------------------------------------------------------------ create, write

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._with_command(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._with_command(vals))

    @api.model
    def _with_command(self, vals):
        """Return ``vals`` with the command that runs a chosen plan, and without fields that exist only for the form."""
        values = {name: value for name, value in vals.items() if name not in ("action", "plan_run_id")}
        if vals.get("plan_run_id"):
            plan = self.env["cx.tower.plan"].browse(vals["plan_run_id"])
            command = self.env["cx.tower.command"].browse(vals.get("command_id") or ())
            # sudo: reads only which plan the command runs; whether the caller may link it is checked on write
            if command.sudo()._get_flight_plans() != plan:
                values["command_id"] = command._get_command_for_plan(plan).id
        return values

    def _inverse_plan_run_id(self):
        for line in self:
            if line.plan_run_id:
                line.command_id = self.env["cx.tower.command"]._get_command_for_plan(line.plan_run_id)

    # ------------------------------------------------------------------ frozen definition

    def _sorted_as_run(self):
        """Return these lines in running order. Unsaved lines come after saved ones."""
        return self.sorted(lambda line: (line.sequence, line._origin.id or float("inf")))

    def _definition_document(self):
        """Return this line as part of :meth:`cx.tower.plan._definition`, in whose environment it is called."""
        command = self.command_id
        return {
            "id": self.id,
            "reference": self.reference,
            "name": command.name,
            "command_id": command.id,
            "action": command.action,
            "condition": self.condition or "",
            "path": self.path or "",
            "use_sudo": self.use_sudo,
            "code": command._action_code(),
            "command_path": command.path or "",
            "settings": command._run_settings(),
            **command._action_document(),
            "flight_plan_id": command._get_flight_plans().id or 0,
            "actions": [
                action._definition_document()
                for action in self.action_ids.sorted(lambda action: (action.sequence, action.id))
            ],
        }
