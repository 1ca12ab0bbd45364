import json

from odoo.tests import tagged

from ..jet_case import JetCase

#: What a card of the board shows.
CARD = {
    "name": {},
    "reference": {},
    "movement": {},
    "busy_text": {},
    "busy_since": {},
    "may_stop": {},
    "last_problem": {},
    "unmet_dependency_count": {},
    "unmet_dependency_text": {},
    "action_available_ids": {"fields": {"display_name": {}}},
    "tag_ids": {"fields": {"display_name": {}, "color": {}}},
}


@tagged("post_install", "-at_install")
class TestBoardReads(JetCase):
    """What the board and the form read."""

    def setUp(self):
        super().setUp()
        self._give_plan("Start")
        roles = {"users": self.user, "managers": self.manager}
        self.jets = self.env["cx.tower.jet"].union(
            *(self._new_jet(f"Jet {number}", "stopped", **roles) for number in range(12))
        )

    def queries(self, person, jets):
        self.env.invalidate_all()
        jets = jets.with_user(person)
        jets.web_read(CARD)  # warms the caches of the registry
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        jets.web_read(CARD)
        return self.env.cr.sql_log_count - before

    def test_the_number_of_queries_does_not_depend_on_the_number_of_cards(self):
        for jet in self.jets:
            self._action("Start").trigger(jet)
        for person in (self.user, self.manager, self.root):
            few = self.queries(person, self.jets[:3])
            many = self.queries(person, self.jets)
            self.assertLessEqual(many, few, person.login)

    def test_the_run_of_the_present_action_is_shown_and_stays_until_the_next(self):
        jet = self.jets[0].with_user(self.user)
        self._action("Start").with_user(self.user).trigger(jet)
        run = jet.sudo().current_transition_id.plan_log_id
        self.assertEqual(jet.live_plan_log_id, run)
        self._end_action(jet)
        self.env.invalidate_all()
        self.assertEqual(jet.state, "running")
        self.assertEqual(jet.live_plan_log_id, run)
        self._action("Stop").with_user(self.user).trigger(jet)
        self.env.invalidate_all()
        self.assertFalse(jet.live_plan_log_id, "the last action ran nothing")

    def test_who_may_not_read_the_run_is_not_shown_it(self):
        jet = self.jets[0]
        self._action("Start").access_level = "2"
        self._action("Start").with_user(self.manager).trigger(jet.with_user(self.manager))
        self.assertTrue(jet.with_user(self.manager).live_plan_log_id)
        self.assertFalse(jet.with_user(self.user).live_plan_log_id)

    def test_only_those_who_may_stop_are_offered_it(self):
        jet = self.jets[0]
        self._action("Start").with_user(self.manager).trigger(jet.with_user(self.manager))
        self.assertTrue(jet.with_user(self.manager).may_stop)
        self.assertTrue(jet.with_user(self.root).may_stop)
        self.assertFalse(jet.with_user(self.user).may_stop)

    def forget(self):
        self.env.cr.flush()
        self.env["bus.bus"].search([]).unlink()

    def announced(self):
        """Return the ids that open screens have been told since the last call."""
        self.env.cr.flush()
        sent = self.env["bus.bus"].search([]).filtered(lambda one: "cetmix_tower_jets" in one.message)
        ids = {number for one in sent for number in json.loads(one.message)["payload"]["ids"]}
        sent.unlink()
        return ids

    def test_jets_that_depend_on_a_jet_are_announced_with_it(self):
        needed, dependant = self.jets[:2]
        self.env["cx.tower.jet.dependency"].create({"jet_id": dependant.id, "jet_depends_on_id": needed.id})
        self.forget()
        self._action("Remove").trigger(needed)
        self.assertEqual(self.announced(), {needed.id, dependant.id})

    def test_new_and_deleted_jets_are_announced(self):
        self.forget()
        jet = self._new_jet("New")
        self.assertEqual(self.announced(), {jet.id})
        number = jet.id
        jet.unlink()
        self.assertEqual(self.announced(), {number})
