"""Changing a relation changes both ends and needs the right to write both."""

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tools import mute_logger

from ..addon_case import AddonCase
from ..common import TowerCommon, slow

ACCESS_LOGGERS = ("odoo.addons.base.models.ir_rule", "odoo.addons.base.models.ir_model")
# Only Root writes these, so a Manager has none of them.
ROOT_ONLY = {"cx.tower.shortcut"}
# Any Manager writes these.
EVERYBODY = {"cx.tower.tag"}


class RelationAccessCase(AddonCase, TowerCommon):
    """All many2many fields of an addon, found by looking. Another addon says in `make` how its records are created."""

    def relations(self, computed):
        """Return [(model, field name)] of the many2many fields that two models of Tower show."""
        found = []
        for model, own_fields in self.models_with_own_fields():
            records = self.env[model]
            if records._abstract or records._transient:
                continue
            for name, field in own_fields.items():
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
