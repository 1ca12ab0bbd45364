from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.exceptions import AccessError, UserError, ValidationError

from ...engine import lifecycle
from ...engine.asking import Asking
from .cx_tower_jet_transition import LIVE
from .refused import TransitionRefused


class CxTowerJetTemplate(models.Model):
    """The lifecycle of a template, as the engine takes it."""

    _inherit = "cx.tower.jet.template"

    def _lifecycle(self, level="3"):
        """Return the :class:`engine.lifecycle.Lifecycle` of the actions up to an access level."""
        self.ensure_one()
        actions = self.sudo().action_ids  # sudo: all of them count, whoever asks; only names are shown
        return lifecycle.Lifecycle(
            [action._as_engine() for action in actions if action.access_level <= level]
        )

    def _get_action_path(self, state_from, state_to):
        """Return the actions that lead from one state to another: the fewest, of equally many those of higher priority.

        :param state_from: state; empty: none, from where the create action leads on
        :param state_to: state; empty: none, where a destroy action leads
        :return: actions in order; empty when no way leads there, or the states are the same
        """
        path = self._lifecycle().path(state_from.id or None, state_to.id or None)
        return self.env["cx.tower.jet.action"].browse(action.id for action in path or ())


class CxTowerJetAction(models.Model):
    """An action, as the engine takes it."""

    _inherit = "cx.tower.jet.action"

    def _as_engine(self):
        return lifecycle.Action(
            id=self.id,
            name=self.name,
            from_state=self.state_from_id.id or None,
            transit_state=self.state_transit_id.id or None,
            to_state=self.state_to_id.id or None,
            error_state=self.state_error_id.id or None,
            priority=self.priority,
            plan=self.plan_id.id or None,
            level=self.access_level,
        )


class CxTowerJetState(models.Model):
    """Bringing a jet to a state, from the state."""

    _inherit = "cx.tower.jet.state"

    def set_state(self, jet=None):
        """Bring a jet to this state.

        :param jet: record, id or reference; None: ``jet_id`` of the context
        :return: as ``bring_to_state``
        """
        self.ensure_one()
        self.check_access("read")
        jet = self.env["cx.tower.jet"]._jet_argument(jet or self.env.context.get("jet_id"))
        return jet.bring_to_state(self.reference)


class CxTowerJet(models.Model):
    """Journeys: bringing a jet to a state over several actions."""

    _inherit = "cx.tower.jet"

    # ------------------------------------------------------------------ public

    def bring_to_state(self, state_reference):
        """Bring this jet to a state, over as many actions as it takes.

        :param state_reference: reference of the state; False or "": no state, which destroys the jet
        :return: dict: ``jet`` (reference), ``jet_id``, ``transition`` (id of the first one; 0 when the jet is there already),
            ``log`` (id of its flight plan run, 0 for none so far), ``state`` (of the transition), ``message``
        :raise ValidationError: there is no such state
        :raise AccessError: the caller may not read the jet, or the state is above their level on it
        :raise UserError: no way leads there, or the jet is busy
        """
        self.ensure_one()
        state = self._state_argument(state_reference)
        try:
            transition = self._bring_to_state(state)
        except TransitionRefused as refused:
            raise UserError(str(refused)) from refused
        if transition:
            return transition._trigger_result()
        text = self.env._(
            "“%(jet)s” is already in state %(state)s.", jet=self.name, state=self._state_text(state)
        )
        return {
            "jet": self.reference,
            "jet_id": self.id,
            "transition": 0,
            "log": 0,
            "state": "done",
            "message": text,
        }

    def get_path(self, state_reference):
        """Return the actions that would bring this jet to a state. Starts nothing.

        :param state_reference: as of :meth:`bring_to_state`
        :return: list of dicts: ``action`` (reference), ``name``, ``state_from``, ``state_transit``, ``state_to`` (references, ""
            for no state), ``plan`` (name of the flight plan, ""), in order; empty when the jet is there already
        :raise ValidationError, AccessError, UserError: as :meth:`bring_to_state`
        """
        self.ensure_one()
        state = self._state_argument(state_reference)
        try:
            path = self._path_to(state, self._level_of_caller())
        except TransitionRefused as refused:
            raise UserError(str(refused)) from refused
        # sudo: names of what the caller is about to trigger
        actions = self.env["cx.tower.jet.action"].sudo().browse(action.id for action in path)
        return [
            {
                "action": action.reference,
                "name": action.name,
                "state_from": action.state_from_id.reference or "",
                "state_transit": action.state_transit_id.reference,
                "state_to": action.state_to_id.reference or "",
                "plan": action.plan_id.name or "",
            }
            for action in actions
        ]

    # ------------------------------------------------------------------ rights

    def _state_argument(self, state_reference):
        """Return the state that a reference names; empty for no state. Checks that the caller may bring this jet there."""
        self.check_access("read")
        State = self.env["cx.tower.jet.state"]
        if isinstance(state_reference, models.BaseModel):
            state_reference = state_reference.sudo().reference or False  # sudo: checked by level below
        if not state_reference:
            return State
        # sudo: the level decides; a state above it is refused by name, not hidden
        state = State.sudo().search([("reference", "=", str(state_reference))], limit=1)
        if not state:
            raise ValidationError(self.env._("There is no state “%s”.", state_reference))
        if state.access_level > self._level_of_caller():
            raise AccessError(
                self.env._(
                    "You may not bring “%(jet)s” to state “%(state)s”: it needs the access level %(level)s. Ask a Manager of the jet.",
                    jet=self.name,
                    state=state.name,
                    level=state._access_level_label(),
                )
            )
        return state.sudo(False)

    # ------------------------------------------------------------------ the journey

    def _bring_to_state(self, state, asking=None):
        """Begin a journey. The caller has checked the rights.

        :param state: state; empty: the jet is destroyed
        :param asking: :class:`engine.asking.Asking`; None: the caller asks
        :return: its first transition; empty when the jet is there already
        :raise TransitionRefused: no way leads there, or the jet is busy
        """
        self.ensure_one()
        jet = self.sudo()  # sudo: as in _trigger
        asking = asking or Asking(self._level_of_caller())
        path = jet._path_to(state, asking.level)
        if not path:
            return self.env["cx.tower.jet.transition"]
        action = self.env["cx.tower.jet.action"].sudo().browse(path[0].id)  # sudo: as in _trigger
        return jet._trigger(action, asking.towards(state.id or None))

    def _path_to(self, state, level):
        """Return the actions from the present state to another, as the engine has them; () when the jet is there.

        :param level: access level up to which actions may be used
        :raise TransitionRefused: there is no way, or the jet is busy
        """
        jet = self.sudo()  # sudo: names only, for who may read the jet
        if jet._is_busy():
            text = self.env._(
                "“%(jet)s” cannot be brought to state %(state)s now: %(busy)s. Wait for it to end, or stop it.",
                jet=jet.name,
                state=jet._state_text(state),
                busy=jet._busy_text(),
            )
            raise TransitionRefused(ExitCode.JET_ACTION_NOT_AVAILABLE, text)
        path = jet.jet_template_id._lifecycle(level).path(jet.state_id.id or None, state.id or None)
        if path is None:
            raise TransitionRefused(ExitCode.JET_STATE_ERROR, jet._no_path_text(state, level))
        return path

    def _lifecycle(self, level=None):
        """Return the lifecycle of this jet with the actions up to a level, by default the caller's."""
        return self.jet_template_id._lifecycle(level or self._level_of_caller())

    def _no_path_text(self, state, level):
        """Return the sentence that names both states and what is missing between them."""
        template = self.jet_template_id
        here, there = self._state_text(self.state_id), self._state_text(state)
        text = self.env._(
            "No actions lead “%(jet)s” from %(here)s to %(there)s.", jet=self.name, here=here, there=there
        )
        goal = state.id or None
        if template._lifecycle().path(self.state_id.id or None, goal) is not None:
            return text + " " + self.env._("Some of those that do are above your access level.")
        gap = template._lifecycle(level).gap(self.state_id.id or None, goal)
        if not gap:
            return text
        State = self.env["cx.tower.jet.state"].sudo()  # sudo: names
        name = lambda ids: ", ".join(State.browse([one for one in ids if one]).mapped("name"))  # noqa: E731
        return (
            text
            + " "
            + self.env._(
                "Missing in “%(template)s” is an action from %(reachable)s to %(leading)s.",
                template=template.name,
                reachable=name(gap.reached) or here,
                leading=name(gap.leading) or there,
            )
        )


class CxTowerJetTransition(models.Model):
    """The next transition of a journey, and all of them on one screen."""

    _inherit = "cx.tower.jet.transition"

    journey_ids = fields.Many2many(
        "cx.tower.jet.transition",
        compute="_compute_journey",
        help="The transitions along the path, in order.",
    )
    journey_left = fields.Char(
        string="Still to come", compute="_compute_journey", help="The actions that follow if all goes well."
    )

    @api.depends("journey_state_id", "is_journey_to_end", "first_transition_id", "state")
    @api.depends_context("uid", "su")
    def _compute_journey(self):
        journeys = self.filtered(lambda one: one._is_journey())
        firsts = journeys.mapped(lambda one: one.first_transition_id or one)
        domain = ["|", ("id", "in", firsts.ids), ("first_transition_id", "in", firsts.ids)]
        # searched: only those that the caller may read are listed
        found = self.search(domain, order="id") if firsts else self.browse()
        by_first = found.grouped(lambda one: one.first_transition_id or one)
        for transition in self:
            first = transition.first_transition_id or transition
            transition.journey_ids = by_first.get(first) if transition in journeys else False
            transition.journey_left = transition in journeys and transition._actions_left()

    def _actions_left(self):
        """Return the names of the actions that follow this live transition on its journey; False for none."""
        if self.state not in LIVE:
            return False
        # sudo: names of actions, for who may read the transition
        template = self.sudo().jet_id.jet_template_id
        path = template._lifecycle(self.level or "1").path(
            self.state_to_id.id or None, self.journey_state_id.id or None
        )
        return ", ".join(action.name for action in path or ()) or False

    def _is_last_asked_for(self):
        """Return whether, with the success of this transition, what somebody asked for is done."""
        is_last = not self._is_journey() or self.state_to_id == self.journey_state_id
        return is_last and self.source in ("person", "schedule", "clone")

    def _has_arrived(self):
        """Return whether this good transition was the last one of its journey."""
        return not self._is_journey() or self.jet_id.state_id == self.journey_state_id

    def _continue_journey(self):
        """Begin the next transition of this journey, in the transaction that ended this one.

        The path is computed anew from the present state. The next transition may have ended, and all that follows from it be done,
        when this returns.

        :raise TransitionRefused: it cannot go on
        """
        jet, goal = self.jet_id, self.journey_state_id
        if not self.user_id:
            text = self.env._("The person who started it was deleted, so the jet goes no further.")
            raise TransitionRefused(ExitCode.JET_STATE_ERROR, text)
        asking = Asking(level=self.level or "1", source=self.source, command_log_id=self.command_log_id.id)
        path = jet._path_to(goal, asking.level)
        first = self.first_transition_id or self
        env = jet.with_user(self.user_id).sudo().env  # sudo: as in _trigger
        action = env["cx.tower.jet.action"].browse(path[0].id)
        jet.with_env(env)._begin(action, asking.towards(goal.id or None, first.id))
