from odoo import api, fields, models


class CxTowerPlanResumeWizard(models.TransientModel):
    """Shows how a flight plan has changed since a run of it ended, before that run is resumed."""

    _name = "cx.tower.plan.resume.wizard"
    _description = "Tower Flight Plan Resume Wizard"

    plan_log_id = fields.Many2one(
        "cx.tower.plan.log", string="Run", required=True, readonly=True, ondelete="cascade"
    )
    difference = fields.Text(compute="_compute_difference", compute_sudo=False, store=True)  # as it was shown

    @api.constrains("plan_log_id")
    def _check_may_read(self):
        """Refuse a run that the user may not read, which a caller over RPC could name."""
        self.plan_log_id.with_user(self.env.user).check_access("read")

    @api.depends("plan_log_id")
    def _compute_difference(self):
        for wizard in self:
            wizard.difference = wizard.plan_log_id.resume_difference() if wizard.plan_log_id else ""

    def action_resume(self):
        """Resume the run with the present plan.

        :return: action that shows the new run
        :raise AccessError: the caller may not resume the run
        """
        self.ensure_one()
        log = self.plan_log_id.resume(use_changed_plan=True, shown_difference=self.difference or "")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Flight Plan Log"),
            "res_model": "cx.tower.plan.log",
            "view_mode": "form",
            "views": [(False, "form")],
            "res_id": log.id,
        }
