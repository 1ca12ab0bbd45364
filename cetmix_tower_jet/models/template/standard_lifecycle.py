from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command

USER, MANAGER = "1", "2"

#: (name, from state, transit state, to state, error state, access level). Users launch and operate jets; what takes
#: something away from the host is for Managers.
STANDARD = (
    ("Prepare", None, "preparing", "draft", None, USER),
    ("Build", "draft", "building", "stopped", None, USER),
    ("Start", "stopped", "starting", "running", None, USER),
    ("Stop", "running", "stopping", "stopped", None, USER),
    ("Restart", "running", "restarting", "running", "stopped", USER),
    ("Remove", "stopped", "removing", "removed", None, MANAGER),
    ("Destroy", "removed", "destroying", None, None, MANAGER),
)
STATE_XMLID = "cetmix_tower_jet.cx_tower_jet_state_%s"
PRIORITY_STEP = 10


class CxTowerJetTemplate(models.Model):
    """The usual lifecycle, for templates that have no actions yet."""

    _inherit = "cx.tower.jet.template"

    def action_add_standard_lifecycle(self):
        """Add the usual actions, from Prepare to Destroy, without flight plans.

        :return: True
        :raise UserError: the template already has actions, or a shipped state was deleted
        :raise AccessError: the caller may not change the template
        """
        self.ensure_one()
        self.check_access("write")
        # sudo: actions that the caller does not see count, too
        if self.sudo().action_ids:
            raise UserError(
                self.env._(
                    "“%s” already has actions. The standard lifecycle is for templates without any.",
                    self.name,
                )
            )
        states = self._standard_states()
        self.write(
            {
                "action_ids": [
                    Command.create(
                        {
                            "name": name,  # not translated: scripts and people of all languages use the same names
                            "priority": number * PRIORITY_STEP,
                            # an action above the template's level would be hidden from those who see the template
                            "access_level": min(level, self.access_level),
                            "state_from_id": states[before],
                            "state_transit_id": states[through],
                            "state_to_id": states[after],
                            "state_error_id": states[error],
                        }
                    )
                    for number, (name, before, through, after, error, level) in enumerate(STANDARD, 1)
                ]
            }
        )
        return True

    def _standard_states(self):
        """Return {reference, or None: id, or False} of the states of the standard lifecycle."""
        references = {state for row in STANDARD for state in row[1:5] if state}
        found = {
            reference: self.env.ref(STATE_XMLID % reference, raise_if_not_found=False)
            for reference in sorted(references)
        }
        missing = [reference for reference, state in found.items() if not state]
        if missing:
            raise UserError(
                self.env._(
                    "The standard lifecycle needs states that were deleted: %s. Update the addon to get them back.",
                    ", ".join(missing),
                )
            )
        return {None: False} | {reference: state.id for reference, state in found.items()}
