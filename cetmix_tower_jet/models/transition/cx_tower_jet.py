from odoo import api, fields, models
from odoo.exceptions import AccessError

from ...engine.asking import UPKEEP

ANNOUNCED = "cetmix_tower_jet.announced"
IDLE, BUSY, PROBLEM = "idle", "busy", "problem"


class CxTowerJet(models.Model):
    """The state of a jet, and what it is busy with."""

    _inherit = "cx.tower.jet"

    current_transition_id = fields.Many2one(
        "cx.tower.jet.transition",
        string="Transition",
        readonly=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
    )
    movement = fields.Selection(
        [(IDLE, "Idle"), (BUSY, "Busy"), (PROBLEM, "Needs attention")],
        string="Condition",
        default=IDLE,
        required=True,
        readonly=True,
        copy=False,
        help="Needs attention: its last action did not succeed.",
    )
    last_problem = fields.Text(
        readonly=True, copy=False, help="Why the last action did not succeed; empty after a good one."
    )
    transition_ids = fields.One2many("cx.tower.jet.transition", "jet_id", string="History", readonly=True)

    # ------------------------------------------------------------------ extension points

    def _is_busy(self):
        """Return whether something moves this jet. Extension point."""
        self.ensure_one()
        return bool(self.sudo().current_transition_id)  # sudo: whether, not what

    def _on_state_exit(self, state):
        """Hook, called before the jet leaves a state, in the transaction that changes it.

        :param state: state that it leaves; empty for a jet without one
        """

    def _on_state_enter(self, state):
        """Hook, called after the jet has entered a state, in the transaction that changes it."""

    def _on_is_available(self):
        """Hook, called when the jet has become idle, in the transaction in which its last transition ended."""

    def _upkeep(self):
        """Do what Tower itself does with this jet when nothing else moves it or waits for it. Extension point.

        Called in the transaction in which the last transition ended; it may be busy again.
        """

    def _finalize_transition(self, failed=False):
        """Hook, called once when a journey, or a single action, has ended.

        :param failed: the goal was not reached
        """

    def _flight_plan_finished(self, plan_status):
        """Hook, called when the flight plan of this jet's action has ended, before the jet leaves the transit state.

        :param plan_status: exit code; 0 for success
        """

    def _last_transition(self):
        """Return the last transition that somebody asked for, without those inside others; empty if this jet was never moved."""
        return self.env["cx.tower.jet.transition"].search(
            [("jet_id", "=", self.id), ("parent_id", "=", False), ("source", "!=", UPKEEP)], limit=1
        )

    # ------------------------------------------------------------------ writing

    @api.model
    def _get_engine_fields(self):
        """Return the fields that are written by transitions only, whoever asks. Extension point."""
        return [
            "state_id",
            "state",
            "target_state_id",
            "current_action_id",
            "current_transition_id",
            "movement",
            "last_problem",
        ]

    def _set_state(self, state):
        """Write the state of this jet. Called by transitions and corrections, in whose history the change is."""
        self.ensure_one()
        before = self.state_id
        if before == state:
            return
        self._on_state_exit(before)
        self._write_moves({"state_id": state.id})
        self._on_state_enter(state)

    def _write_moves(self, vals):
        """Write fields that nobody else may write, and tell open screens. Nothing is tracked.

        The history has every change; the chatter only gets failures and corrections.
        """
        result = super(CxTowerJet, self.with_context(tracking_disable=True)).write(vals)
        self._announce()
        return result

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_moves(vals)
        # A column of the board passes its state as a default: a new jet has none all the same.
        ignored = {f"default_{name}" for name in self._get_engine_fields()}
        context = {key: value for key, value in self.env.context.items() if key not in ignored}
        creator = self.with_context(context)  # pylint: disable=context-overridden
        jets = super(CxTowerJet, creator).create(vals_list)
        jets._announce()
        return jets.with_env(self.env)

    def unlink(self):
        self._announce()
        return super().unlink()

    def write(self, vals):
        self._refuse_moves(vals)
        return super().write(vals)

    @api.model
    def _refuse_moves(self, vals):
        """Raise AccessError if values contain fields that only transitions write."""
        if any(name in vals for name in self._get_engine_fields()):
            raise AccessError(
                self.env._(
                    "The state of a jet is changed by its actions. Trigger an action, bring the jet to a state, or correct its"
                    " state with a reason."
                )
            )

    def _announce(self):
        """Tell the open screens of Tower's people that these jets have changed, once for all that changed in a transaction.

        The message names ids and nothing else: whoever may read such a jet reads it again.
        """
        pending = self.env.cr.precommit.data.setdefault(ANNOUNCED, set())
        if not pending:
            # sudo: only sends ids
            self.env.cr.precommit.add(self.env["cx.tower.jet"].sudo()._send_announcement)
        pending.update(self.ids)

    def _send_announcement(self):
        ids = self.env.cr.precommit.data.pop(ANNOUNCED, set())
        # jets that depend on these may show that they lack something, or no longer
        links = self.env["cx.tower.jet.dependency"].search([("jet_depends_on_id", "in", list(ids))])
        ids = sorted(ids | set(links.jet_id.ids))
        group = self.env.ref("cetmix_tower_server.group_user", raise_if_not_found=False)
        if group and ids:
            group._bus_send("cetmix_tower_jets", {"ids": ids})
