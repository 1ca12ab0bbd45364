from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
from odoo.addons.cetmix_tower_server.tests import backends
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestRunning(JetCase):
    """Commands and flight plans on jets."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.jet = cls._new_jet(
            "Shop 1", reference="shop_1", state="stopped", users=cls.user, managers=cls.manager
        )
        cls.command = cls._new_command("Look", access_level="1", users=cls.user)
        cls.plan = cls._new_plan("Look twice", [cls.step], access_level="1", users=cls.user)

    def log(self, started):
        return self.env["cx.tower.command.log"].browse(started["id"])

    def test_a_run_on_a_jet_is_the_same_from_the_jet_and_from_its_server(self):
        for started in (
            self.jet.with_user(self.user).run_command("look"),
            self.server.run_command(self._new_command("Other"), jet=self.jet.reference, jet_template="shop"),
        ):
            log = self.log(started)
            self.assertEqual(
                (log.jet_id, log.server_id, log.jet_template_id), (self.jet, self.server, self.template)
            )
            self.assertIn("Shop 1", log.name)
        run = self.jet.with_user(self.user).run_flight_plan("look_twice").sudo()
        other = self.server.run_flight_plan(self._new_plan("Other", [self.step]), jet=self.jet)
        for log in (run, run.command_log_ids, other, other.command_log_ids):
            self.assertEqual((log.jet_id, log.server_id), (self.jet, self.server))

    def test_the_jet_must_be_on_the_server_and_of_the_template(self):
        elsewhere = self._new_server("Elsewhere")
        with self.assertRaisesRegex(ValidationError, "is on Host, not on Elsewhere"):
            elsewhere.run_command(self.command, jet=self.jet)
        with self.assertRaisesRegex(ValidationError, "not a jet of that template"):
            self.server.run_flight_plan(self.plan, jet=self.jet, jet_template=self._new_template("Other"))
        with self.assertRaisesRegex(ValidationError, "Pass a jet"):
            self.server.run_command(self.command, jet_template=self.template)
        with self.assertRaises(ValidationError):
            self.jet.run_command(self.command, jet=self._new_jet("Other"))
        self.assertTrue(self.jet.run_command(self.command, jet=self.jet, jet_template=self.template))

    def test_the_id_of_no_jet_does_not_mean_the_server(self):
        with self.assertRaisesRegex(ValidationError, "Pass one"):
            self.server.run_command(self.command.reference, jet=0)
        with self.assertRaisesRegex(ValidationError, "Pass one"):
            self.server.run_flight_plan(self.plan.reference, jet=0)

    def test_running_takes_the_rights_to_read_the_jet_and_the_command(self):
        hidden = self._new_jet("Hidden")
        with self.assertRaises(AccessError):
            hidden.with_user(self.user).run_command(self.command)
        with self.assertRaises(AccessError):
            self.server.with_user(self.user).run_command(self.command, jet=hidden.id)
        with self.assertRaises(AccessError):
            self.jet.with_user(self.user).run_command(self._new_command("Root", access_level="3").id)
        with self.assertRaises(AccessError):
            self.jet.with_user(self.user).run_command(self.command, variable_values={"a": "b"})
        with self.assertRaises(AccessError):
            self.jet.with_user(self.user).run_command(self.command, path="/tmp")

    def test_two_jets_and_their_server_do_not_block_each_other(self):
        other = self._new_jet("Shop 2")
        runs = [self.log(target.run_command(self.command)) for target in (self.jet, other, self.server)]
        self.assertEqual([run.state for run in runs], ["queued"] * 3)
        again = self.log(self.jet.run_command(self.command))
        self.assertEqual(again.command_status, ExitCode.ANOTHER_COMMAND_RUNNING)
        self.assertIn("Shop 1", again.message)
        plans = [target.run_flight_plan(self.plan) for target in (self.server, other)]
        self.assertEqual([run.state for run in plans], ["queued"] * 2)

    def test_nothing_is_started_while_an_action_runs(self):
        self._give_plan("Start")
        before = self.log(self.jet.run_command(self.command))
        self._action("Start").with_user(self.user).trigger(self.jet)
        self.assertEqual(self.jet.state, "starting", "a run that began before does not hold up the action")
        self.assertEqual(before.state, "queued")
        jet = self.jet.with_user(self.user)
        for start in (
            lambda: jet.run_command(self.command),
            lambda: jet.run_flight_plan(self.plan),
            lambda: self.server.run_command(self.command, jet=self.jet),
            lambda: jet.with_user(self.manager).run_code("true"),
        ):
            with self.assertRaisesRegex(UserError, "“Start” is running .started by Tower user"):
                start()
        self._end_action(self.jet)
        self.assertTrue(jet.run_flight_plan(self.plan))

    def test_what_starts_by_itself_gets_a_log_with_the_reason(self):
        self._give_plan("Start")
        other = self._new_jet("Shop 2")
        self._action("Start").with_user(self.user).trigger(self.jet)
        jets = self.jet | other
        logs = jets._start_command_runs(self.command, RunRequest())
        self.assertEqual(logs.mapped("state"), ["failed", "queued"])
        self.assertEqual(logs[0].command_status, ExitCode.ANOTHER_COMMAND_RUNNING)
        self.assertIn("Start", logs[0].message)
        runs = jets._start_plan_runs(self.plan, RunRequest())
        self.assertEqual(runs.mapped("state"), ["failed", "queued"])
        self.assertEqual(runs[0].plan_status, ExitCode.ANOTHER_PLAN_RUNNING)
        self.assertFalse(runs[0].command_log_ids)

    def test_the_run_of_an_action_is_open_to_who_may_trigger_it(self):
        self.step.code = "echo private"
        nested = self._new_plan(
            "Inside", [{"command_id": self.step.id, "condition": "1 == 1"}], access_level="3"
        )
        inside = self._new_command("Inside", action="plan", flight_plan_id=nested.id, access_level="3")
        self._action("Start").plan_id = self._new_plan("Outside", [inside], access_level="2")
        self._action("Start").with_user(self.user).trigger(self.jet)
        run = self.jet.current_transition_id.plan_log_id
        self.assertEqual((run.access_level, run.is_code_hidden), ("1", True))
        seen = run.with_user(self.user)
        self.assertEqual(seen.read(["plan_id"])[0]["plan_id"][1], "Outside")
        nested_run = run.command_log_ids.triggered_plan_log_id
        step = self.env["cx.tower.command.log"].search([("plan_log_id", "=", nested_run.id)])
        self.assertFalse(step.with_user(self.user).code)
        self.assertEqual(step.with_user(self.root).hidden_code, "echo private")
        progress = seen.read_progress()
        self.assertNotIn("1 == 1", str(progress))

    def test_run_again_of_an_action_triggers_it(self):
        self._give_plan("Start")
        self._action("Start").trigger(self.jet)
        run = self.jet.current_transition_id.plan_log_id
        self._end_action(self.jet, 3)
        self.assertTrue(run.read_progress()["can_run_again"])
        opened = run.action_run_again()
        self.assertFalse(run.read_progress()["can_run_again"], "the jet is busy")
        again = self.jet.current_transition_id.plan_log_id
        self.assertEqual((opened["res_id"], self.jet.state), (again.id, "starting"))
        self.assertNotEqual(again, run)
        self._end_action(self.jet)
        self.assertEqual(self.jet.state, "running")
        self.assertFalse(again.read_progress()["can_run_again"], "a running jet cannot be started")


@tagged("post_install", "-at_install")
class TestPython(JetCase):
    """What Python commands find of jets; executed in the test's own transaction."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].sudo().set_param("cetmix_tower_server.backend", "inline")
        cls.jet = cls._new_jet(
            "Shop 1", reference="shop_1", state="stopped", users=cls.user, managers=cls.manager
        )
        cls.env["cx.tower.variable"].create({"name": "port", "reference": "jet_port"})

    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())

    def python(self, code, **values):
        values = {"access_level": "1", "users": self.user, **values}
        return self._new_command("Python", action="python_code", code=code, **values)

    def run_it(self, target, code, person=None, **arguments):
        command = self.python(code)
        started = self._as(target, person).run_command(command.id, **arguments)
        return self.env["cx.tower.command.log"].browse(started["id"])

    def act(self, code, person=None):
        """Trigger an action whose plan is a Python command. :return: its log"""
        plan = self._new_plan("Python", [self.python(code, access_level="3")], access_level="3")
        self._action("Start").plan_id = plan
        self._action("Start").with_user(person or self.user).trigger(self.jet)
        return self.jet.transition_ids[0].plan_log_id.command_log_ids

    def test_the_jet_is_there_however_the_command_was_started(self):
        code = 'result = {"message": f"{jet.reference} {jet_template.reference} {server.name} {len(tower_jets.search([]))}"}'
        for log in (
            self.run_it(self.jet, code, self.user),
            self.run_it(self.server, code, self.user, jet=self.jet.id),
        ):
            self.assertEqual((log.state, log.command_response), ("done", "shop_1 shop Host 1"))
        waited = (
            self.jet.with_user(self.user).with_context(no_command_log=True).run_command(self.python(code).id)
        )
        self.assertEqual((waited["status"], waited["response"]), (0, "shop_1 shop Host 1"))

    def test_on_a_server_there_is_an_empty_jet(self):
        log = self.run_it(self.server, 'result = {"message": f"{jet.name} {jet_template.name} {waypoint}"}')
        self.assertEqual((log.state, log.command_response), ("done", "False False None"))

    def test_the_plan_of_its_own_action_may_write_the_jet(self):
        code = """
jet.write({"deletable": False, "url": "https://shop.example.com"})
jet.update_metadata({"edition": "ent"})
jet.set_variable_value("jet_port", "8001")
result = {"message": f"{user.login} {jet.state}"}
"""
        log = self.act(code)
        self.assertEqual(log.command_response, "tower_user starting", log.command_error)
        self.assertEqual(self.jet.state, "running")
        self.assertEqual((self.jet.deletable, self.jet.metadata), (False, {"edition": "ent"}))
        self.assertEqual(self.jet.get_variable_value("jet_port"), "8001")

    def test_nobody_else_may(self):
        write = 'jet.update_metadata({"edition": "ent"})'
        self.assertEqual(self.run_it(self.jet, write, self.user).state, "failed")
        # another jet, in the plan of this one's action
        other = self._new_jet("Other", users=self.user)
        log = self.act(f'tower_jets.get_by_reference("{other.reference}").update_metadata({{"a": 1}})')
        self.assertEqual(log.state, "failed")
        # an ordinary run that is still going on when the action begins
        with backends.nobody_executes(self.env):
            early = self.env["cx.tower.command.log"].browse(
                self.jet.with_user(self.user).run_command(self.python(write).id)["id"]
            )
            self._give_plan("Start")
            self._action("Start").with_user(self.user).trigger(self.jet)
        backends.execute(early)
        self.assertEqual((self.jet.state, early.state), ("starting", "failed"))
        self.assertFalse(self.jet.metadata)

    def test_the_plan_of_its_own_action_may_start_runs(self):
        noted = self.python('result = {"message": "inside"}')
        log = self.act(f"jet.run_command({noted.id}); server.run_command({noted.id}, jet=jet)")
        self.assertEqual((log.state, self.jet.state), ("done", "running"), log.command_error)
        inside = self.env["cx.tower.command.log"].search([("command_id", "=", noted.id)])
        self.assertEqual(inside.jet_id, self.jet)
        self.assertIn("done", inside.mapped("state"))
