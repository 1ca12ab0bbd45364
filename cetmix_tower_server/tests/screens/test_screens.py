"""What every screen of Tower keeps to: it offers what the person may do, and its buttons can be pressed from anywhere."""

import inspect

from lxml import etree
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..run.run_case import RunCase
from .screen_records import MANAGER_MODELS, USER_MODELS, make_records

# Odoo's own words for what a person may not do
JOKES = ("cookies", "Uh-oh", "administrator", "cx.tower.")


@tagged("post_install", "-at_install")
class TestScreens(RunCase):
    def setUp(self):
        super().setUp()  # here, not for the class: runs that are started before are counted outside of the test
        self.records = make_records(self.env, self.server, self.user, self.manager)
        self.by_model = {record._name: record for record in self.records}
        # A Manager who is only a User of what the other one manages.
        self.visitor = new_test_user(
            self.env, "screen_visitor", "base.group_user,cetmix_tower_server.group_manager"
        )
        for record in self.records:
            if "user_ids" in record._fields:
                record.user_ids += self.visitor

    def own_models(self):
        return [name for name in self.env.registry if name.startswith("cx.tower.")]

    # -- what is offered

    def test_every_form_is_one_of_towers(self):
        """So that it is read-only where it has to be, and no button of it has the focus by itself."""
        views = self.env["ir.ui.view"].search(
            [("model", "in", self.own_models()), ("type", "=", "form"), ("inherit_id", "=", False)]
        )
        self.assertGreater(len(views), 15)
        for view in views:
            with self.subTest(view=view.xml_id):
                arch = etree.fromstring(self.env[view.model].get_view(view.id, "form")["arch"])
                self.assertIn(arch.get("js_class"), ("tower_form", "tower_server_form", "base_settings"))

    def test_a_record_tells_what_the_person_may_do_with_it(self):
        for person in (self.user, self.visitor, self.manager, self.root):
            for name in MANAGER_MODELS if person != self.user else USER_MODELS:
                record = self.by_model[name].with_user(person)
                if "may_write" not in record._fields or not record._filtered_access("read"):
                    continue
                with self.subTest(person=person.login, model=name):
                    [row] = record.web_read({"may_write": {}, "may_delete": {}, "readonly_reason": {}})
                    self.assertEqual(row["may_write"], record.has_access("write"))
                    self.assertEqual(row["may_delete"], record.has_access("unlink"))
                    self.assertEqual(bool(row["readonly_reason"]), not row["may_write"])

    def test_the_visitor_is_told_who_may(self):
        command = self.by_model["cx.tower.command"].with_user(self.visitor)
        self.assertFalse(command.may_write)
        self.assertEqual(
            command.readonly_reason,
            f"Read-only for you. Only its Managers ({self.manager.name}) and Root can change it.",
        )
        file = self.by_model["cx.tower.file"].with_user(self.visitor)
        self.assertIn(f"Only Managers of “{self.server.name}”", file.readonly_reason)
        # Names of Managers are for Managers.
        self.assertNotIn(
            self.manager.name, self.by_model["cx.tower.command"].with_user(self.user).readonly_reason
        )

    def test_a_new_record_is_open(self):
        new = self.env["cx.tower.command"].with_user(self.manager).new({"name": "New"})
        self.assertTrue(new.may_write)
        self.assertFalse(new.readonly_reason)

    def test_rights_of_many_records_cost_what_those_of_one_cost(self):
        Command = self.env["cx.tower.command"]
        commands = Command.create([{"name": f"Many {number}", "code": "true"} for number in range(30)])
        counts = []
        for records in (commands[:1], commands[:1], commands):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            records.with_user(self.manager).web_read({"may_write": {}, "may_delete": {}, "may_copy": {}})
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    # -- what is refused all the same

    @mute_logger("odoo.addons.cetmix_tower_server.models.base.access_errors")
    def test_refusals_are_in_towers_words(self):
        for name in MANAGER_MODELS:
            record = self.by_model[name].with_user(self.visitor)
            for operation in ("write", "unlink"):
                if record.has_access(operation):
                    continue
                with self.subTest(model=name, operation=operation), self.assertRaises(AccessError) as caught:
                    record.check_access(operation)
                text = str(caught.exception)
                self.assertFalse([joke for joke in JOKES if joke in text], text)
                self.assertRegex(text, "Only .* can (change|delete) it|Only Tower itself does this|Allowed")

    @mute_logger("odoo.addons.cetmix_tower_server.models.base.access_errors")
    def test_a_refusal_does_not_name_what_the_person_may_not_see(self):
        hidden = self.env["cx.tower.command"].create({"name": "Hush", "code": "true", "access_level": "3"})
        for operation in ("read", "write", "unlink"):
            with self.assertRaises(AccessError) as caught:
                hidden.with_user(self.visitor).check_access(operation)
            self.assertNotIn("Hush", str(caught.exception))

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
        partner = self.env["res.partner"].create({"name": "Screen"})
        host_key = self.env["cx.tower.server.host.key.wizard"]._create_for(self.server, {"error": "No"})
        for record in [*self.records, partner, host_key]:
            names = {name for name in dir(type(record)) if name.startswith(("action_", "open_"))}
            for name in sorted(names):
                method = getattr(record, name)
                if "cetmix_tower_server" not in inspect.getmodule(method).__name__:
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
        self.assertGreater(checked, 30)

    def test_the_host_key_can_be_shown_from_the_connection_test(self):
        self.check_action(self.server.with_user(self.manager).action_show_host_key(), "host key")
