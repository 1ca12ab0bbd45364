from odoo import Command, api, fields, models


class CxTowerServer(models.Model):
    """The logs of a server: what people want to look at there."""

    _inherit = "cx.tower.server"

    server_log_ids = fields.One2many("cx.tower.server.log", "server_id", string="Server logs", copy=True)

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "server_log_ids"]

    def copy_data(self, default=None):
        """Leave out the logs that show a file: the copy's own file is known only when it is there."""
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
        """Give a copy of this server the logs that show a file, of its own files: these were made in the same order."""
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
            # sudo: logs go with their server, also those above the level of the person who archives it
            logs.sudo().search([("server_id", "in", self.ids)]).active = vals["active"]
        return result

    def action_update_server_logs(self):
        """Start fetching all logs of these servers that the caller may fetch (button “Refresh All”).

        :return: True, or an action that says how many could not be fetched
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
                    "%(left)s of %(all)s logs cannot be fetched: open them to see why.",
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
            domain = [*domain, ("server_log_mode", "=", False)]  # looking at a log is no work on the server
        return domain
