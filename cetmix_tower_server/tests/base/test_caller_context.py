from odoo.tests import tagged
from odoo.tools import mute_logger

from ..api_case import PROTOCOLS, ApiCase, Refused
from ..common import slow
from .context_keys_case import ContextKeysCase

QUIET = ("odoo.http", "odoo.addons.rpc.controllers.jsonrpc", "odoo.addons.rpc.controllers.xmlrpc")

# Only Tower itself can set these, in a class of its own: see models/base/engine_context.py. All of them travel through Odoo's
# own methods (write, copy, create, unlink) to records that no argument of ours could reach.
ENGINE = {
    "from_yaml",
    "tower_file_cascade",
    "tower_file_quiet",
    "tower_copied_texts",
}
# Code that runs as superuser can set these, too, but not callers over RPC.
SUPERUSER = {"server_force_delete", "skip_ssh_settings_check"}  # Root can set the first; it is logged
# Keys that any caller can set, and why they decide nothing.
ANYBODY = {
    "active_ids": "what a wizard begins with; checked like everything that is chosen in it",
    "active_model": "as active_ids",
    "cx_allow_log_text_update": "a guard against mistakes: who may write a server log may set its text",
    "default_plan_id": "what a wizard begins with; checked when it is run",
    "default_server_dir": "where a new file goes; checked like a given value",
    "default_command_id": "what a wizard begins with; checked when it is run",
    "default_server_template_id": "what a wizard begins with; checked when it is run",
    "default_user_id": "whose a scheduled task is; checked like a given value",
    "no_command_log": "the call waits for the end and returns it; rights, log and limits are the same",
    "reference_mixin_override": "a given reference is stored unchanged or refused",
    "reference_mixin_skip_copy": "a copy keeps its name",
    "server_id": "what a shortcut is to run on; checked like an argument",
}


@tagged("post_install", "-at_install")
class TestContextKeys(ContextKeysCase):
    """Keys that this addon reads; other addons read some of them, too."""

    known_keys = frozenset(ENGINE | SUPERUSER | set(ANYBODY))

    def test_the_keys_of_the_engine_are_found(self):
        self.assertEqual(ENGINE & self.context_keys(), ENGINE, "the search for keys finds too few")


@tagged("post_install", "-at_install")
class TestCallerContext(ApiCase):
    """The context of a call gives its caller no additional rights."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Command = cls.env["cx.tower.command"]
        cls.no_secret = Command.create(
            {"name": "No secret", "reference": "no_secret", "code": "echo #!cxtower.secret.nowhere!#"}
        )
        cls.env["cx.tower.key"].create({"name": "nowhere", "reference": "nowhere", "key_type": "s"})
        cls.plan = cls.env["cx.tower.plan"].create(
            {
                "name": "API",
                "reference": "api_plan",
                "line_ids": [(0, 0, {"command_id": cls.command.id}), (0, 0, {"command_id": cls.command.id})],
            }
        )
        cls.other = cls.server.copy({"name": "Other", "reference": "api_other"})
        cls.other.manager_ids = cls.people["manager"]
        roles = {"manager_ids": [(4, cls.people["manager"].id)]}
        cls.template = cls.env["cx.tower.file.template"].create(
            {"name": "API", "file_name": "a", "server_dir": "/tmp", "code": "a", **roles}
        )

    def make(self, protocol, model, values, context):
        """Create a record as a Manager. :return: list with its id"""
        if protocol == "json2":
            return self.call(protocol, "manager", model, "create", vals_list=[values], context=context)
        return self.call(protocol, "manager", model, "create", [values], context=context)

    def work(self, protocol, context):
        """Do what starts runs, as a Manager with this context. :return: the result"""

        def call(model, method, ids=None, **arguments):
            return self.call(protocol, "manager", model, method, ids, context=context, **arguments)

        command = call("cx.tower.server", "run_command", [self.server.id], command="api_command")
        refused = call("cx.tower.server", "run_command", [self.server.id, self.other.id], command="no_secret")
        plan = call("cx.tower.server", "run_flight_plan", [self.server.id], flight_plan="api_plan")
        plan_log = self.env["cx.tower.plan.log"].browse(plan)
        fleet = call(
            "cx.tower.fleet.run", "start", None, plan="api_plan", servers=["api_server", "api_other"]
        )
        file_values = {"server_id": self.server.id, "template_id": self.template.id, "auto_sync": True}
        (file_id,) = self.make(protocol, "cx.tower.file", file_values, context)
        file = self.env["cx.tower.file"].browse(file_id)
        transfers = self.env["cx.tower.command.log"].search_count([("file_ids", "in", file_id)])
        call("cx.tower.file.template", "write", [self.template.id], vals={"code": f"b{file_id}"})
        outcome = {
            "command": command["state"],
            "without secret": [log["state"] for log in refused["logs"]],
            "plan": (plan_log.state, plan_log.plan_status, len(plan_log.command_log_ids)),
            "fleet": fleet["state"],
            "file": (file.sync_state, transfers, file.sync_wanted),
        }
        file.with_context(active_test=False).write({"keep_when_deleted": True, "auto_sync": False})
        file.unlink()
        return outcome

    @mute_logger(*QUIET)
    @slow
    def test_nobody_speaks_for_the_engine(self):
        expected = self.work("json2", {})
        self.assertEqual(expected["command"], "done")
        self.assertEqual(expected["plan"], ("done", 0, 2))
        self.assertEqual(expected["without secret"], ["failed", "failed"])
        for key in sorted(ENGINE):
            for protocol in PROTOCOLS:
                with self.subTest(key=key, protocol=protocol):
                    self.assertEqual(self.work(protocol, {key: "said by a caller"}), expected)

    @mute_logger(*QUIET)
    def test_defaults_of_the_caller_do_not_reach_into_runs(self):
        context = {
            "default_state": "done",
            "default_is_held": True,
            "default_user_id": self.people["user"].id,
            "default_attempts_total": 9,
            "default_message": "forged",
            "default_stop_requested_by_id": self.people["user"].id,
            "default_active": False,
            "default_label": "forged",
        }
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                started = self.call(
                    protocol,
                    "manager",
                    "cx.tower.server",
                    "run_command",
                    [self.server.id],
                    command="api_command",
                    context=context,
                )
                log = self.env["cx.tower.command.log"].browse(started["id"])
                self.assertTrue(log.active)
                self.assertFalse(log.is_held or log.label or log.message or log.stop_requested_by_id)
                self.assertEqual((log.state, log.user_id), ("done", self.people["manager"]))
                started = self.call(
                    protocol,
                    "manager",
                    "cx.tower.fleet.run",
                    "start",
                    None,
                    plan="api_plan",
                    servers=["api_server"],
                    context=context | {"default_is_halted": True, "default_failures": 5},
                )
                fleet = self.env["cx.tower.fleet.run"].browse(started["id"])
                self.assertEqual((fleet.state, fleet.failures, fleet.label), ("done", 0, False))

    @mute_logger(*QUIET)
    def test_no_context_gets_past_the_checks_of_a_server(self):
        values = {"name": "Half known", "ssh_username": "tower"}
        context = {"skip_ssh_settings_check": True}
        for protocol in PROTOCOLS:
            for incomplete in (
                {},
                {"ip_v4_address": "192.0.2.1"},
                {"ip_v4_address": "192.0.2.1", "ssh_auth_mode": "k"},
            ):
                with self.subTest(protocol=protocol, values=incomplete), self.assertRaises(Refused):
                    self.make(protocol, "cx.tower.server", values | incomplete, context)

    @mute_logger(*QUIET)
    def test_no_context_gets_past_the_delete_plan(self):
        manager = self.people["manager"]
        mine = self.env["cx.tower.server"].with_user(manager)
        for protocol in PROTOCOLS:
            server = mine.create(
                {
                    "name": "Mine",
                    "ip_v4_address": "192.0.2.1",
                    "ssh_username": "tower",
                    "ssh_password": "not used",
                    "plan_delete_id": self.plan.id,
                }
            )
            with self.subTest(protocol):
                self.call(
                    protocol,
                    "manager",
                    "cx.tower.server",
                    "unlink",
                    [server.id],
                    context={"server_force_delete": True},
                )
                self.assertTrue(server.sudo().exists().delete_plan_log_id)

    @mute_logger(*QUIET)
    def test_no_context_stores_an_illegal_reference(self):
        context, model = {"reference_mixin_override": True}, "cx.tower.tag"
        tag = self.env[model].create({"name": "Some tag"})
        for protocol in PROTOCOLS:
            for reference in ("Über allem", "a b", "{{ x }}", "A", 5):
                with self.subTest(protocol=protocol, reference=reference):
                    with self.assertRaisesRegex(Refused, "is not a valid reference"):
                        self.make(protocol, model, {"name": "Tag", "reference": reference}, context)
                    with self.assertRaisesRegex(Refused, "is not a valid reference"):
                        values = {"reference": reference}
                        self.call(protocol, "manager", model, "write", [tag.id], vals=values, context=context)
            for reference in ("", False, f"as_it_is_{protocol}"):
                with self.subTest(protocol=protocol, reference=reference):
                    (made,) = self.make(protocol, model, {"name": "Tag", "reference": reference}, context)
                    self.assertRegex(self.env[model].browse(made).reference, f"^{reference or 'tag'}")

    @mute_logger(*QUIET)
    def test_the_text_of_a_log_is_set_only_by_those_who_may_write_it(self):
        log = self.env["cx.tower.server.log"].create(
            {"name": "API", "server_id": self.server.id, "command_id": self.command.id, "access_level": "1"}
        )
        for who, context in (("user", {"cx_allow_log_text_update": True}), ("manager", {})):
            with self.subTest(who), self.assertRaises(Refused):
                self.call(
                    "json2",
                    who,
                    "cx.tower.server.log",
                    "write",
                    [log.id],
                    vals={"log_text": "forged"},
                    context=context,
                )
