from odoo import api, fields, models
from odoo.exceptions import UserError

LINK = {"readonly": True, "ondelete": "set null", "index": "btree_not_null"}


class CxTowerRunMixin(models.AbstractModel):
    """Logs of commands and of flight plans: which jet they ran on."""

    _inherit = "cx.tower.run.mixin"

    jet_id = fields.Many2one("cx.tower.jet", **LINK)
    jet_template_id = fields.Many2one("cx.tower.jet.template", string="Jet template", **LINK)
    jet_template_install_line_id = fields.Many2one(
        "cx.tower.jet.template.install.line", string="Installation", **LINK
    )

    kept_jet_name = fields.Char(string="Name of the deleted jet or installation", readonly=True, copy=False)

    @api.depends("kept_jet_name")
    def _compute_server_name(self):
        super()._compute_server_name()
        self.filtered("kept_jet_name").is_orphan = True

    def _check_is_no_orphan(self):
        for run in self.filtered("kept_jet_name"):
            # sudo: the name of a run that the caller may read
            raise UserError(
                self.env._(
                    "“%s” cannot be run again: its jet, or its installation of a jet template, was deleted.",
                    run.sudo().name,
                )
            )
        return super()._check_is_no_orphan()

    @api.model
    def _get_kept_names(self):
        links = ("jet_id", "jet_template_install_line_id")
        return {**super()._get_kept_names(), **dict.fromkeys(links, "kept_jet_name")}

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
        jet = self.jet_id.name or self._deleted_name(self.kept_jet_name)
        return f"{jet} ({place})" if jet else place
