from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CxTowerVariableOption(models.Model):
    """One of the possible values of a variable of type Options."""

    _name = "cx.tower.variable.option"
    _description = "Tower Variable Option"
    _inherit = ["cx.tower.reference.mixin", "cx.tower.access.mixin", "cx.tower.variable.text.mixin"]
    _order = "sequence, name, id"

    sequence = fields.Integer(default=10)
    value_char = fields.Char(string="Value", required=True)
    variable_id = fields.Many2one("cx.tower.variable", required=True, ondelete="cascade", index=True)
    access_level = fields.Selection(
        compute="_compute_access_level", store=True, readonly=False, precompute=True, default=None
    )

    _value_unique = models.UniqueIndex(
        "(variable_id, value_char)", "This variable already has an option with this value."
    )
    _name_unique = models.UniqueIndex(
        "(variable_id, name)", "This variable already has an option with this name."
    )

    def _who_may_write(self):
        return self.env._("Only its creator and Root can change it.")

    @api.model
    def _get_pre_populated_model_data(self):
        return {
            **super()._get_pre_populated_model_data(),
            "cx.tower.variable.option": ("cx.tower.variable", "variable_id"),
        }

    @api.model
    def _get_variable_text_fields(self):
        return [*super()._get_variable_text_fields(), "value_char"]

    @api.depends("variable_id.access_level")
    def _compute_access_level(self):
        for option in self:
            option.access_level = option.variable_id._raise_level(option.access_level)

    @api.constrains("access_level", "variable_id")
    def _check_access_level(self):
        for option in self:
            option.variable_id._check_level_is_not_below(option.access_level, option.name)

    @api.constrains("value_char", "variable_id")
    def _check_value_fits_variable(self):
        for option in self:
            option.variable_id._check_template_syntax(option.value_char, option.display_name)
            fits, message = option.variable_id._validate_value(option.value_char)
            if not fits:
                raise ValidationError(
                    self.env._("Option “%(option)s”: %(message)s", option=option.name, message=message)
                )
