from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from ...models.topology import cx_tower_jet, tower
from ..dependency.dependency_case import DependencyCase


class TopologyCase(DependencyCase):
    """A shop that needs a database, both readable by everybody, and a shop and a database of nobody."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.roles = {"users": cls.user | cls.manager, "managers": cls.manager}
        cls.db = cls._new_database("DB", **cls.roles)
        cls.shop = cls._new_shop("Shop", cls.db, **cls.roles)
        cls.hidden_db = cls._new_database("Hidden database")
        cls.hidden_shop = cls._new_shop("Hidden shop", cls.hidden_db)

    @classmethod
    def _new_shop(cls, name, database, state="running", **values):
        shop = cls._new_jet(name, state, **values)
        shop.jet_requires_ids.jet_depends_on_id = database
        return shop

    def topology(self, person=None, **filters):
        self.env.invalidate_all()
        return self._as(self.env["cetmix.tower"], person).get_topology(**filters)

    def around(self, jet, person=None, **arguments):
        self.env.invalidate_all()
        return self._as(jet, person).get_topology(**arguments)

    def names(self, document):
        return sorted(jet["name"] for jet in document["jets"])

    def links(self, document):
        return sorted((link["jet_id"], link["needs_id"], link["is_unmet"]) for link in document["links"])

    def jet_of(self, document, jet):
        return next(one for one in document["jets"] if one["id"] == jet.id)


@tagged("post_install", "-at_install")
class TestTopology(TopologyCase):
    """The documents of the topology graph."""

    def test_everybody_gets_the_jets_that_they_may_read_and_nothing_of_the_others(self):
        for person in (self.user, self.manager):
            document = self.topology(person)
            self.assertEqual(self.names(document), ["DB", "Shop"], person.name)
            self.assertEqual(self.links(document), [(self.shop.id, self.db.id, False)])
            self.assertEqual(document["total"], 2)
            self.assertNotIn("Hidden", str(document))
        everything = self.topology(self.root)
        self.assertEqual(self.names(everything), ["DB", "Hidden database", "Hidden shop", "Shop"])
        self.assertEqual(len(everything["links"]), 2)

    def test_a_document_has_what_a_node_shows(self):
        document = self.topology(self.user)
        shop = self.jet_of(document, self.shop)
        self.assertEqual(
            (shop["name"], shop["template"], shop["state"], shop["state_reference"], shop["movement"]),
            ("Shop", "Shop", "Running", "running", "idle"),
        )
        self.assertEqual(document["servers"], [{"id": self.server.id, "name": "Host"}])
        self.assertEqual(shop["server_id"], self.server.id)
        (link,) = document["links"]
        self.assertEqual((link["template"], link["state"]), ("Database", "Running"))

    def test_a_busy_jet_says_what_it_is_busy_with(self):
        self._give_plan("Stop")
        self._action("Stop").trigger(self.shop.id)
        shop = self.jet_of(self.topology(self.user), self.shop)
        self.assertEqual((shop["state"], shop["movement"]), ("Stopping", "busy"))
        self.assertIn("“Stop”", shop["busy_text"])

    def test_an_unmet_dependency_is_marked_on_its_link_and_on_the_jet(self):
        self.db.correct_state("stopped", "it crashed")
        document = self.topology(self.user)
        self.assertEqual(self.links(document), [(self.shop.id, self.db.id, True)])
        self.assertIn("Database: Stopped instead of Running", self.jet_of(document, self.shop)["unmet_text"])
        self.shop.correct_state("stopped", "it crashed, too")
        self.assertEqual(self.links(self.topology(self.user)), [(self.shop.id, self.db.id, False)])

    def test_a_dependency_without_a_jet_is_missing_and_unmet_while_it_is_needed(self):
        self.shop.jet_requires_ids.jet_depends_on_id = False
        (missing,) = self.topology(self.user)["missing"]
        values = {
            "jet_id": self.shop.id,
            "dependency_id": self.need.id,
            "template": "Database",
            "state": "Running",
        }
        self.assertEqual(missing, {**values, "is_unmet": True})
        self.shop.correct_state("stopped", "it is not needed yet")
        (missing,) = self.topology(self.user)["missing"]
        self.assertEqual(missing, {**values, "is_unmet": False})

    def test_an_archived_jet_is_not_there_and_leaves_a_gap(self):
        self.db.active = False
        document = self.topology(self.user)
        self.assertEqual(self.names(document), ["Shop"])
        self.assertFalse(document["links"])
        self.assertEqual(len(document["missing"]), 1)

    def test_of_hidden_jets_only_their_number_beside_a_jet_is_told(self):
        self.shop.jet_requires_ids.jet_depends_on_id = self.hidden_db
        self._new_shop("Hidden second shop", self.db)
        self.hidden_shop.jet_requires_ids.jet_depends_on_id = self.db
        for person in (self.user, self.manager):
            document = self.topology(person)
            shop, db = self.jet_of(document, self.shop), self.jet_of(document, self.db)
            self.assertEqual((shop["hidden_needs"], shop["hidden_serves"]), (1, 0))
            self.assertEqual((db["hidden_needs"], db["hidden_serves"]), (0, 2))
            self.assertFalse(document["links"])
            self.assertFalse(document["missing"])
            self.assertNotIn("Hidden", str(document))
            ids = {link[key] for link in document["links"] for key in ("jet_id", "needs_id")}
            self.assertFalse(ids & {self.hidden_db.id, self.hidden_shop.id})
        self.assertEqual(len(self.topology(self.root)["links"]), 3)

    def test_that_a_hidden_jet_is_not_in_the_needed_state_is_told_as_on_the_board(self):
        self.shop.jet_requires_ids.jet_depends_on_id = self.hidden_db
        self.assertFalse(self.jet_of(self.topology(self.user), self.shop)["hidden_needs_unmet"])
        self.hidden_db.correct_state("stopped", "it crashed")
        self.assertTrue(self.jet_of(self.topology(self.user), self.shop)["hidden_needs_unmet"])

    def test_a_jet_on_a_server_without_a_role_is_hidden(self):
        other = self._new_server("Elsewhere")
        self.template.server_ids += other
        self._new_jet("There", "running", server_id=other.id, **self.roles)
        for person in (self.user, self.manager):
            document = self.topology(person)
            self.assertNotIn("Elsewhere", str(document))
            self.assertNotIn("There", str(document))

    def test_strangers_are_refused(self):
        with self.assertRaises(AccessError):
            self.topology(self.outsider)
        for person in (self.outsider, self.user, self.manager):
            with self.assertRaises(AccessError):
                self.around(self.hidden_db, person)


@tagged("post_install", "-at_install")
class TestTopologyFilters(TopologyCase):
    """Filters, the limit, and what is read again."""

    def test_filters_by_server_template_tag_and_partner(self):
        tag = self.env["cx.tower.tag"].create({"name": "Production", "reference": "production"})
        partner = self.env["res.partner"].create({"name": "Customer"})
        self.shop.write({"tag_ids": tag.ids, "partner_id": partner.id})
        for filters, expected in (
            ({"servers": [self.server.reference]}, ["DB", "Shop"]),
            ({"jet_templates": self.database.ids}, ["DB"]),
            ({"jet_templates": (self.database | self.template).ids}, ["DB", "Shop"]),
            ({"tags": ["production"]}, ["Shop"]),
            ({"partners": partner.ids}, ["Shop"]),
            ({"tags": tag.ids, "jet_templates": self.database.ids}, []),
        ):
            self.assertEqual(self.names(self.topology(self.user, **filters)), expected, filters)

    def test_the_choices_of_filters_are_those_of_the_jets_that_the_caller_may_read(self):
        self.hidden_shop.tag_ids = self.env["cx.tower.tag"].create({"name": "Hidden tag"})
        choices = self.topology(self.user, jet_templates=self.database.ids)["choices"]
        self.assertEqual(choices["servers"], [{"id": self.server.id, "name": "Host", "count": 2}])
        self.assertEqual([row["name"] for row in choices["jet_templates"]], ["Database", "Shop"])
        self.assertEqual((choices["tags"], choices["partners"]), ([], []))
        self.assertEqual(len(self.topology(self.root)["choices"]["tags"]), 1)

    def test_a_filter_by_something_that_does_not_exist_is_refused(self):
        for filters in ({"tags": ["nowhere"]}, {"servers": [0]}, {"partners": ["nowhere"]}, {"jets": 1}):
            with self.assertRaises(ValidationError):
                self.topology(self.user, **filters)

    def test_changed_jets_alone_come_with_their_links_but_without_the_other_jets(self):
        document = self.topology(self.user, jets=(self.shop | self.hidden_shop).ids)
        self.assertEqual(self.names(document), ["Shop"])
        self.assertEqual(self.links(document), [(self.shop.id, self.db.id, False)])
        self.assertNotIn("choices", document)
        self.assertFalse(
            self.topology(self.user, jets=self.shop.ids, jet_templates=self.database.ids)["jets"]
        )

    def test_more_jets_than_the_limit_are_counted(self):
        self.patch(cx_tower_jet, "LIMIT", 1)
        self.patch(tower, "LIMIT", 1)
        document = self.topology(self.user)
        self.assertEqual((len(document["jets"]), document["total"], document["limit"]), (1, 2, 1))
        around = self.around(self.shop, self.user)
        self.assertEqual((self.names(around), around["total"]), (["Shop"], 2))

    def test_the_number_of_queries_does_not_depend_on_the_number_of_jets(self):
        self._give_plan("Stop")
        self.grow(2)
        people = (self.user, self.manager, self.root)
        few = [self.queries(person) for person in people]
        self.grow(8)
        many = [self.queries(person) for person in people]
        for person, before, after in zip(people, few, many, strict=True):
            self.assertLessEqual(after, before, person.login)

    def grow(self, count):
        """Create shops that are busy, databases in and out of the needed state, and hidden jets that need these."""
        for number in range(count):
            database = self._new_database(
                f"DB {number}", "stopped" if number % 2 else "running", **self.roles
            )
            shop = self._new_shop(f"Shop {number}", database, **self.roles)
            self._new_shop(f"Hidden shop {number}", database)
            self._action("Stop").trigger(shop.id)

    def queries(self, person):
        """Return how many queries reading everything, the changed jets and the surroundings of one jet take."""
        self.topology(person)  # warms the caches of the registry
        before = self.env.cr.sql_log_count
        jets = [jet["id"] for jet in self.topology(person)["jets"]]
        self.topology(person, jets=jets)
        self.around(self.shop, person, levels=3)
        return self.env.cr.sql_log_count - before


@tagged("post_install", "-at_install")
class TestTopologyAround(TopologyCase):
    """The surroundings of one jet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy_template = cls._new_template("Proxy")
        cls._new_need(cls.proxy_template, cls.template)
        cls.proxy = cls._new_jet("Proxy", "running", cls.proxy_template, **cls.roles)
        cls.proxy.jet_requires_ids.jet_depends_on_id = cls.shop
        cls.second_shop = cls._new_shop("Second shop", cls.db, **cls.roles)

    def test_one_level_both_ways(self):
        document = self.around(self.shop, self.user)
        self.assertEqual(self.names(document), ["DB", "Proxy", "Shop"])
        self.assertEqual(len(document["links"]), 2 + 1, "also to a shop that is not shown")

    def test_more_levels_follow_each_direction_and_never_turn_around(self):
        self.assertEqual(self.names(self.around(self.db, self.user, levels=1)), ["DB", "Second shop", "Shop"])
        self.assertEqual(
            self.names(self.around(self.db, self.user, levels=2)), ["DB", "Proxy", "Second shop", "Shop"]
        )
        self.assertEqual(self.names(self.around(self.proxy, self.user, levels=10)), ["DB", "Proxy", "Shop"])

    def test_jets_behind_a_hidden_one_are_not_found(self):
        self.shop.user_ids -= self.user
        document = self.around(self.proxy, self.user, levels=5)
        self.assertEqual(self.names(document), ["Proxy"])
        self.assertEqual(self.jet_of(document, self.proxy)["hidden_needs"], 1)
        self.assertEqual(self.names(self.around(self.proxy, self.root, levels=5)), ["DB", "Proxy", "Shop"])

    def test_levels_are_a_number_from_1_to_10(self):
        for levels in (0, 11, True, "2", None):
            with self.assertRaises(ValidationError):
                self.around(self.shop, self.user, levels=levels)
