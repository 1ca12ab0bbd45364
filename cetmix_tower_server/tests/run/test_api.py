from xmlrpc.client import Fault

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..api_case import PASSWORD, ApiCase


@tagged("post_install", "-at_install")
class TestApi(ApiCase):
    """Everything a person can do is one call over each of the three protocols, with the person's rights."""

    # ------------------------------------------------------------------ what they may

    def test_start_read_and_wait_over_each_protocol(self):
        for who in ("user", "manager", "root"):
            with self.subTest(protocol="json2", who=who):
                status, started = self.json2(
                    who, "cx.tower.server", "run_command", [self.server.id], command="api_command"
                )
                self.assertEqual(status, 200, started)
                status, ended = self.json2(who, "cx.tower.command.log", "wait", [started["id"]], timeout_s=1)
                self.assertEqual((status, ended["response"]), (200, f"api_{who}"))
                status, output = self.json2(
                    who, "cx.tower.command.log", "read_output", [started["id"]], offset=0
                )
                self.assertEqual((status, output["finished"]), (200, True))
            with self.subTest(protocol="xmlrpc", who=who):
                started = self.xmlrpc(who, "cx.tower.server", "run_command", [self.server.id], "api_command")
                ended = self.xmlrpc(who, "cx.tower.command.log", "wait", [started["id"]])
                self.assertEqual(ended["state"], "done")
            with self.subTest(protocol="jsonrpc", who=who):
                started = self.jsonrpc(who, "cx.tower.server", "run_command", [self.server.id], "api_command")
                ended = self.jsonrpc(who, "cx.tower.command.log", "wait", [started["result"]["id"]])
                self.assertEqual(ended["result"]["exit_code"], 0)

    def test_helpers_name_records_by_reference(self):
        status, ended = self.json2(
            "root",
            "cetmix.tower",
            "server_run_command",
            server_reference="api_server",
            command_reference="api_command",
        )
        self.assertEqual((status, ended), (200, {"exit_code": 0, "message": "api_root"}))
        for arguments in (
            {"server_reference": "nowhere", "command_reference": "api_command"},
            {"server_reference": "api_server", "command_reference": "nothing"},
        ):
            status, ended = self.json2("root", "cetmix.tower", "server_run_command", **arguments)
            self.assertEqual((status, ended["exit_code"]), (200, -101))
        status, text = self.json2("user", "cetmix.tower", "generate_random_id", sections=2)
        self.assertEqual((status, len(text)), (200, 9))
        status, valid = self.json2("user", "cetmix.tower", "is_valid_url", url="https://example.com")
        self.assertEqual((status, valid), (200, True))

    def test_variables_over_rpc(self):
        self.env["cx.tower.variable"].create({"name": "Port", "reference": "api_port"})
        server = {"server_reference": "api_server", "variable_reference": "api_port"}
        status, done = self.json2(
            "manager", "cetmix.tower", "server_set_variable_value", **server, value="8069"
        )
        self.assertEqual((status, done["exit_code"]), (200, 0))
        status, value = self.json2("manager", "cetmix.tower", "server_get_variable_value", **server)
        self.assertEqual((status, value), (200, "8069"))

    # ------------------------------------------------------------------ what they may not

    @mute_logger("odoo.http", "odoo.addons.rpc.controllers.jsonrpc", "odoo.addons.rpc.controllers.xmlrpc")
    def test_denials_over_each_protocol(self):
        log = self.env["cx.tower.command.log"].browse(self.server.run_command(self.command)["id"])
        ids = {"server": [self.server.id], "log": [log.id], "command": [self.secret_command.id]}
        denied = [
            ("stranger", "cx.tower.server", "run_command", ids["server"], {"command": "api_command"}),
            ("stranger", "cx.tower.server", "read", ids["server"], {"fields": ["name"]}),
            ("stranger", "cx.tower.server", "test_ssh_connection", ids["server"], {}),
            ("stranger", "cx.tower.command.log", "read_output", ids["log"], {}),
            ("stranger", "cx.tower.command.log", "stop", ids["log"], {}),
            ("user", "cx.tower.server", "run_command", ids["server"], {"command": self.secret_command.id}),
            ("manager", "cx.tower.server", "run_command", ids["server"], {"command": self.secret_command.id}),
            ("user", "cx.tower.server", "run_code", ids["server"], {"code": "true"}),
            ("user", "cx.tower.command.log", "read_output", ids["log"], {}),
            ("user", "cx.tower.command.log", "wait", ids["log"], {}),
            ("user", "cx.tower.command.log", "stop", ids["log"], {}),
            ("user", "cx.tower.command.log", "action_run_again", ids["log"], {}),
            ("manager", "cx.tower.server", "run_code", ids["server"], {"code": "1", "action": "python_code"}),
            ("root", "cx.tower.command.log", "write", ids["log"], {"vals": {"message": "forged"}}),
            ("root", "cx.tower.command.log", "create", None, {"vals_list": [{"server_id": self.server.id}]}),
            ("user", "cx.tower.server", "fetch_host_key", ids["server"], {}),
            ("user", "cx.tower.key", "search_read", None, {"domain": []}),
            ("root", "cx.tower.vault", "search_read", None, {"domain": []}),
        ]
        for who, model, method, records, arguments in denied:
            with self.subTest(who=who, model=model, method=method):
                status, answer = self.json2(who, model, method, records, **arguments)
                self.assertIn(status, (403, 422), answer)
                positional = [] if records is None else [records]
                with self.assertRaises(Fault):
                    self.xmlrpc(who, model, method, *positional, **arguments)
                self.assertIn("error", self.jsonrpc(who, model, method, *positional, **arguments))

    @mute_logger("odoo.http")
    def test_private_methods_are_not_reachable(self):
        for model, method in [
            ("cx.tower.command.log", "_finish"),
            ("cx.tower.command.log", "_announce"),
            ("cx.tower.server", "_connection_target"),
            ("cx.tower.server", "_credentials__"),
            ("cx.tower.run.queue", "_claim"),
            ("cx.tower.key", "_get_secrets__"),
        ]:
            with self.subTest(method=method):
                status, _answer = self.json2("root", model, method, [])
                self.assertIn(status, (403, 404))

    def test_download_of_the_output_needs_the_right_to_read_the_log(self):
        self.command.code = "pass"  # says nothing, so the blocks below are all there is
        log = self.env["cx.tower.command.log"].browse(self.server.run_command(self.command)["id"])
        self.env.cr.execute(
            "INSERT INTO cx_tower_command_log_output (log_id, start_offset, end_offset, segments)"
            """ VALUES (%s, 0, 5, '[["o", "hello"]]'), (%s, 8, 10, '[["e", "!\\n"]]')""",
            (log.id, log.id),
        )
        self.authenticate("api_root", PASSWORD)
        answer = self.url_open(f"/cetmix_tower/log/{log.id}/output.txt")
        self.assertEqual(answer.text, "hello\n[... 3 characters omitted ...]\n!\n")
        disposition = answer.headers["Content-Disposition"]
        self.assertIn("attachment", disposition)
        self.assertRegex(disposition, rf"{self.server.name}_{self.command.name}_1\.txt".replace(" ", "_"))
        self.authenticate("api_user", PASSWORD)
        with mute_logger("odoo.http"):
            self.assertEqual(self.url_open(f"/cetmix_tower/log/{log.id}/output.txt").status_code, 403)

    def test_a_download_comes_as_text_or_as_printed_and_names_what_was_deleted(self):
        self.command.code = "pass"
        log = self.env["cx.tower.command.log"].browse(self.server.run_command(self.command)["id"])
        self.env.cr.execute(
            "INSERT INTO cx_tower_command_log_output (log_id, start_offset, end_offset, segments)"
            r""" VALUES (%s, 0, 15, '[["o", "\u001b[31mred\u001b[0m\n1%%\r2%%"]]')""",
            (log.id,),
        )
        server_name = self.server.name
        self.server.unlink()
        self.authenticate("api_root", PASSWORD)
        for raw, text, ending in (("", "red\n2%", ""), ("?raw=1", "\x1b[31mred\x1b[0m\n1%\r2%", "_raw")):
            with self.subTest(raw):
                answer = self.url_open(f"/cetmix_tower/log/{log.id}/output.txt{raw}")
                self.assertEqual(answer.content.decode(), text)
                name = f"{server_name}_deleted_{self.command.name}_1{ending}.txt".replace(" ", "_")
                self.assertIn(name, answer.headers["Content-Disposition"])

    def test_who_may_listen_to_a_run(self):
        log = self.env["cx.tower.command.log"].browse(self.server.run_command(self.command)["id"])
        channel = f"cetmix_tower_log/{log.id}"
        for who, heard in (("root", True), ("manager", True), ("user", False), ("stranger", False)):
            with self.subTest(who=who):
                websocket = self.env["ir.websocket"].with_user(self.people[who])
                data = websocket._prepare_tower_channels([channel, "cetmix_tower_log/x", "other"])
                texts = [entry for entry in data if isinstance(entry, str)]
                self.assertEqual(texts, ["other"])
                self.assertEqual(
                    [entry for entry in data if not isinstance(entry, str)], [log] if heard else []
                )
