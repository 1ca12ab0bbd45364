from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain

from ...engine.errors import OutOfBudget
from ...engine.template.renaming import rename_variable
from ...engine.values import patterns
from .modifier import check_modifier

# Names that have a meaning in templates: a variable with such a name could never be read.
RESERVED_REFERENCES = frozenset(
    "tower true false none and or not in is if else elif endif for endfor recursive set endset block endblock"
    " extends include import from as with without context macro endmacro call endcall filter endfilter raw endraw"
    " autoescape endautoescape do break continue ignore missing scoped required loop self super caller varargs"
    " kwargs range dict lipsum cycler joiner namespace True False None".split()
)
# With more new references than this, one search finds all texts with variables, instead of one search per reference.
RELINK_BY_REFERENCE_LIMIT = 20


class CxTowerVariable(models.Model):
    """The definition of a variable: its name in templates, the values it accepts, and who may see them.

    ``cx.tower.variable.resolver`` decides which value applies to a server.
    """

    _name = "cx.tower.variable"
    _description = "Tower Variable"
    _inherit = [
        "cx.tower.variable.resolver",
        "cx.tower.reference.mixin",
        "cx.tower.access.mixin",
        "cx.tower.tag.mixin",
    ]
    _order = "name"

    variable_type = fields.Selection(
        [("s", "String"), ("o", "Options")], string="Type", default="s", required=True
    )
    option_ids = fields.One2many("cx.tower.variable.option", "variable_id", string="Options", copy=True)
    value_ids = fields.One2many("cx.tower.variable.value", "variable_id", string="Values")
    tag_ids = fields.Many2many("cx.tower.tag", "cx_tower_variable_tag_rel", "variable_id", "tag_id")
    note = fields.Text()
    applied_expression = fields.Text(
        string="Modifier",
        help="Python that changes a value before it is used: an expression, such as value.strip().lower(), or statements"
        " that set result. Only value, result and re are available.",
    )
    validation_pattern = fields.Char(
        string="Validation pattern",
        help="Regular expression that the whole value must match, for example [a-z][a-z0-9-]*",
    )
    validation_message = fields.Char(
        string="Validation message", translate=True, help="Shown when a value does not match the pattern."
    )

    command_ids = fields.Many2many(
        "cx.tower.command",
        "cx_tower_command_cx_tower_variable_rel",
        "cx_tower_variable_id",
        "cx_tower_command_id",
        string="Commands",
        copy=False,
        readonly=True,
    )
    plan_line_ids = fields.Many2many(
        "cx.tower.plan.line",
        "cx_tower_plan_line_cx_tower_variable_rel",
        "cx_tower_variable_id",
        "cx_tower_plan_line_id",
        string="Flight plan lines",
        copy=False,
        readonly=True,
    )
    variable_value_ids = fields.Many2many(
        "cx.tower.variable.value",
        "cx_tower_variable_value_used_variable_rel",
        "variable_id",
        "value_id",
        string="Used in values",
        copy=False,
        readonly=True,
    )
    file_ids = fields.Many2many(
        "cx.tower.file",
        "cx_tower_file_cx_tower_variable_rel",
        "cx_tower_variable_id",
        "cx_tower_file_id",
        string="Files",
        copy=False,
        readonly=True,
    )
    file_template_ids = fields.Many2many(
        "cx.tower.file.template",
        "cx_tower_file_template_cx_tower_variable_rel",
        "cx_tower_variable_id",
        "cx_tower_file_template_id",
        string="File templates",
        copy=False,
        readonly=True,
    )
    value_ids_count = fields.Integer(compute="_compute_usage_counts", string="Number of values")
    command_ids_count = fields.Integer(compute="_compute_usage_counts", string="Used in commands")
    plan_line_ids_count = fields.Integer(compute="_compute_usage_counts", string="Used in flight plan lines")
    file_ids_count = fields.Integer(compute="_compute_usage_counts", string="Used in files")
    file_template_ids_count = fields.Integer(compute="_compute_usage_counts", string="Used in file templates")
    variable_value_ids_count = fields.Integer(compute="_compute_usage_counts", string="Used in other values")

    _name_unique = models.UniqueIndex("(name)", "A variable with this name already exists.")

    def _compute_usage_counts(self):
        """Count the uses that the caller may see, with one query per model."""
        for field_name, (model_name, relation) in self._get_usage_fields().items():
            counts = {}
            if self.env[model_name].has_access("read"):
                domain = [(relation, "in", self.ids)]
                groups = self.env[model_name]._read_group(domain, [relation], ["__count"])
                counts = {variable.id: count for variable, count in groups}
            for variable in self:
                variable[f"{field_name}_count"] = counts.get(variable.id, 0)

    @api.model
    def _get_usage_fields(self):
        """Return the counted links as {field: (model, field there that points to variables)}.

        Extension point of addons that add a link ``x_ids`` with ``x_ids_count``.
        """
        return {
            "value_ids": ("cx.tower.variable.value", "variable_id"),
            "command_ids": ("cx.tower.command", "variable_ids"),
            "plan_line_ids": ("cx.tower.plan.line", "variable_ids"),
            "file_ids": ("cx.tower.file", "variable_ids"),
            "file_template_ids": ("cx.tower.file.template", "variable_ids"),
            "variable_value_ids": ("cx.tower.variable.value", "variable_ids"),
        }

    # ------------------------------------------------------------------ who may use them

    @api.model
    def _check_may_name(self, texts):
        """Raise AccessError if one of these texts by the caller uses a variable that the caller may not read.

        A malformed text uses nothing: it is refused elsewhere, or its run ends at once with a log that says why.

        :raise ValidationError: parsing a text took too long
        """
        if self.env.su:
            return
        try:
            names = set().union(*(self._find_variables_surely(text) for text in texts))
        except OutOfBudget as error:
            raise ValidationError(str(error)) from error
        if not names:
            return
        domain = [("reference", "in", sorted(names))]
        # sudo: only to find which of the names, which the caller has written, are hidden variables
        hidden = set(self.sudo().search(domain).mapped("reference"))
        hidden -= set(self.search(domain).mapped("reference"))
        if hidden:
            raise AccessError(
                self.env._(
                    "You are not allowed to use these variables: %s. Leave them out, or ask Root for access.",
                    ", ".join(sorted(hidden)),
                )
            )

    # ------------------------------------------------------------------ constraints

    @api.constrains("reference")
    def _check_reference_is_usable(self):
        for variable in self:
            reference = variable.reference or ""
            if reference in RESERVED_REFERENCES or not reference.isidentifier():
                raise ValidationError(
                    self.env._(
                        "“%(reference)s” cannot be the reference of a variable: use letters, digits and “_”, start with a"
                        " letter, and avoid words that have a meaning in templates.",
                        reference=reference,
                    )
                )

    @api.constrains("validation_pattern")
    def _check_validation_pattern(self):
        for variable in self.filtered("validation_pattern"):
            try:
                problem = patterns.find_problem(variable.validation_pattern, variable._pattern_label())
            except OutOfBudget as err:
                raise ValidationError(str(err)) from err
            if problem:
                raise ValidationError(
                    self.env._(
                        "The validation pattern of variable “%(variable)s” is not a valid regular expression: %(error)s",
                        variable=variable.name,
                        error=problem,
                    )
                )

    @api.constrains("applied_expression")
    def _check_applied_expression(self):
        for variable in self.filtered("applied_expression"):
            problem = check_modifier(variable.applied_expression)
            if problem:
                raise ValidationError(
                    self.env._(
                        "The modifier of variable “%(variable)s” cannot be used: %(problem)s",
                        variable=variable.name,
                        problem=problem,
                    )
                )

    @api.constrains("variable_type", "option_ids")
    def _check_values_are_options(self):
        # sudo: values that the caller may not see must fit the variable, too
        variables = self.filtered(lambda v: v.variable_type == "o").sudo().with_context(active_test=False)
        for value in variables.value_ids:
            value.variable_id._check_value(value.value_char, value.option_id)

    def _validate_value(self, text, may_be_template=True):
        """Return (fits, message) for a value: whether it is one of the options, and matches the pattern as a whole.

        :param may_be_template: the text is rendered before it is used, so a text with variables is matched only then.
            Options are compared as stored.
        """
        self.ensure_one()
        if not text:
            return True, ""
        options = self.option_ids.mapped("value_char") if self.variable_type == "o" else [text]
        if text not in options:
            return False, self.env._("It must be one of: %(options)s", options=", ".join(options))
        if not self.validation_pattern or (may_be_template and self._is_template(text)):
            return True, ""
        try:
            if patterns.fullmatch(self.validation_pattern, text, self._pattern_label()):
                return True, ""
        except (OutOfBudget, ValueError) as err:
            return False, str(err)
        return False, self.validation_message or self.env._(
            "It must match the pattern %(pattern)s", pattern=self.validation_pattern
        )

    def _pattern_label(self):
        """Return the name of the validation pattern in messages."""
        return self.env._("validation pattern of variable “%s”", self.name)

    def _check_value(self, text, option, may_be_template=True):
        """Raise ValidationError unless ``text`` is a value for this variable and ``option`` is one of its options."""
        self.ensure_one()
        if option and option.variable_id != self:
            raise ValidationError(
                self.env._(
                    "Option “%(option)s” does not belong to variable “%(variable)s”.",
                    option=option.name,
                    variable=self.name,
                )
            )
        fits, message = self._validate_value(text, may_be_template)
        if not fits:
            raise ValidationError(
                self.env._(
                    "“%(text)s” is not a valid value of variable “%(variable)s”: %(message)s",
                    text=text,
                    variable=self.name,
                    message=message,
                )
            )

    def _warn_value(self, text, may_be_template=True):
        """Return an onchange result that warns of a value which saving would refuse, or None.

        As a notification, because a click on Save that leaves the field shows the refusal in a dialog anyway.
        """
        fits, message = self._validate_value(text, may_be_template) if self else (True, "")
        title = self.env._("Invalid value")
        return None if fits else {"warning": {"title": title, "message": message, "type": "notification"}}

    # ------------------------------------------------------------------ create, write

    def _who_may_write(self):
        return self.env._("Only its creator and Root can change it.")

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "option_ids", "value_ids"]

    @api.model_create_multi
    def create(self, vals_list):
        variables = super().create(vals_list)
        variables._relink_uses()
        return variables

    def write(self, vals):
        before = {variable: variable.reference for variable in self} if "reference" in vals else {}
        result = super().write(vals)
        if vals.get("variable_type") == "s":
            # sudo: options no longer matter, for values that the caller may not see, too
            self.sudo().with_context(active_test=False).value_ids.write({"option_id": False})
        elif vals.get("variable_type") == "o":
            # sudo: the same; values get the option with their text
            self.sudo().with_context(active_test=False).value_ids._inverse_value_char()
        for variable, old in before.items():
            if old and old != variable.reference:
                variable._propagate_reference_change(old, variable.reference)
                variable._relink_uses()
        return result

    # ------------------------------------------------------------------ uses in texts

    @api.model
    def _get_reference_fields(self):
        """Return [(model, field)] of the texts that may use variables. Extension point.

        Options come before values, which take over the new text of their option.
        """
        return [
            ("cx.tower.variable.option", "value_char"),
            ("cx.tower.variable.value", "value_char"),
            ("cx.tower.command", "code"),
            ("cx.tower.command", "path"),
            ("cx.tower.plan.line", "condition"),
            ("cx.tower.plan.line", "path"),
            ("cx.tower.file.template", "code"),
            ("cx.tower.file.template", "server_dir"),
            ("cx.tower.file.template", "file_name"),
            ("cx.tower.file", "code"),
            ("cx.tower.file", "server_dir"),
            ("cx.tower.file", "name"),
        ]

    def _propagate_reference_change(self, old, new):
        """Rewrite every use of this variable, so that renaming it changes no behaviour.

        :param old: previous reference
        :param new: present reference
        :raise ValidationError: a text would change its meaning, for example because it uses the new name for something else
        """
        for model_name, field_name in self._get_reference_fields():
            # sudo: whoever may rename the variable may not be allowed to write every text that uses it; only the name
            # changes there
            model = self.env[model_name].sudo().with_context(active_test=False)
            for record in model.search([(field_name, "like", old)]):
                text = record[field_name]
                try:
                    renamed = rename_variable(text, old, new)
                except OutOfBudget as err:
                    raise ValidationError(
                        self.env._("%(record)s: %(problem)s", record=record.display_name, problem=err)
                    ) from err
                except ValueError as err:
                    raise ValidationError(
                        self.env._(
                            "Variable “%(old)s” cannot be renamed to “%(new)s”: %(record)s uses both names."
                            " Change its text first.",
                            old=old,
                            new=new,
                            record=record.display_name,
                        )
                    ) from err
                if renamed != text:
                    record[field_name] = renamed

    def _relink_uses(self):
        """Link texts that named these variables before they existed or had this reference."""
        references = [reference for reference in self.mapped("reference") if reference]
        if not references:
            return
        for model_name, field_name in self._get_reference_fields():
            # sudo: which texts use a variable is a fact, for texts that the caller may not see, too
            model = self.env[model_name].sudo().with_context(active_test=False)
            if "variable_ids" not in model._fields:
                continue
            if len(references) <= RELINK_BY_REFERENCE_LIMIT:
                domain = Domain.OR(Domain(field_name, "like", reference) for reference in references)
            else:
                domain = Domain(field_name, "like", "{{") | Domain(field_name, "like", "{%")
            self.env.add_to_compute(model._fields["variable_ids"], model.search(domain))

    # ------------------------------------------------------------------ actions

    def action_open_values(self):
        """Open the values of these variables."""
        return self._action_open_uses("value_ids", self.env._("Values"))

    def action_open_commands(self):
        """Open the commands that use these variables."""
        return self._action_open_uses("command_ids", self.env._("Commands"))

    def action_open_plan_lines(self):
        """Open the flight plan lines that use these variables."""
        return self._action_open_uses("plan_line_ids", self.env._("Flight plan lines"))

    def action_open_files(self):
        """Open the files that use these variables."""
        return self._action_open_uses("file_ids", self.env._("Files"))

    def action_open_file_templates(self):
        """Open the file templates that use these variables."""
        return self._action_open_uses("file_template_ids", self.env._("File templates"))

    def action_open_variable_values(self):
        """Open the values of other variables that use these variables."""
        return self._action_open_uses("variable_value_ids", self.env._("Values that use it"))

    def _action_open_uses(self, field_name, title):
        self.check_access("read")
        model_name, relation = self._get_usage_fields()[field_name]
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": model_name,
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [(relation, "in", self.ids)],
        }
