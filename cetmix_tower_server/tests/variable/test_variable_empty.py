"""An intentionally empty text, wherever values can be set: it is a value and overrides less specific ones."""

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from ..run.run_case import RunCase


@tagged("post_install", "-at_install")
class TestEmptyValues(RunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.variable = cls.env["cx.tower.variable"].create(
            {"name": "Word", "reference": "empty_word", "access_level": "1"}
        )
        cls.global_value = cls.env["cx.tower.variable.value"].create(
            {"variable_id": cls.variable.id, "value_char": "global"}
        )
        cls.command = cls.env["cx.tower.command"].create(
            {
                "name": "Say",
                "action": "python_code",
                "access_level": "1",
                "code": "result = {'exit_code': 0, 'message': '[' + {{ empty_word }} + ']'}",
            }
        )
        cls.row = {"variable_id": cls.variable.id, "value_char": False}

    def said(self, model="cx.tower.command.log"):
        return self.env[model].search([], order="id desc", limit=1).command_response

    def run_command(self):
        self.server.with_user(self.manager).run_command(self.command)
        return self.said()

    def test_a_value_of_the_server(self):
        self.assertEqual(self.run_command(), "[global]")
        self.server.variable_value_ids = [(0, 0, self.row)]
        self.assertEqual(self.run_command(), "[]")
        self.server.variable_value_ids.required = True
        self.assertEqual(self.run_command(), "[global]")

    def test_the_dry_run_sees_it(self):
        plan = self.env["cx.tower.plan"].create(
            {
                "name": "P",
                "line_ids": [(0, 0, {"command_id": self.command.id, "condition": "{{ empty_word }} == ''"})],
            }
        )
        self.global_value.unlink()
        self.server.variable_value_ids = [(0, 0, self.row)]
        report = plan.dry_run(self.server.ids)["servers"][0]
        self.assertEqual((report["ok"], report["would_run"]), (True, 1))
        self.server.variable_value_ids.required = True
        report = plan.dry_run(self.server.ids)["servers"][0]
        self.assertEqual((report["ok"], report["skipped"]), (True, 1))

    def test_a_value_of_a_post_run_action(self):
        values = [(0, 0, self.row)]
        action = {"condition": "==", "value_char": "0", "action": "n", "variable_value_ids": values}
        plan = self.env["cx.tower.plan"].create(
            {
                "name": "P",
                "line_ids": [
                    (0, 0, {"command_id": self.command.id, "action_ids": [(0, 0, action)]}),
                    (0, 0, {"command_id": self.command.id, "sequence": 20}),
                ],
            }
        )
        self.server.with_user(self.root).run_flight_plan(plan)
        self.assertEqual(self.said(), "[]")

    def test_a_value_of_a_scheduled_task_or_a_run(self):
        facts = {"name": "T", "command_id": self.command.id, "server_ids": self.server.ids}
        task = self.env["cx.tower.scheduled.task"].create(
            facts | {"custom_variable_value_ids": [(0, 0, self.row)]}
        )
        task.with_user(self.root).action_run()
        self.assertEqual(self.said(), "[]")
        wizard = self.env["cx.tower.command.run.wizard"].with_user(self.root)
        wizard = wizard.create(
            {
                "command_id": self.command.id,
                "action": "python_code",
                "server_ids": self.server.ids,
                "custom_variable_value_ids": [(0, 0, self.row)],
            }
        )
        wizard.run_command_on_server()
        self.assertEqual(self.said(), "[]")

    def test_an_empty_text_is_none_of_the_options_and_is_vetted_by_nobody(self):
        """People who may not write the server can choose only values that the variable's author allows."""
        self.variable.validation_pattern = "[a-z]+"
        options = [(0, 0, {"name": "A", "value_char": "a"})]
        self.env["cx.tower.variable"].create(
            {
                "name": "O",
                "reference": "empty_option",
                "access_level": "1",
                "variable_type": "o",
                "option_ids": options,
            }
        )
        person = self.server.with_user(self.user)
        self.command.user_ids = self.user
        for reference in ("empty_word", "empty_option"):
            with self.subTest(reference), self.assertRaises(AccessError):
                person.run_command(self.command, variable_values={reference: ""})

    def test_a_server_template(self):
        """An empty row is empty on the new server too; a required one has to be filled in; None gives it no row."""
        template = self.env["cx.tower.server.template"].create(
            {
                "name": "Emptiness",
                "reference": "emptiness",
                "ssh_username": "u",
                "variable_value_ids": [(0, 0, self.row)],
            }
        )

        def make(name, **values):
            return template.create_server_from_template("emptiness", name, configuration_variables=values)

        self.assertEqual(make("One").get_variable_value("empty_word"), "")
        self.assertEqual(make("Two", empty_word="").get_variable_value("empty_word"), "")
        self.assertEqual(make("Three", empty_word=None).get_variable_value("empty_word"), "global")
        template.variable_value_ids.required = True
        for values in ({}, {"empty_word": ""}, {"empty_word": None}):
            with self.subTest(values), self.assertRaises(ValidationError):
                make("Four", **values)
        self.assertEqual(make("Five", empty_word="x").get_variable_value("empty_word"), "x")
