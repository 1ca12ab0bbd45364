from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .variable_texts_case import NAMED, VariableTextsCase


@tagged("post_install", "-at_install")
class TestVariableTexts(VariableTextsCase):
    """Texts of this addon."""

    at_least = {"models with texts": 6}

    def test_other_ways_to_write_a_text(self):
        mine = self.server.with_user(self.manager)
        variable = self.env["cx.tower.variable"].create({"name": "v"})
        self.refused(lambda: mine.set_variable_value("v", NAMED))
        self.refused(lambda: mine.run_code(f"echo {NAMED}"))
        self.refused(
            lambda: mine.write(
                {"variable_value_ids": [(0, 0, {"variable_id": variable.id, "value_char": NAMED})]}
            )
        )
        template = self.env["cx.tower.server.template"].create(
            {
                "name": "Template",
                "reference": "texts",
                "ssh_username": "t",
                "variable_value_ids": [(0, 0, {"variable_id": variable.id, "value_char": "x"})],
                **self._roles(self.manager),
            }
        )
        self.refused(
            lambda: template.with_user(self.manager).create_server_from_template(
                "texts", "New", ipv4="192.0.2.9", ssh_password="p", configuration_variables={"v": NAMED}
            )
        )
        plan = self._new_plan(managers=self.manager, commands=[self._new_command(access_level="2")])
        self.refused(
            lambda: plan.with_user(self.manager).line_ids.write({"condition": "{{ only_root }} == 1"})
        )
        command = self._new_command(managers=self.manager)
        loaded = command.with_user(self.manager).load(["name", "code"], [["New", NAMED]])
        self.assertFalse(loaded["ids"])
        self.assertIn("only_root", loaded["messages"][0]["message"])

    def test_what_others_wrote_is_still_used(self):
        command = self._new_command(code=f"echo {NAMED}", managers=self.manager, access_level="2")
        copied = command.with_user(self.manager).copy()
        self.assertEqual(copied.code, command.code)
        self.refused(lambda: command.with_user(self.manager).copy({"code": f"printf {NAMED}"}))
        template = self.env["cx.tower.file.template"].create(
            {"name": "T", "file_name": "a", "server_dir": "/tmp", "code": NAMED, **self._roles(self.manager)}
        )
        file = (
            self.env["cx.tower.file"]
            .with_user(self.manager)
            .create({"server_id": self.server.id, "template_id": template.id})
        )
        self.assertEqual(file.code, NAMED)
        self.refused(lambda: file.write({"code": NAMED + " more"}))
        self.env["cx.tower.variable.value"].create(
            {"variable_id": self.open.id, "server_id": self.server.id, "value_char": NAMED}
        )
        copied = self.server.with_user(self.manager).copy()
        self.assertEqual(copied.variable_value_ids.value_char, NAMED)
        log = self.server.with_user(self.manager).run_command(command)
        self.assertIn("the secret plan", self.env["cx.tower.command.log"].browse(log["id"]).code)

    def test_an_option_is_chosen_without_being_written(self):
        option = self.env["cx.tower.variable.option"].create(
            {"variable_id": self.own_variable.id, "name": "N", "value_char": NAMED}
        )
        value = (
            self.env["cx.tower.variable.value"]
            .with_user(self.manager)
            .create(
                {"variable_id": self.own_variable.id, "server_id": self.server.id, "option_id": option.id}
            )
        )
        self.assertEqual(value.value_char, NAMED)

    def test_a_malformed_template_is_said_once_with_record_field_and_place(self):
        Command = self.env["cx.tower.command"]
        with self.assertRaises(ValidationError) as raised:
            Command.create({"name": "Greet", "action": "ssh_command", "code": "echo {{ who"})
        text = str(raised.exception)
        self.assertTrue(
            text.startswith("Greet, Code: The template cannot be rendered: line 1, column "), text
        )
        self.assertEqual(text.count("template cannot be"), 1)
        with self.assertRaisesRegex(ValidationError, "^Greet, Path: "):
            Command.create({"name": "Greet", "action": "ssh_command", "path": "/opt/{{ who"})
