from itertools import product

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..api_case import PROTOCOLS, ApiCase, Refused

PLAN = "cx.tower.plan"
QUIET = ("odoo.http", "odoo.addons.rpc.controllers.jsonrpc", "odoo.addons.rpc.controllers.xmlrpc")


@tagged("post_install", "-at_install")
class TestApiDryRun(ApiCase):
    """Dry runs over each of the three protocols, as people of each level."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["cx.tower.variable"].create({"name": "Who", "reference": "api_dry_who", "access_level": "1"})
        cls.greet = cls.env["cx.tower.command"].create(
            {
                "name": "Greet",
                "action": "python_code",
                "code": "result = {'exit_code': 0, 'message': {{ api_dry_who }}}",
                "access_level": "1",
                "user_ids": [(4, cls.people["user"].id)],
            }
        )
        cls.plan = cls.env[PLAN].create(
            {
                "name": "API dry",
                "access_level": "1",
                "user_ids": [(4, cls.people["user"].id)],
                "line_ids": [
                    (0, 0, {"sequence": 1, "command_id": cls.greet.id}),
                    (0, 0, {"sequence": 2, "command_id": cls.secret_command.id, "condition": "False"}),
                ],
            }
        )
        cls.root_plan = cls.env[PLAN].create({"name": "Root's dry", "access_level": "3"})
        cls.hidden = cls.server.copy(
            {"name": "Hidden", "reference": "api_dry_hidden", "user_ids": False, "manager_ids": False}
        )

    def test_reports_in_plain_values(self):
        for protocol, who in product(PROTOCOLS, ("user", "manager", "root")):
            with self.subTest(protocol=protocol, who=who):
                report = self.call(protocol, who, PLAN, "dry_run", [self.plan.id], servers=["api_server"])
                self.assertEqual(report["plan"]["name"], "API dry")
                (row,) = report["servers"]
                self.assertEqual(row["server"]["reference"], "api_server")
                self.assertEqual([line["outcome"] for line in row["lines"]], ["problem", "skip"])
                self.assertEqual(row["lines"][1]["hidden"], who != "root")
                self.assertEqual(report["summary"]["problems_by_kind"], {"value_missing": 1})
                text = self.call(
                    protocol, who, PLAN, "dry_run_text", [self.plan.id], servers=[self.server.id]
                )
                self.assertIn("1. [PROBLEM] Greet", text)

    def test_custom_values_and_domains(self):
        for protocol, who in product(PROTOCOLS, ("manager", "root")):
            with self.subTest(protocol=protocol, who=who):
                report = self.call(
                    protocol,
                    who,
                    PLAN,
                    "dry_run",
                    [self.plan.id],
                    variable_values={"api_dry_who": who},
                    domain=[["reference", "=", "api_server"]],
                )
                (row,) = report["servers"]
                self.assertIn(who, row["lines"][0]["code"])
                self.assertTrue(row["ok"])

    def test_who_may_not_run_it_gets_no_report(self):
        for protocol in PROTOCOLS:
            denied = [
                ("user", self.root_plan, {}),
                ("manager", self.root_plan, {}),
                ("stranger", self.plan, {}),
                ("user", self.plan, {"servers": ["api_dry_hidden"]}),
                ("manager", self.plan, {"servers": [self.hidden.id]}),
                ("user", self.plan, {"servers": ["api_server"], "variable_values": {"api_dry_who": "; rm"}}),
            ]
            for (who, plan, arguments), method in product(denied, ("dry_run", "dry_run_text")):
                with (
                    self.subTest(protocol=protocol, who=who, plan=plan.name, method=method),
                    mute_logger(*QUIET),
                    self.assertRaises(Refused),
                ):
                    self.call(protocol, who, PLAN, method, [plan.id], **arguments)

    def test_nothing_is_started(self):
        models = ("cx.tower.plan.log", "cx.tower.command.log")
        before = [self.env[model].search_count([]) for model in models]
        self.call("json2", "root", PLAN, "dry_run", [self.plan.id])
        self.assertEqual([self.env[model].search_count([]) for model in models], before)
