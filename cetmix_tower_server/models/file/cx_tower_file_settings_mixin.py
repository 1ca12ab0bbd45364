import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...engine.host_path import clean_directory

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
        help="Tower: what stands here is pushed to the server. Server: what is on the server is pulled.",
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
        help="Push after each change and by the interval; files of source Server are pulled by it.",
    )
    keep_when_deleted = fields.Boolean(
        string="Keep when deleted",
        help="Leave the file on the server when it is deleted here. Otherwise it is deleted there, too.",
    )
    mode = fields.Char(
        string="Permissions",
        help="In octal digits, for example 640. Empty: as the file is on the server; 644 for a new one.",
    )
    owner = fields.Char(
        help="User that owns the file on the server. Empty: as it is there. Others need sudo."
    )
    group = fields.Char(help="Group of the file on the server. Empty: as it is there.")
    backup = fields.Boolean(
        string="Keep a backup",
        help="Keep what is replaced on the server, beside it, with the time in its name.",
    )
    use_sudo = fields.Boolean(string="Sudo", help="Use sudo as the server's own setting says.")

    @api.constrains("mode", "owner", "group")
    def _check_attributes(self):
        for record in self:
            if record.mode and not OCTAL_MODE.fullmatch(record.mode):
                raise ValidationError(
                    self.env._(
                        "“%(mode)s” are no permissions for “%(file)s”: write them in octal digits, for example"
                        " 640 or 0755.",
                        mode=record.mode,
                        file=record.display_name,
                    )
                )
            for name in (record.owner, record.group):
                if name and not HOST_NAME.fullmatch(name):
                    raise ValidationError(
                        self.env._(
                            "“%(name)s” is no name of a user or group for “%(file)s”: use letters, digits, “_”,"
                            " “-” and “.”, or a number.",
                            name=name,
                            file=record.display_name,
                        )
                    )

    @api.constrains("code", "server_dir")
    def _check_no_nul(self):
        for record in self:
            if "\0" in (record.code or "") + (record.server_dir or ""):
                raise ValidationError(self.env._("“%s”: text cannot hold NUL.", record.display_name))

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([_with_clean_directory(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(_with_clean_directory(vals))


def _with_clean_directory(vals):
    """Return ``vals`` with the directory without slashes at its end; the root stays."""
    directory = vals.get("server_dir")
    return {**vals, "server_dir": clean_directory(directory)} if isinstance(directory, str) else vals
