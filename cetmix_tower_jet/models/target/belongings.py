from odoo import fields, models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_role_mixin import GROUP_MANAGER
from odoo.addons.cetmix_tower_server.models.server_log.server_template import LOG_FIELDS


class CxTowerJet(models.Model):
    """What belongs to a jet: its files, logs, scheduled tasks, and its runs."""

    _name = "cx.tower.jet"
    _inherit = ["cx.tower.jet", "cx.tower.automation.owner.mixin"]

    file_ids = fields.One2many("cx.tower.file", "jet_id", string="Files", copy=False)
    server_log_ids = fields.One2many("cx.tower.server.log", "jet_id", string="Server logs", copy=False)
    scheduled_task_ids = fields.Many2many(
        "cx.tower.scheduled.task",
        "cx_tower_jet_scheduled_task_rel",
        "jet_id",
        "scheduled_task_id",
        string="Scheduled tasks",
        copy=False,
        groups=GROUP_MANAGER,
    )
    command_log_ids = fields.One2many("cx.tower.command.log", "jet_id", string="Command logs", readonly=True)
    plan_log_ids = fields.One2many("cx.tower.plan.log", "jet_id", string="Flight plan logs", readonly=True)

    def _furnish(self):
        super()._furnish()
        for jet in self:
            files = jet._copy_template_files()
            jet._copy_template_logs(files)
            jet._link_template_tasks()

    def _copy_template_files(self):
        """Give this new jet a copy of each file of its template. Those with auto sync are pushed.

        :return: {file of the template: file of the jet}
        """
        self.ensure_one()
        # sudo: whoever may create a jet of the template gets everything that belongs to it. Searched, because cached links
        # may hold only what the caller can read.
        originals = (
            self.env["cx.tower.file"].sudo().search([("jet_template_id", "=", self.jet_template_id.id)])
        )
        place = {"jet_template_id": False, "jet_id": self.id, "server_id": self.server_id.id}
        copies = {original: original.copy({**place, "name": original.name}) for original in originals}
        for original, copied in copies.items():
            copied.keep_when_deleted = original.keep_when_deleted
            if original.auto_sync:
                copied.auto_sync = True  # starts the transfer
        return copies

    def _copy_template_logs(self, files=None):
        """Give this new jet a copy of each log of its template. Who set the log up there vouches for the copy, too.

        :param files: as :meth:`_copy_template_files` returned them: logs of a template's file read the jet's copy of it
        """
        self.ensure_one()
        # sudo: as for files
        logs = (
            self.env["cx.tower.server.log"].sudo().search([("jet_template_id", "=", self.jet_template_id.id)])
        )
        own = {original.id: copy.id for original, copy in (files or {}).items()}
        logs.create(
            [
                {
                    **{
                        name: log[name].id if log._fields[name].relational else log[name]
                        for name in LOG_FIELDS
                    },
                    "file_id": own.get(log.file_id.id),
                    "jet_id": self.id,
                    "vouched_by_id": log.vouched_by_id.id or self.env.uid,
                }
                for log in logs
            ]
        )
        logs.file_template_id._create_missing_files(self.sudo())  # sudo: as for files

    def _link_template_tasks(self):
        """Let the scheduled tasks of this new jet's template run on the jet, too. They keep their owner."""
        self.ensure_one()
        # sudo: as for files; archived ones, too, for when they are unarchived
        tasks = self.env["cx.tower.scheduled.task"].sudo().with_context(active_test=False)
        found = tasks.search([("jet_template_ids", "in", self.jet_template_id.ids)])
        found.with_context(active_test=True).write({"jet_ids": [fields.Command.link(self.id)]})


class CxTowerJetTemplate(models.Model):
    """What new jets of a template get: files, logs, scheduled tasks."""

    _name = "cx.tower.jet.template"
    _inherit = ["cx.tower.jet.template", "cx.tower.automation.owner.mixin"]

    file_ids = fields.One2many("cx.tower.file", "jet_template_id", string="Files", copy=True)
    server_log_ids = fields.One2many(
        "cx.tower.server.log", "jet_template_id", string="Server logs", copy=True, groups=GROUP_MANAGER
    )
    scheduled_task_ids = fields.Many2many(
        "cx.tower.scheduled.task",
        "cx_tower_jet_template_scheduled_task_rel",
        "jet_template_id",
        "scheduled_task_id",
        string="Scheduled tasks",
        copy=False,
        groups=GROUP_MANAGER,
        help="These tasks also run on new jets, as their owner, who needs access to the jet.",
    )
    command_log_ids = fields.One2many(
        "cx.tower.command.log", "jet_template_id", string="Command logs", readonly=True, groups=GROUP_MANAGER
    )
    plan_log_ids = fields.One2many(
        "cx.tower.plan.log", "jet_template_id", string="Flight plan logs", readonly=True, groups=GROUP_MANAGER
    )
