from odoo import api, models
from odoo.exceptions import AccessError


class CxTowerLinkedAccessMixin(models.AbstractModel):
    """For models with many2one fields to records that must not be linked by guessing their ids."""

    _name = "cx.tower.linked.access.mixin"
    _description = "Tower linked access mixin"

    @api.model
    def _get_linked_access_fields(self):
        """Return the many2one fields whose records the caller must be allowed to read before linking them.

        Odoo checks that for many2many fields only. It matters where a link gives rights: the managers of a server have
        rights on its SSH key, and a plan runs its commands.
        """
        return []

    @api.model_create_multi
    def create(self, vals_list):
        # Checked before: once the link exists it may itself give the right to read. Defaults count, too, because a
        # caller can pass them in the context.
        names = self._get_linked_access_fields()
        defaults = self.default_get(names) if names and not self.env.su else {}
        for name in names:
            linked = {vals.get(name, defaults.get(name)) for vals in vals_list}
            self._check_may_link(name, [record_id for record_id in linked if record_id])
        return super().create(vals_list)

    def write(self, vals):
        for name in self._get_linked_access_fields():
            self._check_may_link(name, [vals[name]] if vals.get(name) else [])
        return super().write(vals)

    @api.model
    def _check_may_link(self, name, record_ids):
        """Raise AccessError if the caller may not link these records in field ``name``."""
        if record_ids and not self.env.su:
            linked = self.env[self._fields[name].comodel_name].browse(record_ids)
            linked.check_access("read")
            if hasattr(linked, "_check_may_use"):
                linked._check_may_use()

    def _check_may_use(self):
        """Raise AccessError if the caller may read these records but not link them. Extension point."""

    @api.model
    def _get_links_left_out_of_copies(self):
        """Return those of :meth:`_get_linked_access_fields` that are left empty in the copy of a user who may not link them."""
        return []

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if self.env.su:
            return vals_list
        for name in set(self._get_links_left_out_of_copies()).difference(default or {}):
            for vals in vals_list:
                try:
                    self._check_may_link(name, [vals[name]] if vals.get(name) else [])
                except AccessError:
                    vals[name] = False
        return vals_list
