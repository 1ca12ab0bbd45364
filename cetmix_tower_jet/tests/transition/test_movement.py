from odoo.exceptions import UserError
from odoo.tests import tagged

from ...engine.asking import PERSON, Asking
from ...models.transition.refused import TransitionRefused
from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestMovement(JetCase):
    """A movement without an action, as an addon begins one: it makes the jet busy, and leaves it in its state."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plan = cls._new_plan("Back up", [cls.step], access_level="3")
        cls.no_action = cls.env["cx.tower.jet.action"]

    def _begin(self, jet):
        transition = jet._claim(
            self.no_action, Asking("3", PERSON), action_name="Back up", plan_id=self.plan.id
        )
        transition._enter()
        return transition

    def test_the_jet_is_busy_with_it_and_stays_in_its_state(self):
        jet = self._new_jet(state="running")
        transition = self._begin(jet)
        self.assertEqual((jet.state, jet.current_transition_id), ("running", transition))
        with self.assertRaisesRegex(UserError, "Stop.*not available.*Back up.*is running"):
            self._action("Stop").trigger(jet)
        self._end_action(jet)
        self.assertEqual((jet.state, jet.movement, transition.state), ("running", "idle", "done"))
        self.assertTrue(jet.active)
        self.assertFalse(jet.current_transition_id)

    def test_only_one_of_two_begins(self):
        jet = self._new_jet(state="running")
        self._begin(jet)
        with self.assertRaisesRegex(TransitionRefused, "“Back up” is not available.*“Back up” is running"):
            self._begin(jet)

    def test_a_failure_leaves_the_jet_in_its_state_and_is_told(self):
        jet = self._new_jet(state="running")
        transition = self._begin(jet)
        self._end_action(jet, 7)
        self.assertEqual((jet.state, jet.movement, transition.state), ("running", "problem", "failed"))
        self.assertTrue(jet.last_problem)

    def test_resuming_its_run_continues_it(self):
        jet = self._new_jet(state="running")
        transition = self._begin(jet)
        run = transition.plan_log_id
        self._end_action(jet, -209)
        self.assertEqual(transition.state, "interrupted")
        run.resume()
        self.assertEqual(jet.current_transition_id.resumes_id, transition)
        self.assertEqual((jet.state, jet.current_transition_id.action_name), ("running", "Back up"))
        self._end_action(jet)
        self.assertEqual((jet.state, jet.movement), ("running", "idle"))

    def test_a_second_flight_plan_may_follow_the_first(self):
        jet, after = self._new_jet(state="running"), self._new_plan("Check", [self.step], access_level="3")
        transition = self._begin(jet)
        first, ended = transition.plan_log_id, type(transition)._plan_ended

        def plan_ended(transition, run):
            if run != first:
                return ended(transition, run)
            transition.plan_id = after
            return transition._start_plan()

        self.patch(type(transition), "_plan_ended", plan_ended)
        self._end_action(jet)
        self.assertEqual((transition.state, transition.plan_log_id.plan_id), ("running", after))
        self.assertEqual(jet.current_transition_id, transition)
        self._end_action(jet)
        self.assertEqual((transition.state, jet.movement), ("done", "idle"))

    def test_a_jet_without_a_state_is_not_destroyed_by_it(self):
        jet = self._new_jet()
        transition = self._begin(jet)
        self._end_action(jet)
        self.assertEqual((transition.state, jet.active), ("done", True))
