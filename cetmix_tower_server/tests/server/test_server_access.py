from odoo.tests import tagged

from ..access_case import ANY, OWN, ROLES, AccessMatrixCase


@tagged("post_install", "-at_install")
class TestServerAccess(AccessMatrixCase):
    def test_server(self):
        lines = [
            ("u", "R", lambda s: s.role == "users"),
            ("m", "R", lambda s: s.role in ANY),
            ("m", "CRU", lambda s: s.role == "managers"),
            ("m", "CRUD", lambda s: s.role == "managers" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, person=person):
                return {
                    "name": "Server",
                    "ip_v4_address": "192.0.2.1",
                    "ssh_username": "u",
                    "ssh_password": "p",
                    **self._roles(**self._role(person, s.role)),
                }

            self._check(
                lines,
                self._situations(role=ROLES, own=OWN),
                lambda s, vals=vals, person=person: self._make("cx.tower.server", vals(s), s.own, person),
                name,
                change={"name": "changed"},
                create=vals,
            )

    def test_manager_fields_are_closed_to_users(self):
        server = self.servers["user", "users"].with_user(self.user)
        closed = """manager_ids metadata metadata_text ip_v4_address ip_v6_address host_key ssh_port ssh_username
            ssh_password ssh_key_id ssh_auth_mode use_sudo secret_ids""".split()
        for name in closed:
            with self.subTest(name):
                self.assertNotIn(name, server.fields_get())
                self.assertFalse(self._tries(lambda name=name: server.read([name])))
                self.assertFalse(self._tries(lambda name=name: server.search([(name, "=", "1")])))
        command = self._new_command(users=self.user, access_level="1").with_user(self.user)
        self.assertFalse(self._tries(lambda: command.read(["manager_ids"])))
