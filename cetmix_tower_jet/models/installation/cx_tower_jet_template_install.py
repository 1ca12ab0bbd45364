from odoo import api, fields, models

INSTALL, UNINSTALL = "install", "uninstall"
PROCESSING, DONE, FAILED = "processing", "done", "failed"


class CxTowerJetTemplateInstall(models.Model):
    """The installation of a template, and of those it needs, on one server; or its removal.

    Rows are written by the engine only: ``starting.py`` begins, ``progress.py`` goes from line to line, ``recovery.py`` takes
    over ends that were missed.
    """

    _name = "cx.tower.jet.template.install"
    _description = "Tower Jet Template Installation"
    _order = "id desc"
    _rec_name = "jet_template_id"
    _inherit = ["cx.tower.rights.mixin"]

    jet_template_id = fields.Many2one(
        "cx.tower.jet.template",
        string="Jet template",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    server_id = fields.Many2one(
        "cx.tower.server", required=True, readonly=True, ondelete="cascade", index=True
    )
    user_id = fields.Many2one(
        "res.users", string="Started by", readonly=True, ondelete="set null", index="btree_not_null"
    )
    action = fields.Selection(
        [(INSTALL, "Install"), (UNINSTALL, "Uninstall")], required=True, readonly=True, default=INSTALL
    )
    state = fields.Selection(
        [(PROCESSING, "Processing"), (DONE, "Done"), (FAILED, "Failed")],
        required=True,
        readonly=True,
        default=PROCESSING,
        index=True,
    )
    message = fields.Text(readonly=True, help="What was skipped, and why it failed or what it waits for.")
    date_done = fields.Datetime(string="Ended", readonly=True)
    line_ids = fields.One2many(
        "cx.tower.jet.template.install.line", "jet_template_install_id", string="Templates", readonly=True
    )
    current_line_id = fields.Many2one(
        "cx.tower.jet.template.install.line", string="Now at", readonly=True, ondelete="set null"
    )
    may_retry = fields.Boolean(compute="_compute_may_retry", export_string_translation=False)

    _one_at_a_time = models.UniqueIndex(
        "(jet_template_id, server_id) WHERE state = 'processing'",
        "This template is already being installed on, or removed from, this server.",
    )

    @api.depends("jet_template_id", "server_id", "action")
    def _compute_display_name(self):
        labels = dict(self._fields["action"]._description_selection(self.env))
        for install in self:
            install.display_name = self.env._(
                "%(action)s “%(template)s” on %(server)s",
                action=labels.get(install.action, ""),
                # sudo: whoever may read an installation may know what is installed where
                template=install.sudo().jet_template_id.name or "",
                server=install.sudo().server_id.name or "",
            )

    @api.depends_context("uid", "su")
    @api.depends("state")
    def _compute_may_retry(self):
        failed = self._origin.filtered(lambda install: install.state == FAILED)
        templates = failed.jet_template_id._filtered_access("write")
        servers = failed.server_id._filtered_access("read")
        for install in self:
            install.may_retry = (
                install._origin in failed
                and install.jet_template_id in templates
                and install.server_id in servers
            )

    def _who_may_write(self):
        return self.env._("Installations are recorded by Tower.")
