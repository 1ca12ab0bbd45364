from odoo import models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.models.base.transactions import GUARD_WAIT_S, brief_locks
from odoo.tools import SQL
from psycopg2.errors import LockNotAvailable

from .cx_tower_jet import IDLE
from .cx_tower_jet_transition import RUNNING, WAITING
from .refused import TransitionRefused

#: What a transition keeps of its action.
SNAPSHOT = ("state_from", "state_transit", "state_to", "state_error", "plan")
CLAIMED = ("current_transition_id", "current_action_id", "target_state_id")
CHANGED = (*CLAIMED, "movement", "last_problem", "transition_ids")


class CxTowerJet(models.Model):
    """Taking a jet for a transition: of any number of callers one succeeds."""

    _inherit = "cx.tower.jet"

    def _claim(self, action, asking, waits=False, resumed=None, **values):
        """Take this jet for an action, if it is idle and in the action's from state. One statement.

        The jet's row changes with every claim, so a caller with an older view of it collides and is tried again by Odoo or by
        the engine; then it sees who was faster. If the process dies before the commit, the jet was not taken.

        :param action: action, as superuser; empty: another kind of movement, during which the jet stays in its state
        :param asking: :class:`engine.asking.Asking`
        :param waits: dependencies have to be met first
        :param resumed: transition to be continued, as it was; the jet must be where that one left it
        :param values: further columns of the transition; of a movement without an action at least ``action_name``, and
            ``plan_id`` if it runs one
        :return: transition
        :raise TransitionRefused: somebody else has it, or it has left the state
        """
        self.ensure_one()
        self.flush_recordset()
        try:
            with brief_locks(self.env, GUARD_WAIT_S, flush=False):
                row_values = self._claim_values(action, asking, resumed) | values
                row_values["state"] = WAITING if waits else RUNNING
                statement = self._claim_statement(row_values, resumed)
                # not logged: that another transaction was faster is no error
                self.env.cr.execute(statement, log_exceptions=False)
                row = self.env.cr.fetchone()
        except LockNotAvailable:
            text = self.env._("“%s” is being changed by somebody else. Try again in a moment.", self.name)
            raise TransitionRefused(ExitCode.JET_ACTION_NOT_AVAILABLE, text) from None
        self.invalidate_recordset(CHANGED, flush=False)
        self.modified(CLAIMED)  # what is computed from them, such as what the jet is busy with
        if not row:
            raise self._refusal(row_values["action_name"])
        return self.env["cx.tower.jet.transition"].browse(row[0])

    def _claim_values(self, action, asking, resumed):
        """Return the columns of a new transition of this jet: what it keeps of its action, and who asked for it."""
        journey = asking.journey
        return {
            **self._kept_of(resumed or action),
            "action_id": action.id or None,
            "user_id": self.env.user.id,
            "source": asking.source,
            "level": asking.level,
            "command_log_id": asking.command_log_id or None,
            "journey_state_id": journey and journey.state_id or None,
            "is_journey_to_end": bool(journey and not journey.state_id),
            "first_transition_id": journey and journey.first_transition_id or None,
            "resumes_id": resumed.id if resumed else None,
            "create_uid": self.env.user.id,
            "write_uid": self.env.user.id,
        }

    def _kept_of(self, taken_from):
        """Return what a transition keeps of an action, or of the transition that it continues.

        :param taken_from: empty: a movement without an action, from the present state and back to it
        """
        if not taken_from:
            here = self.state_id.id or None
            return {"state_from_id": here, "state_to_id": here, "access_level": "1", "is_destroy": False}
        is_transition = taken_from._name == "cx.tower.jet.transition"
        return {
            **{f"{name}_id": taken_from[f"{name}_id"].id or None for name in SNAPSHOT},
            "action_name": taken_from.action_name if is_transition else taken_from.name,
            "access_level": taken_from.access_level,
            "is_destroy": taken_from.is_destroy if is_transition else not taken_from.state_to_id,
        }

    def _claim_statement(self, values, resumed):
        """Return the statement that takes this jet if it is idle and where the transition begins.

        :param values: columns of the transition
        """
        goal = values["journey_state_id"] or (not values["is_journey_to_end"] and values["state_to_id"])
        return SQL(
            """WITH claimed AS (
                   INSERT INTO cx_tower_jet_transition (jet_id, start_date, create_date, write_date, %(names)s)
                   SELECT jet.id, %(now)s, %(now)s, %(now)s, %(values)s
                     FROM cx_tower_jet jet
                    WHERE jet.id = %(jet)s AND jet.current_transition_id IS NULL
                      AND jet.state_id IS NOT DISTINCT FROM %(state)s
                   ON CONFLICT (jet_id) WHERE state IN ('waiting', 'running') AND parent_id IS NULL DO NOTHING
                   RETURNING id, jet_id)
               UPDATE cx_tower_jet jet
                  SET current_transition_id = claimed.id, current_action_id = %(action)s, target_state_id = %(target)s,
                      movement = 'busy', last_problem = NULL
                 FROM claimed WHERE jet.id = claimed.jet_id
            RETURNING claimed.id""",
            names=SQL(", ").join(map(SQL.identifier, values)),
            values=SQL(", ").join(SQL("%s", value) for value in values.values()),
            now=SQL("clock_timestamp() AT TIME ZONE 'UTC'"),
            jet=self.id,
            state=(resumed._left_in().id or None) if resumed else values["state_from_id"],
            action=values["action_id"],
            target=goal or values.get("state_transit_id"),
        )

    def _release(self):
        """Give this jet back after its transition, in the transaction that ended it."""
        self._write_moves(dict.fromkeys(CLAIMED, False) | {"movement": IDLE})
