from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from ..common import TowerCommon


@tagged("post_install", "-at_install")
class TestMetadata(TowerCommon):
    def test_metadata(self):
        server = self._new_server(managers=self.manager, users=self.user)
        own = server.with_user(self.manager)
        self.assertIs(own.update_metadata({"a": 1, "b": {"c": [1, "ü"]}}), True)
        self.assertIs(own.update_metadata({"a": 2}), True)
        self.assertEqual(own.metadata, {"a": 2, "b": {"c": [1, "ü"]}})
        self.assertIn('"ü"', own.metadata_text)
        for wrong in ("text", [1], {1: 2}, {"a": object()}, {"a": float("nan")}):
            with self.assertRaises(ValidationError):
                own.update_metadata(wrong)
        with self.assertRaises(AccessError):
            server.with_user(self.user).update_metadata({"a": 3})
        with self.assertRaises(AccessError):
            server.with_user(self.manager_2).update_metadata({"a": 3})
