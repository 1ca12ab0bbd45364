from odoo import api, fields, models

LINK = {"readonly": True, "ondelete": "set null", "index": "btree_not_null"}


class CxTowerRunMixin(models.AbstractModel):
    """Logs of commands and of flight plans: which jet they ran on."""

    _inherit = "cx.tower.run.mixin"

    jet_id = fields.Many2one("cx.tower.jet", **LINK)
    jet_template_id = fields.Many2one("cx.tower.jet.template", string="Jet template", **LINK)
    jet_template_install_line_id = fields.Many2one(
        "cx.tower.jet.template.install.line", string="Installation", **LINK
    )

    @api.model
    def _get_target_fields(self):
        return ["jet_id", "jet_template_install_line_id", *super()._get_target_fields()]

    @api.model
    def _values_on(self, target):
        values = super()._values_on(target)
        if target._name in ("cx.tower.jet", "cx.tower.jet.template.install.line"):
            values["jet_template_id"] = target.jet_template_id.id
        return values

    def _place_name(self):
        place = super()._place_name()
        return f"{self.jet_id.name} ({place})" if self.jet_id else place
