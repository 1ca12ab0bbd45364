from odoo import models
from odoo.fields import Command

PREFIX = "cx.tower."


class Base(models.AbstractModel):
    """Closes two ways of reading Tower's records that Odoo does not check.

    An onchange computes with ids that the caller names, and stored or related fields are computed as superuser: the answer
    would reveal names, notes and values of any record. Grouping by a many2many field ignores the field's ``groups``.
    """

    _inherit = "base"

    def onchange(self, values, field_names, fields_spec):
        if not self.env.su:
            defaults = {
                key.removeprefix("default_"): value
                for key, value in self.env.context.items()
                if key.startswith("default_")
            }
            self._check_linked_in_form({**defaults, **values})
        return super().onchange(values, field_names, fields_spec)

    def _read_group_groupby(self, alias, groupby_spec, query):
        field = self._fields.get(groupby_spec.partition(":")[0])
        if field and field.type == "many2many" and self._name.startswith(PREFIX):
            self._check_field_access(field, "read")
        return super()._read_group_groupby(alias, groupby_spec, query)

    def _check_linked_in_form(self, values):
        """Raise AccessError if these values of a form name records of Tower that the caller may not read.

        Records that are linked already are not checked: forms send them back.
        """
        given = self._get_links_given_by_others(values)
        for name, value in values.items():
            field = self._fields.get(name)
            if not (field and field.relational and value):
                continue
            comodel = self.env[field.comodel_name]
            if isinstance(value, dict):  # the form around a line, with the values entered there
                parent_id = value.get("id") or False
                self._check_linked_ids(name, comodel, [parent_id])
                comodel.browse(parent_id or ())._check_linked_in_form(value)
                continue
            if field.type == "many2one":
                if value not in given.get(name, ()):
                    self._check_linked_ids(name, comodel, [value])
                continue
            for command in value if isinstance(value, list | tuple) else ():
                if isinstance(command, int):
                    self._check_linked_ids(name, comodel, [command])
                elif command and command[0] == Command.LINK:
                    self._check_linked_ids(name, comodel, [command[1]])
                elif command and command[0] == Command.SET:
                    self._check_linked_ids(name, comodel, command[2])
                elif command and command[0] in (Command.CREATE, Command.UPDATE) and command[2]:
                    child = comodel.browse(command[1] if command[0] == Command.UPDATE else [])
                    child._check_linked_in_form(command[2])

    def _get_links_given_by_others(self, values):
        """Return {many2one field: ids} that a form may name although its user may not read them. Extension point.

        For links that somebody else has made for this user.
        """
        return {}

    def _check_linked_ids(self, name, comodel, ids):
        if not comodel._name.startswith(PREFIX):
            return
        ids = {
            record_id for record_id in ids if isinstance(record_id, int) and not isinstance(record_id, bool)
        }
        if ids and self._origin:
            # sudo: only to leave out ids that the record links already; nothing of them is returned
            ids -= set(self._origin.sudo().with_context(active_test=False)[name].ids)
        if ids:
            comodel.browse(ids).check_access("read")
