"""Every screen is opened and every button pressed, of dialogs too, as people of each level: see ``walk_screens.js``."""

import json

from odoo.tests import new_test_user

from ..browser import BrowserCase
from .screen_records import ScreenRecords

READY = "!!(odoo.towerWalk && odoo.__WOWL_DEBUG__?.root?.env?.services?.action?.currentController)"


class ScreensWalkCase(ScreenRecords, BrowserCase):
    def setUp(self):
        super().setUp()
        env = self.env
        env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        self.people = {
            name: new_test_user(env, f"walk_{name}", f"base.group_user,cetmix_tower_server.group_{name}")
            for name in ("user", "manager", "root")
        }
        self.user, self.manager, self.root = self.people.values()
        roles = {"user_ids": [(4, self.user.id)], "manager_ids": [(6, 0, self.manager.ids)]}
        server = self.make_server(name="Walk", **roles)
        self.records = self.make_records(env, server, self.user, self.manager)
        self.theirs = self.make_read_only_records()

    def make_read_only_records(self):
        """Create records that ``self.manager`` may look at only. :return: list of records"""
        return []

    def make_server(self, **values):
        servers = self.env["cx.tower.server"].with_context(skip_ssh_settings_check=True)
        facts = {"ip_v4_address": "127.0.0.1", "ssh_port": 1, "ssh_username": "nobody"}
        return servers.create({**facts, **values})

    def form(self, model, record_id=False):
        name = f"{model} {record_id or 'new'}"
        action = {
            "type": "ir.actions.act_window",
            "res_model": model,
            "res_id": record_id,
            "views": [[False, "form"]],
        }
        return {"name": name, "action": action, "onlyLook": not record_id}

    def walk(self, person, models):
        records = [record for record in [*self.records, *self.theirs] if record._name in models]
        readable = [record for record in records if record.with_user(person)._filtered_access("read")]
        screens = [self.form(record._name, record.id) for record in readable]
        screens += [
            self.form(model) for model in models if self.env[model].with_user(person).has_access("create")
        ]
        screens += [{"name": menu.complete_name, "action": menu.action.id} for menu in self.own_menus(person)]
        self.browser_js(
            "/odoo/cetmix_tower_servers",
            f"odoo.towerWalk({json.dumps(screens)})",
            READY,
            login=person.login,
            timeout=600,
        )

    def test_user(self):
        self.walk(self.user, self.user_models)

    def test_manager(self):
        self.walk(self.manager, self.manager_models)

    def test_root(self):
        self.walk(self.root, self.manager_models)
