from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestAllocation(JetCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.write(cls._roles(cls.user, cls.manager))
        cls.port = cls._new_variable("Port", allocation="server", allocation_range="8000-8002")
        cls.request = cls._ask_for(cls.port)

    @classmethod
    def _new_variable(cls, name, **values):
        return cls.env["cx.tower.variable"].create({"name": name, "access_level": "1", **values})

    @classmethod
    def _ask_for(cls, variable, template=None, **values):
        return cls.env["cx.tower.variable.value"].create(
            {"variable_id": variable.id, "jet_template_id": (template or cls.template).id, **values}
        )

    def _create(self, person=None, template=None, server=None, **kwargs):
        return self._as(template or self.template, person).create_jet(server or self.server, **kwargs)

    def _port(self, jet):
        return jet.sudo().get_variable_value("port")

    # ------------------------------------------------------------------ given out

    def test_each_new_jet_gets_the_lowest_free_value(self):
        jets = [self._create(self.user) for _ in range(2)]
        self.assertEqual([self._port(jet) for jet in jets], ["8000", "8001"])
        jets[0].sudo().unlink()
        self.assertEqual(self._port(self._create()), "8000")

    def test_many_jets_at_once_get_different_values(self):
        vals = {"name": "Jet", "jet_template_id": self.template.id, "server_id": self.server.id}
        jets = self.env["cx.tower.jet"].create([vals] * 3)
        self.assertEqual([self._port(jet) for jet in jets], ["8000", "8001", "8002"])

    def test_servers_have_their_own_values_unless_they_are_unique_everywhere(self):
        other = self._new_server("Other")
        self.template.server_ids += other
        name = self._new_variable("Database", allocation="global", allocation_range="db{01-99}")
        self._ask_for(name)
        first, second = self._create(), self._create(server=other)
        self.assertEqual([self._port(jet) for jet in (first, second)], ["8000", "8000"])
        self.assertEqual([jet.get_variable_value("database") for jet in (first, second)], ["db01", "db02"])

    def test_templates_share_the_values_of_a_variable(self):
        other = self._new_template("Other")
        self._ask_for(self.port, other)
        self.assertEqual(
            [self._port(self._create()), self._port(self._create(template=other))], ["8000", "8001"]
        )

    def test_without_a_free_value_nothing_is_created_and_the_holders_are_named(self):
        for number in range(3):
            self._create(name=f"Shop {number}", user_ids=[])
        jets = self.env["cx.tower.jet"].search_count([])
        with self.assertRaisesRegex(UserError, "8000-8002.*3 jets"), self.env.cr.savepoint():
            self._create(self.user)
        with self.assertRaisesRegex(UserError, "“Shop 0”, “Shop 1”, “Shop 2”"), self.env.cr.savepoint():
            self._create(self.manager)
        self.assertEqual(self.env["cx.tower.jet"].search_count([]), jets)

    def test_a_value_that_is_passed_is_used_and_reserved(self):
        self.assertEqual(self._port(self._create(self.user, variable_values={"port": 8001})), "8001")
        self.assertEqual([self._port(self._create()) for _ in range(2)], ["8000", "8002"])

    # ------------------------------------------------------------------ templates

    def test_the_template_does_not_stand_for_an_empty_text(self):
        self.env["cx.tower.variable.value"].create({"variable_id": self.port.id, "value_char": "80"})
        self.assertEqual(self.template.get_variable_value("port"), "80")
        jet = self._create()
        jet.variable_value_ids.unlink()
        self.assertEqual(self._port(jet), "80")

    def test_it_does_not_either_when_the_variable_becomes_unique_later(self):
        name = self._new_variable("Later")
        self._ask_for(name)
        self.assertEqual(self.template.get_variable_value("later"), "")
        name.write({"allocation": "server", "allocation_range": "1-9"})
        self.assertFalse(self.template.get_variable_value("later"))
        self.assertEqual(self._create().get_variable_value("later"), "1")

    def test_a_template_with_a_text_gives_it_to_all_its_jets(self):
        self.request.value_char = "9000"
        self.assertEqual([self._port(self._create()) for _ in range(2)], ["9000", "9000"])

    # ------------------------------------------------------------------ by hand

    def test_values_by_hand_are_in_the_range_and_unique(self):
        first, second = self._create(name="First"), self._create(name="Second")
        second.set_variable_value("port", 8002)
        self.assertEqual(self._port(self._create()), "8001")
        with self.assertRaisesRegex(ValidationError, "8003.*outside 8000-8002"), self.env.cr.savepoint():
            second.set_variable_value("port", 8003)
        with self.assertRaisesRegex(ValidationError, "8000.*“First”"), self.env.cr.savepoint():
            second.set_variable_value("port", "8000")
        with self.assertRaises(ValidationError):
            first.set_variable_value("port", "")

    def test_the_holder_is_named_only_to_those_who_may_read_it(self):
        self._create(name="Hidden")
        jet = self._create(self.user)
        jet.sudo().write(self._roles(managers=self.manager_2))
        self.server.user_ids += self.manager_2
        with (
            self.assertRaisesRegex(ValidationError, "8000.*a jet that you cannot see"),
            self.env.cr.savepoint(),
        ):
            jet.with_user(self.manager_2).set_variable_value("port", "8000")

    def test_the_form_warns_of_a_taken_value(self):
        self._create(name="First")
        second = self._create()
        value = second.variable_value_ids.new(origin=second.variable_value_ids)
        value.value_char = "8000"
        self.assertIn("“First”", value._onchange_value_char()["warning"]["message"])

    # ------------------------------------------------------------------ freed

    def test_a_destroyed_jet_frees_its_values_and_gets_them_again(self):
        jet = self._create(name="First")
        jet.bring_to_state(False)
        self.assertFalse(jet.active)
        self.assertFalse(self._port(jet), "it could be the port of another jet by now")
        jet.active = True
        jet.bring_to_state("draft")
        self.assertEqual((jet.state, self._port(jet)), ("draft", "8000"))

    def test_a_jet_that_is_created_again_gets_another_value_if_its_own_is_taken(self):
        jet = self._create()
        jet.bring_to_state(False)
        self._create()
        jet.active = True
        jet.bring_to_state("draft")
        self.assertEqual(self._port(jet), "8001")
        self._create()
        jet.bring_to_state(False)
        self._create()
        jet.active = True
        with self.assertRaisesRegex(UserError, "No value of “Port” is free"), self.env.cr.savepoint():
            jet.bring_to_state("draft")
        self.assertFalse(jet.state_id)

    def test_an_archived_jet_keeps_its_value(self):
        self._create().active = False
        self.assertEqual(self._port(self._create()), "8001")

    # ------------------------------------------------------------------ the variable

    def test_a_range_is_checked(self):
        for values in (
            {"allocation_range": "8999-8000"},
            {"allocation_range": False},
            {"allocation_range": "ports"},
        ):
            with self.assertRaises(ValidationError):
                self.port.write(values)
        with self.assertRaisesRegex(ValidationError, "String"), self.env.cr.savepoint():
            self._new_variable("Size", variable_type="o", allocation="server", allocation_range="1-2")

    def test_a_new_range_holds_for_new_values_only(self):
        jet = self._create()
        self.port.allocation_range = "9000-9001"
        self.assertEqual(self._port(jet), "8000")
        self.assertEqual(self._port(self._create()), "9000")
        jet.name = "Renamed"

    def test_a_variable_becomes_unique_only_if_its_values_are(self):
        variable = self._new_variable("Site")
        jets = [self._create(name=name) for name in ("One", "Two")]
        for jet in jets:
            jet.set_variable_value("site", "1")
        with self.assertRaisesRegex(ValidationError, "“1” belongs to “One”, “Two”"), self.env.cr.savepoint():
            variable.write({"allocation": "server", "allocation_range": "1-9"})
        jets[0].set_variable_value("site", "2")
        variable.write({"allocation": "global", "allocation_range": "1-9"})
        with self.assertRaises(ValidationError):
            jets[0].set_variable_value("site", "1")

    def test_a_copy_gets_a_value_of_its_own(self):
        jet = self._create()
        self.assertEqual(self._port(jet.copy()), "8001")

    def test_a_user_cannot_override_what_they_cannot_see(self):
        self.request.access_level = "2"
        with self.assertRaises(AccessError):
            self._create(self.user, variable_values={"port": "8001"})
