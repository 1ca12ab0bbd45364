import logging

from odoo import api, models

from .cx_tower_jet_waypoint import DELETING, ERROR

_logger = logging.getLogger(__name__)

BATCH = 200


class CxTowerJetWaypoint(models.Model):
    """Waypoints that are on their way although no movement of their jet is: the cron gives them the states of a failure.

    Movements and waypoints change in the same transactions, so this only happens after errors in Tower itself, or when rows were
    changed in the database.
    """

    _inherit = "cx.tower.jet.waypoint"

    @api.model
    def _settle_stranded(self):
        """Give the waypoints without a movement the states of the failure of their last movement."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT waypoint.id FROM cx_tower_jet_waypoint waypoint
                WHERE (waypoint.state IN ('preparing', 'arriving', 'leaving')
                       OR waypoint.state = 'deleting' AND waypoint.problem IS NULL)
                  AND NOT EXISTS (SELECT FROM cx_tower_jet_transition movement
                                   WHERE movement.jet_id = waypoint.jet_id AND movement.state IN ('waiting', 'running')
                                     AND waypoint.id IN (movement.waypoint_id, movement.waypoint_from_id))
                ORDER BY waypoint.id LIMIT %s FOR UPDATE OF waypoint SKIP LOCKED""",
            (BATCH,),
        )
        stranded = self.browse(row[0] for row in self.env.cr.fetchall())
        self.env["cx.tower.run.queue"]._do_each(
            stranded,
            lambda waypoint: waypoint._settle_as_failed(),
            lambda waypoint, error: waypoint._set_state(ERROR, str(error)),
        )

    def _settle_as_failed(self):
        """Give this waypoint, and the other one of its last flight, the states of a failure; the jet its values from before."""
        _logger.warning("waypoint %s is %s without a movement", self.id, self.state)
        state = self.state
        movement = self.env["cx.tower.jet.transition"].search(
            ["|", ("waypoint_id", "=", self.id), ("waypoint_from_id", "=", self.id)], limit=1
        )
        if movement and movement._is_where_it_left(self):
            movement._settle_after_all()
        if self.state == state:
            text = self.env._("Its movement has ended without it. Check the jet.")
            self._set_state(DELETING if state == DELETING else ERROR, text)


class CxTowerJetTransition(models.Model):
    """The cron that looks after jets looks after waypoints."""

    _inherit = "cx.tower.jet.transition"

    def _is_where_it_left(self, waypoint):
        """Return whether a waypoint is in a state in which this movement leaves it on its way."""
        if self.waypoint_movement == "flight":
            return waypoint.state == ("leaving" if waypoint == self.waypoint_from_id else "arriving")
        return waypoint.state == {"prepare": "preparing", "delete": DELETING}.get(self.waypoint_movement)

    @api.model
    def _cron_look_after_jets(self):
        super()._cron_look_after_jets()
        # sudo: the engine's own maintenance
        waypoints = self.env["cx.tower.jet.waypoint"].sudo()
        self.env["cx.tower.run.queue"]._do_in_savepoint(waypoints._settle_stranded, "the states of waypoints")
