"""The access matrix, line by line, and every denial between the lines.

For each model: the lines as the specification has them, and all situations a record can be in towards a person.
Each operation is tried in each situation by each person; it must work exactly where a line allows it.
"""

from itertools import product
from types import SimpleNamespace

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..common import TowerCommon, make_private_key

# Groups that apply to a person of that level.
GROUPS = {"outsider": "", "user": "u", "manager": "um", "root": "umr"}
ROLES = ("", "users", "managers")
OWN = (False, True)
LEVELS = ("1", "2", "3")
ANY = ("users", "managers")


class _Undo(Exception):
    """Ends an attempt that worked, so that the next one finds the record as it was."""


class AccessMatrixCase(TowerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = {name: getattr(cls, name) for name in GROUPS}
        cls.private_key = make_private_key()
        # servers on which a person has a given role, or none
        cls.servers = {
            (name, role): cls._new_server(f"{name} {role}", **cls._role(person, role))
            for (name, person), role in product(cls.people.items(), ROLES)
        }

    @staticmethod
    def _role(person, role):
        """Return keyword arguments for factories that give ``person`` this role."""
        return {role: person} if role else {}

    def _make(self, model, vals, own, person):
        """Create a record without any rights involved, by ``person`` or by somebody else."""
        author = person if own else self.manager_2
        return self.env[model].with_user(author).sudo().create(vals).with_env(self.env)

    def _tries(self, attempt):
        """Return whether ``attempt`` is allowed; it is undone in any case."""
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.addons.base.models.ir_rule", "odoo.models"):
                attempt()
                self.env.flush_all()
                raise _Undo
        except _Undo:
            return True
        except AccessError:
            return False

    def _check(self, lines, situations, make, person_name, vals=None, change=None, create=None):
        """Try every operation in every situation.

        :param lines: [(group letter, operations, condition of a situation)] as the specification has them
        :param situations: the situations of a record towards the person
        :param make: function of a situation that returns the record
        :param change: values that a person writes
        :param create: function of a situation that returns values for creating such a record, None to skip it
        """
        person = self.people[person_name]
        # the same holds for outsiders and Root everywhere: some situations are enough
        for situation in situations[:: {"outsider": 5, "root": 3}.get(person_name, 1)]:
            allowed = {
                operation
                for group, operations, condition in lines
                if group in GROUPS[person_name] and condition(situation)
                for operation in operations
            }
            record = make(situation)
            own = record.with_user(person)
            field = next(iter(change))
            attempts = {
                "R": lambda own=own, field=field: own.read([field]),
                "U": lambda own=own: own.write(change),
                "D": lambda own=own: own.unlink(),
            }
            if create and getattr(situation, "own", True):
                # who creates a record is its author: situations with another one do not exist
                attempts["C"] = lambda own=own, situation=situation: own.browse().create(create(situation))
            for operation, attempt in attempts.items():
                with self.subTest(model=record._name, person=person_name, op=operation, **vars(situation)):
                    self.env.invalidate_all()
                    self.assertEqual(self._tries(attempt), operation in allowed)
            if "R" in attempts:
                found = self._search(own)
                with self.subTest(model=record._name, person=person_name, op="search", **vars(situation)):
                    self.assertEqual(found, "R" in allowed)

    def _search(self, record):
        try:
            return bool(record.with_context(active_test=False).search([("id", "=", record.id)]))
        except AccessError:
            return False

    @staticmethod
    def _situations(**dimensions):
        return [
            SimpleNamespace(**dict(zip(dimensions, values, strict=True)))
            for values in product(*dimensions.values())
        ]


@tagged("post_install", "-at_install")
class TestAccessMatrix(AccessMatrixCase):
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

    def test_command(self):
        """Server: "none" when none is set on the command, else the person's role on the one that is."""
        lines = [
            ("u", "R", lambda s: s.level == "1" and s.role == "users"),
            ("u", "R", lambda s: s.level == "1" and s.server == "users"),
            ("m", "R", lambda s: s.level <= "2" and s.server == "none"),
            ("m", "R", lambda s: s.level <= "2" and s.role in ANY),
            ("m", "R", lambda s: s.level <= "2" and s.server in ANY),
            ("m", "CRU", lambda s: s.level <= "2" and s.role == "managers"),
            ("m", "CRUD", lambda s: s.level <= "2" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, name=name, person=person):
                server = self.servers[name, s.server] if s.server != "none" else None
                return {
                    "name": "Command",
                    "code": "true",
                    "access_level": s.level,
                    "server_ids": [(6, 0, server.ids if server else [])],
                    **self._roles(**self._role(person, s.role)),
                }

            def create(s, vals=vals):
                # linking a server changes it, too: one that is not managed has a test of its own
                return {**vals(s), **({"server_ids": []} if s.server in ("", "users") else {})}

            self._check(
                lines,
                self._situations(level=LEVELS, role=ROLES, server=("none", *ROLES), own=OWN),
                lambda s, vals=vals, person=person: self._make("cx.tower.command", vals(s), s.own, person),
                name,
                change={"note": "changed"},
                create=create,
            )

    def test_command_of_an_archived_server_is_not_for_all_servers(self):
        server = self._new_server()
        command = self._new_command(access_level="2", server_ids=[(6, 0, server.ids)])
        server.action_archive()
        self.assertFalse(command.with_user(self.manager).has_access("read"))

    def _make_log(self, s, name, person):
        command = self._new_command(access_level=s.level)
        return self.env["cx.tower.command.log"].create(
            {
                "command_id": command.id,
                "server_id": self.servers[name, s.server].id,
                "user_id": (person if s.started else self.manager_2).id,
                "state": "done",
            }
        )

    LOG_LINES = (
        ("u", "R", lambda s: s.started and s.server == "users"),
        ("m", "R", lambda s: s.level <= "2" and s.server in ANY),
        ("r", "RD", lambda s: True),
    )

    def test_command_log(self):
        """Nobody writes by hand; Root deletes."""
        for name, person in self.people.items():
            self._check(
                self.LOG_LINES,
                self._situations(level=LEVELS, server=ROLES, started=OWN),
                lambda s, name=name, person=person: self._make_log(s, name, person),
                name,
                change={"label": "changed"},
                create=lambda s, name=name, person=person: {
                    "command_id": self._new_command(access_level=s.level).id,
                    "server_id": self.servers[name, s.server].id,
                    "user_id": person.id,
                },
            )

    def test_command_log_output(self):
        """Read where the log is; written by the run engine only."""

        def make(s, name, person):
            vals = {"log_id": self._make_log(s, name, person).id, "start_offset": 0, "end_offset": 1}
            return self.env["cx.tower.command.log.output"].create({**vals, "segments": [["o", "x"]]})

        lines = [(group, "R", condition) for group, _operations, condition in self.LOG_LINES]
        for name, person in self.people.items():
            self._check(
                lines,
                self._situations(level=LEVELS, server=ROLES, started=OWN),
                lambda s, name=name, person=person: make(s, name, person),
                name,
                change={"end_offset": 2},
            )

    def test_variable(self):
        lines = [
            ("u", "R", lambda s: s.level == "1"),
            ("m", "R", lambda s: s.level <= "2"),
            ("m", "CRU", lambda s: s.level <= "2" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        counter = iter(range(10000))
        for name, person in self.people.items():

            def vals(s):
                return {"name": f"Variable v{next(counter)}", "access_level": s.level}

            self._check(
                lines,
                self._situations(level=LEVELS, own=OWN),
                lambda s, vals=vals, person=person: self._make("cx.tower.variable", vals(s), s.own, person),
                name,
                change={"note": "changed"},
                create=vals,
            )

    def _make_variable(self, name, own, person, **vals):
        self.counter = getattr(self, "counter", 0) + 1
        vals = {"name": f"Variable {name} w{self.counter}", "access_level": "1", **vals}
        return self._make("cx.tower.variable", vals, own, person)

    def test_variable_option(self):
        """As its variable: "own" is who created the variable; nobody but Root deletes."""
        lines = [
            ("u", "R", lambda s: s.level == "1"),
            ("m", "R", lambda s: s.level <= "2"),
            ("m", "CRU", lambda s: s.level <= "2" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, name=name, person=person):
                variable = self._make_variable(name, s.own, person, variable_type="o")
                return {"variable_id": variable.id, "name": "o", "value_char": "o", "access_level": s.level}

            self._check(
                lines,
                self._situations(level=LEVELS, own=OWN),
                lambda s, vals=vals, person=person: self._make(
                    "cx.tower.variable.option", vals(s), False, person
                ),
                name,
                change={"sequence": 3},
                create=vals,
            )

    def test_global_variable_value(self):
        """Follows the variable and its own level; "own" is who created the variable."""
        lines = [
            ("u", "R", lambda s: s.level == "1"),
            ("m", "R", lambda s: s.level <= "2"),
            ("m", "CRU", lambda s: s.level <= "2" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, name=name, person=person):
                variable = self._make_variable(name, s.own, person)
                return {"variable_id": variable.id, "value_char": "v", "access_level": s.level}

            self._check(
                lines,
                self._situations(level=LEVELS, own=OWN),
                lambda s, vals=vals, person=person: self._make(
                    "cx.tower.variable.value", vals(s), False, person
                ),
                name,
                change={"value_char": "changed"},
                create=vals,
            )

    def test_variable_value_of_a_server(self):
        lines = [
            ("u", "R", lambda s: s.level == "1" and s.server == "users"),
            ("m", "R", lambda s: s.level <= "2" and s.server in ANY),
            ("m", "CRU", lambda s: s.level <= "2" and s.server == "managers"),
            ("m", "CRUD", lambda s: s.level <= "2" and s.server == "managers" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, name=name, person=person):
                return {
                    "variable_id": self._make_variable(name, False, person).id,
                    "server_id": self.servers[name, s.server].id,
                    "value_char": "v",
                    "access_level": s.level,
                }

            self._check(
                lines,
                self._situations(level=LEVELS, server=ROLES, own=OWN),
                lambda s, vals=vals, person=person: self._make(
                    "cx.tower.variable.value", vals(s), s.own, person
                ),
                name,
                change={"value_char": "changed"},
                create=vals,
            )

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
                    # a key that is in use can be deleted by nobody: detach it within the attempt
                    key = make(situation)
                    self._check_used_key(lines, situation, key, name)

    def _check_used_key(self, lines, situation, key, name):
        allowed = {
            operation
            for group, operations, condition in lines
            if group in GROUPS[name] and condition(situation)
            for operation in operations
        }
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


@tagged("post_install", "-at_install")
class TestAccessBetweenLines(AccessMatrixCase):
    """What nobody can get by going round the lines."""

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

    def test_linking_needs_the_right_to_read(self):
        others = self.servers["manager", ""]
        mine = self.servers["manager", "managers"].with_user(self.manager)
        command = self._new_command(managers=self.manager).with_user(self.manager)
        key = self._new_ssh_key()
        for attempt in (
            lambda: command.write({"server_ids": [(4, others.id)]}),
            lambda: command.write({"server_ids": [(6, 0, others.ids)]}),
            lambda: self._new_command(person=self.manager, server_ids=[others.id]),
            lambda: mine.write({"ssh_key_id": key.id}),
            lambda: mine.write({"jump_server_id": others.id}),
            lambda: mine.write({"command_ids": [(4, self._new_command(server_ids=[others.id]).id)]}),
        ):
            self.assertFalse(self._tries(attempt))
        self.assertTrue(self._tries(lambda: command.write({"server_ids": [(4, mine.id)]})))

    def test_servers_one_cannot_see_may_stay_on_a_command(self):
        others = self.servers["manager", ""]
        command = self._new_command(managers=self.manager, server_ids=[(6, 0, others.ids)])
        self.env.flush_all()
        self.env.invalidate_all()  # or what the test created would be found in the cache
        own = command.with_user(self.manager)
        own.write({"server_ids": [(4, self.servers["manager", "managers"].id)]})
        self.env.invalidate_all()
        self.assertEqual(len(command.server_ids), 2)

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
