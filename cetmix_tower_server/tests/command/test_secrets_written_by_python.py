from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ...engine.exit_codes import ExitCode
from ...engine.masking.in_use import secrets_in_use
from ...engine.masking.masker import Masker
from ...engine.secret import Secret
from ..run.run_case import RunCase

SECRET = "s3cr3t-of-the-backup"
NAMED = "#!cxtower.secret.backup!#"


@tagged("post_install", "-at_install")
class TestSecretsWrittenByPython(RunCase):
    """A secret in the code of a run does not become readable through what the code writes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["cx.tower.key"].create(
            {"name": "Backup", "reference": "backup", "key_type": "s", "secret_value": SECRET}
        )
        cls.variable = cls.env["cx.tower.variable"].create({"name": "DSN", "reference": "dsn"})

    def outcome(self, code):
        return self.run_as(self.root, self.python(code))

    def assert_done(self, log):
        self.assertEqual(log.state, "done", log.command_error)

    # Metadata

    def test_metadata_is_masked_in_every_depth_and_in_keys(self):
        for write in ("server.update_metadata(%s)", 'server.write({"metadata": %s})'):
            with self.subTest(write):
                self.server.metadata = False
                nested = (
                    f'{{"dsn": "pg://" + {NAMED} + "@db", "deep": [{{{NAMED}: [1, True, None, {NAMED}]}}]}}'
                )
                self.assert_done(self.outcome(write % nested))
                self.assertEqual(
                    self.server.metadata,
                    {
                        "dsn": "pg://*** backup ***@db",
                        "deep": [{"*** backup ***": [1, True, None, "*** backup ***"]}],
                    },
                )
                self.assertNotIn(SECRET, self.server.metadata_text)

    def test_encoded_secrets_and_numbers_are_masked_too(self):
        self.env["cx.tower.key"].create(
            {"name": "Pin", "reference": "pin", "key_type": "s", "secret_value": "73184650"}
        )
        code = (
            f'server.update_metadata({{"hex": {NAMED}.encode().hex(), "pin": int(#!cxtower.secret.pin!#)}})'
        )
        self.assert_done(self.outcome(code))
        self.assertEqual(self.server.metadata, {"hex": "*** backup ***", "pin": "*** pin ***"})

    def test_metadata_of_new_records_is_masked(self):
        with secrets_in_use(Masker({"backup": Secret(SECRET)})):
            servers = self.server.copy({"metadata": {"a": SECRET}}) + self.server.copy()
        self.assertEqual(servers.mapped("metadata"), [{"a": "*** backup ***"}, False])

    def test_each_record_keeps_its_own_other_keys(self):
        other = self.server.copy({"metadata": {"a": SECRET}})
        servers = self.server + other
        with secrets_in_use(Masker({"backup": Secret(SECRET)})):
            servers.write({"metadata": {"a": SECRET}, "note": "seen"})
        self.assertEqual(servers.mapped("metadata"), [{"a": "*** backup ***"}, {"a": SECRET}])
        for server in servers:
            self.assertIn("seen", server.note)

    def test_other_keys_keep_their_values(self):
        """Even if one has the text of a secret: it was written before anybody knew that."""
        self.server.update_metadata({"before": SECRET})
        self.assert_done(self.outcome(f'server.update_metadata({{"after": {NAMED}}})'))
        self.assertEqual(self.server.metadata, {"before": SECRET, "after": "*** backup ***"})

    def test_what_contains_no_secret_is_kept_as_it_is(self):
        self.assert_done(
            self.outcome(f'server.update_metadata({{"n": 5, "x": 1.5, "t": "ü", "l": len({NAMED})}})')
        )
        self.assertEqual(self.server.metadata, {"n": 5, "x": 1.5, "t": "ü", "l": len(SECRET)})

    def test_only_secrets_of_the_run_are_masked(self):
        self.assert_done(self.outcome(f'server.update_metadata({{"a": "{SECRET}"}})'))
        self.assertEqual(self.server.metadata, {"a": SECRET})

    def test_written_metadata_must_be_a_json_object(self):
        for wrong in ("text", [1], {1: 2}, {"a": object()}, {"a": float("nan")}):
            with self.subTest(wrong), self.assertRaises(ValidationError):
                self.server.write({"metadata": wrong})
        self.server.write({"metadata": {"a": 1}})
        self.server.write({"metadata": False})
        self.assertFalse(self.server.metadata)

    # Values

    def refused(self, code):
        log = self.outcome(code)
        self.assertEqual(log.command_status, ExitCode.PYTHON_COMMAND_ERROR)
        self.assertIn("“DSN” contains the secret “backup”", log.command_error)
        self.assertNotIn(SECRET, log.command_error)
        self.assertNotIn(SECRET, self.texts())

    def texts(self):
        return self.env["cx.tower.variable.value"].sudo().search([]).mapped("value_char")

    def test_values_that_contain_a_secret_are_refused_with_the_reason(self):
        own = (
            f'{{"variable_id": {self.variable.id}, "server_id": server.id, "value_char": "pg://" + {NAMED}}}'
        )
        for code in (
            f'server.set_variable_value("dsn", {NAMED})',
            f'server.set_variable_value("dsn", "pg://" + {NAMED} + "@db")',
            f'server.sudo().set_variable_value("dsn", {NAMED})',
            f'env["cx.tower.variable.value"].create({own})',
            f'env["cx.tower.variable.value"].sudo().create({own})',
            f'env["cx.tower.variable.value"].with_context(default_value_char={NAMED}).create({{"variable_id": {self.variable.id}}})',
            f'server.write({{"variable_value_ids": [(0, 0, {{"variable_id": {self.variable.id}, "value_char": {NAMED}}})]}})',
        ):
            with self.subTest(code):
                self.refused(code)

    def test_a_present_value_is_not_replaced_by_a_secret(self):
        self.server.set_variable_value("dsn", "old")
        self.refused(f'server.set_variable_value("dsn", {NAMED})')
        self.assertEqual(self.server.get_variable_value("dsn"), "old")

    def test_values_may_name_a_secret(self):
        self.assert_done(
            self.outcome(f'x = {NAMED}\nserver.set_variable_value("dsn", "#!cxtower." + "secret.backup!#")')
        )
        self.assertEqual(self.server.variable_value_ids.value_char, NAMED)

    def test_a_text_that_stands_in_another_value_already_may_be_copied(self):
        """Such as the values of a template, which its author typed in clear."""
        self.env["cx.tower.variable.value"].create({"variable_id": self.variable.id, "value_char": SECRET})
        self.assert_done(self.outcome(f'server.set_variable_value("dsn", {NAMED})'))

    def test_but_not_to_a_lower_level(self):
        row = {"variable_id": self.variable.id, "value_char": SECRET, "access_level": "3"}
        self.env["cx.tower.variable.value"].create(row)
        log = self.outcome(f'server.set_variable_value("dsn", {NAMED})')
        self.assertIn("contains the secret", log.command_error or "")

    def test_a_row_that_stays_as_it_is_is_not_looked_at(self):
        self.server.set_variable_value("dsn", SECRET)
        with secrets_in_use(Masker({"backup": Secret(SECRET)})):
            self.server.variable_value_ids.write({"value_char": SECRET, "sequence": 7})
        self.assertEqual(self.server.variable_value_ids.sequence, 7)
