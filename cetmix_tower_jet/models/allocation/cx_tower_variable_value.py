from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL


class CxTowerVariableValue(models.Model):
    """Values that only one jet may have, and those of templates that ask for one."""

    _inherit = "cx.tower.variable.value"

    allocation_key = fields.Char(
        compute="_compute_allocation_key",
        store=True,
        copy=False,
        groups=fields.NO_ACCESS,
        help="Reserves the value: variable, server or 0 for everywhere, and text.",
    )

    _allocation_unique = models.UniqueIndex(
        "(allocation_key) WHERE allocation_key IS NOT NULL",
        "Another jet has just taken this value. Choose another one.",
    )

    @api.depends("active", "value_char", "variable_id.allocation", "jet_id.server_id")
    def _compute_allocation_key(self):
        for value in self:
            value.allocation_key = value._make_allocation_key() or False

    def _make_allocation_key(self):
        """Return the key that reserves this value, "" for one that need not be unique."""
        variable, jet = self.variable_id, self.jet_id
        if not (variable.allocation and jet and self.active and self.value_char):
            return ""
        return self._allocation_key_of(variable, self.value_char)

    def _allocation_key_of(self, variable, text):
        """Return the key that reserves a text of an allocated variable for this value's jet."""
        return f"{variable.id}:{variable._allocation_place(self.jet_id.server_id)}:{text}"

    # ------------------------------------------------------------------ values by hand

    @api.constrains("value_char", "variable_id", "jet_id", "active")
    def _check_allocated_value(self):
        # sudo: the range and the other jets count, whoever sees them
        values = self.sudo().filtered(
            lambda value: value.active and value.jet_id and value.variable_id.allocation
        )
        for value in values:
            value._check_range()
        holders = values._find_holders()
        for value in values:
            if holder := holders.get(value._make_allocation_key()):
                raise ValidationError(value._held_text(holder))

    def _check_range(self):
        if (self.value_char or "") not in self.variable_id._allocation_range():
            raise ValidationError(
                self.env._(
                    "“%(text)s” is not a value of “%(variable)s” for a jet: it is outside %(range)s. Choose one of these values, or"
                    " extend the range of the variable.",
                    text=self.value_char or "",
                    variable=self.variable_id.name,
                    range=self.variable_id.allocation_range,
                )
            )

    def _find_holders(self):
        """Return {allocation key: jet}, as superuser, of the values of these records that other jets hold."""
        keys = [key for key in (value._make_allocation_key() for value in self) if key]
        if not keys:
            return {}
        # Own rows are left out, so nothing is flushed: the database would refuse them with less to say.
        query = SQL(
            "SELECT allocation_key, jet_id FROM cx_tower_variable_value WHERE allocation_key = ANY(%s) AND id <> ALL(%s)",
            keys,
            self._origin.ids,
        )
        # sudo: shown as far as the caller may read them
        jets = self.env["cx.tower.jet"].sudo()
        return {key: jets.browse(jet_id) for key, jet_id in self.env.execute_query(query)}

    def _held_text(self, holder):
        return self.env._(
            "“%(text)s” of “%(variable)s” is taken by %(holder)s. Choose another value.",
            text=self.value_char,
            variable=self.variable_id.name,
            holder=holder.sudo(False)._names_for_caller(),
        )

    @api.onchange("value_char", "variable_id")
    def _onchange_value_char(self):
        result = super()._onchange_value_char()
        value = self.sudo()  # sudo: as when it is saved
        if result or not (
            value.active and value.jet_id and value.variable_id.allocation and value.value_char
        ):
            return result
        try:
            value._check_allocated_value()
        except ValidationError as error:
            title = self.env._("Invalid value")
            return {"warning": {"title": title, "message": str(error), "type": "notification"}}
        return None

    # ------------------------------------------------------------------ templates that ask for one

    @api.model_create_multi
    def create(self, vals_list):
        values = super().create(vals_list)
        values._mark_requests()
        return values

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint(("value_char", "required", "variable_id", "jet_template_id")):
            self._mark_requests()
        return result

    def _mark_requests(self):
        """Mark values of templates without a text as required: each jet gets its own, so they do not stand for an empty text."""
        # sudo: Tower's own reading of a value that the caller has just written
        values = self.sudo().filtered(lambda value: value._asks_for_allocation() and not value.required)
        if values:
            values.required = True

    def _asks_for_allocation(self):
        """Return whether this is a template's value without a text: each new jet gets the lowest free one."""
        return bool(self.jet_template_id and self.variable_id.allocation and not self.value_char)
