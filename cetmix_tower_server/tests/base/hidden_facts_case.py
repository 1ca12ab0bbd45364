"""Only those who may read a record learn what it contains, by whatever way they ask."""

import json

from odoo.exceptions import AccessError, UserError
from odoo.tools import mute_logger

from ..addon_case import AddonCase
from ..common import TowerCommon

LOGGERS = (
    "odoo.addons.base.models.ir_rule",
    "odoo.addons.base.models.ir_model",
    "odoo.orm.models",
    "odoo.sql_db",
)
HIDDEN = "hidden fact"
# Everybody in Tower reads these.
OPEN_MODELS = {"cx.tower.tag", "cx.tower.os"}


class HiddenFactsCase(AddonCase, TowerCommon):
    """Fields of an addon, found by looking. Another addon makes records of its own models in `make_hidden`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hidden = {record._name: record for record in cls.make_hidden()}

    @classmethod
    def make_hidden(cls):
        """Create records whose texts contain HIDDEN and that `cls.manager` may not read.

        :return: list of records, each of another model
        """
        cls.variable = cls.env["cx.tower.variable"].create(
            {"name": f"v {HIDDEN}", "note": HIDDEN, "access_level": "3", "variable_type": "o"}
        )
        option = {"name": HIDDEN, "value_char": HIDDEN, "variable_id": cls.variable.id}
        command = cls._new_command(HIDDEN, code=HIDDEN, note=HIDDEN, access_level="3")
        server = cls._new_server(HIDDEN, note=HIDDEN)
        plan = cls._new_plan(HIDDEN, [command], note=HIDDEN, access_level="3")
        cls.file_template = cls.env["cx.tower.file.template"].create(
            {"name": HIDDEN, "file_name": HIDDEN, "server_dir": "/", "code": HIDDEN, "note": HIDDEN}
        )
        template = cls.env["cx.tower.server.template"].create({"name": HIDDEN, "note": HIDDEN})
        option = cls.env["cx.tower.variable.option"].create(option)
        value = {"variable_id": cls.variable.id, "option_id": option.id}
        task = {"name": HIDDEN, "command_id": command.id, "note": HIDDEN}
        return [
            command,
            server,
            plan,
            plan.line_ids,
            cls.file_template,
            template,
            cls.variable,
            option,
            cls._new_ssh_key(HIDDEN, note=HIDDEN),
            cls.env["cx.tower.variable.value"].create(value),
            cls.env["cx.tower.scheduled.task"].create(task),
            cls.env["cx.tower.shortcut"].create(task),
            cls.env["cx.tower.file"].create({"name": HIDDEN, "server_dir": "/", "server_id": server.id}),
        ]

    def refused(self, what):
        """Return whether ``what`` is refused, or else shows nothing that is hidden."""
        try:
            with mute_logger(*LOGGERS), self.env.cr.savepoint():
                answer = what()
        except (AccessError, UserError, ValueError):
            self.env.invalidate_all()
            return True
        self.env.invalidate_all()
        return HIDDEN not in json.dumps(answer, default=str)

    def links(self):
        """Return [(model, field, hidden record)] of the fields with which a form names a record of Tower."""
        found = []
        for model, own_fields in self.models_with_own_fields():
            records = self.env[model]
            if records._abstract or not (
                records._transient or records.with_user(self.manager).has_access("create")
            ):
                continue
            for name, field in own_fields.items():
                hidden = self.hidden.get(field.comodel_name) if field.relational else None
                if hidden and field.type in ("many2one", "many2many"):
                    found.append((model, name, hidden))
        return found

    def test_a_form_tells_nothing_of_records_that_one_may_not_read(self):
        links = self.links()
        self.assert_found("links", len(links))
        for model, name, hidden in links:
            records = self.env[model].with_user(self.manager)
            self.assertFalse(hidden.with_user(self.manager).has_access("read"))
            readable = [
                field
                for field in records._fields
                if records._has_field_access(records._fields[field], "read")
            ]
            relational = {field for field in readable if records._fields[field].relational}
            spec = {
                field: {"fields": {"display_name": {}}} if field in relational else {} for field in readable
            }
            spec[name] = {"fields": {"display_name": {}, "name": {}}}
            is_many = records._fields[name].type == "many2many"
            for value in [[(4, hidden.id)], [(6, 0, hidden.ids)]] if is_many else [hidden.id]:
                with self.subTest(model=model, field=name, value=value):
                    self.assertTrue(
                        self.refused(lambda r=records, v=value, n=name, s=spec: r.onchange({n: v}, [n], s))
                    )
                    self.assertTrue(
                        self.refused(lambda r=records, v=value, n=name, s=spec: r.onchange({n: v}, [], s))
                    )
                    context = {f"default_{name}": hidden.ids if is_many else hidden.id}
                    preset = records.with_context(**context)
                    self.assertTrue(self.refused(lambda r=preset, s=spec: r.onchange({}, [], s)))

    def test_fields_for_managers_answer_no_user(self):
        """Not by reading, not as a condition, an order or a group, not over a path."""
        user = self._new_person("person", "cetmix_tower_server.group_user")
        self._new_server("Shown", users=user, managers=self.manager)
        manager_name = self.manager.display_name
        checked = 0
        for model, own_fields in self.models_with_own_fields():
            records = self.env[model].with_user(user)
            if records._abstract or records._transient or not records.browse().has_access("read"):
                continue
            for name, field in own_fields.items():
                if not field.groups or records._has_field_access(field, "read"):
                    continue
                checked += 1
                text = [(name, "=", self.some_value(field))]
                ways = {
                    "read": lambda r=records, n=name: r.search([]).read([n]),
                    "condition": lambda r=records, d=text: r.search(d),
                    "order": lambda r=records, n=name: r.search([], order=n),
                    "group": lambda r=records, n=name: r.formatted_read_group([], [n], ["__count"]),
                    "aggregate": lambda r=records, n=name: r.formatted_read_group([], [], [f"{n}:count"]),
                    "search_read": lambda r=records, d=text: r.search_read(d, ["display_name"]),
                    "export": lambda r=records, n=name: r.search([]).export_data([n]),
                }
                for way, ask in ways.items():
                    with self.subTest(model=model, field=name, way=way):
                        try:
                            with mute_logger(*LOGGERS), self.env.cr.savepoint():
                                answer = ask()
                        except (AccessError, UserError, ValueError):
                            self.env.invalidate_all()
                            continue
                        if way == "export":  # refused cell by cell
                            self.assertFalse(any(cell for row in answer["datas"] for cell in row))
                        else:
                            self.fail(f"answered: {str(answer)[:200]}")
        self.assert_found("fields for Managers", checked)
        for path in ("server_id.manager_ids", "plan_id.manager_ids", "command_id.manager_ids"):
            for model in ("cx.tower.file", "cx.tower.plan.line", "cx.tower.command.log"):
                records = self.env[model].with_user(user)
                if path.partition(".")[0] in records._fields:
                    with self.subTest(model=model, path=path):
                        self.assertNotIn(manager_name, str(self.answer(records, path)))

    def some_value(self, field):
        """Return a value that a record may have in this field: a condition that always holds reveals nothing."""
        if field.type == "selection":
            return field.get_values(self.env)[0]
        return "x" if field.type in ("char", "text", "html") else 1

    def answer(self, records, path):
        try:
            with mute_logger(*LOGGERS), self.env.cr.savepoint():
                return [
                    records.formatted_read_group([], [path], ["__count"]),
                    records.search([(f"{path}.login", "like", "tower")]).ids,
                ]
        except (AccessError, UserError, ValueError):
            self.env.invalidate_all()
            return None

    def test_a_manager_finds_no_record_by_what_it_hides(self):
        """Conditions, names and exports answer only about records that the user may read."""
        for model, hidden in self.hidden.items():
            records = self.env[model].with_user(self.manager)
            texts = [
                name
                for name, field in records._fields.items()
                if field.type in ("char", "text") and field.store and records._has_field_access(field, "read")
            ]
            for name in texts:
                with self.subTest(model=model, field=name):
                    self.assertFalse(records.search([(name, "like", HIDDEN)]) & hidden)
                    groups = records.formatted_read_group([(name, "!=", False)], [name], ["__count"])
                    self.assertNotIn(HIDDEN, str(groups))
            self.assertNotIn(HIDDEN, str(records.name_search(HIDDEN)))
