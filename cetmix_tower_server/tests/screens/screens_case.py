"""What every screen of Tower keeps to: it offers what the person may do, and its buttons can be pressed from anywhere."""

from lxml import etree
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..run.run_case import RunCase
from .screen_records import ScreenRecords

# Odoo's own words for what a person may not do
JOKES = ("cookies", "Uh-oh", "administrator", "cx.tower.")


class ScreensCase(ScreenRecords, RunCase):
    """Forms, rights, refusals and buttons of an addon.

    :cvar form_classes: values of `js_class` that the addon's forms may have
    """

    form_classes = ("tower_form",)

    def more_records(self):
        """Return records without a screen of their own whose buttons are pressed, too."""
        return []

    def setUp(self):
        super().setUp()  # here, not for the class: runs that are started before are counted outside of the test
        self.records = self.make_records(self.env, self.server, self.user, self.manager)
        self.by_model = {record._name: record for record in self.records}
        # A Manager who is only a User of what the other one manages.
        self.visitor = new_test_user(
            self.env, "screen_visitor", "base.group_user,cetmix_tower_server.group_manager"
        )
        for record in self.records:
            if "user_ids" in record._fields:
                record.user_ids += self.visitor

    # -- what is offered

    def test_every_form_is_one_of_towers(self):
        """So that it is read-only where it has to be, and no button of it has the focus by itself."""
        views = self.env["ir.ui.view"].search(
            [("model", "in", self.own_models()), ("type", "=", "form"), ("inherit_id", "=", False)]
        )
        self.assert_found("forms", len(views))
        for view in views:
            with self.subTest(view=view.xml_id):
                arch = etree.fromstring(self.env[view.model].get_view(view.id, "form")["arch"])
                self.assertIn(arch.get("js_class"), self.form_classes)

    def test_a_record_tells_what_the_person_may_do_with_it(self):
        for person in (self.user, self.visitor, self.manager, self.root):
            for name in self.manager_models if person != self.user else self.user_models:
                record = self.by_model[name].with_user(person)
                if "may_write" not in record._fields or not record._filtered_access("read"):
                    continue
                with self.subTest(person=person.login, model=name):
                    [row] = record.web_read({"may_write": {}, "may_delete": {}, "readonly_reason": {}})
                    self.assertEqual(row["may_write"], record.has_access("write"))
                    self.assertEqual(row["may_delete"], record.has_access("unlink"))
                    self.assertEqual(bool(row["readonly_reason"]), not row["may_write"])

    # -- what is refused all the same

    @mute_logger("odoo.addons.cetmix_tower_server.models.base.access_errors")
    def test_refusals_are_in_towers_words(self):
        for name in self.manager_models:
            record = self.by_model[name].with_user(self.visitor)
            for operation in ("write", "unlink"):
                if record.has_access(operation):
                    continue
                with self.subTest(model=name, operation=operation), self.assertRaises(AccessError) as caught:
                    record.check_access(operation)
                text = str(caught.exception)
                self.assertFalse([joke for joke in JOKES if joke in text], text)
                self.assertRegex(text, "Only .* can (change|delete) it|Only Tower itself does this|Allowed")

    # -- what buttons return

    def check_action(self, action, where):
        """Check that the web client can do an action wherever it got it: only buttons of forms have views added."""
        if not isinstance(action, dict):
            return 0
        if action.get("type") == "ir.actions.act_window":
            self.assertTrue(action.get("views"), where)
            self.assertEqual(
                [kind for _view, kind in action["views"]], action.get("view_mode", "form").split(",")
            )
        self.check_action((action.get("params") or {}).get("next"), where)
        return 1

    @mute_logger("odoo.sql_db")
    def test_every_window_action_says_its_views(self):
        checked = 0
        for record in [*self.records, *self.more_records()]:
            names = {name for name in dir(type(record)) if name.startswith(("action_", "open_"))}
            for name in sorted(names):
                method = getattr(record, name)
                if not self.is_own(method):
                    continue
                with self.subTest(model=record._name, method=name), self.env.cr.savepoint() as savepoint:
                    try:
                        action = getattr(record.with_user(self.root), name)()
                    except (UserError, ValidationError, TypeError):
                        continue  # refused as things stand, or with arguments
                    finally:
                        savepoint.rollback()
                        self.env.invalidate_all()
                    checked += self.check_action(action, f"{record._name}.{name}")
        self.assert_found("actions", checked)
