from odoo import api, fields, models

# What a server gets of a log of its template, as it is.
LOG_FIELDS = ("name", "access_level", "log_type", "command_id", "file_template_id", "use_sudo")


class CxTowerServerTemplate(models.Model):
    """What belongs to servers that are made from a template: logs, shortcuts, scheduled tasks, files."""

    _name = "cx.tower.server.template"
    _inherit = ["cx.tower.server.template", "cx.tower.automation.owner.mixin"]

    server_log_ids = fields.One2many(
        "cx.tower.server.log", "server_template_id", string="Server logs", copy=True
    )
    shortcut_ids = fields.Many2many(
        "cx.tower.shortcut",
        "cx_tower_server_template_shortcut_rel",
        "server_template_id",
        "shortcut_id",
        string="Shortcuts",
        copy=False,
        help="Attached to new servers. Only Root attaches shortcuts.",
    )
    scheduled_task_ids = fields.Many2many(
        "cx.tower.scheduled.task",
        "cx_tower_server_template_scheduled_task_rel",
        "server_template_id",
        "scheduled_task_id",
        string="Scheduled tasks",
        copy=False,
        help="They also run on new servers, as the person they belong to, who needs a role there.",
    )
    file_template_ids = fields.Many2many(
        "cx.tower.file.template",
        "cx_tower_server_template_file_template_rel",
        "server_template_id",
        "file_template_id",
        string="Files",
        help="New servers get a file from each of these.",
    )

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "server_log_ids"]

    def _copy_children_to(self, server):
        super()._copy_children_to(server)
        # sudo: see _create_new_server
        template = self.sudo()
        # Searched: what is in the caches of the lists is what somebody may have been allowed to read.
        logs = template.env["cx.tower.server.log"].search([("server_template_id", "=", self.id)])
        logs.create(
            [{**self._log_values(log), "server_id": server.id, "vouched_by_id": self.env.uid} for log in logs]
        )
        of_template = [("server_template_ids", "in", self.ids)]
        link = {"server_ids": [fields.Command.link(server.id)]}
        for model in ("cx.tower.shortcut", "cx.tower.scheduled.task"):
            # with archived ones: who brings them back has them everywhere
            found = template.env[model].with_context(active_test=False).search(of_template)
            found.with_context(active_test=True).write(link)
        self._create_files_on(server, logs)

    @api.model
    def _log_values(self, log):
        return {name: log[name].id if log._fields[name].relational else log[name] for name in LOG_FIELDS}

    def _create_files_on(self, server, logs):
        """Make the files of this template on a new server, and those that its logs show."""
        FileTemplate = self.env["cx.tower.file.template"].sudo()  # sudo: see _create_new_server
        wanted = FileTemplate.search([("server_template_ids", "in", self.ids)])
        for file_template in wanted | logs.file_template_id:
            file_template.create_file(server.sudo(), if_file_exists="skip")
