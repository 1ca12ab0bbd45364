import logging

from odoo import models
from odoo.addons.cetmix_tower_server.models.base.engine_context import engine_says
from odoo.addons.cetmix_tower_server.models.base.transactions import must_be_repeated
from odoo.exceptions import UserError

from ..transition.cx_tower_jet_transition import DONE, FAILED, STOPPED
from ..transition.refused import TransitionRefused
from .cx_tower_jet_transition import ARRIVE, DELETE, FLIGHT, LEAVE, PREPARE
from .cx_tower_jet_waypoint import ARRIVING, CURRENT, DELETED, DELETING, ERROR, LEAVING, PREPARING, READY

_logger = logging.getLogger(__name__)


class CxTowerJetTransition(models.Model):
    """What a movement does with waypoints. Everything happens in the transaction of the event, as superuser.

    If the process dies before a commit, neither the states of the waypoints nor the values of the jet have changed, and the
    run that led there is still to be ended: the table in ``docs/developer/waypoints.md`` says how.
    """

    _inherit = "cx.tower.jet.transition"

    # ------------------------------------------------------------------ on the way

    def _enter(self):
        if self.waypoint_movement:
            self._take_waypoints()
        if self.waypoint_movement == FLIGHT:
            self._keep_values()
        if self.waypoint_phase == LEAVE and not self.plan_id:
            self._arrive()
        else:
            super()._enter()

    def _keep_values(self):
        """Save the values of the jet when it leaves: in the waypoint that it leaves, and for the case that it does not arrive."""
        document = self.jet_id._own_values_document()
        self.values_before = document
        if self.waypoint_from_id:
            self.waypoint_from_id._write_by_movement({"saved_values": document})

    def _take_waypoints(self):
        """Let the waypoints take the states that they have while this movement is on its way."""
        waypoint = self.waypoint_id
        if self.waypoint_movement == PREPARE:
            waypoint._set_state(PREPARING)
        elif self.waypoint_movement == DELETE:
            if self.jet_id.waypoint_id == waypoint:  # the jet is deleted, or was destroyed
                self.jet_id._write_moves({"waypoint_id": False})
            waypoint._set_state(DELETING)
        else:
            self.waypoint_from_id._set_state(READY if self.waypoint_phase == ARRIVE else LEAVING)
            waypoint._set_state(ARRIVING)

    def _arrive(self):
        """Give the jet the values of the waypoint that it flies to, and start the arrive plan. Without one, it has arrived."""
        waypoint = self.waypoint_id
        if self.stop_requested_by_id:
            # a stop that was asked for while the leave plan was about to succeed
            self._end(STOPPED, self.env._("Stopped by %s.", self.stop_requested_by_id.name))
            return
        if not self.user_id:  # nobody is left in whose name the arrive plan could run
            self._end(FAILED, self.env._("The person who triggered it was deleted."))
            return
        plan = waypoint.waypoint_template_id.plan_arrive_id
        self._change_live({"waypoint_phase": ARRIVE, "plan_id": plan.id or None})
        self.waypoint_from_id._set_state(READY)
        self.waypoint_from_id._write_by_movement({"ready_date": self.env.cr.now()})
        if not waypoint:  # Root has removed it
            self._end(DONE)  # which is no success then
        elif not self._restore():
            pass  # the flight has failed
        elif plan:
            self._start_plan()
        else:
            self._end(DONE)

    def _restore(self):
        """Restore the values of the waypoint that the jet flies to. If that fails, the flight does. :return: whether it succeeded"""
        try:
            with self.env.cr.savepoint():
                self.waypoint_id._restore_variable_values()
        except UserError as error:
            self._end(FAILED, self.env._("Its values could not be restored: %s", error))
            return False
        return True

    def _plan_ended(self, run):
        if self.waypoint_movement:
            self._own_waypoint()._plan_finished(run)
        if self.waypoint_phase == LEAVE and not run.plan_status:
            self.plan_log_id = run
            self._arrive()
        else:
            super()._plan_ended(run)

    # ------------------------------------------------------------------ the end

    def _end(self, outcome, message="", exit_code=None):
        flies = self.waypoint_movement == FLIGHT or self.flies_on
        if outcome == DONE and flies and not self.waypoint_id:
            text = self.env._("The waypoint that it was flying to was deleted.")
            outcome, message, exit_code = FAILED, text, None
        return super()._end(outcome, message, exit_code)

    def _settle(self, outcome, was_waiting):
        if self.waypoint_movement:
            self._settle_waypoints(outcome)
        super()._settle(outcome, was_waiting)

    def _settle_waypoints(self, outcome):
        """Let the waypoints take the states that follow from the end, and the jet its values."""
        waypoint = self.waypoint_id
        if outcome != DONE:
            if self.waypoint_phase == ARRIVE:
                self._return_values()  # adds to the message what could not be returned
            self._take_states_of_failure(self.message or self._state_label())
        elif self.waypoint_movement == DELETE:
            waypoint._remove_record()
        elif self.waypoint_movement == FLIGHT:
            waypoint._set_state(CURRENT)
            self.jet_id._write_moves({"waypoint_id": waypoint.id})
        elif waypoint:  # Root may have removed it
            waypoint._save_variable_values()
            waypoint._write_by_movement({"ready_date": self.env.cr.now()})
            waypoint._set_state(READY, self.message or "")

    def _take_states_of_failure(self, problem):
        """Let the waypoints take the states that follow when this movement did not succeed."""
        if self.waypoint_movement == DELETE:
            self.waypoint_id._set_state(DELETING, problem)
        elif self.waypoint_movement == PREPARE:
            self.waypoint_id._set_state(ERROR, problem)
        elif self.waypoint_phase == LEAVE:
            self.waypoint_from_id._set_state(ERROR, problem)
            self.waypoint_id._set_state(READY)
        else:
            self.waypoint_id._set_state(ERROR, problem)
            self.waypoint_from_id._set_state(CURRENT)

    def _return_values(self):
        """Give the jet back the values that it had before the flight, as far as they still exist."""
        saved = self.env["cx.tower.jet.waypoint"]._values_of_document(self.values_before)
        try:
            with self.env.cr.savepoint():
                left_out = self.jet_id._take_own_values(saved, partly=True)
        except Exception as error:
            if must_be_repeated(error):
                raise
            _logger.exception("the values before flight %s could not be restored", self.id)
            left_out = [str(error)]
        if left_out:
            text = self.env._("Not all values that the jet had before could be restored:")
            self.message = "\n".join(filter(None, [self.message, text, *left_out]))

    def _end_without_following(self, error):
        super()._end_without_following(error)
        if self.waypoint_movement:
            self._settle_after_all()

    def _settle_after_all(self):
        """Let the waypoints take the states of a failure where what usually does so fails: none is on its way for ever."""
        if self.waypoint_phase == ARRIVE:
            try:
                with self.env.cr.savepoint():
                    self._return_values()
            except Exception as error:
                if must_be_repeated(error):
                    raise
                _logger.exception("the jet of movement %s keeps the values of its destination", self.id)
        self._take_states_of_failure(self.message or self._state_label())

    def _problem_on_jet(self):
        """Return what the jet says when this movement did not succeed. Extension point.

        Everybody who sees the jet reads this: why it failed is on the waypoint, for those who may read that.
        """
        return self.env._(
            "“%(what)s” did not succeed. See the waypoint, which Managers can open.", what=self.action_name
        )

    # ------------------------------------------------------------------ what follows

    def _has_arrived(self):
        return not self._is_to_fly_on() and super()._has_arrived()

    def _is_to_fly_on(self):
        """Return whether a flight follows this preparation."""
        return (
            self.waypoint_movement == PREPARE
            and self.flies_on
            and self.state == DONE
            and not self.stop_requested_by_id
        )

    def _is_last_asked_for(self):
        return not self._is_to_fly_on() and super()._is_last_asked_for()

    def _continue_journey(self):
        if not self._is_to_fly_on():
            return super()._continue_journey()
        try:
            self._fly_on()
        except TransitionRefused as refused:
            self.message = str(refused)
            self.waypoint_id._write_by_movement({"problem": str(refused)})
            raise

    # ------------------------------------------------------------------ resuming

    def _why_not_resumed(self, jet):
        return super()._why_not_resumed(jet) or self._why_waypoints_not_resumed()

    def _why_waypoints_not_resumed(self):
        """Return why the waypoints of this ended movement are no longer where its end left them, as a sentence; "" if they are."""
        if not self.waypoint_movement:
            return ""
        waypoint, old = self.waypoint_id, self.waypoint_from_id
        if not waypoint or (self.waypoint_from_name and not old):
            return self.env._("its waypoint was deleted.")
        left = {PREPARE: ERROR, DELETE: DELETING, FLIGHT: READY if self.waypoint_phase == LEAVE else ERROR}
        expected = [(waypoint, left[self.waypoint_movement])]
        if old:
            expected.append((old, ERROR if self.waypoint_phase == LEAVE else CURRENT))
        for one, state in expected:
            if one.state != state:
                return self.env._(
                    "waypoint “%(waypoint)s” is %(state)s and no longer where this run left it.",
                    waypoint=one._name_for_level(waypoint.access_level),
                    state=one._state_label(),
                )
        if self.waypoint_movement == FLIGHT:
            if self.jet_id.waypoint_id != old:
                return self.env._("the jet is at another waypoint.")
            return waypoint._why_not_restored()
        return ""

    def _take_up_again(self):
        super()._take_up_again()
        if self.waypoint_movement:
            if self.waypoint_movement == FLIGHT:
                self._keep_values()  # they may have been changed since
            self._take_waypoints()
            if self.waypoint_phase == ARRIVE:
                self.waypoint_id._restore_variable_values()


class CxTowerJetWaypoint(models.Model):
    """The ends of a waypoint's flight plans, and of the waypoint."""

    _inherit = "cx.tower.jet.waypoint"

    def _plan_finished(self, plan_log):
        """Hook, called when a flight plan of this waypoint has ended, before its state changes, in the transaction of that end.

        :param plan_log: its run; ``plan_status`` is 0 for success
        """

    def _state_label(self):
        return dict(self._fields["state"]._description_selection(self.env))[self.state]

    def _remove_record(self):
        """Remove this record, of which nothing is left on the host. If something else keeps it, it stays as *deleted*."""
        self._set_state(DELETED)
        try:
            with self.env.cr.savepoint():
                self.with_context(**engine_says(waypoint_force_delete=True)).unlink()
        except Exception as error:
            if must_be_repeated(error):
                raise
            _logger.warning("waypoint %s could not be removed", self.id, exc_info=True)
            self._set_state(DELETED, self.env._("It could not be removed: %s", error))


class CxTowerJet(models.Model):
    """What a movement of a waypoint that failed tells people."""

    _inherit = "cx.tower.jet"

    def _tell_failure(self, transition, problem):
        if transition.waypoint_movement:
            problem = transition._problem_on_jet()
        super()._tell_failure(transition, problem)

    def _failure_in_chatter(self, transition, problem):
        # What the jet says of a waypoint is a whole sentence that names the movement.
        return problem if transition.waypoint_movement else super()._failure_in_chatter(transition, problem)
