from odoo.tests import tagged
from odoo.tools import mute_logger

from ..api_case import PROTOCOLS, ApiCase, Refused

SERVER, TEMPLATE = "cx.tower.server", "cx.tower.server.template"
WIZARD = "cx.tower.server.template.create.wizard"
QUIET = ("odoo.http", "odoo.addons.rpc.controllers.jsonrpc", "odoo.addons.rpc.controllers.xmlrpc")


@tagged("post_install", "-at_install")
class TestApiTemplate(ApiCase):
    """Creating servers from templates, and deleting them, over each of the three protocols."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        variable = cls.env["cx.tower.variable"].create(
            {"name": "API domain", "reference": "api_domain", "access_level": "1"}
        )
        step = cls.env["cx.tower.command"].create(
            {
                "name": "Step",
                "action": "python_code",
                "code": "result = {'exit_code': 0, 'message': {{ api_domain }}}",
            }
        )
        cls.plan = cls.env["cx.tower.plan"].create(
            {"name": "API ready", "line_ids": [(0, 0, {"command_id": step.id})]}
        )
        cls.template = cls.env[TEMPLATE].create(
            {
                "name": "API template",
                "reference": "api_template",
                "ssh_username": "tower",
                "ssh_password": "never shown",
                "ssh_auth_mode": "p",
                "ssh_port": 2022,
                "flight_plan_id": cls.plan.id,
                "plan_delete_id": cls.plan.id,
                "user_ids": [(6, 0, cls.people["manager"].ids)],
                "variable_value_ids": [(0, 0, {"variable_id": variable.id, "required": True})],
            }
        )
        cls.partner = cls.env["res.partner"].create({"name": "API partner", "ref": "API-1"})

    def make(self, protocol, who, name, model=TEMPLATE, **arguments):
        arguments.setdefault("configuration_variables", {"api_domain": "example.com"})
        method = "create_server_from_template" if model == TEMPLATE else "server_create_from_template"
        return self.call(
            protocol, who, model, method, template_reference="api_template", server_name=name, **arguments
        )

    def test_create(self):
        for protocol in PROTOCOLS:
            for partner in (self.partner.id, "API-1"):
                name = f"Made over {protocol} {partner}"
                with self.subTest(protocol=protocol, partner=partner):
                    ids = self.make(protocol, "manager", name, partner=partner, ipv4="192.0.2.3")
                    server = self.env[SERVER].browse(ids)
                    self.assertEqual((server.name, server.partner_id), (name, self.partner))
                    self.assertEqual((server.ssh_port, server.ip_v4_address), (2022, "192.0.2.3"))
                    self.assertEqual(server.create_uid, self.people["manager"])
                    self.assertEqual(server.template_plan_log_id.state, "done")

    def test_deprecated_helper(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol):
                ids = self.make(protocol, "manager", f"Helper {protocol}", model="cetmix.tower")
                self.assertEqual(self.env[SERVER].browse(ids).name, f"Helper {protocol}")

    @mute_logger(*QUIET)
    def test_refusals(self):
        for protocol in PROTOCOLS:
            for who in ("user", "stranger"):
                with self.subTest(protocol=protocol, who=who), self.assertRaises(Refused):
                    self.make(protocol, who, "Refused")
            with self.subTest(protocol=protocol), self.assertRaisesRegex(Refused, "Missing: API domain"):
                self.make(protocol, "manager", "Refused", configuration_variables={})
            with self.subTest(protocol=protocol), self.assertRaises(Refused):
                self.call(protocol, "manager", TEMPLATE, "_create_new_server", self.template.ids, name="x")
        self.assertFalse(self.env[SERVER].search_count([("name", "=", "Refused")]))

    def test_wizard(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol):
                vals = {
                    "server_template_id": self.template.id,
                    "name": f"Wizard {protocol}",
                    "ip_v4_address": "192.0.2.4",
                }
                if protocol == "json2":
                    [wizard] = self.call(protocol, "manager", WIZARD, "create", vals_list=[vals])
                elif protocol == "xmlrpc":
                    wizard = self.xmlrpc("manager", WIZARD, "create", vals)
                else:
                    wizard = self.jsonrpc("manager", WIZARD, "create", vals)["result"]
                record = self.env[WIZARD].browse(wizard)
                record.line_ids.value_char = "example.com"
                self.env.flush_all()
                action = self.call(protocol, "manager", WIZARD, "action_confirm", [wizard])
                self.assertEqual(self.env[SERVER].browse(action["res_id"]).name, f"Wizard {protocol}")

    def test_delete(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol):
                [server_id] = self.make(protocol, "manager", f"Deleted over {protocol}")
                self.assertIs(self.call(protocol, "manager", SERVER, "unlink", [server_id]), False)
                self.env.invalidate_all()
                server = self.env[SERVER].browse(server_id)
                self.assertEqual((server.status, server.deletion_state), ("deleting", "due"))
                with mute_logger(*QUIET), self.assertRaisesRegex(Refused, "about to be deleted"):
                    self.call(protocol, "manager", SERVER, "unlink", [server_id])
