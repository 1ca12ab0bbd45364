import logging

from odoo import api, models

from .cx_tower_jet_template_install import FAILED

_logger = logging.getLogger(__name__)

BATCH = 200


class CxTowerJetTemplateInstall(models.Model):
    """Continues installations that stand still, because what follows from an end failed in Tower itself."""

    _inherit = "cx.tower.jet.template.install"

    @api.model
    def _continue_missed(self):
        """Continue installations without a live run: by the result of the run they missed, or with their next line."""
        self.env.cr.execute(
            """SELECT install.id
                 FROM cx_tower_jet_template_install install
                 LEFT JOIN cx_tower_jet_template_install_line line ON line.id = install.current_line_id
                 LEFT JOIN cx_tower_plan_log run ON run.id = line.plan_log_id
                WHERE install.state = 'processing'
                  AND CASE WHEN line.state = 'processing' THEN COALESCE(run.state, '') NOT IN ('queued', 'running', 'waiting')
                           ELSE NOT EXISTS (SELECT FROM cx_tower_jet_template_install_line other
                                             WHERE other.jet_template_id = line.jet_template_id
                                               AND other.server_id = line.server_id AND other.state = 'processing') END
                ORDER BY install.id LIMIT %s FOR UPDATE OF install SKIP LOCKED""",
            (BATCH,),
        )
        # sudo: the engine's own maintenance
        missed = self.sudo().browse(row[0] for row in self.env.cr.fetchall())
        self.env["cx.tower.run.queue"]._do_each(
            missed, lambda one: one._take_over_missed(), lambda one, error: one._give_up(error)
        )

    def _take_over_missed(self):
        _logger.warning("installation %s missed an event", self.id)
        line = self.current_line_id
        if line.state != "processing":
            self._continue()
        elif line.plan_log_id:
            line._plan_ended(line.plan_log_id)
        else:
            line._fail(
                self.env._("The run of its flight plan no longer exists. Check the server, then try again.")
            )

    def _give_up(self, error):
        """End this installation when going on fails: it may be tried again."""
        text = self.env._("Tower could not go on (%s). See the Odoo server log.", type(error).__name__)
        if self.current_line_id.state in ("processing", "to_process"):
            self.current_line_id.write({"state": "failed", "message": text})
        self.write({"state": FAILED, "message": text})


class CxTowerRunQueue(models.AbstractModel):
    """The queue's cron looks after installations, too."""

    _inherit = "cx.tower.run.queue"

    @api.model
    def _recover_followers(self):
        super()._recover_followers()
        self.env["cx.tower.jet.template.install"]._continue_missed()
