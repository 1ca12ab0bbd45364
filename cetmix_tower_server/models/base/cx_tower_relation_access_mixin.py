from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tools import SQL


class CxTowerRelationAccessMixin(models.AbstractModel):
    """Changing a many2many that both ends show changes both ends: the caller needs the right to write each of them.

    The rule holds for every many2many that has an inverse in another model of Tower, whoever declares it, from either side and
    for every command (link, unlink, set, clear). It does not hold where the other end is not changed by it, which is where it
    has no inverse: people in roles, the operating systems that a command is made for. Lists that Tower works out from
    texts and lines are written by nobody.
    """

    _name = "cx.tower.relation.access.mixin"
    _description = "Tower relation access mixin"

    @api.model
    def _get_two_ended_relations(self):
        """Return the names of the many2many fields that have an inverse in a model of Tower."""
        return [
            name
            for name, field in self._fields.items()
            if field.type == "many2many"
            and field.store
            and field.comodel_name.startswith("cx.tower.")
            and self.pool.field_inverses[field]
        ]

    @api.model
    def _is_worked_out(self, name):
        """Return whether Tower fills a many2many field, or the other end of it."""
        field = self._fields[name]
        return any(end.compute for end in (field, *self.pool.field_inverses[field]))

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.su:
            return super().create(vals_list)
        names = self._get_two_ended_relations()
        given = {name for vals in vals_list for name in vals}
        given |= {key.removeprefix("default_") for key in self.env.context if key.startswith("default_")}
        self._refuse_worked_out(given.intersection(names))
        records = super().create(vals_list)
        # all of them: they may come from defaults in the context
        for name in names:
            if not self._is_worked_out(name):
                self._check_other_ends(name, records._get_relation_pairs(name))
        return records

    def write(self, vals):
        names = [] if self.env.su else [name for name in self._get_two_ended_relations() if name in vals]
        if not names:
            return super().write(vals)
        self._refuse_worked_out(names)
        before = {name: self._get_relation_pairs(name) for name in names}
        result = super().write(vals)
        for name in names:
            self._check_other_ends(name, before[name] ^ self._get_relation_pairs(name))
        return result

    def copy_data(self, default=None):
        """Copy without the links that the caller could not make; who restricts, ``_get_restricting_relations``, is not opened."""
        vals_list = super().copy_data(default)
        if self.env.su:
            return vals_list
        for name in set(self._get_two_ended_relations()).difference(
            self._get_restricting_relations(), default or {}
        ):
            others = self.env[self._fields[name].comodel_name]
            for vals in vals_list:
                links = [command for command in vals.get(name) or [] if command[0] == Command.SET]
                for _set, _zero, ids in links:
                    may = (
                        others.browse(ids)._filtered_access("write") if others.has_access("write") else others
                    )
                    vals[name] = [Command.set(may.ids)]
        return vals_list

    @api.model
    def _get_restricting_relations(self):
        """Return many2many fields that restrict a record by what is linked: a copy without the links would be open to more."""
        return []

    def _get_relation_pairs(self, name):
        """Return {(own id, other id)} of a many2many field: all of them, also those that the caller does not see."""
        field = self._fields[name]
        query = SQL(
            "SELECT %(own)s, %(other)s FROM %(relation)s WHERE %(own)s = ANY(%(ids)s)",
            own=SQL.identifier(field.column1),
            other=SQL.identifier(field.column2),
            relation=SQL.identifier(field.relation),
            ids=list(self.ids),
        )
        return set(self.env.execute_query(query)) if self.ids else set()

    @api.model
    def _refuse_worked_out(self, names):
        for name in names:
            if self._is_worked_out(name):
                raise AccessError(
                    self.env._(
                        "“%s” is a list that Tower fills itself: it cannot be written.",
                        self._fields[name]._description_string(self.env),
                    )
                )

    @api.model
    def _check_other_ends(self, name, pairs):
        """Raise AccessError when the caller may not write all records at the other end of links that were changed."""
        others = self.env[self._fields[name].comodel_name].browse({other for _own, other in pairs})
        if not others or others.has_access("write"):
            return
        refused = others
        if others.browse().has_access("write"):
            refused -= others._filtered_access("write")
        shown = refused._filtered_access("read") if refused.browse().has_access("read") else refused.browse()
        raise AccessError(
            self.env._(
                "“%(field)s” of this record cannot be changed: that changes %(others)s (%(model)s) as well, which you may"
                " not write. Ask one of its managers, or Root.",
                field=self._fields[name]._description_string(self.env),
                others=", ".join(f"“{other.display_name}”" for other in shown[:3])
                or self.env._("a record that you may not see"),
                model=self.env["ir.model"]._get(others._name).sudo().name,
            )
        )
