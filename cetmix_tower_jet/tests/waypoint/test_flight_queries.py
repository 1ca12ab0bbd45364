from odoo.tests import tagged

from .waypoint_case import WaypointCase


@tagged("post_install", "-at_install")
class TestFlightQueries(WaypointCase):
    """A flight takes as many queries for few values as for many: Odoo inserts up to 100 rows with one."""

    def queries_of_flight(self, count):
        variables = self.env["cx.tower.variable"].create(
            [{"name": f"V{count} {number}", "reference": f"v{count}_{number}"} for number in range(count)]
        )
        jet = self._new_jet(f"Jet {count}", state="running")
        Value = self.env["cx.tower.variable.value"]
        Value.create([{"jet_id": jet.id, "variable_id": one.id, "value_char": "old"} for one in variables])
        there = self._new_ready("There", jet=jet)
        jet.variable_value_ids.value_char = "new"
        self._new_current("Here", jet=jet)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        there.fly_to()
        self.env.flush_all()
        self.assertEqual(set(jet.variable_value_ids.mapped("value_char")), {"old"})
        return self.env.cr.sql_log_count - before

    def test_their_number_does_not_depend_on_that_of_the_values(self):
        self.queries_of_flight(2)  # fills the caches of the registry
        self.assertEqual(self.queries_of_flight(100), self.queries_of_flight(5))
