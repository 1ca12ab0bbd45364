"""Who may do what with server templates, their values and the wizard that uses them."""

from itertools import product

from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..access_case import ANY, OWN, ROLES, AccessMatrixCase
from ..common import slow

TEMPLATE, WIZARD = "cx.tower.server.template", "cx.tower.server.template.create.wizard"


@tagged("post_install", "-at_install")
class TestServerTemplateAccess(AccessMatrixCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.variables = {
            level: cls.env["cx.tower.variable"].create({"name": f"Level {level}", "access_level": level})
            for level in ("1", "2", "3")
        }

    def _template_vals(self, s, name):
        return {"name": "Template", **self._roles(**self._role(self.people[name], s.role))}

    def _make_template(self, s, name, own):
        return self._make(TEMPLATE, self._template_vals(s, name), own, self.people[name])

    def test_template(self):
        lines = [
            ("m", "R", lambda s: s.role in ANY),
            ("m", "CRU", lambda s: s.role == "managers"),
            ("m", "CRUD", lambda s: s.role == "managers" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name in self.people:
            self._check(
                lines,
                self._situations(role=ROLES, own=OWN),
                lambda s, name=name: self._make_template(s, name, s.own),
                name,
                change={"note": "changed"},
                create=lambda s, name=name: self._template_vals(s, name),
            )

    @slow
    def test_value_of_a_template(self):
        lines = [
            ("m", "R", lambda s: s.level <= "2" and s.role in ANY),
            ("m", "CRU", lambda s: s.level <= "2" and s.role == "managers"),
            ("m", "CRUD", lambda s: s.level <= "2" and s.role == "managers" and s.own),
            ("r", "CRUD", lambda s: True),
        ]
        for name, person in self.people.items():

            def vals(s, name=name):
                return {
                    "variable_id": self.variables[s.level].id,
                    "server_template_id": self._make_template(s, name, False).id,
                    "value_char": "x",
                }

            self._check(
                lines,
                self._situations(level=("1", "2", "3"), role=ROLES, own=OWN),
                lambda s, vals=vals, person=person: self._make(
                    "cx.tower.variable.value", vals(s), s.own, person
                ),
                name,
                change={"value_char": "changed"},
                create=vals,
            )

    def test_a_value_is_not_moved_to_a_template_of_others(self):
        mine = self._as(self.env[TEMPLATE], self.manager).create({"name": "Mine"})
        other = self.env[TEMPLATE].create({"name": "Other", **self._roles()})
        value = self._as(self.env["cx.tower.variable.value"], self.manager).create(
            {"variable_id": self.variables["1"].id, "server_template_id": mine.id, "value_char": "x"}
        )
        with self.assertRaises(AccessError):
            value.server_template_id = other

    def test_wizard_is_for_who_opened_it(self):
        template = self.env[TEMPLATE].create(
            {
                "name": "Shared",
                "ssh_username": "u",
                "variable_value_ids": [
                    (0, 0, {"variable_id": self.variables["1"].id, "value_char": "x"}),
                ],
                **self._roles(users=self.manager | self.manager_2 | self.root),
            }
        )
        wizard = self._as(self.env[WIZARD], self.manager).create(
            {"server_template_id": template.id, "name": "New", "ssh_password": "mine"}
        )
        self.assertEqual(wizard.line_ids.mapped("value_char"), ["x"])
        for record, person in product((wizard, wizard.line_ids), (self.manager_2, self.root, self.user)):
            with self.subTest(model=record._name, person=person.login):
                self.assertFalse(record.with_user(person).has_access("read"))
                self.assertFalse(record.with_user(person).has_access("write"))
        for method in ("action_confirm", "action_fetch_host_key", "action_accept_host_key"):
            with self.subTest(method=method), self.assertRaises(AccessError):
                getattr(wizard.with_user(self.manager_2), method)()
        for person in (self.user, self.outsider):
            with self.subTest(person=person.login), self.assertRaises(AccessError):
                self._as(self.env[WIZARD], person).create({"server_template_id": template.id, "name": "New"})

    def test_links_need_the_right_to_read_them(self):
        """Servers created from a template use what it links, for people, too, who could not link it themselves."""
        links = {
            "ssh_key_id": self._new_ssh_key(),
            "jump_server_id": self._new_server(),
            "flight_plan_id": self._new_plan(access_level="3"),
            "plan_delete_id": self._new_plan(access_level="3"),
        }
        templates = self._as(self.env[TEMPLATE], self.manager)
        mine = templates.create({"name": "Mine"})
        for name, record in links.items():
            with self.subTest(field=name):
                with self.assertRaises(AccessError):
                    mine[name] = record
                with self.assertRaises(AccessError):
                    templates.create({"name": "Other", name: record.id})
                with self.assertRaises(AccessError):
                    templates.with_context(**{f"default_{name}": record.id}).create({"name": "Third"})

    def test_a_tag_of_a_template_of_others(self):
        template = self.env[TEMPLATE].create({"name": "Other", **self._roles()})
        tag = self._as(self.env["cx.tower.tag"], self.manager).create({"name": "Tag"})
        with self.assertRaises(AccessError):
            tag.server_template_ids = template
