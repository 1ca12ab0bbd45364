import secrets as random_secrets

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...engine.files.document import FileDocument
from ...engine.files.host_path import clean_directory
from ...engine.files.operations import COMPARE, DELETE, PULL, PUSH
from ...engine.files.text_diff import Difference, side_by_side
from ...engine.masking.masker import Masker
from ...engine.values.custom import CustomValues
from ..base.engine_context import engine_says, heard

# Fields that a push applies to the server.
PUSHED_FIELDS = (
    "name",
    "server_dir",
    "code",
    "file",
    "file_type",
    "source",
    "server_id",
    "mode",
    "owner",
    "group",
    "use_sudo",
)
PLACE_FIELDS = ("name", "server_dir", "server_id", "variable_values")
REASONS_SHOWN = 3
PATHS_SHOWN = 5
# Context key: Tower itself records the state of a file. Only heard as superuser and from the engine, so that nobody can skip
# checks by setting it in an RPC context.
QUIET = "tower_file_quiet"


class CxTowerFile(models.Model):
    """A file on a server, pushed from Tower or pulled into it.

    ``rendering.py`` computes path and content on the server, ``runs.py`` starts transfers, ``results.py`` records their
    results, and ``sync.py`` keeps files in sync.
    """

    _name = "cx.tower.file"
    _description = "Tower File"
    _needs_more_than_a_name = True
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.linked.access.mixin",
        "cx.tower.template.mixin",
        "cx.tower.key.mixin",
        "cx.tower.file.settings.mixin",
        "cx.tower.sealed.mixin",
        "cx.tower.target.link.mixin",
    ]
    _order = "server_id, server_dir, name, id"

    active = fields.Boolean(default=True)
    name = fields.Char(string="File name", help="May contain variables.")
    server_id = fields.Many2one("cx.tower.server", required=True, ondelete="cascade", index=True)
    server_dir = fields.Char(required=True)
    template_id = fields.Many2one(
        "cx.tower.file.template",
        ondelete="set null",
        index="btree_not_null",
        help="The file follows its template: changes of the template are applied here.",
    )
    file = fields.Binary(attachment=True, copy=True, help="Content of a binary file.")
    sync_date_last = fields.Datetime(string="Last transfer", readonly=True, copy=False)
    sync_state = fields.Selection(
        [
            ("new", "Not transferred"),
            ("waiting", "Waiting"),
            ("ok", "Transferred"),
            ("failed", "Failed"),
        ],
        string="Transfer",
        default="new",
        required=True,
        readonly=True,
        copy=False,
        help="State of the last transfer between Tower and the server.",
    )
    server_response = fields.Text(
        readonly=True, copy=False, help="“ok”, or the reason why the last transfer failed."
    )
    pushed_path = fields.Char(string="Pushed to", readonly=True, copy=False, help="Path of the last push.")
    backup_path = fields.Char(
        string="Last backup", readonly=True, copy=False, help="Copy of the file that the last push replaced."
    )
    host_state = fields.Selection(
        [
            ("unknown", "Not compared"),
            ("same", "Identical"),
            ("differs", "Different"),
            ("missing", "Missing"),
            ("error", "Could not be compared"),
        ],
        string="On the server",
        default="unknown",
        required=True,
        readonly=True,
        copy=False,
    )
    host_checked = fields.Datetime(string="Compared at", readonly=True, copy=False)
    host_note = fields.Text(string="Difference", readonly=True, copy=False)
    code_on_server = fields.Text(string="Content on the server", readonly=True, copy=False)
    change_mark = fields.Char(
        groups=fields.NO_ACCESS, copy=False, help="Changes with each modification, also during a run."
    )
    variable_values = fields.Json(
        help="Custom values of the run that created the file. They override the values of the server.",
    )

    # ------------------------------------------------------------------ rights, reference, texts

    @api.model
    def _get_depends_fields(self):
        return [*super()._get_depends_fields(), "name", "server_dir"]

    @api.model
    def _get_rights_owner_fields(self):
        return ["server_id"]

    @api.model
    def _get_linked_access_fields(self):
        # Linking a run would reveal its name, which contains that of its server and command.
        return [*super()._get_linked_access_fields(), "template_id", "last_log_id"]

    @api.model
    def _trims_names(self):
        return False

    @api.model
    def _get_pre_populated_model_data(self):
        return {**super()._get_pre_populated_model_data(), self._name: ("cx.tower.server", "server_id")}

    @api.depends("source")
    def _compute_variable_ids(self):
        """Pulled content is not a template."""
        pulled = self.filtered(lambda file: file.source == "server")
        super(CxTowerFile, self - pulled)._compute_variable_ids()
        self.env["cx.tower.variable"]._link_used_variables(pulled, ["name", "server_dir"])

    @api.constrains(lambda self: [*self._get_depends_fields(), "source"])
    def _check_template_syntax(self):
        pulled = self.filtered(lambda file: file.source == "server")
        super(CxTowerFile, self - pulled)._check_template_syntax()
        for file in pulled:
            for name in ("name", "server_dir"):
                self.env["cx.tower.variable"]._check_template_syntax(file[name], file._where_of(name))

    def _variable_texts(self):
        texts = super()._variable_texts()
        return {name: text for name, text in texts.items() if name != "code" or self.source != "server"}

    def _texts_of_others(self):
        # sudo: reads texts of a linked template; linking it required the right to read it
        template = self.sudo().template_id
        return super()._texts_of_others() | (template._file_values() if template else {})

    @api.depends("name", "server_dir", "server_id.name")
    def _compute_display_name(self):
        for file in self:
            if not (file.name or file.server_dir or file.server_id):
                file.display_name = False  # a new, empty form
                continue
            path = f"{clean_directory(file.server_dir or '').rstrip('/')}/{file.name or ''}"
            # sudo: everyone who may read a file may know the name of its server
            server = file.sudo().server_id.name
            file.display_name = f"{server}: {path}" if server else path

    # ------------------------------------------------------------------ create, write, copy, delete

    @api.model_create_multi
    def create(self, vals_list):
        if self._is_quiet():
            return super().create(vals_list)
        vals_list = self._with_template_values(vals_list)
        self._check_directories(vals_list)
        files = super().create(vals_list)
        files._update_host_path()
        files._sync_after_change()
        now = fields.Datetime.now()
        begun = files.browse(
            file.id
            for file, vals in zip(files, vals_list, strict=True)
            if file.auto_sync and "sync_date_next" not in vals
        )
        for next_date, group in begun.grouped(lambda file: file._next_sync(now)).items():
            # sudo: the field is Tower's own; the first transfer has just been started
            group.sudo()._write_quietly({"sync_date_next": next_date})
        return files

    def write(self, vals):
        if self._is_quiet():
            return super().write(vals)
        if vals.get("template_id"):
            vals = self._with_template_values([vals])[0]
        if "server_dir" in vals:
            self._check_directories([vals])
        result = super().write(vals)
        if not self.env.su and "server_id" in vals:
            # A file must not be moved to a server where the caller could not create it.
            self.check_access("write")
        if any(name in vals for name in PLACE_FIELDS):
            self._update_host_path()
        if any(name in vals for name in PUSHED_FIELDS):
            # sudo: these fields are read-only for people; Tower records that the file has changed
            self.sudo()._write_quietly(
                {
                    "sync_state": "new",
                    "host_state": "unknown",
                    "host_note": False,
                    "change_mark": random_secrets.token_hex(8),
                }
            )
        if vals.get("auto_sync") or any(name in vals for name in PUSHED_FIELDS):
            self._sync_after_change()
        return result

    @api.model
    def _check_directories(self, vals_list):
        """Raise ValidationError if a file has no directory: a template may leave it to its files."""
        default = self.env.context.get("default_server_dir")
        for vals in vals_list:
            if not vals.get("server_dir", default):
                raise ValidationError(
                    self.env._(
                        "The file “%s” needs a directory on the server (server_dir).",
                        vals.get("name") or self[:1].name or "",
                    )
                )

    def _is_quiet(self):
        return self.env.su and heard(self.env, QUIET)

    def _write_quietly(self, values):
        """Record the state of these files without any side effects, such as a transfer."""
        return self.with_context(**engine_says(**{QUIET: True})).write(values) if self else True

    @api.model
    def _with_template_values(self, vals_list):
        """Return ``vals_list``, completed with values of the files' templates."""
        ids = {vals["template_id"] for vals in vals_list if vals.get("template_id")}
        if not ids:
            return vals_list
        # sudo: the right to link the template is checked here; a linked file gets its content
        self._check_may_link("template_id", list(ids))
        values = {
            template.id: template._file_values()
            for template in self.env["cx.tower.file.template"].sudo().browse(ids)
        }
        return [{**values.get(vals.get("template_id"), {}), **vals} for vals in vals_list]

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        readable = self.template_id
        if not self.env.su:
            readable = readable._filtered_access("read") if readable.has_access("read") else readable.browse()
        for vals in vals_list:
            if vals:
                # The copy must neither overwrite nor delete the file of the original on its server.
                vals |= {"auto_sync": False, "keep_when_deleted": True}
                if vals.get("template_id") not in readable.ids:
                    vals["template_id"] = False  # following a template requires the right to read it
        return vals_list

    def copy(self, default=None):
        """Copy the files. Custom values that contain secrets are copied only for callers who may write the file."""
        copies = super().copy(default)
        for file, copied in zip(self, copies, strict=True):
            # sudo: the field has no access; it only shows whether there is something to copy
            if file.sudo().sealed:
                own = file._custom_values__() if file.has_access("write") else CustomValues({})
                copied.sudo()._write_quietly(copied._changed_custom_values__(own))
        return copies

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_run(self):
        """Keep files in an active run: a push would create the file on the server again."""
        for file in self.filtered("is_being_processed"):
            raise UserError(
                self.env._(
                    "“%s” is being transferred. Wait for the transfer to end or stop it, then delete the "
                    "file.",
                    file.display_name,
                )
            )

    def unlink(self):
        """Delete the files, and start their deletion on the servers in the same transaction.

        Files that Tower never pushed, or that are to be kept, remain on the servers.
        """
        doomed = self._deleted_on_the_host()
        if not doomed:
            return super().unlink()
        self.check_access("unlink")
        self._unlink_except_in_run()
        frozen = {
            target: [file._deletion_document() for file in files]
            for target, files in doomed._grouped_by_target().items()
        }
        result = super().unlink()
        for target, documents in frozen.items():
            target._start_deletion(documents)
        return result

    def _deleted_on_the_host(self):
        """Return those of these files that are also deleted on their host."""
        return self.filtered(
            lambda file: file.source == "tower" and not file.keep_when_deleted and file.pushed_path
        )

    def _deletion_on_hosts(self):
        doomed = self._deleted_on_the_host()
        if not doomed:
            return [self.env._("Nothing will be deleted on the host.")]
        lines = [
            self.env._(
                "Also deleted on the host: %(path)s on %(server)s.",
                path=file.pushed_path,
                server=file.sudo().server_id.name,  # sudo: as in the display name of the file
            )
            for file in doomed[:PATHS_SHOWN]
        ]
        if len(doomed) > PATHS_SHOWN:
            lines.append(self.env._("Also deleted on their hosts: %s more files.", len(doomed) - PATHS_SHOWN))
        return lines

    # ------------------------------------------------------------------ archive

    @api.model
    def _follow_archived_servers(self, server_ids, active):
        """Archive or unarchive files together with their servers."""
        # sudo: whoever may archive a server archives all of its files
        files = self.sudo().with_context(active_test=False).search([("server_id", "in", server_ids)])
        files._write_quietly({"active": active})

    # ------------------------------------------------------------------ buttons

    def action_push_to_server(self):
        """Start pushing these files (button).

        :return: notification

        :raise AccessError: the caller may not write one of the files
        :raise UserError: one of them is pulled from its server
        """
        return self._start_and_notify(PUSH)

    def action_pull_from_server(self):
        """Start pulling these files (button); see :meth:`action_push_to_server`."""
        return self._start_and_notify(PULL)

    def action_delete_from_server(self):
        """Start deleting these files on their servers (button). The records are kept."""
        return self._start_and_notify(DELETE)

    def action_get_current_server_code(self):
        """Start comparing these files with their servers (button)."""
        return self._start_and_notify(COMPARE)

    def action_unlink_from_template(self):
        """Disconnect these files from their template. They keep their content.

        :return: True
        :raise AccessError: the caller may not write one of the files
        """
        self.check_access("write")
        self.write({"template_id": False})
        return True

    def action_open_last_run(self):
        """Open the last run of this file.

        :raise AccessError: the caller may not read the file, or the run
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: reads only the link; access to the run itself is checked as the caller
        log = self.sudo().last_log_id.sudo(False)
        log.check_access("read")
        return log._action_open()

    def get_difference(self):
        """Return the differences that the last comparison with the server found, to be shown side by side.

        :return: dict: ``state`` (see the field ``host_state``), ``note``, ``checked`` (date and time in UTC, or False),
            ``rows`` (list of [kind, line on the server or 0, text there, line here or 0, text here]; kind is "same",
            "changed", "added", "removed", or "gap", whose first number is the number of omitted lines), ``cut`` (there are
            more rows), ``too_long`` (the texts were too long to compare line by line)
        :raise AccessError: the caller may not read the file
        """
        self.ensure_one()
        self.check_access("read")
        has_text = (
            self.host_state == "differs" and self.file_type == "text" and self.code_on_server is not False
        )
        found = (
            side_by_side(self.code_on_server or "", self.rendered_code or "") if has_text else Difference([])
        )
        return {
            "state": self.host_state,
            "note": self.host_note or "",
            "checked": self.host_checked,
            "rows": [list(row) for row in found.rows],
            "cut": found.is_cut,
            "too_long": found.too_long,
        }

    def _start_and_notify(self, operation):
        started = self._start_checked(operation, raise_error=False)
        logs = self.env["cx.tower.command.log"].browse(row["id"] for row in started["logs"])
        # sudo: of the frozen inputs, only the reasons of refused files are shown to the caller, who may write these files
        documents, refused = [], []
        for log in logs.sudo():
            inputs, secrets = log._inputs__()
            files = FileDocument.all_in(inputs)
            documents += files
            refused += [Masker(secrets).mask(file.error) for file in files if file.error]
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if refused else "info",
                "sticky": bool(refused),
                "message": self._start_text(operation, len(documents), refused),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _start_text(self, operation, count, refused):
        """Return the text of the notification about a start.

        :param count: number of files in the runs; the others are in an active run already
        :param refused: reasons of those that cannot be transferred
        """
        if not count:
            return self.env._("A transfer is already running. Yours starts when it has ended.")
        reasons = " ".join(dict.fromkeys(refused[:REASONS_SHOWN]))
        if len(refused) == count:
            return self.env._("No file can be transferred: %s", reasons)
        text = {
            PUSH: self.env._("Push started."),
            PULL: self.env._("Pull started."),
            COMPARE: self.env._("Comparison started."),
            DELETE: self.env._("Deletion started."),
        }[operation]
        if not refused:
            return text
        left_out = self.env._(
            "%(refused)s of %(count)s files cannot be transferred: %(reasons)s",
            refused=len(refused),
            count=count,
            reasons=reasons,
        )
        return f"{text} {left_out}"
