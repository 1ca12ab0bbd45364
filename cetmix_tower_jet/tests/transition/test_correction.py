from odoo.exceptions import UserError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestCorrection(JetCase):
    def test_a_destroyed_jet_that_is_there_after_all_takes_its_place_again(self):
        template = self._new_template("Single", limit_per_server=1)
        port = self.env["cx.tower.variable"].create(
            {
                "name": "Port",
                "reference": "corrected_port",
                "allocation": "server",
                "allocation_range": "8000-8001",
            }
        )
        template.variable_value_ids = [(0, 0, {"variable_id": port.id})]
        jet = self._new_jet("Old", "removed", template)
        self._action("Destroy", template).trigger(jet)
        jet.active = True
        other = self._new_jet("New", "running", template)
        with self.assertRaisesRegex(UserError, "jets per server: 1"), self.env.cr.savepoint():
            jet.correct_state("running", "It is still there.")
        self.assertEqual((jet.state, jet.seat), (False, 0))
        other.unlink()
        jet.correct_state("running", "It is still there.")
        self.assertEqual((jet.state, jet.seat, jet.variable_value_ids.value_char), ("running", 1, "8000"))
