from odoo import Command, api, fields, models


class CxTowerServer(models.Model):
    """The logs of a server."""

    _inherit = "cx.tower.server"

    server_log_ids = fields.One2many("cx.tower.server.log", "server_id", string="Server logs", copy=True)

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "server_log_ids"]

    def copy_data(self, default=None):
        """Leave out logs of files. :meth:`_copy_logs_of_files` copies them once the files of the copy exist."""
        vals_list = super().copy_data(default)
        for vals in vals_list:
            if vals and vals.get("server_log_ids"):
                vals["server_log_ids"] = [
                    command
                    for command in vals["server_log_ids"]
                    if not (command[0] == Command.CREATE and command[2].get("file_id"))
                ]
        return vals_list

    def copy(self, default=None):
        copies = super().copy(default)
        for server, copied in zip(self, copies, strict=True):
            if not (default and "server_log_ids" in default):
                server._copy_logs_of_files(copied)
        return copies

    def _copy_logs_of_files(self, copied):
        """Copy the logs of files to a copy of this server, linked to its own files, which were created in the same order."""
        files = self.file_ids.sorted("id")
        own = copied.file_ids.sorted("id")
        if len(files) != len(own):
            return
        file_of = dict(zip(files.ids, own.ids, strict=True))
        for log in self.server_log_ids.filtered(lambda log: log.file_id.id in file_of):
            log.copy({"server_id": copied.id, "file_id": file_of[log.file_id.id], "name": log.name})

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals:
            logs = self.env["cx.tower.server.log"].with_context(active_test=False)
            # sudo: whoever may archive a server archives all of its logs, also those above their access level
            logs.sudo().search([("server_id", "in", self.ids)]).active = vals["active"]
        return result

    def action_update_server_logs(self):
        """Start fetching all logs of these servers that the caller may fetch (button).

        :return: True, or a notification that says how many could not be fetched
        :raise AccessError: the caller may not read one of the servers
        """
        self.check_access("read")
        logs = self.env["cx.tower.server.log"].search([("server_id", "in", self.ids)])
        wanted = logs._filter_fetchable().filtered(lambda log: not log._nothing_to_fetch())
        wanted.refresh()
        left = len(logs) - len(wanted)
        if not left:
            return True
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "message": self.env._(
                    "%(left)s of %(all)s logs cannot be fetched. Open them to see why.",
                    left=left,
                    all=len(logs),
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    @api.model
    def _domain_of_started_runs(self, model):
        domain = super()._domain_of_started_runs(model)
        if model == "cx.tower.command.log":
            domain = [
                *domain,
                ("server_log_mode", "=", False),
            ]  # fetching a log does not count as work on the server
        return domain
