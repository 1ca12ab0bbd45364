from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ...models.template.standard_lifecycle import STANDARD
from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestTemplate(JetCase):
    def test_actions_are_named_after_their_template(self):
        self.assertEqual(
            self.template.action_ids.mapped("reference"),
            [f"shop_jet_action_{number}" for number in range(1, 8)],
        )
        self.template.reference = "store"
        self.assertEqual(self.template.action_ids[0].reference, "store_jet_action_1")

    def test_an_action_leads_from_somewhere_or_to_somewhere(self):
        with self.assertRaisesRegex(ValidationError, "“Prepare” has neither"):
            self._action("Prepare").state_to_id = False

    def test_an_action_stays_in_its_template(self):
        other = self._new_template("Database")
        with self.assertRaisesRegex(ValidationError, "“Start” cannot be moved"):
            self._action("Start").jet_template_id = other

    def test_the_ends_are_found_and_can_be_chosen(self):
        self.assertEqual(self.template.action_create_id, self._action("Prepare"))
        self.assertEqual(self.template.action_destroy_id, self._action("Destroy"))
        second = self._action("Prepare").copy({"name": "Import", "priority": 50})
        self.assertEqual(self.template.action_create_id, self._action("Prepare"))
        self.template.action_create_id = second
        self.assertEqual(self.template.action_create_id, second)
        second.unlink()
        self.assertEqual(self.template.action_create_id, self._action("Prepare"))

    def test_a_copy_has_all_that_belongs_to_the_template_but_is_installed_nowhere(self):
        database = self._new_template("Database")
        self._depend(self.template, database)
        self._give_plan("Start")
        self.template.set_variable_value(self._variable("port").reference, "80")
        copy = self.template.copy()
        self.assertEqual(copy.name, "Shop (copy)")
        self.assertEqual(copy.action_ids.mapped("name"), self.template.action_ids.mapped("name"))
        self.assertEqual(copy.action_ids[2].plan_id, self._action("Start").plan_id)
        self.assertEqual(copy.action_create_id, copy.action_ids[0])
        self.assertEqual(copy.template_requires_ids.template_required_id, database)
        self.assertEqual(copy.get_variable_value("port"), "80")
        self.assertFalse(copy.server_ids)
        self.assertEqual(self.template.server_ids, self.server)

    def test_a_jet_finishes_what_it_began_when_its_action_is_changed_or_deleted(self):
        self._give_plan("Start", "Stop")
        jet = self._new_jet(state="stopped")
        self._action("Start").trigger(jet)
        self._action("Start").unlink()
        self._end_action(jet)
        self.assertEqual((jet.state, jet.transition_ids[0].action_name), ("running", "Start"))
        self._action("Stop").trigger(jet)
        self._action("Stop").state_to_id = self._state("removed")
        self._end_action(jet)
        self.assertEqual(jet.state, "stopped")

    def test_a_template_with_jets_or_installed_cannot_be_deleted(self):
        jet = self._new_jet("My shop")
        jet.active = False
        with self.assertRaisesRegex(UserError, "“Shop” cannot be deleted because it is used by .*My shop"):
            self.template.unlink()
        jet.unlink()
        with self.assertRaisesRegex(UserError, "“Shop” cannot be deleted because it is installed"):
            self.template.unlink()
        self.template.server_ids = False
        actions = self.template.action_ids
        self.template.unlink()
        self.assertFalse(actions.exists())

    def test_files_are_deleted_with_the_template(self):
        file = self.env["cx.tower.file"].create(
            {"name": "shop.conf", "server_dir": "/etc", "jet_template_id": self.template.id}
        )
        self.template.server_ids = False
        self.template.unlink()
        self.assertFalse(file.exists())

    def test_values_come_from_template_server_and_everywhere(self):
        variable = self._variable("port")
        self.assertIs(self.template.get_variable_value("port"), False)
        self.env["cx.tower.variable.value"].create({"variable_id": variable.id, "value_char": "1"})
        self.assertEqual(self.template.get_variable_value("port"), "1")
        self.server.set_variable_value("port", "2")
        self.assertEqual(self.template.get_variable_value("port"), "1")
        self.assertEqual(self.template.get_variable_value("port", server=self.server.reference), "2")
        self.template.set_variable_value("port", "3")
        self.assertEqual(self.template.get_variable_value("port", server=self.server.id), "3")
        self.assertEqual(self.template.get_variable_value("port", no_fallback=True), "3")

    def test_the_limit_is_not_negative(self):
        with self.assertRaisesRegex(ValidationError, "Limit per server"):
            self.template.limit_per_server = -1

    # ------------------------------------------------------------------ the standard lifecycle

    def test_one_click_adds_the_standard_lifecycle(self):
        template = self._new_template("New", actions=(), managers=self.manager)
        template.with_user(self.manager).action_add_standard_lifecycle()
        rows = [
            (
                action.name,
                action.state_from_id.reference or None,
                action.state_transit_id.reference,
                action.state_to_id.reference or None,
                action.state_error_id.reference or None,
                action.access_level,
            )
            for action in template.action_ids
        ]
        self.assertEqual(rows, list(STANDARD))
        self.assertEqual(template.check_template(), [])
        with self.assertRaisesRegex(UserError, "already has actions"):
            template.action_add_standard_lifecycle()

    def test_the_standard_lifecycle_is_not_above_its_template(self):
        template = self.env["cx.tower.jet.template"].create({"name": "Open", "access_level": "1"})
        template.action_add_standard_lifecycle()
        self.assertEqual(set(template.action_ids.mapped("access_level")), {"1"})
        self.assertFalse(template.check_template())

    def test_the_standard_lifecycle_needs_the_right_to_change_the_template(self):
        template = self._new_template("New", actions=(), users=self.user, access_level="1")
        with self.assertRaises(AccessError):
            template.with_user(self.user).action_add_standard_lifecycle()

    # ------------------------------------------------------------------ screens

    def test_the_counters_take_as_many_queries_for_many_templates(self):
        self._new_jet()
        names = ("jet_count", "command_log_count", "plan_log_count", "file_count", "server_count")
        several = self.template | self._new_template("Database") | self._new_template("Proxy")

        def count(templates):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            templates.read(names)
            return self.env.cr.sql_log_count - before

        count(several)
        self.assertEqual(count(several), count(self.template))
        self.assertEqual(self.template.jet_count, 1)
        self.assertEqual(self.template.server_count, 1)

    def test_buttons_open_what_they_count(self):
        for name in ("jets", "files", "command_logs", "plan_logs", "servers"):
            action = getattr(self.template, f"action_open_{name}")()
            self.assertIn(self.template.id, action["domain"][-1][2])
            self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(
            self.template.action_new_jet()["context"], {"default_jet_template_id": self.template.id}
        )

    def test_the_graph_has_the_actions_that_the_caller_may_read_and_their_states(self):
        self.template.access_level = "1"
        self._action("Destroy").access_level = "3"
        graph = self.template.with_user(self.user).get_lifecycle_graph()
        names = [action["name"] for action in graph["actions"]]
        self.assertEqual(names, ["Prepare", "Build", "Start", "Stop", "Restart", "Remove"])
        self.assertEqual(graph["actions"][0]["state_from_id"], False)
        references = [state["reference"] for state in graph["states"]]
        self.assertEqual(references[:3], ["preparing", "draft", "building"])
        self.assertNotIn("destroying", references)
        self.assertEqual(len(self.template.get_lifecycle_graph()["actions"]), 7)

    def test_the_form_saves_actions_and_dependencies(self):
        database = self._new_template("Database")
        with Form(self.env["cx.tower.jet.template"]) as form:
            form.name = "Wiki"
            with form.action_ids.new() as action:
                action.name = "Prepare"
                action.state_transit_id = self._state("preparing")
                action.state_to_id = self._state("draft")
            with form.template_requires_ids.new() as dependency:
                dependency.template_required_id = database
                dependency.state_required_id = self._state("running")
            self.assertIn("no_destroy_action", [one["rule"] for one in form.check_findings])
        self.assertEqual(form.record.action_create_id.name, "Prepare")
        self.assertEqual(form.record.template_requires_ids.reference, "wiki_jet_template_dependency_1")

    # ------------------------------------------------------------------

    def _depend(self, template, required, **values):
        return self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": template.id,
                "template_required_id": required.id,
                "state_required_id": self._state("running").id,
                **values,
            }
        )

    def _variable(self, name):
        return self.env["cx.tower.variable"].create({"name": name, "access_level": "1"})
