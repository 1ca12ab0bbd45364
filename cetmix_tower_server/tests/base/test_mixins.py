from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from ..common import TowerCommon


@tagged("post_install", "-at_install")
class TestMixins(TowerCommon):
    def test_level_of_a_person(self):
        for person, level in [
            (self.outsider, False),
            (self.user, "1"),
            (self.manager, "2"),
            (self.root, "3"),
        ]:
            self.assertEqual(self.env["res.users"].with_user(person)._cetmix_tower_access_level(), level)

    def test_creator_gets_the_roles_that_are_open_to_them(self):
        command = self.env["cx.tower.command"].with_user(self.manager).create({"name": "C"})
        self.assertEqual((command.user_ids, command.manager_ids), (self.manager, self.manager))
        command = self.env["cx.tower.command"].create({"name": "C"})
        self.assertFalse(command.user_ids | command.manager_ids)

    def test_roles_are_not_copied_and_have_own_tables(self):
        command = self._new_command(users=self.user, managers=self.manager_2)
        copied = command.with_user(self.manager_2).copy()
        self.assertEqual((copied.user_ids, copied.manager_ids), (self.manager_2, self.manager_2))
        tables = {
            self.env[model]._fields[field].relation
            for model in ("cx.tower.server", "cx.tower.command", "cx.tower.key")
            for field in ("user_ids", "manager_ids")
        }
        self.assertEqual(len(tables), 6)
        self.assertIn("cx_tower_key_manager_rel", tables)

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
