from odoo import fields, models


class CxTowerServerTemplate(models.Model):
    """The shortcuts and scheduled tasks that servers created from a template get."""

    _name = "cx.tower.server.template"
    _inherit = ["cx.tower.server.template", "cx.tower.automation.owner.mixin"]

    shortcut_ids = fields.Many2many(
        "cx.tower.shortcut",
        "cx_tower_server_template_shortcut_rel",
        "server_template_id",
        "shortcut_id",
        string="Shortcuts",
        copy=False,
        help="New servers get these shortcuts. Only Root can attach them.",
    )
    scheduled_task_ids = fields.Many2many(
        "cx.tower.scheduled.task",
        "cx_tower_server_template_scheduled_task_rel",
        "server_template_id",
        "scheduled_task_id",
        string="Scheduled tasks",
        copy=False,
        help="These tasks also run on new servers, as their owner, who needs access to the server.",
    )

    def _copy_children_to(self, server):
        super()._copy_children_to(server)
        link = {"server_ids": [fields.Command.link(server.id)]}
        for model in ("cx.tower.shortcut", "cx.tower.scheduled.task"):
            # sudo: whoever may create a server from the template gets everything that belongs to it. Searched, because
            # cached links may hold only what the caller can read; archived ones, too, for when they are unarchived.
            records = self.env[model].sudo().with_context(active_test=False)
            attached = records.search([("server_template_ids", "in", self.ids)])
            attached.with_context(active_test=True).write(link)
