from odoo import models

from ..runs import worker as run_worker
from ..runs.engine_context import engine_says


class CxTowerRunTargetMixin(models.AbstractModel):
    """The part of a run target for callers that need the end of a run at once."""

    _inherit = "cx.tower.run.target.mixin"

    def _run_command_and_wait(self, command, **values):
        """Run a command on one server, in this thread, and return its end; see :meth:`_run_and_wait`."""
        return self._run_and_wait(
            lambda target: target._start_command_runs(command.with_env(target.env), **values)
        )

    def _run_and_wait(self, start):
        """Start a run, execute it in this thread, and return its end as plain values.

        Has transactions of its own, so what the caller has not committed is not seen by the run. A script
        that asks for the result holds its own transaction open meanwhile: prefer logs and ``wait``.

        :param start: gets this server in a transaction of its own and returns the log of the run, not dispatched
        """
        with self.env.registry.cursor() as cr:
            target = self.with_env(self.env(cr=cr, context={}))
            log = start(target.with_context(**engine_says(tower_no_dispatch=True)))
            log_id = log.id
            worker = run_worker.get(self.env.cr.dbname)
            # taken in the transaction that creates it: nobody else can be faster
            fence = worker.claim_one(target.env, log_id) if log.sudo().state == "queued" else 0
        inline = self.env["cx.tower.settings"]._get().backend == "inline"
        if fence:
            worker.execute_now(log_id, fence, watched=not inline)
        self._execute_to_the_end(log_id, watched=not inline)
        with self.env.registry.cursor() as cr:
            log = self.env(cr=cr)["cx.tower.command.log"].sudo().browse(log_id)
            return log._state_values() | {
                "response": log.command_response or "",
                "error": log.command_error or "",
                "variable_values": log.variable_values or {},
            }
