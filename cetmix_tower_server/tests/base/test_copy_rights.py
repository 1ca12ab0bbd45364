from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..common import TowerCommon

LOGGERS = ("odoo.addons.base.models.ir_rule", "odoo.addons.base.models.ir_model")
RIGHTS = ("read", "write", "unlink")


@tagged("post_install", "-at_install")
class TestCopyRights(TowerCommon):
    """Copying and linking give no rights on existing records, and no credentials."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        readers = cls._roles(cls.manager)
        cls.key = cls._new_ssh_key("Their key")
        cls.jump = cls._new_server("Their jump host")
        cls.delete_plan = cls._new_plan("Their plan", access_level="3")
        cls.command = cls._new_command("Their command", access_level="2", users=cls.manager)
        cls.secret = cls._new_secret("Their secret")
        cls.server = cls._new_server(
            "Their server",
            users=cls.manager,
            ssh_auth_mode="k",
            ssh_key_id=cls.key.id,
            jump_server_id=cls.jump.id,
            plan_delete_id=cls.delete_plan.id,
            command_ids=cls.command.ids,
            secret_ids=[(0, 0, {"key_id": cls.secret.id, "secret_value": "only here"})],
        )
        file_template = cls.env["cx.tower.file.template"].create(
            {"name": "T", "file_name": "a", "server_dir": "/tmp", **readers}
        )
        cls.template = cls.env["cx.tower.server.template"].create(
            {
                "name": "Their template",
                "ssh_username": "t",
                "ssh_password": "template password",
                "ssh_auth_mode": "k",
                "ssh_key_id": cls.key.id,
                "jump_server_id": cls.jump.id,
                "flight_plan_id": cls.delete_plan.id,
                "file_template_ids": file_template.ids,
                **readers,
            }
        )
        plan = cls._new_plan("Plan", commands=[cls.command], users=cls.manager)
        task = cls.env["cx.tower.scheduled.task"].create(
            {"name": "Task", "command_id": cls.command.id, "server_ids": cls.server.ids, **readers}
        )
        cls.readable = [
            cls.server,
            cls.template,
            file_template,
            cls.command,
            plan,
            task,
            cls._new_ssh_key("Seen key", users=cls.manager),
            cls.secret,
        ]

    def rights(self, person):
        """Return {(model, id, right)} that a person has on the existing records of Tower."""
        found = set()
        for model in self.env.registry:
            records = self.env[model]
            if (
                not model.startswith("cx.tower.")
                or records._abstract
                or records._transient
                or not records._auto
            ):
                continue
            records = records.with_context(active_test=False).search([]).with_user(person)
            for right in RIGHTS if records else ():
                if records.browse().has_access(right):
                    found |= {(model, id_, right) for id_ in records._filtered_access(right).ids}
        return found

    def test_copying_gives_no_right_that_was_not_there(self):
        # with these, people who cannot see them would get no copy for other reasons
        self.server.write({"jump_server_id": False, "plan_delete_id": False})
        self.template.write({"jump_server_id": False, "flight_plan_id": False})
        before = self.rights(self.manager)
        there = {(model, id_) for model, id_, _right in self.rights(self.env.user)}
        for record in self.readable:
            with self.subTest(record.display_name):
                self.assertTrue(record.with_user(self.manager).has_access("read"))
                self.assertFalse(record.with_user(self.manager).has_access("write"))
                try:
                    with self.env.cr.savepoint(), mute_logger(*LOGGERS):
                        record.with_user(self.manager).copy()
                except AccessError:
                    self.env.invalidate_all()
                gained = {right for right in self.rights(self.manager) - before if right[:2] in there}
                self.assertEqual(gained, set())

    def test_a_copy_of_what_one_may_only_read_has_no_credentials(self):
        copied = self.server.with_user(self.manager).copy().sudo()
        for name in ("ssh_key_id", "jump_server_id", "plan_delete_id", "command_ids", "ssh_password"):
            with self.subTest(name):
                self.assertFalse(copied[name])
        self.assertFalse(any(copied.secret_ids.mapped("secret_value")))
        with mute_logger(*LOGGERS), self.assertRaises(AccessError), self.env.cr.savepoint():
            self.template.with_user(self.manager).copy()  # what it is for is its links
        self.env.invalidate_all()
        self.template.write({"ssh_key_id": False, "jump_server_id": False, "flight_plan_id": False})
        copied = self.template.with_user(self.manager).copy().sudo()
        self.assertFalse(copied.ssh_password or copied.file_template_ids)

    def test_a_manager_copies_what_he_manages_as_it_is(self):
        for record in (self.server, self.template):
            record.manager_ids = self.manager
            self.key.user_ids = self.jump.user_ids = self.manager
            self.template.flight_plan_id = False
            copied = record.with_user(self.manager).copy().sudo()
            self.assertEqual(copied.ssh_key_id, self.key)

    def test_a_key_seen_at_a_server_is_not_linked_elsewhere(self):
        """Managers of a server may write its key: linking it would give that right."""
        mine = self._new_server(managers=self.manager).with_user(self.manager)
        own_template = self.env["cx.tower.server.template"].with_user(self.manager).create({"name": "Own"})
        self.assertTrue(self.key.with_user(self.manager).has_access("read"))
        values = {"name": "New", "ip_v4_address": "192.0.2.1", "ssh_username": "t", "ssh_password": "p"}
        for what in (
            lambda: mine.write({"ssh_key_id": self.key.id}),
            lambda: mine.create({**values, "ssh_key_id": self.key.id}),
            lambda: mine.with_context(default_ssh_key_id=self.key.id).create(values),
            lambda: mine.copy({"ssh_key_id": self.key.id}),
            lambda: own_template.write({"ssh_key_id": self.key.id}),
        ):
            with (
                mute_logger(*LOGGERS),
                self.assertRaisesRegex(AccessError, "not allowed to use it for others"),
            ):
                with self.env.cr.savepoint():
                    what()
            self.env.invalidate_all()
        loaded = mine.load(["name", ".id", "ssh_key_id/.id"], [["New", str(mine.id), str(self.key.id)]])
        self.assertFalse(loaded["ids"])
        self.key.user_ids = self.manager
        mine.write({"ssh_key_id": self.key.id})

    def test_a_jump_host_or_a_template_is_linked_by_those_who_have_a_role_there(self):
        mine = self._new_server(managers=self.manager).with_user(self.manager)
        template = self.env["cx.tower.server.template"].create({"name": "Theirs"})
        for name, other in (("jump_server_id", self.jump), ("server_template_id", template)):
            with self.subTest(name):
                with mute_logger(*LOGGERS), self.assertRaises(AccessError), self.env.cr.savepoint():
                    mine.write({name: other.id})
                self.env.invalidate_all()
                other.user_ids = self.manager
                mine.write({name: other.id})
