from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..common import TowerCommon, slow

ACCESS_LOGGERS = ("odoo.addons.base.models.ir_rule", "odoo.addons.base.models.ir_model")
# Only Root writes these, so a Manager has none of them.
ROOT_ONLY = {"cx.tower.shortcut"}
# Any Manager writes these.
EVERYBODY = {"cx.tower.tag"}


@tagged("post_install", "-at_install")
class TestRelationAccess(TowerCommon):
    """Changing a relation changes both ends and needs the right to write both: all many2many fields, by introspection."""

    def relations(self, computed):
        """Return [(model, field name)] of the many2many fields that two models of Tower show."""
        found = []
        for model in sorted(name for name in self.env.registry if name.startswith("cx.tower.")):
            records = self.env[model]
            if records._abstract or records._transient:
                continue
            for name, field in records._fields.items():
                if (
                    field.type != "many2many"
                    or not field.store
                    or not self.env.registry.field_inverses[field]
                ):
                    continue
                if not field.comodel_name.startswith("cx.tower."):
                    continue
                self.assertTrue(
                    hasattr(records, "_get_two_ended_relations"), f"{model} does not check {name}"
                )
                if records._is_computed_relation(name) == computed:
                    found.append((model, name))
        return found

    def make(self, model, readers=None, managers=None, person=None):
        """Create a record as ``person`` that these people may read, or manage."""
        roles = self._roles(readers, managers)
        values = {
            "cx.tower.server": {
                "ip_v4_address": "192.0.2.1",
                "ssh_username": "t",
                "ssh_password": "p",
                **roles,
            },
            "cx.tower.command": {"code": "true", **roles},
            "cx.tower.plan": roles,
            "cx.tower.server.template": {"ssh_username": "t", **roles},
            "cx.tower.file.template": {"file_name": "a", "server_dir": "/tmp", **roles},
            "cx.tower.scheduled.task": {"command_id": self.command.id, **roles},
            "cx.tower.shortcut": {"command_id": self.command.id, "server_ids": self.seen.ids},
            "cx.tower.tag": {},
            "cx.tower.variable": {"name": f"Record {self.env['cx.tower.variable'].search_count([])}"},
        }[model]
        return self._as(self.env[model], person).create({"name": "Record", **values})

    def setUp(self):
        super().setUp()
        self.command = self._new_command(users=self.manager, access_level="2")
        self.seen = self._new_server(users=self.manager)

    def refused(self, what):
        """Assert that ``what`` is refused, and roll it back if it was not."""
        with mute_logger(*ACCESS_LOGGERS), self.assertRaises(AccessError), self.env.cr.savepoint():
            what()
        self.env.invalidate_all()

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

    @slow
    def test_a_manager_changes_no_record_that_he_may_only_read(self):
        for model, name in self.relations(computed=False):
            other_model = self.env[model]._fields[name].comodel_name
            if model in ROOT_ONLY or other_model in EVERYBODY:
                continue
            with self.subTest(model=model, field=name):
                mine = self.make(model, self.manager, self.manager, self.manager)
                other = self.make(other_model, readers=self.manager)
                self.assertTrue(other.with_user(self.manager).has_access("read"))
                self.assertFalse(other.with_user(self.manager).has_access("write"))
                for command in (Command.link(other.id), Command.set(other.ids)):
                    self.refused(lambda mine=mine, name=name, command=command: mine.write({name: [command]}))
                values = mine.sudo().copy_data({"name": "New", name: [Command.link(other.id)]})[0]
                values |= {
                    field: ids
                    for field, ids in self._roles(self.manager, self.manager).items()
                    if field in mine
                }
                if model == "cx.tower.server":
                    values["ssh_password"] = "p"
                self.refused(lambda mine=mine, values=values: mine.create(values))
                default = mine.with_context(**{f"default_{name}": [Command.link(other.id)]})
                without = {field: value for field, value in values.items() if field != name}
                self.refused(lambda default=default, without=without: default.create(without))
                mine.sudo().write({name: [Command.link(other.id)]})
                for command in (Command.unlink(other.id), Command.set([]), Command.clear()):
                    self.refused(lambda mine=mine, name=name, command=command: mine.write({name: [command]}))
                self.assertEqual(mine.sudo()[name], other.sudo())

    def test_a_manager_changes_what_he_manages_on_both_ends(self):
        for model, name in self.relations(computed=False):
            other_model = self.env[model]._fields[name].comodel_name
            if model in ROOT_ONLY or other_model in ROOT_ONLY:
                continue
            with self.subTest(model=model, field=name):
                mine = self.make(model, self.manager, self.manager, self.manager)
                other = self.make(other_model, self.manager, self.manager, self.manager)
                for command, expected in (
                    (Command.link(other.id), other),
                    (Command.unlink(other.id), other.browse()),
                    (Command.set(other.ids), other),
                    (Command.clear(), other.browse()),
                ):
                    mine.write({name: [command]})
                    self.assertEqual(mine[name], other & expected)

    def test_lists_that_tower_fills_are_written_by_nobody(self):
        found = self.relations(computed=True)
        self.assertIn(("cx.tower.variable", "command_ids"), found)
        self.assertIn(("cx.tower.command", "variable_ids"), found)
        for model, name in found:
            with self.subTest(model=model, field=name):
                mine = self.env[model].with_user(self.manager)
                if model in (
                    "cx.tower.variable",
                    "cx.tower.command",
                    "cx.tower.plan",
                    "cx.tower.file.template",
                ):
                    mine = self.make(model, self.manager, self.manager, self.manager)
                    self.refused(lambda mine=mine, name=name: mine.write({name: [Command.clear()]}))
                values = {"name": "New", name: [Command.clear()]}
                values |= {"server_dir": "/"} if "server_dir" in mine._fields else {}
                self.refused(lambda mine=mine, values=values: mine.create(values))

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
