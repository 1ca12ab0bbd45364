from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .screens_case import ScreensCase


@tagged("post_install", "-at_install")
class TestScreens(ScreensCase):
    """Screens of this addon."""

    at_least = {"forms": 16, "actions": 31}
    form_classes = ("tower_form", "tower_server_form", "base_settings")

    def more_records(self):
        host_key = self.env["cx.tower.server.host.key.wizard"]._create_for(self.server, {"error": "No"})
        return [self.env["res.partner"].create({"name": "Screen"}), host_key]

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

    @mute_logger("odoo.addons.cetmix_tower_server.models.base.access_errors")
    def test_a_refusal_does_not_name_what_the_person_may_not_see(self):
        hidden = self.env["cx.tower.command"].create({"name": "Hush", "code": "true", "access_level": "3"})
        for operation in ("read", "write", "unlink"):
            with self.assertRaises(AccessError) as caught:
                hidden.with_user(self.visitor).check_access(operation)
            self.assertNotIn("Hush", str(caught.exception))

    def test_the_host_key_can_be_shown_from_the_connection_test(self):
        self.check_action(self.server.with_user(self.manager).action_show_host_key(), "host key")
