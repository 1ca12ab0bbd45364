from itertools import product

from odoo.tests import tagged

from ..access_case import OWN, AccessMatrixCase
from ..common import TowerCommon


@tagged("post_install", "-at_install")
class TestAccess(AccessMatrixCase):
    def test_os_and_tag(self):
        tables = {
            "cx.tower.os": [("u", "R", lambda s: True), ("r", "CRUD", lambda s: True)],
            "cx.tower.tag": [
                ("u", "R", lambda s: True),
                ("m", "CRU", lambda s: True),
                ("m", "D", lambda s: s.own),
                ("r", "CRUD", lambda s: True),
            ],
        }
        for (model, lines), (name, person) in product(tables.items(), self.people.items()):
            self._check(
                lines,
                self._situations(own=OWN),
                lambda s, model=model, person=person: self._make(model, {"name": "x"}, s.own, person),
                name,
                change={"color": 3},
                create=lambda s: {"name": "x"},
            )

    def test_wizards_belong_to_who_opened_them(self):
        self.server = self._new_server()
        for model in ("cx.tower.command.run.wizard", "cx.tower.server.host.key.wizard"):
            vals = {"server_id": self.server.id} if "server_id" in self.env[model]._fields else {}
            wizard = self.env[model].with_user(self.manager).sudo().create(vals).with_env(self.env)
            for person, allowed in ((self.manager, True), (self.manager_2, False), (self.root, False)):
                for operation in ("read", "write", "unlink"):
                    with self.subTest(model=model, person=person.login, operation=operation):
                        self.assertEqual(wizard.with_user(person).has_access(operation), allowed)

    def test_a_record_cannot_be_moved_to_where_creating_it_is_refused(self):
        mine, others = self.servers["manager", "managers"], self.servers["manager", ""]
        variable = self.env["cx.tower.variable"].create({"name": "V", "access_level": "1"})
        hidden = self.env["cx.tower.variable"].create({"name": "Hidden", "access_level": "3"})
        value = self.env["cx.tower.variable.value"].create(
            {"variable_id": variable.id, "server_id": mine.id, "value_char": "x"}
        )
        command = self._new_command(managers=self.manager)
        secret = self._new_secret(value=False)
        key_value = self.env["cx.tower.key.value"].create(
            {"key_id": secret.id, "server_id": mine.id, "secret_value": "x"}
        )
        for record, vals in [
            (value, {"server_id": others.id}),
            (value, {"server_id": False}),
            (value, {"access_level": "3"}),
            (value, {"variable_id": hidden.id}),
            (command, {"access_level": "3"}),
            (key_value, {"server_id": others.id}),
            (key_value, {"server_id": False}),
        ]:
            with self.subTest(model=record._name, **vals):
                self.assertTrue(record.with_user(self.manager).has_access("write"))
                self.assertFalse(self._tries(lambda r=record, v=vals: r.with_user(self.manager).write(v)))

    def test_public_methods_as_somebody_who_may_not(self):
        server = self.servers["manager", ""]
        secret = self._new_secret()
        partner = self.env["res.partner"].create({"name": "P"})
        attempts = {
            self.outsider: [
                lambda p: server.with_user(p).get_by_reference(server.reference),
                lambda p: self.env["cx.tower.vault"].with_user(p).get_status(),
                lambda p: self.env["cx.tower.vault"].with_user(p).rotate_keys(),
                lambda p: partner.with_user(p).read(["server_ids"]),
            ],
            self.user: [
                lambda p: server.with_user(p).update_metadata({"a": 1}),
                lambda p: server.with_user(p).copy(),
                lambda p: secret.with_user(p).get_by_reference(secret.reference),
                lambda p: secret.with_user(p).copy_data(),
                lambda p: partner.with_user(p).read(["secret_ids"]),
            ],
            self.manager: [
                lambda p: server.with_user(p).update_metadata({"a": 1}),
                lambda p: server.with_user(p).copy(),
                lambda p: server.with_user(p).copy_data(),
                lambda p: self.env["cx.tower.vault"].with_user(p).rotate_keys(),
            ],
        }
        for person, attempts_of_person in attempts.items():
            for number, attempt in enumerate(attempts_of_person):
                with self.subTest(person=person.login, number=number):
                    self.assertFalse(self._tries(lambda attempt=attempt, person=person: attempt(person)))
        self.assertFalse(server.with_user(self.manager).get_by_reference(server.reference))

    def test_tagging_is_changing_the_record(self):
        tag = self.env["cx.tower.tag"].with_user(self.manager).create({"name": "Tag"})
        read_only = self.servers["manager", "users"]
        for attempt in (
            lambda: tag.write({"server_ids": [(4, read_only.id)]}),
            lambda: tag.create({"name": "New", "server_ids": [(4, read_only.id)]}),
        ):
            self.assertFalse(self._tries(attempt))
        tag.write({"server_ids": [(4, self.servers["manager", "managers"].id)]})

    def test_tag_in_use_is_deleted_by_root_only(self):
        tag = self.env["cx.tower.tag"].with_user(self.manager).create({"name": "Used"})
        self._new_server(tag_ids=[(6, 0, tag.ids)])
        with self.assertRaisesRegex(Exception, "in use"):
            tag.unlink()
        tag.with_user(self.root).unlink()


@tagged("post_install", "-at_install")
class TestLevelsAndRoles(TowerCommon):
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
