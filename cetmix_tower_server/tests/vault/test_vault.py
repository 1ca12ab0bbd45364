import os
import tempfile
from pathlib import Path
from unittest.mock import Mock, patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import config, mute_logger
from odoo.tools.safe_eval import safe_eval

from ...engine.errors import VaultError
from ...engine.secret import Secret
from ...engine.vault.key_ring import KeyRing
from ...models.vault.key_source import FILE_NAME, load_key_ring
from ..common import TowerCommon

CLEAR = "correct horse"


class VaultCase(TowerCommon):
    """A server with a password, and a key file of these tests' own."""

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.key_file = Path(directory.name) / FILE_NAME
        self.startPatcher(patch.dict(config.options, {"data_dir": directory.name}))
        environ = {name: value for name, value in os.environ.items() if name != "TOWER_VAULT_KEYS"}
        self.startPatcher(patch.dict(os.environ, environ, clear=True))
        self.server = self._new_server("Web", self.user, self.manager, ssh_password=CLEAR)
        self.vault = self.env["cx.tower.vault"]

    def _tokens(self, server=None):
        self.env.cr.execute(
            "SELECT data FROM cx_tower_vault WHERE res_model = 'cx.tower.server' AND res_id = %s",
            [(server or self.server).id],
        )
        return [token for (token,) in self.env.cr.fetchall()]

    def _assert_refused(self, try_it):
        try:
            result = try_it()
        except (AccessError, UserError, ValueError):
            return
        self.fail(f"gave {result}")

    def _password(self, server=None):
        return (server or self.server)._get_secret_value__("ssh_password")


@tagged("post_install", "-at_install")
class TestVaultMixin(VaultCase):
    """Secret fields are write-only over every interface."""

    def test_value_arrives_and_is_encrypted(self):
        self.assertEqual(self._password(), Secret(CLEAR))
        (token,) = self._tokens()
        self.assertNotIn(CLEAR, token)

    def test_field_has_no_column(self):
        self.env.cr.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_name LIKE 'cx_tower%%'"
            " AND column_name IN ('ssh_password', 'secret_value', 'passphrase')"
        )
        self.assertFalse(self.env.cr.fetchall())

    def test_nothing_reads_it_back(self):
        for person in (self.manager, self.root, self.env.user):
            person.group_ids |= self.env.ref("base.group_allow_export")
            server = self.server.with_user(person)
            created = server.create(
                {"name": "New", "ssh_username": "u", "ip_v4_address": "192.0.2.1", "ssh_password": CLEAR}
            )
            server.write({"ssh_password": CLEAR})
            seen = {
                "create": created.ssh_password,
                "read": server.read(["ssh_password"]),
                "read everything": server.read(),
                "web_read": server.web_read({"ssh_password": {}}),
                "web_save": server.web_save({"ssh_password": CLEAR}, {"ssh_password": {}}),
                "search_read": server.search_read([("id", "=", server.id)], ["ssh_password"]),
                "export": server.export_data(["name", "ssh_password"]),
                "copy": server.copy_data(),
                "default_get": server.default_get(["ssh_password"]),
                "fields_get": server.fields_get(["ssh_password"]),
                "attribute": server.ssh_password,
                "display": server.display_name,
                "messages": server.sudo().message_ids.mapped("body"),
                "tracking": server.sudo().message_ids.tracking_value_ids.read(),
            }
            for way, result in seen.items():
                with self.subTest(person=person.login, way=way):
                    self.assertNotIn(CLEAR, str(result))
            self.assertEqual((created.ssh_password, server.ssh_password), ("*****", "*****"))

    def test_cache_never_holds_it(self):
        server = self.server.with_user(self.manager)
        server.ssh_password = "battery staple"
        self.assertEqual(server.ssh_password, "*****")
        server.write({"ssh_auth_mode": "k", "ssh_key_id": self._new_ssh_key(users=self.manager).id})
        server.ssh_password = False
        self.assertIs(server.ssh_password, False)

    def test_searching_sorting_and_grouping_are_refused(self):
        servers = self.server.with_user(self.root)
        for try_it in (
            lambda: servers.search([("ssh_password", "=", CLEAR)]),
            lambda: servers.search([("ssh_password", "ilike", "corr%")]),
            lambda: servers.search([], order="ssh_password"),
            lambda: servers.formatted_read_group([], ["ssh_password"]),
        ):
            self._assert_refused(try_it)

    def test_form_shows_the_placeholder_and_keeps_the_value(self):
        with Form(self.server.with_user(self.manager)) as form:
            self.assertEqual(form.ssh_password, "*****")
            form.name = "Other"
        self.assertEqual(self._password(), Secret(CLEAR))

    def test_placeholder_written_back_changes_nothing(self):
        self.server.write({"ssh_password": "*****", "name": "Other"})
        self.assertEqual((self._password(), self.server.name), (Secret(CLEAR), "Other"))

    def test_default_from_the_context_is_stored_and_not_shown(self):
        servers = self.env["cx.tower.server"].with_context(default_ssh_password=CLEAR)
        server = servers.create({"name": "S", "ssh_username": "u", "ip_v4_address": "192.0.2.1"})
        self.assertEqual(server.ssh_password, "*****")
        self.assertEqual(self._password(server), Secret(CLEAR))

    def test_emptying_deletes_the_row(self):
        self.server.with_context(skip_ssh_settings_check=True).ssh_password = False
        self.assertFalse(self._tokens())
        self.assertIsNone(self._password())

    def test_deleting_the_record_deletes_the_row(self):
        server_id = self.server.id
        self.server.unlink()
        self.assertFalse(self._tokens(self.server.browse(server_id)))

    def test_orphans_are_forgotten(self):
        self.vault._write_values("cx.tower.server", {999999: {"ssh_password": "x"}})
        self.vault._write_values("no.such.model", {1: {"x": "x"}})
        self.vault._gc_orphans()
        self.env.cr.execute("SELECT res_model, res_id FROM cx_tower_vault ORDER BY 1")
        self.assertEqual(
            set(self.env.cr.fetchall()) & {("cx.tower.server", 999999), ("no.such.model", 1)},
            {("no.such.model", 1)},
        )
        self.assertTrue(self._tokens())

    def test_who_may_not_write_the_record_or_field_cannot_set_it(self):
        for person in (self.outsider, self.user, self.manager_2):
            with self.subTest(person.login), self.assertRaises(AccessError):
                self.server.with_user(person).write({"ssh_password": "mine"})
        self.assertEqual(self._password(), Secret(CLEAR))

    def test_only_texts(self):
        for value in (5, ["x"], {"a": 1}, b"x"):
            with self.assertRaises(ValidationError):
                self.server.ssh_password = value

    def test_awkward_values(self):
        for value in ("'\"$`\\\n\t", "ünï©ode 💥", "x" * 8192, "*" * 6, " "):
            self.server.ssh_password = value
            self.assertEqual(self._password(), Secret(value))

    def test_copy_takes_the_value_only_for_who_may_write(self):
        own = self.server.with_user(self.manager).copy()
        self.assertEqual(self._password(own), Secret(CLEAR))
        self.server.sudo().user_ids = self.manager_2
        reader = self.server.with_user(self.manager_2).copy()
        self.assertIs(reader.ssh_password, False)
        self.assertIsNone(self._password(reader))

    def test_queries_do_not_grow_with_the_number_of_records(self):
        def count(size):
            servers = self.env["cx.tower.server"].create(
                [
                    {
                        "name": f"S{n}",
                        "ssh_username": "u",
                        "ip_v4_address": "192.0.2.1",
                        "ssh_password": f"p{n}",
                    }
                    for n in range(size)
                ]
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            servers.mapped("ssh_password")
            read = self.cr.sql_log_count - before
            before = self.cr.sql_log_count
            values = servers._get_secret_values__()
            hand_out = self.cr.sql_log_count - before
            self.assertEqual(values[servers[-1].id]["ssh_password"], Secret(f"p{size - 1}"))
            before = self.cr.sql_log_count
            self.vault._write_values(
                "cx.tower.server", {server.id: {"ssh_password": "new"} for server in servers}
            )
            return read, hand_out, self.cr.sql_log_count - before

        self.assertEqual(count(40), (1, 1, 1))

    def test_x2many_commands_do_not_reach_the_vault(self):
        self.assertFalse(self.vault._allow_sudo_commands)


@tagged("post_install", "-at_install")
class TestVaultTable(VaultCase):
    """Whoever gets at the table finds only ciphertext, which is useless elsewhere."""

    def test_nobody_has_any_right(self):
        row = self.vault.sudo().search([("res_model", "=", "cx.tower.server")], limit=1)
        for person in (self.outsider, self.user, self.manager, self.root):
            person.group_ids |= self.env.ref("base.group_allow_export")
            vault, own = self.vault.with_user(person), row.with_user(person)
            for try_it in (
                lambda vault=vault: vault.search([]),
                lambda vault=vault: vault.create(
                    {"res_model": "res.partner", "res_id": 1, "field_name": "x", "data": "x"}
                ),
                lambda own=own: own.read(["res_model"]),
                lambda own=own: own.write({"field_name": "x"}),
                lambda own=own: own.unlink(),
                lambda own=own: own.export_data(["data"]),
            ):
                with self.subTest(person.login), self.assertRaises(AccessError), mute_logger("odoo.models"):
                    try_it()

    def test_data_is_hidden_from_everybody(self):
        self.assertNotIn("data", self.vault.with_user(self.root).fields_get())
        # not even a right that was granted by mistake opens it
        self.env["ir.model.access"].create(
            {
                "name": "mistake",
                "model_id": self.env["ir.model"]._get_id("cx.tower.vault"),
                "group_id": self.env.ref("cetmix_tower_server.group_root").id,
                "perm_read": True,
            }
        )
        self.assertFalse(self.vault.with_user(self.root).search([]))
        self.env.ref("cetmix_tower_server.rule_vault_nobody").active = False
        row = self.vault.with_user(self.root).search([], limit=1)
        self.assertTrue(row)
        for try_it in (
            lambda: row.read(["data"]),
            lambda: row.search([("data", "like", "v1.%")]),
            lambda: row.formatted_read_group([], ["data"]),
            lambda: row.data,
        ):
            self._assert_refused(try_it)

    def test_moved_ciphertext_does_not_decrypt(self):
        other = self._new_server("Other", ssh_password="other")
        self.env.cr.execute(
            "UPDATE cx_tower_vault SET data = %s WHERE res_model = 'cx.tower.server' AND res_id = %s",
            [self._tokens()[0], other.id],
        )
        with self.assertRaisesRegex(VaultError, r"Other \(other\): SSH password"):
            self._password(other)

    def test_python_with_env_gets_ciphertext_only(self):
        code = (
            "rows = env['cx.tower.vault'].sudo().search([]).mapped('data')\n"
            "env.cr.execute('select data from cx_tower_vault')\n"
            "rows += [row[0] for row in env.cr.fetchall()]\n"
            "action = {'rows': rows, 'shown': [server.ssh_password for server in env['cx.tower.server'].sudo().search([])]}"
        )
        action = self.env["ir.actions.server"].create(
            {
                "name": "curious",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "state": "code",
                "code": code,
            }
        )
        result = action.run()
        self.assertTrue(result["rows"])
        self.assertNotIn(CLEAR, str(result))

    def test_superuser_code_of_modules_reads_clear_text_and_nobody_else(self):
        key = self.env["cx.tower.key"].create(
            {"name": "t", "reference": "t_value", "key_type": "s", "secret_value": CLEAR}
        )
        value = key.value_ids
        self.assertEqual(value.sudo()._get_secret_value("secret_value"), CLEAR)
        self.assertEqual(self.server.sudo()._get_secret_value("ssh_password"), CLEAR)
        value.sudo().secret_value = False
        self.assertIsNone(value.sudo()._get_secret_value("secret_value"))
        with self.assertRaises(ValidationError):
            value.sudo()._get_secret_value("name")
        for user in (self.root, self.manager):
            with self.assertRaises(AccessError):
                self.server.with_user(user)._get_secret_value("ssh_password")
        server = self.server.sudo()
        for code in (
            "server._get_secret_value('ssh_password')",
            "server.mapped(lambda record: record._get_secret_value('ssh_password'))",
            "[record._get_secret_value('ssh_password') for record in server]",
            "server.env['cx.tower.server'].sudo().browse(server.id)._get_secret_value('ssh_password')",
        ):
            with self.subTest(code=code), self.assertRaises(Exception) as caught:
                safe_eval(code, {"server": server})
            self.assertNotIn(CLEAR, str(caught.exception))
            self.assertIn("never shown", f"{caught.exception} {caught.exception.__context__}")

    def test_python_cannot_call_what_hands_out_clear_text(self):
        for call in (
            "env['cx.tower.server'].search([])._get_secret_values__()",
            "env['cx.tower.server'].search([], limit=1)._get_secret_value__('ssh_password')",
            "env['cx.tower.vault']._read_values__('cx.tower.server', [1], ['ssh_password'])",
            "env['cx.tower.vault']._decrypt__('cx.tower.server', 1, 'ssh_password', 'x')",
            "env['cx.tower.vault']._load_ring_for_saving__()",
            "env['cx.tower.vault']._get_ring_to_rotate_to__()",
            "env['cx.tower.key']._get_secrets__(['x'])",
            "env['cx.tower.key']._find_secrets__(['x'])",
        ):
            with self.subTest(call), self.assertRaisesRegex(Exception, "__"):
                self.env["ir.actions.server"].create(
                    {
                        "name": "curious",
                        "model_id": self.env["ir.model"]._get_id("res.partner"),
                        "state": "code",
                        "code": call,
                    }
                ).run()


@tagged("post_install", "-at_install")
class TestVaultKeys(VaultCase):
    """Key file, environment, odoo.conf; rotation; self-test."""

    def test_key_file_is_made_on_first_use(self):
        self.assertEqual(self.key_file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(len(load_key_ring().key_ids), 1)

    def test_order_of_sources(self):
        conf, environ = KeyRing.generate(), KeyRing.generate()
        with patch.dict(config.options, {"tower_vault_keys": conf.dump()}):
            self.assertEqual(load_key_ring().key_ids, conf.key_ids)
            with patch.dict(os.environ, {"TOWER_VAULT_KEYS": environ.dump()}):
                self.assertEqual(load_key_ring().key_ids, environ.key_ids)
        self.assertNotIn(load_key_ring().current_id, (conf.current_id, environ.current_id))

    def test_open_key_file_is_refused_with_a_clear_sentence(self):
        self.key_file.chmod(0o644)
        with self.assertRaisesRegex(UserError, "chmod 600"):
            self.server.ssh_password = "new"
        with self.assertRaisesRegex(VaultError, "chmod 600"):
            self._password()
        self.key_file.chmod(0o600)
        self.assertEqual(self._password(), Secret(CLEAR))

    def test_malformed_keys_in_the_environment(self):
        with patch.dict(os.environ, {"TOWER_VAULT_KEYS": "nonsense"}):
            with self.assertRaisesRegex(UserError, "TOWER_VAULT_KEYS: Vault key number 1"):
                self.server.ssh_password = "new"

    def test_rotation(self):
        keys = self.env["cx.tower.key"]
        secret = self._new_secret(value="s")
        before = load_key_ring()
        (token,) = self._tokens()
        result = self.vault.with_user(self.root).rotate_keys()
        after = load_key_ring()
        self.assertEqual(after.key_ids[1:], before.key_ids)
        self.assertGreaterEqual(result["rotated"], 2)
        self.assertTrue(all(after.is_current(new) for new in self._tokens()))
        self.assertNotEqual(self._tokens(), [token])
        self.assertEqual(self._password(), Secret(CLEAR))
        self.assertEqual(keys._get_secrets__([secret.reference]), {secret.reference: Secret("s")})
        self.assertEqual(self.vault.get_status()["old"], 0)

    def test_rotation_is_for_root(self):
        for person in (self.outsider, self.user, self.manager):
            with self.subTest(person.login):
                with self.assertRaises(AccessError):
                    self.vault.with_user(person).rotate_keys()
                with self.assertRaises(AccessError):
                    self.vault.with_user(person).get_status()

    def test_crash_at_any_point_of_a_rotation_loses_nothing(self):
        class Crash(Exception):
            pass

        real = type(self.vault)._replace_tokens

        def crash_after(vault, tokens):
            real(vault, tokens)
            raise Crash

        before = load_key_ring()
        for crash in ("_replace_tokens", "_try_decrypting"):
            method = crash_after if crash == "_replace_tokens" else Mock(side_effect=Crash)
            with self.subTest(crash), self.assertRaises(Crash), self.env.cr.savepoint():
                with patch.object(type(self.vault), crash, method):
                    self.vault.rotate_keys()
            self.assertEqual(self._password(), Secret(CLEAR))
        self.assertEqual(load_key_ring().key_ids[1:], before.key_ids, "one new key, not one for each attempt")
        self.vault.rotate_keys()
        self.assertEqual(load_key_ring().key_ids[1:], before.key_ids)
        self.assertEqual(self._password(), Secret(CLEAR))

    def test_rotation_with_keys_from_the_environment(self):
        ring = load_key_ring()
        with patch.dict(os.environ, {"TOWER_VAULT_KEYS": ring.dump()}):
            with self.assertRaisesRegex(UserError, "in front of the others"):
                self._only_this_server()
                self.vault.rotate_keys()
        with patch.dict(os.environ, {"TOWER_VAULT_KEYS": ring.with_new_key().dump()}):
            self.vault.rotate_keys()
            self.assertTrue(load_key_ring().is_current(self._tokens()[0]))
            self.assertEqual(self._password(), Secret(CLEAR))

    def _only_this_server(self):
        """Demo data may have brought values that this test's keys do not know."""
        self.env.cr.execute(
            "DELETE FROM cx_tower_vault WHERE NOT (res_model = 'cx.tower.server' AND res_id = %s)",
            [self.server.id],
        )

    def test_self_test_names_what_cannot_be_read(self):
        self._only_this_server()
        self.assertEqual(self.vault._get_unreadable_values(), [])
        with patch.dict(os.environ, {"TOWER_VAULT_KEYS": KeyRing.generate().dump()}):
            (value,) = self.vault._get_unreadable_values()
            self.assertEqual(value["name"], "Tower Server Web (web): SSH password")
            self.assertIn("Web (web)", self.vault.with_user(self.root).get_status()["text"])
            with self.assertLogs(
                "odoo.addons.cetmix_tower_server.models.vault.cx_tower_vault", "ERROR"
            ) as logs:
                self.vault._register_hook()
            self.assertIn("Web (web): SSH password", logs.output[0])
        self.key_file.unlink()
        (value,) = self.vault._get_unreadable_values()
        self.assertIn("is missing", value["reason"])
        self.assertFalse(self.key_file.exists(), "looking makes no key")

    def test_unreadable_value_can_be_replaced_and_survives_rotation(self):
        self._only_this_server()
        with patch.dict(os.environ, {"TOWER_VAULT_KEYS": KeyRing.generate().dump()}):
            self.server.ssh_password = "lost"
        with self.assertRaises(VaultError):
            self._password()
        result = self.vault.rotate_keys()
        self.assertEqual([value["id"] for value in result["unreadable"]], self.server.ids)
        self.server.ssh_password = "entered again"
        self.assertEqual(self._password(), Secret("entered again"))
