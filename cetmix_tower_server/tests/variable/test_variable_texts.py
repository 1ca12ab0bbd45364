from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..common import TowerCommon

NAMED = "a {{ only_root }}"


@tagged("post_install", "-at_install")
class TestVariableTexts(TowerCommon):
    """An author may only name variables that they may read. Running the text needs no such right."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Variable = cls.env["cx.tower.variable"]
        cls.hidden = Variable.create({"name": "only_root", "reference": "only_root", "access_level": "3"})
        cls.open = Variable.create({"name": "open", "reference": "open", "access_level": "2"})
        cls.env["cx.tower.variable.value"].create(
            {"variable_id": cls.hidden.id, "value_char": "the secret plan"}
        )
        cls.server = cls._new_server(managers=cls.manager, users=cls.manager)
        cls.own_variable = Variable.with_user(cls.manager).create({"name": "own", "variable_type": "o"})

    def models_with_texts(self):
        """Return {model: names of the fields whose texts are rendered}, by introspection."""
        return {
            model: self.env[model]._get_variable_text_fields()
            for model in self.env.registry
            if model.startswith("cx.tower.")
            and hasattr(self.env[model], "_get_variable_text_fields")
            and not self.env[model]._abstract
            and self.env[model]._get_variable_text_fields()
        }

    def values_of(self, model):
        """Return values with which the Manager may create a record of this model."""
        mine = {"managers": self.manager, "users": self.manager}
        return {
            "cx.tower.command": {"name": "Record"},
            "cx.tower.file": {"name": "record", "server_id": self.server.id, "server_dir": "/tmp"},
            "cx.tower.file.template": {"name": "Record", "file_name": "a", "server_dir": "/tmp"},
            "cx.tower.plan.line": {
                "plan_id": self._new_plan(**mine).id,
                "command_id": self._new_command(**mine, access_level="2").id,
            },
            "cx.tower.variable.value": {
                "variable_id": self.env["cx.tower.variable"].create({"name": f"v{self.count()}"}).id,
                "server_id": self.server.id,
                "value_char": "x",
            },
            "cx.tower.variable.option": {
                "variable_id": self.own_variable.id,
                "name": f"o{self.count()}",
                "value_char": f"o{self.count()}",
            },
        }[model]

    def count(self):
        self.number = getattr(self, "number", 0) + 1
        return self.number

    def refused(self, what):
        logger = "odoo.addons.base.models.ir_rule"
        with mute_logger(logger), self.assertRaisesRegex(AccessError, "only_root"), self.env.cr.savepoint():
            what()
        self.env.invalidate_all()

    def test_every_text_that_is_rendered_is_looked_at(self):
        found = self.models_with_texts()
        self.assertGreater(len(found), 5)
        for model in self.env.registry:
            field = self.env[model]._fields.get("variable_ids") if model.startswith("cx.tower.") else None
            if not field or field.comodel_name != "cx.tower.variable" or self.env[model]._abstract:
                continue
            depends = self.env.registry.field_depends[field]
            texts = {name for name in depends if self.env[model]._fields[name].type in ("char", "text")}
            with self.subTest(model):
                self.assertEqual(texts - set(found.get(model, [])), set())

    def test_nobody_names_what_he_may_not_read(self):
        for model, names in self.models_with_texts().items():
            for name in names:
                with self.subTest(model=model, field=name):
                    values = self.values_of(model)
                    mine = self.env[model].with_user(self.manager)
                    text = '{{ only_root }} == "x"' if name == "condition" else NAMED
                    self.refused(
                        lambda mine=mine, values=values, name=name, text=text: mine.create(
                            {**values, name: text}
                        )
                    )
                    without = {field: value for field, value in values.items() if field != name}
                    if "name" in without or name != "name":
                        default = mine.with_context(**{f"default_{name}": text})
                        self.refused(lambda default=default, without=without: default.create(without))
                    record = mine.create(self.values_of(model))
                    self.refused(lambda record=record, name=name, text=text: record.write({name: text}))
                    record.write({name: text.replace("only_root", "open")})
                    # what Root wrote stays, and the rest of the record can be changed
                    record.sudo().write({name: text})
                    record.with_user(self.manager).write({name: text})
                    other = next(
                        field
                        for field in (*names, "sequence", "note", "color")
                        if field != name and field in record
                    )
                    value = (
                        5 if other in ("sequence", "color") else "True" if other == "condition" else "other"
                    )
                    record.with_user(self.manager).write({other: value})

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
