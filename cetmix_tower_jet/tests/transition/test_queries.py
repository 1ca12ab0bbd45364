from odoo.tests import tagged

from ..jet_case import JetCase

#: Queries of a transition beyond those of its flight plan: claim, states, end, dependencies, news for open screens.
#: A transition takes 29; some room for new extension points.
MORE_THAN_PLAN = 33


@tagged("post_install", "-at_install")
class TestTransitionQueries(JetCase):
    """What a transition costs beyond its flight plan, and that nobody's chatter is filled with it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plan = cls._give_plan("Build", "Start", "Restart")

    def _queries(self, action):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        action()
        self.env.flush_all()
        self.env.cr.precommit.run()
        return self.env.cr.sql_log_count - before

    def _by_hand(self, jet):
        jet.run_flight_plan(self.plan)
        self._end_run(jet.plan_log_ids.sorted("id")[-1])

    def _journey(self, jet):
        jet.bring_to_state("running")
        self._end_action(jet)
        self._end_action(jet)

    def test_a_transition_takes_few_queries_more_than_its_flight_plan(self):
        for _ in range(2):  # the second time, what processes keep is there
            by_hand = self._queries(lambda: self._by_hand(self._new_jet("By hand", "running")))
            journey = self._queries(lambda: self._journey(self._new_jet("Journey", "draft")))
            creation = self._queries(lambda: self._new_jet("Jet", "draft"))
        more = (journey - creation) / 2 - (by_hand - creation)
        self.assertLessEqual(more, MORE_THAN_PLAN)

    def test_good_transitions_leave_nothing_in_the_chatter(self):
        jet = self._new_jet("Quiet", "draft")
        self.env.flush_all()
        self.env.cr.precommit.run()
        before = jet.message_ids
        self._journey(jet)
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.assertEqual(jet.state, "running")
        self.assertEqual(jet.message_ids, before)
