from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2.errors import UniqueViolation

from ...engine.attempt_limiter import AttemptLimiter
from ...engine.errors import SecretNotFound
from ...engine.secret import Secret
from ..common import TowerCommon, make_private_key


@tagged("post_install", "-at_install")
class TestSshKey(TowerCommon):
    def test_kinds_and_formats(self):
        for kind in ("rsa", "ecdsa", "ed25519"):
            for pem in (False, True):
                with self.subTest(kind=kind, pem=pem):
                    key = self._new_ssh_key(secret_value=make_private_key(kind, pem=pem))
                    self.assertIn(kind if kind != "ecdsa" else "ecdsa-sha2-nistp256", key.ssh_key_type)
                    self.assertRegex(key.ssh_key_fingerprint, "^SHA256:[A-Za-z0-9+/]{43}$")
                    self.assertRegex(key.ssh_public_key, "^(ssh|ecdsa)-[a-z0-9-]+ AAAA")
                    self.assertEqual(key.secret_value, "*****")

    def test_passphrase(self):
        private = make_private_key(passphrase="open sesame")
        key = self._new_ssh_key(secret_value=private, passphrase="open sesame")
        self.assertEqual(
            key._get_secret_values__()[key.id],
            {"secret_value": Secret(private), "passphrase": Secret("open sesame")},
        )
        self.assertEqual(key.passphrase, "*****")
        with self.assertRaisesRegex(ValidationError, "passphrase of the private key is wrong"):
            key.passphrase = "wrong"
        with self.assertRaisesRegex(ValidationError, "protected by a passphrase"):
            key.passphrase = False
        with self.assertRaisesRegex(ValidationError, "protected by a passphrase"):
            self._new_ssh_key(secret_value=private)

    def test_passphrase_without_need_is_not_kept(self):
        key = self._new_ssh_key(passphrase="not needed")
        self.assertIs(key.passphrase, False)

    def test_new_private_key_replaces_the_passphrase(self):
        key = self._new_ssh_key(secret_value=make_private_key(passphrase="p"), passphrase="p")
        before = key.ssh_key_fingerprint
        key.secret_value = make_private_key()
        self.assertIs(key.passphrase, False)
        self.assertNotEqual(key.ssh_key_fingerprint, before)
        with self.assertRaisesRegex(ValidationError, "enter the private key, too"):
            self._new_ssh_key(secret_value=False, passphrase="alone")

    def test_unusable_keys_are_refused_without_being_quoted(self):
        private = make_private_key()
        for text in ("nonsense", private[:80], "ssh-ed25519 AAAA"):
            with self.subTest(text[:20]), self.assertRaises(ValidationError) as error:
                self._new_ssh_key(secret_value=text)
            self.assertNotIn(text.strip()[-20:], str(error.exception))

    def test_public_part_belongs_to_the_key(self):
        key = self._new_ssh_key()
        before = key.ssh_key_fingerprint
        key.write({"ssh_key_fingerprint": "SHA256:forged", "ssh_public_key": "forged"})
        self.assertEqual(key.ssh_key_fingerprint, before)
        self.assertNotEqual(key.ssh_public_key, "forged")
        key.secret_value = False
        self.assertFalse(key.ssh_key_fingerprint or key.ssh_public_key or key.ssh_key_type)

    def test_type_is_fixed_once_used(self):
        key = self._new_ssh_key()
        secret = self._new_secret()
        for record, key_type in ((key, "s"), (secret, "k")):
            with self.assertRaisesRegex(ValidationError, "type"):
                record.key_type = key_type
        key.secret_value = False
        key.key_type = "s"

    def test_copy(self):
        key = self._new_ssh_key(managers=self.manager, users=self.manager_2)
        own = key.with_user(self.manager).copy()
        self.assertEqual(own.ssh_key_fingerprint, key.ssh_key_fingerprint)
        self.assertEqual(own._get_secret_value__("secret_value"), key._get_secret_value__("secret_value"))
        readers = key.with_user(self.manager_2).copy()
        self.assertFalse(readers.ssh_key_fingerprint or readers.secret_value)

    def test_linking_a_key_needs_the_right_to_read_it(self):
        key = self._new_ssh_key()
        server = self._new_server(managers=self.manager)
        with self.assertRaises(AccessError):
            server.with_user(self.manager).ssh_key_id = key
        with self.assertRaises(AccessError):
            self._new_server(managers=self.manager, person=self.manager, ssh_key_id=key.id)
        by_default = (
            self.env["cx.tower.server"].with_user(self.manager).with_context(default_ssh_key_id=key.id)
        )
        with self.assertRaises(AccessError):
            by_default.create(
                {"name": "S", "ip_v4_address": "192.0.2.1", "ssh_username": "u", "ssh_password": "p"}
            )
        key.user_ids = self.manager
        server.with_user(self.manager).ssh_key_id = key


@tagged("post_install", "-at_install")
class TestSecret(TowerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys = cls.env["cx.tower.key"]
        cls.partner = cls.env["res.partner"].create({"name": "Customer"})
        cls.server = cls._new_server("Web", partner_id=cls.partner.id)
        cls.bare_server = cls._new_server("Bare")
        cls.secret = cls._new_secret("Token", "global")

    def _value(self, text, server=None, partner=None, secret=None):
        return self.env["cx.tower.key.value"].create(
            {
                "key_id": (secret or self.secret).id,
                "server_id": server.id if server else False,
                "partner_id": partner.id if partner else False,
                "secret_value": text,
            }
        )

    def _found(self, server=None, partner=None):
        found = self.keys._get_secrets__(["Token"], server=server, partner=partner)
        return found["Token"].reveal()

    def test_code_and_placeholder(self):
        self.assertEqual(self.secret.reference_code, "#!cxtower.secret.Token!#")
        self.assertIs(self._new_ssh_key().reference_code, False)
        self.assertEqual(self.secret.secret_value, "*****")
        self.assertEqual(self.secret.value_ids.secret_value, "*****")
        self.assertIs(self._new_secret("Empty", False).secret_value, False)

    def test_value_on_the_key_is_the_global_one(self):
        self.assertTrue(self.secret.value_ids.is_global)
        self.assertEqual(self.secret.value_ids.reference, "Token_key_value_1")
        self.secret.secret_value = "other"
        self.assertEqual(len(self.secret.value_ids), 1)
        self.assertEqual(self._found(), "other")
        self.secret.secret_value = False
        with self.assertRaises(SecretNotFound):
            self._found()

    def test_most_specific_value_counts(self):
        self._value("both", self.server, self.partner)
        on_server = self._value("server", self.server)
        on_partner = self._value("partner", None, self.partner)
        other = self.env["res.partner"].create({"name": "Other"})
        cases = [
            ({"server": self.server}, "both"),
            ({"server": self.server, "partner": other}, "server"),
            ({"server": self.bare_server, "partner": self.partner}, "partner"),
            ({"partner": self.partner}, "partner"),
            ({"server": self.bare_server}, "global"),
            ({}, "global"),
        ]
        for where, expected in cases:
            with self.subTest(expected=expected, where=str(where)):
                self.assertEqual(self._found(**where), expected)
        self.secret.value_ids.filtered(lambda v: v.server_id and v.partner_id).unlink()
        self.assertEqual(self._found(self.server), "server")
        on_server.secret_value = False
        self.assertEqual(self._found(self.server), "partner", "a row without a value says nothing")
        on_partner.unlink()
        self.assertEqual(self._found(self.server), "global")

    def test_missing_secrets_are_named(self):
        for reference in ("nope", "token", self._new_ssh_key("Ssh").reference):
            with self.assertRaises(SecretNotFound) as error:
                self.keys._get_secrets__(["Token", reference], server=self.server)
            self.assertEqual(error.exception.reference, reference)
            self.assertIn(reference, str(error.exception))

    def test_one_query_for_many(self):
        references = []
        for number in range(30):
            secret = self._new_secret(f"S{number}", f"v{number}")
            self._value(f"own{number}", self.server, secret=secret)
            references.append(secret.reference)
        self.env.flush_all()
        self.server.partner_id  # noqa: B018  read before counting
        before = self.cr.sql_log_count
        found = self.keys._get_secrets__(references, server=self.server)
        self.assertEqual(self.cr.sql_log_count - before, 1)
        self.assertEqual(found["S7"].reveal(), "own7")
        self.assertEqual(self.keys._get_secrets__([]), {})

    def test_one_value_a_combination(self):
        self._value("x", self.server)
        for server, partner in ((None, None), (self.server, None)):
            with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                self._value("again", server, partner)
        self._value("y", self.server, self.partner)
        self._value("z", None, self.partner)

    def test_values_are_for_secrets(self):
        with self.assertRaisesRegex(ValidationError, "only secrets have values"):
            self._value("x", secret=self._new_ssh_key())
        with self.assertRaisesRegex(ValidationError, "passphrase"):
            self.secret.passphrase = "x"

    def _count_stored(self, values):
        stored = self.env["cx.tower.vault"]._get_stored_fields("cx.tower.key.value", values._ids)
        return len(stored)

    def test_deleting_a_secret_or_server_takes_the_values(self):
        on_server = self._value("x", self.server)
        values = self.secret.value_ids
        self.assertEqual(self._count_stored(values), 2)
        self.server.unlink()
        self.assertFalse(on_server.exists())
        self.assertEqual(self._count_stored(values), 1)
        self.secret.unlink()
        self.assertEqual(self._count_stored(values), 0)

    def test_refused_deletion_takes_nothing(self):
        secret = self._new_secret(managers=self.manager)
        with self.assertRaises(AccessError):
            secret.with_user(self.manager).unlink()
        self.assertEqual(self._count_stored(secret.value_ids), 1)

    def test_copies_take_the_values(self):
        self._value("for web", self.server)
        copied = self.secret.copy()
        self.assertEqual(
            self.keys._get_secrets__([copied.reference], server=self.server)[copied.reference].reveal(),
            "for web",
        )
        server = self.server.copy()
        self.assertEqual(self._found(server), "for web")

    def test_references_of_values_follow(self):
        value = self._value("x", self.server)
        self.secret.reference = "Renamed"
        self.assertRegex(value.reference, "^Renamed_key_value_[12]$")

    def test_partner(self):
        child = self.env["res.partner"].create({"name": "Child", "parent_id": self.partner.id})
        self._new_server("Child server", users=self.user, partner_id=child.id)
        self.assertEqual((self.partner | child).mapped("server_count"), [2, 1])
        self.assertEqual(self.partner.with_user(self.user).server_count, 1)
        action = self.partner.action_view_partner_servers()
        self.assertEqual(self.env["cx.tower.server"].search_count(action["domain"]), 2)

    # ------------------------------------------------------------------ validation of a value

    def test_validate_secret(self):
        self._value("own", self.server)
        for value, reference, server, expected in [
            ("global", "Token", None, True),
            ("global", "#!cxtower.secret.Token!#", None, True),
            ("global", "Token", self.server, False),
            ("own", "Token", self.server, True),
            ("wrong", "Token", None, False),
            ("", "Token", None, False),
            (None, "Token", None, False),
            (None, "unknown", None, False),
            (False, "unknown", None, False),
            ("None", "unknown", None, False),
            (5, "Token", None, False),
            ("global", None, None, False),
        ]:
            with self.subTest(value=value, reference=reference):
                self.assertIs(self.keys._validate_secret(value, reference, server=server), expected)

    def test_who_may_validate(self):
        for person in (self.outsider, self.user):
            with self.subTest(person.login), self.assertRaises(AccessError):
                self.keys.with_user(person)._validate_secret("global", "Token")
        self.assertTrue(self.keys.with_user(self.manager)._validate_secret("global", "Token"))
        with self.assertRaises(AccessError):
            self.keys.with_user(self.manager)._validate_secret(
                "global", "Token", server=self.server.with_user(self.manager)
            )

    def test_guessing_is_limited_for_each_person(self):
        limiter = AttemptLimiter(limit=3, period_s=60, clock=lambda: 0)
        path = "odoo.addons.cetmix_tower_server.models.vault.cx_tower_key._guesses"
        keys = self.keys.with_user(self.manager)
        with patch(path, limiter):
            for _ in range(3):
                self.assertFalse(keys._validate_secret("guess", "Token"))
            with self.assertRaisesRegex(UserError, "Too many"):
                keys._validate_secret("global", "Token")
            self.assertTrue(self.keys.with_user(self.manager_2)._validate_secret("global", "Token"))
