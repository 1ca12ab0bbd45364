from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import SQL

from ...engine.errors import RenderingError
from ...engine.template.rendering import Mode, UndefinedPolicy, render
from .cx_tower_variable_resolver import COUNTS, GLOBAL_SCOPE, STORED_TEXT


class CxTowerVariableMixin(models.AbstractModel):
    """For models that own values of variables.

    The name of the owner's scope is that of its model without "cx.tower." (``jet_template``), and the field of values that
    links to it has the same name with "_id". Models declare the inverse: ``variable_value_ids = fields.One2many(
    inverse_name="server_id")``.
    """

    _name = "cx.tower.variable.mixin"
    _inherit = ["cx.tower.variable.text.mixin"]
    _description = "Tower Variable Mixin"

    variable_value_ids = fields.One2many("cx.tower.variable.value", string="Variable values", copy=True)

    @api.model
    def _get_variable_scope_name(self):
        """Return the name of the scope whose values these records own."""
        return self._name.removeprefix("cx.tower.").replace(".", "_")

    def _get_variable_scope_records(self):
        """Return {scope name: record}: this record, and the owners whose values apply if it has none. Extension point."""
        self.ensure_one()
        return {self._get_variable_scope_name(): self}

    # ------------------------------------------------------------------ public: one value

    def get_variable_value(self, variable_reference, no_fallback=False):
        """Return the stored value of a variable (not rendered, modifier not applied).

        :param variable_reference: reference of the variable
        :param no_fallback: only this record's own value, not those of less specific scopes
        :return: text, or False if there is no such variable or no value
        :raise AccessError: the caller may not read this record, the variable or the value
        """
        self.ensure_one()
        self.check_access("read")
        scopes = self.env["cx.tower.variable"]._get_scopes(**self._get_variable_scope_records())
        if no_fallback:
            scopes = [(name, record) for name, record in scopes if record == self]
        rows = self._fetch_scope_values(scopes, reference=str(variable_reference or ""))
        if no_fallback:
            rows = [row for row in rows if row["scope"] != GLOBAL_SCOPE]
        if not rows:
            return False
        if not self._may_see_level(rows[0]["access_level"]):
            raise AccessError(
                self.env._(
                    "You are not allowed to read the value of variable “%(variable)s” of %(owner)s. Ask Root for access.",
                    variable=variable_reference,
                    owner=self.display_name,
                )
            )
        return rows[0]["text"]

    def set_variable_value(self, variable_reference, value):
        """Set this record's own value of a variable, creating it if necessary.

        :param variable_reference: reference of the variable
        :param value: text or number; "" is an empty text, which is a value, too; False or None removes the value, so that
            the next scope applies again
        :return: True
        :raise ValidationError: no such variable, or the value is invalid
        :raise AccessError: the caller may not write this record's values
        """
        self.ensure_one()
        self.check_access("read")
        text = self._variable_text(value)
        # sudo: only to find the variable and the value; they are written below as the caller
        variable = (
            self.env["cx.tower.variable"].sudo().search([("reference", "=", variable_reference)], limit=1)
        )
        if not variable:
            raise ValidationError(
                self.env._("There is no variable “%(variable)s”.", variable=variable_reference or "")
            )
        owner_field = f"{self._get_variable_scope_name()}_id"
        values = self.env["cx.tower.variable.value"]
        domain = [("variable_id", "=", variable.id), (owner_field, "=", self.id)]
        own = values.sudo().with_context(active_test=False).search(domain, limit=1).with_env(self.env)
        if text is False:
            own._remove()
            return True
        if not own:
            values.create({"variable_id": variable.id, owner_field: self.id, "value_char": text})
            return True
        own.check_access("write")
        if (own.value_char or "") != text or not own.active:
            own.write({"value_char": text, "active": True})
        return True

    def _variable_text(self, value):
        """Return the text to be stored for a value from RPC, or False for none."""
        if value is None or value is False:
            return False
        if isinstance(value, (str, int, float)):
            return str(value)
        raise ValidationError(self.env._("The value of a variable must be a string or a number."))

    # ------------------------------------------------------------------ public: all effective values

    def get_effective_variable_values(self):
        """Return the values that apply to this record and where they come from, as far as the caller may see them.

        Sorted by the variables' names; one query for all values. Values are rendered without starting anything. If that is
        not possible, for example because a value uses another that the caller may not see, ``value`` is False and ``error``
        says why.

        :return: list of {"reference", "name", "value": text or False, "raw": stored text or False,
            "error": sentence or "", "hidden": the value applies but the caller may not see it,
            "source": {"scope", "label", "model", "id", "value_id"},
            "overridden": list of {"scope", "label", "model", "id", "value_id", "raw"}}
        :raise AccessError: the caller may not read this record
        """
        self.ensure_one()
        self.check_access("read")
        variables = self.env["cx.tower.variable"]
        records = self._get_variable_scope_records()
        scopes = variables._get_scopes(**records)
        by_reference = {}
        for row in self._fetch_scope_values(scopes):
            if self._may_see_level(row["variable_level"]):
                by_reference.setdefault(row["reference"], []).append(row)
        render_value = self._make_effective_renderer(by_reference, records, scopes)
        # sudo: the names of the owners, which apply to a record that the caller may read
        labels = {name: (record._name, record.id, record.sudo().display_name) for name, record in scopes}
        return [self._effective_entry(rows, render_value, labels) for rows in by_reference.values()]

    def _effective_entry(self, rows, render_value, labels):
        """Return one element of :meth:`get_effective_variable_values`. ``rows``: from most to least specific."""
        best = rows[0]
        visible = self._may_see_level(best["access_level"])
        value, error = render_value(best["reference"]) if visible else (False, "")
        return {
            "reference": best["reference"],
            "name": best["name"],
            "value": value,
            "raw": best["text"] if visible else False,
            "error": error,
            "hidden": not visible,
            "source": self._effective_source(best, labels),
            "overridden": [
                {**self._effective_source(row, labels), "raw": row["text"]}
                for row in rows[1:]
                if self._may_see_level(row["access_level"])
            ],
        }

    def _effective_source(self, row, labels):
        model, record_id, label = labels.get(row["scope"], (False, False, self.env._("Global")))
        return {
            "scope": row["scope"],
            "label": label,
            "model": model,
            "id": record_id,
            "value_id": row["value_id"],
        }

    def _make_effective_renderer(self, by_reference, records, scopes):
        """Return a function: reference -> (rendered text or False, error). It uses only values that the caller may see."""
        visible = {
            reference: rows[0]
            for reference, rows in by_reference.items()
            if self._may_see_level(rows[0]["access_level"])
        }
        # Results go into ``known``, so that each value is rendered only once.
        known = {}
        scope = self.env["cx.tower.variable"]._make_scope(list(visible.values()), scopes, known, records)
        scope = replace(scope, custom=known)

        def render_value(reference):
            where = self.env._("value of variable “%(variable)s”", variable=reference)
            try:
                text = render(visible[reference]["text"], scope, Mode.SHELL, UndefinedPolicy.ERROR, where)
                text = scope.modify(reference, text)
            except RenderingError as err:
                return False, str(err)
            if text is None:
                return False, self.env._("The modifier removes the value.")
            known[reference] = text
            return text, ""

        return render_value

    def _may_see_level(self, level):
        """Return whether the caller's level covers ``level`` ("1" User, "2" Manager, "3" Root)."""
        if self.env.su:
            return True
        return level <= (self.env.user._cetmix_tower_access_level() or "0")

    def _fetch_scope_values(self, scopes, reference=None):
        """Return the values of these scopes and the global ones, with one query. Access is not checked.

        :param scopes: [(scope name, record)], most specific first
        :param reference: only this variable
        :return: list of dictionaries by name of the variable, then from most to least specific
        """
        variables = self.env["cx.tower.variable"]
        variables._flush_for_resolving()
        owners = [(name, SQL("%s = %s", SQL.identifier(f"{name}_id"), record.id)) for name, record in scopes]
        owners.append((GLOBAL_SCOPE, SQL("is_global")))
        candidates = SQL(" UNION ALL ").join(
            SQL(
                "SELECT id, variable_id, access_level, %(text)s AS value_char, %(rank)s AS rank, %(name)s AS scope"
                " FROM cx_tower_variable_value WHERE %(owner)s AND %(counts)s",
                text=STORED_TEXT,
                counts=COUNTS,
                rank=rank,
                name=name,
                owner=owner,
            )
            for rank, (name, owner) in enumerate(owners)
        )
        query = SQL(
            """
            SELECT variable.reference, variable.name, variable.access_level AS variable_level,
                   variable.applied_expression, variable.validation_pattern, %(message)s AS validation_message,
                   candidate.id AS value_id, candidate.value_char AS text, candidate.access_level, candidate.scope
              FROM (%(candidates)s) AS candidate
              JOIN cx_tower_variable variable ON variable.id = candidate.variable_id
             WHERE %(which)s
             ORDER BY variable.name, variable.id, candidate.rank
            """,
            message=variables._field_to_sql("variable", "validation_message"),
            candidates=candidates,
            which=SQL("variable.reference = %s", reference) if reference is not None else SQL("TRUE"),
        )
        self.env.cr.execute(query)
        return self.env.cr.dictfetchall()
