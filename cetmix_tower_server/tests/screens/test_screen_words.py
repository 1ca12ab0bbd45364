"""What screens say, found by looking at all of them: filters, questions, defaults, places of menus."""

import re

from lxml import etree
from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from ..run.run_case import RunCase
from .screen_records import MANAGER_MODELS, make_records

PLACEHOLDER = re.compile(r"\{([\w.]+)\}")
MALFORMED = "{% if x %}never ended"


@tagged("post_install", "-at_install")
class TestScreenWords(RunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.records = make_records(cls.env, cls.server, cls.user, cls.manager)
        cls.root.group_ids += cls.env.ref("base.group_user")

    def arch(self, model, kind):
        return etree.fromstring(self.env[model].with_user(self.root).get_view(view_type=kind)["arch"])

    def state_filters(self, model):
        """Yield (name, label, field, values) of the filters that stand for values of a selection."""
        for node in self.arch(model, "search").iter("filter"):
            domain = safe_eval(node.get("domain") or "[]", {"uid": 1})
            if len(domain) != 1 or domain[0][1] not in ("=", "in"):
                continue
            name, _operator, values = domain[0]
            field = self.env[model]._fields.get(name)
            if field is not None and field.type == "selection" and values:
                values = [values] if isinstance(values, str) else values
                yield node.get("name"), node.get("string"), field, values

    def test_filters_are_called_as_the_states_they_stand_for(self):
        for model in MANAGER_MODELS:
            for name, label, field, values in self.state_filters(model):
                if not field.name.endswith("state"):
                    continue
                labels = dict(field._description_selection(self.env))
                with self.subTest(model=model, filter=name):
                    for value in values:
                        self.assertIn(labels[value].lower(), label.lower())

    def test_every_state_of_a_run_has_a_filter(self):
        for model in ("cx.tower.command.log", "cx.tower.plan.log", "cx.tower.fleet.run"):
            found = {
                value
                for _name, _label, field, values in self.state_filters(model)
                for value in values
                if field.name == "state"
            }
            with self.subTest(model=model):
                self.assertEqual(found, set(self.env[model]._fields["state"].get_values(self.env)))

    def test_runs_are_called_by_the_names_of_what_was_deleted(self):
        """A view of runs that names their server names it also when it was deleted."""
        for model in ("cx.tower.command.log", "cx.tower.plan.log"):
            for kind in ("list", "kanban", "form"):
                shown = {node.get("name") for node in self.arch(model, kind).iter("field")}
                with self.subTest(model=model, view=kind):
                    self.assertLessEqual({"server_name", "title"}, shown)

    # -- questions

    def test_questions_name_what_happens_to_what(self):
        asked = 0
        for model in MANAGER_MODELS:
            for kind in ("list", "kanban", "form"):
                arch = self.arch(model, kind)
                for button in arch.xpath("//*[@confirm]"):
                    asked += 1
                    names = PLACEHOLDER.findall(button.get("confirm"))
                    with self.subTest(model=model, view=kind, button=button.get("name")):
                        self.assertTrue(names, button.get("confirm"))
                        self.assertFalse([name for name in names if not self.is_known(button, name)])
        self.assertGreater(asked, 10)

    def is_known(self, button, name):
        """Return whether the view around a button reads what its question names; else it would say “…”."""
        views = [node for node in button.iterancestors() if node.tag in ("list", "kanban", "form")]
        view = views[1] if name.startswith("parent.") else views[0]
        inside = {node.get("name") for node in view.iter("field")}
        return name == "count" or name.removeprefix("parent.") in inside

    # -- one mistake, one dialog

    def test_what_is_being_typed_is_refused_only_when_it_is_saved(self):
        """A mistake that the form's own look at it refused, too, would be told in two dialogs, one upon the other."""
        tried = 0
        for record in self.records:
            record = record.with_env(self.env)
            for name in getattr(record, "_get_variable_text_fields", list)():
                values = {name: MALFORMED}
                if record._fields[name].type not in ("char", "text"):
                    continue
                tried += 1
                with self.subTest(model=record._name, field=name):
                    spec = {field: {} for field in ("display_name", "variable_ids", name) if field in record}
                    record.onchange(values, [name], spec)
                    with self.assertRaises(UserError), self.env.cr.savepoint():
                        record.write(values)
                        self.env.flush_all()
                    self.env.invalidate_all()
        self.assertGreater(tried, 6)

    # -- what is empty

    def test_an_empty_list_asks_only_those_to_make_something_who_have_the_button_for_it(self):
        root = self.env.ref("cetmix_tower_server.menu_root")
        looked = 0
        for person in (self.user, self.manager, self.root):
            menus = self.env["ir.ui.menu"].with_user(person)
            shown = menus.browse(list(menus._visible_menu_ids())).sudo()
            for menu in shown.filtered(lambda menu: menu.parent_path.startswith(root.parent_path)):
                action = menu.action
                if not action or action._name != "ir.actions.act_window":
                    continue
                looked += 1
                with self.subTest(person=person.login, action=action.xml_id):
                    asked = action.with_user(person)._get_action_dict()["help"] or ""
                    kind = action.view_mode.split(",")[0]
                    if self.arch(action.res_model, kind).get("create") in ("0", "False", "false"):
                        continue  # a log: it fills by itself
                    self.assertEqual(
                        "Nothing here for you yet" in asked,
                        not self.env[action.res_model].with_user(person).has_access("create"),
                    )
        self.assertGreater(looked, 30)

    # -- defaults and places

    def test_a_command_is_made_from_the_line_that_needs_it(self):
        for model in ("cx.tower.plan", "cx.tower.plan.line"):
            nodes = self.arch(model, "form").xpath("//field[@name='command_id' and @options]")
            self.assertTrue(nodes)
            for node in nodes:
                with self.subTest(model=model):
                    options = safe_eval(node.get("options"))
                    self.assertFalse({"no_create", "no_create_edit"} & options.keys())
                    context = safe_eval(node.get("context"), {"action": "python_code"})
                    self.assertEqual(context["default_action"], "python_code")

    def test_a_new_post_run_action_tolerates_nothing_by_itself(self):
        line = self.env["cx.tower.plan.line"].search([], limit=1)
        form = Form(line)
        with form.action_ids.new() as action:
            self.assertEqual((action.condition, action.value_char, action.action), ("!=", "0", "e"))

    def test_what_runs_by_itself_is_no_setting(self):
        settings = self.env.ref("cetmix_tower_server.menu_settings")
        menus = self.env.ref("cetmix_tower_server.cx_tower_scheduled_task_menu") + self.env.ref(
            "cetmix_tower_server.cx_tower_shortcut_menu"
        )
        self.assertFalse(menus.filtered(lambda menu: menu.parent_path.startswith(settings.parent_path)))
        shown = self.env["ir.ui.menu"].with_user(self.manager)._visible_menu_ids()
        self.assertLessEqual(set((menus | menus.parent_id).ids), set(shown))

    def test_a_status_that_nobody_has_set_is_not_shown(self):
        for model in MANAGER_MODELS:
            for kind in ("list", "kanban", "form"):
                for node in self.arch(model, kind).xpath("//field[@widget='tower_dot']"):
                    field = self.env[model]._fields.get(node.get("name"))
                    if field is None or field.required or field.compute:
                        continue
                    with self.subTest(model=model, view=kind, field=field.name):
                        self.assertTrue(safe_eval(node.get("options") or "{}").get("hide_empty"))
