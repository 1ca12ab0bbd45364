from odoo import api, fields, models


class CxTowerFileTemplate(models.Model):
    """What files on many servers are made from; they follow it."""

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
        string="File name", required=True, help="Name of the files made from it. May contain variables."
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
        help="Servers made from them get a file of this template.",
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
        help="They see the template and use it.",
    )
    manager_ids = fields.Many2many(
        "res.users",
        "cx_tower_file_template_manager_rel",
        "record_id",
        "manager_id",
        string="Managers",
        help="They change the template, and with it the files made from it.",
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
