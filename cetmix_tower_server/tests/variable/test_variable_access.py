from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged

from ..access_case import ANY, LEVELS, OWN, ROLES, AccessMatrixCase
from .variable_case import VariableCase


@tagged("post_install", "-at_install")
class TestVariableAccess(VariableCase):
    """The public methods of owners, as each level."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "cetmix_tower_server.group_"
        cls.user = new_test_user(cls.env, "tower_v_user", groups=f"base.group_user,{group}user")
        cls.manager = new_test_user(cls.env, "tower_v_manager", groups=f"base.group_user,{group}manager")
        cls.root = new_test_user(cls.env, "tower_v_root", groups=f"base.group_user,{group}root")
        cls.stranger = new_test_user(cls.env, "tower_v_stranger", groups="base.group_user")
        cls.server.write({"user_ids": [(6, 0, cls.user.ids)], "manager_ids": [(6, 0, cls.manager.ids)]})
        cls.low = cls._make_variable("low", "g1", "s1")
        cls.middle = cls._make_variable("middle", "g2", "s2", access_level="2")
        cls.high = cls._make_variable("high", "g3", "s3", access_level="3")

    def _as(self, user, record=None):
        return (record or self.server).with_user(user)

    # ------------------------------------------------------------------ get

    def test_get_variable_value_by_level(self):
        readable = {self.user: ["low"], self.manager: ["low", "middle"], self.root: ["low", "middle", "high"]}
        for user, references in readable.items():
            for number, reference in enumerate(("low", "middle", "high"), 1):
                with self.subTest(user=user.login, reference=reference):
                    if reference in references:
                        self.assertEqual(self._as(user).get_variable_value(reference), f"s{number}")
                    else:
                        with self.assertRaises(AccessError):
                            self._as(user).get_variable_value(reference)

    def test_get_variable_value_needs_the_server(self):
        for user in (self.user, self.manager, self.stranger):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self._as(user, self.other_server).get_variable_value("low")

    def test_get_variable_value_falls_back_to_global(self):
        server = self.other_server
        self.assertEqual(server.get_variable_value("low"), "g1")
        self.assertIs(server.get_variable_value("low", no_fallback=True), False)
        self.assertEqual(self.server.get_variable_value("low", no_fallback=True), "s1")
        self.assertIs(server.get_variable_value("unknown"), False)
        self.assertIs(server.get_variable_value(False), False)

    # ------------------------------------------------------------------ set

    def test_set_variable_value(self):
        server = self._as(self.manager)
        self.assertIs(server.set_variable_value("low", "new"), True)
        self.assertEqual(server.get_variable_value("low"), "new")
        self.assertIs(server.set_variable_value("low", 80), True)
        self.assertEqual(server.get_variable_value("low"), "80")
        self.assertIs(server.set_variable_value("low", ""), True)
        self.assertEqual(server.get_variable_value("low"), "", "an empty text is a value")
        for nothing in (False, None, None):
            self.assertIs(server.set_variable_value("low", nothing), True)
            self.assertEqual(server.get_variable_value("low"), "g1")
            self.assertIs(server.get_variable_value("low", no_fallback=True), False)
            self.assertFalse(self.low.value_ids.filtered("server_id"))
        server.set_variable_value("low", "back")
        self.assertEqual(server.get_variable_value("low"), "back")
        self._make_variable("fresh")
        server.set_variable_value("fresh", "x")
        self.assertEqual(server.get_variable_value("fresh", no_fallback=True), "x")
        self.low.value_ids.filtered("server_id").active = False
        server.set_variable_value("low", "back")
        self.assertEqual(server.get_variable_value("low"), "back")

    def test_setting_the_same_writes_nothing(self):
        self._as(self.manager).set_variable_value("low", "s1")
        self.env.flush_all()
        value = self.low.value_ids.filtered("server_id")
        before = value.write_date
        self._as(self.manager).set_variable_value("low", "s1")
        self.assertEqual(value.write_date, before)

    def test_set_variable_value_refuses(self):
        for value in ([], {"a": 1}, b"x"):
            with self.subTest(value), self.assertRaises(ValidationError):
                self.server.set_variable_value("low", value)
        with self.assertRaises(ValidationError):
            self.server.set_variable_value("unknown", "x")
        variable = self._make_variable("digits", validation_pattern="[0-9]+")
        with self.assertRaises(ValidationError):
            self.server.set_variable_value(variable.reference, "x")

    def test_set_variable_value_by_level(self):
        self._make_variable("fresh_high", access_level="3")
        for user, server, reference in (
            (self.user, self.server, "low"),
            (self.user, self.other_server, "low"),
            (self.manager, self.other_server, "low"),
            (self.manager, self.server, "high"),
            (self.manager, self.server, "fresh_high"),
            (self.stranger, self.server, "low"),
        ):
            with self.subTest(user=user.login, server=server.name, reference=reference):
                with self.assertRaises(AccessError):
                    self._as(user, server).set_variable_value(reference, "x")
        self._as(self.root).set_variable_value("high", "x")

    # ------------------------------------------------------------------ effective values

    def _effective(self, user, server=None):
        rows = self._as(user, server).get_effective_variable_values()
        return {row["reference"]: row for row in rows}

    def test_effective_values_by_level(self):
        self.assertEqual(set(self._effective(self.user)), {"low"})
        self.assertEqual(set(self._effective(self.manager)), {"low", "middle"})
        self.assertEqual(set(self._effective(self.root)), {"low", "middle", "high"})
        for user in (self.stranger, self.user):
            with self.assertRaises(AccessError):
                self._effective(user, self.other_server)

    def test_effective_value_says_where_it_comes_from(self):
        row = self._effective(self.user)["low"]
        own = self.low.value_ids.filtered("server_id")
        everywhere = self.low.value_ids - own
        self.assertEqual(
            row,
            {
                "reference": "low",
                "name": "low",
                "value": "s1",
                "raw": "s1",
                "error": "",
                "hidden": False,
                "source": {
                    "scope": "server",
                    "label": "One",
                    "model": "cx.tower.server",
                    "id": self.server.id,
                    "value_id": own.id,
                },
                "overridden": [
                    {
                        "scope": "global",
                        "label": "Global",
                        "model": False,
                        "id": False,
                        "value_id": everywhere.id,
                        "raw": "g1",
                    }
                ],
            },
        )

    def test_effective_value_is_rendered_and_modified(self):
        self._make_variable("dir", "/srv/{{ low }}", applied_expression="value.upper()")
        self._make_variable("broken", "{{ nothing }}")
        rows = self._effective(self.user)
        self.assertEqual((rows["dir"]["value"], rows["dir"]["raw"]), ("/SRV/S1", "/srv/{{ low }}"))
        self.assertIs(rows["broken"]["value"], False)
        self.assertIn("nothing", rows["broken"]["error"])

    def test_effective_values_tell_nothing_that_is_hidden(self):
        """A value may use a value above its access level, or be raised above the level of its variable."""
        self._make_variable("peek", "{{ high }}")
        self.low.value_ids.filtered("server_id").access_level = "2"
        rows = self._effective(self.user)
        self.assertIs(rows["peek"]["value"], False)
        self.assertNotIn("s3", str(rows))
        self.assertTrue(rows["low"]["hidden"])
        self.assertIs(rows["low"]["raw"], False)
        self.assertNotIn("s1", str(rows))
        with self.assertRaises(AccessError):
            self._as(self.user).get_variable_value("low")

    # ------------------------------------------------------------------ records

    def test_records_by_level(self):
        values = self.low.value_ids | self.middle.value_ids | self.high.value_ids
        expected = {self.user: 2, self.manager: 4, self.root: 6}
        for user, count in expected.items():
            with self.subTest(user.login):
                found = self.Value.with_user(user).search([("id", "in", values.ids)])
                self.assertEqual(len(found), count)

    def test_counts_are_those_of_the_caller(self):
        self._make_value(self.low, "x", server_id=self.other_server.id)
        self.assertEqual(self.low.value_ids_count, 3)
        self.low.invalidate_recordset()
        self.assertEqual(self.low.with_user(self.user).value_ids_count, 2)


@tagged("post_install", "-at_install")
class TestVariableRecordsAccess(AccessMatrixCase):
    """The records: variables, options and values."""

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
