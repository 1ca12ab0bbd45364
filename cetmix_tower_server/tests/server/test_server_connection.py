import socket
import time
import unittest

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ...models.server.host_key import FETCH_LIMIT_S, bounded, parse_key
from ..local_sshd import SSHD, LocalSshd, free_port
from .server_case import KEY_1, KEY_2, ServerCase


class HostCase(ServerCase):
    """``server`` is a real sshd on this machine, its host key stored."""

    @classmethod
    def setUpClass(cls):
        if not SSHD:
            raise unittest.SkipTest("there is no sshd on this machine")
        super().setUpClass()
        cls.host = LocalSshd().start()
        cls.addClassCleanup(cls.host.close)
        cls.key = cls._new_key(
            name="Log in", secret_value=cls.host.user_key, manager_ids=[(6, 0, cls.manager.ids)]
        )
        cls.server.write(
            {
                "ip_v4_address": "127.0.0.1",
                "ssh_port": cls.host.port,
                "ssh_username": cls.host.username,
                "ssh_auth_mode": "k",
                "ssh_key_id": cls.key.id,
                "host_key": cls.host.host_key,
            }
        )

    def _test(self, **options):
        server = self.server.with_user(self.manager)
        return server.test_ssh_connection(raise_on_error=False, return_notification=False, **options)

    def _failed(self, result):
        return [step["name"] for step in result["steps"] if not step["ok"]]


@tagged("post_install", "-at_install")
class TestServerConnection(HostCase):
    """The connection test, against a real sshd."""

    def test_everything_works(self):
        result = self._test()
        self.assertEqual((result["status"], result["error"], self._failed(result)), (0, "", []))
        names = [step["name"] for step in result["steps"]]
        self.assertEqual(names, ["name", "tcp", "host key", "authentication", "shell", "sftp"])
        self.assertTrue(all(step["label"] and step["seconds"] >= 0 for step in result["steps"]))

    def test_parts_can_be_left_out(self):
        result = self._test(try_command=False, try_file=False)
        self.assertEqual([step["name"] for step in result["steps"]][-1], "authentication")

    def test_what_fails_is_named(self):
        wrong_key = self._new_key(name="Other", secret_value=self.host.make_key("other_key"))
        for values, step in (
            ({"ssh_port": free_port()}, "tcp"),
            ({"ip_v4_address": "does-not-exist.invalid"}, "name"),
            ({"host_key": KEY_1}, "host key"),
            ({"host_key": False}, "host key"),
            ({"ssh_key_id": wrong_key.id}, "authentication"),
        ):
            with self.subTest(step=step, values=values), self.cr.savepoint() as savepoint:
                self.server.write(values)
                result = self._test()
                self.assertEqual((result["status"], self._failed(result)), (503, [step]))
                self.assertTrue(result["error"])
                savepoint.rollback()
                self.env.invalidate_all()

    def test_changed_host_key_names_both_fingerprints(self):
        self.server.host_key = KEY_1
        error = self._test()["error"]
        self.assertIn(parse_key(KEY_1).fingerprint, error)
        self.assertIn(parse_key(self.host.host_key).fingerprint, error)

    def test_ways_to_answer(self):
        server = self.server.with_user(self.manager)
        self.assertEqual(server.test_ssh_connection()["params"]["type"], "success")
        self.server.ssh_port = free_port()
        with self.assertRaisesRegex(UserError, "Network"):
            server.test_ssh_connection()
        self.assertEqual(server.test_ssh_connection(raise_on_error=False)["params"]["type"], "danger")

    def test_only_who_may_write_may_test(self):
        for person in (self.user, self.stranger):
            for method in (
                "test_ssh_connection",
                "action_test_connection",
                "fetch_host_key",
                "action_show_host_key",
                "accept_host_key",
            ):
                with self.subTest(person=person.login, method=method), self.assertRaises(AccessError):
                    getattr(self.server.with_user(person), method)()

    def test_result_is_stored_in_a_transaction_of_its_own(self):
        with self.enter_registry_test_mode():
            self._test(try_command=False, try_file=False)
            self.env.invalidate_all()
            self.assertEqual((self.server.connection_state, self.server.connection_message), ("ok", False))
            self.assertTrue(self.server.connection_checked)
            self.server.ssh_port = free_port()
            self._test()
            self.env.invalidate_all()
            self.assertEqual(self.server.connection_state, "failed")
            self.assertIn("Network", self.server.connection_message)


@tagged("post_install", "-at_install")
class TestServerHostKey(HostCase):
    """Fetching and accepting the key of a real sshd."""

    def test_fetched_key_is_compared_with_the_stored_one(self):
        server = self.server.with_user(self.manager)
        actual = parse_key(self.host.host_key)
        for stored, matches in ((self.host.host_key, True), (KEY_1, False), (False, False)):
            with self.subTest(stored=stored):
                self.server.host_key = stored
                fetched = server.fetch_host_key()
                self.assertEqual(fetched["matches_stored"], matches)
                self.assertEqual(fetched["key"], self.host.host_key)
                self.assertEqual((fetched["type"], fetched["fingerprint"]), (actual.type, actual.fingerprint))
                self.assertEqual(
                    fetched["stored_fingerprint"], parse_key(stored).fingerprint if stored else ""
                )

    def test_accepting_by_fingerprint_asks_the_host_again(self):
        server = self.server.with_user(self.manager)
        self.server.write({"host_key": KEY_1, "skip_host_key": True})
        with self.assertRaisesRegex(ValidationError, "It was not stored"):
            server.accept_host_key(parse_key(KEY_2).fingerprint)
        self.assertEqual(self.server.host_key, KEY_1)
        accepted = server.accept_host_key(parse_key(self.host.host_key).fingerprint)
        self.assertEqual(accepted["type"], "ssh-ed25519")
        self.assertEqual((self.server.host_key, self.server.skip_host_key), (self.host.host_key, False))
        self.assertEqual(self.server.message_ids[0].author_id, self.manager.partner_id)

    def test_accepting_a_key(self):
        server = self.server.with_user(self.manager)
        server.accept_host_key(key=KEY_2)
        self.assertEqual(self.server.host_key, KEY_2)
        with self.assertRaises(ValidationError):
            server.accept_host_key(key="nonsense")
        with self.assertRaises(ValidationError):
            server.accept_host_key(key=KEY_2, fingerprint=parse_key(KEY_1).fingerprint)

    def test_wizard(self):
        server = self.server.with_user(self.manager)
        for stored, comparison in ((self.host.host_key, "same"), (KEY_1, "different"), (False, "new")):
            with self.subTest(comparison=comparison):
                self.server.write({"host_key": stored, "skip_host_key": True})
                action = server.action_show_host_key()
                wizard = server.env[action["res_model"]].browse(action["res_id"])
                self.assertEqual((wizard.comparison, wizard.is_error), (comparison, False))
                wizard.action_insert_host_key()
                self.assertEqual(
                    (self.server.host_key, self.server.skip_host_key), (self.host.host_key, False)
                )

    def test_wizard_says_why_there_is_no_key(self):
        self.server.ssh_port = free_port()
        action = self.server.with_user(self.manager).action_show_host_key()
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        self.assertTrue(wizard.is_error and wizard.error)

    def test_waiting_for_a_silent_host_is_bounded(self):
        self.server.jump_server_id = self._new_server(
            name="Jump", jump_server_id=self._new_server(name="Far").id
        )
        target = bounded(self.server._connection_target__(), FETCH_LIMIT_S)
        total = 0
        while target:
            total += target.settings.connect_timeout_s + target.settings.auth_timeout_s
            target = target.jump
        self.assertLessEqual(total, FETCH_LIMIT_S)

    def test_fetching_from_a_server_through_a_jump_host(self):
        jump = self.server.copy({"name": "Jump"})
        self.server.write({"jump_server_id": jump.id, "host_key": False})
        self.assertEqual(self.server.fetch_host_key()["key"], self.host.host_key)
        self.assertEqual(self.server._get_host_key_from_host(), self.host.host_key)  # as scripts call it

    def test_fetching_ends_when_a_host_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.server.write({"ssh_port": silent.getsockname()[1], "connect_timeout_s": 1})
            began = time.monotonic()
            with self.assertRaises(UserError):
                self.server.fetch_host_key()
            self.assertLess(time.monotonic() - began, 4)
