from odoo.tests import tagged

from .dependency_case import DependencyCase


@tagged("post_install", "-at_install")
class TestCreating(DependencyCase):
    """Where no jet can serve a dependency, a new one is created, with the rights of the person who triggered the action."""

    def setUp(self):
        super().setUp()
        self._give_plan("Build", template=self.database)
        self.shop = self._new_jet("Shop", "stopped", users=self.user)

    def _databases(self):
        return self.env["cx.tower.jet"].search([("jet_template_id", "=", self.database.id)])

    def test_a_new_jet_is_created_and_brought_to_the_state(self):
        transition = self._start(self.shop)
        db = self._databases()
        self.assertEqual((transition.state, db.state), ("waiting", "building"))
        self._end_action(db)
        self.assertEqual((db.state, self.shop.state), ("running", "running"))
        self.assertEqual(self._serves(self.shop), db)
        self._is_idle(self.shop, db)

    def test_a_person_who_may_launch_the_template_becomes_its_user(self):
        self.database.user_ids = self.user
        self._start(self.shop, self.user)
        db = self._databases()
        self.assertIn(self.user, db.user_ids)
        self.assertEqual(db.current_transition_id.user_id, self.user)

    def test_a_person_who_may_not_launch_it_is_told_so(self):
        self.database.access_level = "1"
        transition = self._start(self.shop, self.user)
        self.assertEqual((transition.state, transition.exit_code), ("failed", -506))
        self.assertRegex(
            transition.message, "^“Shop” waits for “Database”: .*may not launch jets of “Database”"
        )
        self.assertEqual(self.shop.state, "stopped")
        self.assertFalse(self._databases())

    def test_a_person_who_may_not_read_the_template_is_told_so(self):
        self.database.access_level = "3"
        transition = self._start(self.shop, self.user)
        self.assertIn("may not be used by the person", transition.message)

    def test_the_template_has_to_be_installed(self):
        self.database.server_ids = False
        transition = self._start(self.shop)
        self.assertEqual(transition.state, "failed")
        self.assertIn("not installed", transition.message)

    def test_a_full_server_is_named(self):
        self.database.limit_per_server = 1
        db = self._new_database(state="stopped")
        backup = self._new_jet("Backup", "running", self._new_template("Backup"))
        need = self._new_need(backup.jet_template_id, self.database, "stopped")
        backup._create_dependencies()
        backup.jet_requires_ids.jet_depends_on_id = db
        self.assertEqual(need.where, "same")
        transition = self._start(self.shop)
        self.assertEqual((transition.state, db.state), ("failed", "stopped"))
        self.assertRegex(transition.message, "needed in their present states.*jets per server: 1")

    def test_jets_that_the_person_may_not_read_are_not_used(self):
        hidden = self._new_database("Of another customer")
        mine = self._new_database("Mine", users=self.user)
        self._start(self.shop, self.user)
        self.assertEqual(self._serves(self.shop), mine)
        self.assertFalse(hidden.jet_required_by_ids)

    def test_a_linked_jet_serves_whoever_triggers(self):
        hidden = self._new_database("Linked", "stopped")
        self.shop._create_dependencies()
        self.shop.jet_requires_ids.jet_depends_on_id = hidden
        self._action("Start", self.database).access_level = "3"
        transition = self._start(self.shop, self.user)
        self.assertEqual((transition.state, hidden.state, self.shop.state), ("done", "running", "running"))
        self.assertEqual(hidden.transition_ids.user_id, self.user)

    def test_jets_of_other_servers_serve_only_where_that_is_allowed(self):
        other_server = self._new_server("Other host")
        self.database.server_ids |= other_server
        there = self._new_database("Elsewhere", server_id=other_server.id)
        self._start(self.shop)
        here = self._databases() - there
        self.assertEqual(here.server_id, self.server)
        self.env["cx.tower.jet.request"].search([])._drop("")
        self.shop.stop()
        self.need.where = "any"
        self._start(self.shop)
        self.assertEqual(self._serves(self.shop), there)

    def test_another_jet_of_the_chain_is_used_and_not_a_second_one(self):
        proxy = self._new_template("Proxy")
        self._give_plan("Build", template=proxy)
        self._new_need(self.template, proxy)
        self._new_need(proxy, self.database)
        self._start(self.shop)
        self.assertEqual(len(self._databases()), 1)

    def test_a_failed_creation_leaves_nothing_behind(self):
        self.database.limit_per_server = 1
        gone = self._new_database("Archived", "stopped")
        gone.active = False
        transition = self._start(self.shop)
        self.assertEqual(transition.state, "failed")
        self.assertIn("jets per server: 1", transition.message)


@tagged("post_install", "-at_install")
class TestChains(DependencyCase):
    """Long chains, and many that depend on one."""

    def _new_chain(self, length):
        templates = [self._new_template(f"Level {number}") for number in range(length)]
        for upper, lower in zip(templates, templates[1:], strict=False):
            self._new_need(upper, lower)
        return templates

    def test_a_chain_of_ten_is_created_and_started_from_the_deepest_on(self):
        templates = self._new_chain(10)
        plan = self._give_plan("Start", template=templates[-1])
        top = self._new_jet("Top", None, templates[0])
        top.bring_to_state("running")
        jets = self.env["cx.tower.jet"].search([("jet_template_id", "in", [one.id for one in templates])])
        self.assertEqual(len(jets), 10)
        self.assertEqual(top.current_transition_id.state, "waiting")
        deepest = jets.filtered(lambda jet: jet.jet_template_id == templates[-1])
        self.assertEqual(deepest.current_transition_id.plan_id, plan)
        self._end_action(deepest)
        self.assertEqual(set(jets.mapped("state")), {"running"})
        self._is_idle(*jets)

    def test_a_failure_ten_levels_down_is_told_in_one_sentence(self):
        templates = self._new_chain(10)
        self._give_plan("Start", template=templates[-1])
        top = self._new_jet("Top", "stopped", templates[0])
        transition = self._start(top)
        jets = self.env["cx.tower.jet"].search([("jet_template_id", "in", [one.id for one in templates])])
        deepest = jets.filtered(lambda jet: jet.jet_template_id == templates[-1])
        self._end_action(deepest, 9, "no disk")
        self.assertEqual((transition.state, transition.exit_code), ("failed", -506))
        self.assertEqual(transition.message.count("waits for"), 9)
        self.assertRegex(
            transition.message,
            "^“Top” waits for “Level 1 .*”: it waits for “Level 2 .*: its action “Start” failed: Line 1",
        )
        self._is_idle(*jets)

    def test_fifty_that_wait_go_on_in_one_transaction(self):
        self._give_plan("Start", template=self.database)
        self._give_plan("Start", template=self.template)
        db = self._new_database(state="stopped")
        shops = self.env["cx.tower.jet"]
        counts = {}
        for wanted in (10, 50):
            new = [self._new_jet(f"Shop {number}", "stopped") for number in range(wanted)]
            for shop in new:
                self._start(shop)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._end_action(db)
            counts[wanted] = self.env.cr.sql_log_count - before
            self.assertEqual({shop.state for shop in new}, {"starting"})
            shops |= self.env["cx.tower.jet"].concat(*new)
            for shop in new:
                shop.stop()
            db.correct_state("stopped", "next round")
        each = (counts[50] - counts[10]) / 40
        self.assertLess(
            each, 30, f"statements for each dependant, the start of its flight plan included: {counts}"
        )

    def test_one_that_cannot_go_on_does_not_hold_up_the_others(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database(state="stopped")
        shops = [self._new_jet(f"Shop {number}", "stopped") for number in range(3)]
        moves = [self._start(shop) for shop in shops]
        model = self.env.registry["cx.tower.jet.transition"]
        enter = model._enter

        def fail_for_one(transition):
            if transition == moves[1]:
                raise ZeroDivisionError
            return enter(transition)

        self.patch(model, "_enter", fail_for_one)
        with self.assertLogs("odoo.addons.cetmix_tower_jet.models.dependency.resolving", "ERROR"):
            self._end_action(db)
        self.assertEqual(db.state, "running")
        self.assertEqual([move.state for move in moves], ["done", "failed", "done"])
        self.assertEqual([shop.state for shop in shops], ["running", "stopped", "running"])
        self._is_idle(db, *shops)

    def test_the_number_of_jets_does_not_change_the_number_of_statements(self):
        counts = {}
        for wanted in (2, 30):
            for number in range(wanted):
                self._new_database(f"DB {number}", "stopped")
            shop = self._new_jet("Shop", "stopped")
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._start(shop)
            counts[wanted] = self.env.cr.sql_log_count - before
        self.assertLessEqual(counts[30], counts[2] + 5, counts)
