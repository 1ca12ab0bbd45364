from collections import defaultdict

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL

from ..jet.taking import take_free


class CxTowerJet(models.Model):
    """The values that a jet holds alone while it exists on its server."""

    _inherit = "cx.tower.jet"

    def _take_place(self):
        destroyed = self.sudo().filtered(lambda jet: not jet.seat)  # sudo: Tower's own note
        super()._take_place()
        self._take_values(destroyed)

    def _free_place(self):
        super()._free_place()
        # Archived, not deleted: the jet gets the same values again if they are still free when it is created again.
        values = self.env[
            "cx.tower.variable.value"
        ].sudo()  # sudo: the jet was destroyed, whoever may write its values
        values.search([("jet_id", "in", self.ids), ("variable_id.allocation", "!=", False)]).active = False

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for vals in vals_list:
            lines = vals.get("variable_value_ids") or []
            variables = self.env["cx.tower.variable"].sudo()  # sudo: whether they are allocated
            vals["variable_value_ids"] = [
                line
                for line in lines
                if line[0] != Command.CREATE or not variables.browse(line[2].get("variable_id")).allocation
            ]
        return vals_list

    # ------------------------------------------------------------------ taking

    def _take_values(self, destroyed):
        """Give each of these jets the lowest free value of each variable that its template asks for.

        :param destroyed: those of them that gave up their values when they were destroyed; they get the same ones if possible
        :raise UserError: no value is free
        """
        before = destroyed._find_freed_values()
        wanted = self._find_wanted_variables() | {(value.jet_id, value.variable_id): None for value in before}
        self._allocate(wanted, before)

    @api.model
    def _allocate(self, wanted, before=()):
        """Give jets the lowest free values of variables.

        :param wanted: {(jet, variable): None}, as superuser
        :param before: rows that these jets gave up
        :raise UserError: no value is free
        """
        if not wanted:
            return
        # sudo: jets hold their values, whoever creates them
        Value = self.env["cx.tower.variable.value"].sudo()
        rows = Value._rows_for(wanted, before)
        variables = rows.variable_id
        taken = variables._find_taken_values()

        def take():
            rows._reserve(variables._choose_values(rows, taken))

        def learn(key):
            variable_id, place, text = key.split(":", 2)
            taken[int(variable_id), int(place)].add(text)

        take_free(
            lambda: self.env.cr.savepoint(flush=False), Value._allocation_unique.full_name(Value), take, learn
        )
        rows.invalidate_recordset(["value_char", "allocation_key", "active"], flush=False)
        rows._check_value_char()

    def _find_freed_values(self):
        """Return the values that these jets gave up when they were destroyed."""
        # sudo: as in _allocate
        Value = self.env["cx.tower.variable.value"].sudo().with_context(active_test=False)
        domain = [("jet_id", "in", self.ids), ("active", "=", False), ("variable_id.allocation", "!=", False)]
        return Value.search(domain).with_context(active_test=True)

    def _find_wanted_variables(self):
        """Return {(jet, variable): None}, as superuser: what templates ask for and jets do not have, in a fixed order."""
        Value = self.env["cx.tower.variable.value"].sudo()  # sudo: as in _allocate
        asking = Value.search(
            [
                ("jet_template_id", "in", self.jet_template_id.ids),
                ("variable_id.allocation", "!=", False),
                ("value_char", "in", (False, "")),
            ]
        ).grouped("jet_template_id")
        if not asking:
            return {}
        # archived ones, too: either the jet gave them up, or somebody wants it to have none
        given = Value.with_context(active_test=False)
        given = given.search_fetch([("jet_id", "in", self.ids)], ["jet_id", "variable_id"])
        present = {(value.jet_id.id, value.variable_id.id) for value in given}
        return {
            (jet, variable): None
            for jet in self.sudo().sorted("id")  # sudo: as in _allocate
            for variable in asking.get(jet.jet_template_id, Value).variable_id.sorted("id")
            if (jet.id, variable.id) not in present
        }


class CxTowerVariable(models.Model):
    """Choosing values for jets."""

    _inherit = "cx.tower.variable"

    def _find_taken_values(self):
        """Return {(variable id, server id or 0): set of texts} that jets hold."""
        self.env["cx.tower.variable.value"].flush_model(["allocation_key"])
        query = SQL(
            "SELECT allocation_key FROM cx_tower_variable_value WHERE variable_id = ANY(%s) AND allocation_key IS NOT NULL",
            self.ids,
        )
        taken = defaultdict(set)
        for (key,) in self.env.execute_query(query):
            variable_id, place, text = key.split(":", 2)
            taken[int(variable_id), int(place)].add(text)
        return taken

    def _choose_values(self, rows, taken):
        """Return {row: text}: what the row says if that is free, or the lowest free value.

        :param rows: values of jets, of these variables
        :param taken: as of :meth:`_find_taken_values`
        :raise UserError: none is free
        """
        texts, used = {}, {where: set(found) for where, found in taken.items()}
        for row in rows:
            variable, server = row.variable_id, row.jet_id.server_id
            held = used.setdefault((variable.id, variable._allocation_place(server)), set())
            text = row.value_char
            if not text or text in held or text not in variable._allocation_range():
                text = variable._allocation_range().lowest_free(held)
            if text is None:
                raise UserError(variable._none_free_text(server))
            held.add(text)
            texts[row] = text
        return texts

    def _none_free_text(self, server):
        """Return the sentence that no value is free, and who holds them."""
        domain = [("variable_id", "=", self.id), ("allocation_key", "!=", False)]
        if self._allocation_place(server):
            domain.append(("jet_id.server_id", "=", server.id))
        # sudo: jets that the caller may not read are only counted
        holders = self.env["cx.tower.variable.value"].sudo().search(domain).jet_id.sudo(False)
        return self.env._(
            "No value of “%(variable)s” is free: all of %(range)s are taken by %(jets)s. Destroy one of these jets, or extend the"
            " range of the variable.",
            variable=self.name,
            range=self.allocation_range,
            jets=holders._names_for_caller() or self.env._("jets that are being created now"),
        )


class CxTowerVariableValue(models.Model):
    """Storing what was chosen."""

    _inherit = "cx.tower.variable.value"

    @api.model
    def _rows_for(self, wanted, before):
        """Return a row for each jet and variable, archived until it has a value.

        :param wanted: (jet, variable) pairs
        :param before: rows that jets gave up
        """
        known = {(row.jet_id, row.variable_id): row for row in before}
        missing = [pair for pair in wanted if pair not in known]
        made = self.create(
            [{"jet_id": jet.id, "variable_id": variable.id, "active": False} for jet, variable in missing]
        )
        known |= dict(zip(missing, made, strict=True))
        return self.union(*(known[pair] for pair in wanted))

    def _reserve(self, texts):
        """Store these values, and reserve them in the database, with one statement.

        :param texts: {row: text}
        :raise psycopg2.errors.UniqueViolation: another transaction has taken one of them meanwhile
        """
        self.flush_recordset()
        keys = [row._allocation_key_of(row.variable_id, text) for row, text in texts.items()]
        query = (
            "UPDATE cx_tower_variable_value value SET active = TRUE, value_char = new.text, allocation_key = new.key"
            " FROM unnest(%s, %s, %s) AS new (id, text, key) WHERE value.id = new.id"
        )
        ids = [row.id for row in texts]
        # not logged: that another transaction was faster is no error
        self.env.cr.execute(query, (ids, list(texts.values()), keys), log_exceptions=False)


class CxTowerJetTemplate(models.Model):
    """Values that a template requires and jets get by themselves."""

    _inherit = "cx.tower.jet.template"

    def _find_missing_values(self, texts):
        return super()._find_missing_values(texts).filtered(lambda variable: not variable.allocation)

    def _plan_values(self, server, texts):
        # sudo: ranges and what is taken; names are shown only of variables that the caller may read
        asked = self._values_of_template().filtered(lambda value: value._asks_for_allocation())
        variables = asked.variable_id.filtered(lambda variable: not texts.get(variable.reference)).sorted(
            "id"
        )
        taken = variables._find_taken_values()
        shown = variables.with_env(self.env)._filtered_access("read")
        plans = []
        for variable in variables:
            place = variable._allocation_place(server)
            value = variable._allocation_range().lowest_free(taken[variable.id, place])
            problem = "" if value is not None else variable._none_free_text(server)
            if problem or variable.with_env(self.env) in shown:
                names = {"name": variable.name, "range": variable.allocation_range}
                plans.append({**names, "value": value or "", "problem": problem})
        return plans
