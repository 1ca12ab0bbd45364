"""Values are restored to the byte, or the flight is refused before it begins."""

import json
from contextlib import contextmanager

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2.errors import UniqueViolation

from .waypoint_case import WaypointCase

TEXTS = {
    "template": "/srv/{{ tower.jet.reference }}/{{ customer }}",
    "statement": "{% if edition %}{{ edition }}{% endif %}",
    "secret": "#!cxtower.secret.backup!#",
    "empty": "",
    "spaces": "  two before, one after ",
    "lines": "one\ntwo\r\nthree\t",
    "quotes": 'it\'s "so" \\n `x` $HOME',
    "unicode": "Żółć 🛩️ é",
    "json": '{"a": [1, null, "x"]}',
    "long": "x" * 20000,
    "number": "007",
}
# A flag that was never set is NULL or false, which are the same in Odoo.
COLUMNS = "variable_id, option_id, value_char, access_level, sequence, COALESCE(required, false), active, server_id, is_global"


class ValuesCase(WaypointCase):
    """A jet and ways to look at its values."""

    def new_variable(self, name, **values):
        return self.env["cx.tower.variable"].create(
            {"name": name, "reference": name, "access_level": "1", **values}
        )

    def new_value(self, variable, text=None, jet=None, **values):
        if text is not None:
            values["value_char"] = text
        return self.env["cx.tower.variable.value"].create(
            {"variable_id": variable.id, "jet_id": (jet or self.jet).id, **values}
        )

    def rows(self, jet=None):
        """Return all that the database holds of the jet's own values, as JSON, to compare byte by byte."""
        self.env.flush_all()
        self.env.cr.execute(
            f"SELECT {COLUMNS} FROM cx_tower_variable_value WHERE jet_id = %s ORDER BY variable_id",
            ((jet or self.jet).id,),
        )
        return json.dumps(self.env.cr.fetchall())

    def values(self):
        return self.jet.with_context(active_test=False).variable_value_ids


@tagged("post_install", "-at_install")
class TestSavedValues(ValuesCase):
    def test_texts_come_back_to_the_byte(self):
        for name, text in TEXTS.items():
            self.new_value(self.new_variable(f"of_{name}"), text)
        before = self.rows()
        waypoint = self._new_ready()
        for value in self.values():
            value.value_char = "changed"
        self.assertNotEqual(self.rows(), before)
        waypoint.fly_to()
        self.assertEqual(self.rows(), before)

    def test_all_of_a_row_comes_back(self):
        rows = {
            "without_text": {},
            "archived": {"value_char": "kept", "active": False},
            "must_have": {"value_char": "kept", "required": True},
            "must_have_and_empty": {"required": True},
            "of_root": {"value_char": "kept", "access_level": "3"},
            "last": {"value_char": "kept", "sequence": 99},
        }
        for name, row in rows.items():
            self.new_value(self.new_variable(name), **row)
        before = self.rows()
        waypoint = self._new_ready()
        for value in self.values():
            value.write({"value_char": "changed", "active": True, "required": False, "sequence": 1})
        self.values().filtered(lambda value: value.access_level == "3").unlink()
        self.new_value(self.new_variable("since"), "goes again")
        waypoint.fly_to()
        self.assertEqual(self.rows(), before)

    def test_an_option_comes_back_as_an_option(self):
        variable = self.new_variable("size", variable_type="o")
        small, large = self.env["cx.tower.variable.option"].create(
            [{"name": name, "value_char": name, "variable_id": variable.id} for name in ("small", "large")]
        )
        value = self.new_value(variable, option_id=small.id)
        before = self.rows()
        waypoint = self._new_ready()
        value.option_id = large
        small.name = "Renamed"
        waypoint.fly_to()
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.values().option_id, small)

    def test_values_above_the_level_of_who_flies_come_back_too(self):
        self.template.manager_ids = self.manager
        self.new_value(self.new_variable("of_root", access_level="3"), "kept")
        before = self.rows()
        waypoint = self._new_ready()
        self.values().write({"value_char": "changed"})
        waypoint.with_user(self.manager).fly_to()
        self.assertEqual(self.rows(), before)

    def test_the_level_of_a_variable_that_was_raised_since_counts(self):
        variable = self.new_variable("raised")
        self.new_value(variable, "kept")
        waypoint = self._new_ready()
        variable.access_level = "3"
        waypoint.fly_to()
        self.assertEqual((self.values().access_level, self.values().value_char), ("3", "kept"))

    def test_allocated_values_stay_with_the_jet(self):
        port = self.new_variable("port", allocation="server", allocation_range="9000-9010")
        self.new_value(port, "9001")
        self._set_edition("old")
        waypoint = self._new_ready()
        self.assertEqual(waypoint.variable_values, {"edition": "old"})
        self.values().filtered(lambda value: value.variable_id == port).value_char = "9002"
        self._set_edition("new")
        waypoint.fly_to()
        self.assertEqual((self._edition(), self.jet.get_variable_value("port")), ("old", "9002"))

    def test_a_variable_that_allocates_since_keeps_what_the_jet_has_now(self):
        port = self.new_variable("port")
        self.new_value(port, "9001")
        waypoint = self._new_ready()
        port.write({"allocation": "server", "allocation_range": "9000-9010"})
        self.values().value_char = "9002"
        waypoint.fly_to()
        self.assertEqual((waypoint.state, self.jet.get_variable_value("port")), ("current", "9002"))

    def test_nothing_saved_is_not_the_same_as_no_values(self):
        never, empty = self._new_ready("Never"), self._new_ready("Empty")
        never._write_by_movement({"saved_values": None})
        self._set_edition("mine")
        never.fly_to()
        self.assertEqual(self._edition(), "mine")
        empty.fly_to()
        self.assertFalse(self.values())

    def test_values_of_other_jets_and_scopes_stay(self):
        other = self._new_jet("Other")
        self._set_edition("other", other)
        self.server.set_variable_value("edition", "server")
        empty = self._new_ready()
        self._set_edition("mine")
        empty.fly_to()
        self.assertEqual(self._edition(other), "other")
        self.assertEqual(self.jet.get_variable_value("edition"), "server")

    def test_leaving_saves_into_the_waypoint_that_is_left(self):
        here = self._new_current()
        there = self._new_ready("There")
        self._set_edition("changed")
        there.fly_to()
        self.assertEqual(here.variable_values, {"edition": "changed"})
        here.fly_to()
        self.assertEqual(self._edition(), "changed")

    def test_a_flight_that_fails_gives_back_every_byte(self):
        there = self._new_ready("There", self.planned)
        for name, text in TEXTS.items():
            self.new_value(self.new_variable(f"of_{name}"), text)
        self.new_value(self.new_variable("archived"), "kept", active=False)
        before = self.rows()
        there.fly_to()
        self.assertNotEqual(self.rows(), before)
        self._end_action(self.jet, 7)
        self.assertEqual(self.rows(), before)

    def test_what_the_plan_of_a_failed_arrival_has_written_is_undone(self):
        there = self._new_ready("There", self.planned)
        self._set_edition("before")
        there.fly_to()
        self._set_edition("by the plan")  # as superuser, as a plan's code
        self._end_action(self.jet, 7)
        self.assertEqual(self._edition(), "before")


@tagged("post_install", "-at_install")
class TestWhatIsMissing(ValuesCase):
    """A flight is refused before it begins, with the list of what is missing."""

    def assert_refused(self, waypoint, *texts):
        before = self.rows()
        with self.assertRaises(UserError) as caught, self.env.cr.savepoint():
            waypoint.fly_to()
        self.env.invalidate_all()
        for text in texts:
            self.assertIn(text, str(caught.exception))
        self.assertEqual((waypoint.state, self.rows()), ("ready", before))
        self.assertFalse(self.jet.current_transition_id)
        return str(caught.exception)

    def test_a_variable_that_was_deleted(self):
        for name in ("gone_1", "gone_2", "stays"):
            self.new_value(self.new_variable(name), "x")
        waypoint = self._new_ready()
        self.env["cx.tower.variable"].search([("reference", "=like", "gone_%")]).unlink()
        text = self.assert_refused(
            waypoint, "The variable “gone_1” no longer exists", "The variable “gone_2” no longer exists"
        )
        self.assertNotIn("stays", text)

    def test_a_variable_made_again_under_its_reference_is_the_same(self):
        self.new_value(self.new_variable("again"), "kept")
        waypoint = self._new_ready()
        self.env["cx.tower.variable"].search([("reference", "=", "again")]).unlink()
        new = self.new_variable("again")
        waypoint.fly_to()
        self.assertEqual((self.values().variable_id, self.values().value_char), (new, "kept"))

    def test_a_variable_that_was_renamed_is_the_same(self):
        variable = self.new_variable("before")
        self.new_value(variable, "kept")
        waypoint = self._new_ready()
        self.values().unlink()
        variable.write({"name": "After", "reference": "after"})
        waypoint.fly_to()
        self.assertEqual((self.values().variable_id, self.values().value_char), (variable, "kept"))

    def test_an_option_that_was_deleted_or_says_something_else(self):
        variable = self.new_variable("size", variable_type="o")
        small = self.env["cx.tower.variable.option"].create(
            {"name": "small", "value_char": "small", "variable_id": variable.id}
        )
        self.new_value(variable, option_id=small.id)
        waypoint = self._new_ready()
        small.value_char = "tiny"
        self.assert_refused(waypoint, "“size” no longer has the option “small”")
        self.values().unlink()
        small.unlink()
        self.assert_refused(waypoint, "“size” no longer has the option “small”")

    def test_a_variable_whose_kind_has_changed(self):
        variable = self.new_variable("size")
        self.new_value(variable, "small")
        waypoint = self._new_ready()
        self.values().unlink()
        variable.variable_type = "o"
        self.assert_refused(waypoint, "“size” no longer has the option “small”")

    def test_a_text_that_the_variable_no_longer_allows(self):
        variable = self.new_variable("size")
        self.new_value(variable, "small")
        waypoint = self._new_ready()
        self.values().unlink()
        variable.write({"validation_pattern": "[0-9]+"})
        self.assert_refused(waypoint, "size")

    def test_a_text_no_longer_allowed_when_an_arrival_fails_is_all_that_is_missing(self):
        variable = self.new_variable("size")
        there = self._new_ready("There", self.planned)
        self.new_value(variable, "small")
        self._set_edition("new")
        there.fly_to()
        variable.write({"validation_pattern": "[0-9]+"})
        self._end_action(self.jet, 7)
        self.assertEqual(self.values().mapped("value_char"), ["new"])
        self.assertIn("size", self.jet.transition_ids[0].message)

    def test_many_are_counted_not_listed(self):
        variables = [self.new_variable(f"gone_{number}") for number in range(30)]
        for variable in variables:
            self.new_value(variable, "x")
        waypoint = self._new_ready()
        self.env["cx.tower.variable"].browse(variable.id for variable in variables).unlink()
        text = self.assert_refused(waypoint, "gone_0", "…")
        self.assertEqual(text.count("no longer exists"), 20)

    # ------------------------------------------------------------------ between click and arrival

    def flying(self, *names):
        """Begin a flight that leaves a waypoint. :return: the waypoint it leads to"""
        for name in names:
            self.new_value(self.new_variable(name), f"old {name}")
        there = self._new_ready("There", self.planned)
        self.here = self._new_current("Here", self.planned)
        for value in self.values():
            value.value_char = "new"
        there.fly_to()
        self.assertEqual((there.state, self.here.state), ("arriving", "leaving"))
        return there

    def test_a_variable_deleted_while_the_jet_leaves(self):
        """The flight fails where it would restore: the values are those from before, and it says what is missing."""
        there = self.flying("gone", "stays")
        self.env["cx.tower.variable"].search([("reference", "=", "gone")]).unlink()
        self._end_action(self.jet)
        self.assertEqual(
            (there.state, self.here.state, self.jet.waypoint_id), ("error", "current", self.here)
        )
        self.assertIn("The variable “gone” no longer exists", there.problem)
        self.assertEqual(self.values().mapped("value_char"), ["new"])
        self.assertFalse(self.jet.current_transition_id)

    def test_a_variable_deleted_while_the_jet_arrives(self):
        there = self.flying("gone", "stays")
        self._end_action(self.jet)
        self.env["cx.tower.variable"].search([("reference", "=", "gone")]).unlink()
        self._end_action(self.jet)
        self.assertEqual((there.state, self.values().mapped("value_char")), ("current", ["old stays"]))

    def test_a_variable_deleted_before_an_arrival_fails(self):
        """What still exists is given back; the rest is said."""
        there = self.flying("gone", "stays")
        self._end_action(self.jet)
        self.env["cx.tower.variable"].search([("reference", "=", "gone")]).unlink()
        self._end_action(self.jet, 7)
        self.assertEqual((there.state, self.here.state), ("error", "current"))
        self.assertEqual(self.values().mapped("value_char"), ["new"])
        flight = self.jet.transition_ids[0]
        self.assertIn("Not all values that the jet had before could be restored", flight.message)
        self.assertIn("The variable “gone” no longer exists", flight.message)
        self.assertIn("The variable “gone” no longer exists", there.problem)

    def test_a_variable_that_allocates_while_the_jet_flies(self):
        there = self.flying("port", "stays")
        port = self.env["cx.tower.variable"].search([("reference", "=", "port")])
        self.values().filtered(lambda value: value.variable_id == port).value_char = "9001"
        port.write({"allocation": "server", "allocation_range": "9000-9010"})
        self._end_action(self.jet)
        self._end_action(self.jet)
        self.assertEqual(there.state, "current")
        self.assertEqual(sorted(self.values().mapped("value_char")), ["9001", "old stays"])


@tagged("post_install", "-at_install")
class TestLimits(ValuesCase):
    def with_values(self, count):
        """Return a jet with so many values of its own, and a ready waypoint of it."""
        jet = self._new_jet(f"{count} values", state="running")
        variables = self.env["cx.tower.variable"].search([("reference", "=like", "many_%")], limit=count)
        if len(variables) < count:
            variables |= self.env["cx.tower.variable"].create(
                [
                    {"name": f"many_{number}", "reference": f"many_{number}", "access_level": "1"}
                    for number in range(len(variables), count)
                ]
            )
        self.env["cx.tower.variable.value"].create(
            [
                {"jet_id": jet.id, "variable_id": variable.id, "value_char": f"old {variable.reference}"}
                for variable in variables
            ]
        )
        self.env.flush_all()
        return jet

    @contextmanager
    def counted(self):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        counts = []
        yield counts
        self.env.flush_all()
        counts.append(self.env.cr.sql_log_count - before)

    def queries(self, count):
        """Return the queries of preparing, of a flight that changes all values, and of one that changes none."""
        jet = self.with_values(count)
        waypoint = self._new_waypoint(jet=jet)
        here = self._new_ready("Here", jet=jet)
        here.fly_to()
        before = self.rows(jet)
        with self.counted() as prepared:
            waypoint.prepare()
        jet.variable_value_ids.value_char = "new"
        with self.counted() as changed:
            waypoint.fly_to()
        self.assertEqual(self.rows(jet), before)
        jet.variable_value_ids.value_char = "new"
        with self.counted() as back:
            here.fly_to()
        self.assertEqual(len(jet.variable_value_ids), count)
        return prepared + changed + back

    def test_queries_do_not_depend_on_the_number_of_values(self):
        self.queries(5)
        few, many = self.queries(5), self.queries(500)
        # Odoo reads and writes rows in batches
        for less, more in zip(few, many, strict=True):
            self.assertLessEqual(more, less + 10, (few, many))

    def refused_by(self, index, statement, *parameters):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(UniqueViolation) as caught,
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(statement, parameters)
        self.assertEqual(caught.exception.diag.constraint_name, index)

    def test_the_database_holds_one_current_waypoint_a_jet(self):
        self._new_current()
        other = self._new_ready()
        self.refused_by(
            "cx_tower_jet_waypoint_one_current",
            "UPDATE cx_tower_jet_waypoint SET state = 'current' WHERE id = %s",
            other.id,
        )

    def test_the_database_holds_one_destination_a_jet(self):
        one, other = self._new_ready(), self._new_ready()
        self.env.cr.execute("UPDATE cx_tower_jet_waypoint SET is_destination = true WHERE id = %s", (one.id,))
        self.refused_by(
            "cx_tower_jet_waypoint_one_destination",
            "UPDATE cx_tower_jet_waypoint SET is_destination = true WHERE id = %s",
            other.id,
        )

    def test_the_database_holds_one_live_movement_a_jet_and_one_inside_each_action(self):
        self._new_waypoint(kind=self.planned).prepare()
        live = self.jet.current_transition_id
        copy = """INSERT INTO cx_tower_jet_transition (jet_id, state, source, access_level, parent_id, waypoint_movement)
                  VALUES (%s, 'running', 'person', '2', %s, 'flight')"""
        self.refused_by("cx_tower_jet_transition_one_live", copy, self.jet.id, None)
        self.env.cr.execute(copy, (self.jet.id, live.id))
        self.refused_by("cx_tower_jet_transition_one_live_inside", copy, self.jet.id, live.id)
