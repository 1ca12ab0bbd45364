from odoo import api, models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.models.base.engine_context import engine_says, heard
from odoo.exceptions import UserError

from ...engine.asking import Asking
from ..transition.refused import TransitionRefused
from .cx_tower_jet_transition import DELETE, FLIGHT, LEAVE, PREPARE
from .cx_tower_jet_waypoint import CURRENT, DELETED, DELETING, DRAFT, ERROR, READY


class CxTowerJetWaypoint(models.Model):
    """Preparing, flying, resetting and deleting: rights, what the state allows, the claim of the jet.

    People and scripts call the public methods. Each begins in one transaction and returns; the end follows with that of the
    flight plan, see ``flights.py``. If the process dies before the commit, nothing has begun.
    """

    _inherit = "cx.tower.jet.waypoint"

    # ------------------------------------------------------------------ public

    def prepare(self, is_destination=False):
        """Prepare this draft: run the create plan, then save the values of the jet.

        :param is_destination: fly to it as soon as it is ready
        :return: dict: ``waypoint`` (reference), ``waypoint_id``, ``state`` (of the waypoint; "" when it is deleted),
            ``transition`` (id), ``log`` (id of the flight plan run, 0 for none so far), ``message``
        :raise AccessError: the caller may not change the waypoint, or not read its jet
        :raise UserError: it is no draft, or the jet is busy
        """
        self._check_may_move()
        return self._result_of(lambda: self._prepare(self._asking_of_caller(), flies_on=bool(is_destination)))

    def fly_to(self):
        """Bring the jet to this ready waypoint: leave the current one, restore the saved values, run the arrive plan.

        :return: as :meth:`prepare`
        :raise AccessError: as :meth:`prepare`
        :raise UserError: it is not ready, the jet is busy or destroyed, or some values cannot be restored: names all of them
        """
        self._check_may_move()
        return self._result_of(lambda: self._fly(self._asking_of_caller()))

    def reset(self):
        """Make this waypoint, which is in error, usable again. Nothing is run.

        Where the jet still sits on it, it is *current* again; otherwise it is a draft, to be prepared again.

        :return: as :meth:`prepare`; ``transition`` is 0
        :raise AccessError: as :meth:`prepare`
        :raise UserError: it is not in error
        """
        self._check_may_move()
        waypoint = self.sudo()  # sudo: the right was checked; only the engine writes states
        jet, reason = waypoint.jet_id, waypoint._why_no_reset()
        if reason:
            raise UserError(reason)
        if jet._is_busy():
            raise UserError(str(jet._refusal(self.env._("Reset waypoint"))))
        jet._meet_its_end()  # a movement that begins at this moment collides with it
        waypoint._set_state(CURRENT if waypoint.jet_id.waypoint_id == waypoint else DRAFT)
        return self._outcome(self.env["cx.tower.jet.transition"])

    def unlink(self):
        """Delete waypoints. Those with something on the host are kept until their delete plan has succeeded.

        :return: True if all of them were deleted, False if at least one delete plan was started
        :raise AccessError: the caller may not delete one of them, or not read its jet
        :raise UserError: one is current or on its way, its jet is busy, or several of a jet have a delete plan
        """
        self.check_access("unlink")
        if self._is_deletion_forced():
            return super().unlink()
        if self.env.context.get("waypoint_no_raise_on_delete"):
            deletable = self.filtered(lambda one: not one.sudo()._why_no_deletion())  # sudo: compares states
            return deletable.with_context(waypoint_no_raise_on_delete=False).unlink() and deletable == self
        at_once = self.filtered(lambda waypoint: waypoint.state in (DRAFT, DELETED))
        rest = self - at_once
        for waypoint in rest:
            waypoint._check_may_move("unlink")
        jets = at_once.jet_id
        result = super(CxTowerJetWaypoint, at_once).unlink()
        jets._announce()
        jets = rest.sudo().jet_id  # sudo: which jets they are
        # what is superfluous goes afterwards: it may be one of these, or keep the jet busy
        for waypoint in rest.with_context(**engine_says(waypoint_retention=True)):
            waypoint._begin_or_raise(lambda one=waypoint: one._delete(one._asking_of_caller()))
        for jet in jets:
            jet._upkeep()
        return bool(result and not rest.exists())

    @api.model
    def _is_deletion_forced(self):
        """Return whether delete plans are skipped. Only Tower itself and Root can do that.

        The person counts, not superuser rights: a context that a caller has set travels on through ``sudo``.
        """
        if heard(self.env, "waypoint_force_delete"):
            return True
        user = self.env.user
        may = user._is_superuser() or user.has_group("cetmix_tower_server.group_root")
        return bool(may and self.env.context.get("waypoint_force_delete"))

    # ------------------------------------------------------------------ buttons

    def action_prepare(self):
        """Button: prepare. :return: True"""
        self.prepare()
        return True

    def action_fly_to(self):
        """Button: fly here. :return: True"""
        self.fly_to()
        return True

    def action_reset(self):
        """Button: reset. :return: True"""
        self.reset()
        return True

    def action_delete(self):
        """Button: delete, with the delete plan. :return: True"""
        self.unlink()
        return True

    # ------------------------------------------------------------------ rights

    def _check_may_move(self, operation="write"):
        """Raise AccessError unless the caller may do this to the waypoint, and read its jet."""
        self.ensure_one()
        self.check_access(operation)
        # sudo: which jet it is; the jet itself is checked as the caller
        self.sudo().jet_id.with_env(self.env).check_access("read")

    def _asking_of_caller(self):
        return Asking(level=self.sudo().jet_id.with_env(self.env)._level_of_caller())

    def _result_of(self, begin):
        return self._outcome(self._begin_or_raise(begin))

    def _begin_or_raise(self, begin):
        """Begin a movement. :raise UserError: it does not begin, and nothing has changed"""
        try:
            return begin()
        except TransitionRefused as refused:
            raise UserError(str(refused)) from refused

    def _outcome(self, transition):
        waypoint = self.exists().sudo()  # sudo: who began the movement is told how it stands
        return {
            "waypoint": waypoint.reference or "",
            "waypoint_id": waypoint.id,
            "state": waypoint.state or "",
            "transition": transition.id or 0,
            "log": transition.plan_log_id.id or 0,
            "message": waypoint.problem or "",
        }

    # ------------------------------------------------------------------ what the state allows

    def _why_no_prepare(self):
        """Return why this waypoint cannot be prepared, whoever asks and whatever the jet does; "" if it can."""
        if self.state == DRAFT:
            return ""
        if self.state == ERROR:
            return self.env._("“%s” is in error. Reset it first, then prepare it again.", self.name)
        return self.env._("“%(name)s” is %(state)s: only drafts are prepared.", **self._name_and_state())

    def _why_no_flight(self, missing=None):
        """Return why the jet cannot fly to this waypoint, whoever asks, as far as waypoints and values are concerned.

        :param missing: what :meth:`_why_not_restored` returns; None: to be found out
        """
        jet = self.jet_id
        if self.state == CURRENT:
            return self.env._("The jet is at “%s” already.", self.name)
        if self.state == DRAFT:
            return self.env._("“%s” is a draft. Prepare it first.", self.name)
        if self.state != READY:
            return self.env._("“%(name)s” is %(state)s, not ready.", **self._name_and_state())
        if not jet.active:
            return self.env._("“%s” is archived. Unarchive it first.", jet.name)
        if not jet.seat:
            return self.env._("“%s” was destroyed. Create it again first.", jet.name)
        if jet.waypoint_id.state == ERROR:
            return self.env._(
                "The jet could not leave “%s”. Check the jet, then reset that waypoint.",
                jet.waypoint_id._name_for_level(self.access_level),
            )
        missing = self._why_not_restored() if missing is None else missing
        return missing and self.env._("Its values cannot be restored: %s", missing)

    def _why_no_reset(self):
        if self.state == ERROR:
            return ""
        return self.env._(
            "“%(name)s” is %(state)s: only waypoints in error are reset.", **self._name_and_state()
        )

    def _why_no_deletion(self):
        """Return why this waypoint cannot be deleted, whoever asks and whatever the jet does; "" if it can."""
        is_here = self.state == CURRENT or self.jet_id.waypoint_id == self
        if is_here and self.jet_id.seat:  # nothing is left to fly to on a jet that was destroyed
            return self.env._(
                "The jet is at “%s”, so it cannot be deleted. Fly to another waypoint first.", self.name
            )
        if is_here or self.state in (DRAFT, READY, ERROR, DELETING, DELETED):
            return ""
        return self.env._("“%(name)s” is %(state)s. Wait until that has ended.", **self._name_and_state())

    def _name_and_state(self):
        return {"name": self.name, "state": self._state_label().lower()}

    # ------------------------------------------------------------------ the movements; rights were checked

    def _prepare(self, asking, flies_on=False, parent=None):
        """Begin to prepare. :return: transition, as superuser; it may have ended already. :raise TransitionRefused: refused"""
        waypoint = self.sudo()  # sudo: the right was checked; the plan belongs to the type
        return waypoint._begin_movement(
            PREPARE,
            waypoint._why_no_prepare(),
            waypoint.waypoint_template_id.plan_create_id,
            asking,
            parent,
            flies_on=flies_on,
        )

    def _fly(self, asking, parent=None):
        """Begin a flight to this waypoint. Otherwise as :meth:`_prepare`."""
        waypoint = self.sudo()  # sudo: as for _prepare
        old = waypoint.jet_id.waypoint_id
        if old == waypoint:
            old = old.browse()
        return waypoint._begin_movement(
            FLIGHT,
            waypoint._why_no_flight(),
            old.waypoint_template_id.plan_leave_id,
            asking,
            parent,
            waypoint_phase=LEAVE,
            waypoint_from_id=old.id or None,
            waypoint_from_name=old.name or None,
            waypoint_from_level=old.access_level or None,
        )

    def _delete(self, asking, of_jet=False):
        """Begin to delete this waypoint. Otherwise as :meth:`_prepare`.

        :param of_jet: the jet is deleted with it, so the current one is deleted, too
        """
        waypoint = self.sudo()  # sudo: as for _prepare
        reason = "" if of_jet else waypoint._why_no_deletion()
        plan = waypoint.waypoint_template_id.plan_delete_id
        return waypoint._begin_movement(DELETE, reason, plan, asking, deletes_jet=of_jet)

    def _begin_movement(self, movement, reason, plan, asking, parent=None, **values):
        """Claim the jet and begin. In the caller's transaction.

        :param reason: why the state of the waypoint does not allow it; "" if it does
        :param plan: flight plan, empty for none
        :param parent: live transition of an action inside which it begins
        """
        jet = self.jet_id
        name = self._name_of_movement(movement)
        if not parent and jet._is_busy():
            raise jet._refusal(name)
        if reason:
            raise TransitionRefused(ExitCode.WAYPOINT_CREATE_FAILED, reason)
        values |= {
            "action_name": name,
            "plan_id": plan.id or None,
            "access_level": self.access_level,
            "waypoint_movement": movement,
            "waypoint_id": self.id,
            "waypoint_name": self.name,
        }
        no_action = self.env["cx.tower.jet.action"]
        if parent:
            transition = jet._claim_inside(parent, asking, **values)
        else:
            transition = jet._claim(no_action, asking, **values)
        transition._enter()
        jet._announce()
        return transition

    @api.model
    def _name_of_movement(self, movement):
        # Without the name of the waypoint: everybody who sees the jet is told what it is busy with.
        return {
            PREPARE: self.env._("Prepare waypoint"),
            FLIGHT: self.env._("Fly to waypoint"),
            DELETE: self.env._("Delete waypoint"),
        }[movement]


class CxTowerJetTransition(models.Model):
    """The flight that follows a preparation."""

    _inherit = "cx.tower.jet.transition"

    def _fly_on(self):
        """Begin the flight to the waypoint that was just prepared, in the transaction of that end.

        :raise TransitionRefused: it cannot begin
        """
        if not self.user_id:
            text = self.env._("The person who started it was deleted, so the jet does not fly there.")
            raise TransitionRefused(ExitCode.WAYPOINT_CREATE_FAILED, text)
        asking = Asking(self.level or "1", self.source, self.command_log_id.id)
        waypoint = self.waypoint_id.with_user(self.user_id).sudo()  # sudo: as for the preparation
        waypoint._fly(asking, parent=self.parent_id)
