from odoo import fields, models

from ...engine import states
from ...engine.values.own_values import OwnValues


class CxTowerPlanLog(models.Model):
    """What people and scripts do with a plan run: wait for it, stop it, repeat it."""

    _inherit = "cx.tower.plan.log"

    def _state_values(self):
        """Return how a run stands, as plain values that every RPC protocol can carry."""
        self.ensure_one()
        run = self.sudo()
        return {
            "id": run.id,
            "reference": run.reference,
            "state": run.state,
            "finished": run.state in states.FINISHED,
            "exit_code": run.plan_status,
            "message": run.message or "",
            "duration": run.duration_current,
            "stop_requested_by": run.stop_requested_by_id.name or "",
        }

    def _values_after_waiting(self):
        return {"variable_values": self.variable_values or {}}

    # ------------------------------------------------------------------
    # Stopping
    # ------------------------------------------------------------------

    def stop(self):
        """Ask for the end of these runs, with all that happens inside them.

        A queued step ends at once; one that runs ends when its host has confirmed that nothing is left, or when the time
        for that is over. Then the runs end as *stopped*.

        :return: True
        :raise AccessError: unless the caller started the run, manages its server or is Root
        """
        self._check_may_stop()
        # sudo: nobody may write logs; the right to stop was checked
        active = self.sudo().filtered(lambda run: not run._is_finished())
        self.env["cx.tower.run.stop"]._ask(active, self.env.user)
        return True

    def _request_stop(self, user):
        """Ask for the end of this run in the caller's transaction, see ``cx.tower.run.stop``."""
        active = list(states.ACTIVE)
        runs = self._tree().filtered(lambda run: run.state in active)
        runs.write({"stop_requested_by_id": user.id, "stop_requested_date": fields.Datetime.now()})
        steps = self.env["cx.tower.command.log"].search(
            [("plan_log_id", "in", runs.ids), ("state", "in", active)]
        )
        runs.flush_recordset()
        for step in steps.filtered(lambda step: step.state != states.WAITING):
            step._request_stop(user)

    # ------------------------------------------------------------------
    # Repeating
    # ------------------------------------------------------------------

    def action_run_again(self):
        """Start the same flight plan, as it is now, on the same server with the same own values, and open the new run."""
        self.ensure_one()
        self.check_access("read")
        self._check_is_no_orphan()
        shortcut = self.sudo().shortcut_id
        if shortcut and not self.parent_flight_plan_log_id:
            return shortcut.with_env(self.env)._run_on(self.server_id)._action_open()
        run = self.sudo()  # sudo: what it began with; that the caller may set it is checked when it starts
        inputs, secrets = run.top_plan_log_id._inputs__()
        own = OwnValues(inputs.get("variable_values") or {}, secrets)
        if run.parent_flight_plan_log_id:
            own = run._values_before__(run.triggering_command_log_id)
        runs = self.server_id._start_plan_runs(self.plan_id, own.values, secrets=own.secrets)
        return runs._action_open()
