from odoo.tests import tagged

from .browser import BrowserCase


@tagged("post_install", "-at_install")
class TestTours(BrowserCase):
    """An operator's way through the client. Runs are executed inline, in Tower itself, so that no host is needed;
    commands on real hosts are watched in tests/acceptance."""

    def test_run_and_find(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        servers = self.env["cx.tower.server"].with_context(skip_ssh_settings_check=True)
        for name in ("Tour one", "Tour two"):
            servers.create({"name": name, "ip_v4_address": "127.0.0.1", "ssh_username": "nobody"})
        self.env["cx.tower.command"].create(
            {
                "name": "Tour greeting",
                "action": "python_code",
                "code": 'result = {"exit_code": 0, "message": "a word from %s" % server.name}',
                "allow_parallel_run": True,
            }
        )
        self.start_tour("/odoo/cetmix_tower_servers", "tower_run_and_find", login="admin", timeout=120)
        logs = self.env["cx.tower.command.log"].search([("command_id.name", "=", "Tour greeting")])
        self.assertEqual(len(logs), 3)
        self.assertEqual(set(logs.mapped("state")), {"done"})
