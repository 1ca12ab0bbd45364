"""What can be known to fail is a problem of the dry run, and what was last seen broken is said."""

from odoo.tests import tagged

from .dry_run_case import DryRunCase


@tagged("post_install", "-at_install")
class TestDryRunProblems(DryRunCase):
    def problem(self, report, kind, severity="problem"):
        """Return the message of the only problem of a kind."""
        (message,) = [
            p["message"] for p in report["problems"] if (p["kind"], p["severity"]) == (kind, severity)
        ]
        return message

    # ------------------------------------------------------------------ conditions, code, values

    def test_a_condition_that_cannot_be_read_whatever_its_value_will_be(self):
        """Its value is only known later, that it fails is known now."""
        for condition in (
            "{{ _days }} === 'yes'",
            "{{ _days }} == yes",
            "{{ _days }} = 7",
            "open({{ _days }})",
            "({{ _days }} == 7",
            "lambda: {{ _days }}",
            "{% if _days %}{{ _days }} === 1{% else %}{{ _days }} =< 1{% endif %}",
        ):
            with self.subTest(condition):
                plan = self.plan(self.facts, {"command_id": self.echo.id, "condition": condition})
                report = self.report(plan)
                self.assertEqual(self.found(report), [("condition", "2")])
                self.assertFalse(report["ok"])
                self.assertEqual(report["lines"][1]["why"], "Its condition cannot be evaluated.")

    def test_a_condition_that_some_value_suits_is_decided_later(self):
        for condition in (
            "{{ _days }} > 5",
            "len({{ _days }}) > 5",
            "{{ _days }}['key'] == 1",
            "{{ _days.key.more }} == 1",
            "{{ _days }} and nothing_of_it",
            "[day for day in {{ _days }} if day]",
            "int({{ _days }}) == 7",
            "{% if _days %}{{ _days }} === 1{% else %}True{% endif %}",
        ):
            with self.subTest(condition):
                plan = self.plan(self.facts, {"command_id": self.echo.id, "condition": condition})
                report = self.report(plan)
                self.assertEqual((report["problems"], report["lines"][1]["outcome"]), ([], "later"))

    def test_python_that_cannot_be_read(self):
        code = "{% if dry_colour %}result = {'exit_code': 0{% endif %}"
        self.command("x")
        plan = self.plan(self.command(code, action="python_code"))
        report = self.report(plan)
        self.assertEqual(self.found(report), [("code", "1")])
        self.assertEqual(report["problems"][0]["exit_code"], -203)
        plan = self.plan(
            self.facts, self.command("x = {{ _days }} + len(#!cxtower.secret.none!#)", action="python_code")
        )
        self.assertEqual(self.found(self.report(plan)), [("secret_missing", "2")])

    def test_what_a_post_run_action_sets(self):
        """It is set behind a step that succeeds; rendering it fails then, or not."""

        def plan(text, condition="=="):
            row = {"variable_id": self.colour.id, "value_char": text}
            action = {
                "condition": condition,
                "value_char": "0",
                "action": "n",
                "variable_value_ids": [(0, 0, row)],
            }
            return self.plan(self.facts, {"command_id": self.echo.id, "action_ids": [(0, 0, action)]})

        report = self.report(plan("{{ dry_nothing }}"))
        self.assertEqual(self.found(report), [("value_missing", "2")])
        self.assertIn("“dry_nothing” has no value", self.problem(report, "value_missing"))
        for harmless in (plan("{{ dry_colour }}"), plan("{{ _days }}"), plan("{{ dry_nothing }}", "!=")):
            self.assertTrue(self.report(harmless)["ok"])

    # ------------------------------------------------------------------ servers

    def test_a_server_that_could_not_be_reached_the_last_time(self):
        self.server._store_connection_state(False, "The host does not answer on port 22.")
        plan = self.plan(self.echo)
        report = self.report(plan)
        self.assertTrue(report["ok"])
        message = self.problem(report, "connection", "warning")
        self.assertIn(
            f"The last connection to {self.server.name} failed. The host does not answer on port 22.", message
        )
        text = plan.with_user(self.root).dry_run_text(self.server.ids)
        self.assertIn("ready, with warnings", text)
        self.assertIn("Warnings for 1 of them.", text)
        plan.write({"access_level": "1", "user_ids": self.user.ids})
        message = self.problem(self.report(plan, self.user), "connection", "warning")
        self.assertNotIn("port 22", message, "the reason is for managers")
        self.server._store_connection_state(True)
        self.assertFalse(self.report(plan)["problems"])

    def test_a_jump_host_that_could_not_be_reached_the_last_time(self):
        jump = self.server.copy({"name": "Bastion"})
        jump.write({"ssh_password": "x", "skip_host_key": True, "user_ids": [(5,)], "manager_ids": [(5,)]})
        jump._store_connection_state(False, "no")
        self.server.jump_server_id = jump
        plan = self.plan(self.echo, access_level="2")
        self.assertIn(
            "connection to Bastion failed", self.problem(self.report(plan), "connection", "warning")
        )
        message = self.problem(self.report(plan, self.manager), "connection", "warning")
        self.assertEqual(message, "The last connection to a jump host failed.")

    def test_a_server_that_is_on_its_way_out(self):
        plan = self.plan(self.echo)
        self.server.action_archive()
        self.assertIn("is archived", self.problem(self.report(plan), "server", "warning"))
        self.server.action_unarchive()
        self.server.sudo().write({"status": "deleting", "deletion_step": "running"})
        self.assertIn("is being deleted", self.problem(self.report(plan), "server", "warning"))

    def test_the_password_for_sudo_is_looked_for_once_for_all_servers(self):
        plan = self.plan({"command_id": self.echo.id, "use_sudo": True}).with_user(self.root)
        self.server.use_sudo = "p"
        servers = self.server.concat(*(self.server.copy({"name": f"S{number}"}) for number in range(20)))
        self.env.flush_all()

        def queries(chosen):
            plan.dry_run(chosen.ids)
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            plan.dry_run(chosen.ids)
            return self.env.cr.sql_log_count - before

        self.assertLessEqual(queries(servers), queries(servers[:1]) + 3)
