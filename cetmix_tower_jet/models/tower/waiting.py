from odoo import models
from odoo.exceptions import UserError


class CxTowerJet(models.Model):
    """Scripts wait for a jet."""

    _name = "cx.tower.jet"
    _inherit = ["cx.tower.jet", "cx.tower.wait.mixin"]

    def wait(self, timeout=30, timeout_s=None):
        """Wait until nothing moves this jet any more, at most ``timeout`` seconds (60 at most), and say how it stands.

        Call it again while ``finished`` is False: a journey may take longer.

        :param timeout_s: the same as ``timeout``, by the name that it has on runs
        :return: dict: ``id``, ``reference``, ``state`` (reference of the jet's state, "" for none), ``finished`` (it is idle),
            ``transition`` (id of the last one, 0 for none), ``transition_state``, ``log`` (id of its flight plan run, 0 for
            none), ``message`` (how it ended, or what it is busy with)
        :raise AccessError: the caller may not read the jet
        :raise UserError: what it is to wait for was started in the caller's transaction, or is what the caller is part of
        """
        self.ensure_one()
        self.check_access("read")
        transition = self.sudo().current_transition_id  # sudo: whether it is one of the caller's own
        if transition in self._transitions_of_this_thread():
            raise UserError(
                self.env._("“%s” cannot be waited for by the flight plan of its own action.", self.name)
            )
        if transition:
            with self.env.registry.cursor() as cr:
                if not transition.with_env(self.env(cr=cr)).exists():
                    raise UserError(self._unseen_text())
        return super().wait(timeout if timeout_s is None else timeout_s)

    def _unseen_text(self):
        return self.env._(
            "An action begins when the transaction that triggered it is committed, so waiting for it in the same transaction"
            " would never end."
        )

    def _state_values(self):
        """Return how this jet stands as plain values that every RPC protocol can carry."""
        self.ensure_one()
        jet = self.sudo()  # sudo: how a jet stands that the caller may read
        last = jet.current_transition_id or jet._last_transition()
        return {
            "id": jet.id,
            "reference": jet.reference or "",
            "state": jet.state or "",
            "finished": not jet._is_busy(),
            "transition": last.id or 0,
            "transition_state": last.state or "",
            "log": last.plan_log_id.id or 0,
            "message": jet._busy_text() or last.message or "",
        }
