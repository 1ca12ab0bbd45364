from odoo import api, models
from odoo.addons.cetmix_tower_server.models.server.cx_tower_server import RUN_MODELS
from odoo.exceptions import ValidationError


class CxTowerJetTemplateInstallLine(models.Model):
    """What is left of the lines of deleted installations."""

    _inherit = "cx.tower.jet.template.install.line"

    def _keep_names_in_runs(self):
        """Store the names of these lines in their runs before the database deletes them: their runs do not run again elsewhere."""
        for model in RUN_MODELS:
            self.env[model]._outlive("jet_template_install_line_id", self)


class CxTowerJetTemplateInstall(models.Model):
    """Deleting installations."""

    _inherit = "cx.tower.jet.template.install"

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_runs(self):
        self.line_ids._keep_names_in_runs()


class CxTowerJetTemplate(models.Model):
    """Deleting templates, and with them their installations. Refused while one of these is going on."""

    _inherit = "cx.tower.jet.template"

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_runs(self):
        lines = self.env["cx.tower.jet.template.install.line"].sudo()  # sudo: history is kept whoever deletes
        own = [("jet_template_id", "in", self.ids)]
        lines.search(["|", *own, ("jet_template_install_id", "any", own)])._keep_names_in_runs()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_installing(self):
        """Refuse to delete a template while it is being installed or removed somewhere."""
        # sudo: whoever started it counts; only one that is deleted with the template is named
        lines = self.env["cx.tower.jet.template.install.line"].sudo()
        found = lines.search(
            [("jet_template_id", "in", self.ids), ("jet_template_install_id.state", "=", "processing")],
            limit=1,
        )
        if found:
            raise ValidationError(
                self.env._(
                    "It cannot be deleted now: %s. Wait for it to end.",
                    found.jet_template_install_id._live_text(),
                )
            )
