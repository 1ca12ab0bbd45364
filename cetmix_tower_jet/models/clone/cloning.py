from odoo import models
from odoo.exceptions import AccessError, UserError, ValidationError

from ...engine.asking import CLONE, Asking
from ..transition.cx_tower_jet_transition import DONE
from ..transition.refused import TransitionRefused


class CxTowerJet(models.Model):
    """Cloning a jet: a new one is created, and the clone plan of the template fills it."""

    _inherit = "cx.tower.jet"

    # ------------------------------------------------------------------ public

    def clone(self, server=None, name=None, state=None, copy_values=False, **kwargs):
        """Create a jet like this one, and let the clone plan of the template fill it. This jet is only read.

        The clone has the partner, tags, logs and scheduled tasks of this jet. Values that only one jet may have are chosen anew.

        :param server: record, id or reference of the server; None: that of this jet
        :param name: name of the clone; None: the name of this jet and "(clone)"
        :param state: record, id or reference of the state to bring the clone to; None: the state of this jet; False or "": none
        :param copy_values: give the clone the values of variables that this jet has of its own
        :param kwargs: as of ``create_jet``: ``variable_values`` win over copied ones
        :return: the clone (a list with its id over RPC)
        :raise AccessError: the caller may not read this jet, launch jets of its template, read the server, or set one of the values
        :raise ValidationError: the template has no clone plan for this case; unknown server, state, name or variable
        :raise UserError: this jet is archived or being destroyed; the template is not installed there, no place is left, no value
            is free, or no way leads to the state
        """
        self.ensure_one()
        self.check_access("read")
        server = self._clone_server(server)
        self._check_may_clone(server)
        goal = self._settled_state() if state is None else self._clone_goal(state)
        if "jet_cloned_from_id" in kwargs:
            raise ValidationError(
                self.env._("A clone does not take jet_cloned_from_id: it follows from its original.")
            )
        with self.env.cr.savepoint():  # leaves nothing behind if a script continues after an error
            jet = self._create_clone(server, goal, name, copy_values, **kwargs)
            jet._begin_clone(goal, CLONE)
        return jet

    def retry_clone(self):
        """Run the clone plan of this jet again, from its beginning, after it did not succeed.

        :return: dict as of ``bring_to_state``
        :raise AccessError: the caller may not read this jet or launch jets of its template
        :raise UserError: this jet is no clone, is busy, was filled already, or its original was deleted
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: a template of a jet that the caller may read
        self.sudo().jet_template_id.with_env(self.env)._check_may_launch()
        reason = self._why_no_retry()
        if reason:
            raise UserError(reason)
        last = self._last_clone()
        original = last.cloned_from_id.with_env(self.env)
        original.check_access("read")
        goal = last.journey_state_id.with_env(self.env)
        self._check_goal(goal)
        return self._begin_clone(goal, last.source)._trigger_result()

    # ------------------------------------------------------------------ rights and arguments

    def _clone_server(self, server):
        """Return the server that a clone is to be on, readable by the caller."""
        Server = self.env["cx.tower.server"]
        # sudo: where the jet is, for who may read it
        found = Server._one_named(server) if server else self.sudo().server_id.with_env(self.env)
        found.check_access("read")
        return found

    def _clone_goal(self, state):
        """Return the state that a caller names, empty for none, as the caller."""
        # sudo: a state above the caller's level is refused by name, not hidden
        State = self.env["cx.tower.jet.state"].sudo()
        return (State._one_named(state) if state else State).with_env(self.env)

    def _settled_state(self):
        """Return the state of this jet; while an action moves it, the goal of its journey, or where the action began."""
        jet = self.sudo()  # sudo: a state of a jet that the caller may read
        moving = jet.current_transition_id
        state = (moving.journey_state_id or moving.state_from_id) if moving.action_id else jet.state_id
        return state.with_env(self.env)

    def _clone_plan(self, server):
        """Return the clone plan for a server, as superuser; empty if the template has none."""
        jet = self.sudo()  # sudo: of the template of a jet that the caller may read
        template = jet.jet_template_id
        is_same = server.id == jet.server_id.id
        return template.plan_clone_same_server_id if is_same else template.plan_clone_different_server_id

    def _check_may_clone(self, server):
        """Raise unless the caller, who may read this jet, can clone it to a server now. Places and values are not counted.

        :param server: server that the caller may read
        """
        jet = self.sudo()  # sudo: names, and how the jet stands
        if not self._clone_plan(server):
            raise ValidationError(self._no_clone_plan_text(server))
        if not jet.active:
            raise UserError(self.env._("“%s” is archived. Unarchive it first.", jet.name))
        moving = jet.current_transition_id
        if jet.deletion_user_id or moving.deletes_jet:
            raise UserError(self.env._("“%s” is being deleted with its waypoints.", jet.name))
        if moving.is_destroy or moving.is_journey_to_end:
            raise UserError(
                self.env._("“%(jet)s” is being destroyed: %(busy)s.", jet=jet.name, busy=jet._busy_text())
            )
        template = jet.jet_template_id.with_env(self.env)
        template._check_may_launch()
        problem = template._problem_with_server(server)
        if problem:
            raise UserError(problem)

    def _why_no_clone(self, server):
        """Return why the caller cannot clone this jet to a server, as a sentence; "" if they can."""
        try:
            self._check_may_clone(server)
        except (AccessError, UserError) as error:
            return str(error)
        return ""

    def _no_clone_plan_text(self, server):
        jet = self.sudo()  # sudo: names
        names = {"jet": jet.name, "template": jet.jet_template_id.name}
        if server.id == jet.server_id.id:
            return self.env._(
                "“%(jet)s” cannot be cloned on its own server: “%(template)s” has no flight plan for that. A Manager of the"
                " template can add one.",
                **names,
            )
        return self.env._(
            "“%(jet)s” cannot be cloned to another server: “%(template)s” has no flight plan for that. A Manager of the template"
            " can add one.",
            **names,
        )

    def _check_goal(self, goal):
        """Raise unless the caller may bring this new jet to a state, and actions lead there.

        :param goal: state; empty for none
        """
        # sudo: the state is checked by its level
        state = self._state_argument(goal.sudo())
        template = self.sudo().jet_template_id  # sudo: which actions there are
        if template._path_of_new_jet(state, self._level_of_caller()) is None:
            raise UserError(template.with_env(self.env)._no_way_text(state))

    def _why_no_retry(self):
        """Return why the clone plan of this jet cannot run again, as a sentence; "" if it can."""
        jet, last = self.sudo(), self._last_clone()  # sudo: how the jet stands
        if not last:
            return self.env._("“%s” is not a clone.", jet.name)
        if jet._is_busy():
            return self.env._("“%(jet)s” is busy: %(busy)s.", jet=jet.name, busy=jet._busy_text())
        if not jet.active:
            return self.env._("“%s” is archived. Unarchive it first.", jet.name)
        if last.state == DONE or jet.state_id:
            return self.env._(
                "The clone plan of “%(jet)s” does not run again: the jet was filled, and is in state %(state)s. Bring it to the"
                " state that you need.",
                jet=jet.name,
                state=jet._state_text(jet.state_id),
            )
        if not last.cloned_from_id:
            return self.env._("The original of “%s” was deleted. Delete this jet, too.", jet.name)
        if not last.cloned_from_id._clone_plan(jet.server_id):
            return last.cloned_from_id.with_env(self.env)._no_clone_plan_text(jet.server_id)
        return ""

    # ------------------------------------------------------------------ the new jet

    def _create_clone(self, server, goal, name=None, copy_values=False, suffix=None, tasks=True, **kwargs):
        """Create the jet that a clone plan will fill. The caller may clone this jet to the server.

        :param goal: state that it is to be brought to; empty for none
        :param suffix: what follows the name of this jet, by default "(clone)"
        :param tasks: whether the scheduled tasks of this jet also run on the clone
        :return: the jet, with the caller's rights
        """
        # sudo: the template of a jet that the caller may read; the caller may launch its jets
        template = self.sudo().jet_template_id.with_env(self.env)
        jet = template._create_new_jet(
            server,
            name,
            state=False,
            taken_over={
                **self._settings_for_clone(suffix or self.env._("(clone)"), copy_values),
                "jet_cloned_from_id": self.id,
            },
            **kwargs,
        )
        if copy_values:
            jet._allocate_like(self)
        jet._copy_belongings_of(
            self, logs="server_log_ids" not in kwargs, tasks=tasks and "scheduled_task_ids" not in kwargs
        )
        jet.sudo()._message_log(  # sudo: the original is a jet that the caller may read
            body=self.env._("Cloned from %s.", self.sudo()._get_html_link(title=self.sudo().name))
        )
        jet._check_goal(goal)
        return jet

    def _begin_clone(self, goal, source, level=None):
        """Begin the movement in which the clone plan fills this jet, in the transaction of the caller.

        It waits first for what the create action would wait for. If the process dies before the commit, neither the movement nor
        the run exists.

        :param goal: state to bring the jet to afterwards; empty for none
        :param source: clone or transfer
        :param level: highest access level of actions that may be used; None: the caller's
        :return: transition, as superuser; it may have ended already
        :raise UserError: the jet is busy
        """
        self.ensure_one()
        jet = self.sudo()  # sudo: the right to clone includes the plan; only the engine writes the state
        original = jet.jet_cloned_from_id
        asking = Asking(level or self._level_of_caller(), source)
        if goal:
            asking = asking.towards(goal.id)
        unmet = jet._find_unmet_dependencies(jet.jet_template_id.action_create_id.state_to_id, is_create=True)
        try:
            transition = jet._claim(
                self.env["cx.tower.jet.action"],
                asking,
                waits=bool(unmet),
                action_name=self.env._("Clone of %s", original.name),
                plan_id=original._clone_plan(jet.server_id).id,
                is_clone=True,
                cloned_from_id=original.id,
            )
        except TransitionRefused as refused:
            raise UserError(str(refused)) from refused
        if unmet:
            transition._ask_for_dependencies(unmet)
        else:
            transition._enter()
        jet._announce()
        return transition

    def _is_filled(self):
        """Return whether the clone plan of this jet has succeeded."""
        return self._last_clone().state == DONE
