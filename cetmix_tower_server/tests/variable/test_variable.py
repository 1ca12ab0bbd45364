from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger
from psycopg2.errors import UniqueViolation

from ...engine.errors import RenderingError
from ...engine.values.rules import ValueRule, ValueRules
from ...models.variable.modifier import check_modifier
from .variable_case import VariableCase


@tagged("post_install", "-at_install")
class TestVariable(VariableCase):
    # ------------------------------------------------------------------ definition

    def test_reference_must_be_readable_in_templates(self):
        for reference in ("tower", "if", "loop", "none"):
            with self.subTest(reference), self.assertRaises(ValidationError):
                variable = self._make_variable(f"fine_{reference}")
                variable.reference = reference
                variable.flush_recordset()

    def test_name_is_unique(self):
        self._make_variable("twice")
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"):
            self.Variable.create({"name": "twice", "reference": "other"})

    def test_bad_pattern_and_bad_modifier_are_refused_on_save(self):
        for vals in (
            {"validation_pattern": "["},
            {"applied_expression": "value +"},
            {"applied_expression": "import os"},
            {"applied_expression": "value.__class__"},
            {"applied_expression": "'{0.__init__.__globals__}'.format(re)"},
            {"applied_expression": "result = str.format_map('{x}', {'x': 1})"},
        ):
            with self.subTest(vals), self.assertRaises(ValidationError):
                self._make_variable("bad", **vals)

    def test_copy_keeps_options(self):
        variable = self._make_options("size", "S", "L")
        self.assertEqual(variable.copy().option_ids.mapped("value_char"), ["S", "L"])

    # ------------------------------------------------------------------ modifiers

    def test_modifier_is_an_expression_or_sets_result(self):
        cases = [
            ("value.strip().upper()", " ab ", "AB"),
            ("result = re.sub('[^a-z]', '-', value)", "a b", "a-b"),
            ("if value == 'x':\n    result = 'y'", "x", "y"),
            ("if value == 'x':\n    result = 'y'", "z", "z"),
            ("len(value)", "abc", "3"),
            ("None", "abc", None),
            ("f'{value}/sub'", "/srv", "/srv/sub"),
        ]
        for expression, value, expected in cases:
            with self.subTest(expression):
                self.assertEqual(check_modifier(expression), "")
                self.assertEqual(self._modify(expression, value), expected)

    def test_modifier_knows_nothing_of_odoo(self):
        for name in ("env", "self", "user", "os", "open", "odoo"):
            with self.subTest(name), self.assertRaises(RenderingError):
                self._modify(name, "x")
        for expression in ("__import__", "re.compile('x').__class__"):
            with self.subTest(expression):
                self.assertTrue(check_modifier(expression))

    def _modify(self, expression, value):
        return ValueRules({"value": ValueRule(modifier=expression)})("value", value)

    # ------------------------------------------------------------------ options

    def _make_options(self, reference, *texts):
        options = [(0, 0, {"name": text, "value_char": text}) for text in texts]
        return self._make_variable(reference, variable_type="o", option_ids=options)

    def test_option_and_text_follow_each_other(self):
        variable = self._make_options("size", "small", "large")
        small, large = variable.option_ids
        value = self._make_value(variable, "small")
        self.assertEqual(value.option_id, small)
        value.option_id = large
        self.assertEqual(value.value_char, "large")
        large.value_char = "huge"
        self.assertEqual(value.value_char, "huge")
        value.value_char = "small"
        self.assertEqual(value.option_id, small)
        value.value_char = False
        self.assertFalse(value.option_id)
        by_option = self.Value.create(
            {"variable_id": variable.id, "option_id": small.id, "server_id": self.server.id}
        )
        self.assertEqual(by_option.value_char, "small")

    def test_value_must_be_an_option_of_the_variable(self):
        variable, other = self._make_options("size", "small"), self._make_options("colour", "red")
        with self.assertRefused("small"):
            self._make_value(variable, "medium")
        with self.assertRaises(ValidationError):
            self.Value.create({"variable_id": variable.id, "option_id": other.option_ids.id})

    def test_options_are_unique_in_their_variable_only(self):
        variable = self._make_options("size", "small")
        self._make_options("other_size", "small")
        Option = self.env["cx.tower.variable.option"]
        for vals in ({"name": "small", "value_char": "x"}, {"name": "x", "value_char": "small"}):
            with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"), self.cr.savepoint():
                Option.create({"variable_id": variable.id, **vals})

    def test_changing_the_type(self):
        variable = self._make_variable("size", "small")
        with self.assertRaises(ValidationError):
            variable.write(
                {"variable_type": "o", "option_ids": [(0, 0, {"name": "L", "value_char": "large"})]}
            )
        variable.invalidate_recordset()
        variable = self._make_variable("size_2", "small")
        variable.write({"variable_type": "o", "option_ids": [(0, 0, {"name": "S", "value_char": "small"})]})
        self.assertEqual(variable.value_ids.option_id, variable.option_ids)
        variable.variable_type = "s"
        self.assertFalse(variable.value_ids.option_id)
        self.assertEqual(variable.value_ids.value_char, "small")

    # ------------------------------------------------------------------ validation

    def test_whole_value_must_match_pattern(self):
        variable = self._make_variable("port", validation_pattern="[0-9]+", validation_message="Digits only")
        value = self._make_value(variable, "80")
        for text in ("80x", "x80", "80\n"):
            with self.subTest(text), self.assertRefused("Digits only"):
                value.value_char = text
                value.flush_recordset()

    def test_a_template_is_validated_when_it_is_rendered(self):
        variable = self._make_variable("port", "{{ base }}", validation_pattern="[0-9]+")
        self.assertEqual(variable._validate_value("{{ base }}"), (True, ""))
        self.assertFalse(variable._validate_value("{{ base }}", may_be_template=False)[0])

    def test_form_warns_at_once(self):
        variable = self._make_variable("port", validation_pattern="[0-9]+", validation_message="Digits only")
        result = self.Value.new({"variable_id": variable.id, "value_char": "x"})._onchange_value_char()
        self.assertEqual(result["warning"]["message"], "Digits only")
        self.assertEqual(result["warning"]["type"], "notification", "saving has a dialog of its own")
        self.assertFalse(
            self.Value.new({"variable_id": variable.id, "value_char": "1"})._onchange_value_char()
        )

    def test_malformed_template_is_refused(self):
        variable = self._make_variable("dir")
        with self.assertRaises(ValidationError):
            self._make_value(variable, "{{ x")

    # ------------------------------------------------------------------ owners and levels

    def test_one_value_an_owner_whatever_happens_at_once(self):
        variable = self._make_variable("dir", "/a", "/b")
        for vals in ({}, {"server_id": self.server.id}):
            with self.subTest(vals), self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"):
                with self.cr.savepoint():
                    self._make_value(variable, "/c", **vals)
        self._make_value(variable, "/c", server_id=self.other_server.id)

    def test_global_means_no_owner(self):
        variable = self._make_variable("dir")
        value = self._make_value(variable, "/b", server_id=self.server.id)
        self.assertFalse(value.is_global)
        value.is_global = True
        self.assertFalse(value.server_id)
        with self.assertRaises(ValidationError):
            value.is_global = False
        value.server_id = self.server
        self.assertFalse(value.is_global)

    def test_context_gives_no_owner(self):
        variable = self._make_variable("dir")
        value = self.Value.with_context(default_server_id=self.server.id).create({"variable_id": variable.id})
        self.assertTrue(value.is_global)

    def test_level_is_never_below_the_variable(self):
        variable = self._make_variable("dir", "/a", access_level="2")
        value = variable.value_ids
        self.assertEqual(value.access_level, "2")
        with self.assertRaises(ValidationError):
            value.access_level = "1"
            value.flush_recordset()
        value.access_level = "3"
        variable.access_level = "1"
        self.assertEqual(value.access_level, "3")
        value.access_level = "1"
        variable.access_level = "2"
        self.assertEqual(value.access_level, "2")

    def test_level_of_options(self):
        variable = self._make_options("size", "small")
        variable.access_level = "2"
        self.assertEqual(variable.option_ids.access_level, "2")
        with self.assertRaises(ValidationError):
            variable.option_ids.access_level = "1"
            variable.option_ids.flush_recordset()

    def test_form_of_a_value(self):
        variable = self._make_variable("dir")
        with Form(self.Value) as form:
            form.variable_id = variable
            form.value_char = "/srv"
            form.server_id = self.server
            self.assertFalse(form.is_global)
        self.assertEqual(form.record.server_id, self.server)

    # ------------------------------------------------------------------ usage

    def test_usage_is_counted_with_one_query_a_model(self):
        variables = self.Variable.concat(*(self._make_variable(f"v{i}", "x") for i in range(30)))
        user = self._make_variable("user", "{{ v0 }}{{ v1|upper }}")
        command = self.env["cx.tower.command"].create(
            {"name": "c", "code": "echo {{ v0 }}", "path": "/{{ v2 }}"}
        )
        command.flush_recordset()
        variables.invalidate_recordset()
        with self.assertQueryCount(6):  # values, commands, lines, files, templates; and one for the records
            variables.mapped("value_ids_count")
        self.assertEqual(variables[0].command_ids, command)
        self.assertEqual(variables[:3].mapped("command_ids_count"), [1, 0, 1])
        self.assertEqual(variables[:3].mapped("variable_value_ids_count"), [1, 1, 0])
        self.assertEqual(variables[1].variable_value_ids, user.value_ids)
        self.assertEqual(command.variable_ids, variables[0] | variables[2])
        for action, record in (("values", variables[0].value_ids), ("commands", command)):
            result = getattr(variables[0], f"action_open_{action}")()
            self.assertEqual(self.env[result["res_model"]].search(result["domain"]), record)

    def test_a_variable_made_later_is_linked_to_the_texts_that_name_it(self):
        command = self.env["cx.tower.command"].create({"name": "c", "code": "echo {{ later }} {{ renamed }}"})
        value = self._make_value(self._make_variable("dir"), "/{{ later }}")
        later = self._make_variable("later")
        self.assertEqual(command.variable_ids, later)
        self.assertEqual(value.variable_ids, later)
        other = self._make_variable("something")
        other.reference = "renamed"
        self.assertEqual(command.variable_ids, later | other)

    # ------------------------------------------------------------------ renaming

    def test_renaming_a_reference_updates_every_use(self):
        variable = self._make_options("colour", "red", "blue")
        self._make_value(variable, "red")
        wrapper = self._make_variable("wrapper", "{{ colour|upper }} colour")
        options = self._make_variable(
            "opt", variable_type="o", option_ids=[(0, 0, {"name": "a", "value_char": "{{ colour }}"})]
        )
        option_value = self._make_value(options, "{{ colour }}")
        archived = self.env["cx.tower.command"].create(
            {"name": "old", "code": "{{ colour }}", "active": False}
        )
        command = self.env["cx.tower.command"].create(
            {
                "name": "c",
                "path": "/srv/{{ colour }}",
                "code": "{% if colour == 'colour' %}echo {{ colour|default('colour') }}{% endif %}{{ x.colour }}",
            }
        )
        variable.reference = "shade"
        self.assertEqual(command.path, "/srv/{{ shade }}")
        self.assertEqual(
            command.code,
            "{% if shade == 'colour' %}echo {{ shade|default('colour') }}{% endif %}{{ x.colour }}",
        )
        self.assertEqual(archived.code, "{{ shade }}")
        self.assertEqual(wrapper.value_ids.value_char, "{{ shade|upper }} colour")
        self.assertEqual(option_value.value_char, "{{ shade }}")
        self.assertEqual(option_value.option_id, options.option_ids)
        self.assertEqual(variable.value_ids.variable_reference, "shade")
        self.assertIn(variable, command.variable_ids)

    def test_renaming_that_would_change_a_text_is_refused(self):
        variable = self._make_variable("colour")
        self.env["cx.tower.command"].create(
            {"name": "c", "code": "{% for shade in [1] %}{{ colour }}{% endfor %}"}
        )
        with self.assertRefused("shade"):
            variable.reference = "shade"
