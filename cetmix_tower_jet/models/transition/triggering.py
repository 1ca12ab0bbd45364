from odoo import models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from ...engine.asking import Asking
from .refused import TransitionRefused


class CxTowerJetAction(models.Model):
    """Triggering an action."""

    _inherit = "cx.tower.jet.action"

    def trigger(self, jet=None):
        """Trigger this action on a jet.

        :param jet: record, id or reference of the jet
        :return: dict: ``jet`` (its reference), ``jet_id``, ``transition`` (id), ``log`` (id of the flight plan run, 0 for none
            so far), ``state`` (of the transition), ``message``
        :raise AccessError: the caller may not read the jet or the action, or the action is above their level on the jet
        :raise UserError: the action is not available now; names what is
        """
        self.ensure_one()
        self.check_access("read")
        jet = self.env["cx.tower.jet"]._jet_argument(jet or self.env.context.get("jet_id"))
        jet._check_may_trigger(self)
        try:
            return jet._trigger(self, Asking(jet._level_of_caller()))._trigger_result()
        except TransitionRefused as refused:
            raise UserError(str(refused)) from refused


class CxTowerJet(models.Model):
    """Triggering actions: what is available, then the claim."""

    _inherit = "cx.tower.jet"

    # ------------------------------------------------------------------ arguments

    def _jet_argument(self, jet):
        """Return the jet that a record, an id or a reference names, readable by the caller.

        :raise ValidationError: there is none
        :raise AccessError: the caller may not read it
        """
        found = self._one_named(jet)
        found.check_access("read")
        return found

    # ------------------------------------------------------------------ triggering

    def _trigger_action(self, action, from_transition=False, raise_if_not_available=True, **kwargs):
        """Trigger an action, for addons that know it by this name.

        :return: dict ``status`` (exit code, 0 when it was triggered) and ``error``
        """
        try:
            self._trigger(action, Asking(self._level_of_caller()))
        except TransitionRefused as refused:
            if raise_if_not_available:
                raise
            return {"status": int(refused.exit_code), "error": str(refused)}
        return {"status": int(ExitCode.OK), "error": False}

    def _trigger(self, action, asking):
        """Begin a transition. The caller has checked the rights.

        :param action: action of this jet's template
        :param asking: :class:`engine.asking.Asking`
        :return: transition, as superuser; it may have ended already
        :raise TransitionRefused: it does not begin, and nothing has changed
        """
        self.ensure_one()
        # sudo: the right to trigger is the right to move the jet; only the engine writes its state
        jet = self.sudo()
        jet._check_available(action.sudo())
        return jet._begin(action.sudo(), asking)

    def _check_available(self, action):
        """Raise TransitionRefused unless the action starts in the present state of this jet, which is idle."""
        if action.jet_template_id != self.jet_template_id:
            text = self.env._(
                "“%(action)s” is an action of “%(other)s”, but “%(jet)s” is a jet of “%(template)s”.",
                action=action.name,
                other=action.jet_template_id.name,
                jet=self.name,
                template=self.jet_template_id.name,
            )
            raise TransitionRefused(ExitCode.JET_ACTION_NOT_FOUND, text)
        if self._is_busy() or not self.active or action.state_from_id != self.state_id:
            raise self._refusal(action.name)

    def _refusal(self, name):
        """Return the :class:`TransitionRefused` that says why this jet cannot be moved in this way now.

        :param name: what was to be done, as people know it: the name of the action
        """
        code = ExitCode.JET_ACTION_NOT_AVAILABLE
        if self._is_busy():
            return TransitionRefused(
                code,
                self.env._(
                    "“%(action)s” is not available on “%(jet)s”: %(busy)s. Wait for it to end, or stop it.",
                    action=name,
                    jet=self.name,
                    busy=self._busy_text(),
                ),
            )
        if not self.active:
            text = self.env._("“%s” is archived. Unarchive it first.", self.name)
            return TransitionRefused(code, text)
        possible = self._lifecycle().available(self.state_id.id or None)
        names = ", ".join(f"“{one.name}”" for one in possible)
        return TransitionRefused(
            code,
            self.env._(
                "“%(action)s” is not available on “%(jet)s”, which is in state %(state)s. Possible there: %(possible)s.",
                action=name,
                jet=self.name,
                state=self._state_text(self.state_id),
                possible=names or self.env._("nothing"),
            ),
        )

    def _state_text(self, state):
        """Return a state for a sentence."""
        return f"“{state.name}”" if state else self.env._("“no state”")

    def _busy_text(self):
        """Return what this jet is busy with, who started it and since when: "Start is running (Ann, since 10:02)"."""
        # sudo: everybody who sees the jet is told why it is busy
        transition = self.sudo().current_transition_id
        if not transition:
            return ""
        return self.env._(
            "“%(action)s” is running (started by %(person)s, %(since)s)",
            action=transition.action_name or "",
            person=transition.user_id.name or self.env._("a deleted user"),
            since=format_datetime(self.env, transition.start_date, dt_format="short"),
        )

    def _begin(self, action, asking):
        """Claim this jet and begin: wait for dependencies, or enter the transit state. In the caller's transaction.

        :param action: available action
        :return: transition
        """
        if not action.state_from_id:
            self._take_place_again()
        unmet = self._find_unmet_dependencies(action.state_to_id, is_create=not action.state_from_id)
        transition = self._claim(action, asking, waits=bool(unmet))
        if unmet:
            transition._ask_for_dependencies(unmet)
        else:
            transition._enter()
        self._announce()
        return transition

    def _take_place_again(self):
        """Take the place on the server that a jet has given back when it was destroyed. A new jet has it already."""
        try:
            self._take_place()
        except UserError as error:
            raise TransitionRefused(ExitCode.JET_ACTION_NOT_AVAILABLE, str(error)) from error

    # ------------------------------------------------------------------ extension point: models/dependency

    def _find_unmet_dependencies(self, state, is_create):
        """Return the template dependencies to be met before this jet enters a state.

        :param state: state that it will enter; empty when it is destroyed
        :param is_create: the create action leads there
        """
        return self.env["cx.tower.jet.template.dependency"]


class CxTowerJetTransition(models.Model):
    """What the caller of a trigger is told."""

    _inherit = "cx.tower.jet.transition"

    def _trigger_result(self):
        """Return plain values that identify a transition."""
        transition = self.sudo()  # sudo: who triggered it is told how it stands
        return {
            "jet": transition.jet_id.reference,
            "jet_id": transition.jet_id.id,
            "transition": transition.id,
            "log": transition.plan_log_id.id or 0,
            "state": transition.state,
            "message": transition.message or "",
        }

    def _ask_for_dependencies(self, needs):
        """Ask for the jets that this transition waits for, and continue when they are there. See ``models/dependency``.

        :param needs: template dependencies that are not met
        """
