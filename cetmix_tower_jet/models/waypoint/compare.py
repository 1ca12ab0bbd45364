import json
from dataclasses import dataclass, field

from odoo import api, models
from odoo.addons.cetmix_tower_server.engine.files.text_diff import side_by_side
from odoo.exceptions import UserError, ValidationError

from ...engine.waypoint_values import compare, resolve
from ..jet.levels import level_in_tower
from .cx_tower_jet_transition import FLIGHT

# Waypoints that the button compares: one with the jet as it is now, or two.
MOST = 2


@dataclass
class _Side:
    """What is compared, as far as the caller may read it.

    :param label: what a screen calls it
    :param saved: [:class:`engine.waypoint_values.SavedValue`] that have an effect, of all levels
    :param values: {reference of the variable: text}
    """

    label: str
    saved: list
    metadata: dict
    values: dict = field(default_factory=dict)


class CxTowerJetWaypoint(models.Model):
    """Comparing a waypoint with the jet as it is now, or with another waypoint: what going there would change."""

    _inherit = "cx.tower.jet.waypoint"

    # ------------------------------------------------------------------ public

    def compare(self, other=None):
        """Return what changes from another waypoint, or from the jet as it is now, to this waypoint.

        The values of the jet are those that a flight replaces: its own ones, without allocated ones. The metadata of the jet as it
        is now is that of its current waypoint. Only values up to the caller's level are compared; secrets are never resolved.

        :param other: waypoint of the same jet (record, id or reference); None: the jet as it is now
        :return: dict: ``variables`` and ``metadata``, each a dict of ``added`` and ``removed`` ({key: value}) and ``changed``
            ({key: [before, after]}). Keys of variables are their references, values their raw texts
        :raise AccessError: the caller may not read one of the waypoints or, without ``other``, the jet
        :raise ValidationError: ``other`` is this waypoint, or one of another jet
        :raise UserError: one of the waypoints was never prepared
        """
        before, after, _hidden = self._compared(other)
        return {
            "variables": compare(before.values, after.values),
            "metadata": compare(before.metadata, after.metadata),
        }

    def read_comparison(self, other=None):
        """Return the same as :meth:`compare`, for a screen.

        :param other, raise: as :meth:`compare`
        :return: dict: ``before`` and ``after`` (what is compared), ``hidden`` (there are values that the caller may not read),
            ``variables`` and ``metadata``: lists of dicts sorted by name: ``key``, ``name``, ``kind`` (added, removed, changed,
            same), ``rows``, which show the texts side by side (see ``engine.files.text_diff``; none if they are too long for that),
            and ``cut`` (there are more rows)
        """
        before, after, hidden = self._compared(other)
        names = self._names_of_variables({*before.values, *after.values})
        return {
            "before": before.label,
            "after": after.label,
            "hidden": hidden,
            "variables": self._entries(before.values, after.values, names),
            "metadata": self._entries(before.metadata, after.metadata, {}),
        }

    def read_flight(self):
        """Return what flying to this waypoint would do, for a dialog that asks first. Nothing is done.

        :return: dict: ``waypoint`` (name), ``jet`` and ``jet_name``, ``refusal`` (why it cannot fly there now, "" if it can),
            ``steps`` (sentences: which flight plans run), and ``comparison`` (see :meth:`read_comparison`), False if there is none
        :raise AccessError: the caller may not change the waypoint, or not read its jet
        """
        self._check_may_move()
        waypoint = (
            self.sudo()
        )  # sudo: the right was checked; states and names of plans are shown to who may run them
        return {
            "waypoint": waypoint.name,
            "jet": waypoint.jet_id.id,
            "jet_name": waypoint.jet_id.name,
            "refusal": waypoint._why_no_flight_now(),
            "steps": waypoint._flight_steps(),
            "comparison": bool(waypoint.ready_date) and self.read_comparison(),
        }

    # ------------------------------------------------------------------ buttons

    def action_compare(self):
        """Open the comparison of this waypoint with the jet as it is now, or of these two with each other.

        :return: client action
        :raise AccessError: the caller may not read one of them
        :raise UserError: there are more than two
        """
        self.check_access("read")
        if not 0 < len(self) <= MOST:
            raise UserError(self.env._("Select one waypoint to compare it with now, or two of the same jet."))
        newest, other = self.sorted("id")[-1], self.sorted("id")[:-1]
        return self._action_comparison(waypoint_id=newest.id, other_id=other.id)

    def action_ask_to_fly(self):
        """Open the dialog that shows what flying to this waypoint would change, and asks.

        :return: client action
        :raise AccessError: the caller may not change the waypoint, or not read its jet
        """
        self._check_may_move()
        return self._action_comparison(waypoint_id=self.id, flies=True)

    @api.model
    def _action_comparison(self, **params):
        return {"type": "ir.actions.client", "tag": "cetmix_tower_jet_comparison", "params": params}

    # ------------------------------------------------------------------ what is compared

    def _compared(self, other):
        """Return (what is compared with this waypoint, this waypoint, whether values of other levels are left out).

        :raise AccessError, ValidationError, UserError: as :meth:`compare`
        """
        self.ensure_one()
        self.check_access("read")
        if other is None or other is False:
            before = self._side_now()
        else:
            before = self._other_waypoint(other)._side()
        after = self._side()
        return before, after, self._keep_readable(before, after)

    def _other_waypoint(self, other):
        found = self._one_named(other)
        found.check_access("read")
        if found == self:
            raise ValidationError(self.env._("“%s” cannot be compared with itself.", self.name))
        if found.jet_id != self.jet_id:
            raise ValidationError(
                self.env._(
                    "“%(waypoint)s” and “%(other)s” belong to different jets. Compare waypoints of the same jet.",
                    waypoint=self.name,
                    other=found.name,
                )
            )
        return found

    def _side(self):
        if not self.ready_date:
            raise UserError(
                self.env._("“%s” was never ready, so nothing is saved in it. Prepare it first.", self.name)
            )
        return _Side(
            self.display_name, [value for value in self._saved() if value.has_effect], self.metadata or {}
        )

    def _side_now(self):
        jet = self.sudo().jet_id  # sudo: which jet it is; the jet itself is checked as the caller
        jet.with_env(self.env).check_access("read")
        current = jet.waypoint_id.with_env(self.env)._filtered_access("read")
        values = [value for value in jet._own_values().values() if value.has_effect]
        return _Side(self.env._("“%s” now", jet.name), values, current.metadata or {})

    def _keep_readable(self, *sides):
        """Give these sides the texts that the caller may read, by the present references of their variables.

        A variable that is too high for the caller on one side is left out on the other one, too: it would look added or removed.

        :return: whether something was left out
        """
        jet = (
            self.sudo().jet_id
        )  # sudo: variables of all levels are found; those above the caller's are left out here
        facts = jet._facts_of_variables([value for side in sides for value in side.saved])
        highest = {}
        for side in sides:
            found, problems = resolve(side.saved, facts)
            side.values = {one.variable: one.text or "" for one in (*problems, *found)}
            for one in (*problems, *found):
                highest[one.variable] = max(highest.get(one.variable, ""), one.level)
        # What has become allocated since stays on the jet, whatever was saved.
        Variable = self.env["cx.tower.variable"].sudo().with_context(active_test=False)  # sudo: as above
        allocated = Variable.search_fetch(
            [("id", "in", list(facts)), ("allocation", "!=", False)], ["reference"]
        ).mapped("reference")
        level = level_in_tower(self.env)
        hidden = {reference for reference, its_level in highest.items() if its_level > level}
        for side in sides:
            side.values = {
                key: text for key, text in side.values.items() if key not in hidden.union(allocated)
            }
        return bool(hidden)

    # ------------------------------------------------------------------ for screens

    @api.model
    def _names_of_variables(self, references):
        """Return {reference: name} of variables whose values the caller may read."""
        # sudo: a value is never open to more people than its variable
        Variable = self.env["cx.tower.variable"].sudo().with_context(active_test=False)
        found = Variable.search_fetch([("reference", "in", list(references))], ["reference", "name"])
        return {variable.reference: variable.name for variable in found}

    @api.model
    def _entries(self, before, after, names):
        """Return what :meth:`read_comparison` says of each key.

        :param names: {key: name}; a key without one is its own name
        """
        found = compare(before, after)
        kinds = {key: kind for kind, keys in found.items() for key in keys}
        entries = [
            {
                "key": key,
                "name": names.get(key, key),
                "kind": kinds.get(key, "same"),
                **self._lines(key, before, after),
            }
            for key in {*before, *after}
        ]
        return sorted(entries, key=lambda entry: (entry["name"].lower(), entry["key"]))

    @api.model
    def _lines(self, key, before, after):
        """Return ``rows`` and ``cut`` of a key, see :meth:`read_comparison`."""
        values = [side[key] for side in (before, after) if key in side]
        if not all(isinstance(value, str) for value in values):
            values = [json.dumps(one, indent=2, sort_keys=True, ensure_ascii=False) for one in values]
        if len(values) == 1:
            values = [*values, ""] if key in before else ["", *values]
        left, right = values
        if left == right:
            return {"rows": [["same", 1, left, 1, right]], "cut": False}
        # Values rarely end with a line break: it only counts where one of them has it.
        if not left.endswith("\n") and not right.endswith("\n"):
            left, right = left and f"{left}\n", right and f"{right}\n"
        found = side_by_side(left, right)
        return {"rows": [list(row) for row in found.rows], "cut": found.is_cut}

    def _why_no_flight_now(self):
        """Return why the jet cannot fly to this waypoint now, whoever asks; "" if it can."""
        if self.jet_id._is_busy():
            return str(self.jet_id._refusal(self._name_of_movement(FLIGHT)))
        return self._why_no_flight()

    def _flight_steps(self):
        """Return sentences: which flight plans a flight to this waypoint runs."""
        here = self.jet_id.waypoint_id
        leave, arrive = here.waypoint_template_id.plan_leave_id, self.waypoint_template_id.plan_arrive_id
        steps = []
        if here and here != self and leave:
            steps.append(
                self.env._(
                    "“%(plan)s” runs to leave “%(waypoint)s”.",
                    plan=leave.name,
                    waypoint=here._name_for_level(self.access_level),
                )
            )
        steps.append(self.env._("The values of “%s” are replaced by the saved ones.", self.jet_id.name))
        if arrive:
            steps.append(self.env._("“%s” runs to arrive.", arrive.name))
        return steps
