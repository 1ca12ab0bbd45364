from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .relation_access_case import ACCESS_LOGGERS, RelationAccessCase


@tagged("post_install", "-at_install")
class TestRelationAccess(RelationAccessCase):
    """Relations of this addon."""

    def test_lists_that_tower_fills_are_found(self):
        found = self.relations(computed=True)
        self.assertIn(("cx.tower.variable", "command_ids"), found)
        self.assertIn(("cx.tower.command", "variable_ids"), found)

    def test_all_of_them_are_found(self):
        found = self.relations(computed=False)
        for expected in (
            ("cx.tower.server", "command_ids"),
            ("cx.tower.command", "server_ids"),
            ("cx.tower.server", "plan_ids"),
            ("cx.tower.scheduled.task", "server_ids"),
            ("cx.tower.server.template", "file_template_ids"),
            ("cx.tower.tag", "plan_ids"),
        ):
            self.assertIn(expected, found)

    def test_a_child_of_somebody_else_is_not_taken_over(self):
        """One2many: a linked record leaves its parent, so it is written itself."""
        mine = self._new_server(managers=self.manager)
        theirs = self._new_server(users=self.manager)
        children = {
            "file_ids": self.env["cx.tower.file"].create(
                {"name": "a", "server_dir": "/", "server_id": theirs.id}
            ),
            "server_log_ids": self.env["cx.tower.server.log"].create(
                {"name": "Log", "server_id": theirs.id, "command_id": self.command.id}
            ),
            "variable_value_ids": self.env["cx.tower.variable.value"].create(
                {
                    "variable_id": self.env["cx.tower.variable"].create({"name": "v"}).id,
                    "server_id": theirs.id,
                    "value_char": "x",
                }
            ),
        }
        for name, child in children.items():
            for command in (Command.link(child.id), Command.set(child.ids)):
                with self.subTest(field=name, command=command):
                    mine.with_user(self.manager)[name].check_access("write")
                    self.refused(
                        lambda name=name, command=command: mine.with_user(self.manager).write(
                            {name: [command]}
                        )
                    )
        plan = self._new_plan(managers=self.manager)
        others_plan = self._new_plan(commands=[self.command], users=self.manager)
        for command in (Command.link(others_plan.line_ids.id), Command.set(others_plan.line_ids.ids)):
            self.refused(lambda command=command: plan.with_user(self.manager).write({"line_ids": [command]}))

    def test_copies_take_along_only_links_that_may_be_made(self):
        server = self._new_server(managers=self.manager, users=self.manager)
        theirs = self._new_command(users=self.manager, server_ids=server.ids)
        mine = self._new_command(managers=self.manager, server_ids=server.ids)
        copied = server.with_user(self.manager).copy()
        self.assertEqual(copied.sudo().command_ids, mine)
        self.assertEqual(theirs.server_ids, server)

    def test_a_copy_of_what_is_restricted_is_not_open_to_more(self):
        for model in ("cx.tower.command", "cx.tower.plan"):
            with self.subTest(model):
                record = self.make(model, managers=self.manager, person=None)
                record.server_ids = self._new_server(users=self.manager)
                self.refused(lambda record=record: record.with_user(self.manager).copy())

    def test_the_refusal_says_what_would_change(self):
        mine = self._new_server(managers=self.manager).with_user(self.manager)
        other = self._new_command("Restart", users=self.manager)
        with self.assertRaisesRegex(AccessError, "“Restart”.*not allowed"), mute_logger(*ACCESS_LOGGERS):
            mine.write({"command_ids": [Command.link(other.id)]})
