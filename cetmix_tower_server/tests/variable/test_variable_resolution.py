from odoo.tests import tagged

from ...engine.errors import RenderingError
from ...models.variable.cx_tower_variable_mixin import Mode, UndefinedPolicy, render
from ..common import slow
from .variable_case import VariableCase


@tagged("post_install", "-at_install")
class TestVariableResolution(VariableCase):
    """Which value applies, and the cost of reading it."""

    def _render(self, text, server=None, mode=Mode.SHELL, undefined=UndefinedPolicy.ERROR, **values):
        references = self.Variable._find_variables(text)
        scope = self.Variable._variable_scope(
            server=self.server if server is None else server, custom_values=values, references=references
        )
        return render(text, scope, mode, undefined, where="the test")

    def _resolve(self, references, server=None):
        scopes = self.Variable._get_scopes(server=server or self.server)
        return {
            row["reference"]: (row["text"], row["scope"] or "", row["value_id"] or False)
            for row in self.Variable._fetch_values(scopes, references)
        }

    # ------------------------------------------------------------------ scopes

    def test_server_before_global(self):
        variable = self._make_variable("dir", "/global", "/server")
        self.assertEqual(self._render("{{ dir }}"), "/server")
        self.assertEqual(self._render("{{ dir }}", self.other_server), "/global")
        self.assertEqual(self._render("{{ dir }}", dir="/own"), "/own")
        self.assertEqual(self._render("{{ dir }}", self.env["cx.tower.server"]), "/global")
        own = variable.value_ids.filtered("server_id")
        self.assertEqual(self._resolve(["dir"]), {"dir": ("/server", "server", own.id)})

    def test_a_row_without_text_is_an_empty_text_and_hides_less_specific_ones(self):
        variable = self._make_variable("dir", "/global", "/server")
        own = variable.value_ids.filtered("server_id")
        for empty in ("", False, '{{ "" }}'):
            own.value_char = empty
            self.assertEqual(self._render("[{{ dir }}]"), "[]")
        self.assertEqual(self._render("{{ dir }} == ''", mode=Mode.LITERAL), "'' == ''")
        self.assertEqual(self._render("{% if dir %}yes{% else %}no{% endif %}"), "no")
        self.assertEqual(self._render("{{ dir }}", self.other_server), "/global")
        self.assertEqual(self.server.get_variable_value("dir"), "" if not own.value_char else own.value_char)
        variable.value_ids.filtered("is_global").value_char = False
        self.assertEqual(self._render("[{{ dir }}]", self.other_server), "[]")
        entry = next(e for e in self.other_server.get_effective_variable_values() if e["reference"] == "dir")
        self.assertEqual((entry["value"], entry["raw"], entry["error"]), ("", "", ""))

    def test_an_archived_row_does_not_count(self):
        variable = self._make_variable("dir", "/global", "/server")
        variable.value_ids.filtered("server_id").active = False
        self.assertEqual(self._render("{{ dir }}"), "/global")

    def test_a_required_row_without_text_counts_as_missing(self):
        variable = self._make_variable("dir", server_value="/server")
        variable.value_ids.write({"required": True, "value_char": False})
        with self.assertRaisesRegex(RenderingError, "“dir” has no value"):
            self._render("{{ dir }}")
        self.assertIs(self.server.get_variable_value("dir"), False)
        self._make_value(variable, "/global")
        self.assertEqual(self._render("{{ dir }}"), "/global")

    def test_an_empty_text_fits_any_pattern_and_passes_the_modifier(self):
        self._make_variable("dir", server_value="", validation_pattern="[a-z]+")
        self.assertEqual(self._render("[{{ dir }}]"), "[]")
        self._make_variable("word", server_value="", applied_expression="value.upper() + '!'")
        self.assertEqual(self._render("[{{ word }}]"), "[!]")

    def test_no_value_names_the_variable_and_the_scopes(self):
        self._make_variable("dir")
        self.assertEqual(self._resolve(["dir", "unknown"]), {"dir": (None, "", False)})
        for reference in ("dir", "unknown"):
            with self.assertRaises(RenderingError) as caught:
                self._render("cd {{ %s }}" % reference)  # noqa: UP031
            self.assertIn(reference, str(caught.exception))
        self.assertEqual(self._render("{% if dir %}x{% endif %}{% if unknown %}y{% endif %}-"), "-")
        scope = self.Variable._variable_scope(server=self.server, references=["dir"])
        self.assertEqual(scope.searched, "server, global")

    # ------------------------------------------------------------------ nesting

    def test_values_that_use_values_come_along(self):
        self._make_variable("a", "{{ b }}/a")
        self._make_variable("b", "global {{ unused }}", "{{ c|upper }}/b")
        self._make_variable("c", "{{ d }}")
        self._make_variable("d", "x")
        self._make_variable("other", "never asked for")
        self.assertEqual(self._render("{{ a }}"), "X/b/a")
        self.assertEqual(set(self._resolve(["a"])), {"a", "b", "c", "d"})

    def test_a_cycle_is_an_error_with_its_path(self):
        self._make_variable("a", "{{ b }}")
        self._make_variable("b", "{{ c }}")
        self._make_variable("c", "{{ a }}")
        with self.assertRaises(RenderingError) as caught:
            self._render("{{ a }}")
        for reference in "abc":
            self.assertIn(reference, str(caught.exception))

    def test_deep_nesting(self):
        for level in range(8):
            self._make_variable(f"deep_{level}", f"{{{{ deep_{level + 1} }}}}.")
        self._make_variable("deep_8", "end")
        with self.assertQueryCount(1):
            rows = self._resolve(["deep_0"])
        self.assertEqual(len(rows), 9)
        self.assertEqual(self._render("{{ deep_0 }}"), "end........")

    def test_hostile_templates(self):
        for text in (
            "{{ ''.__class__.__mro__ }}",
            "{{ cycler.__init__.__globals__ }}",
            "{{ self._TemplateReference__context }}",
            "{{ '{0.__class__}'.format(1) }}",
            "{% for i in range(999999999) %}x{% endfor %}",
        ):
            with self.subTest(text):
                variable = self._make_variable("evil", text)
                try:
                    result = self._render("{{ evil }}")
                except RenderingError:
                    pass
                else:
                    self.assertNotIn("class", result)
                    self.assertNotIn("globals", result)
                variable.unlink()

    # ------------------------------------------------------------------ cost

    @slow
    def test_two_hundred_of_ten_thousand_values_with_one_query(self):
        numbers = range(2000)
        variables = self.Variable.create(
            [{"name": f"n{i}", "reference": f"n{i}", "access_level": "1"} for i in numbers]
        )
        # chains of five: n0 uses n1 ... uses n4, which is plain
        self.Value.create(
            [
                {"variable_id": v.id, "value_char": "end" if i % 5 == 4 else f"{{{{ n{i + 1} }}}}"}
                for i, v in enumerate(variables)
            ]
        )
        self.Value.create(
            [{"variable_id": v.id, "value_char": "s", "server_id": self.other_server.id} for v in variables]
        )
        self.env.flush_all()
        with self.assertQueryCount(1):
            rows = self._resolve([f"n{i}" for i in range(100, 300, 5)])
        self.assertEqual(len(rows), 200)
        with self.assertQueryCount(1):
            self.assertEqual(len(self._resolve(None)), 2000)
        self.server.get_effective_variable_values()
        with self.assertQueryCount(1):
            entries = self.server.get_effective_variable_values()
        self.assertEqual(len(entries), 2000)
        self.assertEqual({entry["value"] for entry in entries}, {"end"})
        self.other_server.get_effective_variable_values()
        with self.assertQueryCount(1):
            entries = self.other_server.get_effective_variable_values()
        self.assertEqual({entry["value"] for entry in entries}, {"s"})
        self.assertEqual({len(entry["overridden"]) for entry in entries}, {1})

    # ------------------------------------------------------------------ modifiers and validation of a run

    def test_modifier_changes_the_rendered_value(self):
        self._make_variable("name", "{{ part }} B", applied_expression="value.lower().replace(' ', '-')")
        self._make_variable("part", "A")
        self.assertEqual(self._render("{{ name }}"), "a-b")

    def test_a_failing_modifier_is_an_error_that_names_the_variable(self):
        self._make_variable("name", "A", applied_expression="value[7]")
        with self.assertRaises(RenderingError) as caught:
            self._render("{{ name }}")
        self.assertRegex(str(caught.exception), "name.*IndexError")

    def test_a_template_is_validated_after_rendering(self):
        self._make_variable(
            "port", "{{ base }}1", validation_pattern="[0-9]+", validation_message="Digits only"
        )
        base = self._make_variable("base", "808")
        self.assertEqual(self._render("{{ port }}"), "8081")
        base.value_ids.value_char = "x"
        with self.assertRaises(RenderingError) as caught:
            self._render("{{ port }}")
        self.assertRegex(str(caught.exception), "port.*Digits only")

    # ------------------------------------------------------------------ system values

    def test_system_values(self):
        self.server.write(
            {"url": "https://shop.example.com:8443/x", "partner_id": self.env.company.partner_id.id}
        )
        self._make_variable("greeting", "{{ tower.server.name }}@{{ tower.server.hostname }}")
        self.assertEqual(self._render("{{ greeting }}"), "One@shop.example.com")
        self.assertEqual(
            self._render("{{ tower.server.netloc }} {{ tower.server.port }} {{ tower.server.username }}"),
            "shop.example.com:8443 8443 admin",
        )
        self.assertEqual(
            self._render("{{ tower.server.reference }} {{ tower.server.ipv4 }}"),
            f"{self.server.reference} 192.0.2.1",
        )
        with self.assertRaises(RenderingError):
            self._render("{{ tower.server.url }}", self.other_server)
        self.assertEqual(self._render("{% if tower.server.url %}x{% endif %}", self.other_server), "")

    def test_tools_are_fixed_for_a_run(self):
        self._make_variable("id", "{{ tower.tools.uuid }}")
        scope = self.Variable._variable_scope(server=self.server, references=["id"])
        text = "{{ id }} {{ tower.tools.uuid }} {{ tower.tools.now_underscore }}"
        first, second = (render(text, scope, Mode.SHELL, UndefinedPolicy.ERROR, where="x") for _ in range(2))
        self.assertEqual(first, second)
        nested, direct, now = first.split()
        self.assertEqual(nested, direct)
        self.assertRegex(now, r"^\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d$")
        tools = scope.system["tower"]["tools"]
        later = self.Variable._variable_scope(server=self.server, references=[], tools=tools)
        self.assertEqual(later.system["tower"]["tools"], tools)

    # ------------------------------------------------------------------ template mixin

    def test_template_mixin(self):
        command = self.env["cx.tower.command"].create(
            {"name": "c", "code": "echo {{ a }} {{ b|upper }}", "path": "/{{ p }}"}
        )
        self.assertEqual(command.get_variables(), {str(command.id): ["a", "b", "p"]})
        self.assertEqual(command.render_code(a="1", b="x"), {command.id: "echo 1 X"})
        self.assertEqual(command.render_code_custom("x = {{ a }}", pythonic_mode=True, a='"'), "x = '\"'")
        with self.assertRefused("."):
            command.code = "echo {{ a"
            command.flush_recordset()

    # ------------------------------------------------------------------ key mixin

    def test_key_mixin_links_the_secrets_of_the_code(self):
        keys = self.env["cx.tower.key"].create(
            [
                {"name": name, "reference": name, "key_type": "s"}
                for name in ("first_key", "second_key", "third_key")
            ]
        )
        command = self.env["cx.tower.command"].create(
            {"name": "c", "code": "echo #!cxtower.secret.first_key!# '#!cxtower.secret.unknown!#'"}
        )
        self.assertEqual(command.secret_ids, keys[0])
        command.code = "echo #!cxtower.secret.third_key!# #!cxtower.secret.second_key!#"
        self.assertEqual(command.secret_ids, keys[1] | keys[2])
