"""Every screen can be read by everybody who gets it: no field on it, seen or not, is out of reach."""

from lxml import etree
from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from ..runs.engine_context import engine_says
from .run_case import RunCase

USER_MODELS = [
    "cx.tower.server",
    "cx.tower.command",
    "cx.tower.plan",
    "cx.tower.command.log",
    "cx.tower.plan.log",
    "cx.tower.fleet.run",
    "cx.tower.file",
    "cx.tower.server.log",
    "cx.tower.variable",
    "cx.tower.variable.value",
    "cx.tower.tag",
    "cx.tower.os",
    "cx.tower.shortcut",
]
MANAGER_MODELS = [
    *USER_MODELS,
    "cx.tower.server.template",
    "cx.tower.file.template",
    "cx.tower.scheduled.task",
    "cx.tower.key",
]


@tagged("post_install", "-at_install")
class TestViewsAsEverybody(RunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env
        (cls.user | cls.manager).write({"group_ids": [(4, env.ref("base.group_user").id)]})
        roles = {"user_ids": [(4, cls.user.id), (4, cls.manager.id)], "manager_ids": [(4, cls.manager.id)]}
        variable = env["cx.tower.variable"].create({"name": "Views", "access_level": "1"})
        value = env["cx.tower.variable.value"].create({"variable_id": variable.id, "value_char": "1"})
        secret = env["cx.tower.key"].create(
            {
                "name": "Views",
                "key_type": "s",
                "secret_value": "view-secret",
                "manager_ids": [(4, cls.manager.id)],
            }
        )
        command = env["cx.tower.command"].create(
            {
                "name": "Views",
                "action": "python_code",
                "code": f"result = {{}}  # {{{{ {variable.reference} }}}} #!cxtower.secret.{secret.reference}!#",
                "access_level": "1",
                **roles,
            }
        )
        plan = env["cx.tower.plan"].create(
            {"name": "Views", "access_level": "1", "line_ids": [(0, 0, {"command_id": command.id})], **roles}
        )
        file_template = env["cx.tower.file.template"].create(
            {"name": "Views", "file_name": "a", "server_dir": "/tmp", "code": command.code, **roles}
        )
        quiet = env["cx.tower.file"].with_context(**engine_says(from_yaml=True))
        file = quiet.create({"server_id": cls.server.id, "template_id": file_template.id})
        server_log = env["cx.tower.server.log"].create(
            {"name": "Views", "server_id": cls.server.id, "command_id": command.id, "access_level": "1"}
        )
        template = env["cx.tower.server.template"].create(
            {"name": "Views", "flight_plan_id": plan.id, "file_template_ids": file_template.ids, **roles}
        )
        env["cx.tower.server.log"].create(
            {"name": "Views", "server_template_id": template.id, "command_id": command.id}
        )
        shortcut = env["cx.tower.shortcut"].create(
            {
                "name": "Views",
                "action": "plan",
                "plan_id": plan.id,
                "access_level": "1",
                "server_ids": cls.server.ids,
            }
        )
        task = env["cx.tower.scheduled.task"].create(
            {"name": "Views", "command_id": command.id, "server_ids": cls.server.ids, **roles}
        )
        fleet = (
            env["cx.tower.fleet.run"]
            .with_user(cls.user)
            .start(plan=plan.reference, servers=[cls.server.reference])
        )
        fleet_run = env["cx.tower.fleet.run"].browse(fleet["id"])
        plan_log = env["cx.tower.plan.log"].search([("fleet_run_id", "=", fleet_run.id)])
        command_log = env["cx.tower.command.log"].search([("plan_log_id", "=", plan_log.id)], limit=1)
        cls.records = [
            cls.server,
            command,
            plan,
            file,
            server_log,
            variable,
            value,
            env["cx.tower.tag"].create({"name": "Views"}),
            env["cx.tower.os"].create({"name": "Views"}),
            shortcut,
            fleet_run,
            plan_log,
            command_log,
            file_template,
            template,
            task,
            secret,
        ]

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
        self.check(self.user, USER_MODELS)

    def test_manager(self):
        self.check(self.manager, MANAGER_MODELS)

    def test_lists_of_the_menus_can_be_searched_by_whom_they_are_shown_to(self):
        root = self.env.ref("cetmix_tower_server.menu_root")
        for person in (self.user, self.manager):
            menus = self.env["ir.ui.menu"].with_user(person)
            shown = menus.browse(list(menus._visible_menu_ids())).sudo()
            for menu in shown.filtered(lambda menu: menu.parent_path.startswith(root.parent_path)):
                action = menu.action
                if not action or action._name != "ir.actions.act_window":
                    continue
                with self.subTest(person=person.login, action=action.xml_id):
                    domain = safe_eval(action.domain or "[]", {"uid": person.id})
                    self.env[action.res_model].with_user(person).search(domain)
