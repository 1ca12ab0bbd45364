from odoo.tests import Form, tagged

from .plan_case import PlanCase


@tagged("post_install", "-at_install")
class TestPlanWarnings(PlanCase):
    def _python(self, code, **values):
        return self._new_command("Python", action="python_code", code=code, **values)

    def _warnings(self, *lines, **values):
        return self._new_plan("A", lines, **values).warnings

    def test_a_good_plan_has_none(self):
        self.assertEqual(self._full_plan().warnings, "")
        self.assertEqual(self._new_plan("Empty").warnings, "")

    def test_shell_habits(self):
        chained = self._new_command("Chained", code="cd /srv && sudo make")
        lines = self._warnings(self.first, chained).split("\n")
        self.assertEqual(len(lines), 3)
        self.assertTrue(all(line.startswith("Line 2: ") for line in lines))
        self.assertIn("&&", lines[0])
        self.assertIn("sudo", lines[1])
        self.assertIn("directory", lines[2])
        # Python is no shell
        self.assertEqual(self._warnings(self._python("a = 1; b = 2")), "")

    def test_conditions(self):
        for condition, words in (
            ("{{ flag }} ==", "not a valid Python expression"),
            ("flag == 1", "the unknown name “flag”"),
            ("'{{ flag }}' == '1'", "quotes around"),
        ):
            with self.subTest(condition):
                warnings = self._warnings({"command_id": self.first.id, "condition": condition})
                self.assertRegex(warnings, f"^Line 1: .*{words}")

    def test_unknown_variables(self):
        command = self._new_command(
            "C", code="echo {{ code_x }} {{ place }} {{ tower.server.name }}", path="{{ p }}"
        )
        lines = self._warnings({"command_id": command.id, "condition": "{{ condition_x }}"}).split("\n")
        self.assertEqual(
            lines,
            [
                "Line 1: Unknown variable “condition_x” in the condition. Correct the name or create the variable.",
                "Line 1: Unknown variable “p” in the path. Correct the name or create the variable.",
                "Line 1: Unknown variable “code_x” in the code. Correct the name or create the variable.",
            ],
        )
        # the line's path counts instead of the command's
        lines = self._warnings({"command_id": command.id, "path": "{{ mine }}"})
        self.assertIn("“mine”", lines)
        self.assertNotIn("“p”", lines)

    def test_names_of_the_run(self):
        line = {"command_id": self.first.id, "condition": "{{ _fresh }}"}
        self.assertIn("No earlier Python command could set", self._warnings(line))
        self.assertEqual(self._warnings(self._python('custom_values["_fresh"] = 1'), line), "")
        self.assertIn("names “_fresh”", self._warnings(self._python("custom_values.clear()"), line))
        self.assertIn("“_fresh”", self._warnings(line, self._python('custom_values["_fresh"] = 1')))
        # a plan that runs before may set anything
        self.assertEqual(self._warnings(self._new_plan_command(self._new_plan("Sub")), line), "")

    def test_variables_that_the_author_may_not_see_exist(self):
        self.flag.access_level = "3"
        plan = self._new_plan(
            "A", [{"command_id": self.first.id, "condition": "{{ flag }}"}], users=self.manager
        )
        self.env.invalidate_all()
        self.assertEqual(plan.with_user(self.manager).warnings, "")

    def test_code_that_the_author_may_not_read_is_not_looked_at(self):
        hidden = self._new_command(
            "Hidden", code="sudo {{ nothing }}", access_level="3", path="{{ nothing }}"
        )
        plan = self._new_plan("A", [hidden], users=self.manager)
        self.assertIn("sudo", plan.warnings)
        self.env.invalidate_all()
        self.assertEqual(plan.with_user(self.manager).warnings, "")
        (line,) = plan.with_user(self.manager).line_ids
        self.assertIn("“Hidden” is above the access level", line.warnings)

    def test_warnings_while_typing(self):
        chained = self._new_command("Chained", code="a && b")
        with Form(self.env["cx.tower.plan"]) as form:
            form.name = "Typing"
            with form.line_ids.new() as line:
                line.command_id = chained
                self.assertIn("&&", line.warnings)
                line.condition = "{{ _later }}"
                self.assertIn("_later", line.warnings)
            self.assertIn("Line 1", form.warnings)
            with form.line_ids.edit(0) as line:
                line.command_id = self.first
                line.condition = False
                self.assertFalse(line.warnings)
            self.assertFalse(form.warnings)

    def test_warnings_of_a_long_plan_cost_as_many_queries_as_of_a_short_one(self):
        commands = [self.first, self.second, self._python("pass")]
        short, long = self._new_plan("Short", commands), self._new_plan("Long", commands * 30)
        counts = []
        for plan in (short, short, long):  # once to fill caches
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(plan.with_user(self.manager).warnings, "")
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[2], counts[1])

    def test_warnings_are_for_those_who_may_change_plans(self):
        Plan = self.env["cx.tower.plan"]
        for person, shown in ((self.user, False), (self.manager, True)):
            arch = Plan.with_user(person).get_view(view_type="form")["arch"]
            self.assertEqual('name="warnings"' in arch, shown)
