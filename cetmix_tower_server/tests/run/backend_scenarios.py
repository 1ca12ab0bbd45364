from unittest.mock import patch

from ...engine import states
from ...worker import file_work
from ..file.file_case import FakeHost
from .run_case import RunCase


class BackendScenarios(RunCase):
    """What every backend must do. Subclassed for each one, also by addons that bring one.

    The subclass names the backend, and executes what it has been handed as the processes of an installation would. Import
    the module and not the class, or its tests are also run for no backend.
    """

    allow_inherited_tests_method = True  # Odoo runs a class's own tests only, unless it says so
    backend = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].sudo().set_param("cetmix_tower_server.backend", cls.backend)

    def execute_dispatched(self):
        """Let the processes of the backend do what they do when a transaction is committed, until nothing is left."""
        raise NotImplementedError

    # ------------------------------------------------------------------ for the scenarios

    def end_of(self, runs):
        """Return the states of runs once the backend has executed them."""
        self.execute_dispatched()
        self.env.invalidate_all()
        return runs.sudo().mapped("state")

    def log_of(self, started):
        return self.env["cx.tower.command.log"].browse(started["id"])

    def plan(self, *commands, **values):
        lines = [
            (0, 0, {"sequence": number, "command_id": command.id}) for number, command in enumerate(commands)
        ]
        return self.env["cx.tower.plan"].create({"name": "Scenario", "line_ids": lines, **values})

    def inside(self, plan):
        return self.env["cx.tower.command"].create(
            {"name": "Inside", "action": "plan", "flight_plan_id": plan.id}
        )

    # ------------------------------------------------------------------ scenarios

    def test_the_backend_is_the_chosen_one(self):
        chosen = self.env["cx.tower.run.backend"]._chosen()
        self.assertEqual(chosen._name, chosen._get_backends()[self.backend])
        self.assertIn((self.backend, chosen._get_label()), chosen._selection())

    def test_command(self):
        log = self.log_of(self.server.run_command(self.python("result = {'message': 'hello'}")))
        self.assertEqual(self.end_of(log), ["done"])
        self.assertEqual(log.command_response, "hello")

    def test_command_that_is_refused_at_its_start(self):
        log = self.log_of(self.server.run_command(self.python("x = {{ nowhere }}")))
        self.assertEqual(log.state, "failed")
        self.assertEqual(self.end_of(log), ["failed"])

    def test_plan_with_a_plan_inside(self):
        inner = self.plan(self.python("custom_values['a'] = 1"), self.python("custom_values['b'] = 2"))
        run = self.server.run_flight_plan(
            self.plan(self.inside(inner), self.python("custom_values['c'] = 3"))
        )
        self.assertEqual(self.end_of(run), ["done"])
        self.assertEqual(run.variable_values, {"a": 1, "b": 2, "c": 3})

    def test_failing_step_ends_its_plan(self):
        plan = self.plan(self.python("result = {'exit_code': 4}"), self.python("custom_values['ran'] = True"))
        run = self.server.run_flight_plan(plan)
        self.assertEqual(self.end_of(run), ["failed"])
        self.assertEqual((run.plan_status, run.variable_values), (4, False))

    def test_command_that_runs_a_plan(self):
        log = self.log_of(self.server.run_command(self.inside(self.plan(self.python("pass")))))
        self.assertEqual(self.end_of(log), ["done"])

    def test_fleet_run_with_fewer_at_once_than_servers(self):
        servers = self.server | self.server.copy() | self.server.copy()
        started = self.env["cx.tower.fleet.run"].start(
            command=self.python("pass").id, servers=servers.ids, concurrency_limit=1
        )
        fleet = self.env["cx.tower.fleet.run"].browse(started["id"])
        self.assertEqual(self.end_of(fleet), ["done"])
        self.assertEqual(set(fleet.command_log_ids.mapped("state")), {"done"})

    def test_file(self):
        self.server.write({"ssh_password": "not used", "skip_host_key": True})
        file = self.env["cx.tower.file"].create(
            {"name": "app.conf", "server_dir": "/etc/app", "server_id": self.server.id, "code": "one\n"}
        )
        host = FakeHost()
        with patch.object(file_work, "FileSession", host.session):
            log = self.log_of(file.upload())
            self.assertEqual(self.end_of(log), ["done"])
        self.assertEqual(host.files["/etc/app/app.conf"][0], b"one\n")
        self.assertEqual(file.sync_state, "ok")

    def test_second_attempt(self):
        command = self.python("result = {'exit_code': 7}", idempotent=True, retry_attempts=1, retry_delay_s=0)
        log = self.log_of(self.server.run_command(command))
        self.assertEqual(self.end_of(log), ["failed"])
        self.assertEqual((log.attempt, log.command_status), (2, 7))

    def test_stopped_before_it_is_taken(self):
        with self.nobody_executes():
            run = self.server.run_flight_plan(self.plan(self.python("custom_values['ran'] = True")))
        run.stop()
        self.env["cx.tower.run.backend"]._chosen()._dispatch(run)
        self.assertEqual(self.end_of(run), ["stopped"])
        self.assertFalse(run.variable_values)

    def test_what_nobody_took_is_found_by_the_cron(self):
        with self.nobody_executes():
            log = self.log_of(self.server.run_command(self.python("pass")))
        self.assertEqual(log.state, "queued")
        woken = []
        with patch.object(
            self.env.registry[self.env["cx.tower.run.backend"]._chosen()._name],
            "_look_after_queue",
            lambda backend: woken.append(backend._name),
        ):
            self.env["cx.tower.run.queue"]._cron_dispatch()
        self.assertEqual(woken, [self.env["cx.tower.run.backend"]._chosen()._name])
        self.assertIn(log.state, states.ACTIVE)

    def test_caller_that_waits(self):
        result = self.server.with_context(no_command_log=True).run_command(
            self.python("result = {'exit_code': 3, 'message': 'three'}")
        )
        self.assertEqual(result, {"status": 3, "response": "", "error": "three"})
