from odoo import api, fields, models


class CxTowerScheduledTaskCv(models.Model):
    """A variable value that a scheduled task passes to each of its runs."""

    _name = "cx.tower.scheduled.task.cv"
    _description = "Tower Scheduled Task Value"
    _inherit = ["cx.tower.custom.variable.value.mixin", "cx.tower.linked.access.mixin"]
    _order = "id"

    scheduled_task_id = fields.Many2one(
        "cx.tower.scheduled.task", string="Scheduled task", required=True, ondelete="cascade", index=True
    )
    variable_id = fields.Many2one(required=True)

    _variable_unique = models.UniqueIndex(
        "(scheduled_task_id, variable_id)", "A scheduled task can have only one value per variable."
    )

    @api.model
    def _get_linked_access_fields(self):
        return [*super()._get_linked_access_fields(), "scheduled_task_id"]

    @api.model_create_multi
    def create(self, vals_list):
        values = super().create(vals_list)
        values.scheduled_task_id._take_over()
        return values

    def write(self, vals):
        before = self.scheduled_task_id
        result = super().write(vals)
        if not self.env.su and "scheduled_task_id" in vals:
            self.check_access("write")  # of the task that the value was moved to
        (before | self.scheduled_task_id)._take_over()
        return result

    def unlink(self):
        tasks = self.scheduled_task_id
        result = super().unlink()
        tasks.exists()._take_over()
        return result
