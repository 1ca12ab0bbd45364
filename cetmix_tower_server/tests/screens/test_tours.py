from odoo.tests import new_test_user, tagged

from ..browser import BrowserCase


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

    def test_fleet_run(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        tag = self.env["cx.tower.tag"].create({"name": "Tour fleet"})
        servers = self.env["cx.tower.server"].with_context(skip_ssh_settings_check=True)
        for name in ("Tour one", "Tour two", "Tour three"):
            values = {"name": name, "ip_v4_address": "127.0.0.1", "ssh_username": "nobody"}
            note = "broken" if name == "Tour two" else ""
            servers.create({**values, "note": note, "tag_ids": [(4, tag.id)]})
        command = self.env["cx.tower.command"].create(
            {
                "name": "Tour mend",
                "action": "python_code",
                "code": "result = {'exit_code': 1 if server.note == 'broken' else 0}\nserver.write({'note': 'mended'})",
            }
        )
        self.env["cx.tower.plan"].create(
            {"name": "Tour fleet plan", "line_ids": [(0, 0, {"command_id": command.id})]}
        )
        self.start_tour("/odoo", "tower_fleet_run", login="admin", timeout=120)
        fleets = self.env["cx.tower.fleet.run"].search([("plan_id.name", "=", "Tour fleet plan")], order="id")
        self.assertEqual(fleets.mapped("state"), ["failed", "done"])
        self.assertEqual(fleets.mapped("concurrency_limit"), [1, 1])

    def test_plan_run(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        server = (
            self.env["cx.tower.server"]
            .with_context(skip_ssh_settings_check=True)
            .create({"name": "Tour one", "ip_v4_address": "127.0.0.1", "ssh_username": "nobody"})
        )
        self.env["cx.tower.variable"].create({"name": "Tour value", "reference": "tour_value"})
        server.set_variable_value("tour_value", "one and only")
        Command = self.env["cx.tower.command"]
        first, last = Command.create(
            [
                {
                    "name": name,
                    "action": "python_code",
                    "code": f'result = {{"exit_code": 0, "message": {message}}}',
                    "allow_parallel_run": True,
                }
                for name, message in (("Tour first", "{{ tour_value }}"), ("Tour last", "'the last word'"))
            ]
        )
        Plan = self.env["cx.tower.plan"]
        inner_plan = Plan.create({"name": "Tour inner plan", "line_ids": [(0, 0, {"command_id": last.id})]})
        inner = Command.create({"name": "Tour inner", "action": "plan", "flight_plan_id": inner_plan.id})
        lines = [
            {"command_id": first.id},
            {"command_id": first.id, "condition": "{{ tour_value }} == 'another'"},
            {"command_id": inner.id},
            {"command_id": last.id},
        ]
        plan = Plan.create(
            {
                "name": "Tour plan",
                "line_ids": [(0, 0, {"sequence": number, **line}) for number, line in enumerate(lines)],
            }
        )
        self.start_tour("/odoo/cetmix_tower_servers", "tower_plan_run", login="admin", timeout=120)
        logs = self.env["cx.tower.plan.log"].search([("plan_id", "=", plan.id)])
        self.assertEqual(logs.mapped("state"), ["done", "done"])

    def test_dry_run(self):
        servers = self.env["cx.tower.server"].with_context(skip_ssh_settings_check=True)
        facts = {"ip_v4_address": "127.0.0.1", "ssh_username": "nobody"}
        ready, broken = servers.create(
            [
                {"name": f"Tour dry {name}", "reference": f"tour_dry_{name}", **facts}
                for name in ("ready", "broken")
            ]
        )
        self.env["cx.tower.variable"].create({"name": "Tour dry value", "reference": "tour_dry_value"})
        ready.set_variable_value("tour_dry_value", "one and only")
        Command = self.env["cx.tower.command"]
        python = {"action": "python_code", "allow_parallel_run": True}
        first, last = Command.create(
            [
                {"name": "Tour dry first", "code": "custom_values['_seen'] = {{ tour_dry_value }}", **python},
                {"name": "Tour dry last", "code": "result = {'message': 'the last word'}", **python},
            ]
        )
        Plan = self.env["cx.tower.plan"]
        condition = "{{ _seen }} == 'x'"
        inner_plan = Plan.create(
            {"name": "Tour inside", "line_ids": [(0, 0, {"command_id": last.id, "condition": condition})]}
        )
        inner = Command.create({"name": "Tour dry inner", "action": "plan", "flight_plan_id": inner_plan.id})
        lines = [
            {"command_id": first.id},
            {"command_id": last.id, "condition": "{{ tour_dry_value }} == 'another'"},
            {"command_id": inner.id},
        ]
        plan = Plan.create(
            {
                "name": "Tour dry plan",
                "server_ids": [(6, 0, (ready + broken).ids)],
                "line_ids": [(0, 0, {"sequence": number, **line}) for number, line in enumerate(lines)],
            }
        )
        self.start_tour(
            "/odoo/action-cetmix_tower_server.action_cx_tower_plan",
            "tower_dry_run",
            login="admin",
            timeout=120,
        )
        self.assertFalse(self.env["cx.tower.plan.log"].search([("plan_id", "=", plan.id)]))

    def test_settings(self):
        """As Root who is no administrator of Odoo."""
        root = new_test_user(self.env, "tour_root", "base.group_user,cetmix_tower_server.group_root")
        self.assertFalse(root.has_group("base.group_system"))
        self.start_tour("/odoo/cetmix_tower_servers", "tower_settings", login="tour_root", timeout=120)
        self.assertEqual(self.env["cx.tower.settings"]._get().command_timeout, 123)

    def test_health_and_logs(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        self.env["cx.tower.server"].search([]).connection_state = "ok"
        self.env.cr.execute("UPDATE ir_cron SET lastcall = clock_timestamp() AT TIME ZONE 'UTC'")
        server = (
            self.env["cx.tower.server"]
            .with_context(skip_ssh_settings_check=True)
            .create({"name": "Tour host", "ip_v4_address": "127.0.0.1", "ssh_username": "nobody"})
        )
        server.write({"connection_state": "failed", "connection_message": "It is switched off."})
        command = self.env["cx.tower.command"].create(
            {
                "name": "Tour print",
                "action": "python_code",
                "code": 'result = {"message": "<b>words</b> of the host\\n" + chr(27) + "[31mred" + chr(27) + "[0m"}',
            }
        )
        log = self.env["cx.tower.server.log"].create(
            {"name": "Tour log", "server_id": server.id, "command_id": command.id}
        )
        self.start_tour("/odoo/cetmix_tower_health", "tower_health_and_logs", login="admin", timeout=120)
        runs = self.env["cx.tower.command.log"].search([("server_log_id", "=", log.id)])
        self.assertEqual(runs.mapped("state"), ["done"] * 3)
        self.assertFalse(any(runs.mapped("command_response")))
