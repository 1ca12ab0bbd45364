import logging

from odoo import models
from odoo.addons.cetmix_tower_server.engine import states
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
from odoo.addons.cetmix_tower_server.engine.values.plain import storable_text
from odoo.addons.cetmix_tower_server.models.base.transactions import must_be_repeated
from odoo.tools import SQL

from .cx_tower_jet import PROBLEM
from .cx_tower_jet_transition import DONE, FAILED, INTERRUPTED, LIVE, RUNNING, STOPPED, WAITING
from .refused import TransitionRefused

_logger = logging.getLogger(__name__)

#: How the run of a flight plan ended, and so the transition. Everything else is a failure.
OUTCOMES = {states.STOPPED: STOPPED, states.INTERRUPTED: INTERRUPTED}
#: Exit code of a transition that has none from a flight plan.
EXIT_CODES = {
    DONE: ExitCode.OK,
    FAILED: ExitCode.GENERAL_ERROR,
    STOPPED: ExitCode.COMMAND_STOPPED,
    INTERRUPTED: ExitCode.RUN_INTERRUPTED,
}


class CxTowerJetTransition(models.Model):
    """The way of a transition: entering, the flight plan, the end and what follows. See ``docs/developer/jets.md``.

    Everything happens in the transaction of the event that leads to it, as superuser.
    """

    _inherit = "cx.tower.jet.transition"

    # ------------------------------------------------------------------ entering

    def _enter(self):
        """Enter the transit state and start the flight plan. Without one, the jet has arrived.

        A movement without an action has no transit state: the jet stays where it is.
        A transition that no longer waits, because something else has ended or continued it, is left alone.
        If the process dies before the commit, neither the state nor the run exists.
        """
        self.ensure_one()
        if not self.user_id:
            self._end(FAILED, self.env._("The person who triggered it was deleted."))
            return
        waited = self.state == WAITING
        if waited and not self._change_live({"state": RUNNING, "deadline": False}, before=(WAITING,)):
            return
        if self.state_transit_id:
            self.jet_id._set_state(self.state_transit_id)
        if self.plan_id:
            self._start_plan()
        elif self.action_id and self.action_id.plan_id:
            self._end(FAILED, self.env._("Its flight plan was changed after it was triggered."))
        else:
            self._end(DONE)

    def _start_plan(self):
        """Start the flight plan of this transition, in the name of the person who triggered it."""
        jet = self.jet_id.with_user(
            self.user_id
        ).sudo()  # sudo: the right to trigger includes its flight plan
        request = RunRequest(variable_values=self._plan_custom_values(), log_values=self._plan_log_values())
        try:
            with self.env.cr.savepoint():
                run = jet._create_plan_runs(self.plan_id.with_env(jet.env), request)
        except Exception as error:
            if must_be_repeated(error):
                raise
            _logger.exception("the flight plan of transition %s cannot start", self.id)
            self._end(FAILED, self.env._("Its flight plan could not be started: %s", error))
            return
        if self.state in LIVE:  # it may have been refused, and this transition with it
            self.plan_log_id = run.with_env(self.env)
            # Dispatched last: the run may have ended when this returns.
            self.env["cx.tower.run.backend"]._chosen()._dispatch(run)

    def _plan_log_values(self):
        """Return further fields of the run's log. Extension point."""
        return {"jet_transition_id": self.id, "jet_action_id": self.action_id.id}

    def _plan_custom_values(self):
        """Return the custom values of the run: {reference: JSON value}. Extension point."""
        return {}

    def _plan_ended(self, run):
        """Take over how the flight plan ended, in the transaction that records it.

        :param run: log of the flight plan run
        """
        self.ensure_one()
        self.plan_log_id = run
        self.jet_id._flight_plan_finished(run.plan_status)
        if not run.plan_status:
            self._end(DONE)
        else:
            self._end(OUTCOMES.get(run.state, FAILED), run._reason_of_end(), run.plan_status)

    # ------------------------------------------------------------------ the end

    def _end(self, outcome, message="", exit_code=None):
        """End this transition, and do what follows. Only the first end counts.

        :param outcome: done, failed, stopped or interrupted
        :param message: why, in one sentence
        :param exit_code: for a command that waits for it; None: that of the outcome
        :return: whether this call ended it
        """
        self.ensure_one()
        was_waiting = self.state == WAITING
        leads_nowhere = self.state_transit_id and not self.state_to_id and not self.is_destroy
        if outcome == DONE and leads_nowhere:
            outcome, message = FAILED, self.env._("The state that it leads to was deleted meanwhile.")
        self.jet_id._lock_for_end()
        if not self._record_end(outcome, message, exit_code):
            return False
        self._settle(outcome, was_waiting)
        self._follow_end(outcome)
        return True

    def _settle(self, outcome, was_waiting):
        """Give the jet back, and let it take the state that follows from this end. Extension point.

        :param outcome: done, failed, stopped or interrupted
        :param was_waiting: it was never entered
        """
        jet = self.jet_id
        jet._release()
        if outcome == DONE:
            jet._set_state(self.state_to_id)
            if self.is_destroy:
                jet._on_destroyed()
        elif not was_waiting:
            jet._set_state(self._left_in())

    def _left_in(self):
        """Return the state in which this transition left its jet when it did not succeed."""
        return self.state_error_id or self.state_from_id

    def _record_end(self, outcome, message, exit_code=None):
        """Record how this transition ended. Nothing follows. :return: whether this call ended it"""
        now = SQL("clock_timestamp() AT TIME ZONE 'UTC'")
        return self._change_live(
            {
                "state": outcome,
                "exit_code": int(EXIT_CODES[outcome] if exit_code is None else exit_code),
                "message": storable_text(message) if message else None,
                "finish_date": now,
                "duration": SQL("GREATEST(EXTRACT(EPOCH FROM %s - start_date), 0)", now),
            }
        )

    def _change_live(self, values, before=LIVE):
        """Write columns of this transition if it is still in one of these states. :return: whether it was"""
        self.flush_recordset()
        changes = SQL(", ").join(
            SQL("%s = %s", SQL.identifier(name), None if value is False else value)
            for name, value in values.items()
        )
        self.env.cr.execute(
            SQL(
                "UPDATE cx_tower_jet_transition SET %s WHERE id = %s AND state = ANY(%s)",
                changes,
                self.id,
                list(before),
            )
        )
        changed = bool(self.env.cr.rowcount)
        self.invalidate_recordset([*values], flush=False)
        return changed

    def _follow_end(self, outcome):
        """Do what follows from the end: the next action of the journey, or all that waits for this jet to be idle."""
        jet = self.jet_id
        problem = "" if outcome == DONE else self.message or self._state_label()
        if outcome == DONE and not self._has_arrived():
            try:
                self._continue_journey()
            except TransitionRefused as refused:
                problem = str(refused)
            else:
                self._on_transition_ended()
                return
        if problem:
            jet._tell_failure(self, problem)
        jet._finalize_transition(failed=bool(problem))
        jet._on_journey_ended(self, problem)
        self._on_transition_ended()
        self._offer_jet()

    def _offer_jet(self):
        """Let others take the jet, which is idle now: first what waits for it, then Tower's own upkeep."""
        jet = self.jet_id
        if not jet._is_busy():  # what was told may have taken it again
            jet._on_is_available()
        if not jet._is_busy():
            jet._upkeep()
        jet._announce()

    def _state_label(self):
        return dict(self._fields["state"]._description_selection(self.env))[self.state]

    def _on_transition_ended(self):
        """Do what follows from the end of each transition. Extension point: steps that wait for it continue here."""


class CxTowerJet(models.Model):
    """What follows for a jet from the end of a transition."""

    _inherit = "cx.tower.jet"

    def _lock_for_end(self):
        """Lock this jet's row. If another transaction has changed it meanwhile, the end is recorded again: that is no error to log."""
        self.flush_recordset()
        self.env.cr.execute(
            "SELECT FROM cx_tower_jet WHERE id = %s FOR NO KEY UPDATE", (self.id,), log_exceptions=False
        )

    def _on_destroyed(self):
        """Do what follows from a destroy action: archive the jet, and free what only one jet may have. Extension point."""
        self.active = False
        self._free_place()

    def _on_journey_ended(self, transition, problem):
        """Do what follows when this jet has become idle. Extension point: jet requests are served here.

        :param transition: the last one of the journey
        :param problem: why the goal was not reached; "" when it was
        """

    def _tell_failure(self, transition, problem):
        """Say why a transition or journey did not reach its goal: on the jet, and in the chatter, for its followers."""
        self._write_moves({"movement": PROBLEM, "last_problem": problem})
        self.message_post(
            body=self._failure_in_chatter(transition, problem),
            author_id=transition.user_id.partner_id.id or None,
        )

    def _failure_in_chatter(self, transition, problem):
        """Return what the chatter says of a failure, as text. Extension point.

        :param problem: what the jet itself says
        """
        return self.env._(
            "“%(action)s” did not succeed: %(reason)s", action=transition.action_name or "", reason=problem
        )
