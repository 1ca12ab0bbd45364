from odoo import fields, models


class CxTowerServerTemplate(models.Model):
    """The files that servers created from a template get."""

    _inherit = "cx.tower.server.template"

    file_template_ids = fields.Many2many(
        "cx.tower.file.template",
        "cx_tower_server_template_file_template_rel",
        "server_template_id",
        "file_template_id",
        string="Files",
        help="New servers get a file from each of these templates.",
    )

    def _copy_children_to(self, server):
        super()._copy_children_to(server)
        # sudo: whoever may create a server from the template gets everything that belongs to it. Searched, because
        # cached links may hold only what the caller can read.
        FileTemplate = self.env["cx.tower.file.template"].sudo()
        FileTemplate.search([("server_template_ids", "in", self.ids)])._create_missing_files(server)
