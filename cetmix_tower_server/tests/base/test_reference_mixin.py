from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2.errors import UniqueViolation

from ...models.base.engine_context import engine_says
from ..common import TowerCommon


@tagged("post_install", "-at_install")
class TestReferenceMixin(TowerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tags = cls.env["cx.tower.tag"]

    def _stale_view(self, calls=1):
        """Return a patch: the first ``calls`` look-ups find nothing, as if others commit in the meantime."""
        mixin = self.registry["cx.tower.tag"]
        real = mixin._find_taken_references
        left = [calls]

        def find(records, bases, exclude_ids=()):
            left[0] -= 1
            return set() if left[0] >= 0 else real(records, bases, exclude_ids)

        return patch.object(mixin, "_find_taken_references", find)

    def test_reference_is_built_from_the_name(self):
        for name, reference in [
            ("Web Server 1", "web_server_1"),
            ("  spaces\taround ", "spaces_around"),
            ("Mixed-CASE.name", "mixedcasename"),
            ("???", "tag"),
            ("日本", "tag_2"),
        ]:
            with self.subTest(name=name):
                self.assertEqual(self.tags.create({"name": name}).reference, reference)

    def test_given_reference_is_kept_or_fixed(self):
        self.assertEqual(self.tags.create({"name": "A", "reference": "my_ref"}).reference, "my_ref")
        self.assertEqual(self.tags.create({"name": "A", "reference": "My Ref!"}).reference, "my_ref_2")

    def test_names_and_references_are_neither_empty_nor_longer_than_an_index_holds(self):
        tag = self.tags.create({"name": "A" * 500})
        for values in ({"name": ""}, {"name": " "}, {"name": "é" * 501}, {"reference": "a" * 501}):
            with self.subTest(values=values):
                with self.assertRaises(ValidationError):
                    tag.write(values)
                with self.assertRaises(ValidationError):
                    self.tags.create({"name": "B", **values})

    def test_keys_allow_capitals(self):
        key = self.env["cx.tower.key"].create({"name": "API Token", "key_type": "s"})
        self.assertEqual(key.reference, "API_Token")

    def test_taken_references_get_the_next_free_number(self):
        references = [self.tags.create({"name": "Same"}).reference for _ in range(3)]
        self.assertEqual(references, ["same", "same_2", "same_3"])
        self.tags.get_by_reference("same_2").unlink()
        self.tags.create({"name": "Same as others"})
        self.assertEqual(self.tags.create({"name": "same"}).reference, "same_2")

    def test_batch_chooses_different_references_with_constant_queries(self):
        self.tags.create({"name": "Batch"})
        self.env.flush_all()

        def count(size):
            before = self.cr.sql_log_count
            made = self.tags.create([{"name": "Batch"}] * size)
            self.env.flush_all()
            return made, self.cr.sql_log_count - before

        _few, queries_few = count(2)
        many, queries_many = count(60)
        self.assertEqual(queries_few, queries_many)
        self.assertEqual(many.mapped("reference"), [f"batch_{number}" for number in range(4, 64)])

    def test_reference_taken_by_somebody_else_meanwhile(self):
        self.tags.create([{"name": "Race"}, {"name": "Race"}])
        with self._stale_view(calls=2), mute_logger("odoo.sql_db"):
            made = self.tags.create([{"name": "Race"}, {"name": "Quiet"}])
        self.assertEqual(made.mapped("reference"), ["race_3", "quiet"])

    def test_failed_attempt_leaves_nothing_and_loses_nothing(self):
        self.tags.create({"name": "Race"})
        pending = self.tags.create({"name": "Pending"})
        pending.color = 7
        with self._stale_view(), mute_logger("odoo.sql_db"):
            self.tags.create({"name": "Race"})
        self.env.invalidate_all()
        self.assertEqual(pending.color, 7)
        self.assertEqual(self.tags.search_count([("name", "=", "Race")]), 2)

    def test_database_refuses_duplicates(self):
        self.tags.create({"name": "One"})
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"):
            self.tags.with_context(reference_mixin_override=True).create({"name": "Two", "reference": "one"})

    def test_one_reference_for_many_records_is_refused(self):
        tags = self.tags.create([{"name": "A"}, {"name": "B"}])
        with self.assertRaisesRegex(ValidationError, "cannot be given to 2 records"):
            tags.write({"reference": "both"})
        self.assertEqual(tags.mapped("reference"), ["a", "b"])

    def test_emptied_reference_is_built_again(self):
        tags = self.tags.create([{"name": "A", "reference": "x"}, {"name": "B", "reference": "y"}])
        tags.write({"reference": False})
        self.assertEqual(tags.mapped("reference"), ["a", "b"])
        tags[0].write({"name": "Other", "reference": ""})
        self.assertEqual(tags[0].reference, "other")

    def test_written_reference_may_stay_and_is_renamed_when_taken(self):
        first, second = self.tags.create([{"name": "A"}, {"name": "B"}])
        first.reference = "a"
        self.assertEqual(first.reference, "a")
        second.reference = "a"
        self.assertEqual(second.reference, "a_2")

    def test_references_of_children_follow_the_parent(self):
        variable = self.env["cx.tower.variable"].create(
            {
                "name": "Color",
                "variable_type": "o",
                "option_ids": [
                    (0, 0, {"name": "Red", "value_char": "r"}),
                    (0, 0, {"name": "Blue", "value_char": "b"}),
                ],
            }
        )
        server = self._new_server("Web 1")
        values = self.env["cx.tower.variable.value"].create(
            [
                {"variable_id": variable.id, "value_char": "r"},
                {"variable_id": variable.id, "server_id": server.id, "value_char": "b"},
            ]
        )
        self.assertEqual(
            variable.option_ids.mapped("reference"), ["color_variable_option_1", "color_variable_option_2"]
        )
        self.assertEqual(
            values.mapped("reference"), ["color_variable_value_global", "color_variable_value_server_web_1"]
        )
        variable.reference = "paint"
        self.assertEqual(
            set(variable.option_ids.mapped("reference")),
            {"paint_variable_option_1", "paint_variable_option_2"},
        )
        server.reference = "web_2"
        self.assertEqual(values[1].reference, "paint_variable_value_server_web_2")

    def test_copies_are_named_and_get_their_own_reference(self):
        tag = self.tags.create({"name": "Tag"})
        first = tag.copy()
        self.assertEqual((first.name, first.reference), ("Tag (copy)", "tag_copy"))
        self.assertEqual(first.copy().name, "Tag (copy 2)")
        self.assertEqual((tag | first).copy().mapped("name"), ["Tag (copy 3)", "Tag (copy 4)"])
        self.assertEqual(tag.copy({"name": "Named"}).name, "Named")
        self.assertEqual(tag.with_context(reference_mixin_skip_copy=True).copy().name, "Tag")

    def test_children_copied_with_their_parent_keep_their_names(self):
        variable = self.env["cx.tower.variable"].create(
            {"name": "V", "variable_type": "o", "option_ids": [(0, 0, {"name": "Red", "value_char": "r"})]}
        )
        copied = variable.copy()
        self.assertEqual(copied.name, "V (copy)")
        self.assertEqual(copied.option_ids.name, "Red")
        self.assertEqual(copied.option_ids.reference, "v_copy_variable_option_1")

    def test_get_by_reference(self):
        tag = self.tags.create({"name": "Found"})
        self.assertEqual(self.tags.get_by_reference("found"), tag)
        for missing in ("Found", "nope", "", False, None, 5, ["found"]):
            self.assertFalse(self.tags.get_by_reference(missing))
        self.assertEqual(self.tags._get_id_by_reference("found"), tag.id)

    def test_get_by_reference_over_rpc_gives_plain_values(self):
        tag = self.tags.create({"name": "Found"})
        tags = self.tags.with_user(self.user)
        self.assertEqual(call_kw(tags, "get_by_reference", ["found"], {}), tag.ids)
        self.assertEqual(call_kw(tags, "get_by_reference", [], {"reference": "nope"}), [])

    def test_get_by_reference_of_a_record_one_may_not_read(self):
        tag = self.tags.create({"name": "Hidden"})
        self.env["ir.rule"].create(
            {
                "name": "hide",
                "model_id": self.env["ir.model"]._get_id("cx.tower.tag"),
                "domain_force": [("id", "!=", tag.id)],
            }
        )
        self.assertFalse(self.tags.with_user(self.manager).get_by_reference("hidden"))

    def test_records_are_named_by_id_or_reference(self):
        first, second, third = self.tags.create([{"name": f"Named {number}"} for number in range(3)])
        with self.assertQueryCount(2):
            found = self.tags._find_named([third.id, "named_0", second.id, "named_2", first.id])
        self.assertEqual(found.ids, [third.id, first.id, second.id])
        self.assertEqual(self.tags._find_named("named_1"), second)
        self.assertEqual(self.tags._find_named(second.id), second)
        for wrong in ("nowhere", 0, ["named_0", 999999999]):
            with self.subTest(wrong), self.assertRaisesRegex(ValidationError, "There is no Tower Tag"):
                self.tags._find_named(wrong)
        for wrong in (True, 1.5, {"id": 1}, [None], object()):
            with self.subTest(wrong), self.assertRaisesRegex(ValidationError, "IDs or references"):
                self.tags._find_named(wrong)

    def test_names_are_found_by_reference(self):
        tag = self.tags.create({"name": "Something", "reference": "xyz_ref"})
        self.assertEqual([found[0] for found in self.tags.name_search("xyz_r")], tag.ids)

    def test_creating_does_not_clear_the_registry_cache(self):
        with (
            patch.object(type(self.registry), "clear_cache") as clear,
            patch.object(type(self.registry), "clear_all_caches") as clear_all,
        ):
            tag = self.tags.create({"name": "Cached"})
            tag.reference = "other"
            tag.unlink()
        clear.assert_not_called()
        clear_all.assert_not_called()

    def test_names_are_trimmed(self):
        for model, values in (
            ("cx.tower.tag", {}),
            ("cx.tower.command", {"code": "true"}),
            ("cx.tower.plan", {}),
            ("cx.tower.variable", {}),
            ("cx.tower.key", {"key_type": "s"}),
        ):
            with self.subTest(model):
                record = self.env[model].create({**values, "name": "  Web one\n"})
                self.assertEqual((record.name, record.reference.lower()), ("Web one", "web_one"))
                record.name = "\tWeb two "
                self.assertEqual(record.name, "Web two")
                with self.assertRaisesRegex(ValidationError, "name"), self.env.cr.savepoint():
                    record.write({"name": "   "})
        file = self.env["cx.tower.file"].with_context(**engine_says(from_yaml=True))
        values = {"name": " a file", "server_dir": "/tmp", "server_id": self._new_server().id}
        self.assertEqual(file.create(values).name, " a file")
