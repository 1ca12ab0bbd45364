import secrets as random_secrets

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...engine import host_path
from ...engine.results import EngineError
from ...worker.engine_context import engine_says
from .cx_tower_file import FROM_TEMPLATE

FAILURES_SHOWN = 20
# A file that has another name or directory than its template was given it on purpose.
KEPT_WHEN_OWN = ("name", "server_dir")


class CxTowerFileTemplate(models.Model):
    """The files made from a template: how they are made, and how they follow it."""

    _inherit = "cx.tower.file.template"

    files_synced_count = fields.Integer(string="Up to date", compute="_compute_sync_summary")
    files_waiting_count = fields.Integer(string="Waiting", compute="_compute_sync_summary")
    files_failed_count = fields.Integer(string="Failed", compute="_compute_sync_summary")
    files_new_count = fields.Integer(string="Not transferred", compute="_compute_sync_summary")
    sync_failures = fields.Json(
        compute="_compute_sync_failures", help="Files whose last transfer failed, and why."
    )

    def _compute_sync_summary(self):
        """Count the files in each state; one query for any number of templates."""
        counts = {}
        for template, state, count in self.env["cx.tower.file"]._read_group(
            [("template_id", "in", self.ids)], ["template_id", "sync_state"], ["__count"]
        ):
            counts[template.id, state] = count
        for template in self:
            template.files_synced_count = counts.get((template.id, "ok"), 0)
            template.files_waiting_count = counts.get((template.id, "waiting"), 0)
            template.files_failed_count = counts.get((template.id, "failed"), 0)
            template.files_new_count = counts.get((template.id, "new"), 0)

    def _compute_sync_failures(self):
        """The first failures of each template, newest first; of files the caller may read."""
        failed = self.env["cx.tower.file"].search(
            [("template_id", "in", self.ids), ("sync_state", "=", "failed")], order="write_date desc, id desc"
        )
        by_template = failed.grouped("template_id")
        for template in self:
            template.sync_failures = [
                {
                    "id": file.id,
                    "name": file.host_path or file.name,
                    "server": file.server_id.display_name,
                    "reason": file.server_response or "",
                }
                for file in by_template.get(template, failed.browse())[:FAILURES_SHOWN]
            ]

    def _file_values(self):
        """Return what a file takes over from this template."""
        self.ensure_one()
        return {target: self[source] for source, target in FROM_TEMPLATE.items()}

    # ------------------------------------------------------------------ cascade

    def write(self, vals):
        changed = [name for name in FROM_TEMPLATE if name in vals]
        before = {template.id: template._file_values() for template in self} if changed else {}
        result = super().write(vals)
        for template in self if changed else ():
            template._update_files(before[template.id])
        return result

    def _update_files(self, before):
        """Bring what was changed in this template to the files made from it.

        The files of source Tower that are in sync are pushed in the background: saving a template waits for no host.

        :param before: what files took from the template until now
        """
        after = self._file_values()
        changed = {name: value for name, value in after.items() if value != before[name]}
        if not changed:
            return
        # sudo: whoever links a file to a template agrees that its managers decide what is in it
        files = self.sudo().with_context(active_test=False, **engine_says(tower_file_cascade=True)).file_ids
        if not files:
            return
        for own, group in files.grouped(lambda file: _own_places(file, before)).items():
            values = {name: value for name, value in changed.items() if name not in own}
            if values:
                group.write(values)
        self.env["cx.tower.file"]._wake_sync()

    def action_push_files(self):
        """Push the files made from these templates, in the background: one run a server.

        Files of servers that the caller does not manage are left out.

        :return: notification
        :raise AccessError: the caller may not write the templates
        """
        self.check_access("write")
        files = self.file_ids.filtered(lambda file: file.source == "tower")._filtered_access("write")
        # sudo: how a file stands is written by Tower only; the right to push them was checked
        files.sudo()._write_quietly({"sync_wanted": True, "sync_state": "waiting"})
        self.env["cx.tower.file"]._wake_sync()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._("%s files will be pushed in the background.", len(files)),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_open_files(self):
        """Open the files made from these templates.

        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.cx_tower_file_action")
        context = {"default_template_id": self.id} if len(self) == 1 else {}
        return action | {"domain": [("template_id", "in", self.ids)], "context": context}

    # ------------------------------------------------------------------ making files

    def create_file(
        self, server, server_dir="", if_file_exists="raise", jet_template=None, jet=None, **kwargs
    ):
        """Make a file on a server from this template: the record. It is pushed when the template says auto sync.

        Whether there is such a file already is decided by its full path, with the values of the server put in. A fixed
        number of queries, however many files the server has.

        :param server: record, or its id
        :param str server_dir: directory instead of the template's; may contain variables
        :param str if_file_exists: ``raise``, ``skip`` (the existing file is returned, with ``file_creation_skipped`` in
            its context) or ``overwrite`` (the existing file is linked to this template and takes its values)
        :param jet_template: used by the jet addon
        :param jet: used by the jet addon
        :param kwargs: ``variable_values`` ({reference: value}): own values that count before the server's
        :return: the file (over RPC a list with its id)
        :raise AccessError: the caller may not read the template, or not create files on the server
        :raise ValidationError: the file exists (``raise``), its path cannot be made, or an argument makes no sense
        """
        self.ensure_one()
        self.check_access("read")
        if isinstance(server, int):
            server = self.env["cx.tower.server"].browse(server).exists()
        if not server or if_file_exists not in ("raise", "skip", "overwrite"):
            raise ValidationError(
                self.env._(
                    "Say on which server, and what to do if the file exists: raise, skip or overwrite."
                )
            )
        server.ensure_one()
        server = server.with_env(self.env)
        server.check_access("write")
        own_values = kwargs.get("variable_values") or {}
        server._check_arguments(server_dir or None, own_values, None)
        server._refuse_secrets_in_values(own_values)
        values = {
            **self.sudo()._file_values(),  # sudo: the right to read the template was checked
            "template_id": self.id,
            "server_id": server.id,
            "variable_values": own_values or False,
            **({"server_dir": host_path.clean_directory(server_dir)} if server_dir else {}),
        }
        file = self._find_file(server, values)
        if file and if_file_exists == "raise":
            raise ValidationError(
                self.env._(
                    "The file %(path)s exists already on %(server)s.", path=file.host_path, server=server.name
                )
            )
        if file and if_file_exists == "skip":
            return file.with_context(file_creation_skipped=True)
        if file:
            del values["server_id"]
            file.write({**values, "active": True})
            return file
        return self.env["cx.tower.file"].create(values)

    def _create_missing_files(self, server):
        """Create a file on ``server`` from each of these templates, unless it exists already.

        Everything runs with the rights of this recordset: the caller has checked the right to create these files.
        """
        for template in self:
            template.create_file(server.with_env(self.env), if_file_exists="skip")

    @api.model
    def _find_file(self, server, values):
        """Return the file of a server that has the path these values lead to; one query for values, one for the file."""
        texts = {
            "name": values["name"] or "",
            "directory": values["server_dir"] or "",
            "label": self.env._("file template “%s”", self.name),
        }
        nonce = random_secrets.token_hex(8)
        # sudo: as the run itself would be prepared; the right to use the server was checked
        target = server.sudo()
        try:
            scope = target._rendering_scope(
                target, [texts["name"], texts["directory"]], values["variable_values"] or {}, nonce
            )
            path = target._render_file_path(texts, scope, nonce)[2]
        except EngineError as error:
            raise ValidationError(str(error)) from error
        return (
            self.env["cx.tower.file"]
            .with_context(active_test=False)
            .search([("server_id", "=", server.id), ("host_path", "=", path)], limit=1)
        )


def _own_places(file, before):
    """Return which of name and directory a file has of its own."""
    return tuple(name for name in KEPT_WHEN_OWN if (file[name] or "") != (before[name] or ""))
