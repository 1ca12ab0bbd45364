"""Every screen is opened and every button pressed, of dialogs too, as people of each level: see ``walk_screens.js``."""

import json

from odoo.tests import new_test_user, tagged

from ...models.base.engine_context import engine_says
from ..browser import BrowserCase
from .screen_records import MANAGER_MODELS, USER_MODELS, make_records

READY = "!!(odoo.towerWalk && odoo.__WOWL_DEBUG__?.root?.env?.services?.action?.currentController)"


@tagged("post_install", "-at_install")
class TestScreensWalk(BrowserCase):
    def setUp(self):
        super().setUp()
        env = self.env
        env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        self.people = {
            name: new_test_user(env, f"walk_{name}", f"base.group_user,cetmix_tower_server.group_{name}")
            for name in ("user", "manager", "root")
        }
        self.user, self.manager, self.root = self.people.values()
        servers = env["cx.tower.server"].with_context(skip_ssh_settings_check=True)
        facts = {"ip_v4_address": "127.0.0.1", "ssh_port": 1, "ssh_username": "nobody"}
        roles = {"user_ids": [(4, self.user.id)], "manager_ids": [(6, 0, self.manager.ids)]}
        server = servers.create({"name": "Walk", **facts, **roles})
        self.records = make_records(env, server, self.user, self.manager)
        # What a Manager may look at only.
        theirs = {"user_ids": [(6, 0, self.manager.ids)], "manager_ids": False}
        theirs["name"] = "Theirs"
        server = servers.create({**facts, **theirs})
        command = env["cx.tower.command"].create({"code": "true", **theirs})
        quiet = env["cx.tower.file"].with_context(**engine_says(from_yaml=True))
        self.theirs = [
            server,
            command,
            env["cx.tower.plan"].create(theirs),
            quiet.create({"name": "theirs", "server_id": server.id, "server_dir": "/tmp", "source": "tower"}),
            env["cx.tower.server.log"].create(
                {"name": "Theirs", "server_id": server.id, "command_id": command.id}
            ),
            env["cx.tower.file.template"].create({"file_name": "a", "server_dir": "/tmp", **theirs}),
            env["cx.tower.server.template"].create(theirs),
            env["cx.tower.scheduled.task"].create(
                {"command_id": command.id, "server_ids": server.ids, **theirs}
            ),
            env["cx.tower.key"].create({"key_type": "s", "secret_value": "hush", **theirs}),
            env["cx.tower.variable"].create({"name": "Theirs", "access_level": "1"}),
        ]

    def form(self, model, record_id=False):
        name = f"{model} {record_id or 'new'}"
        action = {
            "type": "ir.actions.act_window",
            "res_model": model,
            "res_id": record_id,
            "views": [[False, "form"]],
        }
        return {"name": name, "action": action, "onlyLook": not record_id}

    def menus(self, person):
        menus = self.env["ir.ui.menu"].with_user(person)
        root = self.env.ref("cetmix_tower_server.menu_root")
        shown = menus.browse(list(menus._visible_menu_ids())).sudo()
        inside = shown.filtered(lambda menu: menu.parent_path.startswith(root.parent_path) and menu.action)
        return [{"name": menu.complete_name, "action": menu.action.id} for menu in inside]

    def walk(self, person, models):
        records = [record for record in [*self.records, *self.theirs] if record._name in models]
        readable = [record for record in records if record.with_user(person)._filtered_access("read")]
        screens = [self.form(record._name, record.id) for record in readable]
        screens += [
            self.form(model) for model in models if self.env[model].with_user(person).has_access("create")
        ]
        screens += self.menus(person)
        self.browser_js(
            "/odoo/cetmix_tower_servers",
            f"odoo.towerWalk({json.dumps(screens)})",
            READY,
            login=person.login,
            timeout=600,
        )

    def test_user(self):
        self.walk(self.user, USER_MODELS)

    def test_manager(self):
        self.walk(self.manager, MANAGER_MODELS)

    def test_root(self):
        self.walk(self.root, MANAGER_MODELS)
