from odoo import models
from odoo.exceptions import AccessError

from ...engine import states
from .cx_tower_fleet_run import ACTIVE, RUNNING, STOPPING


class CxTowerFleetRun(models.Model):
    """Stopping a fleet run: no further server is started, and the active runs are stopped."""

    _inherit = "cx.tower.fleet.run"

    def stop(self):
        """Stop these fleet runs. Held members are not started; active ones are stopped.

        :return: True
        :raise AccessError: unless the caller started it, manages all of its servers or is Root
        """
        self._check_may_stop()
        # sudo: nobody has write access to runs; the right to stop them was checked above
        active = self.sudo().filtered(lambda fleet: fleet.state in ACTIVE)
        self.env["cx.tower.run.stop"]._ask(active, self.env.user)
        return True

    def action_stop(self):
        """Stop these fleet runs (button)."""
        return self.stop()

    def _check_may_stop(self):
        """Raise AccessError unless the caller started these fleet runs, manages all of their servers or is Root."""
        self.check_access("read")
        if self.env.su or self.env.user.has_group("cetmix_tower_server.group_root"):
            return
        user = self.env.user
        for fleet in self.sudo():  # sudo: only to look up whether the caller is a manager of each server
            targets = fleet._run_targets()
            if fleet.user_id != user and not all(user in target._get_stop_managers() for target in targets):
                raise AccessError(
                    self.env._(
                        "You may not stop “%s”. Only the person who started it, Managers of all its servers and "
                        "Root may. You can still stop individual runs on your own servers.",
                        fleet.name,
                    )
                )

    def _may_stop(self):
        try:
            self._check_may_stop()
        except AccessError:
            return False
        return True

    def _mark_stopping(self, user):
        """Mark these fleet runs as stopping, so that no further member gets a turn."""
        self.env.cr.execute(
            """UPDATE cx_tower_fleet_run SET state = %s, stop_requested_by_id = %s,
                      stop_requested_date = clock_timestamp() AT TIME ZONE 'UTC'
                WHERE id = ANY(%s) AND state = %s""",
            (STOPPING, user.id or None, self.ids, RUNNING),
        )
        self.invalidate_recordset(flush=False)

    def _request_stop(self, user):
        """Stop this fleet run in the caller's transaction, see ``cx.tower.run.stop``.

        Held members end immediately; active ones are stopped like any other run.
        """
        self._mark_stopping(user)
        self._end_held(self.env._("Stopped by %s before it started.", user.name))
        active = [("fleet_run_id", "=", self.id), ("state", "in", states.ACTIVE)]
        for member in self._members().search(active, order="id"):
            member._request_stop(user)
        self._end_if_nothing_is_left()
