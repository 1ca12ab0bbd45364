from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .waypoint_case import WaypointCase

NOTHING = {"added": {}, "removed": {}, "changed": {}}


@tagged("post_install", "-at_install")
class TestCompare(WaypointCase):
    """What going to a waypoint would change, as far as the reader may know."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.manager_ids = cls.manager
        Variable = cls.env["cx.tower.variable"]
        cls.env["cx.tower.variable"].create({"name": "Port", "reference": "port", "access_level": "1"})
        cls.env["cx.tower.variable"].create({"name": "Pepper", "reference": "pepper", "access_level": "3"})
        cls.mode = Variable.create(
            {
                "name": "Mode",
                "reference": "mode",
                "variable_type": "o",
                "access_level": "1",
                "option_ids": [
                    (0, 0, {"name": text.title(), "value_char": text, "access_level": "1"})
                    for text in ("fast", "safe")
                ],
            }
        )

    def set(self, **texts):
        for reference, text in texts.items():
            self.jet.set_variable_value(reference, text)

    def variables(self, waypoint, other=None, person=None):
        return self._as(waypoint, person).compare(other)["variables"]

    # What is compared

    def test_equal_ones_differ_in_nothing(self):
        self.set(edition="{{ port }}", mode="fast")
        self.assertEqual(self._new_ready().compare(), {"variables": NOTHING, "metadata": NOTHING})

    def test_with_the_jet_as_it_is_now(self):
        self.set(edition="old", port="80")
        waypoint = self._new_ready()
        self.set(edition="{{ new }}", port=False, mode="safe")
        self.assertEqual(
            self.variables(waypoint),
            {
                "added": {"port": "80"},
                "removed": {"mode": "safe"},
                "changed": {"edition": ["{{ new }}", "old"]},
            },
        )

    def test_with_another_waypoint(self):
        self.set(edition="first", mode="fast")
        first = self._new_ready("First")
        self.set(edition="second", mode=False, port="81")
        second = self._new_ready("Second")
        there = {
            "added": {"port": "81"},
            "removed": {"mode": "fast"},
            "changed": {"edition": ["first", "second"]},
        }
        for other in (first, first.id, first.reference):
            self.assertEqual(self.variables(second, other), there)
        self.assertEqual(self.variables(first, second)["added"], {"mode": "fast"})

    def test_what_it_says_is_what_a_flight_changes(self):
        self.set(edition="old", port="80", mode="fast")
        waypoint = self._new_ready()
        self.set(edition="", port=False, pepper="x")
        said = self.variables(waypoint)
        before = self._new_ready("Before the flight")
        waypoint.fly_to()
        self.assertEqual(self.variables(waypoint), NOTHING)
        self.assertEqual(self.variables(waypoint, before), said)
        self.assertTrue(all(said.values()))

    def test_rows_without_an_effect_are_no_values(self):
        self.set(edition="old", port="80")
        waypoint = self._new_ready()
        rows = self.jet.variable_value_ids
        rows[0].active = False
        rows[1].write({"required": True, "value_char": False})
        self.assertEqual(self.variables(waypoint)["added"], {"edition": "old", "port": "80"})

    def test_a_renamed_variable_is_still_the_same(self):
        self.set(edition="old")
        waypoint = self._new_ready()
        self.variable.reference = "version"
        self.assertEqual(self.variables(waypoint), NOTHING)

    def test_values_of_a_deleted_variable_are_named_as_they_were(self):
        self.set(edition="old")
        waypoint = self._new_ready()
        self.jet.variable_value_ids.unlink()
        self.variable.unlink()
        self.assertEqual(self.variables(waypoint)["added"], {"edition": "old"})

    def test_metadata_of_the_current_waypoint_is_the_metadata_now(self):
        here = self._new_current("Here")
        there = self._new_ready("There")
        self.jet.update_metadata({"jet": "itself"})
        here.update_metadata({"backup": ["a"], "version": 1, "same": {"x": 1}})
        there.update_metadata({"version": True, "size": 5, "same": {"x": 1}})
        expected = {"added": {"size": 5}, "removed": {"backup": ["a"]}, "changed": {"version": [1, True]}}
        self.assertEqual(there.compare()["metadata"], expected)
        self.assertEqual(there.compare(here)["metadata"], expected)

    def test_allocated_values_stay_on_the_jet_and_are_not_compared(self):
        waypoint = self._new_ready()
        self.env["cx.tower.variable"].create(
            {"name": "Slot", "reference": "slot", "allocation": "server", "allocation_range": "1-9"}
        )
        self.set(slot="3")
        self.assertEqual(self.variables(waypoint), NOTHING)

    def test_a_value_that_has_become_allocated_since_is_not_compared(self):
        self.set(port="80")
        waypoint = self._new_ready()
        self.jet.variable_value_ids.unlink()
        port = self.env["cx.tower.variable"].search([("reference", "=", "port")])
        port.write({"allocation": "server", "allocation_range": "1-99"})
        self.assertEqual(self.variables(waypoint), NOTHING)

    # Rights and refusals

    def test_only_values_up_to_the_level_of_the_reader_are_compared(self):
        self.set(edition="old", pepper="cayenne")
        waypoint = self._new_ready()
        self.set(edition="new", pepper="bell")
        self.assertEqual(self.variables(waypoint)["changed"]["pepper"], ["bell", "cayenne"])
        self.assertEqual(set(self.variables(waypoint, person=self.manager)["changed"]), {"edition"})
        read = waypoint.with_user(self.manager).read_comparison()
        self.assertTrue(read["hidden"])
        self.assertNotIn("cayenne", str(read) + str(waypoint.with_user(self.manager).read_flight()))
        self.assertFalse(waypoint.read_comparison()["hidden"])

    def test_a_value_that_is_too_high_on_one_side_is_left_out_on_both(self):
        self.set(edition="old")
        waypoint = self._new_ready()
        self.jet.variable_value_ids.write({"access_level": "3", "value_char": "new"})
        self.assertEqual(self.variables(waypoint, person=self.manager), NOTHING)

    def test_a_level_that_was_raised_later_counts(self):
        self.set(edition="old")
        waypoint = self._new_ready()
        self.jet.variable_value_ids.unlink()
        self.variable.access_level = "3"
        self.assertEqual(self.variables(waypoint, person=self.manager), NOTHING)
        self.assertFalse(waypoint.with_user(self.manager).variable_values)

    def test_both_must_be_readable(self):
        waypoint, hidden = self._new_ready("Open"), self._new_ready("Root only", access_level="3")
        for call in (
            lambda: waypoint.with_user(self.manager).compare(hidden.id),
            lambda: hidden.with_user(self.manager).compare(waypoint.id),
            lambda: waypoint.with_user(self.user).compare(),
            lambda: waypoint.with_user(self.manager_2).compare(),
            lambda: waypoint.with_user(self.user).action_compare(),
            lambda: waypoint.with_user(self.user).read_comparison(),
        ):
            with self.assertRaises(AccessError):
                call()
        self.assertTrue(waypoint.with_user(self.manager).compare())

    def test_now_takes_the_right_to_read_the_jet(self):
        """A Manager of the template reads its waypoints, but not every jet."""
        self.template.manager_ids += self.manager_2
        first, second = self._new_ready("First"), self._new_ready("Second")
        self.assertTrue(first.with_user(self.manager_2).compare(second))
        for call in (first.with_user(self.manager_2).compare, first.with_user(self.manager_2).read_flight):
            with self.assertRaises(AccessError):
                call()

    def test_metadata_of_a_current_waypoint_that_is_above_the_reader_is_not_shown(self):
        self._new_current("Here", access_level="3").update_metadata({"a": "hidden"})
        there = self._new_ready("There")
        self.assertEqual(there.compare()["metadata"]["removed"], {"a": "hidden"})
        self.assertEqual(there.with_user(self.manager).compare()["metadata"], NOTHING)

    def test_what_cannot_be_compared_is_refused_in_plain_words(self):
        waypoint = self._new_ready()
        elsewhere = self._new_ready("Elsewhere", jet=self._new_jet("Other", state="running"))
        for other, error, text in (
            (waypoint, ValidationError, "cannot be compared with itself"),
            (elsewhere, ValidationError, "belong to different jets"),
            ("nowhere", ValidationError, "nowhere"),
            (0, ValidationError, "Pass one"),
            (self._new_waypoint("Draft"), UserError, "“Draft.*never ready"),
        ):
            with self.subTest(text), self.assertRaisesRegex(error, text):
                waypoint.compare(other)
        with self.assertRaisesRegex(UserError, "never ready"):
            self._new_waypoint("Draft").compare()

    # For screens

    def test_what_a_screen_shows(self):
        self.set(edition="a\nb\n", port="80", mode="fast")
        waypoint = self._new_ready()
        self.set(edition="a\nc\n", port="80", mode=False)
        waypoint.metadata = {"n": 1}
        found = waypoint.read_comparison()
        self.assertEqual((found["before"], found["hidden"]), ("“Shop” now", False))
        self.assertEqual(
            [(one["key"], one["name"], one["kind"], one["rows"]) for one in found["variables"]],
            [
                ("edition", "Edition", "changed", [["same", 1, "a", 1, "a"], ["changed", 2, "c", 2, "b"]]),
                ("mode", "Mode", "added", [["added", 0, "", 1, "fast"]]),
                ("port", "Port", "same", [["same", 1, "80", 1, "80"]]),
            ],
        )
        self.assertEqual(found["metadata"][0]["rows"], [["added", 0, "", 1, "1"]])

    def test_a_text_and_a_number_that_look_alike_are_shown_differently(self):
        waypoint, other = self._new_ready("New"), self._new_ready("Old")
        waypoint.metadata, other.metadata = {"n": 1}, {"n": "1"}
        [entry] = waypoint.read_comparison(other)["metadata"]
        self.assertEqual(entry["rows"], [["changed", 1, '"1"', 1, "1"]])

    def test_the_button_compares_one_with_now_and_two_with_each_other(self):
        first, second = self._new_ready("First"), self._new_ready("Second")
        self.assertEqual(first.action_compare()["params"], {"waypoint_id": first.id, "other_id": False})
        for both in (first + second, second + first):
            params = both.action_compare()["params"]
            self.assertEqual(params, {"waypoint_id": second.id, "other_id": first.id})
        with self.assertRaisesRegex(UserError, "two of the same jet"):
            (first + second + self._new_ready("Third")).action_compare()

    def test_the_number_of_queries_does_not_depend_on_that_of_values(self):
        variables = self.env["cx.tower.variable"].create(
            [{"name": f"V{number}", "reference": f"v{number}", "access_level": "1"} for number in range(40)]
        )
        Value = self.env["cx.tower.variable.value"]

        def count(variables):
            Value.create(
                [{"jet_id": self.jet.id, "variable_id": one.id, "value_char": "a"} for one in variables]
            )
            waypoint = self._new_ready()
            self.jet.variable_value_ids.value_char = "b"
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            waypoint.read_flight()
            return self.env.cr.sql_log_count - before

        few = count(variables[:3])
        self.assertLessEqual(count(variables[3:]), few)

    # Before a flight

    def test_a_flight_is_described(self):
        there = self._new_ready("There", self.planned)
        self._new_current("Here", self.planned)
        found = there.with_user(self.manager).read_flight()
        self.assertEqual((found["waypoint"], found["jet_name"], found["refusal"]), ("There", "Shop", ""))
        self.assertEqual(
            found["steps"],
            [
                "“leave it” runs to leave “Here”.",
                "The values of “Shop” are replaced by the saved ones.",
                "“arrive it” runs to arrive.",
            ],
        )
        self.assertEqual(found["comparison"]["variables"], [])
        self.assertEqual(there.state, "ready")

    def test_why_the_jet_cannot_fly(self):
        there = self._new_ready("There")
        self.assertIn("already", self._new_current().read_flight()["refusal"])
        draft = self._new_waypoint("Draft").read_flight()
        self.assertIn("Prepare it first", draft["refusal"])
        self.assertFalse(draft["comparison"])
        self._new_waypoint(kind=self.planned).prepare()
        self.assertIn("“Prepare waypoint” is running", there.read_flight()["refusal"])

    def test_what_is_missing_is_listed_and_what_is_above_the_reader_only_counted(self):
        self.set(edition="old", pepper="cayenne", mode="fast")
        there = self._new_ready("There")
        self.jet.variable_value_ids.unlink()
        self.env["cx.tower.variable"].search([("reference", "in", ("edition", "pepper"))]).unlink()
        self.mode.option_ids[0].value_char = "faster"
        refusal = there.with_user(self.manager).read_flight()["refusal"]
        self.assertIn("The variable “edition” no longer exists.", refusal)
        self.assertIn("no longer has the option “fast”", refusal)
        self.assertIn("One value that you may not see cannot be restored.", refusal)
        self.assertNotIn("pepper", refusal)
        with self.assertRaisesRegex(UserError, "One value that you may not see"):
            there.with_user(self.manager).fly_to()
        self.assertIn("The variable “pepper” no longer exists.", there.read_flight()["refusal"])

    def test_only_who_may_fly_is_asked(self):
        there = self._new_ready("There")
        self.template.manager_ids = False
        for method in ("read_flight", "action_ask_to_fly"):
            with self.assertRaises(AccessError):
                getattr(there.with_user(self.manager), method)()
        self.assertTrue(there.with_user(self.manager).compare())
