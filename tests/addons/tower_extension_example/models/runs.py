from odoo import api, fields, models


class CxTowerRunMixin(models.AbstractModel):
    """Logs of commands and of flight plans: which site they ran on."""

    _inherit = "cx.tower.run.mixin"

    site_id = fields.Many2one("cx.tower.site", readonly=True, ondelete="set null", index="btree_not_null")

    @api.model
    def _get_target_fields(self):
        return ["site_id", *super()._get_target_fields()]


class CxTowerPlanLog(models.Model):
    """What follows from the end of a flight plan."""

    _inherit = "cx.tower.plan.log"

    def _on_run_finished(self, lane=None):
        following = super()._on_run_finished(lane)
        site = self.site_id.sudo()  # sudo: the state belongs to the run, whoever started it
        if site.publishing_log_id == self and site.state == "publishing":
            site._publishing_ended(self)
        return following
