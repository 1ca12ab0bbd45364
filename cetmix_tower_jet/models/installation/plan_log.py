from odoo import fields, models
from odoo.exceptions import UserError


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
            line, run = self.jet_template_install_line_id.sudo(), self.sudo()
            if line.state == "processing" and line.plan_log_id in (self.browse(), self):
                self.env["cx.tower.run.queue"]._do_after_end(
                    lambda: line._plan_ended(run), f"the end of installation line {line.id}"
                )
        return following

    def _reason_of_end(self):
        """Return in one sentence why this run did not succeed.

        Its own message says it for whoever may read the run; messages of steps may be above their level.
        """
        return self.message or self.env._(
            "The flight plan ended with exit code %(code)s.", code=self.plan_status
        )

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
