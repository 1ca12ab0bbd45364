from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...engine.errors import RenderingError
from ...engine.template.rendering import Mode, UndefinedPolicy, VariableScope, find_variables, render


class CxTowerTemplateMixin(models.AbstractModel):
    """For models with texts that may use variables."""

    _name = "cx.tower.template.mixin"
    _inherit = ["cx.tower.variable.text.mixin"]
    _description = "Tower Template Mixin"

    code = fields.Text()
    variable_ids = fields.Many2many(
        "cx.tower.variable",
        string="Variables",
        compute="_compute_variable_ids",
        store=True,
        copy=False,
        help="Variables that the code uses.",
    )

    @api.model
    def _get_depends_fields(self):
        """Return the names of the text fields that may use variables. Extension point."""
        return ["code"]

    @api.model
    def _get_variable_text_fields(self):
        return [*super()._get_variable_text_fields(), *self._get_depends_fields()]

    @api.depends(lambda self: self._get_depends_fields())
    def _compute_variable_ids(self):
        self.env["cx.tower.variable"]._link_used_variables(self, self._get_depends_fields())

    @api.constrains(lambda self: self._get_depends_fields())
    def _check_template_syntax(self):
        for record in self:
            for name in self._get_depends_fields():
                self.env["cx.tower.variable"]._check_template_syntax(record[name], record._where_of(name))

    def _where_of(self, name):
        """Return the name of the record and the field for messages."""
        return f"{self.display_name}, {self._fields[name]._description_string(self.env)}"

    @api.private
    def render_code(self, pythonic_mode=False, **vals):
        """Return {id: rendered code} of these records.

        :param pythonic_mode: insert values as Python literals, not as they are
        :param vals: values of variables by reference; stored ones are not used
        :raise UserError: malformed template, or a value is missing
        """
        return {record.id: record.render_code_custom(record.code, pythonic_mode, **vals) for record in self}

    @api.model
    @api.private
    def render_code_custom(self, code, pythonic_mode=False, **vals):
        """Return ``code`` rendered with ``vals``; see :meth:`render_code`."""
        mode = Mode.LITERAL if pythonic_mode else Mode.SHELL
        try:
            return render(code or "", VariableScope(custom=vals), mode, UndefinedPolicy.ERROR)
        except RenderingError as err:
            raise UserError(str(err)) from err

    def get_variables(self):
        """Return {id as text: sorted names of the variables the texts use}, whether they exist or not."""
        self.check_access("read")
        names = self._get_depends_fields()
        find = self.env["cx.tower.variable"]._find_variables
        return {
            str(record.id): sorted(set().union(*(find(record[name]) for name in names))) for record in self
        }

    @api.model
    @api.private
    def get_variables_from_code(self, code):
        """Return the sorted names of the variables that ``code`` uses.

        :raise ValidationError: malformed template
        """
        try:
            return sorted(find_variables(code or ""))
        except RenderingError as err:
            raise ValidationError(str(err)) from err
