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


class CxTowerRunQueue(models.AbstractModel):
    """What an error in the above has kept from following."""

    _inherit = "cx.tower.run.queue"

    @api.model
    def _recover_followers(self):
        super()._recover_followers()
        # sudo: the cron looks after the runs of all people
        missed = (
            self.env["cx.tower.site"]
            .sudo()
            .search([("state", "=", "publishing"), ("publishing_log_id.is_running", "=", False)])
        )
        self._do_each(
            missed,
            lambda site: site._publishing_ended(site.publishing_log_id),
            lambda site, error: site.write({"state": "failed"}),
        )
