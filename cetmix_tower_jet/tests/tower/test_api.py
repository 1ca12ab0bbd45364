from odoo.addons.cetmix_tower_server.tests.api_case import PROTOCOLS, ApiCase, Refused
from odoo.tests import tagged

from ..jet_case import STANDARD


@tagged("post_install", "-at_install")
class TestApi(ApiCase):
    """Jets over JSON-2, XML-RPC and JSON-RPC, as each level: references in, plain values out, never nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        user, manager = cls.people["user"], cls.people["manager"]
        states = {state.reference: state.id for state in cls.env["cx.tower.jet.state"].search([])}
        actions = [
            {
                "name": name,
                "priority": number,
                "access_level": "1",
                "state_from_id": states.get(before),
                "state_transit_id": states[through],
                "state_to_id": states.get(after),
            }
            for number, (name, before, through, after, _error) in enumerate(STANDARD, 1)
        ]
        cls.template = cls.env["cx.tower.jet.template"].create(
            {
                "name": "Shop",
                "reference": "api_shop",
                "server_ids": [(6, 0, cls.server.ids)],
                "user_ids": [(6, 0, user.ids)],
                "manager_ids": [(6, 0, manager.ids)],
                "action_ids": [(0, 0, action) for action in actions],
            }
        )
        cls.jet = cls.env["cx.tower.jet"].create(
            {
                "name": "Shop 1",
                "reference": "api_jet",
                "jet_template_id": cls.template.id,
                "server_id": cls.server.id,
                "user_ids": [(6, 0, user.ids)],
                "manager_ids": [(6, 0, manager.ids)],
            }
        )
        cls.env["cx.tower.variable"].create({"name": "Port", "reference": "api_port", "access_level": "1"})
        cls.start = cls.template.action_ids.filtered(lambda action: action.name == "Start")
        cls.stop = cls.template.action_ids.filtered(lambda action: action.name == "Stop")

    def jet_call(self, protocol, who, method, *ids, **arguments):
        ids = list(ids) or self.jet.ids
        return self.call(protocol, who, "cx.tower.jet", method, ids, **arguments)

    def test_moving_a_jet(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.jet._set_state(self.jet.state_id.search([("reference", "=", "stopped")]))
                path = self.jet_call(protocol, "user", "get_path", state_reference="running")
                self.assertEqual([step["name"] for step in path], ["Start"])
                moved = self.call(
                    protocol, "user", "cx.tower.jet.action", "trigger", self.start.ids, jet="api_jet"
                )
                self.assertEqual((moved["jet"], moved["state"], moved["log"]), ("api_jet", "done", 0))
                self.assertIsInstance(moved["transition"], int)
                waited = self.jet_call(protocol, "user", "wait", timeout=1)
                self.assertEqual((waited["state"], waited["finished"]), ("running", True))
                self.assertEqual(waited["transition"], moved["transition"])
                self.assertEqual(self.jet_call(protocol, "user", "get_impact", action=self.stop.id), [])
                moved = self.jet_call(protocol, "manager", "bring_to_state", state_reference="removed")
                self.assertEqual(self.jet.state, "removed")
                self.assertNotIn(None, moved.values())
                corrected = self.jet_call(
                    protocol,
                    "manager",
                    "correct_state",
                    state_reference="stopped",
                    reason="it was not removed",
                )
                self.assertIsNotNone(corrected)
                self.assertEqual(self.jet.state, "stopped")
                with self.assertRaisesRegex(Refused, "nothing to stop"):
                    self.jet_call(protocol, "manager", "stop")

    def test_values_and_metadata(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.assertTrue(
                    self.jet_call(
                        protocol, "manager", "set_variable_value", variable_reference="api_port", value="8001"
                    )
                )
                self.assertEqual(
                    self.jet_call(protocol, "user", "get_variable_value", variable_reference="api_port"),
                    "8001",
                )
                rows = self.jet_call(protocol, "user", "get_effective_variable_values")
                self.assertEqual(rows[0]["source"]["scope"], "jet")
                self.assertTrue(self.jet_call(protocol, "manager", "update_metadata", metadata={protocol: 1}))
                for method, arguments in (
                    ("set_variable_value", {"variable_reference": "api_port", "value": "1"}),
                    ("update_metadata", {"metadata": {"a": 1}}),
                ):
                    with self.assertRaises(Refused):
                        self.jet_call(protocol, "user", method, **arguments)
        self.assertEqual(self.jet.metadata, dict.fromkeys(PROTOCOLS, 1))

    def test_running_on_a_jet(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                started = self.jet_call(protocol, "user", "run_command", command="api_command")
                log = self.env["cx.tower.command.log"].browse(started["id"])
                self.assertEqual(
                    (log.jet_id, log.state, log.command_response), (self.jet, "done", "api_user")
                )
                started = self.call(
                    protocol,
                    "user",
                    "cx.tower.server",
                    "run_command",
                    self.server.ids,
                    command="api_command",
                    jet="api_jet",
                )
                self.assertEqual(self.env["cx.tower.command.log"].browse(started["id"]).jet_id, self.jet)
                with self.assertRaises(Refused):
                    self.jet_call(protocol, "user", "run_command", command="root_command")

    def test_launching(self):
        for protocol in PROTOCOLS:
            for who in ("user", "manager", "root"):
                with self.subTest(protocol, who=who):
                    made = self.call(
                        protocol,
                        who,
                        "cx.tower.jet.template",
                        "launch_jet",
                        self.template.ids,
                        server="api_server",
                        name=f"By {who} over {protocol}",
                        state="running",
                    )
                    jet = self.env["cx.tower.jet"].browse(made["jet_id"])
                    self.assertEqual((jet.state, jet.create_uid), ("running", self.people[who]))
                    self.assertNotIn(None, made.values())
            with self.assertRaises(Refused):
                self.call(
                    protocol,
                    "stranger",
                    "cx.tower.jet.template",
                    "launch_jet",
                    self.template.ids,
                    server="api_server",
                )

    def test_strangers_get_nothing(self):
        calls = [
            ("wait", {}),
            ("stop", {}),
            ("get_path", {"state_reference": "running"}),
            ("bring_to_state", {"state_reference": "running"}),
            ("run_command", {"command": "api_command"}),
            ("get_variable_value", {"variable_reference": "api_port"}),
            ("correct_state", {"state_reference": "running", "reason": "because"}),
        ]
        for protocol in PROTOCOLS:
            for method, arguments in calls:
                with self.subTest(protocol, method=method), self.assertRaises(Refused):
                    self.jet_call(protocol, "stranger", method, **arguments)
            with self.subTest(protocol), self.assertRaises(Refused):
                self.jet_call(protocol, "user", "correct_state", state_reference="running", reason="because")
