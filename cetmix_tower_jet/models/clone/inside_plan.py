from odoo import models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode

from ...engine.asking import LEVEL_OF_AUTHORS
from ..transition.refused import TransitionRefused


class CxTowerJet(models.Model):
    """``jet.bring_to_state()`` in the clone plan of that jet: it says where the jet goes when the plan has succeeded."""

    _inherit = "cx.tower.jet"

    def _bring_to_state(self, state, asking=None):
        cloning = self._clone_of_this_thread()
        if not cloning:
            return super()._bring_to_state(state, asking)
        # In the plan's own code the jet has superuser rights: its author decides, also on actions above the person's level.
        level = LEVEL_OF_AUTHORS if self.env.su else cloning.level
        jet = self.sudo()  # sudo: the plan moves its jet
        if jet.jet_template_id._lifecycle(level).path(jet.state_id.id or None, state.id or None) is None:
            raise TransitionRefused(ExitCode.JET_STATE_ERROR, jet._no_path_text(state, level))
        # Written with what the step does. If the process dies before, the plan says it again when it is resumed.
        cloning._change_live({"journey_state_id": state.id or None, "level": level})
        jet._write_moves({"target_state_id": state.id})
        return cloning

    def _clone_of_this_thread(self):
        """Return the movement whose clone plan the calling code is part of, if it fills this jet; otherwise empty."""
        self.ensure_one()
        moving = self.sudo().current_transition_id  # sudo: compared with the caller's own run
        if not moving.is_clone:
            return moving.browse()
        return moving & self._transitions_of_this_thread()
