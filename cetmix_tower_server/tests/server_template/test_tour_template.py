from odoo.tests import tagged

from ..browser import BrowserCase


@tagged("post_install", "-at_install")
class TestTourTemplate(BrowserCase):
    def test_create_server_from_template(self):
        """A manager creates a server from a template that lends its password. Runs are executed inline."""
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        customer, edition = self.env["cx.tower.variable"].create(
            [
                {"name": "Tour customer", "reference": "tour_customer"},
                {
                    "name": "Tour edition",
                    "reference": "tour_edition",
                    "variable_type": "o",
                    "option_ids": [
                        (0, 0, {"name": "Small", "value_char": "s"}),
                        (0, 0, {"name": "Large", "value_char": "l"}),
                    ],
                },
            ]
        )
        command = self.env["cx.tower.command"].create(
            {
                "name": "Tour greet",
                "action": "python_code",
                "code": "result = {'exit_code': 0, 'message': {{ tour_customer }} + {{ tour_edition }}}",
            }
        )
        plan = self.env["cx.tower.plan"].create(
            {"name": "Tour make ready", "line_ids": [(0, 0, {"command_id": command.id})]}
        )
        template = self.env["cx.tower.server.template"].create(
            {
                "name": "Tour template",
                "ssh_username": "deploy",
                "ssh_auth_mode": "p",
                "ssh_password": "never shown",
                "flight_plan_id": plan.id,
                "variable_value_ids": [
                    (0, 0, {"variable_id": customer.id, "required": True, "sequence": 1}),
                    (0, 0, {"variable_id": edition.id, "required": True, "sequence": 2}),
                ],
            }
        )
        self.start_tour(
            "/odoo/cetmix_tower_servers", "tower_create_server_from_template", login="admin", timeout=120
        )
        server = self.env["cx.tower.server"].search([("name", "=", "Tour made")])
        self.assertEqual(server.server_template_id, template)
        log = server.template_plan_log_id
        self.assertEqual((log.state, log.command_log_ids.command_response), ("done", "ACMEl"))
