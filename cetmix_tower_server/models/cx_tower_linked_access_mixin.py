from odoo import api, models


class CxTowerLinkedAccessMixin(models.AbstractModel):
    """For models with links to records that must not be linked by knowing their id alone."""

    _name = "cx.tower.linked.access.mixin"
    _description = "Tower linked access mixin"

    @api.model
    def _get_linked_access_fields(self):
        """Return many2one fields to records that the caller must be allowed to read before linking them.

        Odoo itself checks that for many2many fields only. Where linking gives rights (the managers of a server
        have rights on its SSH key; a plan runs its commands), knowing the id of a record must not be enough.
        """
        return []

    @api.model_create_multi
    def create(self, vals_list):
        # Looked at before: once the link is there it may itself give the right to read. Links may come from defaults,
        # which a caller can give in the context, too.
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
        """Raise AccessError when the caller may not read these records, which field ``name`` links."""
        if record_ids and not self.env.su:
            self.env[self._fields[name].comodel_name].browse(record_ids).check_access("read")
