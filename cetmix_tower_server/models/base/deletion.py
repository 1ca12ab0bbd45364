from odoo import api, models
from odoo.exceptions import UserError

#: Records that a sentence names; the rest is counted.
NAMED = 5


class CxTowerRightsMixin(models.AbstractModel):
    """Deleting a record: what goes with it is said before, and what keeps it is said in Tower's words."""

    _inherit = "cx.tower.rights.mixin"

    def describe_deletion(self):
        """Return what deleting these records means, for the question that is asked before. Also for RPC.

        :return: str: sentences, a line each; records of others are counted and not named
        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        goes, stays = self._deletion_effects()
        lines = []
        if goes:
            lines.append(self.env._("Deleted as well: %s.", ", ".join(goes)))
        if stays:
            lines.append(self.env._("What was run stays in the log, where Root can read it."))
        return "\n".join(lines + self._deletion_on_hosts())

    def _deletion_on_hosts(self):
        """Return sentences about what deleting these records does, or leaves, on hosts. Extension point."""
        return []

    def _deletion_effects(self):
        """Return (what goes along as "label: number", whether runs stay). Extension point."""
        goes, stays = [], False
        for model, name in self._deletion_links():
            # sudo: what goes along goes whoever may see it
            records = self.env[model].sudo().with_context(active_test=False)
            domain = [(name, "in", self.ids)]
            if records._fields[name].ondelete != "cascade":
                stays = stays or bool(records.search_count(domain, limit=1))
            elif count := records.search_count(domain):
                goes.append(f"{self._label_of_link(model, name)}: {count}")
        return goes, stays

    @api.model
    def _deletion_links(self):
        """Return [(model, field)] of Tower's links to this model that go with it, and of runs, which stay."""
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
        """Return what records that link to one of this model are called: as its form calls them, or by their kind."""
        for field in self._fields.values():
            if field.type == "one2many" and not field.compute and not field.related:
                if (field.comodel_name, field.inverse_name) == (model, name):
                    return field._description_string(self.env)
        return self.env["ir.model"]._get(model).sudo().name

    # ------------------------------------------------------------------ what is in the way

    @api.model
    def _deletion_blockers(self):
        """Return [(model, field)] of Tower's links that keep a record of this model from being deleted.

        Extension point: a model that says more about one of them leaves it out.
        """
        links = self._links_of_tower()
        return [(model._name, field.name) for model, field in links if field.ondelete == "restrict"]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_use(self):
        for model, name in self._deletion_blockers():
            # sudo: what the caller does not see keeps the record, too
            users = self.env[model].sudo().with_context(active_test=False)
            domain = [(name, "in", self.ids)] + ([("id", "not in", self.ids)] if model == self._name else [])
            found = users.search(domain, limit=NAMED + 1)
            if found:
                raise UserError(self._in_use_text(found, name))

    def _in_use_text(self, found, name):
        """Return the sentence that tells what uses one of these records; who may not read it learns its kind only."""
        # the name of what is asked to be deleted, and those that the caller may read
        kept = found[0][name].with_env(self.env)
        shown = found.with_env(self.env)._filtered_access("read")
        names = ", ".join(f"“{record.display_name}”" for record in shown[:NAMED])
        if len(found) > NAMED:
            names = self.env._("%s and others", names) if names else ""
        kind = self.env["ir.model"]._get(found._name).sudo().name
        return self.env._(
            "“%(record)s” cannot be deleted: it is used by %(kind)s %(names)s. Choose something else there first, or"
            " archive it.",
            record=kept.display_name,
            kind=kind,
            names=names or self.env._("that you may not see"),
        )
