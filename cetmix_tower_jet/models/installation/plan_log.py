from odoo import api, fields, models
from odoo.exceptions import UserError

RUNS = ("cx.tower.command.log", "cx.tower.plan.log")


class CxTowerPlanLog(models.Model):
    """The run of an install plan or uninstall plan: its end leads the installation on, resuming it takes it up again."""

    _inherit = "cx.tower.plan.log"

    jet_template_install_id = fields.Many2one(
        related="jet_template_install_line_id.jet_template_install_id",
        string="Template installation",
    )

    def _on_run_finished(self, lane=None):
        following = super()._on_run_finished(lane)
        if self.jet_template_install_line_id and not self.parent_flight_plan_log_id:
            # sudo: the installation belongs to the run, whoever started it
            line = self.jet_template_install_line_id.sudo()
            if line.state == "processing" and line.plan_log_id in (self.browse(), self):
                line._plan_ended(self.sudo())  # sudo: as the line
        return following

    def _make_resumed(self, user, changed):
        line = self.jet_template_install_line_id
        if not line or self.parent_flight_plan_log_id:
            return super()._make_resumed(user, changed)
        line._resume(self, user)
        resumed = super()._make_resumed(user, changed)
        if line.state == "processing" and not line.plan_log_id:
            line.plan_log_id = resumed
        return resumed


class CxTowerJetTemplateInstallLine(models.Model):
    """Resuming the flight plan of an installation."""

    _inherit = "cx.tower.jet.template.install.line"

    def _resume(self, run, user):
        """Make this failed line, and its installation, running ones again, for a run that is resumed.

        :param run: the run that is resumed
        :raise UserError: the installation has moved on since, or the same is going on already
        """
        install = self.jet_template_install_id
        if install.state != "failed" or self.state != "failed" or self.plan_log_id != run:
            raise UserError(
                self.env._(
                    "It cannot be resumed: the installation it belongs to has moved on (%s).",
                    install.display_name,
                )
            )
        if not self._is_wanted():
            raise UserError(
                self.env._("It cannot be resumed: nothing is left to do (%s).", install.display_name)
            )
        install._take_again(user)
        install.current_line_id = self
        self._take()

    def _keep_names_in_runs(self):
        """Store the names of these lines in their runs before the database deletes them: their runs do not run again elsewhere."""
        for model in RUNS:
            self.env[model]._outlive("jet_template_install_line_id", self)


class CxTowerJetTemplateInstall(models.Model):
    """Deleting installations."""

    _inherit = "cx.tower.jet.template.install"

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_runs(self):
        self.line_ids._keep_names_in_runs()


class CxTowerJetTemplate(models.Model):
    """Deleting templates, and with them their installations."""

    _inherit = "cx.tower.jet.template"

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_runs(self):
        lines = self.env["cx.tower.jet.template.install.line"].sudo()  # sudo: history is kept whoever deletes
        own = [("jet_template_id", "in", self.ids)]
        lines.search(["|", *own, ("jet_template_install_id", "any", own)])._keep_names_in_runs()
