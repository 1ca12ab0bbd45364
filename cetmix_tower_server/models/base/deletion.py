from odoo import api, models
from odoo.exceptions import UserError

#: Records that a message names at most.
NAMED = 5


class CxTowerRightsMixin(models.AbstractModel):
    """Deleting a record: what is deleted with it, for the confirmation, and what prevents it, for the error."""

    _inherit = "cx.tower.rights.mixin"

    def describe_deletion(self):
        """Return the consequences of deleting these records, for the confirmation dialog. Also for RPC.

        :return: str: one sentence per line; other records are counted, not named
        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        goes, stays = self._deletion_effects()
        lines = []
        if goes:
            lines.append(self.env._("This also deletes: %s.", ", ".join(goes)))
        if stays:
            lines.append(self.env._("Past runs stay in the log, where Root can read them."))
        return "\n".join(lines + self._deletion_on_hosts())

    def _deletion_on_hosts(self):
        """Return sentences about what deleting these records does on hosts, or leaves there. Extension point."""
        return []

    def _deletion_effects(self):
        """Return (what is deleted as well, as "label: number"; whether runs stay). Extension point."""
        goes, stays = [], False
        for model, name in self._deletion_links():
            # sudo: the deletion takes them along whether the caller sees them or not; they are only counted
            records = self.env[model].sudo().with_context(active_test=False)
            domain = [(name, "in", self.ids)]
            if records._fields[name].ondelete != "cascade":
                stays = stays or bool(records.search_count(domain, limit=1))
            elif count := records.search_count(domain):
                goes.append(f"{self._label_of_link(model, name)}: {count}")
        return goes, stays

    @api.model
    def _deletion_links(self):
        """Return [(model, field)] of the links to this model: of records that are deleted with it, and of runs that stay."""
        return [
            (model._name, field.name)
            for model, field in self._links_of_tower()
            if field.ondelete == "cascade" or "kept_target_name" in model._fields
        ]

    @api.model
    def _links_of_tower(self):
        """Return [(model, field)] of all stored many2one fields of Tower that lead to this model."""
        return [
            (model, field)
            for model in self.env.values()
            if model._name.startswith("cx.tower.") and not model._abstract and not model._transient
            for field in model._fields.values()
            if field.type == "many2one" and field.store and field.comodel_name == self._name
        ]

    @api.model
    def _label_of_link(self, model, name):
        """Return how records that link to this model are called: as on its form, or by the name of their model."""
        for field in self._fields.values():
            if field.type == "one2many" and not field.compute and not field.related:
                if (field.comodel_name, field.inverse_name) == (model, name):
                    return field._description_string(self.env)
        return self.env["ir.model"]._get(model).sudo().name  # sudo: what the screens call it

    # ------------------------------------------------------------------ what prevents it

    @api.model
    def _deletion_blockers(self):
        """Return [(model, field)] of the links that prevent the deletion of a record of this model.

        Extension point: a model that checks one of them itself, with a better message, leaves it out.
        """
        links = self._links_of_tower()
        return [(model._name, field.name) for model, field in links if field.ondelete == "restrict"]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        for model, name in self._deletion_blockers():
            # sudo: records that the caller does not see prevent it, too; _in_use_text does not name those
            users = self.env[model].sudo().with_context(active_test=False)
            domain = [(name, "in", self.ids)] + ([("id", "not in", self.ids)] if model == self._name else [])
            found = users.search(domain, limit=NAMED + 1)
            if found:
                raise UserError(self._in_use_text(found, name))

    def _in_use_text(self, found, name):
        """Return the message that says what uses one of these records. Of what the caller may not read, only the kind."""
        kept = found[0][name].with_env(self.env)
        shown = found.with_env(self.env)._filtered_access("read")
        names = ", ".join(f"“{record.display_name}”" for record in shown[:NAMED])
        if len(found) > NAMED:
            names = self.env._("%s and others", names) if names else ""
        kind = self.env["ir.model"]._get(found._name).sudo().name  # sudo: what the screens call it
        return self.env._(
            "“%(record)s” cannot be deleted because it is used by %(kind)s %(names)s. Replace it there first, or archive it.",
            record=kept.display_name,
            kind=kind,
            names=names or self.env._("that you cannot see"),
        )
