import time
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from ...engine.bounded import pool
from ...engine.exit_codes import ExitCode
from ...worker.job import Job
from ..common import slow
from ..run.run_case import RunCase

SLOW = "{% set a='a'*9000000 %}{% for i in range(100000) %}{% if 'ab' in a %}{% endif %}{% endfor %}"
MALFORMED = (
    "{{ x",
    "echo {% if %}",
    "docker ps --format '{{.Names}}'",
    "perl 's{#}{##}'",
    "{% for %}",
    "{% raw %} x",
)
PASSING = ("echo ${#PATH}", "echo ${#a}; echo ${#b} #}", "${x%%}}")


@tagged("post_install", "-at_install")
class TestTexts(RunCase):
    """Texts of authors: what is malformed or takes long is told, and stops nothing else."""

    def wizard(self, **values):
        model = self.env["cx.tower.command.run.wizard"].with_user(self.manager)
        return model.with_context(active_model="cx.tower.server", active_ids=self.server.ids).create(
            {"server_ids": self.server.ids, "is_ad_hoc": True, **values}
        )

    def slow_variable(self, **values):
        return self.env["cx.tower.variable"].create({"name": "Slow", "reference": "slow", **values})

    def test_the_wizard_can_be_read_whatever_is_typed(self):
        for code in MALFORMED:
            for values in ({"code": code}, {"code": "ls", "path": code}):
                with self.subTest(**values):
                    wizard = self.wizard(**values)
                    (row,) = wizard.preview_ids
                    self.assertIn("line 1", row.error)
                    self.assertIn("{% raw %}", row.error)
                    wizard.read()
        for code in PASSING:
            with self.subTest(code):
                (row,) = self.wizard(code=code).preview_ids
                self.assertFalse(row.error)
                self.assertEqual(row.rendered_code, code)

    def test_malformed_code_that_is_typed_has_a_log_that_says_why(self):
        for code in MALFORMED:
            with self.subTest(code):
                started = self.server.with_user(self.manager).run_code(code)
                log = self.env["cx.tower.command.log"].browse(started["id"])
                self.assertEqual((log.state, log.command_status), ("failed", ExitCode.RENDERING_FAILED))
                self.assertIn("line 1", log.message)

    def test_saving_what_cannot_be_read_is_refused_with_its_line(self):
        variable = self.slow_variable(variable_type="o")
        plan = self.env["cx.tower.plan"].create({"name": "Texts"})
        command = self.env["cx.tower.command"].create({"name": "Texts", "code": "ls"})
        for text in MALFORMED:
            for model, values in (
                ("cx.tower.command", {"name": "x", "code": text}),
                ("cx.tower.command", {"name": "x", "code": "ls", "path": text}),
                ("cx.tower.plan.line", {"plan_id": plan.id, "command_id": command.id, "condition": text}),
                ("cx.tower.file.template", {"name": "x", "file_name": "x", "code": text}),
                ("cx.tower.variable.option", {"variable_id": variable.id, "name": "x", "value_char": text}),
            ):
                with self.subTest(text, model=model), self.assertRaisesRegex(ValidationError, "line 1"):
                    self.env[model].create(values).flush_recordset()

    @slow
    def test_what_was_stored_malformed_can_still_be_read_and_exported(self):
        file = self.env["cx.tower.file"].create(
            {"name": "f", "server_id": self.server.id, "server_dir": "/tmp", "source": "tower", "code": "x"}
        )
        command = self.env["cx.tower.command"].create({"name": "Old", "code": "ls"})
        plan = self.env["cx.tower.plan"].create(
            {"name": "Old", "line_ids": [(0, 0, {"command_id": command.id})]}
        )
        self.root.group_ids += self.env.ref("base.group_allow_export") + self.env.ref("base.group_user")
        for text in (*MALFORMED, SLOW):
            self.env.flush_all()
            for table in ("cx_tower_file", "cx_tower_command"):
                self.env.cr.execute(
                    f"UPDATE {table} SET code = %s WHERE id IN %s", [text, (file.id, command.id)]
                )
            self.env.cr.execute(
                "UPDATE cx_tower_plan_line SET condition = %s WHERE plan_id = %s", [text, plan.id]
            )
            self.env.invalidate_all()
            with self.subTest(text):
                for record in (file, command, plan, plan.line_ids):
                    names = list(record.with_user(self.root).fields_get(attributes=[]))
                    record.with_user(self.root).read(names)
                    record.with_user(self.root).export_data(names)
                self.assertTrue(file.with_user(self.root).render_error)
                self.assertTrue(plan.with_user(self.root).dry_run(self.server.ids))

    def test_a_slow_pattern_refuses_the_value_and_says_so(self):
        variable = self.slow_variable(validation_pattern="([a-z0-9]+-?)+")
        text = "a" * 40 + "!"
        started = time.monotonic()
        with self.assertRaisesRegex(ValidationError, "pattern of variable “Slow”.*1 second"):
            self.server.set_variable_value("slow", text)
        form = Form(self.env["cx.tower.variable.value"])
        form.variable_id = variable
        with self.assertLogs("odoo.tests.form", "WARNING") as logged:  # the form's warning
            form.value_char = text
        self.assertIn("1 second", "".join(logged.output))
        self.assertLess(time.monotonic() - started, 20)
        self.server.set_variable_value("slow", "a-b")

    @slow
    def test_a_slow_modifier_fails_the_run_that_uses_it(self):
        self.slow_variable(applied_expression="while True: pass")
        self.server.set_variable_value("slow", "x")
        command = self.env["cx.tower.command"].create({"name": "Slow", "code": "echo {{ slow }}"})
        log = self.run_as(self.root, command)
        self.assertEqual((log.state, log.command_status), ("failed", ExitCode.RENDERING_FAILED))
        self.assertIn("Slow", log.message)
        self.assertIn("1 second", log.message)
        (entry,) = [
            entry for entry in self.server.get_effective_variable_values() if entry["reference"] == "slow"
        ]
        self.assertIn("1 second", entry["error"])

    def test_a_slow_line_of_a_plan_is_looked_at_where_no_other_run_waits(self):
        first = self.env["cx.tower.command"].create({"name": "No host", "code": "ls"})
        slow = self.env["cx.tower.command"].create({"name": "Slow", "code": SLOW})
        go_on = {"condition": "!=", "value_char": "0", "action": "n"}
        plan = self.env["cx.tower.plan"].create(
            {
                "name": "Slow",
                "line_ids": [
                    (0, 0, {"command_id": first.id, "sequence": 1, "action_ids": [(0, 0, go_on)]}),
                    (0, 0, {"command_id": slow.id, "sequence": 2}),
                ],
            }
        )
        with patch.object(
            Job, "_continue_plan", autospec=True, side_effect=Job._continue_plan
        ) as own_transaction:
            log = self.server.with_user(self.root).run_flight_plan(plan).sudo()
        self.assertTrue(own_transaction.called)
        self.assertEqual(log.plan_status, ExitCode.RENDERING_FAILED)
        self.assertIn("ode of command “Slow”", " ".join(log.command_log_ids.mapped("message")))
        self.assertEqual(log.command_log_ids.mapped("state"), ["failed", "failed"])

    @slow
    def test_slow_lines_of_a_plan_are_looked_at_in_several_transactions(self):
        lines = [self.env["cx.tower.command"].create({"name": "No host", "code": "ls"})]
        lines += [
            self.env["cx.tower.command"].create({"name": f"Slow {number}", "code": f"{SLOW} # {number}"})
            for number in range(3)
        ]
        go_on = {"condition": "!=", "value_char": "0", "action": "n"}
        plan = self.env["cx.tower.plan"].create(
            {
                "name": "Slow",
                "line_ids": [
                    (0, 0, {"command_id": command.id, "sequence": number, "action_ids": [(0, 0, go_on)]})
                    for number, command in enumerate(lines, 1)
                ],
            }
        )
        go_on_in_one_transaction = type(self.env["cx.tower.plan.log"])._continue
        with patch.object(
            type(self.env["cx.tower.plan.log"]),
            "_continue",
            autospec=True,
            side_effect=go_on_in_one_transaction,
        ) as transactions:
            log = self.server.with_user(self.root).run_flight_plan(plan).sudo()
        self.assertGreaterEqual(transactions.call_count, 3)
        self.assertEqual(log.state, "done")
        self.assertEqual(len(log.command_log_ids), 4)

    def test_the_option_of_odoo_conf_is_kept_in_sensible_limits(self):
        from ...models.base import text_budget

        before = pool._limits
        try:
            for text, seconds in (("2.5", 2.5), ("0", 0.1), ("9999", 60.0)):
                with patch.dict(text_budget.config.options, {text_budget.OPTION: text}):
                    text_budget.read_option()
                self.assertEqual(pool._limits.cpu_s, seconds)
        finally:
            pool._limits = before
