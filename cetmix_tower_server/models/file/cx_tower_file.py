import secrets as random_secrets

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...engine.file_operations import PULL, PUSH
from ...engine.host_path import clean_directory
from ...engine.values.own_values import OwnValues
from ...worker.engine_context import engine_says, heard

AUTO_SYNC_INTERVALS = [
    ("10-minutes", "10 minutes"),
    ("30-minutes", "30 minutes"),
    ("1-hours", "1 hour"),
    ("2-hours", "2 hours"),
    ("6-hours", "6 hours"),
    ("12-hours", "12 hours"),
    ("1-days", "1 day"),
    ("1-weeks", "1 week"),
    ("1-months", "1 month"),
    ("1-years", "1 year"),
]
# What a push would change on the server.
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
# {field of the template: field of the files made from it}
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
# context, as superuser: Tower itself writes what it knows about the file. Of others, who set their context over RPC, it
# is ignored: nothing may be left out of the checks for them.
QUIET = "tower_file_quiet"


class CxTowerFile(models.Model):
    """A file on a server: pushed from here, or pulled from there.

    What it will be on the server is in ``cx_tower_file_rendering.py``, the runs that transfer it in
    ``cx_tower_file_runs.py`` and ``cx_tower_file_results.py``, auto sync in ``cx_tower_file_sync.py``.
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
        help="The file follows its template: what is changed there changes here.",
    )
    file = fields.Binary(attachment=True, copy=True, help="Content of a binary file.")
    auto_sync_interval = fields.Selection(AUTO_SYNC_INTERVALS, string="Sync every", default="1-days")
    sync_date_next = fields.Datetime(
        string="Next sync", required=True, default=fields.Datetime.now, copy=False
    )
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
        help="Whether the server has what stands here, or Tower what is on the server.",
    )
    server_response = fields.Text(readonly=True, copy=False, help="“ok”, or why the last transfer failed.")
    pushed_path = fields.Char(
        string="Pushed to", readonly=True, copy=False, help="Where the last push put it."
    )
    backup_path = fields.Char(
        string="Last backup", readonly=True, copy=False, help="What the last push replaced."
    )
    host_state = fields.Selection(
        [
            ("unknown", "Not compared"),
            ("same", "The same"),
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
        groups=fields.NO_ACCESS, copy=False, help="Another one after each change, also while a run goes on."
    )
    variable_values = fields.Json(
        help="Values of the run that made the file; they count before the server's.",
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
        # A run that is linked shows its name: that of its server and of its command.
        return [*super()._get_linked_access_fields(), "template_id", "last_log_id"]

    @api.model
    def _trims_names(self):
        return False

    @api.model
    def _get_pre_populated_model_data(self):
        return {**super()._get_pre_populated_model_data(), self._name: ("cx.tower.server", "server_id")}

    @api.depends("source")
    def _compute_variable_ids(self):
        """What was pulled from a server is content, no template."""
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
        # sudo: linking the template needed the right to read it; its texts were written by its author
        template = self.sudo().template_id
        return super()._texts_of_others() | (template._file_values() if template else {})

    @api.depends("name", "server_dir", "server_id.name")
    def _compute_display_name(self):
        for file in self:
            if not (file.name or file.server_dir or file.server_id):
                file.display_name = False  # a form that was just opened
                continue
            path = f"{clean_directory(file.server_dir or '').rstrip('/')}/{file.name or ''}"
            # sudo: the name of a file names its server
            server = file.sudo().server_id.name
            file.display_name = f"{server}: {path}" if server else path

    @api.constrains("auto_sync", "auto_sync_interval")
    def _check_interval(self):
        for file in self.filtered("auto_sync"):
            if not file.auto_sync_interval:
                raise ValidationError(self.env._("Choose how often “%s” is synchronized.", file.display_name))

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
            # sudo: the first transfer was started just now; when it is due again is written by Tower
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
            # sudo: how a file stands is written by Tower only
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
        """A template may leave the directory to its files; then it is to be given."""
        default = self.env.context.get("default_server_dir")
        for vals in vals_list:
            if not vals.get("server_dir", default):
                raise ValidationError(
                    self.env._(
                        "The file “%s” needs a directory: enter where on the server it is (server_dir).",
                        vals.get("name") or self[:1].name or "",
                    )
                )

    def _is_quiet(self):
        return self.env.su and heard(self.env, QUIET)

    def _write_quietly(self, values):
        """Write what Tower knows about these files; nothing follows from it."""
        return self.with_context(**engine_says(**{QUIET: True})).write(values) if self else True

    @api.model
    def _with_template_values(self, vals_list):
        """Return ``vals_list`` with what files take from their templates, where it is not given."""
        ids = {vals["template_id"] for vals in vals_list if vals.get("template_id")}
        if not ids:
            return vals_list
        # sudo: linking a template needs the right to read it, which is checked; its content is what files are made of
        self._check_may_link("template_id", list(ids))
        values = {
            template.id: template._file_values()
            for template in self.env["cx.tower.file.template"].sudo().browse(ids)
        }
        return [{**values.get(vals.get("template_id"), {}), **vals} for vals in vals_list]

    def _sync_after_change(self):
        """Start the transfer of files that are kept in sync; of a template's files it is only noted."""
        if heard(self.env, "from_yaml"):
            return
        wanted = self.filtered(lambda file: file.auto_sync and file.active)
        if heard(self.env, "tower_file_cascade"):
            # sudo: as above
            wanted.sudo()._write_quietly({"sync_wanted": True, "sync_state": "waiting"})
            return
        for source, operation in (("tower", PUSH), ("server", PULL)):
            files = wanted.filtered(lambda file, source=source: file.source == source)
            if files:
                files._start_runs(operation)

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        readable = self.template_id
        if not self.env.su:
            readable = readable._filtered_access("read") if readable.has_access("read") else readable.browse()
        for vals in vals_list:
            if vals:
                # The copy must not overwrite, or take away, what the other one keeps on its server.
                vals |= {"auto_sync": False, "keep_when_deleted": True}
                if vals.get("template_id") not in readable.ids:
                    vals["template_id"] = False  # following a template needs the right to read it
        return vals_list

    def copy(self, default=None):
        """Copy the files; own values with secrets in them only for who may change the file, as other secrets."""
        copies = super().copy(default)
        for file, copied in zip(self, copies, strict=True):
            if file.sudo().sealed:  # sudo: only the engine reads it
                own = file._own_values__() if file.has_access("write") else OwnValues({})
                copied.sudo()._write_quietly(copied._changed_own_values__(own))
        return copies

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_run(self):
        """A push that goes on would put the file there again."""
        for file in self.filtered("is_being_processed"):
            raise UserError(
                self.env._(
                    "“%s” is being transferred. Wait for the end of the run or stop it, then delete the file.",
                    file.display_name,
                )
            )

    def unlink(self):
        """Delete the files, and start their deletion on the servers in the same transaction.

        What Tower never put there stays there, and so does what is to be kept.
        """
        doomed = self._deleted_on_the_host()
        if not doomed:
            return super().unlink()
        self.check_access("unlink")
        self._unlink_except_in_run()
        frozen = {
            server: [file._deletion_document() for file in files]
            for server, files in doomed.grouped("server_id").items()
        }
        result = super().unlink()
        for server, documents in frozen.items():
            server._start_deletion(documents)
        return result

    def _deleted_on_the_host(self):
        """Return those of these files that go on their host, too, when they are deleted here."""
        return self.filtered(
            lambda file: file.source == "tower" and not file.keep_when_deleted and file.pushed_path
        )

    # ------------------------------------------------------------------ archive

    @api.model
    def _follow_archived_servers(self, server_ids, active):
        """Archive files with their server, or bring them back."""
        # sudo: files go with their server, whoever archives it
        files = self.sudo().with_context(active_test=False).search([("server_id", "in", server_ids)])
        files._write_quietly({"active": active})
