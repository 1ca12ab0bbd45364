"""What people are told about dependencies: which are not met, what a jet waits for, and who is hit when it leaves its state."""

from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from ..transition.cx_tower_jet_transition import WAITING
from ..transition.refused import TransitionRefused
from .cx_tower_jet_request import LIVE

OPERATORS = {"=": "=", "!=": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<=", "in": "IN", "not in": "NOT IN"}


class CxTowerJet(models.Model):
    """The marks of a card, and the answer to "who is hit?"."""

    _inherit = "cx.tower.jet"

    unmet_dependency_count = fields.Integer(
        string="Unmet dependencies",
        compute="_compute_unmet_dependencies",
        search="_search_unmet_dependency_count",
        help="Jets that this jet needs where it is, and that are missing or in another state.",
    )
    unmet_dependency_text = fields.Char(string="What it lacks", compute="_compute_unmet_dependencies")
    waits_for = fields.Char(
        string="Waits for", compute="_compute_waits_for", help="Templates whose jets the action waits for."
    )

    # ------------------------------------------------------------------ marks

    @api.depends("active", "state_id", "jet_requires_ids.jet_depends_on_id.state_id", "current_transition_id")
    @api.depends_context("lang")
    def _compute_unmet_dependencies(self):
        self._flush_needs()
        # Jets that the reader may not see count as well; nothing of them is shown but their state.
        rows = self.env.execute_query(
            SQL("%s ORDER BY need.id", self._unmet_now_sql(SQL("dependant.id = ANY(%s)", self.ids)))
        )
        Need = self.env["cx.tower.jet.template.dependency"].sudo()  # sudo: names of templates and states
        State = self.env["cx.tower.jet.state"].sudo()  # sudo: as above
        texts = defaultdict(list)
        for jet_id, need_id, state_id, other_id in rows:
            need = Need.browse(need_id)
            there = State.browse(state_id or []).name or self.env._("no state")
            values = {
                "template": need.template_required_id.name,
                "state": need.state_required_id.name,
                "there": there,
            }
            if other_id:
                text = self.env._("%(template)s: %(there)s instead of %(state)s", **values)
            else:
                text = self.env._("%(template)s: none in %(state)s", **values)
            texts[jet_id].append(text)
        for jet in self:
            jet.unmet_dependency_count = len(texts[jet._origin.id])
            jet.unmet_dependency_text = "; ".join(texts[jet._origin.id]) or False

    def _control_dependencies(self):
        """Return whether all that this jet needs where it is, is there. For addons that know it by this name."""
        self.ensure_one()
        return not self.unmet_dependency_count

    def _search_unmet_dependency_count(self, operator, value):
        if operator not in OPERATORS:
            return NotImplemented
        self._flush_needs()
        wanted = tuple(int(one) for one in value) if operator in ("in", "not in") else int(value)
        if wanted == ():
            return Domain(operator == "not in")
        return Domain(
            "id",
            "in",
            SQL(
                """(SELECT jet.id FROM cx_tower_jet jet
                      LEFT JOIN (SELECT jet_id, count(*) AS lacking FROM (%s) unmet GROUP BY jet_id) unmet
                             ON unmet.jet_id = jet.id
                     WHERE COALESCE(unmet.lacking, 0) %s %s)""",
                self._unmet_now_sql(SQL("TRUE")),
                SQL(OPERATORS[operator]),
                wanted,
            ),
        )

    @api.depends("current_transition_id")
    def _compute_waits_for(self):
        # sudo: names of templates, for whoever sees the jet that waits
        waiting = self.sudo().current_transition_id.filtered(lambda one: one.state == WAITING)
        requests = self.env["cx.tower.jet.request"].sudo()
        live = (
            requests.search([("transition_id", "in", waiting.ids), ("state", "in", LIVE)], order="id")
            if waiting
            else requests
        )
        by_jet = live.grouped("requested_by_jet_id")
        for jet in self:
            needed = by_jet.get(jet.sudo()._origin, requests).jet_template_id
            jet.waits_for = ", ".join(needed.mapped("name")) or False

    def _busy_text(self):
        transition = self.sudo().current_transition_id  # sudo: as the text itself
        if transition.state != WAITING:
            return super()._busy_text()
        return self.env._(
            "“%(action)s” waits for “%(needed)s” (started by %(person)s, %(since)s)",
            action=transition.action_name or "",
            needed=self.waits_for or "",
            person=transition.user_id.name or self.env._("a deleted user"),
            since=format_datetime(self.env, transition.start_date, dt_format="short"),
        )

    # ------------------------------------------------------------------ who is hit

    def get_impact(self, action=None, state=None):
        """Return the jets that need this jet in its present state, and so are hit when it leaves it.

        :param action: action (record, id or reference) that would be triggered
        :param state: state (record or reference; "": none) to which it would be brought. Neither: whatever makes it leave its state
        :return: list of dicts: ``jet`` (id), ``reference``, ``name``, ``state`` (reference, "" for none), ``state_name``,
            ``needed_state`` (reference), ``needed_state_name``, ``count`` (1). Jets that the caller may not read are counted
            in a last one: ``jet`` is False, ``count`` their number
        :raise AccessError: the caller may not read the jet
        """
        self.ensure_one()
        self.check_access("read")
        if action:
            self._action_argument(
                action
            )  # every action leaves the present state, if only for its transit state
        elif state is not None and self._impact_state(state) == self.state_id:
            return []
        rows = self.sudo()._dependants_here()  # sudo: jets that the caller may not read are counted
        jets = self.browse(dict(rows))
        readable = jets._filtered_access("read")
        found = [self._hit_row(jet, jet.name, 1) for jet in readable]
        hidden = len(jets) - len(readable)
        if hidden:
            found.append(self._hit_row(self.browse(), self._hidden_text(hidden), hidden))
        return found

    def _hit_row(self, jet, name, count):
        """Return an element of :meth:`get_impact`.

        :param jet: jet that needs this one; empty: several that the caller may not read
        """
        needed = self.sudo().state_id  # sudo: its name, as on the jet
        return {
            "jet": jet.id,
            "reference": jet.reference or "",
            "name": name,
            "state": jet.state or "",
            "state_name": jet.sudo().state_id.name or "",  # sudo: as above
            "needed_state": needed.reference or "",
            "needed_state_name": needed.name or "",
            "count": count,
        }

    def _hidden_text(self, count):
        if count == 1:
            return self.env._("one jet that you may not see")
        return self.env._("%s jets that you may not see", count)

    def _action_argument(self, action):
        """Return the action of this jet's template that a record, an id or a reference names, readable by the caller.

        :raise ValidationError: there is none
        """
        found = self.env["cx.tower.jet.action"]._one_named(action)
        found.check_access("read")
        if found.jet_template_id != self.jet_template_id:
            raise ValidationError(
                self.env._("“%(action)s” is not an action of “%(jet)s”.", action=found.name, jet=self.name)
            )
        return found

    def _impact_state(self, state):
        """Return the state that a record or a reference names. Its level does not matter: nothing is done."""
        State = self.env["cx.tower.jet.state"].sudo()  # sudo: only compared
        if isinstance(state, models.BaseModel):
            return state.sudo()
        return State.search([("reference", "=", str(state))], limit=1) if state else State

    # ------------------------------------------------------------------ texts of dialogs

    def describe_action(self, action):
        """Return what triggering an action on this jet would do, for a dialog that asks first. Nothing is done.

        :param action: action (record, id or reference)
        :return: sentences, one on each line: what runs, which dependencies are met before, who is hit
        :raise AccessError: the caller may not read the jet or the action
        """
        self.ensure_one()
        self.check_access("read")
        action = self._action_argument(action)
        engine_action = action.sudo()._as_engine()  # sudo: of the action that the caller may read
        return "\n".join([self._action_text(action), *self._around_text([engine_action])])

    def describe_state(self, state_reference):
        """Return what bringing this jet to a state would do, for a dialog that asks first. Nothing is done.

        :param state_reference: as of :meth:`bring_to_state`
        :return: as :meth:`describe_action`; says so when the jet is there already, or when no way leads there
        :raise AccessError, ValidationError: as :meth:`bring_to_state`
        """
        self.ensure_one()
        state = self._state_argument(state_reference)
        try:
            path = self._path_to(state, self._level_of_caller())
        except TransitionRefused as refused:
            return str(refused)
        if not path:
            return self.env._(
                "“%(jet)s” is already in state %(state)s.", jet=self.name, state=self._state_text(state)
            )
        # sudo: names of what the caller is about to trigger
        actions = self.env["cx.tower.jet.action"].sudo().browse(one.id for one in path)
        return "\n".join([*map(self._action_text, actions), *self._around_text(path)])

    def _action_text(self, action):
        action = action.sudo()  # sudo: names of its states and flight plan
        values = {
            "action": action.name,
            "jet": self.name,
            "before": self._state_text(action.state_from_id),
            "after": self._state_text(action.state_to_id),
            "plan": action.plan_id.name or "",
        }
        if not action.state_to_id:
            text = self.env._("“%(action)s” destroys “%(jet)s”.", **values)
        else:
            text = self.env._("“%(action)s” takes “%(jet)s” from %(before)s to %(after)s.", **values)
        if values["plan"]:
            text += " " + self.env._("It runs the flight plan “%(plan)s”.", **values)
        return text

    def _around_text(self, path):
        """Return sentences about the dependencies of a path, and about who is hit when it is taken.

        :param path: actions, as the engine has them
        """
        texts = [step["text"] for steps in self._plan_path(path) for step in steps]
        impact = self.get_impact()
        if impact:
            names = [
                f"“{one['name']}” ({one['state_name']})" if one["jet"] else one["name"] for one in impact
            ]
            texts.append(
                # the sign makes it stand out among the other lines, wherever the text is shown
                "⚠ "
                + self.env._(
                    "“%(jet)s” is needed in state “%(state)s” by: %(names)s.",
                    jet=self.name,
                    state=impact[0]["needed_state_name"],
                    names=", ".join(names),
                )
            )
        return texts
