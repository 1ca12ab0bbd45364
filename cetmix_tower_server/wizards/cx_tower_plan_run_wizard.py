from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..engine.run_request import RunRequest

PREVIEW_LIMIT = 10  # servers in the preview; the run includes all
PREVIEW_LINES = 200  # per server


class CxTowerPlanRunWizard(models.TransientModel):
    """Runs a flight plan on one or many servers, and shows before what each step will do where."""

    _name = "cx.tower.plan.run.wizard"
    _description = "Tower Flight Plan Run Wizard"
    _inherit = ["cx.tower.run.wizard.mixin"]

    server_tag_ids = fields.Many2many(relation="cx_tower_plan_run_wizard_server_tag_rel")
    tag_ids = fields.Many2many("cx.tower.tag", string="With tags")
    plan_domain = fields.Binary(compute="_compute_plan_domain")
    empty_hint = fields.Char(compute="_compute_plan_domain")
    plan_id = fields.Many2one("cx.tower.plan", string="Flight plan")
    note = fields.Text(related="plan_id.note", related_sudo=False)
    plan_line_ids = fields.One2many(
        related="plan_id.line_ids", related_sudo=False, groups="cetmix_tower_server.group_manager"
    )
    custom_variable_value_ids = fields.One2many(
        "cx.tower.plan.run.wizard.variable.value", "wizard_id", string="Custom values"
    )
    preview_ids = fields.One2many(
        "cx.tower.plan.run.wizard.preview", "wizard_id", compute="_compute_preview_ids"
    )
    preview_message = fields.Char(compute="_compute_preview_ids")

    @api.constrains(lambda self: ["plan_id", *self._get_target_fields()])
    def _check_may_read(self):
        """Refuse records that the user may not read, which a caller over RPC could name."""
        for wizard in self:
            wizard.plan_id.with_user(self.env.user).check_access("read")
            wizard._targets().with_user(self.env.user).check_access("read")

    @api.depends("applicability", "server_ids", "tag_ids")
    def _compute_plan_domain(self):
        for wizard in self:
            wizard.plan_domain, wizard.empty_hint = wizard._offer("cx.tower.plan", [])

    @api.onchange("plan_id")
    def _onchange_plan_id(self):
        if self.plan_id.id != self.env.context.get(
            "default_plan_id"
        ):  # the values filled in belong to that plan
            self.custom_variable_value_ids = [Command.clear()]

    @api.depends(
        lambda self: [
            *self._get_target_fields(),
            "plan_id",
            "custom_variable_value_ids.variable_id",
            "custom_variable_value_ids.value_char",
        ]
    )
    def _compute_preview_ids(self):
        for wizard in self:
            targets = wizard._targets()._origin
            targets = targets if wizard.plan_id else targets.browse()
            rows = wizard._preview_rows(targets[:PREVIEW_LIMIT])
            wizard.preview_ids = [Command.clear(), *(Command.create(row) for row in rows)]
            more = len(targets) - PREVIEW_LIMIT
            wizard.preview_message = more > 0 and self.env._("… and on %s more servers.", more)

    def _preview_rows(self, targets):
        """Return what the plan will do on each target, line by line, from a dry run."""
        plan = self.plan_id._origin
        if not plan:
            return []
        try:
            reports = plan._dry_run(targets, self._custom_values(), PREVIEW_LINES)
        except (AccessError, ValidationError) as error:
            return [{**self._target_values(target), "error": str(error)} for target in targets]
        return [self._preview_row(target, report) for target, report in zip(targets, reports, strict=True)]

    def _preview_row(self, target, report):
        """Return the row of one target: its problems, and its lines as a flat list."""
        whole = [problem["message"] for problem in report["problems"] if not problem["line"]]
        row = self._target_values(target)
        if not report["lines"]:
            return row | {"error": "\n".join(whole)}
        lines = list(_flat(report["lines"]))
        if not report["complete"]:
            lines.append({"number": "…", "name": self.env._("and more steps"), "depth": 0})
        return row | {"lines": lines, "notes": "\n".join([*whole, *report["notes"]])}

    def run_flight_plan(self):
        """Start the plan on every selected server.

        :return: action that shows the run, or the fleet run if there are several servers
        """
        self.ensure_one()
        if not self.plan_id:
            raise UserError(self.env._("Choose the flight plan to run."))
        targets = self._targets()
        if not targets:
            raise UserError(self.env._("Choose the servers to run the flight plan on."))
        if len(targets) > 1:
            return self._start_fleet(self.plan_id, RunRequest(variable_values=self._custom_values()))
        label = self.env["cetmix.tower"].generate_random_id(2)
        request = RunRequest(variable_values=self._custom_values(), label=label)
        log = targets._start_plan_runs(self.plan_id, request)
        # otherwise the web client would put the wizard's id into the address as that of a server
        return log._action_open() | {"views": [(False, "form")], "context": {"active_id": False}}

    def action_dry_run(self):
        """Open the report of a dry run of the plan on the chosen servers."""
        self.ensure_one()
        if not self.plan_id:
            raise UserError(self.env._("Choose the flight plan to run."))
        if not self._targets():
            raise UserError(self.env._("Choose the servers to run the flight plan on."))
        return self.plan_id._action_dry_run(self._targets(), self._custom_values())


class CxTowerPlanRunWizardPreview(models.TransientModel):
    """What a flight plan will do on one server. Secrets are shown by name only."""

    _name = "cx.tower.plan.run.wizard.preview"
    _description = "Tower Flight Plan Run Wizard Preview"

    wizard_id = fields.Many2one("cx.tower.plan.run.wizard", ondelete="cascade", index=True)
    server_id = fields.Many2one("cx.tower.server", readonly=True)
    lines = fields.Json(readonly=True, help="The lines of the dry run, as a flat list.")
    notes = fields.Text(readonly=True, help="Notes of the dry run about the server and the whole plan.")
    error = fields.Text(readonly=True)


class CxTowerPlanRunWizardVariableValue(models.TransientModel):
    """A custom value for this run."""

    _name = "cx.tower.plan.run.wizard.variable.value"
    _description = "Tower Flight Plan Run Wizard Value"
    _inherit = ["cx.tower.custom.variable.value.mixin"]

    wizard_id = fields.Many2one("cx.tower.plan.run.wizard", ondelete="cascade", index=True)
    variable_id = fields.Many2one(required=True)


def _flat(lines, depth=0):
    """Yield the lines of a report, and those inside them, as the preview shows them."""
    for line in lines:
        errors = [problem["message"] for problem in line["problems"] if problem["severity"] == "problem"]
        row = {name: value for name, value in line.items() if name not in ("lines", "problems")}
        row |= {"depth": depth, "error": "\n".join(errors), "later": line["values_later"]}
        yield row
        yield from _flat(line["lines"], depth + 1)
