from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .dependency_case import DependencyCase


@tagged("post_install", "-at_install")
class TestWaiting(DependencyCase):
    def setUp(self):
        super().setUp()
        self._give_plan("Start", template=self.template)
        self.shop = self._new_jet("Shop", "stopped")

    def test_a_jet_in_the_required_state_is_linked_and_the_action_begins_at_once(self):
        db = self._new_database()
        transition = self._start(self.shop)
        self.assertEqual((transition.state, self.shop.state), ("running", "starting"))
        self.assertEqual(self._serves(self.shop), db)
        self.assertFalse(db.transition_ids)

    def test_a_linked_jet_that_is_busy_is_waited_for_and_not_replaced(self):
        self._give_plan("Stop", "Start", template=self.database)
        db, other = self._new_database(), self._new_database("Other")
        self.shop.jet_requires_ids.filtered("jet_template_dependency_id").jet_depends_on_id = db
        self._action("Stop", self.database).trigger(db)
        transition = self._start(self.shop)
        self.assertEqual((transition.state, db.state), ("waiting", "stopping"))
        self._end_action(db)
        self.assertEqual((transition.state, db.state), ("waiting", "starting"))
        self._end_action(db)
        self.assertEqual((db.state, self.shop.state), ("running", "starting"))
        self.assertEqual(self._serves(self.shop), db)
        self.assertFalse(other.transition_ids)
        self.assertEqual(
            self.env["cx.tower.jet"].search_count([("jet_template_id", "=", self.database.id)]), 2
        )

    def test_a_jet_elsewhere_is_driven_and_the_action_waits_in_its_from_state(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database(state="stopped")
        transition = self._start(self.shop)
        self.assertEqual((transition.state, self.shop.state), ("waiting", "stopped"))
        self.assertEqual(self.shop.target_state_id.reference, "running")
        self.assertEqual((db.state, db.current_transition_id.source), ("starting", "request"))
        self._end_action(db)
        self.assertEqual((db.state, transition.state, self.shop.state), ("running", "running", "starting"))
        self.assertEqual(self._serves(self.shop), db)
        self._end_action(self.shop)
        self.assertEqual(self.shop.state, "running")
        self._is_idle(self.shop, db)

    def test_a_jet_on_its_way_there_is_waited_for(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database(state="stopped")
        self._start(db)
        transition = self._start(self.shop)
        self.assertEqual(transition.state, "waiting")
        self.assertEqual(len(db.transition_ids), 1)
        self._end_action(db)
        self.assertEqual(transition.state, "running")

    def test_a_jet_on_a_journey_there_is_waited_for_to_its_end(self):
        self._give_plan("Build", "Start", template=self.database)
        db = self._new_database(state=None)
        db.bring_to_state("running")
        transition = self._start(self.shop)
        self._end_action(db)
        self.assertEqual((db.state, transition.state), ("starting", "waiting"))
        self._end_action(db)
        self.assertEqual((db.state, transition.state), ("running", "running"))

    def test_a_jet_without_flight_plans_is_there_at_once(self):
        db = self._new_database(state=None)
        transition = self._start(self.shop)
        self.assertEqual((db.state, transition.state), ("running", "running"))

    def test_a_linked_jet_is_preferred_to_one_that_is_ready(self):
        self._give_plan("Start", template=self.database)
        ready, linked = self._new_database("Ready"), self._new_database("Linked", "stopped")
        self.shop._create_dependencies()
        self.shop.jet_requires_ids.jet_depends_on_id = linked
        transition = self._start(self.shop)
        self.assertEqual((transition.state, linked.state, ready.state), ("waiting", "starting", "running"))

    def test_nothing_is_needed_before_other_states(self):
        shop = self._new_jet("New shop")
        self._action("Prepare").trigger(shop.id)
        self.assertEqual(shop.state, "draft")
        self.assertFalse(self.env["cx.tower.jet.request"].search([]))

    def test_without_states_the_dependency_is_met_before_the_create_action_only(self):
        self.need.needed_in_state_ids = False
        self._give_plan("Start", template=self.database)
        db = self._new_database(state="stopped")
        shop = self._new_jet("New shop")
        self._action("Prepare").trigger(shop.id)
        self.assertEqual((shop.state, shop.current_transition_id.state), (False, "waiting"))
        self._end_action(db)
        self.assertEqual(shop.state, "draft")
        self.assertEqual(self._start(self.shop).state, "running")

    def test_a_failure_is_told_with_its_chain_and_the_jet_stays_where_it_is(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database(state="stopped")
        transition = self._start(self.shop)
        self._end_action(db, 3, "no disk")
        self.assertEqual((transition.state, transition.exit_code), ("failed", -506))
        self.assertEqual((self.shop.state, db.state), ("stopped", "stopped"))
        self.assertRegex(
            transition.message, "“Shop” waits for “DB”: its action “Start” failed: Line 1.* code 3"
        )
        self.assertFalse(self._serves(self.shop))
        self._is_idle(self.shop, db)

    def test_a_stop_of_the_jet_that_serves_ends_the_waiting(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database(state="stopped")
        transition = self._start(self.shop)
        db.stop()
        self.assertEqual(transition.state, "failed")
        self.assertIn("was stopped", transition.message)
        self._is_idle(self.shop, db)

    def test_stopping_the_waiting_transition_closes_its_requests_and_leaves_the_other_jet_alone(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database(state="stopped")
        transition = self._start(self.shop)
        self.shop.stop()
        self.assertEqual((transition.state, self.shop.state, db.state), ("stopped", "stopped", "starting"))
        self._end_action(db)
        self.assertEqual((self.shop.state, db.state), ("stopped", "running"))
        self._is_idle(self.shop, db)

    def test_the_time_limit_counts_from_the_start_of_the_waiting(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database(state="stopped")
        self.env["ir.config_parameter"].set_param("cetmix_tower_jet.request_timeout", "120")
        transition = self._start(self.shop)
        seconds = (transition.deadline - fields.Datetime.now()).total_seconds()
        self.assertAlmostEqual(seconds, 120, delta=5)
        self._look_after_jets()
        self.assertEqual(transition.state, "waiting")
        transition.deadline = fields.Datetime.now() - timedelta(seconds=1)
        self._look_after_jets()
        self.assertEqual((transition.state, transition.exit_code), ("failed", -506))
        self.assertIn("“Shop” waits for “DB”: no jet was in state “Running” within", transition.message)
        self.assertEqual(db.state, "starting")
        self._end_action(db)
        self._is_idle(self.shop, db)

    def test_a_jet_that_left_meanwhile_is_asked_for_again(self):
        storage = self._new_template("Storage")
        self._new_need(self.template, storage)
        self._give_plan("Start", template=storage)
        self._give_plan("Stop", template=self.database)
        db, disk = self._new_database(), self._new_jet("Disk", "stopped", storage)
        transition = self._start(self.shop)
        self.assertEqual(transition.state, "waiting")
        db.correct_state("stopped", "it crashed")
        self._end_action(disk)
        self.assertEqual((db.state, transition.state), ("running", "running"))

    def test_all_dependencies_are_asked_for_at_once(self):
        storage = self._new_template("Storage")
        self._new_need(self.template, storage)
        self._give_plan("Start", template=storage)
        self._give_plan("Start", template=self.database)
        db, disk = self._new_database(state="stopped"), self._new_jet("Disk", "stopped", storage)
        transition = self._start(self.shop)
        self.assertEqual((db.state, disk.state), ("starting", "starting"))
        self._end_action(disk)
        self.assertEqual(transition.state, "waiting")
        self._end_action(db)
        self.assertEqual(transition.state, "running")

    def test_one_failed_dependency_closes_the_other_requests(self):
        storage = self._new_template("Storage")
        self._new_need(self.template, storage)
        self._give_plan("Start", template=storage)
        self._give_plan("Start", template=self.database)
        db, disk = self._new_database(state="stopped"), self._new_jet("Disk", "stopped", storage)
        transition = self._start(self.shop)
        self._end_action(disk, 1)
        self.assertEqual(transition.state, "failed")
        self._is_idle(self.shop, disk)
        self._end_action(db)
        self.assertEqual((db.state, self.shop.state), ("running", "stopped"))


@tagged("post_install", "-at_install")
class TestShared(DependencyCase):
    """Several jets that need the same one."""

    def setUp(self):
        super().setUp()
        self._give_plan("Start", "Stop", template=self.database)
        self._give_plan("Start", template=self.template)
        self.database.limit_per_server = 1
        self.shops = self.env["cx.tower.jet"]
        for number in (1, 2):
            self.shops |= self._new_jet(f"Shop {number}", "stopped")

    def test_the_same_wish_shares_one_move(self):
        db = self._new_database(state="stopped")
        for shop in self.shops:
            self._start(shop)
        self.assertEqual(len(db.transition_ids), 1)
        self._end_action(db)
        self.assertEqual(self.shops.mapped("state"), ["starting", "starting"])
        self.assertEqual(self._serves(self.shops), db)

    def test_a_different_wish_waits_and_then_learns_that_the_jet_is_needed(self):
        backup = self._new_template("Backup")
        self._new_need(backup, self.database, "stopped")
        db, cold = self._new_database(state="stopped"), self._new_jet("Backup", "stopped", backup)
        self._start(self.shops[0])
        waiting = self._start(cold)
        self.assertEqual(waiting.state, "waiting")
        self._end_action(db)
        self.assertEqual((db.state, self.shops[0].state), ("running", "starting"))
        self.assertEqual((waiting.state, waiting.exit_code), ("failed", -506))
        self.assertIn("needed in their present states", waiting.message)
        self.assertEqual(len(db.transition_ids), 1, "no ping-pong")

    def test_a_different_wish_gets_the_jet_once_nobody_needs_it(self):
        backup = self._new_template("Backup")
        self._new_need(backup, self.database, "stopped")
        db, cold = self._new_database(state="stopped"), self._new_jet("Backup", "stopped", backup)
        first = self._start(self.shops[0])
        waiting = self._start(cold)
        self.shops[0].stop()
        self.assertEqual(first.state, "stopped")
        self._end_action(db)
        self.assertEqual((db.state, waiting.state), ("stopping", "waiting"))
        self._end_action(db)
        self.assertEqual((db.state, cold.state), ("stopped", "running"))

    def test_a_jet_that_is_needed_where_it_is_is_not_taken(self):
        backup = self._new_template("Backup")
        self._new_need(backup, self.database, "stopped")
        self.database.limit_per_server = 2
        db, other = self._new_database("Needed"), self._new_database("Free")
        self.shops[0]._create_dependencies()
        self.shops[0].jet_requires_ids.jet_depends_on_id = db
        self.shops[0]._set_state(self._state("running"))
        cold = self._new_jet("Backup", "stopped", backup)
        self._start(cold)
        self.assertEqual((db.state, other.state), ("running", "stopping"))

    def test_a_request_that_nothing_can_serve_yet_is_served_when_the_jet_is_idle(self):
        db = self._new_database(state="running")
        self._action("Stop", self.database).trigger(db.id)
        waiting = self._start(self.shops[0])
        self.assertEqual(waiting.state, "waiting")
        self._end_action(db)
        self.assertEqual((db.state, waiting.state), ("starting", "waiting"))
        self._end_action(db)
        self.assertEqual((db.state, waiting.state), ("running", "running"))

    def test_new_requests_are_looked_at_again_after_a_correction_and_a_creation(self):
        db = self._new_database(state="running")
        self._action("Stop", self.database).trigger(db.id)
        waiting = self._start(self.shops[0])
        self.database.limit_per_server = 2
        self._new_database("Another", "running")
        self._look_after_jets()
        self.assertEqual(waiting.state, "running")
        second = self._start(self.shops[1])
        self.assertEqual(second.state, "running")

    def test_a_request_is_never_served_by_the_run_that_asks(self):
        db = self._new_database(state="stopped")
        transition = self._start(db)
        around = self.env["cx.tower.jet"]._busy_around(transition.ids)
        self.assertEqual(around, {db.id})
        waiting = self._start(self.shops[0])
        around = self.env["cx.tower.jet"]._busy_around(transition.ids)
        self.assertEqual(around, {db.id, self.shops[0].id})
        self.assertEqual(self.env["cx.tower.jet"]._busy_around(waiting.ids), {self.shops[0].id})
        step = transition.plan_log_id.command_log_ids
        self.assertEqual(self.env["cx.tower.jet"]._busy_around((), step.ids), {db.id, self.shops[0].id})
