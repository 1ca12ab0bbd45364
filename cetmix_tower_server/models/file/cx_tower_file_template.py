from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...engine.errors import EngineError
from ...engine.files import host_path
from ...engine.run_request import RunRequest
from ..base.engine_context import engine_says

FAILURES_SHOWN = 20
# If a file has a different name or directory than its template, that was done on purpose.
KEPT_WHEN_OWN = ("name", "server_dir")
# {field of the template: field of the files created from it}
FROM_TEMPLATE = {
    "file_name": "name",
    **{
        name: name
        for name in (
            "code",
            "server_dir",
            "source",
            "file_type",
            "keep_when_deleted",
            "auto_sync",
            "mode",
            "owner",
            "group",
            "backup",
            "use_sudo",
        )
    },
}


class CxTowerFileTemplate(models.Model):
    """A template for files on many servers. The files created from it follow its changes."""

    _name = "cx.tower.file.template"
    _description = "Tower File Template"
    _needs_more_than_a_name = True
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.access.role.mixin",
        "cx.tower.template.mixin",
        "cx.tower.key.mixin",
        "cx.tower.tag.mixin",
        "cx.tower.file.settings.mixin",
    ]
    _order = "name, id"

    active = fields.Boolean(default=True)
    file_name = fields.Char(
        string="File name", required=True, help="Name of the created files. May contain variables."
    )
    file_ids = fields.One2many("cx.tower.file", "template_id", string="Files")
    file_count = fields.Integer(string="Number of files", compute="_compute_file_count")
    server_template_ids = fields.Many2many(
        "cx.tower.server.template",
        "cx_tower_server_template_file_template_rel",
        "file_template_id",
        "server_template_id",
        string="Server templates",
        copy=False,
        help="Servers created from these templates get a file from this template.",
    )
    files_synced_count = fields.Integer(string="Up to date", compute="_compute_sync_summary")
    files_waiting_count = fields.Integer(string="Waiting", compute="_compute_sync_summary")
    files_failed_count = fields.Integer(string="Failed", compute="_compute_sync_summary")
    files_new_count = fields.Integer(string="Not transferred", compute="_compute_sync_summary")
    sync_failures = fields.Json(
        compute="_compute_sync_failures", help="Files whose last transfer failed, with the reason."
    )
    tag_ids = fields.Many2many(
        "cx.tower.tag", "cx_tower_file_template_tag_rel", "template_id", "tag_id", string="Tags"
    )
    note = fields.Text()
    user_ids = fields.Many2many(
        "res.users",
        "cx_tower_file_template_user_rel",
        "record_id",
        "user_id",
        string="Users",
        help="They can see and use the template.",
    )
    manager_ids = fields.Many2many(
        "res.users",
        "cx_tower_file_template_manager_rel",
        "record_id",
        "manager_id",
        string="Managers",
        help="They can change the template and thereby the files created from it.",
    )

    @api.model
    def _get_depends_fields(self):
        return [*super()._get_depends_fields(), "server_dir", "file_name"]

    @api.model
    def _get_user_role_group(self):
        return "cetmix_tower_server.group_manager"  # users have no rights on templates at all

    def _compute_file_count(self):
        groups = self.env["cx.tower.file"]._read_group(
            [("template_id", "in", self.ids)], ["template_id"], ["__count"]
        )
        counts = {template.id: count for template, count in groups}
        for template in self:
            template.file_count = counts.get(template.id, 0)

    def _compute_sync_summary(self):
        """Count the files in each state, with one query for any number of templates."""
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
        """The latest failures of each template, of files that the caller may read."""
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
        """Return the values that a file takes from this template."""
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
        """Apply changes of this template to the files created from it.

        Files with auto sync are pushed in the background, so that saving a template never waits for a host.

        :param before: result of :meth:`_file_values` before the change
        """
        after = self._file_values()
        changed = {name: value for name, value in after.items() if value != before[name]}
        if not changed:
            return
        # sudo: linking a file to a template lets the managers of the template change the file
        files = self.sudo().with_context(active_test=False, **engine_says(tower_file_cascade=True)).file_ids
        if not files:
            return
        for own, group in files.grouped(lambda file: _own_places(file, before)).items():
            values = {name: value for name, value in changed.items() if name not in own}
            if values:
                group.write(values)
        self.env["cx.tower.file"]._wake_sync()

    def action_push_files(self):
        """Push the files created from these templates in the background, with one run per server (button).

        Files that the caller may not write are skipped.

        :return: notification
        :raise AccessError: the caller may not write the templates
        """
        self.check_access("write")
        files = self.file_ids.filtered(lambda file: file.source == "tower" and file._run_target())
        files = files._filtered_access("write")
        # sudo: these fields are read-only for people; the files were filtered by write access
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
        """Open the files created from these templates.

        :raise AccessError: the caller may not read one of them
        """
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.cx_tower_file_action")
        context = {"default_template_id": self.id} if len(self) == 1 else {}
        return action | {"domain": [("template_id", "in", self.ids)], "context": context}

    # ------------------------------------------------------------------ creating files

    def create_file(
        self, server, server_dir="", if_file_exists="raise", jet_template=None, jet=None, **kwargs
    ):
        """Create the record of a file on a server from this template. With auto sync, it is pushed.

        Files are identified by their full path, rendered with the values of the server. The number of queries does not
        depend on the number of files.

        :param server: record, or its id
        :param str server_dir: directory, instead of that of the template; may contain variables
        :param str if_file_exists: ``raise``, ``skip`` (the existing file is returned, with ``file_creation_skipped`` in
            its context) or ``overwrite`` (the existing file is linked to this template and takes its values)
        :param jet_template: used by the jet addon
        :param jet: used by the jet addon
        :param kwargs: ``variable_values`` ({reference: value}): custom values that override those of the server
        :return: the file (over RPC a list with its id)
        :raise AccessError: the caller may not read the template, or may not create files on the server
        :raise ValidationError: the file exists (``raise``), its path cannot be rendered, or an argument is invalid
        """
        self.ensure_one()
        self.check_access("read")
        if if_file_exists not in ("raise", "skip", "overwrite"):
            raise ValidationError(self.env._("Pass a server and if_file_exists: raise, skip or overwrite."))
        target = self._target_of_file(server, jet)
        return self._create_file_on(target, server_dir, if_file_exists, kwargs.get("variable_values") or {})

    def _target_of_file(self, server, jet):
        """Return the target that the arguments of :meth:`create_file` name. Extension point.

        :raise ValidationError: there is none
        """
        if isinstance(server, int):
            server = self.env["cx.tower.server"].browse(server).exists()
        if not server:
            raise ValidationError(self.env._("Pass a server and if_file_exists: raise, skip or overwrite."))
        server.ensure_one()
        return server.with_env(self.env)

    def _create_file_on(self, target, server_dir, if_file_exists, own_values):
        """Create a file of this template on a run target, see :meth:`create_file`."""
        target.check_access("write")
        target._check_request(RunRequest(variable_values=own_values, path=server_dir or None))
        target._refuse_secrets_in_values(own_values)
        place = self.env["cx.tower.file"]._values_on(target)
        values = {
            **self.sudo()._file_values(),  # sudo: all fields; the right to read the template was checked above
            "template_id": self.id,
            **place,
            "variable_values": own_values or False,
            **({"server_dir": host_path.clean_directory(server_dir)} if server_dir else {}),
        }
        file = self._find_file(target, values)
        if file and if_file_exists == "raise":
            raise ValidationError(
                self.env._(
                    "The file %(path)s already exists on %(server)s.", path=file.host_path, server=target.name
                )
            )
        if file and if_file_exists == "skip":
            return file.with_context(file_creation_skipped=True)
        if file:
            kept = {name: value for name, value in values.items() if name not in place}
            file.write({**kept, "active": True})
            return file
        return self.env["cx.tower.file"].create(values)

    def _create_missing_files(self, target):
        """Create a file on a run target from each of these templates, unless it exists already.

        Everything runs with the rights of this recordset: the caller has checked the right to create these files.
        """
        for template in self:
            template._create_file_on(target.with_env(self.env), "", "skip", {})

    @api.model
    def _find_file(self, target, values):
        """Return the file of a run target whose path these values result in."""
        texts = {
            "name": values["name"] or "",
            "directory": values["server_dir"] or "",
            "label": self.env._("file template “%s”", self.name),
        }
        try:
            # sudo: renders with all values of the target, as a run does; write access to it was checked
            read = target.sudo()._read_values(
                [texts["name"], texts["directory"]], values["variable_values"] or {}
            )
            path = self.env["cx.tower.file"]._render_place(texts, read)[2]
        except EngineError as error:
            raise ValidationError(str(error)) from error
        File = self.env["cx.tower.file"].with_context(active_test=False)
        return File.search([*File._domain_on(target), ("host_path", "=", path)], limit=1)


def _own_places(file, before):
    """Return which of name and directory differ from the template."""
    return tuple(name for name in KEPT_WHEN_OWN if (file[name] or "") != (before[name] or ""))
