import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .cx_tower_plan import THEN_EXIT, THEN_EXIT_CUSTOM, THEN_NEXT

NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)


class CxTowerPlanLineAction(models.Model):
    """A post-run action: what to do when the exit code of a line's command matches a condition.

    Its variable values are set for the rest of the run only.
    """

    _name = "cx.tower.plan.line.action"
    _description = "Tower Flight Plan Post-Run Action"
    _inherit = ["cx.tower.reference.mixin", "cx.tower.access.mixin", "cx.tower.variable.mixin"]
    _order = "sequence, id"
    _rec_names_search = ["reference"]  # the name is computed and not stored

    active = fields.Boolean(related="line_id.active", store=True)
    sequence = fields.Integer(default=10)
    line_id = fields.Many2one("cx.tower.plan.line", required=True, ondelete="cascade", index=True)
    plan_id = fields.Many2one(related="line_id.plan_id", store=True, precompute=True, index=True)
    access_level = fields.Selection(
        compute="_compute_access_level", store=True, precompute=True, default=None
    )
    name = fields.Char(compute="_compute_name", required=False, index=False)
    short_name = fields.Char(compute="_compute_name")
    condition = fields.Selection(
        [("==", "=="), ("!=", "!="), (">", ">"), (">=", ">="), ("<", "<"), ("<=", "<=")],
        string="Exit code is",
        required=True,
    )
    value_char = fields.Char(string="Value", required=True)
    action = fields.Selection(
        [THEN_EXIT, THEN_EXIT_CUSTOM, THEN_NEXT], string="Then", required=True, default="n"
    )
    custom_exit_code = fields.Integer()
    variable_value_ids = fields.One2many(
        inverse_name="plan_line_action_id",
        string="Values to set",
        help="Set for the rest of the run, including nested flight plans. Nothing is stored on the server.",
    )

    @api.depends("line_id.access_level")
    def _compute_access_level(self):
        for action in self:
            action.access_level = action.line_id.access_level

    @api.depends_context("lang", "uid")
    @api.depends(
        "condition",
        "value_char",
        "action",
        "custom_exit_code",
        "variable_value_ids.sequence",
        "variable_value_ids.variable_id",
    )
    def _compute_name(self):
        labels = dict(self._fields["action"]._description_selection(self.env))
        for action in self:
            then = labels.get(action.action, "")
            if action.action == "ec":
                then = self.env._("Exit with code %s", action.custom_exit_code)
            action.short_name = self._short_text(
                action.condition or "", action.value_char or "", action.action, action.custom_exit_code
            )
            names = [value.variable_id.name for value in action.variable_value_ids if value.variable_id]
            if names:
                sets = self.env._("sets %s", ", ".join(names))
                action.short_name = f"{action.short_name}, {sets}"
            action.name = self.env._(
                "Exit code %(condition)s %(value)s: %(then)s",
                condition=action.condition or "",
                value=action.value_char or "",
                then=then,
            )

    @api.model
    def _short_text(self, condition, value, then, custom_exit_code):
        """Return a short text of a post-run action, for example "== 0 → next"."""
        short = {"e": self.env._("exit"), "n": self.env._("next")}.get(then, str(custom_exit_code))
        return f"{condition} {value} → {short}"

    @api.constrains("value_char")
    def _check_value_is_a_number(self):
        for action in self:
            if not NUMBER.fullmatch((action.value_char or "").strip()):
                raise ValidationError(
                    self.env._(
                        "“%s” cannot be compared with an exit code. Enter a number.", action.value_char or ""
                    )
                )

    # ------------------------------------------------------------------ rights, reference

    @api.model
    def _get_access_fields(self):
        return [*super()._get_access_fields(), "line_id"]

    @api.model
    def _get_pre_populated_model_data(self):
        return {
            **super()._get_pre_populated_model_data(),
            "cx.tower.plan.line.action": ("cx.tower.plan.line", "line_id"),
        }

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "variable_value_ids"]

    # ------------------------------------------------------------------ values

    def get_variable_value(self, variable_reference, no_fallback=False):
        """Return the value set by this action. There is no fallback to other scopes. See the mixin."""
        return super().get_variable_value(variable_reference, no_fallback=True)

    # ------------------------------------------------------------------ frozen definition

    def _definition_document(self):
        """Return this action as part of :meth:`cx.tower.plan._definition`, in whose environment it is called."""
        return {
            "condition": self.condition,
            "value": self.value_char.strip(),
            "then": self.action,
            "custom_exit_code": self.custom_exit_code,
            "values": {
                value.variable_reference: text
                for value in self.variable_value_ids
                if (text := value._own_text()) is not None
            },
        }
