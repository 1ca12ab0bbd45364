from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestResume(JetCase):
    """Who resumes the run of an action, and when it is too late for that."""

    def _interrupted(self, jet, name="Start", person=None):
        """Trigger an action on a jet whose run is then interrupted. :return: the run"""
        self._as(self._action(name), person).trigger(jet.id)
        run = jet.current_transition_id.plan_log_id
        self._end_run(run, -209)
        return run

    def test_who_triggered_it_resumes_it_whatever_the_level_of_its_plan(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped", users=self.user)
        run = self._interrupted(jet, person=self.user)
        run.with_user(self.user).resume()
        self.assertEqual((jet.state, jet.current_transition_id.user_id), ("starting", self.user))

    def test_who_may_not_trigger_the_action_does_not_resume_it(self):
        plan = self._give_plan("Start")
        plan.access_level = self.step.access_level = "1"
        plan.user_ids = self.manager
        self._action("Start").access_level = "2"
        jet = self._new_jet(state="stopped", users=self.manager)
        run = self._interrupted(jet)
        with self.assertRaisesRegex(AccessError, "needs the access level Manager"):
            run.with_user(self.manager).resume()
        self.assertEqual(jet.state, "stopped")
        jet.manager_ids = self.manager
        run.with_user(self.manager).resume()
        self.assertEqual(jet.state, "starting")

    def test_who_has_lost_their_role_since_does_not_resume_it(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped", users=self.user)
        run = self._interrupted(jet, person=self.user)
        jet.user_ids = False
        with self.assertRaises(AccessError):
            run.with_user(self.user).resume()

    def test_the_journey_goes_no_further_than_who_resumes_it_may_go(self):
        self._give_plan("Build", "Start")
        self._action("Start").access_level = "3"
        jet = self._new_jet(state="draft", users=self.manager)
        jet.bring_to_state("running")
        run = jet.current_transition_id.plan_log_id
        self._end_run(run, -209)
        run.with_user(self.manager).resume()
        self._end_action(jet)
        self.assertEqual((jet.state, jet.current_transition_id.id), ("stopped", False))
        self.assertIn("above your access level", jet.last_problem)

    def test_a_run_is_not_resumed_once_the_jet_was_moved_and_came_back(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped")
        run = self._interrupted(jet)
        self._action("Start").trigger(jet)
        self._end_action(jet)
        self._action("Stop").trigger(jet)
        self.assertEqual(jet.state, "stopped")
        with self.assertRaisesRegex(UserError, "“Stop” has followed"):
            run.resume()

    def test_the_run_of_a_deleted_jet_does_not_go_on_on_its_server(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped")
        run = self._interrupted(jet)
        jet.unlink()
        for again in (run.resume, run.action_run_again):
            with self.assertRaisesRegex(UserError, "its jet.* was deleted"):
                again()
        step = run.command_log_ids
        with self.assertRaisesRegex(UserError, "its jet.* was deleted"):
            step.action_run_again()
        self.assertFalse(run.can_resume)

    def test_a_refusal_says_what_is_in_the_way(self):
        self._give_plan("Start")
        jet = self._new_jet("Web", state="stopped")
        run = self._interrupted(jet)
        jet.active = False
        with self.assertRaisesRegex(UserError, "“Web” is archived"):
            run.resume()
        jet.active = True
        self._action("Start").trigger(jet)
        with self.assertRaisesRegex(UserError, "“Start” is running"):
            run.resume()

    def test_a_run_whose_transition_was_deleted_does_not_run_without_moving_the_jet(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped")
        run = self._interrupted(jet)
        jet.transition_ids.unlink()
        with self.assertRaisesRegex(UserError, "Trigger “Start” again"):
            run.resume()
        self.assertFalse(run.resumed_by_ids)
        run.action_run_again()
        self.assertEqual((jet.state, jet.current_action_id), ("starting", self._action("Start")))
