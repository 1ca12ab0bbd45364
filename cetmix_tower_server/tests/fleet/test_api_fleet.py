from odoo.tests import tagged
from odoo.tools import mute_logger

from ..api_case import PROTOCOLS, ApiCase, Refused

FLEET = "cx.tower.fleet.run"
QUIET = ("odoo.http", "odoo.addons.rpc.controllers.jsonrpc", "odoo.addons.rpc.controllers.xmlrpc")


@tagged("post_install", "-at_install")
class TestApiFleet(ApiCase):
    """Fleet runs over each of the three protocols."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tag = cls.env["cx.tower.tag"].create({"name": "API fleet", "reference": "api_fleet"})
        cls.servers = cls.server + cls.server.copy({"name": "Other", "reference": "api_other"})
        cls.servers.write({"tag_ids": [(4, cls.tag.id)]})
        cls.servers.write({"user_ids": [(4, cls.people["user"].id)]})

    def test_from_start_to_retry(self):
        self.command.code = "result = {'exit_code': 1 if server.reference == 'api_other' else 0}"
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                started = self.call(
                    protocol, "user", FLEET, "start", None, command="api_command", tags=["api_fleet"]
                )
                self.assertEqual((started["servers"], started["state"]), (2, "failed"))
                ended = self.call(protocol, "user", FLEET, "wait", [started["id"]], timeout_s=0)
                self.assertEqual((ended["finished"], ended["counts"]["failed"]), (True, 1))
                rows = self.call(protocol, "user", FLEET, "read_progress", [started["id"]], only="failed")[
                    "rows"
                ]
                self.assertEqual([(row["server"], row["exit_code"]) for row in rows], [("Other", 1)])
                again = self.call(protocol, "user", FLEET, "retry_failed", [started["id"]])
                self.assertEqual(again["servers"], 1)
                self.assertIs(self.call(protocol, "user", FLEET, "stop", [again["id"]]), True)

    @mute_logger(*QUIET)
    def test_who_may_not(self):
        started = self.call("json2", "user", FLEET, "start", None, command="api_command", tags=["api_fleet"])
        for protocol in PROTOCOLS:
            for who, method, ids, arguments in (
                ("stranger", "start", None, {"command": "api_command", "tags": ["api_fleet"]}),
                ("user", "start", None, {"command": "root_command", "tags": ["api_fleet"]}),
                ("user", "start", None, {"command": "api_command"}),
                ("user", "start", None, {"command": "api_command", "domain": [["no_such", "=", 1]]}),
                ("stranger", "read_progress", [started["id"]], {}),
                ("stranger", "stop", [started["id"]], {}),
                ("user", "write", [started["id"]], {"vals": {"state": "done"}}),
                ("manager", "unlink", [started["id"]], {}),
            ):
                with self.subTest(protocol=protocol, who=who, method=method), self.assertRaises(Refused):
                    self.call(protocol, who, FLEET, method, ids, **arguments)
