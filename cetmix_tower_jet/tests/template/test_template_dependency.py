from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2.errors import UniqueViolation

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestTemplateDependency(JetCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = cls._new_template("Database")
        cls.disk = cls._new_template("Disk")

    def _depend(self, template, required, person=None):
        return self._as(self.env["cx.tower.jet.template.dependency"], person).create(
            {
                "template_id": template.id,
                "template_required_id": required.id,
                "state_required_id": self._state("running").id,
            }
        )

    def test_a_dependency_has_the_name_and_reference_of_its_templates(self):
        dependency = self._depend(self.template, self.database)
        self.assertEqual(dependency.name, "Database")
        self.assertEqual(dependency.display_name, "Shop → Database")
        self.assertEqual(dependency.reference, "shop_jet_template_dependency_1")
        self.assertEqual(self.database.template_required_by_ids, dependency)

    def test_the_same_dependency_exists_once(self):
        self._depend(self.template, self.database)
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self._depend(self.template, self.database)

    def test_no_template_depends_on_itself(self):
        with self.assertRaisesRegex(ValidationError, "“Shop” cannot depend on itself"):
            self._depend(self.template, self.template)

    def test_a_cycle_is_refused_and_named(self):
        self._depend(self.template, self.database)
        self._depend(self.database, self.disk)
        with self.assertRaisesRegex(ValidationError, "Shop → Database → Disk → Shop"):
            self._depend(self.disk, self.template)

    def test_many_dependencies_are_checked_with_as_many_queries_as_one(self):
        Dependency = self.env["cx.tower.jet.template.dependency"]
        many = [self._new_template(f"Part {number}", actions=()) for number in range(6)]
        dependencies = Dependency.browse().union(*(self._depend(self.template, one) for one in many))
        counts = []
        for records in (dependencies[:1], dependencies):
            self.env.flush_all()
            records.mapped("template_id.name")
            before = self.env.cr.sql_log_count
            records._check_no_cycle()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[0], 3)

    def test_a_dependency_leads_to_the_same_templates_for_ever(self):
        dependency = self._depend(self.template, self.database)
        with self.assertRaisesRegex(ValidationError, "Shop → Database.*Delete it"):
            dependency.template_required_id = self.disk
        dependency.write({"template_required_id": self.database.id, "where": "any"})
        self.assertEqual(dependency.where, "any")

    def test_a_template_that_is_needed_cannot_be_deleted(self):
        self._depend(self.template, self.database)
        self.database.server_ids = False
        with self.assertRaisesRegex(Exception, "“Database” cannot be deleted.*Shop"):
            self.database.unlink()

    def test_nobody_depends_on_a_template_by_guessing_its_id(self):
        shop = self._new_template("Own", managers=self.manager)
        hidden = self._new_template("Hidden", access_level="3")
        with self.assertRaises(AccessError):
            self._depend(shop, hidden, self.manager)
