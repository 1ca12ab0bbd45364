from odoo import api, fields, models


class CxTowerScheduledTask(models.Model):
    """Tasks that run on jets."""

    _inherit = "cx.tower.scheduled.task"

    jet_ids = fields.Many2many(
        "cx.tower.jet", "cx_tower_jet_scheduled_task_rel", "scheduled_task_id", "jet_id", string="Jets"
    )
    jet_template_ids = fields.Many2many(
        "cx.tower.jet.template",
        "cx_tower_jet_template_scheduled_task_rel",
        "scheduled_task_id",
        "jet_template_id",
        string="Jet templates",
        copy=False,
        help="The task also runs on jets created from these templates from now on.",
    )

    def _get_run_targets(self):
        return [*super()._get_run_targets(), self.jet_ids]

    @api.model
    def _get_deciding_fields(self):
        return [*super()._get_deciding_fields(), "jet_ids", "jet_template_ids"]

    @api.depends("jet_ids")
    def _compute_warning_message(self):
        return super()._compute_warning_message()
