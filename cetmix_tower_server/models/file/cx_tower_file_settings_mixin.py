import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...engine.files.host_path import clean_directory

OCTAL_MODE = re.compile(r"0?[0-7]{3,4}")
# What POSIX lets a name be, with the "$" of machine accounts; or a number.
HOST_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?|[0-9]{1,10}")


class CxTowerFileSettingsMixin(models.AbstractModel):
    """What a file and a template of files have in common: where it goes, and how it is to be on the host."""

    _name = "cx.tower.file.settings.mixin"
    _description = "Tower file settings mixin"

    source = fields.Selection(
        [("tower", "Tower"), ("server", "Server")],
        required=True,
        default="tower",
        help=(
            "Tower: the content is edited here and pushed to the server. Server: the content is pulled "
            "from the server."
        ),
    )
    file_type = fields.Selection(
        [("text", "Text"), ("binary", "Binary")],
        string="Type",
        required=True,
        default="text",
        help="Text may use variables and secrets.",
    )
    server_dir = fields.Char(
        string="Directory", help="Full path of the directory on the server. May contain variables."
    )
    code = fields.Text(string="Content", help="May contain variables and secrets.")
    auto_sync = fields.Boolean(
        string="Auto sync",
        help=(
            "Push after each change and at each interval. Files with source Server are pulled at each "
            "interval."
        ),
    )
    keep_when_deleted = fields.Boolean(
        string="Keep when deleted",
        help="Keep the file on the server when it is deleted here. Otherwise it is deleted there, too.",
    )
    mode = fields.Char(
        string="Permissions",
        help="Octal digits, for example 640. If empty, existing permissions are kept; new files get 644.",
    )
    owner = fields.Char(
        help="User that owns the file on the server. If empty, the owner is kept. Changing it requires sudo."
    )
    group = fields.Char(help="Group of the file on the server. If empty, the group is kept.")
    backup = fields.Boolean(
        string="Keep a backup",
        help="Before a file is replaced, copy it to a file next to it, with the time in its name.",
    )
    use_sudo = fields.Boolean(string="Sudo", help="Use sudo, as configured on the server.")

    @api.constrains("mode", "owner", "group")
    def _check_attributes(self):
        for record in self:
            if record.mode and not OCTAL_MODE.fullmatch(record.mode):
                raise ValidationError(
                    self.env._(
                        "“%(mode)s” is not a valid mode for “%(file)s”. Enter octal digits, for example "
                        "640 or 0755.",
                        mode=record.mode,
                        file=record.display_name,
                    )
                )
            for name in (record.owner, record.group):
                if name and not HOST_NAME.fullmatch(name):
                    raise ValidationError(
                        self.env._(
                            "“%(name)s” is not a valid user or group for “%(file)s”. Use letters, digits, "
                            "“_”, “-” and “.”, or a numeric ID.",
                            name=name,
                            file=record.display_name,
                        )
                    )

    @api.constrains("code", "server_dir")
    def _check_no_nul(self):
        for record in self:
            if "\0" in (record.code or "") + (record.server_dir or ""):
                raise ValidationError(
                    self.env._(
                        "The text of “%s” contains a NUL character. Remove it, or use the type Binary.",
                        record.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([_with_clean_directory(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(_with_clean_directory(vals))


def _with_clean_directory(vals):
    """Return ``vals`` with the directory without slashes at its end; the root stays."""
    directory = vals.get("server_dir")
    return {**vals, "server_dir": clean_directory(directory)} if isinstance(directory, str) else vals
