"""Shortcuts: whom they let run what, where; and that nothing else is opened by them."""

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..api_case import PROTOCOLS, ApiCase, Refused
from ..browser import BrowserCase
from ..run.run_case import RunCase

SECRET_LINE = "the_code_nobody_sees = 1"


class ShortcutCase(RunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_server = (
            cls.env["cx.tower.server"]
            .with_context(skip_ssh_settings_check=True)
            .create(
                {"name": "Other", "ip_v4_address": "127.0.0.1", "ssh_username": "tower", "user_ids": False}
            )
        )
        cls.command = cls.env["cx.tower.command"].create(
            {
                "name": "Root's own",
                "action": "python_code",
                "code": f'{SECRET_LINE}\nresult = {{"exit_code": 0, "message": "done for " + user.login}}',
                "access_level": "3",
            }
        )
        cls.shortcut = cls.new_shortcut(cls.command)

    @classmethod
    def new_shortcut(cls, target, **values):
        what = {"action": "plan", "plan_id": target.id} if target._name.endswith("plan") else {}
        facts = {"name": "Do it", "access_level": "1", "command_id": target.id, "server_ids": cls.server.ids}
        if what:
            del facts["command_id"]
        return cls.env["cx.tower.shortcut"].create(facts | what | values)

    def run_shortcut(self, person, *arguments, shortcut=None, **context):
        shortcut = (shortcut or self.shortcut).with_user(person).with_context(**context)
        return shortcut.run(*arguments)

    def log_of(self, started, model="cx.tower.command.log"):
        return self.env[model].browse(started["id"])


@tagged("post_install", "-at_install")
class TestShortcut(ShortcutCase):
    # ------------------------------------------------------------------ where

    def test_the_server_by_every_name(self):
        server = self.server
        for arguments, context in (
            ((server,), {}),
            ((server.id,), {}),
            ((server.reference,), {}),
            (([server.id],), {}),
            (([server.reference],), {}),
            ((), {"server_id": server.id}),
            ((), {"server_id": server.reference}),
            ((), {}),  # it has only one
        ):
            with self.subTest(arguments=arguments, context=context):
                started = self.run_shortcut(self.user, *arguments, **context)
                log = self.log_of(started)
                self.assertEqual((log.server_id, log.command_id), (server, self.command))
                self.assertEqual((log.state, log.shortcut_id), ("done", self.shortcut))
                self.assertEqual(log.user_id, self.user)
                self.assertEqual(started["reference"], log.reference)
                self.assertEqual(started["logs"][0]["server"], server.reference)
                self.assertEqual(started["model"], "cx.tower.command.log")

    def test_many_servers_at_once(self):
        self.other_server.user_ids = self.user
        both = self.server | self.other_server
        self.shortcut.server_ids = both
        started = self.run_shortcut(self.user, both.ids)
        self.assertEqual([row["server"] for row in started["logs"]], both.mapped("reference"))
        self.assertNotIn("id", started)
        with self.assertRaisesRegex(UserError, "Choose one"):
            self.run_shortcut(self.user)

    def test_never_on_a_server_that_is_not_its_own(self):
        """The refusal is an error, never silence."""
        self.other_server.user_ids = self.user | self.manager
        for person in (self.user, self.manager, self.root, self.env.user):
            for arguments, context in (
                ((self.other_server,), {}),
                (((self.server | self.other_server).ids,), {}),
                ((), {"server_id": self.other_server.id}),
            ):
                with self.subTest(person=person.login, arguments=arguments):
                    with self.assertRaisesRegex(UserError, "not attached to Other"):
                        self.run_shortcut(person, *arguments, **context)

    def test_never_on_a_server_that_the_person_may_not_read(self):
        self.shortcut.server_ids += self.other_server
        for server in (self.other_server, self.other_server.id, self.other_server.ids):
            with self.subTest(server=server), self.assertRaises(AccessError):
                self.run_shortcut(self.user, server)
        with self.assertRaisesRegex(ValidationError, f"no Tower Server “{self.other_server.reference}”"):
            self.run_shortcut(self.user, self.other_server.reference)
        # the other one is the only one to be meant
        self.assertEqual(self.log_of(self.run_shortcut(self.user)).server_id, self.server)

    def test_what_names_no_server(self):
        for wrong in ("nowhere", 999999999, [True], [1.5], {"id": 1}, object()):
            with self.subTest(wrong=wrong), self.assertRaises(UserError):
                self.run_shortcut(self.user, wrong)
        self.shortcut.server_ids = False
        with self.assertRaisesRegex(UserError, "not attached to any server"):
            self.run_shortcut(self.root)

    def test_nothing_that_is_archived(self):
        for record, error in (
            (self.shortcut, "archived"),
            (self.command, "archived"),
            (self.server, "archived"),
        ):
            with self.subTest(record=record):
                record.active = False
                with self.assertRaisesRegex(UserError, error):
                    self.run_shortcut(self.user, self.server.id)
                record.active = True
        self.run_shortcut(self.user, self.server)

    # ------------------------------------------------------------------ levels

    def test_its_level_counts_in_place_of_the_targets(self):
        cases = {"1": "u m r", "2": "m r", "3": "r"}
        for level, allowed in cases.items():
            self.shortcut.access_level = level
            for letter, person in (("u", self.user), ("m", self.manager), ("r", self.root)):
                with self.subTest(level=level, person=person.login):
                    if letter in allowed:
                        log = self.log_of(self.run_shortcut(person, self.server))
                        self.assertEqual(log.state, "done")
                        log.with_user(person).check_access("read")
                    else:
                        with self.assertRaises(AccessError):
                            self.run_shortcut(person, self.server)

    def test_a_shortcut_above_its_target_keeps_its_runs_for_itself(self):
        self.command.access_level = "1"
        self.shortcut.access_level = "3"
        log = self.log_of(self.run_shortcut(self.root))
        self.assertEqual((log.access_level, log.is_code_hidden), ("3", False))
        self.assertFalse(log.with_user(self.manager).has_access("read"))

    def test_nothing_else_is_opened(self):
        self.run_shortcut(self.user)
        command = self.command.with_user(self.user)
        self.assertFalse(command.has_access("read"))
        with self.assertRaises(AccessError):
            self.server.with_user(self.user).run_command(command)
        with self.assertRaisesRegex(UserError, "variable_values"):
            self.shortcut.with_user(self.user).run(self.server, variable_values={"x": "y"})
        stranger = self.env["res.users"].search([("login", "=", "run_stranger")]) or self.env[
            "res.users"
        ].create({"name": "S", "login": "run_stranger"})
        with self.assertRaises(AccessError):
            self.run_shortcut(stranger, self.server)

    def test_the_code_is_not_readable_by_that(self):
        """What a person may run but not read: neither in the log nor by searching."""
        for level, person in (("1", self.user), ("2", self.manager)):
            self.shortcut.access_level = level
            log = self.log_of(self.run_shortcut(person))
            own = log.with_user(person)
            with self.subTest(person=person.login):
                self.assertTrue(own.is_code_hidden)
                self.assertIn("done for", own.command_response)
                names = [name for name, field in own._fields.items() if own._has_field_access(field, "read")]
                self.assertNotIn("hidden_code", names)
                self.assertNotIn(SECRET_LINE, str(own.read(names)))
                self.assertNotIn(SECRET_LINE, str(own.read_output()))
                with self.assertRaises(AccessError):
                    own.read(["hidden_code"])
                with self.assertRaises(AccessError):
                    own.search([("hidden_code", "ilike", "nobody")])
                self.assertFalse(own.search([("code", "ilike", "nobody_sees")]))
                self.assertIn(SECRET_LINE, log.with_user(self.root).hidden_code)

    def test_code_that_the_person_may_read_is_shown(self):
        self.command.access_level = "1"
        log = self.log_of(self.run_shortcut(self.user))
        self.assertFalse(log.is_code_hidden)
        self.assertIn(SECRET_LINE, log.with_user(self.user).code)

    def test_the_steps_of_a_plan(self):
        """A plan above the shortcut's level, a step above it, a plan inside: no code, no condition."""
        open_command = self.python("open_line = 1", name="Open", access_level="1", allow_parallel_run=True)
        self.command.allow_parallel_run = True
        Plan = self.env["cx.tower.plan"]
        for plan_level, hidden in (("3", [True, True, True]), ("1", [False, True, False])):
            inner = Plan.create(
                {
                    "name": "Inner",
                    "access_level": plan_level,
                    "line_ids": [(0, 0, {"command_id": open_command.id})],
                }
            )
            runs_inner = self.env["cx.tower.command"].create(
                {"name": "In", "action": "plan", "flight_plan_id": inner.id, "access_level": "1"}
            )
            lines = [
                {"command_id": open_command.id, "condition": "1 == 1"},
                {"command_id": self.command.id, "condition": "2 == 2"},
                {"command_id": runs_inner.id},
            ]
            plan = Plan.create(
                {
                    "name": "Plan",
                    "access_level": plan_level,
                    "line_ids": [(0, 0, {"sequence": n, **line}) for n, line in enumerate(lines)],
                }
            )
            shortcut = self.new_shortcut(plan)
            started = self.run_shortcut(self.user, shortcut=shortcut)
            self.assertEqual(started["model"], "cx.tower.plan.log")
            run = self.log_of(started, "cx.tower.plan.log")
            self.assertEqual((run.state, run.shortcut_id), ("done", shortcut))
            steps = run.command_log_ids.sorted("position")
            inside = steps[2].triggered_plan_log_id.command_log_ids
            with self.subTest(plan_level=plan_level):
                self.assertEqual((steps[0] | steps[1] | inside).mapped("is_code_hidden"), hidden)
                for step in (steps | inside).filtered("is_code_hidden").with_user(self.user):
                    self.assertEqual((step.code, step.condition, step.path), (False, False, False))
                text = str(run.with_user(self.user).read_progress())
                self.assertNotIn(SECRET_LINE, text)
                self.assertEqual("1 == 1" in text, not hidden[0])
                self.assertIn("2 == 2", str(run.with_user(self.root).read_progress()))
                self.assertIn(SECRET_LINE, steps[1].with_user(self.root).hidden_code)

    def test_a_command_that_runs_a_plan(self):
        plan = self.env["cx.tower.plan"].create(
            {"name": "Hidden", "access_level": "3", "line_ids": [(0, 0, {"command_id": self.command.id})]}
        )
        command = self.env["cx.tower.command"].create(
            {"name": "Runs it", "action": "plan", "flight_plan_id": plan.id, "access_level": "3"}
        )
        log = self.log_of(self.run_shortcut(self.user, shortcut=self.new_shortcut(command)))
        self.assertEqual(log.state, "done")
        step = log.triggered_plan_log_id.command_log_ids
        self.assertTrue(step.is_code_hidden)
        self.assertNotIn(SECRET_LINE, str(step.with_user(self.user).read(["code", "path", "condition"])))

    def test_run_again_goes_through_the_shortcut(self):
        log = self.log_of(self.run_shortcut(self.user)).with_user(self.user)
        again = self.env["cx.tower.command.log"].browse(log.action_run_again()["res_id"])
        self.assertEqual(
            (again.shortcut_id, again.is_code_hidden, again.state), (self.shortcut, True, "done")
        )
        self.shortcut.access_level = "3"
        with self.assertRaises(AccessError):
            log.action_run_again()

    def test_a_run_outlives_its_shortcut(self):
        log = self.log_of(self.run_shortcut(self.user))
        self.shortcut.unlink()
        self.assertTrue(log.exists())
        self.assertFalse(log.shortcut_id)
        self.assertTrue(log.is_code_hidden)
        with self.assertRaises(AccessError):
            log.with_user(self.user).action_run_again()

    def test_what_cannot_begin_says_why(self):
        self.command.server_ids = self.other_server
        log = self.log_of(self.run_shortcut(self.user))
        self.assertEqual((log.state, log.command_status), ("failed", -207))

    def test_the_button(self):
        action = self.shortcut.with_user(self.user).with_context(server_id=self.server.id).action_run()
        log = self.env["cx.tower.command.log"].search([("shortcut_id", "=", self.shortcut.id)])
        self.assertEqual(action["tag"], "display_notification")
        self.assertEqual(action["params"]["type"], "success")
        self.assertTrue(action["params"]["links"][0]["url"].endswith(f"/{log.id}"))

    # ------------------------------------------------------------------ who attaches them

    def test_only_root_attaches_a_shortcut(self):
        own = self.server.with_user(self.manager)
        values = {"name": "New", "ip_v4_address": "127.0.0.1", "ssh_username": "x", "ssh_password": "x"}
        Server = own.browse()
        other = self.new_shortcut(self.command, server_ids=False)
        for number, attempt in enumerate(
            (
                lambda: own.write({"shortcut_ids": [(4, other.id)]}),
                lambda: own.write({"shortcut_ids": [(3, self.shortcut.id)]}),
                lambda: own.write({"shortcut_ids": [(5,)]}),
                lambda: own.write({"shortcut_ids": [(0, 0, {"name": "x", "command_id": self.command.id})]}),
                lambda: Server.create({**values, "shortcut_ids": [(4, self.shortcut.id)]}),
                lambda: Server.with_context(default_shortcut_ids=self.shortcut.ids).create(values),
                lambda: self.shortcut.with_user(self.manager).write({"access_level": "1"}),
                lambda: self.shortcut.with_user(self.manager).copy(),
                lambda: self.shortcut.with_user(self.manager).unlink(),
            )
        ):
            with self.subTest(number), self.assertRaises(AccessError), self.env.cr.savepoint():
                attempt()
                self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.server.shortcut_ids, self.shortcut)
        own.write({"note": "x", "shortcut_ids": [(4, self.shortcut.id)]})  # nothing changes by that
        self.assertFalse(self.server.copy({"ssh_password": "x"}).shortcut_ids)
        self.server.with_user(self.root).write({"shortcut_ids": [(4, other.id)]})
        self.assertIn(other, self.server.shortcut_ids)

    def test_what_can_be_run_by_itself(self):
        with self.assertRaisesRegex(ValidationError, "Choose the command"):
            self.new_shortcut(self.command, action="plan")
        self.assertFalse(self.new_shortcut(self.command, access_level="3").access_level_warn_msg)
        self.assertIn("level Root", self.shortcut.access_level_warn_msg)


@tagged("post_install", "-at_install")
class TestShortcutApi(ApiCase):
    def test_plain_values_over_every_protocol(self):
        shortcut = self.env["cx.tower.shortcut"].create(
            {
                "name": "API",
                "access_level": "1",
                "command_id": self.secret_command.id,
                "server_ids": self.server.ids,
            }
        )
        self.secret_command.write({"action": "python_code", "code": "result = {'exit_code': 0}"})
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol), mute_logger("odoo.http", "odoo.addons.rpc"):
                keywords = {} if protocol == "xmlrpc" else {"server": "api_server"}
                started = self.call(protocol, "user", "cx.tower.shortcut", "run", shortcut.ids, **keywords)
                log = self.env["cx.tower.command.log"].browse(started["id"])
                self.assertEqual((log.reference, log.shortcut_id), (started["reference"], shortcut))
                for who in ("stranger",):
                    with self.assertRaises(Refused):
                        self.call(protocol, who, "cx.tower.shortcut", "run", shortcut.ids)


@tagged("post_install", "-at_install")
class TestShortcutTour(BrowserCase):
    def test_one_click(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        groups = "base.group_user,cetmix_tower_server.group_user"
        operator = new_test_user(self.env, "tour_operator", groups, password="tour_operator")
        server = (
            self.env["cx.tower.server"]
            .with_context(skip_ssh_settings_check=True)
            .create(
                {
                    "name": "Tour server",
                    "ip_v4_address": "127.0.0.1",
                    "ssh_username": "nobody",
                    "user_ids": operator.ids,
                }
            )
        )
        command = self.env["cx.tower.command"].create(
            {
                "name": "Tour command",
                "action": "python_code",
                "code": "result = {'exit_code': 0}",
                "access_level": "3",
            }
        )
        shortcut = self.env["cx.tower.shortcut"].create(
            {
                "name": "Tour shortcut",
                "command_id": command.id,
                "access_level": "1",
                "server_ids": server.ids,
                "note": "Restarts what hangs.",
            }
        )
        self.start_tour("/odoo/cetmix_tower_servers", "tower_shortcut", login="tour_operator", timeout=120)
        logs = self.env["cx.tower.command.log"].search([("shortcut_id", "=", shortcut.id)])
        self.assertEqual(logs.mapped("state"), ["done", "done"])
        self.assertEqual(logs.user_id, operator)


@tagged("post_install", "-at_install")
class TestNewShortcut(RunCase):
    def test_a_new_shortcut_warns_of_nothing_and_runs_without_sudo(self):
        form = Form(self.env["cx.tower.shortcut"])
        self.assertFalse(form.access_level_warn_msg)
        self.assertFalse(form.use_sudo)
