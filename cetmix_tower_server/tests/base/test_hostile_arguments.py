from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .hostile_arguments_case import HostileArgumentsCase


@tagged("post_install", "-at_install")
class TestHostileArguments(HostileArgumentsCase):
    """Public methods and columns of this addon."""

    at_least = {"calls": 1001, "numbers": 31}
    not_called = frozenset({("cetmix.tower", "server_check_ssh_connection")})

    def test_the_sentence_names_method_and_argument(self):
        for message, wanted in (
            (self.refusal(self.log, "wait", "soon"), "“timeout_s”"),
            (self.refusal(self.log, "wait", timeout_s=[1]), "“timeout_s”"),
            (self.refusal(self.log, "read_output", {"a": 1}), "“offset”"),
        ):
            with self.subTest(message):
                self.assertIn(wanted, message)
                self.assertNotIn("float()", message)

    def test_an_argument_that_does_not_exist_is_named(self):
        message = self.refusal(self.env["cx.tower.fleet.run"], "start", plan=1, parallel=2)
        self.assertIn("has no argument “parallel”", message)
        self.assertIn("concurrency_limit", message)
        self.assertNotIn("“plan”", message)

    def test_metadata_that_cannot_be_stored(self):
        for metadata in ({"a": "x\0y"}, {"a\0": 1}, {"a": ["\ud800"]}, {"a": {"b": "\ufffe"}}):
            with self.subTest(metadata):
                self.assertIn(
                    "Metadata must be JSON: ", self.refusal(self.server, "update_metadata", metadata)
                )

    def test_texts_that_no_column_can_hold(self):
        for text in ("a\0b", "a\ud800", "\ufffe", "\uffff"):
            with self.subTest(text), self.assertRaisesRegex(ValidationError, "“Name” contains NUL"):
                self.env["cx.tower.command"].with_user(self.root).create({"name": text})
            with self.subTest(text), self.assertRaisesRegex(ValidationError, "“Name” contains NUL"):
                self.server.with_user(self.root).write({"name": text})
        for text in ("a\0b", "a\ud800"):
            self.assertIn("strings without NUL", self.refusal(self.server, "run_code", text))

    def test_a_mistake_of_towers_own_code_is_not_hidden_from_it(self):
        """Python that runs as superuser sees the exception; a caller over RPC the sentence."""
        with self.assertRaises(ValueError):
            self.log.sudo().wait("soon")
