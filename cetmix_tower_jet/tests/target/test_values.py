from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestValues(JetCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.jet = cls._new_jet(
            "Shop 1", reference="shop_1", state="stopped", users=cls.user | cls.manager, managers=cls.manager
        )
        cls.port, cls.home, cls.where = (
            cls.env["cx.tower.variable"].create(
                {"name": name, "reference": f"jet_{name}", "access_level": "1"}
            )
            for name in ("port", "home", "where")
        )

    def values_on(self, jet):
        return {row["reference"]: row for row in jet.get_effective_variable_values()}

    def render(self, text, jet=None):
        jet = jet or self.jet
        command = self._new_command("Shown", code=text)
        return self.env["cx.tower.command.log"].browse(jet.run_command(command)["id"]).code

    def test_the_most_specific_value_counts(self):
        owners = [(self.env["cx.tower.variable.value"], "everywhere")]
        owners += [(self.server, "server"), (self.template, "template"), (self.jet, "jet")]
        self.port.value_ids = [(0, 0, {"value_char": "everywhere"})]
        self.assertEqual(self.jet.get_variable_value("jet_port"), "everywhere")
        for owner, text in owners[1:]:
            owner.set_variable_value("jet_port", text)
            self.assertEqual(self.jet.get_variable_value("jet_port"), text)
        self.assertEqual(self.template.get_variable_value("jet_port"), "template")
        self.assertEqual(self.template.get_variable_value("jet_home"), False)
        self.jet.set_variable_value("jet_port", None)
        self.assertEqual(self.jet.get_variable_value("jet_port"), "template")
        self.assertFalse(self.jet.get_variable_value("jet_port", no_fallback=True))

    def test_effective_values_say_where_they_come_from(self):
        self.server.set_variable_value("jet_home", "/srv")
        self.template.set_variable_value("jet_where", "{{ jet_home }}/{{ tower.jet.reference }}")
        self.jet.set_variable_value("jet_port", "8001")
        self.template.set_variable_value("jet_port", "80")
        shown = self.values_on(self.jet.with_user(self.user))
        self.assertEqual(shown["jet_where"]["value"], "/srv/shop_1")
        self.assertEqual(shown["jet_where"]["source"]["model"], "cx.tower.jet.template")
        self.assertEqual(shown["jet_home"]["source"]["label"], "Host")
        self.assertEqual(shown["jet_port"]["value"], "8001")
        self.assertEqual([row["raw"] for row in shown["jet_port"]["overridden"]], ["80"])

    def test_values_above_the_level_of_the_caller_are_hidden(self):
        self.port.access_level = "2"
        self.jet.set_variable_value("jet_port", "8001")
        with self.assertRaises(AccessError):
            self.jet.with_user(self.user).get_variable_value("jet_port")
        self.assertNotIn("jet_port", self.values_on(self.jet.with_user(self.user)))
        self.assertEqual(self.jet.with_user(self.manager).get_variable_value("jet_port"), "8001")

    def test_only_managers_of_the_jet_set_its_values(self):
        with self.assertRaises(AccessError):
            self.jet.with_user(self.user).set_variable_value("jet_port", "1")
        self.assertTrue(self.jet.with_user(self.manager).set_variable_value("jet_port", "1"))
        self.assertEqual(self.render("{{ jet_port }}"), "1")

    def test_a_run_uses_the_values_and_facts_of_its_jet(self):
        self.server.set_variable_value("jet_home", "/srv")
        self.jet.set_variable_value("jet_port", "8001")
        self.jet.write({"url": "https://shop.example.com:8443/x", "metadata": {"edition": "ent"}})
        text = "{{ jet_home }} {{ jet_port }} {{ tower.jet.name }} {{ tower.jet.state }} {{ tower.jet.hostname }}"
        text += " {{ tower.jet.port }} {{ tower.jet.netloc }} {{ tower.jet.metadata.edition }}"
        text += " {{ tower.jet_template.reference }} {{ tower.server.name }}{% if tower.jet.waypoint %}no{% endif %}"
        self.assertEqual(
            self.render(text),
            "/srv 8001 Shop 1 stopped shop.example.com 8443 shop.example.com:8443 ent shop Host",
        )

    def test_values_of_any_number_of_jets_are_read_with_one_query(self):
        self.template.set_variable_value("jet_port", "80")
        jets = self.jet
        for number in range(40):
            jets |= self._new_jet(f"Many {number}", metadata={"number": number})
            jets[-1].set_variable_value("jet_home", f"/home/{number}")
        Variable = self.env["cx.tower.variable"].sudo()

        def count_queries(jets):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            scopes = Variable._variable_scopes(jets, {}, {"jet_port", "jet_home"})
            return self.env.cr.sql_log_count - before, scopes

        few, _scopes = count_queries(jets[:2])
        many, scopes = count_queries(jets)
        self.assertEqual(many, few)
        self.assertEqual(scopes[jets[-1].id].stored, {"jet_port": "80", "jet_home": "/home/39"})
        self.assertEqual(scopes[jets[-1].id].system["tower"]["jet"]["metadata"], {"number": 39})

    def test_the_state_is_the_transit_state_while_an_action_runs(self):
        self.step.code = "echo {{ tower.jet.state }} {{ tower.jet.reference }}"
        self._give_plan("Start")
        self._action("Start").trigger(self.jet)
        run = self.jet.current_transition_id.plan_log_id
        self.assertEqual(run.command_log_ids.hidden_code, "echo starting shop_1")

    def test_conditions_read_metadata(self):
        self.jet.update_metadata({"edition": "ent"})
        self.server.update_metadata({"cores": 8})
        lines = [
            {"command_id": self.step.id, "condition": 'jet.metadata.get("edition") == "ce"'},
            {"command_id": self.step.id, "condition": "server.metadata.get('cores') < 4"},
            {"command_id": self.step.id, "condition": "waypoint.metadata.get('size')"},
            {
                "command_id": self.step.id,
                "condition": 'jet.metadata.get("edition") == "ent" and {{ tower.jet.state }} == "stopped"',
            },
        ]
        run = self.jet.run_flight_plan(self._new_plan("Conditions", lines))
        steps = run.command_log_ids.sorted("position")
        self.assertEqual(steps.mapped("is_skipped"), [True, True, True, False])

    def test_metadata_of_a_jet_that_is_not_there_is_empty(self):
        lines = [{"command_id": self.step.id, "condition": 'jet.metadata.get("edition") is None'}]
        run = self.server.run_flight_plan(self._new_plan("On server", lines))
        self.assertFalse(run.command_log_ids.is_skipped)

    def test_only_managers_of_the_jet_update_its_metadata(self):
        with self.assertRaises(AccessError):
            self.jet.with_user(self.user).update_metadata({"a": 1})
        self.jet.with_user(self.manager).update_metadata({"a": 1})
        self.jet.with_user(self.manager).update_metadata({"b": [2]})
        self.assertEqual(self.jet.metadata, {"a": 1, "b": [2]})

    def test_secrets_are_those_of_the_partner_of_the_jet(self):
        hers, his = self.env["res.partner"].create([{"name": "Hers"}, {"name": "His"}])
        self.server.partner_id = his
        secret = self._new_secret("Token", "everywhere")
        for partner, text in ((hers, "secret of hers"), (his, "secret of his")):
            secret.value_ids = [(0, 0, {"partner_id": partner.id, "secret_value": text})]
        find = self.env["cx.tower.key"]._get_secrets__
        self.assertEqual(
            find([secret.reference], **self.jet._get_secret_owners())[secret.reference].reveal(),
            "secret of his",
        )
        self.jet.partner_id = hers
        self.assertEqual(
            find([secret.reference], **self.jet._get_secret_owners())[secret.reference].reveal(),
            "secret of hers",
        )
