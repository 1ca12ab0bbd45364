from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ...engine.errors import ConnectError
from ...engine.ssh.connecting.host_key import HostKey
from .server_template_case import ServerTemplateCase

WIZARD = "cx.tower.server.template.create.wizard"
FETCH = "odoo.addons.cetmix_tower_server.wizards.cx_tower_server_template_create_wizard.fetch_host_key"
HOST_KEY = HostKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")


@tagged("post_install", "-at_install")
class TestServerTemplateWizard(ServerTemplateCase):
    def wizard(self, **values):
        values = {
            "server_template_id": self.template.id,
            "name": "New",
            "ip_v4_address": "192.0.2.8",
            **values,
        }
        return self.env[WIZARD].with_user(self.manager).create(values)

    def test_a_way_through_the_form(self):
        action = self.template.with_user(self.manager).action_create_server()
        with Form(self.env[WIZARD].with_user(self.manager).with_context(**action["context"])) as form:
            form.name = "New"
            form.ip_v4_address = "192.0.2.8"
            form.skip_host_key = True
            self.assertEqual((form.ssh_port, form.ssh_username, form.ssh_auth_mode), (2222, "deploy", "k"))
            self.assertEqual(form.flight_plan_name, "Make ready")
            self.assertEqual(len(form.line_ids), 3, "not the one above the person's level")
            self.assertTrue(form.has_missing_required_values)
            self.assertIn("t_domain", form.missing_required_variables_message)
            with form.line_ids.edit(0) as line:
                line.value_char = "example.com"
            with form.line_ids.edit(1) as line:
                line.option_id = self.large
            self.assertFalse(form.has_missing_required_values)
        opened = form.record.action_confirm()
        self.assertEqual(opened["res_model"], "cx.tower.server")
        server = self.env["cx.tower.server"].browse(opened["res_id"])
        self.assertEqual((server.name, server.server_template_id), ("New", self.template))
        self.assertEqual((server.ssh_key_id, server.skip_host_key), (self.key, True))
        self.assertEqual(server._get_secret_value__("ssh_password").reveal(), "the template's own")
        values = self.values_of(server)
        self.assertEqual(values["t_domain"][0], "example.com")
        self.assertEqual(values["t_edition"][:3], ("l", self.large, "2"))
        self.assertEqual(values["t_hidden"][0], "for Root")
        self.assertEqual(server.template_plan_log_id.state, "done")

    def test_choosing_the_template_in_the_wizard(self):
        action = self.env["cx.tower.server"].with_user(self.manager).action_new_from_template()
        form = Form(self.env[WIZARD].with_user(self.manager).with_context(**action["context"]))
        self.assertFalse(form.line_ids)
        form.server_template_id = self.template
        self.assertEqual((form.ssh_port, len(form.line_ids)), (2222, 3))

    def test_missing_and_empty_in_one_message(self):
        wizard = self.wizard()
        wizard.line_ids.filtered(lambda line: line.variable_id == self.edition).option_id = False
        with self.assertRaises(ValidationError) as caught:
            wizard.action_confirm()
        self.assertIn("t_domain", str(caught.exception))
        self.assertIn("t_edition", str(caught.exception))
        self.no_server()

    def test_a_line_that_was_taken_away(self):
        wizard = self.wizard()
        lines = {line.variable_id: line for line in wizard.line_ids}
        lines[self.domain].value_char = "example.com"
        lines[self.folder].unlink()
        lines[self.edition].unlink()
        with self.assertRaisesRegex(ValidationError, r"Missing: Edition \(t_edition\)"):
            wizard.action_confirm()
        self.template.flight_plan_id = False
        wizard.line_ids = [(0, 0, {"variable_id": self.edition.id, "option_id": self.small.id})]
        server = self.env["cx.tower.server"].browse(wizard.action_confirm()["res_id"])
        self.assertEqual(set(self.values_of(server)), {"t_domain", "t_edition", "t_hidden"})

    def test_what_it_takes_to_log_in(self):
        self.template.write({"ssh_password": False, "flight_plan_id": False})
        values = [(0, 0, {"variable_id": self.domain.id, "value_char": "x"})]
        values += [(0, 0, {"variable_id": self.edition.id, "option_id": self.small.id})]
        cases = [
            ({"ip_v4_address": False}, "Enter an address"),
            ({"ssh_auth_mode": "p"}, "Enter the password"),
            ({"ssh_key_id": False}, "Choose an SSH key"),
            ({"ssh_username": False}, "Enter the SSH user"),
            ({"host_key": "nonsense"}, "not a valid public key"),
        ]
        for change, text in cases:
            with (
                self.subTest(**change),
                self.assertRaisesRegex(ValidationError, text),
                self.env.cr.savepoint(),
            ):
                self.wizard(line_ids=values, **change).action_confirm()
        self.no_server()
        wizard = self.wizard(line_ids=values, ssh_auth_mode="p", ssh_password="mine", use_sudo=False)
        self.assertEqual(wizard.read(["ssh_password"])[0]["ssh_password"], "*****")
        server = self.env["cx.tower.server"].browse(wizard.action_confirm()["res_id"])
        self.assertEqual(server._get_secret_value__("ssh_password").reveal(), "mine")
        self.assertFalse(server.use_sudo)

    def test_another_key_has_to_be_readable(self):
        other = self.env["cx.tower.key"].create(
            {"name": "Other", "key_type": "k", "user_ids": [(5,)], "manager_ids": [(5,)]}
        )
        with self.assertRaises(AccessError):
            self.wizard(ssh_key_id=other.id)
        other.user_ids = self.manager
        self.assertEqual(self.wizard(ssh_key_id=other.id).ssh_key_id, other)

    def test_host_key(self):
        wizard = self.wizard()
        with self.assertRaisesRegex(UserError, "Get the key"):
            wizard.action_accept_host_key()
        with patch(FETCH, side_effect=ConnectError("192.0.2.8 does not answer")):
            self.assertEqual(wizard.action_fetch_host_key()["res_id"], wizard.id)
        self.assertEqual(wizard.fetch_error, "192.0.2.8 does not answer")
        with patch(FETCH, return_value=HOST_KEY) as fetch:
            wizard.action_fetch_host_key()
        (target,), _keywords = fetch.call_args
        self.assertEqual((target.host, target.port), ("192.0.2.8", 2222))
        self.assertFalse(target.credential.password or target.credential.private_key)
        self.assertEqual(target.jump.host, "192.0.2.1")
        self.assertFalse(wizard.fetch_error)
        self.assertEqual(wizard.fetched_fingerprint, HOST_KEY.fingerprint)
        self.assertFalse(wizard.host_key, "a person compares it first")
        wizard.action_accept_host_key()
        self.assertEqual((wizard.host_key, wizard.fetched_host_key), (str(HOST_KEY), False))
        for line in wizard.line_ids.filtered(lambda line: line.variable_id == self.domain):
            line.value_char = "x"
        server = self.env["cx.tower.server"].browse(wizard.action_confirm()["res_id"])
        self.assertEqual(server.host_key_fingerprint, HOST_KEY.fingerprint)
