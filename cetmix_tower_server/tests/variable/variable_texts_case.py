"""An author may only name variables that they may read. Running the text needs no such right."""

from odoo.exceptions import AccessError
from odoo.tools import mute_logger

from ..addon_case import AddonCase
from ..common import TowerCommon

NAMED = "a {{ only_root }}"


class VariableTextsCase(AddonCase, TowerCommon):
    """All texts of an addon that are rendered, found by looking. Another addon says in `values_of` how its records are created."""

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
        found = {}
        for model, own_fields in self.models_with_own_fields():
            records = self.env[model]
            if hasattr(records, "_get_variable_text_fields") and not records._abstract:
                found[model] = [name for name in records._get_variable_text_fields() if name in own_fields]
        return {model: names for model, names in found.items() if names}

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
        self.assert_found("models with texts", len(found))
        for model, own_fields in self.models_with_own_fields():
            field = own_fields.get("variable_ids")
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
