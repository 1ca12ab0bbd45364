import json

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

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


@tagged("post_install", "-at_install")
class TestHiddenFacts(TowerCommon):
    """Only those who may read a record learn what it contains, by whatever way they ask."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
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
        cls.hidden = {
            record._name: record
            for record in (
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
            )
        }

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
        for model in sorted(name for name in self.env.registry if name.startswith("cx.tower.")):
            records = self.env[model]
            if records._abstract or not (
                records._transient or records.with_user(self.manager).has_access("create")
            ):
                continue
            for name, field in records._fields.items():
                hidden = self.hidden.get(field.comodel_name) if field.relational else None
                if hidden and field.type in ("many2one", "many2many"):
                    found.append((model, name, hidden))
        return found

    def test_a_form_tells_nothing_of_records_that_one_may_not_read(self):
        links = self.links()
        self.assertIn(
            ("cx.tower.variable.value", "option_id", self.hidden["cx.tower.variable.option"]), links
        )
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

    def test_what_a_line_says_of_the_form_around_it_is_looked_at_too(self):
        lines = self.env["cx.tower.command.run.wizard.variable.value"].with_user(self.manager)
        hidden = self.hidden["cx.tower.server"]
        mine = self._new_server(managers=self.manager)
        spec = {"value_char": {}, "wizard_id": {"fields": {"display_name": {}}}}
        around = {"server_ids": [(4, mine.id)], "action": "ssh_command"}
        lines.onchange({"wizard_id": around, "value_char": "x"}, ["value_char"], spec)
        around = {"server_ids": [(4, hidden.id)], "action": "ssh_command"}
        with mute_logger(*LOGGERS), self.assertRaises(AccessError):
            lines.onchange({"wizard_id": around, "value_char": "x"}, ["value_char"], spec)

    def test_what_a_form_sends_back_of_a_saved_record_is_no_claim(self):
        """A plan may use a command above the access level of the plan's editor."""
        plan = self._new_plan(
            "Mine", [self.hidden["cx.tower.command"]], managers=self.manager, access_level="2"
        )
        line = plan.line_ids.with_user(self.manager)
        values = {"command_id": line.command_id.id, "sequence": 5}
        line.onchange(values, ["sequence"], {"sequence": {}, "note": {}, "tag_ids": {}})
        lines = [(1, line.id, {"sequence": 6, "command_id": line.command_id.id})]
        plan.with_user(self.manager).onchange(
            {"line_ids": lines},
            ["line_ids"],
            {"line_ids": {"fields": {"sequence": {}}}, "access_level_warn_msg": {}},
        )

    def test_values_show_no_option_that_one_may_not_read(self):
        variable = self.env["cx.tower.variable"].create(
            {"name": "Mixed", "variable_type": "o", "access_level": "2"}
        )
        option = self.env["cx.tower.variable.option"].create(
            {"variable_id": variable.id, "name": "o", "value_char": HIDDEN, "access_level": "3"}
        )
        server = self._new_server(managers=self.manager)
        values = self.env["cx.tower.variable.value"].with_user(self.manager)
        base = {"variable_id": variable.id, "server_id": server.id}
        with mute_logger(*LOGGERS), self.assertRaises(AccessError):
            values.create({**base, "option_id": option.id})

    def test_lines_show_no_tag_of_a_command_that_one_may_not_read(self):
        command = self.hidden["cx.tower.command"]
        command.tag_ids = self.env["cx.tower.tag"].create({"name": HIDDEN})
        plan = self._new_plan("Mine", [command], users=self.manager, access_level="2")
        self.env.invalidate_all()
        self.assertFalse(plan.line_ids.with_user(self.manager).tag_ids)
        self.assertEqual(plan.line_ids.tag_ids, command.tag_ids)

    def test_fields_for_managers_answer_no_user(self):
        """Not by reading, not as a condition, an order or a group, not over a path."""
        user = self._new_person("person", "cetmix_tower_server.group_user")
        self._new_server("Shown", users=user, managers=self.manager)
        manager_name = self.manager.display_name
        checked = 0
        for model in sorted(name for name in self.env.registry if name.startswith("cx.tower.")):
            records = self.env[model].with_user(user)
            if records._abstract or records._transient or not records.browse().has_access("read"):
                continue
            for name, field in records._fields.items():
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
        self.assertGreater(checked, 10)
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
