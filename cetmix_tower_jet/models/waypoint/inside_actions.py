from odoo import models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.tools import SQL

from ..transition.cx_tower_jet_transition import DONE, FAILED, LIVE, RUNNING
from ..transition.refused import TransitionRefused


class CxTowerJet(models.Model):
    """Beginning a movement inside the action that the jet is busy with."""

    _inherit = "cx.tower.jet"

    def _claim_inside(self, parent, asking, **values):
        """Begin a movement inside a live action of this jet, which keeps the jet. One statement.

        The jet's row changes, so it collides with an end of the action, or another movement, of the same moment.

        :param parent: transition of the action, as superuser
        :param values: columns of the transition
        :return: transition
        :raise TransitionRefused: the action has ended, is a movement itself, or another movement is on its way inside it
        """
        self.ensure_one()
        self.flush_recordset()
        if parent.waypoint_movement:
            raise TransitionRefused(
                ExitCode.JET_ACTION_NOT_AVAILABLE,
                self.env._("The flight plan of a waypoint cannot move the waypoints of its own jet."),
            )
        no_action = self.env["cx.tower.jet.action"]
        row_values = self._claim_values(no_action, asking, None) | values
        row_values |= {"state": RUNNING, "parent_id": parent.id}
        self.env.cr.execute(
            SQL(
                """WITH taken AS (
                       UPDATE cx_tower_jet SET movement = 'busy' WHERE id = %(jet)s AND current_transition_id = %(parent)s
                       RETURNING id)
                   INSERT INTO cx_tower_jet_transition (jet_id, start_date, create_date, write_date, %(names)s)
                   SELECT taken.id, %(now)s, %(now)s, %(now)s, %(values)s FROM taken
                   ON CONFLICT (parent_id) WHERE state IN ('waiting', 'running') AND parent_id IS NOT NULL DO NOTHING
                   RETURNING id""",
                jet=self.id,
                parent=parent.id,
                names=SQL(", ").join(map(SQL.identifier, row_values)),
                now=SQL("clock_timestamp() AT TIME ZONE 'UTC'"),
                values=SQL(", ").join(SQL("%s", value) for value in row_values.values()),
            ),
            log_exceptions=False,
        )
        row = self.env.cr.fetchone()
        self.invalidate_recordset(["movement", "transition_ids"], flush=False)
        if not row:
            text = self.env._("Another waypoint of “%s” is on its way.", self.name)
            raise TransitionRefused(ExitCode.JET_ACTION_NOT_AVAILABLE, text)
        return self.env["cx.tower.jet.transition"].browse(row[0])


class CxTowerJetTransition(models.Model):
    """An action ends when its flight plan, and the movement inside it, have ended: the later of both ends it."""

    _inherit = "cx.tower.jet.transition"

    def _live_inside(self):
        """Return the live movement inside these actions."""
        return self.search([("parent_id", "in", self.ids), ("state", "in", LIVE)])

    def _plan_ended(self, run):
        if self._live_inside():
            self.plan_log_id = run
            self._meet_other_end()
        else:
            super()._plan_ended(run)

    def _meet_other_end(self):
        """Change this row: the end of the flight plan and that of the movement inside, at the same moment, do not see each other.

        One of the two is undone and recorded again; then it sees the other.
        """
        self.env.cr.execute(
            "UPDATE cx_tower_jet_transition SET write_date = write_date WHERE id = %s",
            (self.id,),
            log_exceptions=False,
        )

    def _settle(self, outcome, was_waiting):
        if not self.parent_id:
            super()._settle(outcome, was_waiting)
        elif self.waypoint_movement:
            self._settle_waypoints(outcome)

    def _follow_end(self, outcome):
        if not self.parent_id:
            return super()._follow_end(outcome)
        if outcome == DONE and self._is_to_fly_on():
            try:
                self._continue_journey()
            except TransitionRefused:
                pass  # it is in the message of this movement, for the step that waits for it
        self._on_transition_ended()
        parent = self.parent_id
        parent._meet_other_end()
        run = parent.plan_log_id  # empty while its first step is being started
        if parent.state in LIVE and run and not run.is_running and not parent._live_inside():
            parent._plan_ended(run)
        self.jet_id._announce()

    def _end_without_following(self, error):
        if not self.parent_id:
            return super()._end_without_following(error)
        # the jet belongs to the action, which goes on
        text = self.env._(
            "What follows from its end failed (%s). See the Odoo server log.", type(error).__name__
        )
        self._record_end(FAILED, text)
        self._settle_after_all()

    def _stop(self, user):
        super()._stop(user)
        inside = self._live_inside()
        if inside:
            inside._stop(user)
