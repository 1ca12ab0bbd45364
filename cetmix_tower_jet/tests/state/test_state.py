from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools.convert import convert_file

from ..jet_case import JetCase

SHIPPED = (
    "preparing draft building starting running stopping stopped restarting removing removed destroying"
).split()


@tagged("post_install", "-at_install")
class TestState(JetCase):
    def test_both_names_of_scripts_lead_to_the_shipped_states(self):
        for number, reference in enumerate(SHIPPED, 1):
            state = self.env.ref(f"cetmix_tower_jet.cx_tower_jet_state_{reference}")
            self.assertEqual((state.reference, state.sequence), (reference, number))
            self.assertEqual(self.env.ref(f"cetmix_tower_server.cx_tower_jet_state_{reference}"), state)

    def test_an_update_changes_and_deletes_no_state(self):
        state = self._state("running")
        state.name = "Up"
        names = self.env["ir.model.data"].search([("model", "=", "cx.tower.jet.state")])
        self.assertEqual(len(names), 2 * len(SHIPPED))
        # what is not noupdate and not in the files of an update is deleted
        self.assertTrue(all(names.mapped("noupdate")))
        for file in ("cx_tower_jet_state.xml", "names_of_scripts.xml"):
            convert_file(self.env, "cetmix_tower_jet", f"data/{file}", {}, mode="update")
        self.assertEqual(state.name, "Up")
        self.assertEqual(self.env.ref("cetmix_tower_server.cx_tower_jet_state_running"), state)

    def test_a_state_in_use_cannot_be_deleted(self):
        with self.assertRaisesRegex(UserError, "“Stopped” cannot be deleted because it is used by .*Remove"):
            self._state("stopped").unlink()

    def test_a_state_that_only_a_jet_is_in_cannot_be_deleted(self):
        state = self.env["cx.tower.jet.state"].create({"name": "Degraded"})
        jet = self._new_jet()
        jet._set_state(state)
        with self.assertRaisesRegex(UserError, "“Degraded” .*“Jet"):
            state.unlink()

    def test_a_state_that_a_dependency_is_needed_in_cannot_be_deleted(self):
        state = self.env["cx.tower.jet.state"].create({"name": "Degraded"})
        other = self._new_template("Database")
        self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": self.template.id,
                "template_required_id": other.id,
                "state_required_id": self._state("running").id,
                "needed_in_state_ids": state.ids,
            }
        )
        with self.assertRaisesRegex(UserError, "“Degraded”.*“Shop” need “Database”"):
            state.unlink()

    def test_a_state_of_a_running_action_cannot_be_deleted_even_if_the_action_was_changed(self):
        state = self.env["cx.tower.jet.state"].create({"name": "Degraded"})
        self._give_plan("Start")
        self._action("Start").state_to_id = state
        jet = self._new_jet(state="stopped")
        self._action("Start").trigger(jet)
        self._action("Start").state_to_id = self._state("running")
        jet._write_moves({"target_state_id": False})
        with self.assertRaisesRegex(UserError, "“Degraded” cannot be deleted while “Start”"):
            state.unlink()
        self._end_action(jet)
        self.assertEqual(jet.state_id, state)

    def test_an_unused_state_can_be_deleted_and_copied(self):
        state = self.env["cx.tower.jet.state"].create({"name": "Degraded"})
        self.assertEqual((state.reference, state.access_level), ("degraded", "1"))
        copy = state.copy()
        self.assertEqual((copy.name, copy.reference), ("Degraded (copy)", "degraded_copy"))
        (state | copy).unlink()

    def test_jets_still_pass_an_archived_state(self):
        self._state("stopped").active = False
        jet = self._new_jet(state="running")
        self._action("Stop").trigger(jet)
        self.assertEqual(jet.state, "stopped")
        self.assertNotIn(self._state("stopped"), self.env["cx.tower.jet.state"].search([]))
