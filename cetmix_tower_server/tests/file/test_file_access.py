"""Who may do what with files and file templates."""

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from ..access_case import ANY, OWN, ROLES, AccessMatrixCase


@tagged("post_install", "-at_install")
class TestFileAccess(AccessMatrixCase):
    def _file_vals(self, s, name):
        return {"name": "f", "server_dir": "/etc", "server_id": self.servers[name, s.role].id}

    def test_file(self):
        lines = [
            ("u", "R", lambda s: s.role == "users"),
            ("m", "R", lambda s: s.role in ANY),
            ("m", "CRU", lambda s: s.role == "managers"),
            ("m", "CRUD", lambda s: s.role == "managers" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():
            self._check(
                lines,
                self._situations(role=ROLES, own=OWN),
                lambda s, name=name, person=person: self._make(
                    "cx.tower.file", self._file_vals(s, name), s.own, person
                ),
                name,
                change={"code": "changed"},
                create=lambda s, name=name: self._file_vals(s, name),
            )

    def test_file_template(self):
        lines = [
            ("m", "R", lambda s: s.role in ANY),
            ("m", "CRU", lambda s: s.role == "managers"),
            ("m", "CRUD", lambda s: s.role == "managers" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, person=person):
                return {"name": "T", "file_name": "f", **self._roles(**self._role(person, s.role))}

            self._check(
                lines,
                self._situations(role=ROLES, own=OWN),
                lambda s, vals=vals, person=person: self._make(
                    "cx.tower.file.template", vals(s), s.own, person
                ),
                name,
                change={"code": "changed"},
                create=vals,
            )


@tagged("post_install", "-at_install")
class TestFileAccessBypass(AccessMatrixCase):
    """Ways around the table are closed, too."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mine = cls.servers["manager", "managers"]
        cls.used = cls.servers["manager", "users"]
        cls.others = cls.servers["manager", ""]
        cls.file = cls._file(cls.mine)
        cls.read_only = cls._file(cls.used)
        cls.hidden_template = cls.env["cx.tower.file.template"].create(
            {"name": "Hidden", "file_name": "h", "code": "classified", **cls._roles()}
        )

    @classmethod
    def _file(cls, server):
        values = {"name": "f", "server_dir": "/etc", "server_id": server.id}
        return cls.env["cx.tower.file"].create(values)

    def test_a_file_cannot_be_moved_to_where_creating_it_is_refused(self):
        for server in (self.used, self.others):
            self.assertFalse(
                self._tries(
                    lambda server=server: self.file.with_user(self.manager).write({"server_id": server.id})
                )
            )

    def test_a_template_is_used_by_those_who_may_read_it(self):
        file = self.file.with_user(self.manager)
        template = self.hidden_template
        command = self._new_command("Own", managers=self.manager).with_user(self.manager)
        for number, attempt in enumerate(
            (
                lambda: file.write({"template_id": template.id}),
                lambda: file.create(
                    {"name": "f", "server_dir": "/x", "server_id": self.mine.id, "template_id": template.id}
                ),
                lambda: file.with_context(default_template_id=template.id).create(
                    {"name": "f", "server_dir": "/x", "server_id": self.mine.id}
                ),
                lambda: command.write({"action": "file_using_template", "file_template_id": template.id}),
                lambda: template.with_user(self.manager).create_file(self.mine),
                lambda: template.with_user(self.manager).action_push_files(),
            )
        ):
            with self.subTest(number):
                self.assertFalse(self._tries(attempt))

    def test_the_content_of_a_template_is_not_shown_by_its_command(self):
        command = self._new_command(
            "Makes it",
            access_level="1",
            users=self.user,
            managers=self.manager,
            action="file_using_template",
            file_template_id=self.hidden_template.id,
        )
        for person in (self.user, self.manager):
            self.assertFalse(command.with_user(person).read(["template_code"])[0]["template_code"])
        self.assertEqual(command.with_user(self.root).template_code, "classified")

    def test_transfers_need_the_right_to_write(self):
        names = (
            "upload",
            "download",
            "delete",
            "compare",
            "action_push_to_server",
            "action_pull_from_server",
            "action_delete_from_server",
            "action_get_current_server_code",
            "action_unlink_from_template",
        )
        before = self.env["cx.tower.command.log"].search_count([])
        for person in (self.outsider, self.user, self.manager):
            for name in names:
                with self.subTest(person=person.login, name=name), self.assertRaises(AccessError):
                    getattr(self.read_only.with_user(person), name)()
        self.assertEqual(self.env["cx.tower.command.log"].search_count([]), before)

    def test_files_of_a_host_belong_to_its_managers(self):
        attempts = (
            lambda server: server.upload_file("x", "/tmp/x"),
            lambda server: server.download_file("/etc/shadow"),
            lambda server: server.delete_file("/tmp/x"),
        )
        for person in (self.outsider, self.user, self.manager):
            for number, attempt in enumerate(attempts):
                with self.subTest(person=person.login, number=number), self.assertRaises(AccessError):
                    attempt(self.used.with_user(person))

    def test_what_scripts_may_not_ask_for(self):
        server = self.mine.with_user(self.manager)
        with self.assertRaisesRegex(ValidationError, "Tower host"):
            server.upload_file("/etc/passwd", "/tmp/x", from_path=True)
        for path in ("tmp/x", "/tmp/../etc/shadow", "", None, "/tmp/\n"):
            with self.subTest(path=path), self.assertRaises(ValidationError):
                server.download_file(path)
        with self.assertRaises(ValidationError):
            server.upload_file(17, "/tmp/x")

    def test_the_difference_is_for_those_who_may_read_the_file(self):
        other = self._file(self.others)
        self.assertFalse(self._tries(lambda: other.with_user(self.manager).get_difference()))
        self.assertTrue(self._tries(lambda: self.read_only.with_user(self.manager).get_difference()))
