from odoo import api, fields, models

# Fields of a template's log that the log of a new server gets unchanged.
LOG_FIELDS = ("name", "access_level", "log_type", "command_id", "file_template_id", "use_sudo")


class CxTowerServerTemplate(models.Model):
    """The logs that servers created from a template get."""

    _inherit = "cx.tower.server.template"

    server_log_ids = fields.One2many(
        "cx.tower.server.log", "server_template_id", string="Server logs", copy=True
    )

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "server_log_ids"]

    def _copy_children_to(self, server):
        super()._copy_children_to(server)
        # sudo: whoever may create a server from the template gets everything that belongs to it. Searched, because
        # cached links may hold only what the caller can read.
        logs = self.env["cx.tower.server.log"].sudo().search([("server_template_id", "=", self.id)])
        logs.create(
            [{**self._log_values(log), "server_id": server.id, "vouched_by_id": self.env.uid} for log in logs]
        )
        logs.file_template_id._create_missing_files(server)

    @api.model
    def _log_values(self, log):
        return {name: log[name].id if log._fields[name].relational else log[name] for name in LOG_FIELDS}
