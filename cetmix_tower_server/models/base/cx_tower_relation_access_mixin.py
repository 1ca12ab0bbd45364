from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tools import SQL


class CxTowerRelationAccessMixin(models.AbstractModel):
    """Changing a many2many link changes the records at both ends: the caller needs the right to write both.

    This holds for every many2many field that has an inverse in another model of Tower, from either side and for every command
    (link, unlink, set, clear). Fields without an inverse (people in roles, the operating systems that a command is made
    for) change one end only. Nobody writes lists that Tower computes from texts and lines.
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
    def _is_computed_relation(self, name):
        """Return whether Tower computes a many2many field, or its inverse."""
        field = self._fields[name]
        return any(end.compute for end in (field, *self.pool.field_inverses[field]))

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.su:
            return super().create(vals_list)
        names = self._get_two_ended_relations()
        given = {name for vals in vals_list for name in vals}
        given |= {key.removeprefix("default_") for key in self.env.context if key.startswith("default_")}
        self._refuse_computed_relations(given.intersection(names))
        records = super().create(vals_list)
        # all of them: links may come from defaults in the context
        for name in names:
            if not self._is_computed_relation(name):
                self._check_other_ends(name, records._get_relation_pairs(name))
        return records

    def write(self, vals):
        names = [] if self.env.su else [name for name in self._get_two_ended_relations() if name in vals]
        if not names:
            return super().write(vals)
        self._refuse_computed_relations(names)
        before = {name: self._get_relation_pairs(name) for name in names}
        result = super().write(vals)
        for name in names:
            self._check_other_ends(name, before[name] ^ self._get_relation_pairs(name))
        return result

    def copy_data(self, default=None):
        """Copy without the links that the caller could not make, except those of :meth:`_get_restricting_relations`."""
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
        """Return the many2many fields that restrict a record to what they link: without the links a copy would be less restricted."""
        return []

    def _get_relation_pairs(self, name):
        """Return {(own id, other id)} of a many2many field, whether the caller may read the other records or not."""
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
    def _refuse_computed_relations(self, names):
        for name in names:
            if self._is_computed_relation(name):
                raise AccessError(
                    self.env._(
                        "“%s” cannot be changed by hand: Tower computes this list.",
                        self._fields[name]._description_string(self.env),
                    )
                )

    @api.model
    def _check_other_ends(self, name, pairs):
        """Raise AccessError if the caller may not write all records at the other ends of changed links."""
        others = self.env[self._fields[name].comodel_name].browse({other for _own, other in pairs})
        if not others or others.has_access("write"):
            return
        refused = others
        if others.browse().has_access("write"):
            refused -= others._filtered_access("write")
        shown = refused._filtered_access("read") if refused.browse().has_access("read") else refused.browse()
        raise AccessError(
            self.env._(
                "You cannot change “%(field)s” here: it would also change %(others)s (%(model)s), which you are "
                "not allowed to change. Ask one of its Managers, or Root.",
                field=self._fields[name]._description_string(self.env),
                others=", ".join(f"“{other.display_name}”" for other in shown[:3])
                or self.env._("a record that you cannot see"),
                model=self.env["ir.model"]._get(others._name).sudo().name,  # sudo: what the screens call it
            )
        )
