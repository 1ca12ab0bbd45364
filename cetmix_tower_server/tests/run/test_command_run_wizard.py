from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .run_case import RunCase


@tagged("post_install", "-at_install")
class TestRunWizard(RunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.secret = cls.env["cx.tower.key"].create(
            {
                "name": "Wizard secret",
                "reference": "wizard_secret",
                "key_type": "s",
                "secret_value": "hidden-value",
            }
        )
        cls.env["cx.tower.variable"].create({"name": "Greeting", "reference": "greeting"})
        cls.server.set_variable_value("greeting", "hello")
        Command = cls.env["cx.tower.command"]
        cls.greet = Command.create(
            {
                "name": "Greet",
                "code": "echo {{ greeting }} #!cxtower.secret.wizard_secret!#",
                "path": "/opt/a",
            }
        )
        cls.plain = Command.create({"name": "Plain", "code": "true"})
        cls.python_command = Command.create(
            {"name": "Py", "action": "python_code", "code": 'result = {"exit_code": 0, "message": "ran"}'}
        )

    def wizard(self, user=None, servers=None, **context):
        ids = (servers or self.server).ids
        model = self.env["cx.tower.command.run.wizard"].with_user(user or self.root)
        return Form(model.with_context(active_model="cx.tower.server", active_ids=ids, **context))

    def test_preview_shows_what_runs_with_secrets_by_name_only(self):
        with self.wizard() as form:
            form.command_id = self.greet
        wizard = form.record
        (row,) = wizard.preview_ids
        self.assertEqual(row.rendered_code, "echo hello *** wizard_secret ***")
        self.assertEqual(row.path, "/opt/a")
        self.assertFalse(row.error)

    def test_each_server_has_its_own_preview(self):
        other = self.server.copy({"name": "Other"})
        other.set_variable_value("greeting", "bye")
        with self.wizard(servers=self.server + other) as form:
            form.command_id = self.greet
        codes = {row.server_id: row.rendered_code for row in form.record.preview_ids}
        self.assertIn("hello", codes[self.server])
        self.assertIn("bye", codes[other])

    def test_the_next_command_does_not_inherit_the_path_of_the_one_before(self):
        with self.wizard() as form:
            form.command_id = self.greet
            form.command_id = self.plain
        wizard = form.record
        self.assertFalse(wizard.path)
        self.assertIsNone(wizard._path())
        self.assertEqual(wizard.code, "true")

    def test_custom_values_show_in_the_preview(self):
        with self.wizard() as form:
            form.command_id = self.greet
            with form.custom_variable_value_ids.new() as line:
                line.variable_id = self.env["cx.tower.variable"].search([("reference", "=", "greeting")])
                line.value_char = "own"
        self.assertEqual(form.record.preview_ids.rendered_code, "echo own *** wizard_secret ***")

    def test_a_missing_value_is_shown_before_anything_runs(self):
        broken = self.env["cx.tower.command"].create({"name": "Broken", "code": "echo {{ no_such_value }}"})
        with self.wizard() as form:
            form.command_id = broken
        self.assertIn("no_such_value", form.record.preview_ids.error)

    def test_run_opens_the_log(self):
        with self.wizard() as form:
            form.action = "python_code"
            form.command_id = self.python_command
        action = form.record.run_command_on_server()
        log = self.env["cx.tower.command.log"].browse(action["res_id"])
        self.assertEqual((log.command_response, log.state), ("ran", "done"))

    def test_nothing_chosen_says_what_to_do(self):
        Wizard = self.env["cx.tower.command.run.wizard"].with_user(self.root)
        wizard = Wizard.create({"server_ids": [(6, 0, self.server.ids)]})
        with self.assertRaises(UserError):
            wizard.run_command_on_server()

    def test_it_shows_nobody_a_command_he_may_not_read(self):
        hidden = self.env["cx.tower.command"].create(
            {"name": "Hidden", "code": "echo top secret code", "note": "root note", "access_level": "3"}
        )
        Wizard = self.env["cx.tower.command.run.wizard"].with_user(self.user)
        with self.assertRaises(AccessError):
            wizard = Wizard.create({"server_ids": [(6, 0, self.server.ids)], "command_id": hidden.id})
            wizard.read(["code", "note", "path"])

    def test_other_operating_systems_are_pointed_out(self):
        debian = self.env["cx.tower.os"].create({"name": "Debian test"})
        alpine = self.env["cx.tower.os"].create({"name": "Alpine test"})
        self.server.os_id = alpine
        self.greet.os_ids = debian
        with self.wizard() as form:
            form.command_id = self.plain
            self.assertFalse(form.os_compatibility_warning)
            form.command_id = self.greet
            self.assertIn("Debian test", form.os_compatibility_warning)
            self.assertIn(self.server.name, form.os_compatibility_warning)

    def test_users_are_not_offered_to_write_code(self):
        self.plain.write({"access_level": "1", "user_ids": [(4, self.user.id)]})
        with self.wizard(user=self.user) as form:
            form.command_id = self.plain
            self.assertFalse(form.may_write_code)
            self.assertFalse(form.may_set_values)
        self.assertEqual(form.record.preview_ids.rendered_code, "true")
