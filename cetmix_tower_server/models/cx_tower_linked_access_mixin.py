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
        records = super().create(vals_list)
        # looked at afterwards: links may come from defaults, which a caller can give in the context, too
        for name in self._get_linked_access_fields():
            records._check_may_link(name, records.sudo()[name].ids)
        return records

    def write(self, vals):
        for name in self._get_linked_access_fields():
            self._check_may_link(name, [vals[name]] if vals.get(name) else [])
        return super().write(vals)

    @api.model
    def _check_may_link(self, name, record_ids):
        """Raise AccessError when the caller may not read these records, which field ``name`` links."""
        if record_ids and not self.env.su:
            self.env[self._fields[name].comodel_name].browse(record_ids).check_access("read")
