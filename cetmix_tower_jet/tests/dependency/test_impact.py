from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .dependency_case import DependencyCase


@tagged("post_install", "-at_install")
class TestImpact(DependencyCase):
    """Who is hit when a jet leaves its state, and the marks of cards."""

    def setUp(self):
        super().setUp()
        self.db = self._new_database("DB", users=self.user)
        self.shop = self._new_shop("Shop", "running", users=self.user)

    def _new_shop(self, name, state, **values):
        shop = self._new_jet(name, state, **values)
        shop._create_dependencies()
        shop.jet_requires_ids.jet_depends_on_id = self.db
        return shop

    def test_a_jet_is_needed_while_its_dependant_is_in_one_of_the_states(self):
        self._new_shop("Stopped shop", "stopped")
        (hit,) = self.db.get_impact()
        self.assertEqual(
            (hit["jet"], hit["name"], hit["state"], hit["needed_state"], hit["count"]),
            (self.shop.id, "Shop", "running", "running", 1),
        )

    def test_it_is_needed_while_its_dependant_is_getting_there(self):
        self._give_plan("Start")
        shop = self._new_shop("New shop", "stopped")
        self._start(shop)
        self.assertEqual(len(self.db.get_impact()), 2)

    def test_without_states_it_is_needed_as_long_as_the_dependant_lives(self):
        self.need.needed_in_state_ids = False
        self._new_shop("Stopped shop", "stopped")
        new = self._new_shop("New shop", None)
        archived = self._new_shop("Archived", "stopped")
        archived.active = False
        names = [hit["name"] for hit in self.db.get_impact()]
        self.assertEqual(names, ["Shop", "Stopped shop"])
        self.assertNotIn(new.name, names)

    def test_addons_ask_whether_all_that_a_jet_needs_is_there(self):
        self.assertTrue(self.shop._control_dependencies())
        self.db.correct_state("stopped", "it crashed")
        self.assertFalse(self.shop._control_dependencies())

    def test_a_jet_in_another_state_is_needed_by_nobody_there(self):
        self.db.correct_state("stopped", "it crashed")
        self.assertFalse(self.db.get_impact())

    def test_staying_where_it_is_hits_nobody(self):
        self.assertFalse(self.db.get_impact(state="running"))
        self.assertEqual(len(self.db.get_impact(state="stopped")), 1)
        self.assertEqual(len(self.db.get_impact(self._action("Restart", self.database).reference)), 1)

    def test_jets_that_the_caller_may_not_read_are_counted(self):
        self._new_shop("Secret A", "running")
        self._new_shop("Secret B", "running")
        impact = self.db.with_user(self.user).get_impact()
        self.assertEqual([hit["count"] for hit in impact], [1, 2])
        self.assertNotIn("Secret", str(impact))

    def test_leaving_the_state_is_not_refused(self):
        self._action("Stop", self.database).with_user(self.user).trigger(self.db.id)
        self.assertEqual(self.db.state, "stopped")

    def test_a_dialog_says_what_runs_and_who_is_hit(self):
        self._give_plan("Stop", template=self.database)
        text = self.db.with_user(self.user).describe_action(self._action("Stop", self.database).id)
        self.assertIn("“Stop” takes “DB” from “Running” to “Stopped”. It runs the flight plan “Stop”.", text)
        self.assertIn("\n⚠ “DB” is needed in state “Running” by: “Shop” (Running).", text)
        text = self.db.describe_state("removed")
        self.assertIn("“Remove” takes", text)
        self.assertIn("already", self.db.describe_state("running"))

    def test_a_dialog_says_what_is_done_for_dependencies(self):
        self.db.correct_state("stopped", "it crashed")
        shop = self._new_shop("New shop", "stopped", users=self.user)
        text = shop.with_user(self.user).describe_action(self._action("Start").id)
        self.assertIn("“DB” is brought to “Running”: Start.", text)

    def test_who_may_not_read_the_jet_is_told_nothing(self):
        jet = self.db.with_user(self.user_2)
        for ask in (
            jet.get_impact,
            lambda: jet.describe_action(self._action("Stop", self.database).id),
            lambda: jet.describe_state("stopped"),
            jet.action_open_requires_jets,
            jet.action_open_required_by_jets,
            lambda: jet.get_dependent_jets_by_template_reference("shop"),
        ):
            with self.assertRaises(AccessError):
                ask()

    # ------------------------------------------------------------------ marks

    def test_a_missing_or_wrong_jet_is_marked_even_if_it_may_not_be_read(self):
        self.assertEqual(self.shop.unmet_dependency_count, 0)
        self.db.user_ids = False
        self.db.correct_state("stopped", "it crashed")
        shop = self.shop.with_user(self.user)
        self.assertEqual(shop.unmet_dependency_count, 1)
        self.assertEqual(shop.unmet_dependency_text, "Database: Stopped instead of Running")
        self.shop.jet_requires_ids.unlink()
        self.assertEqual(shop.unmet_dependency_text, "Database: none in Running")

    def test_the_mark_counts_only_where_the_dependency_is_needed(self):
        self.db.correct_state("stopped", "it crashed")
        self.shop.correct_state("stopped", "it crashed, too")
        self.assertEqual(self.shop.unmet_dependency_count, 0)

    def test_jets_can_be_searched_by_the_mark(self):
        Jet = self.env["cx.tower.jet"].with_user(self.user)
        self.assertFalse(Jet.search([("unmet_dependency_count", ">", 0)]))
        self.db.correct_state("stopped", "it crashed")
        self.assertEqual(Jet.search([("unmet_dependency_count", ">", 0)]), self.shop)
        self.assertEqual(Jet.search([("unmet_dependency_count", "=", 0)]), self.db)
        self.assertEqual(Jet.search([("unmet_dependency_count", "!=", 0)]), self.shop)

    def test_a_board_of_any_size_takes_the_same_number_of_statements(self):
        counts = []
        for wanted in (1, 40):
            for number in range(wanted):
                self._new_shop(f"Shop {number}", "running")
            jets = self.env["cx.tower.jet"].search([("jet_template_id", "=", self.template.id)])
            jets.mapped("unmet_dependency_count")
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            jets.read(["unmet_dependency_count", "unmet_dependency_text", "waits_for"])
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def test_a_jet_that_waits_says_for_what(self):
        self._give_plan("Start", template=self.database)
        self.db.correct_state("stopped", "it crashed")
        shop = self._new_shop("New shop", "stopped")
        self._start(shop)
        self.assertEqual(shop.waits_for, "Database")
        self.assertRegex(shop._busy_text(), r"“Start” waits for “Database” \(started by .+, .*\d:\d\d.*\)")


@tagged("post_install", "-at_install")
class TestLinks(DependencyCase):
    def test_links_follow_the_dependencies_of_the_template(self):
        shop = self._new_jet("Shop", "stopped")
        self.assertEqual(shop.jet_requires_ids.jet_template_dependency_id, self.need)
        proxy = self._new_template("Proxy")
        need = self._new_need(self.template, proxy)
        self.assertEqual(shop.jet_requires_ids.jet_template_dependency_id, self.need | need)
        need.unlink()
        self.assertEqual(shop.jet_requires_ids.jet_template_dependency_id, self.need)

    def test_a_link_needs_a_jet_of_the_template_on_the_server(self):
        shop, proxy = self._new_jet("Shop"), self._new_jet("Proxy", None, self._new_template("Proxy"))
        with self.assertRaisesRegex(ValidationError, "needs a jet of “Database”"):
            shop.jet_requires_ids.jet_depends_on_id = proxy
        other = self._new_server("Other")
        self.database.server_ids |= other
        there = self._new_database("There", server_id=other.id)
        with self.assertRaisesRegex(ValidationError, "on its own server"):
            shop.jet_requires_ids.jet_depends_on_id = there
        self.need.where = "any"
        shop.jet_requires_ids.jet_depends_on_id = there

    def test_jets_cannot_depend_on_one_another(self):
        shop, db = self._new_jet("Shop"), self._new_database("DB")
        shop.jet_requires_ids.jet_depends_on_id = db
        with self.assertRaisesRegex(ValidationError, "“?DB.*Shop.*DB"):
            self.env["cx.tower.jet.dependency"].create({"jet_id": db.id, "jet_depends_on_id": shop.id})

    def test_managers_of_a_jet_link_what_they_may_read(self):
        shop = self._new_jet("Shop", managers=self.manager)
        seen, hidden = self._new_database("Seen", users=self.manager), self._new_database("Hidden")
        link = shop.jet_requires_ids.with_user(self.manager)
        link.jet_depends_on_id = seen
        with self.assertRaises(AccessError):
            link.jet_depends_on_id = hidden
        with self.assertRaises(AccessError):
            shop.jet_requires_ids.with_user(self.user).jet_depends_on_id = False

    def test_a_jet_may_accept_no_further_links(self):
        shop, db = self._new_jet("Shop", "stopped"), self._new_database("Closed")
        model = self.env.registry["cx.tower.jet"]
        self.patch(model, "_accepts_new_links", lambda jet: jet != db)
        self._start(shop)
        self.assertEqual(len(self._serves(shop)), 1)
        self.assertNotEqual(self._serves(shop), db)
        with self.assertRaisesRegex(UserError, "accepts no further"):
            shop.jet_requires_ids.jet_depends_on_id = db

    def test_linked_jets_of_a_template_are_found_both_ways_as_far_as_they_may_be_read(self):
        shop = self._new_jet("Shop", users=self.user)
        db, hidden = self._new_database("DB", users=self.user), self._new_database("Hidden")
        shop.jet_requires_ids.jet_depends_on_id = db
        self.env["cx.tower.jet.dependency"].create({"jet_id": shop.id, "jet_depends_on_id": hidden.id})
        mine = shop.with_user(self.user)
        self.assertEqual(mine.get_dependent_jets_by_template_reference(self.database.reference), db)
        self.assertEqual(
            db.with_user(self.user).get_dependent_jets_by_template_reference(self.template.reference), shop
        )
        self.assertFalse(mine.get_dependent_jets_by_template_reference("nothing"))
        self.assertEqual(mine.action_open_requires_jets()["domain"], [("id", "in", (db | hidden).ids)])


@tagged("post_install", "-at_install")
class TestPlanning(DependencyCase):
    """What would be done for dependencies, told before anything is done."""

    def test_the_whole_chain_is_told_from_the_deepest_on(self):
        disk = self._new_template("Disk")
        self._new_need(self.database, disk)
        steps = self.template._plan_dependencies(self.server, self.root, self._state("running"))
        self.assertEqual(
            [(step["kind"], step["template_name"]) for step in steps],
            [("create", "Disk"), ("create", "Database")],
        )
        self.assertEqual(steps[1]["actions"], ["Prepare", "Build", "Start"])
        self.assertEqual(steps[0]["needed_by"], "Database")
        self.assertFalse(
            self.env["cx.tower.jet"].search([("jet_template_id", "in", (disk | self.database).ids)])
        )

    def test_jets_that_are_there_are_used(self):
        self._new_database("DB", "stopped")
        (step,) = self.template._plan_dependencies(self.server, self.root, self._state("running"))
        self.assertEqual((step["kind"], step["name"], step["actions"]), ("drive", "DB", ["Start"]))

    def test_up_to_a_state_that_needs_nothing_nothing_is_told(self):
        self.assertFalse(self.template._plan_dependencies(self.server, self.root, self._state("stopped")))

    def test_refusals_are_told_with_their_reasons(self):
        self.database.access_level = "1"
        (step,) = self.template._plan_dependencies(self.server, self.user, self._state("running"))
        self.assertEqual(step["kind"], "refused")
        self.assertIn("may not launch jets of “Database”", step["problem"])

    def test_a_jet_that_may_not_be_read_is_not_named(self):
        hidden = self._new_database("Hidden", "stopped")
        shop = self._new_jet("Shop", "stopped", users=self.user)
        shop.jet_requires_ids.jet_depends_on_id = hidden
        (step,) = shop.with_user(self.user).get_path("running")
        (dependency,) = step["dependencies"]
        self.assertEqual(
            (dependency["kind"], dependency["jet_id"], dependency["name"]), ("drive", False, "Database")
        )
        self.assertEqual(hidden.state, "stopped")

    def test_the_plan_is_what_then_happens(self):
        disk = self._new_template("Disk")
        self._new_need(self.database, disk)
        self._new_need(self.template, disk)
        db = self._new_database("DB", "stopped")
        shop = self._new_jet("Shop", "stopped")
        (step,) = shop.get_path("running")
        told = [(one["kind"], one["template_name"]) for one in step["dependencies"]]
        self.assertEqual(told, [("create", "Disk"), ("drive", "Database")])
        self._start(shop)
        self.assertEqual((shop.state, db.state), ("running", "running"))
        self.assertEqual(self.env["cx.tower.jet"].search_count([("jet_template_id", "=", disk.id)]), 1)
