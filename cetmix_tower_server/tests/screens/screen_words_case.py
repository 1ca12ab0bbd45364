"""What screens say, found by looking at all of them: filters, questions, defaults, places of menus."""

import re

from lxml import etree
from odoo.exceptions import UserError
from odoo.tools.safe_eval import safe_eval

from ..run.run_case import RunCase
from .screen_records import ScreenRecords

PLACEHOLDER = re.compile(r"\{([\w.]+)\}")
MALFORMED = "{% if x %}never ended"


class ScreenWordsCase(ScreenRecords, RunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.records = cls.make_records(cls.env, cls.server, cls.user, cls.manager)
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
        for model in self.manager_models:
            for name, label, field, values in self.state_filters(model):
                if not field.name.endswith("state"):
                    continue
                labels = dict(field._description_selection(self.env))
                with self.subTest(model=model, filter=name):
                    for value in values:
                        self.assertIn(labels[value].lower(), label.lower())

    # -- questions

    def test_questions_name_what_happens_to_what(self):
        asked = 0
        for model in self.manager_models:
            for kind in ("list", "kanban", "form"):
                arch = self.arch(model, kind)
                for button in arch.xpath("//*[@confirm]"):
                    asked += 1
                    names = PLACEHOLDER.findall(button.get("confirm"))
                    with self.subTest(model=model, view=kind, button=button.get("name")):
                        self.assertTrue(names, button.get("confirm"))
                        self.assertFalse([name for name in names if not self.is_known(button, name)])
        self.assert_found("questions", asked)

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
        self.assert_found("texts", tried)

    # -- what is empty

    def test_an_empty_list_asks_only_those_to_make_something_who_have_the_button_for_it(self):
        looked = 0
        for person in (self.user, self.manager, self.root):
            for menu in self.own_menus(person):
                action = menu.action
                if action._name != "ir.actions.act_window":
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
        self.assert_found("menus", looked)

    def test_a_status_that_nobody_has_set_is_not_shown(self):
        for model in self.manager_models:
            for kind in ("list", "kanban", "form"):
                for node in self.arch(model, kind).xpath("//field[@widget='tower_dot']"):
                    field = self.env[model]._fields.get(node.get("name"))
                    if field is None or field.required or field.compute:
                        continue
                    with self.subTest(model=model, view=kind, field=field.name):
                        self.assertTrue(safe_eval(node.get("options") or "{}").get("hide_empty"))
