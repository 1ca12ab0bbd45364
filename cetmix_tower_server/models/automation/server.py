from odoo import fields, models


class CxTowerServer(models.Model):
    """The shortcuts and scheduled tasks of a server. A copy of a server gets none."""

    _name = "cx.tower.server"
    _inherit = ["cx.tower.server", "cx.tower.automation.owner.mixin"]

    shortcut_ids = fields.Many2many(
        "cx.tower.shortcut",
        "cx_tower_server_shortcut_rel",
        "server_id",
        "shortcut_id",
        string="Shortcuts",
        copy=False,
    )
    scheduled_task_ids = fields.Many2many(
        "cx.tower.scheduled.task",
        "cx_tower_scheduled_task_server_rel",
        "server_id",
        "scheduled_task_id",
        string="Scheduled tasks",
        copy=False,
        groups="cetmix_tower_server.group_manager",
    )
