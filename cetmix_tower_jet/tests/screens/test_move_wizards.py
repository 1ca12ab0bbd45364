from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestMoveWizards(JetCase):
    """Moving several jets at once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        roles = {"users": cls.user, "managers": cls.manager}
        cls.one = cls._new_jet("One", "stopped", **roles)
        cls.two = cls._new_jet("Two", "stopped", **roles)
        cls.three = cls._new_jet("Three", "running", **roles)

    def wizard(self, kind, jets, person=None, **values):
        model = self.env[f"cx.tower.jet.{kind}.wizard"].with_user(person or self.manager)
        return model.create({"jet_ids": [(6, 0, jets.ids)], **values})

    def test_only_actions_that_are_available_on_all_jets_are_offered(self):
        both = self.wizard("action", self.one | self.two)
        self.assertEqual(both.action_available_ids.mapped("name"), ["Start", "Remove"])
        self.assertFalse(both.obstacles)
        mixed = self.wizard("action", self.one | self.three)
        self.assertFalse(mixed.action_available_ids)
        self.assertIn("Start: not on “Three”, which is in state “Running”", mixed.obstacles)
        self.assertIn("Stop: not on “One”", mixed.obstacles)

    def test_a_jet_that_is_there_already_is_no_obstacle(self):
        wizard = self.wizard("state", self.one | self.three)
        self.assertIn("running", wizard.available_state_ids.mapped("reference"))
        wizard.state_id = self._state("running")
        wizard.action_confirm()
        self.assertEqual((self.one | self.three).mapped("state"), ["running", "running"])
        self.assertIn("already in state", wizard.result)

    def test_a_busy_jet_prevents_everything_and_the_reason_is_told(self):
        self._give_plan("Start")
        self._action("Start").trigger(self.one)
        wizard = self.wizard("action", self.one | self.two)
        self.assertFalse(wizard.action_available_ids)
        self.assertIn("“One” is busy: “Start”", wizard.obstacles)

    def test_what_will_happen_is_described_for_each_jet(self):
        wizard = self.wizard("state", self.one | self.two, state_id=self._state("running").id)
        self.assertIn("takes “One” from “Stopped” to “Running”", wizard.preview)
        self.assertIn("takes “Two” from “Stopped” to “Running”", wizard.preview)

    def test_names_of_jets_are_text_in_the_table(self):
        self.one.name = "<b>One</b>"
        wizard = self.wizard("state", self.one, state_id=self._state("running").id)
        self.assertIn("&lt;b&gt;One", wizard.preview)

    def test_one_jet_that_fails_does_not_stop_the_others(self):
        wizard = self.wizard("action", self.one | self.two, action_id=self._action("Start").id)
        self._action("Start").trigger(self.one)  # somebody was faster
        action = wizard.action_confirm()
        self.assertEqual(self.two.state, "running")
        self.assertEqual(action["name"], "1 of 2 jets failed")
        self.assertIn("not available on “One”", wizard.result)
        self.assertIn("Done.", wizard.result)

    def test_nothing_chosen_is_refused(self):
        with self.assertRaises(UserError):
            self.wizard("state", self.one).action_confirm()

    def test_a_jet_that_the_person_may_not_read_cannot_be_chosen(self):
        foreign = self._new_jet("Foreign", "stopped")
        with self.assertRaises(AccessError):
            self.wizard("state", self.one | foreign, person=self.user)

    def test_a_wizard_is_of_the_person_who_opened_it(self):
        wizard = self.wizard("state", self.one, state_id=self._state("running").id)
        with self.assertRaises(AccessError):
            wizard.with_user(self.user).action_confirm()

    def test_the_wizards_open_from_jets(self):
        jets = (self.one | self.two).with_user(self.user)
        for action, model in (
            (jets.action_open_state_wizard(), "cx.tower.jet.state.wizard"),
            (jets.action_open_action_wizard(), "cx.tower.jet.action.wizard"),
        ):
            self.assertEqual(action["res_model"], model)
            self.assertEqual(action["context"]["default_jet_ids"], jets.ids)

    def test_a_correction_runs_nothing_and_is_kept_with_its_reason(self):
        self._give_plan("Start")
        self.one.with_user(self.manager).action_open_correct_wizard()
        wizard = (
            self.env["cx.tower.jet.correct.wizard"]
            .with_user(self.manager)
            .create(
                {"jet_id": self.one.id, "state_id": self._state("running").id, "reason": "Started by hand"}
            )
        )
        wizard.action_confirm()
        self.assertEqual(self.one.state, "running")
        self.assertEqual(self.one.transition_ids.mapped("message"), ["Started by hand"])
        self.assertFalse(self.one.plan_log_ids)

    def test_who_may_not_write_the_jet_cannot_correct_it(self):
        with self.assertRaises(AccessError):
            self.one.with_user(self.user).action_open_correct_wizard()
