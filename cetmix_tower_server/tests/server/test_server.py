from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ...engine.secret import Secret
from ...models.server.host_key import parse_key
from ..common import make_private_key
from .server_case import KEY_1, KEY_2, ServerCase


@tagged("post_install", "-at_install")
class TestServerSettings(ServerCase):
    """The settings of a server that can be stored."""

    def test_address_is_required(self):
        with self.assertRaisesRegex(ValidationError, "Enter an address"):
            self._new_server(ip_v4_address=False)
        with self.assertRaisesRegex(ValidationError, "Enter an address"):
            self.server.ip_v4_address = False
        self._new_server(ip_v4_address=False, ip_v6_address="2001:db8::1")

    def test_addresses_that_are_accepted_and_refused(self):
        for field, text, expected in (
            ("ip_v4_address", " 192.0.2.1 ", "192.0.2.1"),
            ("ip_v4_address", "web.example.com", "web.example.com"),
            ("ip_v6_address", "[2001:db8::1]", "2001:db8::1"),
            ("ip_v6_address", "web.example.com", "web.example.com"),
        ):
            with self.subTest(field=field, text=text):
                self.server[field] = text
                self.assertEqual(self.server[field], expected)
        for field, text in (
            ("ip_v4_address", "192.0.2.999"),
            ("ip_v4_address", "2001:db8::1"),
            ("ip_v4_address", "web; reboot"),
            ("ip_v6_address", "192.0.2.1"),
            ("ip_v6_address", "https://web"),
        ):
            with (
                self.subTest(field=field, text=text),
                self.assertRaisesRegex(ValidationError, "is not a valid IPv"),
            ):
                self.server[field] = text

    def test_port_is_in_range(self):
        """Refused before the database is asked, whose refusal would be an error in the log."""
        template = self.env["cx.tower.server.template"].create({"name": "Port"})
        for port in (0, -1, 65536, 99999, 2**40):
            attempts = (
                lambda port=port: self._new_server(ssh_port=port),
                lambda port=port: self.server.write({"ssh_port": port}),
                lambda port=port: template.write({"ssh_port": port}),
                lambda port=port: template.copy({"ssh_port": port}),
            )
            for number, attempt in enumerate(attempts):
                with (
                    self.subTest(port=port, number=number),
                    self.assertNoLogs("odoo.sql_db", "ERROR"),
                    self.assertRaisesRegex(ValidationError, f"SSH port.*between 1 and 65535, not {port}"),
                ):
                    attempt()

    def test_limits_are_in_range(self):
        for limit in ("connect_timeout_s", "auth_timeout_s", "keepalive_interval_s", "command_timeout_s"):
            for number in (-1, 2**31):
                with (
                    self.subTest(limit=limit, number=number),
                    self.assertNoLogs("odoo.sql_db", "ERROR"),
                    self.assertRaisesRegex(ValidationError, f"between 0 and .*, not {number}"),
                ):
                    self._new_server(**{limit: number})

    def test_key_mode_needs_a_key(self):
        with self.assertRaisesRegex(ValidationError, "Choose an SSH key"):
            self._new_server(ssh_auth_mode="k")
        server = self._new_server(ssh_auth_mode="k", ssh_password=False, ssh_key_id=self._new_key().id)
        with self.assertRaisesRegex(ValidationError, "Choose an SSH key"):
            server.ssh_key_id = False

    def test_password_mode_needs_a_password(self):
        with self.assertRaisesRegex(ValidationError, "Enter the password"):
            self._new_server(ssh_password=False)
        with self.assertRaisesRegex(ValidationError, "Enter the password"):
            self.server.ssh_password = False
        server = self._new_server(ssh_auth_mode="k", ssh_password=False, ssh_key_id=self._new_key().id)
        with self.assertRaisesRegex(ValidationError, "Enter the password"):
            server.ssh_auth_mode = "p"
        server.write({"ssh_auth_mode": "p", "ssh_password": "now"})

    def test_a_log_in_by_key_never_falls_back_on_the_password(self):
        key = self.env["cx.tower.key"].create({"name": "Without its secret", "key_type": "k"})
        server = self._new_server(ssh_auth_mode="k", ssh_password="pw", ssh_key_id=key.id)
        credential = server._credentials__()[server.id]
        self.assertFalse(credential.private_key)
        self.assertTrue(credential.needs_key)
        server.ssh_auth_mode = "p"
        self.assertFalse(server._credentials__()[server.id].needs_key)

    def test_checks_can_be_skipped(self):
        servers = self.env["cx.tower.server"].with_context(skip_ssh_settings_check=True)
        servers.create({"name": "Password", "ssh_username": "tower"})
        servers.create({"name": "Key", "ssh_username": "tower", "ssh_auth_mode": "k"})

    def test_jump_hosts_may_not_lead_in_a_circle(self):
        first, second, third = (self._new_server(name=name) for name in ("First", "Second", "Third"))
        first.jump_server_id = second
        second.jump_server_id = third
        with self.assertRaisesRegex(ValidationError, "Third → First → Second → Third"):
            third.jump_server_id = first
        with self.assertRaisesRegex(ValidationError, "Web → Web"):
            self.server.jump_server_id = self.server

    def test_jump_host_and_key_must_be_known_to_the_caller(self):
        foreign_server = self._new_server(name="Foreign")
        foreign_key = self._new_key(user_ids=[(6, 0, [])], manager_ids=[(6, 0, [])])
        server = self.server.with_user(self.manager)
        with self.assertRaises(AccessError):
            server.jump_server_id = foreign_server.id
        with self.assertRaises(AccessError):
            server.write({"ssh_auth_mode": "k", "ssh_key_id": foreign_key.id})


@tagged("post_install", "-at_install")
class TestServerTarget(ServerCase):
    """The values the engine gets."""

    def test_target_of_a_server_with_password(self):
        self.server.write({"connect_timeout_s": 3, "host_key": KEY_1, "ssh_port": 2222})
        target = self.server._connection_target__()
        self.assertEqual((target.host, target.port, target.username), ("192.0.2.10", 2222, "tower"))
        self.assertEqual(target.credential.password, Secret("correct horse"))
        self.assertIsNone(target.credential.private_key)
        self.assertEqual((target.host_key, target.skip_host_key, target.name), (KEY_1, False, "Web"))
        self.assertEqual((target.settings.connect_timeout_s, target.settings.auth_timeout_s), (3, 15))
        self.assertNotIn("correct horse", repr(target))

    def test_v4_is_preferred(self):
        self.server.ip_v6_address = "2001:db8::1"
        self.assertEqual(self.server._connection_target__().host, "192.0.2.10")
        self.server.ip_v4_address = False
        self.assertEqual(self.server._connection_target__().host, "2001:db8::1")

    def test_target_with_key_has_the_password_for_hosts_that_ask_for_both(self):
        self.server.write({"ssh_auth_mode": "k", "ssh_key_id": self._new_key().id})
        credential = self.server._connection_target__().credential
        self.assertEqual(credential.password, Secret("correct horse"))
        self.assertEqual(credential.private_key, Secret(self.private_key))
        self.assertEqual(self.server._sudo_password__(), Secret("correct horse"))

    def test_jump_chain(self):
        inner, outer = (
            self._new_server(name="Inner", ssh_password="in"),
            self._new_server(name="Outer", ssh_password="out"),
        )
        self.server.jump_server_id = inner
        inner.jump_server_id = outer
        target = self.server._connection_target__()
        self.assertEqual(
            [target.jump.name, target.jump.jump.name, target.jump.jump.jump], ["Inner", "Outer", None]
        )
        self.assertEqual(target.jump.jump.credential.password, Secret("out"))
        self.assertEqual(
            set(self.server._login__().secrets.values()),
            {Secret("correct horse"), Secret("in"), Secret("out")},
        )

    def test_queries_do_not_grow_with_the_servers(self):
        jump, key = self._new_server(name="Jump"), self._new_key()
        servers = self.server
        for number in range(20):
            by_key = {"ssh_auth_mode": "k", "ssh_key_id": key.id} if number % 2 else {}
            servers |= self._new_server(name=f"Server {number}", jump_server_id=jump.id, **by_key)
        self.env.flush_all()
        servers._connection_targets__()  # fills caches that do not depend on the number of servers
        counts = []
        for some in (servers[:4], servers):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.assertEqual(set(some._connection_targets__()), set(some.ids))
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])
        self.assertLess(counts[1], 12)

    def test_user_may_not_see_how_tower_logs_in_but_a_run_can(self):
        server = self.server.with_user(self.user)
        with self.assertRaises(AccessError):
            server.read(["ip_v4_address"])
        self.assertEqual(server._connection_target__().host, "192.0.2.10")

    def test_sudo_mode(self):
        for stored, username, asked, expected in (
            (False, "tower", None, False),
            ("n", "tower", None, "n"),
            ("p", "tower", True, "p"),
            ("p", "tower", False, False),
            ("n", "root", None, False),
        ):
            with self.subTest(stored=stored, username=username, asked=asked):
                self.server.write({"use_sudo": stored, "ssh_username": username})
                self.assertEqual(self.server._sudo_mode(asked), expected)


@tagged("post_install", "-at_install")
class TestServerRecord(ServerCase):
    """Copying, archiving, deleting, actions, notes in the chatter."""

    def _new_log(self, server, **values):
        command = self.env["cx.tower.command"].search([], limit=1) or self.env["cx.tower.command"].create(
            {"name": "Command", "code": "true"}
        )
        return (
            self.env["cx.tower.command.log"]
            .sudo()
            .create({"server_id": server.id, "command_id": command.id, **values})
        )

    def test_copy_takes_the_password_and_not_the_status(self):
        self.server.write({"status": "running", "host_key": KEY_1, "connection_state": "ok"})
        copied = self.server.copy()
        self.assertEqual((copied.status, copied.connection_state, copied.host_key), (False, "unknown", KEY_1))
        self.assertEqual(copied._connection_target__().credential.password, Secret("correct horse"))

    def test_what_failed_with_other_settings_is_forgotten(self):
        key = self.env["cx.tower.key"].create(
            {"name": "Log in", "key_type": "k", "secret_value": make_private_key()}
        )
        for change in (
            lambda: self.server.write({"ssh_password": "another"}),
            lambda: self.server.write({"host_key": KEY_1}),
            lambda: self.server.write({"ssh_port": 2222}),
            lambda: self.server.write({"ssh_auth_mode": "k", "ssh_key_id": key.id}),
            lambda: key.write({"secret_value": make_private_key()}),
        ):
            self.server.sudo().write({"connection_state": "failed", "connection_message": "No way."})
            change()
            self.assertEqual(
                (self.server.connection_state, self.server.sudo().connection_message), ("unknown", False)
            )
        self.server.sudo().connection_state = "failed"
        self.server.note = "Somebody looks at it."
        self.assertEqual(self.server.connection_state, "failed")

    def test_password_is_nowhere_to_be_read(self):
        self.assertNotIn("correct horse", str(self.server.with_user(self.manager).read()))
        self.assertNotIn("correct horse", str(self.server.copy_data()))
        self.assertNotIn("correct horse", str(self.server.export_data(["ssh_password"])))
        self.cr.flush()
        self.server.ssh_password = "battery staple"
        self.cr.flush()
        self.assertNotIn("staple", str(self.server.message_ids.read(["body", "tracking_value_ids"])))

    def test_archiving_takes_the_values_along(self):
        variable = self.env["cx.tower.variable"].create({"name": "Port"})
        value = self.env["cx.tower.variable.value"].create(
            {"variable_id": variable.id, "server_id": self.server.id, "value_char": "80"}
        )
        self.server.server_toggle_active()
        self.assertFalse(self.server.active or value.active)
        self.server.server_toggle_active()
        self.assertTrue(self.server.active and value.active)
        with self.assertRaises(AccessError):
            self.server.with_user(self.user).server_toggle_active()

    def test_server_with_active_runs_is_not_deleted(self):
        log = self._new_log(self.server)
        with self.assertRaisesRegex(UserError, "unfinished runs"):
            self.server.unlink()
        log.state = "done"
        self.server.unlink()

    def test_last_run_and_count_in_a_fixed_number_of_queries(self):
        servers = self.server | self._new_server(name="Two") | self._new_server(name="None")
        self._new_log(servers[0], state="failed")
        last = self._new_log(servers[0], state="done", finish_date="2026-01-01 12:00:00")
        self._new_log(servers[1], state="failed")
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(4):  # the newest runs, what they are, and how many
            found = [
                (server.command_log_count, server.last_run_state)
                for server in servers.with_prefetch(servers.ids)
            ]
        self.assertEqual(found, [(2, "done"), (1, "failed"), (0, False)])
        self.assertEqual(servers[0].last_run_date, last.finish_date)

    def test_the_last_run_is_none_of_the_steps(self):
        """A plan that tolerated a failed step did not fail."""
        plan = self.env["cx.tower.plan"].create({"name": "Plan"})
        run = self.env["cx.tower.plan.log"].create(
            {
                "server_id": self.server.id,
                "plan_id": plan.id,
                "state": "done",
                "queued_date": "2026-01-02 12:00:00",
            }
        )
        self._new_log(self.server, state="stopped", queued_date="2026-01-01 12:00:00")
        self._new_log(self.server, state="failed", plan_log_id=run.id, queued_date="2026-01-03 12:00:00")
        run.copy(
            {"state": "failed", "parent_flight_plan_log_id": run.id, "queued_date": "2026-01-03 12:00:00"}
        )
        self.assertEqual((self.server.command_log_count, self.server.last_run_state), (1, "done"))
        self._new_log(self.server, state="interrupted", queued_date="2026-01-04 12:00:00")
        self.server.invalidate_recordset()
        self.assertEqual((self.server.command_log_count, self.server.last_run_state), (2, "interrupted"))

    def test_actions_check_that_the_server_may_be_read(self):
        for method in ("action_run_command", "action_open_command_logs"):
            with self.subTest(method=method):
                self.assertEqual(
                    getattr(self.server.with_user(self.user), method)()["type"], "ir.actions.act_window"
                )
                with self.assertRaises(AccessError):
                    getattr(self.server.with_user(self.stranger), method)()

    def test_host_key_is_normalised_and_checked(self):
        self.server.host_key = KEY_1.split()[1]
        self.assertEqual(self.server.host_key, KEY_1)
        self.assertEqual(self.server.host_key_fingerprint, parse_key(KEY_1).fingerprint)
        with self.assertRaisesRegex(ValidationError, "not a valid public key"):
            self.server.host_key = "something else"

    def test_changes_of_the_host_key_are_traced(self):
        first, second = parse_key(KEY_1).fingerprint, parse_key(KEY_2).fingerprint
        self.server.host_key = KEY_1
        self.server.host_key = KEY_2
        self.server.host_key = False
        bodies = " ".join(self.server.message_ids.mapped("body"))
        for text in (f"accepted: {first}", f"changed from {first} to {second}", f"{second} removed"):
            self.assertIn(text, bodies)
        self.cr.flush()  # changes in the transaction of the creation are not tracked
        self.server.skip_host_key = True
        self.cr.flush()
        self.assertIn(
            "skip_host_key", self.server.message_ids.sudo().tracking_value_ids.field_id.mapped("name")
        )
