from odoo import api, fields, models

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


class CxTowerFile(models.Model):
    """A file on a server: pushed from here, or pulled from there."""

    _name = "cx.tower.file"
    _description = "Tower File"
    _inherit = [
        "cx.tower.reference.mixin",
        "cx.tower.linked.access.mixin",
        "cx.tower.template.mixin",
        "cx.tower.key.mixin",
        "cx.tower.file.settings.mixin",
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
    file = fields.Binary(attachment=True, help="Content of a binary file.")
    auto_sync_interval = fields.Selection(AUTO_SYNC_INTERVALS, string="Sync every", default="1-days")
    sync_date_next = fields.Datetime(string="Next sync", required=True, default=fields.Datetime.now)
    sync_date_last = fields.Datetime(string="Last transfer", readonly=True, copy=False)
    server_response = fields.Char(readonly=True, copy=False, help="“ok”, or why the last transfer failed.")
    code_on_server = fields.Text(string="Content on the server", readonly=True, copy=False)
    variable_values = fields.Json(
        string="Own values",
        readonly=True,
        help="Values of the run that made the file; they count before the server's.",
    )

    @api.model
    def _get_depends_fields(self):
        return [*super()._get_depends_fields(), "name", "server_dir"]

    @api.model
    def _get_linked_access_fields(self):
        return [*super()._get_linked_access_fields(), "template_id"]

    @api.model
    def _get_pre_populated_model_data(self):
        return {**super()._get_pre_populated_model_data(), self._name: ("cx.tower.server", "server_id")}

    def write(self, vals):
        result = super().write(vals)
        if not self.env.su and "server_id" in vals:
            # A file must not be moved to a server where the caller could not create it.
            self.check_access("write")
        return result
