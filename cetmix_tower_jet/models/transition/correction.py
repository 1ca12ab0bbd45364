from odoo import fields, models
from odoo.exceptions import UserError, ValidationError

from .cx_tower_jet import IDLE
from .cx_tower_jet_transition import CORRECTED


class CxTowerJet(models.Model):
    """Correcting a state by hand, because hosts change behind Tower's back."""

    _inherit = "cx.tower.jet"

    def correct_state(self, state_reference, reason):
        """Say in which state this jet really is. Nothing is run; the correction is kept in the history.

        :param state_reference: reference of the state; False or "": none
        :param reason: why, for the history
        :return: dict: ``jet`` (reference), ``jet_id``, ``transition`` (id of the history's row)
        :raise AccessError: the caller may not write the jet, or the state is above their level on it
        :raise ValidationError: no reason, or no such state
        :raise UserError: the jet is busy, or was destroyed and has no place left on its server
        """
        self.ensure_one()
        self.check_access("write")
        state = self._state_argument(state_reference)
        if not isinstance(reason, str) or not reason.strip():
            raise ValidationError(
                self.env._("Say why the state is corrected: the reason is kept in the history.")
            )
        jet = self.sudo()  # sudo: only the engine writes states; the right to write the jet was checked
        jet._lock_idle()
        if state:
            jet._take_place()  # a destroyed jet that is there after all
        transition = jet._record_correction(
            state.sudo(), reason.strip()
        )  # sudo: as the jet; its level was compared
        jet._set_state(state.sudo())  # sudo: as above
        jet._write_moves({"movement": IDLE, "last_problem": False})
        jet._on_state_corrected()
        jet._announce()
        return {"jet": jet.reference, "jet_id": jet.id, "transition": transition.id}

    def _record_correction(self, state, reason):
        """Keep a correction in the history and in the chatter of this jet, before its state is written.

        :return: transition
        """
        now = fields.Datetime.now()
        self.message_post(
            body=self.env._(
                "State corrected from %(before)s to %(now)s: %(reason)s",
                before=self._state_text(self.state_id),
                now=self._state_text(state),
                reason=reason,
            )
        )
        return self.env["cx.tower.jet.transition"].create(
            {
                "jet_id": self.id,
                "action_name": self.env._("Correction"),
                "state_from_id": self.state_id.id,
                "state_to_id": state.id,
                "user_id": self.env.user.id,
                "state": CORRECTED,
                "start_date": now,
                "finish_date": now,
                "message": reason,
            }
        )

    def _lock_idle(self):
        """Lock this jet's row. :raise UserError: it is busy"""
        self.flush_recordset()
        self.env.cr.execute(
            "SELECT current_transition_id FROM cx_tower_jet WHERE id = %s FOR UPDATE", (self.id,)
        )
        if self._is_busy():
            raise UserError(
                self.env._(
                    "The state of “%(jet)s” cannot be corrected now: %(busy)s.",
                    jet=self.name,
                    busy=self._busy_text(),
                )
            )

    def _on_state_corrected(self):
        """Do what follows from a correction. Extension point: requests for this jet are looked at again."""
