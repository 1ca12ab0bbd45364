from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestCreateWizard(JetCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.write({**cls._roles(cls.user, cls.manager), "access_level": "1"})
        cls.port = cls.env["cx.tower.variable"].create(
            {"name": "Port", "access_level": "1", "allocation": "server", "allocation_range": "8000-8999"}
        )
        cls._set_value(cls.port)

    @classmethod
    def _set_value(cls, variable, text=False, **values):
        return cls.env["cx.tower.variable.value"].create(
            {"variable_id": variable.id, "jet_template_id": cls.template.id, "value_char": text, **values}
        )

    def _form(self, person=None, **defaults):
        context = {f"default_{name}": record.id for name, record in defaults.items()}
        return Form(self._as(self.env["cx.tower.jet.create.wizard"], person).with_context(**context))

    def _need(self, name="Database", state="running", template=None, **values):
        """Let the template need a jet of another one, which the user can launch."""
        needed = self._new_template(name, users=self.user, access_level="1", **values)
        self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": (template or self.template).id,
                "template_required_id": needed.id,
                "state_required_id": self._state(state).id,
            }
        )
        return needed

    # ------------------------------------------------------------------ launching

    def test_a_user_launches_a_jet_by_choosing_a_template(self):
        with self._form(self.user, jet_template_id=self.template) as form:
            self.assertEqual((form.server_id, form.state_id), (self.server, self._state("draft")))
            self.assertFalse(form.problem)
            form.state_id = self._state("running")
            self.assertIn("the lowest free of 8000-8999, now 8000", form.explanation)
            self.assertRegex(form.explanation, "Prepare.*Build.*Start")
        action = form.record.action_confirm()
        jet = self.env["cx.tower.jet"].with_user(self.user).browse(action["res_id"])
        self.assertEqual((action["res_model"], jet.state), ("cx.tower.jet", "running"))
        self.assertEqual(jet.get_variable_value("port"), "8000")
        self.assertEqual(jet.sudo().user_ids, self.user)

    def test_scripts_create_the_wizard_with_ids(self):
        wizard = (
            self.env["cx.tower.jet.create.wizard"]
            .with_user(self.user)
            .create(
                {
                    "jet_template_id": self.template.id,
                    "server_id": self.server.id,
                    "name": "Web",
                    "url": "https://web.example.com",
                    "note": "By script",
                    "line_ids": [(0, 0, {"variable_id": self.port.id, "value_char": "8080"})],
                }
            )
        )
        jet = self.env["cx.tower.jet"].browse(wizard.action_confirm()["res_id"])
        self.assertEqual(
            (jet.name, jet.url, jet.note, jet.state), ("Web", "https://web.example.com", "By script", "draft")
        )
        self.assertEqual(jet.get_variable_value("port"), "8080")

    def test_no_target_state_runs_nothing(self):
        with self._form(self.user, jet_template_id=self.template) as form:
            form.state_id = self.env["cx.tower.jet.state"]
            self.assertIn("Nothing runs", form.explanation)
        jet = self.env["cx.tower.jet"].browse(form.record.action_confirm()["res_id"])
        self.assertFalse(jet.state_id)
        self.assertFalse(jet.transition_ids)

    # ------------------------------------------------------------------ what can be chosen

    def test_only_launchable_templates_and_their_servers_are_offered(self):
        foreign = self._new_template("Foreign", access_level="1")
        hidden = self._new_template("Hidden", users=self.user, access_level="1", show_in_create_wizard=False)
        nowhere = self._new_template("Nowhere", users=self.user, access_level="1", server_ids=False)
        unreadable = self._new_server("Unreadable")
        self.template.server_ids += unreadable
        Template, Server = self.env["cx.tower.jet.template"], self.env["cx.tower.server"]
        form = self._form(self.user)
        self.assertEqual(Template.search(form.jet_template_domain), self.template)
        self.assertFalse((foreign + hidden + nowhere) & Template.search(form.jet_template_domain))
        form.jet_template_id = self.template
        self.assertEqual(Server.search(form.server_domain), self.server)
        own = self._form(self.user, jet_template_id=hidden)
        self.assertIn(hidden, Template.search(own.jet_template_domain))

    def test_states_are_those_that_the_user_can_reach(self):
        self._action("Start").access_level = "2"
        form = self._form(self.user, jet_template_id=self.template)
        states = self.env["cx.tower.jet.state"].search(form.state_domain)
        self.assertEqual(states.mapped("reference"), ["draft", "stopped", "removed"])
        manager = self._form(self.manager, jet_template_id=self.template)
        self.assertIn(self._state("running"), self.env["cx.tower.jet.state"].search(manager.state_domain))

    def test_who_can_launch_nothing_is_told_why(self):
        self.assertIn("nothing that you can launch", self._form(self.user_2).jet_template_message)

    def test_it_opens_from_the_server_and_from_the_template(self):
        for record, name in ((self.server, "default_server_id"), (self.template, "default_jet_template_id")):
            action = record.with_user(self.user).action_new_jet()
            self.assertEqual(
                (action["res_model"], action["context"][name]), ("cx.tower.jet.create.wizard", record.id)
            )

    # ------------------------------------------------------------------ values

    def test_required_values_are_asked_for_at_once(self):
        for name in ("Customer", "Edition"):
            variable = self.env["cx.tower.variable"].create({"name": name, "access_level": "1"})
            self._set_value(variable, required=True)
        with self._form(self.user, jet_template_id=self.template) as form:
            self.assertEqual(form.use_custom_variables, "y")
            self.assertRegex(form.problem, "required: (Customer, Edition|Edition, Customer)")
            for number in range(len(form.line_ids)):
                with form.line_ids.edit(number) as line:
                    line.value_char = "entered"
            self.assertFalse(form.problem)
        jet = self.env["cx.tower.jet"].browse(form.record.action_confirm()["res_id"])
        self.assertEqual([jet.get_variable_value(name) for name in ("customer", "edition")], ["entered"] * 2)

    def test_values_that_are_left_as_they_are_stay_the_templates(self):
        variable = self.env["cx.tower.variable"].create({"name": "Size", "access_level": "1"})
        self._set_value(variable, "small")
        with self._form(self.user, jet_template_id=self.template) as form:
            form.use_custom_variables = "y"
        jet = self.env["cx.tower.jet"].browse(form.record.action_confirm()["res_id"])
        self.assertEqual(jet.variable_value_ids.variable_id, self.port)
        self.assertEqual(jet.get_variable_value("size"), "small")

    # ------------------------------------------------------------------ refusals before

    def test_refusals_are_shown_before(self):
        self.template.limit_per_server = 1
        self._new_jet("First")
        self.assertIn("jets per server: 1", self._form(self.user, jet_template_id=self.template).problem)
        self.template.limit_per_server = 0
        self.port.allocation_range = "8000-8000"
        self.assertIn("“Port” is free", self._form(self.user, jet_template_id=self.template).problem)

    def test_a_url_is_checked_before(self):
        form = self._form(self.user, jet_template_id=self.template)
        form.url_type = "m"
        form.url = "no url"
        self.assertIn("“no url” is not a valid URL", form.problem)

    def test_rpc_cannot_launch_what_the_form_does_not_offer(self):
        Wizard = self.env["cx.tower.jet.create.wizard"].with_user(self.user_2)
        with self.assertRaises(AccessError):
            Wizard.create({"jet_template_id": self.template.id, "server_id": self.server.id})
        other = self._new_server("Other", users=self.user)
        wizard = Wizard.with_user(self.user).create(
            {"jet_template_id": self.template.id, "server_id": other.id}
        )
        self.assertIn("not installed", wizard.problem)
        with self.assertRaisesRegex(UserError, "not installed"):
            wizard.action_confirm()

    # ------------------------------------------------------------------ dependencies before

    def test_a_dependency_that_will_be_created_is_shown_with_its_own(self):
        database = self._need()
        self._need("Storage", template=database)
        form = self._form(self.user, jet_template_id=self.template)
        self.assertFalse(form.problem)
        self.assertRegex(
            form.explanation,
            "A new jet of “Storage” is created.*A new jet of “Database” is created.*Prepare, Build, Start",
        )

    def test_a_dependency_that_exists_is_used_or_brought_there(self):
        database = self._need()
        jet = self._new_jet("DB", "stopped", database, users=self.user)
        self.assertRegex(
            self._form(self.user, jet_template_id=self.template).explanation,
            "“DB” is brought to “Running”: Start",
        )
        jet._set_state(self._state("running"))
        self.assertIn("“DB” is used", self._form(self.user, jet_template_id=self.template).explanation)

    def test_jets_of_others_are_not_used(self):
        self._new_jet("Secret", "running", self._need())
        explanation = self._form(self.user, jet_template_id=self.template).explanation
        self.assertNotIn("Secret", explanation)
        self.assertIn("A new jet of “Database” is created", explanation)

    def test_a_dependency_without_rights_is_a_problem(self):
        self._need().write(self._roles())
        form = self._form(self.user, jet_template_id=self.template)
        self.assertRegex(form.problem, "No jet of “Database” can be used: .*may not launch")

    def test_what_the_plan_says_is_what_happens(self):
        self._need()
        with self._form(self.user, jet_template_id=self.template) as form:
            self.assertIn("A new jet of “Database” is created", form.explanation)
        jet = self.env["cx.tower.jet"].browse(form.record.action_confirm()["res_id"])
        self.assertEqual(jet.state, "draft")
        self.assertEqual(jet.jet_requires_ids.jet_depends_on_id.state, "running")
