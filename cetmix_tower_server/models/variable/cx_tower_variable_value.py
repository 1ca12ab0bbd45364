from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CxTowerVariableValue(models.Model):
    """The value of a variable for one owner (a server, ...), or for all of them (global).

    A row without text stands for an empty text and overrides less specific scopes. If it is *required*, it has no effect until
    a value is entered. To let the next scope apply, delete or archive the row.
    """

    _name = "cx.tower.variable.value"
    _description = "Tower Variable Value"
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.mixin",
        "cx.tower.linked.access.mixin",
        "cx.tower.variable.text.mixin",
    ]
    _order = "sequence, variable_reference, id"
    _rec_names_search = ["variable_id.name", "variable_reference", "value_char"]

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    variable_id = fields.Many2one("cx.tower.variable", required=True, ondelete="cascade", index=True)
    name = fields.Char(related="variable_id.name", required=False, index=False)
    note = fields.Text(related="variable_id.note")
    variable_type = fields.Selection(related="variable_id.variable_type")
    variable_reference = fields.Char(
        related="variable_id.reference", string="Variable reference", store=True, index=True
    )
    access_level = fields.Selection(
        compute="_compute_access_level", store=True, readonly=False, precompute=True, default=None
    )
    option_id = fields.Many2one(
        "cx.tower.variable.option",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('variable_id', '=', variable_id)]",
    )
    value_char = fields.Char(
        string="Value",
        compute="_compute_value_char",
        inverse="_inverse_value_char",
        store=True,
        readonly=False,
        help="May use other variables: /srv/{{ customer }}. Empty stands for an empty string. Delete the row to "
        "use the value of"
        " the next scope.",
    )
    required = fields.Boolean(
        help="A value must be entered when a server is created from this template. An empty one counts as missing."
    )
    server_id = fields.Many2one("cx.tower.server", ondelete="cascade", index="btree_not_null")
    plan_line_action_id = fields.Many2one(
        "cx.tower.plan.line.action", string="Post-run action", ondelete="cascade", index="btree_not_null"
    )
    server_template_id = fields.Many2one(
        "cx.tower.server.template", string="Server template", ondelete="cascade", index="btree_not_null"
    )
    is_global = fields.Boolean(
        string="Global",
        compute="_compute_is_global",
        inverse="_inverse_is_global",
        store=True,
        precompute=True,
        readonly=False,
        help="Applies wherever there is no more specific value.",
    )
    variable_ids = fields.Many2many(
        "cx.tower.variable",
        "cx_tower_variable_value_used_variable_rel",
        "value_id",
        "variable_id",
        string="Uses variables",
        compute="_compute_variable_ids",
        store=True,
    )

    # The column order serves the resolver: one index probe per variable and scope.
    _one_global = models.UniqueIndex(
        "(variable_id) WHERE is_global", "This variable already has a global value."
    )
    _one_per_server = models.UniqueIndex(
        "(variable_id, server_id) WHERE server_id IS NOT NULL",
        "This server already has a value of this variable.",
    )
    _one_per_plan_line_action = models.UniqueIndex(
        "(variable_id, plan_line_action_id) WHERE plan_line_action_id IS NOT NULL",
        "This post-run action already sets this variable.",
    )

    _one_per_server_template = models.UniqueIndex(
        "(variable_id, server_template_id) WHERE server_template_id IS NOT NULL",
        "This server template already has a value of this variable.",
    )

    # ------------------------------------------------------------------ owners

    @api.model
    def _get_owner_fields(self):
        """Return the names of the many2one fields to owners. At most one of them is set on a value. Extension point.

        An addon that adds an owner adds its field here, an index (variable_id, <field>) that is unique where
        the field is set, and a scope in ``cx.tower.variable._get_scopes``. The name of a scope is the name of
        the field without "_id".
        """
        return ["server_id", "plan_line_action_id", "server_template_id"]

    def _get_owner(self):
        """Return the owner of this value, or an empty recordset of servers for a global one."""
        self.ensure_one()
        owners = [self[name] for name in self._get_owner_fields() if self[name]]
        return owners[0] if owners else self.env["cx.tower.server"]

    @api.depends(lambda self: self._get_owner_fields())
    def _compute_is_global(self):
        for value in self:
            value.is_global = not any(value[name] for name in self._get_owner_fields())

    def _inverse_is_global(self):
        for value in self:
            if value.is_global:
                value.update(dict.fromkeys(self._get_owner_fields(), False))
            elif not value._get_owner():
                raise ValidationError(
                    self.env._(
                        "Choose an owner for the value of “%(variable)s”, for example a server, or make it global.",
                        variable=value.variable_id.name,
                    )
                )

    @api.constrains(lambda self: self._get_owner_fields())
    def _check_owner(self):
        for value in self:
            if sum(bool(value[name]) for name in self._get_owner_fields()) > 1:
                raise ValidationError(
                    self.env._(
                        "A value of “%(variable)s” has more than one owner. Choose one.", variable=value.name
                    )
                )

    # ------------------------------------------------------------------ reference

    @api.model
    def _get_extra_vals_fields(self):
        return [*super()._get_extra_vals_fields(), "variable_id", *self._get_owner_fields()]

    @api.model
    def _get_reference_bases(self, vals_list):
        """Name values after their variable and owner: ``<variable>_variable_value_<owner model>_<owner>``."""
        # sudo: only the references of variable and owner, which become part of the value's, whoever creates it
        variables = (
            self.env["cx.tower.variable"].sudo().browse({vals.get("variable_id") for vals in vals_list})
        )
        names = {variable.id: variable.reference for variable in variables if variable.id}
        owners = {}
        for field_name in self._get_owner_fields():
            found = self.env[self._fields[field_name].comodel_name].sudo()
            found = found.browse({vals[field_name] for vals in vals_list if vals.get(field_name)})
            owners[field_name] = {owner.id: owner.reference for owner in found}
        return [
            (
                f"{names.get(vals.get('variable_id'), '')}_variable_value_{self._owner_part(vals, owners)}",
                False,
            )
            for vals in vals_list
        ]

    @api.model
    def _owner_part(self, vals, owners):
        """Return the part of a value's reference that names its owner."""
        for field_name, references in owners.items():
            if vals.get(field_name):
                return f"{field_name.removesuffix('_id')}_{references[vals[field_name]]}"
        return "global"

    # ------------------------------------------------------------------ level

    @api.model
    def _get_rights_owner_fields(self):
        return ["server_id", "server_template_id", "plan_line_action_id"]

    def _who_may_write(self):
        # sudo: only whether there is an owner; a global value follows its variable
        is_global = not any(self.sudo()[name] for name in self._get_rights_owner_fields())
        return self.variable_id._who_may_write() if is_global else super()._who_may_write()

    @api.model
    def _get_access_fields(self):
        return [*super()._get_access_fields(), "variable_id", *self._get_owner_fields()]

    @api.depends("variable_id.access_level")
    def _compute_access_level(self):
        for value in self:
            value.access_level = value.variable_id._raise_level(value.access_level)

    @api.constrains("access_level", "variable_id")
    def _check_access_level(self):
        for value in self:
            value.variable_id._check_level_is_not_below(value.access_level, value.name)

    # ------------------------------------------------------------------ text

    @api.depends("option_id.value_char")
    def _compute_value_char(self):
        for value in self:
            if value.option_id or value.variable_type == "o":
                value.value_char = value.option_id.value_char
            else:
                value.value_char = value.value_char

    def _inverse_value_char(self):
        """Choose the option with the entered text. The constraint refuses a text without an option."""
        for value in self.filtered(lambda v: v.variable_type == "o"):
            text = value.value_char
            option = value.variable_id.option_ids.filtered(lambda o, text=text: o.value_char == text)[:1]
            value.option_id = option

    @api.depends("value_char")
    def _compute_variable_ids(self):
        self.env["cx.tower.variable"]._link_used_variables(self, ["value_char"])

    @api.constrains("option_id", "variable_id", "value_char")
    def _check_value_char(self):
        for value in self:
            value.variable_id._check_template_syntax(value.value_char, value.name)
            value.variable_id._check_value(value.value_char, value.option_id)

    @api.model
    def _get_linked_access_fields(self):
        # A value shows the name and note of its variable, and the text of its option.
        return [*super()._get_linked_access_fields(), "variable_id", "option_id"]

    @api.model
    def _get_variable_text_fields(self):
        return [*super()._get_variable_text_fields(), "value_char"]

    def _texts_of_others(self):
        # sudo: choosing an option is not writing its text, which its author wrote
        return super()._texts_of_others() | {"value_char": self.sudo().option_id.value_char}

    def _own_text(self):
        """Return the text that this row stands for, None if it has no effect."""
        self.ensure_one()
        if not self.active or (self.required and not self.value_char):
            return None
        return self.value_char or ""

    def _remove(self):
        """Remove the effect of these rows: empty required ones, delete the others, or archive those the caller may not delete."""
        self.check_access("write")
        required = self.filtered("required")
        required.value_char = False
        deletable = (self - required)._filtered_access("unlink")
        (self - required - deletable).active = False
        deletable.unlink()

    @api.onchange("value_char", "variable_id")
    def _onchange_value_char(self):
        """Warn at once of what saving would refuse with the same message."""
        return self.variable_id._warn_value(self.value_char)

    @api.onchange("variable_id")
    def _onchange_variable_id(self):
        if self.option_id.variable_id != self.variable_id:
            self.option_id = False
            if self.variable_type == "o":
                self.value_char = False

    @api.depends("variable_id.name", "value_char")
    def _compute_display_name(self):
        for value in self:
            value.display_name = f"{value.variable_id.name}: {value.value_char or ''}"

    # ------------------------------------------------------------------ create

    @api.model_create_multi
    def create(self, vals_list):
        # An action opened on a server passes default_server_id, which must not become the owner of values that are created
        # for another record, or globally, along the way.
        owners = {f"default_{name}" for name in self._get_owner_fields()}
        context = {key: value for key, value in self.env.context.items() if key not in owners}
        # keyword arguments of with_context cannot remove keys
        # pylint: disable-next=context-overridden
        return super(CxTowerVariableValue, self.with_context(context)).create(vals_list)
