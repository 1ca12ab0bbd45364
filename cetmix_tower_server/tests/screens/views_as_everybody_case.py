"""Every screen can be read by everybody who gets it: no field on it, seen or not, is out of reach."""

from lxml import etree
from odoo.tools.safe_eval import safe_eval

from ..run.run_case import RunCase
from .screen_records import ScreenRecords


class ViewsAsEverybodyCase(ScreenRecords, RunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.records = cls.make_records(cls.env, cls.server, cls.user, cls.manager)

    def fields_of(self, view):
        """Return what the web client reads for a view: its fields, and those of the views inside."""
        wanted = {}
        for node in view.iter("field"):
            if any(view in parent.iterancestors() for parent in node.iterancestors("field")):
                continue  # of a view inside
            subview = next((child for child in node if child.tag in ("list", "kanban", "form")), None)
            wanted.setdefault(
                node.get("name"), {} if subview is None else {"fields": self.fields_of(subview)}
            )
        return wanted

    def check(self, person, models):
        by_model = {record._name: record for record in self.records}
        for model in models:
            record = by_model[model].with_user(person)
            kinds = [(False, kind) for kind in ("list", "kanban", "form", "search")]
            views = record.get_views(kinds)["views"]
            for kind in ("list", "kanban", "form"):
                with self.subTest(person=person.login, model=model, view=kind):
                    record.env.invalidate_all()
                    wanted = self.fields_of(etree.fromstring(views[kind]["arch"]))
                    self.assertTrue(record.web_search_read([("id", "=", record.id)], wanted)["records"])
                    record.web_read(wanted)

    def test_user(self):
        self.check(self.user, self.user_models)

    def test_manager(self):
        self.check(self.manager, self.manager_models)

    def test_lists_of_the_menus_can_be_searched_by_whom_they_are_shown_to(self):
        for person in (self.user, self.manager):
            for menu in self.own_menus(person):
                action = menu.action
                if action._name != "ir.actions.act_window":
                    continue
                with self.subTest(person=person.login, action=action.xml_id):
                    domain = safe_eval(action.domain or "[]", {"uid": person.id})
                    self.env[action.res_model].with_user(person).search(domain)
