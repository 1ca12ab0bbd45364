from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestUserTexts(JetCase):
    """What people of level User enter for a new jet is only text where a flight plan inserts it into shell code."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.write(cls._roles(cls.user | cls.manager, cls.manager))
        cls.customer = cls.env["cx.tower.variable"].create({"name": "Customer", "access_level": "1"})

    def _launch(self, person=None, **kwargs):
        return self._as(self.template, person or self.user).create_jet(self.server.id, state=False, **kwargs)

    def _texts(self, text):
        return (
            {"name": text},
            {"url": f"http://shop.example.com/{text}"},
            {"variable_values": {"customer": text}},
        )

    def test_users_enter_nothing_that_means_something_to_a_shell(self):
        for text in (
            "a;id",
            "$(id)",
            "`id`",
            "a'b",
            'a"b',
            "a|b",
            "a&b",
            "a>b",
            "a\nid",
            "a\\b",
            "*",
            "{{ x }}",
            "#x",
        ):
            for kwargs in self._texts(text):
                with self.subTest(kwargs), self.assertRaises(AccessError), self.env.cr.savepoint():
                    self._launch(**kwargs)

    def test_users_enter_no_options(self):
        for text in ("-rf", "a --exec=id"):
            for kwargs in ({"name": text}, {"variable_values": {"customer": text}}):
                with self.subTest(kwargs), self.assertRaisesRegex(AccessError, "Only Managers"):
                    self._launch(**kwargs)

    def test_users_enter_ordinary_texts(self):
        jet = self._launch(
            name="Shop – Müller, Köln 2",
            url="https://shop.example.com:8443/a-b/?lang=de",
            variable_values={"customer": "Müller - Söhne 50%"},
        )
        self.assertEqual(jet.get_variable_value("customer"), "Müller - Söhne 50%")

    def test_managers_enter_anything(self):
        jet = self._launch(
            self.manager, name="Ann's (new)", variable_values={"customer": "{{ tower.jet.name }}"}
        )
        self.assertEqual(jet.name, "Ann's (new)")

    def test_users_choose_what_an_author_provided(self):
        self.customer.write(
            {"variable_type": "o", "option_ids": [(0, 0, {"name": "All", "value_char": "*"})]}
        )
        self.assertEqual(self._launch(variable_values={"customer": "*"}).get_variable_value("customer"), "*")
        color = self.env["cx.tower.variable"].create(
            {"name": "Color", "access_level": "1", "validation_pattern": "#[0-9a-f]{6}"}
        )
        jet = self._launch(variable_values={"color": "#00ff00"})
        self.assertEqual(jet.get_variable_value("color"), "#00ff00")
        color.validation_pattern = False
        self.env["cx.tower.variable.value"].create(
            {"variable_id": color.id, "jet_template_id": self.template.id, "value_char": "$RED"}
        )
        self.assertEqual(self._launch(variable_values={"color": "$RED"}).get_variable_value("color"), "$RED")
        with self.assertRaises(AccessError):
            self._launch(variable_values={"color": "$BLUE"})

    def test_the_wizard_says_so_before(self):
        wizard = (
            self.env["cx.tower.jet.create.wizard"]
            .with_user(self.user)
            .create({"jet_template_id": self.template.id, "server_id": self.server.id, "name": "a;id"})
        )
        self.assertIn("“Name” contains “;”", wizard.problem)
        wizard.name = "a"
        self.assertFalse(wizard.problem)
