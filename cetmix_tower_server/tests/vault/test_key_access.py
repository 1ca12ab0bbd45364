from odoo.tests import tagged

from ..access_case import ANY, OWN, ROLES, AccessMatrixCase
from ..common import make_private_key


@tagged("post_install", "-at_install")
class TestKeyAccess(AccessMatrixCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.private_key = make_private_key()

    def test_ssh_key(self):
        """Server: the person's role on a server that uses the key; None when none does."""
        lines = [
            ("m", "R", lambda s: s.role in ANY),
            ("m", "R", lambda s: s.server in ANY),
            ("m", "CRU", lambda s: s.role == "managers"),
            ("m", "CRU", lambda s: s.server == "managers"),
            ("m", "CRUD", lambda s: s.role == "managers" and s.own),
            ("m", "CRUD", lambda s: s.server == "managers" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, person=person):
                roles = self._roles(**self._role(person, s.role))
                return {"name": "Key", "key_type": "k", "secret_value": self.private_key, **roles}

            def make(s, vals=vals, name=name, person=person):
                key = self._make("cx.tower.key", vals(s), s.own, person)
                if s.server is not None:
                    self.servers[name, s.server].write({"ssh_auth_mode": "k", "ssh_key_id": key.id})
                return key

            situations = self._situations(role=ROLES, server=(None, *ROLES), own=OWN)
            # a new key is used by no server yet
            new = [s for s in situations if s.server is None]
            used = [s for s in situations if s.server is not None]
            self._check(lines, new, make, name, change={"note": "changed"}, create=vals)
            for situation in used:
                with self.env.cr.savepoint():
                    # nobody can delete a key that is in use, so only the rights are compared
                    key = make(situation)
                    self._check_used_key(lines, situation, key, name)

    def _check_used_key(self, lines, situation, key, name):
        allowed = self._allowed(lines, situation, name)
        own = key.with_user(self.people[name])
        for operation, access in (("R", "read"), ("U", "write"), ("D", "unlink")):
            with self.subTest(person=name, op=operation, **vars(situation)):
                self.assertEqual(own.has_access(access), operation in allowed)
        self.servers[name, situation.server].write(
            {"ssh_auth_mode": "p", "ssh_password": "p", "ssh_key_id": False}
        )

    def test_secret(self):
        lines = [
            ("m", "R", lambda s: True),
            ("m", "CRU", lambda s: s.role == "managers"),
            ("m", "CRUD", lambda s: s.role == "managers" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, person=person):
                roles = self._roles(**self._role(person, s.role))
                return {"name": "Secret", "key_type": "s", "secret_value": "x", **roles}

            self._check(
                lines,
                self._situations(role=ROLES, own=OWN),
                lambda s, vals=vals, person=person: self._make("cx.tower.key", vals(s), s.own, person),
                name,
                change={"note": "changed"},
                create=vals,
            )

    def test_secret_value(self):
        """Role: on the secret. Server: "none" for a value without one, else the role on it."""
        lines = [
            ("m", "R", lambda s: s.role in ANY),
            ("m", "R", lambda s: s.server == "none" or s.server in ANY),
            ("m", "CRU", lambda s: s.role == "managers" or s.server == "managers"),
            ("m", "CRUD", lambda s: (s.role == "managers" or s.server == "managers") and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, name=name, person=person):
                secret = self._new_secret(value=False, **self._role(person, s.role))
                server = (
                    self.servers[name, s.server] if s.server != "none" else self.servers[name, ""].browse()
                )
                return {"key_id": secret.id, "server_id": server.id, "secret_value": "x"}

            self._check(
                lines,
                self._situations(role=ROLES, server=("none", *ROLES), own=OWN),
                lambda s, vals=vals, person=person: self._make("cx.tower.key.value", vals(s), s.own, person),
                name,
                change={"secret_value": "changed"},
                create=vals,
            )
