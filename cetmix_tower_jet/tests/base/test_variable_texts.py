from odoo.addons.cetmix_tower_server.tests.variable.variable_texts_case import NAMED, VariableTextsCase
from odoo.tests import tagged


@tagged("post_install", "-at_install")
class TestJetVariableTexts(VariableTextsCase):
    """Texts of this addon: no field of its own is rendered, but values of jets and templates are."""

    addon = "cetmix_tower_jet"
    at_least = {"models with texts": 0}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        roles = cls._roles(cls.manager, cls.manager)
        cls.template = cls.env["cx.tower.jet.template"].create(
            {"name": "Shop", "server_ids": cls.server.ids, **roles}
        )
        cls.jet = cls.env["cx.tower.jet"].create(
            {"name": "Shop 1", "jet_template_id": cls.template.id, "server_id": cls.server.id, **roles}
        )
        cls.variable = cls.env["cx.tower.variable"].create({"name": "v", "reference": "v"})

    def test_nobody_names_what_he_may_not_read_in_a_value_of_a_jet(self):
        for record in (self.jet, self.template):
            mine = record.with_user(self.manager)
            line = {"variable_id": self.variable.id, "value_char": NAMED}
            with self.subTest(record._name):
                self.refused(lambda mine=mine: mine.set_variable_value("v", NAMED))
                self.refused(lambda mine=mine, line=line: mine.write({"variable_value_ids": [(0, 0, line)]}))
        jet, template = self.jet.with_user(self.manager), self.template.with_user(self.manager)
        self.refused(lambda: jet.run_code(f"echo {NAMED}"))
        self.refused(lambda: template.create_jet(self.server.id, state=False, variable_values={"v": NAMED}))

    def test_what_others_wrote_is_still_used(self):
        self.template.write(
            {"variable_value_ids": [(0, 0, {"variable_id": self.variable.id, "value_char": NAMED})]}
        )
        jet = self.template.with_user(self.manager).create_jet(self.server.id, state=False)
        self.assertEqual(jet.get_variable_value("v"), NAMED)
        copied = self.template.with_user(self.manager).copy()
        self.assertEqual(copied.variable_value_ids.value_char, NAMED)
