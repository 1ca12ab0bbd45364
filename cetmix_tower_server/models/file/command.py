from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...engine.files.document import FileToMake
from .starting import ACTION

TEMPLATE_FIELDS = (
    "source",
    "file_type",
    "mode",
    "owner",
    "group",
    "backup",
    "use_sudo",
    "keep_when_deleted",
    "auto_sync",
)


class CxTowerCommand(models.Model):
    """Commands that create a file on the server from a template."""

    _inherit = "cx.tower.command"

    file_template_id = fields.Many2one(
        "cx.tower.file.template",
        ondelete="restrict",
        index="btree_not_null",
        help="The file is created from this template, with the values of the run.",
    )
    template_code = fields.Text(string="Template content", compute="_compute_template_code")
    if_file_exists = fields.Selection(
        [
            ("skip", "Leave it as it is"),
            ("overwrite", "Overwrite it"),
            ("raise", "Fail"),
        ],
        string="If the file exists",
        default="skip",
        required=True,
        help="What to do if the file already exists on the server.",
    )
    disconnect_file = fields.Boolean(
        string="Disconnect from template",
        help="Changes of the template will not be applied to the file.",
    )

    @api.model
    def _selection_action(self):
        return [*super()._selection_action(), (ACTION, "Create file from template")]

    @api.model
    def _get_linked_access_fields(self):
        # Running the command writes the content of the template to a server.
        return [*super()._get_linked_access_fields(), "file_template_id"]

    @api.depends_context("uid")
    @api.depends("file_template_id.code")
    def _compute_template_code(self):
        templates = self.env["cx.tower.file.template"]
        if templates.has_access("read"):
            templates = self.file_template_id._filtered_access("read")
        for command in self:
            command.template_code = (command.file_template_id & templates).code

    @api.constrains("action", "file_template_id", "active")
    def _check_file_template(self):
        # Archived commands may be incomplete. Tower's own commands for transfers are archived and have no template.
        for command in self.filtered(lambda command: command.active and command.action == ACTION):
            if not command.file_template_id:
                raise ValidationError(
                    self.env._("Choose the file template that command “%s” uses.", command.name)
                )

    def _action_code(self):
        return (self.file_template_id.code or "") if self.action == ACTION else super()._action_code()

    def _action_document(self):
        document = super()._action_document()
        template = self.file_template_id
        if self.action != ACTION or not template:
            return document
        values = {
            name: template[name] or (False if template._fields[name].type == "boolean" else "")
            for name in TEMPLATE_FIELDS
        }
        file = FileToMake(
            template_id=template.id,
            template=template.name,
            name=template.file_name or "",
            directory=template.server_dir or "",
            if_exists=self.if_file_exists,
            disconnect=self.disconnect_file,
            **values,
        )
        return document | {"file": file.to_plain()}


class CxTowerPlanLine(models.Model):
    """Lines show the file that their command creates."""

    _inherit = "cx.tower.plan.line"

    file_template_id = fields.Many2one("cx.tower.file.template", compute="_compute_file_template")
    file_template_code = fields.Text(string="Content of the file", compute="_compute_file_template")

    @api.depends_context("uid")
    @api.depends("command_id.action", "command_id.file_template_id.code")
    def _compute_file_template(self):
        commands = self.command_id._filtered_access("read")
        templates = commands.file_template_id
        templates = templates._filtered_access("read") if templates.has_access("read") else templates.browse()
        for line in self:
            command = line.command_id & commands
            template = (
                (command.file_template_id & templates) if command.action == ACTION else templates.browse()
            )
            line.file_template_id = template
            line.file_template_code = template.code
