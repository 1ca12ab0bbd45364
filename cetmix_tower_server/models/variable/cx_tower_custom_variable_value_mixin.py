from odoo import api, fields, models


class CxTowerCustomVariableValueMixin(models.AbstractModel):
    """A custom value for one run or one scheduled task, which belongs to no owner."""

    _name = "cx.tower.custom.variable.value.mixin"
    _description = "Tower Custom Variable Value Mixin"

    variable_id = fields.Many2one("cx.tower.variable", ondelete="cascade")
    variable_reference = fields.Char(
        related="variable_id.reference", string="Variable reference", related_sudo=False
    )
    variable_type = fields.Selection(related="variable_id.variable_type", related_sudo=False)
    option_id = fields.Many2one(
        "cx.tower.variable.option", domain="[('variable_id', '=', variable_id)]", ondelete="set null"
    )
    value_char = fields.Char(
        string="Value",
        compute="_compute_value_char",
        store=True,
        readonly=False,
        compute_sudo=False,
        help="Used exactly as entered.",
    )
    variable_value_id = fields.Many2one("cx.tower.variable.value", ondelete="set null")
    required = fields.Boolean(related="variable_value_id.required", related_sudo=False)

    @api.depends("option_id", "option_id.value_char", "variable_id")
    def _compute_value_char(self):
        for line in self:
            if line.option_id or line.variable_type == "o":
                line.value_char = line.option_id.value_char
            else:
                line.value_char = line.value_char

    @api.constrains("variable_id", "option_id", "value_char")
    def _check_value_char(self):
        for line in self.filtered("variable_id"):
            line.variable_id._check_value(line.value_char, line.option_id, may_be_template=False)

    @api.constrains("variable_id", "option_id", "variable_value_id")
    def _check_may_read(self):
        """Refuse records that the user may not read: their names and texts are shown."""
        for name in ("variable_id", "option_id", "variable_value_id"):
            self[name].with_user(self.env.user).check_access("read")

    @api.onchange("variable_id")
    def _onchange_variable_id(self):
        if self.option_id.variable_id != self.variable_id:
            self.option_id = False
            if self.variable_type == "o":
                self.value_char = False

    @api.onchange("value_char", "variable_id")
    def _onchange_value_char(self):
        return self.variable_id._warn_value(self.value_char, may_be_template=False)

    def _get_custom_values(self):
        """Return {reference: text} of these lines. An empty one stands for an empty text, unless a value is required."""
        return {
            line.variable_id.reference: line.value_char or ""
            for line in self
            if line.variable_id and (line.value_char or not line.required)
        }
