"""Comparisons in conditions that cannot do what their author wants: warned of on the form and in the dry run."""

from odoo.tests import tagged

from ..dry_run.dry_run_case import DryRunCase


@tagged("post_install", "-at_install")
class TestConditionDoubts(DryRunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Variable = cls.env["cx.tower.variable"]
        cls.number = Variable.create({"name": "N", "reference": "doubt_n", "access_level": "1"})
        cls.debug = Variable.create({"name": "D", "reference": "doubt_debug", "access_level": "1"})
        options = [(0, 0, {"name": text, "value_char": text}) for text in ("test", "live")]
        cls.stage = Variable.create(
            {
                "name": "S",
                "reference": "doubt_stage",
                "access_level": "1",
                "variable_type": "o",
                "option_ids": options,
            }
        )
        for reference, text in (("doubt_n", "10"), ("doubt_debug", "false"), ("doubt_stage", "test")):
            cls.server.set_variable_value(reference, text)

    def warnings(self, condition, *before, user=None):
        plan = self.plan(*before, {"command_id": self.echo.id, "condition": condition})
        return (plan.with_user(user or self.root).line_ids[-1].warnings or "").replace("Condition: ", "")

    def told(self, condition, *before, user=None, **arguments):
        plan = self.plan(*before, {"command_id": self.echo.id, "condition": condition}, access_level="2")
        report = self.report(plan, user, **arguments)
        return [p["message"] for p in report["problems"] if p["kind"] == "comparison"]

    def test_a_text_is_compared_with_a_number(self):
        for condition, literal in (
            ("{{ doubt_n }} == 10", "the number 10"),
            ("{{ doubt_n }} != 10", "the number 10"),
            ("{{ doubt_n }} in (10, 11)", "the number 10 or the number 11"),
            ("{{ doubt_n }} == True", "True"),
        ):
            with self.subTest(condition):
                wanted = f"is a text and is compared with {literal}, so they are never equal."
                self.assertIn(wanted, self.warnings(condition))
                (message,) = self.told(condition)
                self.assertIn(
                    f"is the text “10” and is compared with {literal}, so they are never equal.", message
                )

    def test_a_text_is_ordered_by_a_number(self):
        self.assertIn("int({{ doubt_n }})", self.warnings("{{ doubt_n }} > 10"))
        (message,) = self.told("{{ doubt_n }} > 10")
        self.assertIn("cannot be ordered against the number 10, so the condition fails", message)

    def test_a_text_that_reads_like_a_no_is_true(self):
        for condition in (
            "{{ doubt_debug }}",
            "not {{ doubt_debug }}",
            "{{ doubt_n }} and {{ doubt_debug }}",
        ):
            with self.subTest(condition):
                self.assertIn("Every non-empty text counts as true", self.warnings(condition))
                (message,) = self.told(condition)
                self.assertIn("the text “false”", message)
        self.assertFalse(self.warnings("{{ doubt_n }}"), "none of its values reads like a no")

    def test_a_value_that_is_none_of_the_options(self):
        for condition in ("{{ doubt_stage }} == 'prod'", "{{ doubt_stage }} in ('prod', 'dev')"):
            with self.subTest(condition):
                self.assertIn("not one of the variable's options", self.warnings(condition))
                self.assertEqual(len(self.told(condition)), 1)

    def test_what_does_what_it_says_is_not_doubted(self):
        for condition in (
            "{{ doubt_n }} == '10'",
            "int({{ doubt_n }}) > 5",
            "{{ doubt_stage }} == 'live'",
            "{{ doubt_debug }} == 'true'",
            "{{ doubt_n }} == None",
        ):
            with self.subTest(condition):
                self.assertFalse(self.warnings(condition))
                self.assertFalse(self.told(condition))

    def test_values_of_a_run_have_types_of_their_own(self):
        self.assertFalse(self.told("{{ doubt_n }} == 10", variable_values={"doubt_n": 10}))
        self.assertFalse(self.told("{{ doubt_debug }}", variable_values={"doubt_debug": False}))
        self.assertTrue(self.told("{{ doubt_n }} == 10", variable_values={"doubt_n": "10"}))
        python = self.command("custom_values['doubt_n'] = 10", action="python_code")
        self.assertFalse(self.told("{{ doubt_n }} == 10", python))
        self.assertFalse(self.warnings("{{ doubt_n }} == 10", python))

    def test_what_one_may_not_read_is_not_told(self):
        self.debug.access_level = "3"
        self.assertNotIn("used as a truth value", self.warnings("{{ doubt_debug }}", user=self.manager))
        for message in self.told("{{ doubt_debug }}", user=self.manager):
            self.assertNotIn("false", message)
