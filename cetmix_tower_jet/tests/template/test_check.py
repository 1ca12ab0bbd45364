from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from ...engine.template_check import RULES
from ...models.template.check import _Checked
from ..jet_case import STANDARD, JetCase


@tagged("post_install", "-at_install")
class TestTemplateCheck(JetCase):
    def _rules(self, template=None):
        return [finding["rule"] for finding in (template or self.template).check_template()]

    def test_the_usual_lifecycle_is_in_order(self):
        self.assertEqual(self.template.check_template(), [])
        self.assertFalse(self.template.check_findings)

    def test_every_rule_has_words(self):
        for rule in RULES:
            self.assertTrue(hasattr(_Checked, f"_say_{rule}"), rule)

    def test_a_finding_says_what_and_where(self):
        self._give_plan("Build", "Start")
        (finding,) = self.template.check_template()
        self.assertEqual((finding["rule"], finding["severity"]), ("build_and_start_share_plan", "warning"))
        self.assertIn("“Start” runs the same flight plan as “Build”", finding["message"])
        start = self._action("Start")
        self.assertEqual(
            finding["record"],
            {"model": start._name, "id": start.id, "name": "Start", "reference": start.reference},
        )

    def test_missing_ends_and_dead_ends_are_found(self):
        template = self._new_template("Half", actions=STANDARD[1:3])
        self.assertEqual(
            self._rules(template),
            ["no_create_action", "no_destroy_action", "dead_end_state", "unreachable_state"],
        )
        self.assertIn("“Running”", template.check_template()[2]["message"])

    def test_an_empty_template_says_what_is_missing(self):
        self.assertEqual(
            self._rules(self._new_template("New", actions=())), ["no_create_action", "no_destroy_action"]
        )

    def test_an_action_above_the_template_is_found(self):
        self.template.access_level = "1"
        self._action("Stop").access_level = "3"
        self.assertEqual(self._rules(), ["action_above_template"])
        self.assertIn("Root", self.template.check_template()[0]["message"])

    def test_a_dependency_that_is_never_met_is_found(self):
        other = self._new_template("Database", actions=STANDARD[:2])
        dependency = self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": self.template.id,
                "template_required_id": other.id,
                "state_required_id": self._state("running").id,
            }
        )
        (finding,) = self.template.check_template()
        self.assertEqual(
            (finding["rule"], finding["record"]["id"]), ("dependency_unreachable", dependency.id)
        )
        self.assertEqual(
            self.template.check_findings[0]["place"],
            {"page": "dependencies", "field": "template_requires_ids", "row": dependency.id},
        )

    def test_a_plan_for_other_servers_is_found(self):
        self._give_plan("Start", server_ids=[(6, 0, self._new_server("Other").ids)])
        finding = self.template.check_template()[0]
        self.assertEqual(finding["rule"], "plan_restricted")
        self.assertIn("Host", finding["message"])
        self.assertNotIn("Host", self.template.with_user(self.manager_2).check_template()[0]["message"])

    def test_it_follows_what_is_edited_before_it_is_saved(self):
        with Form(self.template) as form:
            self.assertFalse(form.check_findings)
            with form.action_ids.new() as action:
                action.name = "Break"
                action.state_from_id = self._state("running")
                action.state_transit_id = self._state("stopping")
                action.state_to_id = self._state("preparing")
            (finding,) = form.check_findings
            self.assertEqual(finding["rule"], "dead_end_state")
            self.assertEqual(finding["place"]["page"], "actions")
            self.assertTrue(finding["place"]["row"], "the new row can be found")
            with form.action_ids.edit(7) as action:
                action.state_to_id = self._state("stopped")
            self.assertFalse(form.check_findings)

    def test_nothing_that_is_found_prevents_a_save(self):
        template = self._new_template("Odd", actions=(("Loop", "running", "running", "running", None),))
        self.assertIn("transit_is_end_state", self._rules(template))

    def test_who_may_not_read_the_template_is_told_nothing(self):
        self.template.access_level = "3"
        with self.assertRaises(AccessError):
            self.template.with_user(self.manager).check_template()
