from odoo import models

from ...engine import states

ANNOUNCED_FIELDS = ("plan_log_id", "fleet_run_id", "state", "output_size")


class CxTowerCommandLog(models.Model):
    """What people who look at a run are told while it goes on."""

    _inherit = "cx.tower.command.log"

    def _announce(self, changed, ended, progress=None):
        """Tell whoever looks at these runs that there is something to read. A hint only, without content.

        :param changed: list of (log id, offset behind the last character) of runs going on
        :param ended: ids of runs that ended
        :param progress: {log id: {"done", "total", "text"}} of runs that tell how far they are
        """
        for log_id, end in changed:
            payload = {"id": log_id, "end": end, "state": states.RUNNING}
            if progress and progress.get(log_id):
                payload["progress"] = progress[log_id]
            self.browse(log_id)._bus_send("cetmix_tower_log", payload)
        finished = self.sudo().browse(ended).exists()
        seen = finished | self.sudo().browse(log_id for log_id, _end in changed)
        seen.fetch(ANNOUNCED_FIELDS)  # not their output
        seen.plan_log_id._send_hint()
        (seen.fleet_run_id | seen.plan_log_id.top_plan_log_id.fleet_run_id)._send_hint()
        for log in finished:
            payload = {"id": log.id, "end": log.output_size, "state": log.state}
            log._bus_send("cetmix_tower_log", payload)
            if not log.plan_log_id:
                log._notify_starter()
