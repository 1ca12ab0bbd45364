from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestOffers(JetCase):
    def _names(self, jet, person):
        return jet.with_user(person).action_available_ids.mapped("name")

    def test_only_actions_that_start_here_are_offered(self):
        jet = self._new_jet(state="running", users=self.user)
        self.assertEqual(self._names(jet, self.user), ["Stop", "Restart"])
        jet._set_state(self._state("removed"))
        self.assertEqual(self._names(jet, self.user), ["Destroy"])
        self.assertEqual(jet.state_available_ids, self._state("draft").browse())

    def test_levels_count_as_on_the_jet(self):
        self._action("Stop").access_level = "2"
        self._action("Restart").access_level = "3"
        self.template.user_ids = self.manager
        jet = self._new_jet(state="running", users=self.user | self.manager)
        self.assertEqual(self._names(jet, self.user), [])
        self.assertEqual(self._names(jet, self.manager), [])
        jet.manager_ids = self.manager
        self.assertEqual(self._names(jet, self.manager), ["Stop"])
        self.assertEqual(self._names(jet, self.root), ["Stop", "Restart"])

    def test_a_busy_jet_offers_nothing_and_says_why(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped", users=self.user | self.user_2)
        self._action("Start").with_user(self.user).trigger(jet)
        seen = jet.with_user(self.user_2)
        self.assertFalse(seen.action_available_ids)
        self.assertFalse(seen.state_available_ids)
        self.assertRegex(seen.busy_text, "Start.*Tower user")
        self.assertTrue(seen.busy_since)
        self.assertFalse(seen.may_stop)
        self.assertTrue(jet.with_user(self.user).may_stop)

    def test_a_script_that_triggers_an_action_sees_at_once_what_the_jet_is_busy_with(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped")
        self.assertFalse(jet.busy_text or jet.live_plan_log_id or jet.may_stop)
        result = self._action("Start").trigger(jet)
        self.assertIn("“Start”", jet.busy_text)
        self.assertEqual((jet.live_plan_log_id.id, jet.may_stop), (result["log"], True))
        self._end_action(jet)
        self.assertFalse(jet.busy_text)

    def test_states_that_can_be_reached_are_offered(self):
        jet = self._new_jet(state="stopped", users=self.user)
        self.assertEqual(
            jet.with_user(self.user).state_available_ids.mapped("reference"), ["running", "removed"]
        )
        self._state("removed").access_level = "3"
        self.env.invalidate_all()
        self.assertEqual(jet.with_user(self.user).state_available_ids.mapped("reference"), ["running"])
        with self.assertRaises(AccessError):
            jet.with_user(self.user).bring_to_state("removed")

    def test_many_jets_cost_as_many_queries_as_one(self):
        jets = self.env["cx.tower.jet"].concat(
            *(self._new_jet(f"Jet {number}", "running", users=self.user) for number in range(20))
        )
        names = ["action_available_ids", "state_available_ids", "busy_text", "may_stop", "movement"]
        counts = []
        for some in (jets[:1], jets[:1], jets):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some.with_user(self.user).read(names)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts[1:])  # the first one fills caches of the registry

    def test_a_failure_is_seen_on_the_jet_until_an_action_succeeds(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped")
        self._action("Start").trigger(jet)
        self.assertEqual(jet.movement, "busy")
        self._end_action(jet, 3)
        self.assertEqual(jet.movement, "problem")
        self.assertIn("exit code 3", jet.last_problem)
        self._action("Start").trigger(jet)
        self.assertEqual((jet.movement, jet.last_problem), ("busy", False))
        self._end_action(jet)
        self.assertEqual((jet.movement, jet.last_problem), ("idle", False))
