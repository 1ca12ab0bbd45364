from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .clone_case import CloneCase


@tagged("post_install", "-at_install")
class TestCloneWizard(CloneCase):
    """The wizard says what will be made, offers only what is possible, and says why the rest is not."""

    def _form(self, person=None, jet=None):
        context = {"default_jet_id": (jet or self.shop).id}
        return Form(self._as(self.env["cx.tower.jet.clone.wizard"], person).with_context(**context))

    def test_a_user_clones_a_jet(self):
        self._give_values(self.shop, clone_colour="red")
        self.template.variable_value_ids = [(0, 0, {"variable_id": self.port.id})]
        with self._form(self.user) as form:
            self.assertEqual((form.same_server, form.server_id), ("y", self.server))
            self.assertEqual((form.state_id.reference, form.use_custom_variables), ("running", "c"))
            self.assertFalse(form.problem)
            self.assertRegex(form.explanation, "Shop \\(clone\\)” on Host")
            self.assertIn("now 8000", form.explanation)
            self.assertRegex(
                form.explanation, "Clone, with the flight plan “Clone here”.*Prepare.*Build.*Start"
            )
        action = form.record.action_confirm()
        clone = self.env["cx.tower.jet"].browse(action["res_id"])
        self.assertEqual((clone.create_uid, clone.jet_cloned_from_id), (self.user, self.shop))
        self.assertEqual(self._own(clone), {"clone_colour": "red", "clone_port": "8000"})
        self.assertEqual(clone.current_transition_id.plan_log_id.plan_id, self.same_plan)

    def test_another_server_and_back(self):
        with self._form(self.manager) as form:
            form.same_server = "n"
            self.assertEqual(form.server_id, self.other)
            self.assertIn("Clone there", form.explanation)
            form.same_server = "y"
            self.assertEqual(form.server_id, self.server)
            self.assertIn("Clone here", form.explanation)
            form.same_server = "n"
            form.name_type = "m"
            form.name = "Copy"
            form.state_id = self.env["cx.tower.jet.state"]
            self.assertNotIn("Prepare", form.explanation)
        clone = self.env["cx.tower.jet"].browse(form.record.action_confirm()["res_id"])
        self.assertEqual((clone.name, clone.server_id), ("Copy", self.other))
        self.assertFalse(clone.current_transition_id.journey_state_id)

    def test_values_are_changed(self):
        self._give_values(self.shop, clone_colour="red", clone_hidden="deep")
        with self._form(self.manager) as form:
            form.use_custom_variables = "y"
            self.assertEqual(len(form.line_ids), 1)
            with form.line_ids.edit(0) as line:
                self.assertEqual((line.variable_id, line.value_char), (self.colour, "red"))
                line.value_char = "blue"
        clone = self.env["cx.tower.jet"].browse(form.record.action_confirm()["res_id"])
        self.assertEqual(self._own(clone), {"clone_colour": "blue", "clone_hidden": "deep"})

    def test_values_of_the_template(self):
        self._give_values(self.shop, clone_colour="red")
        with self._form() as form:
            form.use_custom_variables = "n"
        clone = self.env["cx.tower.jet"].browse(form.record.action_confirm()["res_id"])
        self.assertEqual(self._own(clone), {})

    def test_only_servers_where_it_is_possible_are_offered_with_reasons_otherwise(self):
        full, third = self._new_server("Full host"), self._new_server("Not installed")
        self.template.server_ids |= full
        self.template.limit_per_server = 1
        self._new_jet("There", server_id=full.id)
        with self._form() as form:
            self.assertIn("limit of", form.problem)
            form.same_server = "n"
            self.assertFalse(form.problem)
            self.assertEqual(form.server_domain, [("id", "in", self.other.ids)])
            self.assertIn("Full host", form.jet_template_message)
            self.assertNotIn(third.name, form.jet_template_message)

    def test_without_a_plan_for_its_own_server_another_one_is_chosen(self):
        self.template.plan_clone_same_server_id = False
        with self._form() as form:
            self.assertEqual((form.same_server, form.server_id), ("n", self.other))
            form.same_server = "y"
            self.assertIn("has no flight plan for that", form.problem)

    def test_a_missing_value_is_named(self):
        self.template.variable_value_ids = [(0, 0, {"variable_id": self.colour.id, "required": True})]
        with self._form() as form:
            self.assertIn("Colour", form.problem)
            self._give_values(self.shop, clone_colour="red")
            form.use_custom_variables = "n"
            form.use_custom_variables = "c"
            self.assertFalse(form.problem)

    def test_what_a_caller_may_not_read_cannot_be_named(self):
        foreign = self._new_jet("Foreign", "running")
        with self.assertRaises(AccessError):
            self.env["cx.tower.jet.clone.wizard"].with_user(self.user).create({"jet_id": foreign.id})
        wizard = self.env["cx.tower.jet.clone.wizard"].with_user(self.user).create({"jet_id": self.shop.id})
        with self.assertRaises(AccessError):
            wizard.with_user(self.manager).action_confirm()

    def test_an_empty_name(self):
        wizard = self.env["cx.tower.jet.clone.wizard"].create({"jet_id": self.shop.id, "name_type": "m"})
        with self.assertRaisesRegex(UserError, "Enter a name"):
            wizard.action_confirm()

    # ------------------------------------------------------------------ offers

    def test_it_is_offered_only_where_it_is_possible(self):
        shop = self.shop.with_user(self.user)
        self.assertEqual((shop.may_clone, shop.may_transfer), (True, False))
        self.assertEqual(self._manager_may(), (True, True))
        self.template.plan_clone_same_server_id = False
        self.assertEqual(self._manager_may(), (True, True))
        self.template.server_ids -= self.other
        self.assertEqual(self._manager_may(), (False, False))
        self.template.plan_clone_same_server_id = self.same_plan
        self.assertEqual(self._manager_may(), (True, False))
        self.template.manager_ids = False
        self.assertEqual(self._manager_may(), (False, False))

    def _manager_may(self):
        self.env.invalidate_all()
        shop = self.shop.with_user(self.manager)
        return shop.may_clone, shop.may_transfer

    def test_the_offers_of_many_jets_take_the_same_number_of_queries(self):
        jets = self.shop
        for number in range(20):
            jets |= self._new_jet(f"Jet {number}", "running", users=self.user, managers=self.manager)

        def count(some):
            self.env.invalidate_all()
            some = some.with_user(self.manager)
            some.mapped("name")
            before = self.env.cr.sql_log_count
            some.mapped("may_clone")
            some.mapped("may_transfer")
            return self.env.cr.sql_log_count - before

        count(jets)
        self.assertEqual(count(jets), count(jets[:2]))


@tagged("post_install", "-at_install")
class TestTransferWizard(CloneCase):
    def _form(self, person=None):
        context = {"default_jet_id": self.shop.id}
        return Form(self._as(self.env["cx.tower.jet.transfer.wizard"], person).with_context(**context))

    def test_a_manager_transfers_a_jet(self):
        with self._form(self.manager) as form:
            self.assertEqual((form.server_from_id, form.server_id), (self.server, self.other))
            self.assertFalse(form.problem)
            self.assertRegex(form.explanation, "Clone there.*Prepare.*Build.*Start.*The switch")
            self.assertNotIn("is destroyed", form.explanation)
            form.destroy_original = True
            self.assertRegex(form.explanation, "The original is destroyed: Stop, Remove, Destroy")
        action = form.record.action_confirm()
        transfer = self.env["cx.tower.jet.transfer"].browse(action["res_id"])
        self.assertEqual((action["res_model"], transfer.jet_id), ("cx.tower.jet.transfer", self.shop))
        self.assertTrue(transfer.destroy_original)

    def test_dependants_are_named_and_those_that_need_it_there_are_warned_about(self):
        desks = self._new_template("Desk")
        self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": desks.id,
                "template_required_id": self.template.id,
                "state_required_id": self._state("running").id,
            }
        )
        desk = self._new_jet("Desk", "running", desks, managers=self.manager)
        desk.jet_requires_ids.jet_depends_on_id = self.shop
        with self._form(self.manager) as form:
            self.assertIn("“Desk” need it on their own server", form.warning)
            self.assertIn("uses the new jet: “Desk”", form.explanation)

    def test_the_reason_is_shown(self):
        self.template.server_ids -= self.other
        with self._form(self.manager) as form:
            self.assertIn("not installed on another server", form.server_message)
            form.server_id = self.other
            self.assertIn("is not installed on", form.problem)

    def test_users_have_no_access(self):
        with self.assertRaises(AccessError):
            self.env["cx.tower.jet.transfer.wizard"].with_user(self.user).create({"jet_id": self.shop.id})
