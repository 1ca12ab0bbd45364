from odoo import api, fields, models


class CxTowerVariableValue(models.Model):
    """Values of sites."""

    _inherit = "cx.tower.variable.value"

    site_id = fields.Many2one("cx.tower.site", ondelete="cascade", index="btree_not_null")

    _one_per_site = models.UniqueIndex(
        "(variable_id, site_id) WHERE site_id IS NOT NULL", "This site already has a value of this variable."
    )

    @api.model
    def _get_owner_fields(self):
        return [*super()._get_owner_fields(), "site_id"]


class CxTowerVariable(models.Model):
    """Values of a site win over those of its server; templates know ``tower.site``."""

    _inherit = "cx.tower.variable"

    @api.model
    def _get_scopes(self, site=None, **scopes):
        return [*([("site", site)] if site else []), *super()._get_scopes(**scopes)]

    @api.model
    def _get_system_variable_values(self, site=None, **scopes):
        values = super()._get_system_variable_values(**scopes)
        return values | {"site": {"name": site.name, "url": site.url or None} if site else {}}
