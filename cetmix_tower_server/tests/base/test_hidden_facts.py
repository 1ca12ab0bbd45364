from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .hidden_facts_case import HIDDEN, LOGGERS, HiddenFactsCase


@tagged("post_install", "-at_install")
class TestHiddenFacts(HiddenFactsCase):
    """Fields of this addon."""

    at_least = {"links": 10, "fields for Managers": 11}

    def test_links_are_found(self):
        option = self.hidden["cx.tower.variable.option"]
        self.assertIn(("cx.tower.variable.value", "option_id", option), self.links())

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
