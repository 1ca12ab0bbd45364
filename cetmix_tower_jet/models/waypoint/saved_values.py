import json

from odoo import SUPERUSER_ID, api, fields, models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_mixin import LEVEL_MANAGER
from odoo.addons.cetmix_tower_server.models.base.engine_context import engine_says
from odoo.exceptions import UserError, ValidationError

from ...engine.waypoint_values import SavedValue, VariableFacts, find_changes, resolve
from ..jet.levels import level_in_tower

#: Problems that a message lists at most.
LISTED = 20


def _level_of_person(env):
    """Return the level of the person in whose name something happens, even as superuser."""
    return level_in_tower(env if env.uid == SUPERUSER_ID else env(su=False))


class CxTowerJetWaypoint(models.Model):
    """Saving the values of the jet, and giving them back to it.

    The engine does both, as superuser: values above the level of the person who flies are saved and restored, too.
    """

    _inherit = "cx.tower.jet.waypoint"

    variable_values = fields.Json(
        compute="_compute_variable_values",
        help="Saved values of variables that you may read: {reference: text}.",
    )
    variable_values_text = fields.Text(string="Values", compute="_compute_variable_values")

    @api.depends("saved_values")
    @api.depends_context("uid", "su")
    def _compute_variable_values(self):
        saved = {waypoint: waypoint._saved() for waypoint in self}
        levels = self._levels_of_variables(
            {value.variable_id for values in saved.values() for value in values}
        )
        for waypoint, values in saved.items():
            texts = waypoint._readable_texts(values, levels)
            waypoint.variable_values = texts
            waypoint.variable_values_text = (
                json.dumps(texts, indent=2, sort_keys=True, ensure_ascii=False) if texts else False
            )

    def _readable_texts(self, values, levels):
        """Return {reference: text} of those values that have an effect and that the caller's level lets them read.

        :param levels: as :meth:`_levels_of_variables` returns them
        """
        level = level_in_tower(self.env)
        return {
            value.variable: value.text or ""
            for value in values
            if value.has_effect and max(value.level, levels.get(value.variable_id, "")) <= level
        }

    @api.model
    def _levels_of_variables(self, ids):
        """Return {id: level} of variables as they are now: a level may have been raised since a value was saved."""
        # sudo: levels, for the comparison with that of the caller
        Variable = self.env["cx.tower.variable"].sudo().with_context(active_test=False)
        found = Variable.search_fetch([("id", "in", list(ids))], ["access_level"])
        return {variable.id: variable.access_level for variable in found}

    def _saved(self):
        """Return the saved values: [:class:`engine.waypoint_values.SavedValue`]; none if nothing was saved."""
        # sudo: callers filter by level, or are the engine
        return self._values_of_document(self.sudo().saved_values)

    @api.model
    def _values_of_document(self, document):
        return [SavedValue.of_document(row) for row in (document or {}).get("values", ())]

    # ------------------------------------------------------------------ the engine

    def _save_variable_values(self):
        """Save the values that the jet has of its own, in place of those saved before.

        If the process dies before the commit, those saved before are still there, and the waypoint is not ready.
        """
        self.ensure_one()
        self._write_by_movement({"saved_values": self.jet_id._own_values_document()})

    def _restore_variable_values(self):
        """Give the jet exactly the saved values. Its other own values are removed, except allocated ones.

        :raise UserError: some of them cannot be restored; nothing was changed
        """
        self.ensure_one()
        if self.sudo().saved_values:  # sudo: as everything here. Empty: never saved
            self.jet_id._take_own_values(self._saved())

    def _why_not_restored(self):
        """Return why the saved values cannot be restored, in sentences; "" if they can.

        Values above the level of the person are only counted.
        """
        self.ensure_one()
        return self._why_not_restored_each()[self]

    def _why_not_restored_each(self):
        """Return {waypoint: what :meth:`_why_not_restored` returns}. The number of queries does not depend on theirs."""
        saved = {waypoint: tuple(waypoint._saved()) for waypoint in self}
        Jet, level = self.env["cx.tower.jet"].sudo(), _level_of_person(self.env)  # sudo: all values
        facts = Jet._facts_of_variables([value for values in saved.values() for value in values])
        # what is saved every night is often the same
        problems = {values: Jet._problems_with(values, level, facts) for values in {*saved.values()}}
        texts = {
            values: "\n".join(found[:LISTED] + (["…"] if len(found) > LISTED else []))
            for values, found in problems.items()
        }
        return {waypoint: texts[values] for waypoint, values in saved.items()}


class CxTowerJet(models.Model):
    """The values that a jet has of its own, as waypoints save them."""

    _inherit = "cx.tower.jet"

    def _own_value_rows(self):
        """Return the jet's own values, archived ones too, without those that only one jet may have."""
        self.ensure_one()
        Value = self.env["cx.tower.variable.value"].sudo().with_context(active_test=False)  # sudo: all levels
        return Value.search([("jet_id", "=", self.id), ("variable_id.allocation", "=", False)])

    def _own_values(self):
        """Return {row id: :class:`engine.waypoint_values.SavedValue`} of the jet's own values."""
        return {
            row.id: SavedValue(
                variable_id=row.variable_id.id,
                variable=row.variable_reference or "",
                option_id=row.option_id.id or None,
                option=row.option_id.reference or "",
                text=row.value_char if isinstance(row.value_char, str) else None,
                level=row.access_level,
                sequence=row.sequence,
                required=row.required,
                active=row.active,
            )
            for row in self._own_value_rows()
        }

    def _own_values_document(self):
        """Return the jet's own values as JSON. A dictionary, because Odoo stores an empty list as nothing at all."""
        return {"values": [value.document() for value in self._own_values().values()]}

    def _problem_texts(self, problems, level):
        """Return sentences about values that cannot be restored.

        :param problems: [:class:`engine.waypoint_values.Problem`]
        :param level: level of those who read it; problems above it are only counted
        """
        texts = {
            "variable": self.env._("The variable “%(variable)s” no longer exists."),
            "option": self.env._("The variable “%(variable)s” no longer has the option “%(text)s”."),
        }
        told = [
            texts[one.kind] % {"variable": one.variable, "text": one.text}
            for one in problems
            if one.level <= level
        ]
        return told + self._untold(len(problems) - len(told))

    def _untold(self, count):
        """Return a sentence, or none, about values that may not be named to the reader."""
        if not count:
            return []
        if count == 1:
            return [self.env._("One value that you may not see cannot be restored.")]
        return [self.env._("%s values that you may not see cannot be restored.", count)]

    def _facts_of_variables(self, saved):
        Variable = self.env["cx.tower.variable"].sudo().with_context(active_test=False)  # sudo: all levels
        ids = [value.variable_id for value in saved]
        references = [value.variable for value in saved]
        found = Variable.search(["|", ("id", "in", ids), ("reference", "in", references)])
        return {
            variable.id: VariableFacts(
                id=variable.id,
                reference=variable.reference,
                is_options=variable.variable_type == "o",
                options={
                    option.id: (option.reference, option.value_char or "") for option in variable.option_ids
                },
                level=variable.access_level,
            )
            for variable in found
        }

    def _problems_with(self, saved, level, facts=None):
        """Return sentences about the saved values that the jet cannot take now.

        :param level: as of :meth:`_problem_texts`
        :param facts: of the variables of these values, and possibly of others; None: to be read
        """
        return self._takeable(saved, level, facts)[1]

    def _takeable(self, saved, level, facts=None):
        """Return the saved values that the jet can take now, and sentences about the others.

        Values of variables that have become allocated since are in neither: the jet keeps the one that it has.

        :param level, facts: as of :meth:`_problems_with`
        """
        found, problems = resolve(saved, self._facts_of_variables(saved) if facts is None else facts)
        variables = self.env["cx.tower.variable"].browse(value.variable_id for value in found)
        options = self.env["cx.tower.variable.option"]
        values, refused = [], []
        for value, variable in zip(found, variables, strict=True):
            if variable.allocation:
                continue
            try:
                variable._check_value(value.text, options.browse(value.option_id or []))
            except ValidationError as error:
                refused.append((value.level, str(error)))
            else:
                values.append(value)
        told = [text for its_level, text in refused if its_level <= level]
        told += self._untold(len(refused) - len(told))
        return values, [*self._problem_texts(problems, level), *told]

    def _take_own_values(self, saved, partly=False, level=LEVEL_MANAGER):
        """Let the jet have exactly these values of its own, besides allocated ones. In the caller's transaction.

        :param saved: [:class:`engine.waypoint_values.SavedValue`]
        :param partly: leave out what cannot be restored any more
        :param level: as of :meth:`_problem_texts`
        :return: sentences about what was left out
        :raise UserError: some of them cannot be restored; nothing was changed
        """
        self.ensure_one()
        jet = self.sudo()  # sudo: the values belong to the engine during a flight
        # by default for Managers, who read it later on the waypoint, whoever flies
        values, texts = jet._takeable(saved, level)
        if texts and not partly:
            raise UserError("\n".join(texts[:LISTED]))
        changes = find_changes(jet._own_values(), values)
        # a text that contains a secret of the run which led here is no news: it stood here in clear before
        known = frozenset(value.text for value in values if value.text)
        Value = jet.env["cx.tower.variable.value"].with_context(**engine_says(tower_copied_texts=known))
        # replaced, not written one by one: the number of queries does not depend on that of the values
        Value.browse([*changes.remove, *changes.write]).unlink()
        Value.create(
            [
                {
                    "jet_id": jet.id,
                    "variable_id": value.variable_id,
                    **({"option_id": value.option_id} if value.option_id else {"value_char": value.text}),
                    "access_level": value.level,
                    "sequence": value.sequence,
                    "required": value.required,
                    "active": value.active,
                }
                for value in (*changes.write.values(), *changes.create)
            ]
        )
        return texts
