from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..run.run_case import RunCase


@tagged("post_install", "-at_install")
class TestInternalCommands(RunCase):
    """Tower's own commands are not chosen, changed or deleted by anybody; what people archived is found as ever."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        data = cls.env["ir.model.data"].search(
            [
                ("module", "=", "cetmix_tower_server"),
                ("model", "=", "cx.tower.command"),
                ("name", "like", "command\\_%"),
            ]
        )
        commands = cls.env["cx.tower.command"].browse(data.mapped("res_id"))
        cls.internal = commands.filtered(lambda command: not command.active)
        cls.mine = cls.env["cx.tower.command"].create(
            {"name": "Of old", "active": False, "manager_ids": [(4, cls.manager.id)]}
        )

    def test_all_of_them_are_known(self):
        self.assertGreater(len(self.internal), 5)
        self.assertEqual(set(self.env["cx.tower.command"]._internal_commands()), set(self.internal))

    def test_no_picker_list_or_group_shows_one(self):
        archived = [("active", "=", False)]
        for person in (self.root, self.manager):
            Command = self.env["cx.tower.command"].with_user(person).with_context(active_test=False)
            for command in self.internal:
                with self.subTest(command=command.name, person=person.login):
                    found = Command.web_name_search(command.name, {"display_name": {}})
                    self.assertNotIn(command.id, [row["id"] for row in found])
            shown = Command.web_search_read(archived, {"name": {}})
            self.assertFalse({row["id"] for row in shown["records"]} & set(self.internal.ids))
            self.assertIn(self.mine.id, [row["id"] for row in shown["records"]])
            self.assertEqual(shown["length"], Command.search_count(archived))
            groups = Command.formatted_read_group(archived, ["action"], ["__count"])
            self.assertEqual(sum(group["__count"] for group in groups), shown["length"])

    def test_every_field_that_takes_a_command_is_covered(self):
        """Pickers search in the model of commands, with whatever domain and context they have."""
        for model in self.env.values():
            for field in model._fields.values():
                if field.comodel_name != "cx.tower.command" or field.type == "one2many":
                    continue
                with self.subTest(f"{model._name}.{field.name}"):
                    context = field.context if isinstance(field.context, dict) else {}
                    Command = self.env[field.comodel_name].with_user(self.root).with_context(**context)
                    found = Command.with_context(active_test=False).search([])
                    self.assertFalse(found & self.internal)

    def test_nobody_changes_or_deletes_one(self):
        loggers = (
            "odoo.addons.cetmix_tower_server.models.base.access_errors",
            "odoo.addons.base.models.ir_rule",
        )
        for command in self.internal.with_user(self.root):
            for what in (
                command.action_unarchive,
                command.unlink,
                lambda command=command: command.write({"code": "reboot"}),
            ):
                with mute_logger(*loggers), self.assertRaisesRegex(AccessError, "part of Tower"):
                    what()
            self.assertFalse(command.may_write)
            self.assertIn("part of Tower", command.readonly_reason)

    def test_what_belongs_to_them_still_runs_and_is_named(self):
        log_id = self.server.with_user(self.root).run_code("result = None", "python_code")["id"]
        log = self.env["cx.tower.command.log"].with_user(self.root).browse(log_id)
        self.assertEqual(log.command_id.with_user(self.root).name, "Ad-hoc Python code")
        self.assertEqual(log.search([("command_id.reference", "=", "ad_hoc_python_code")]), log)
