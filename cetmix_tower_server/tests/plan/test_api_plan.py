from itertools import product

from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..api_case import PASSWORD, PROTOCOLS, ApiCase, Refused
from ..backends import nobody_executes

SERVER, PLAN_LOG = "cx.tower.server", "cx.tower.plan.log"
QUIET = ("odoo.http", "odoo.addons.rpc.controllers.jsonrpc", "odoo.addons.rpc.controllers.xmlrpc")
ALLOWED = "tower_test_allowed"


@tagged("post_install", "-at_install")
class TestApiPlan(ApiCase):
    """Flight plans over each of the three protocols, as people of each level."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A manager who may look at the server, but does not manage it.
        visitor = new_test_user(
            cls.env, "api_visitor", "base.group_user,cetmix_tower_server.group_manager", password=PASSWORD
        )
        cls.add_person("visitor", visitor)
        cls.server.user_ids += visitor
        cls.env["cx.tower.variable"].create(
            {
                "name": "Who",
                "reference": "api_who",
                "access_level": "1",
                "validation_pattern": "[a-z]+",
            }
        )
        first = cls.python("custom_values['_seen'] = custom_values.get('api_who', 'nobody')")
        # Above everybody's level but Root's: whoever may run the plan runs it all the same.
        second = cls.python(
            f"allowed = env['ir.config_parameter'].sudo().get_param('{ALLOWED}')\n"
            "result = {'exit_code': 0 if allowed else 3, 'message': 'allowed: %s' % allowed}",
            access_level="3",
        )
        cls.plan = cls.env["cx.tower.plan"].create(
            {
                "name": "API plan",
                "reference": "api_plan",
                "access_level": "1",
                "user_ids": [(4, cls.people["user"].id)],
                "line_ids": [
                    (0, 0, {"sequence": 1, "command_id": first.id}),
                    (0, 0, {"sequence": 2, "command_id": second.id, "condition": "{{ _seen }} != 'x'"}),
                ],
            }
        )
        cls.root_plan = cls.env["cx.tower.plan"].create(
            {"name": "Root's", "reference": "api_root_plan", "access_level": "3"}
        )

    @classmethod
    def python(cls, code, **values):
        values = {"name": "Step", "action": "python_code", "access_level": "1", "code": code, **values}
        return cls.env["cx.tower.command"].create(values)

    def allow(self, allowed):
        """Decide whether the second step succeeds."""
        self.env["ir.config_parameter"].sudo().set_param(ALLOWED, "yes" if allowed else False)

    def run_as(self, who, protocol="json2", **arguments):
        """Start the plan over an API and return the id of its log."""
        ids = self.call(
            protocol, who, SERVER, "run_flight_plan", [self.server.id], flight_plan="api_plan", **arguments
        )
        self.assertEqual(len(ids), 1)
        return ids[0]

    def queued_run(self, who):
        """Return the id of a run whose first step waits for its turn."""
        with nobody_executes(self.env):
            return self.server.with_user(self.people[who]).run_flight_plan("api_plan").id

    # ------------------------------------------------------------------ what they may

    def test_start_read_and_wait(self):
        self.allow(True)
        for protocol, who in product(PROTOCOLS, ("user", "manager", "root")):
            with self.subTest(protocol=protocol, who=who):
                log_id = self.run_as(who, protocol, variable_values={"api_who": who})
                progress = self.call(protocol, who, PLAN_LOG, "read_progress", [log_id])
                self.assertEqual(
                    [progress[key] for key in ("id", "plan", "server", "state", "finished", "exit_code")],
                    [log_id, "API plan", "API", "done", True, 0],
                )
                self.assertEqual((progress["steps_total"], progress["steps_done"]), (2, 2))
                first, second = progress["steps"]
                self.assertEqual([first["state"], second["state"]], ["done", "done"])
                self.assertEqual(second["condition"], "{{ _seen }} != 'x'")
                # A User reads all of their own run; a Manager, in whatever run, nothing above their level: such a
                # step is told, its log is not.
                self.assertEqual(bool(second["log_id"]), who != "manager")
                self.assertTrue(first["log_id"])
                ended = self.call(protocol, who, PLAN_LOG, "wait", [log_id], timeout_s=1)
                self.assertEqual((ended["state"], ended["exit_code"]), ("done", 0))
                self.assertEqual(ended["variable_values"], {"api_who": who, "_seen": who})

    def test_start_on_many_servers_by_id(self):
        self.allow(True)
        other = self.server.copy({"name": "API 2", "manager_ids": [(4, self.people["manager"].id)]})
        for protocol, who in product(PROTOCOLS, ("manager", "root")):
            with self.subTest(protocol=protocol, who=who):
                ids = self.call(
                    protocol,
                    who,
                    SERVER,
                    "run_flight_plan",
                    [self.server.id, other.id],
                    flight_plan=self.plan.id,
                    plan_log={"label": "both"},
                )
                logs = self.env[PLAN_LOG].browse(ids)
                self.assertEqual(logs.server_id, self.server + other)
                self.assertEqual(logs.mapped("label"), ["both", "both"])

    def test_stop(self):
        for protocol, who in product(PROTOCOLS, ("user", "manager", "root")):
            with self.subTest(protocol=protocol, who=who):
                log_id = self.queued_run("user")
                self.assertTrue(self.call(protocol, who, PLAN_LOG, "read_progress", [log_id])["can_stop"])
                self.assertIs(self.call(protocol, who, PLAN_LOG, "stop", [log_id]), True)
                ended = self.call(protocol, who, PLAN_LOG, "wait", [log_id])
                self.assertEqual((ended["state"], ended["exit_code"]), ("stopped", -308))
                self.assertEqual(ended["stop_requested_by"], self.people[who].name)
                notification = self.call(protocol, who, PLAN_LOG, "action_stop", [log_id])
                self.assertEqual(notification["type"], "ir.actions.client")

    def test_resume(self):
        for protocol, who in product(PROTOCOLS, ("user", "manager", "root")):
            with self.subTest(protocol=protocol, who=who):
                self.allow(False)
                log_id = self.run_as("user", protocol, variable_values={"api_who": "first"})
                failed = self.call(protocol, who, PLAN_LOG, "read_progress", [log_id])
                self.assertEqual(
                    (failed["state"], failed["exit_code"], failed["can_resume"]), ("failed", 3, True)
                )
                self.assertEqual(self.call(protocol, who, PLAN_LOG, "resume_difference", [log_id]), "")
                self.allow(True)
                (resumed,) = self.call(protocol, who, PLAN_LOG, "resume", [log_id])
                progress = self.call(protocol, who, PLAN_LOG, "read_progress", [resumed])
                self.assertEqual((progress["state"], progress["resumed_from"]), ("done", log_id))
                self.assertEqual([step["earlier_run"] for step in progress["steps"]], [True, False])
                earlier = self.call(protocol, who, PLAN_LOG, "read_progress", [log_id])
                self.assertEqual((earlier["can_resume"], earlier["resumed_by"]), (False, resumed))

    @mute_logger(*QUIET)
    def test_resume_a_changed_plan(self):
        for protocol, who in product(PROTOCOLS, ("user", "root")):
            with self.subTest(protocol=protocol, who=who):
                self.allow(False)
                log_id = self.run_as("user", protocol)
                self.plan.line_ids[1].condition = f"{{{{ _seen }}}} != '{protocol}-{who}'"
                difference = self.call(protocol, who, PLAN_LOG, "resume_difference", [log_id])
                self.assertIn(f"{protocol}-{who}", difference)
                with self.assertRaisesRegex(Refused, "changed since(.|\n)*Condition: "):
                    self.call(protocol, who, PLAN_LOG, "resume", [log_id])
                self.allow(True)
                (resumed,) = self.call(protocol, who, PLAN_LOG, "resume", [log_id], use_changed_plan=True)
                self.assertEqual(self.env[PLAN_LOG].browse(resumed).state, "done")

    def test_run_again(self):
        self.allow(True)
        for protocol, who in product(PROTOCOLS, ("user", "manager", "root")):
            with self.subTest(protocol=protocol, who=who):
                log_id = self.run_as(who, protocol, variable_values={"api_who": "again"})
                action = self.call(protocol, who, PLAN_LOG, "action_run_again", [log_id])
                self.assertEqual(action["res_model"], PLAN_LOG)
                again = self.call(protocol, who, PLAN_LOG, "wait", [action["res_id"]])
                self.assertEqual((again["state"], again["variable_values"]["_seen"]), ("done", "again"))

    def test_helper(self):
        self.allow(True)
        names = {"server_reference": "api_server", "flight_plan_reference": "api_plan"}
        for protocol, who in product(PROTOCOLS, ("user", "manager", "root")):
            with self.subTest(protocol=protocol, who=who):
                ids = self.call(
                    protocol, who, "cetmix.tower", "server_run_flight_plan", **names, api_who="me"
                )
                log = self.env[PLAN_LOG].browse(ids)
                self.assertEqual((log.user_id, log.state), (self.people[who], "done"))
                self.assertEqual(log.variable_values["api_who"], "me")
                for unknown in ({"server_reference": "nowhere"}, {"flight_plan_reference": "nothing"}):
                    arguments = {**names, **unknown}
                    answer = self.call(protocol, who, "cetmix.tower", "server_run_flight_plan", **arguments)
                    self.assertIs(answer, False)

    def test_helper_in_python(self):
        self.allow(True)
        tower = self.env["cetmix.tower"].with_user(self.people["root"])
        log = tower.server_run_flight_plan("api_server", "api_plan", api_who="python")
        self.assertEqual((log._name, log.state), (PLAN_LOG, "done"))
        self.assertEqual(log.variable_values["_seen"], "python")
        self.assertIs(tower.server_run_flight_plan("api_server", "nothing"), False)

    # ------------------------------------------------------------------ what they may not

    def refused(self, calls):
        for who, model, method, ids, arguments in calls:
            for protocol in PROTOCOLS:
                with self.subTest(protocol=protocol, who=who, method=method), self.assertRaises(Refused):
                    self.call(protocol, who, model, method, ids, **arguments)

    @mute_logger(*QUIET)
    def test_who_may_not_start(self):
        server = [self.server.id]
        plan = {"flight_plan": "api_plan"}
        names = {"server_reference": "api_server", "flight_plan_reference": "api_plan"}
        forged = {**plan, "variable_values": {"api_who": "; rm"}}
        self.refused(
            [
                ("stranger", SERVER, "run_flight_plan", server, plan),
                ("stranger", "cetmix.tower", "server_run_flight_plan", None, names),
                ("user", SERVER, "run_flight_plan", server, {"flight_plan": self.root_plan.id}),
                ("user", SERVER, "run_flight_plan", server, {"flight_plan": "api_root_plan"}),
                ("manager", SERVER, "run_flight_plan", server, {"flight_plan": self.root_plan.id}),
                ("root", SERVER, "run_flight_plan", server, {"flight_plan": "nothing"}),
                ("user", SERVER, "run_flight_plan", server, forged),
                ("visitor", SERVER, "run_flight_plan", server, forged),
                ("user", "cetmix.tower", "server_run_flight_plan", None, {**names, "api_who": "; rm"}),
            ]
        )
        self.assertFalse(self.env[PLAN_LOG].search([("plan_id", "in", (self.plan + self.root_plan).ids)]))

    @mute_logger(*QUIET)
    def test_who_may_not_touch_somebody_elses_run(self):
        going = [self.queued_run("root")]
        self.env[PLAN_LOG].browse(going).stop()
        ended, step = going, self.env[PLAN_LOG].browse(going).command_log_ids.ids
        going = [self.queued_run("root")]
        reading = ("read_progress", "wait", "resume_difference", "action_run_again")
        changing = ("stop", "action_stop")
        repeating = ("resume", "action_resume")
        calls = []
        for who in ("stranger", "user"):
            calls += [(who, PLAN_LOG, method, going, {}) for method in reading + changing]
            calls += [(who, PLAN_LOG, method, ended, {}) for method in reading + repeating]
            calls.append((who, "cx.tower.command.log", "read_output", step, {}))
        # Who may look at the server sees its runs; to interfere is for those who manage it.
        calls += [("visitor", PLAN_LOG, method, going, {}) for method in changing]
        calls += [("visitor", PLAN_LOG, method, ended, {}) for method in repeating]
        calls += [
            ("root", PLAN_LOG, "write", ended, {"vals": {"message": "forged"}}),
            ("root", PLAN_LOG, "create", None, {"vals_list": [{"server_id": self.server.id}]}),
            ("root", PLAN_LOG, "unlink", going, {}),
            ("manager", PLAN_LOG, "unlink", ended, {}),
        ]
        self.refused(calls)
        progress = self.call("json2", "visitor", PLAN_LOG, "read_progress", going)
        self.assertEqual((progress["state"], progress["can_stop"]), ("queued", False))
        self.assertEqual(self.env[PLAN_LOG].browse(ended).state, "stopped")
        self.assertFalse(self.env[PLAN_LOG].browse(ended).resumed_by_ids)

    @mute_logger(*QUIET)
    def test_who_may_not_run_the_plan_any_more_may_not_resume_it(self):
        self.allow(False)
        log_id = self.run_as("user")
        self.plan.user_ids = False
        self.plan.note = "for others now"
        self.refused(
            [
                ("user", PLAN_LOG, "resume", [log_id], {}),
                ("user", PLAN_LOG, "resume", [log_id], {"use_changed_plan": True}),
                ("user", PLAN_LOG, "action_resume", [log_id], {}),
                ("user", PLAN_LOG, "action_run_again", [log_id], {}),
            ]
        )
        self.assertEqual(self.call("json2", "user", PLAN_LOG, "read_progress", [log_id])["state"], "failed")
        self.assertTrue(self.call("json2", "manager", PLAN_LOG, "resume", [log_id]))

    @mute_logger("odoo.http")
    def test_private_methods_are_not_reachable(self):
        for method in (
            "_finish",
            "_carry_out",
            "_create_runs",
            "_continue_after",
            "_freeze_inputs",
            "_request_stop",
        ):
            with self.subTest(method=method):
                status, _answer = self.json2("root", PLAN_LOG, method, [])
                self.assertIn(status, (403, 404))

    @mute_logger(*QUIET)
    def test_frozen_inputs_are_nobodys_to_read(self):
        log_id = self.queued_run("root")
        for protocol in PROTOCOLS:
            with self.subTest(protocol=protocol), self.assertRaises(Refused):
                self.call(protocol, "root", PLAN_LOG, "read", [log_id], fields=["run_input"])
