import math
import time

from odoo import models
from odoo.exceptions import UserError

WAIT_LIMIT_S = 60
WAIT_STEP_S = 0.1


class CxTowerWaitMixin(models.AbstractModel):
    """For runs that a script can wait for. They define ``_state_values()``, with ``finished`` among them."""

    _name = "cx.tower.wait.mixin"
    _description = "Tower wait mixin"

    def wait(self, timeout_s=30):
        """Wait until the run has ended, at most ``timeout_s`` seconds (60 at most), and say how it stands.

        Looks through short transactions of its own; the caller's stays as it is.

        :return: dict: ``id``, ``reference``, ``state``, ``finished``, ``exit_code`` (of a fleet run ``counts`` instead),
            ``message``, ``duration``, ``stop_requested_by``; of a command ``response`` and ``error``, of a flight plan
            ``variable_values`` (custom values at the end)
        :raise AccessError: the caller may not read the run
        :raise UserError: it was started in the caller's transaction, so it begins when that is over
        """
        self.ensure_one()
        self.check_access("read")
        timeout_s = float(timeout_s)
        limit = min(max(0.0, timeout_s), WAIT_LIMIT_S) if math.isfinite(timeout_s) else WAIT_LIMIT_S
        give_up = time.monotonic() + limit
        while True:
            with self.env.registry.cursor() as cr:
                # sudo: the caller may read the run, which was checked above
                run = self.with_env(self.env(cr=cr)).sudo().exists()
                if not run:
                    raise UserError(self._unseen_text())
                values = run._state_values()
                if values["finished"] or time.monotonic() >= give_up:
                    return values | run._values_after_waiting()
            time.sleep(WAIT_STEP_S)

    def _unseen_text(self):
        return self.env._(
            "A run begins when the transaction that started it is committed, so waiting for it in the same transaction"
            " would never end. Run it with “no_command_log” in the context, or with tower.server_run_command, to get its"
            " result at once."
        )

    def _values_after_waiting(self):
        """Return what :meth:`wait` returns besides the state of the run."""
        return {}
