from unittest.mock import patch

from odoo.addons.cetmix_tower_server.engine.run_end import RunEnd
from odoo.addons.cetmix_tower_server.engine.run_request import LINE_PARTS, RunRequest
from odoo.addons.cetmix_tower_server.tests.run.run_case import RunCase
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

RECOVERY = "odoo.addons.cetmix_tower_server.models.run.recovery"
QUEUE = "odoo.addons.cetmix_tower_server.models.run.cx_tower_run_queue"


@tagged("post_install", "-at_install")
class TestExtension(RunCase):
    """Each extension point, used by an addon that knows nothing else of Tower."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site, cls.neighbour = cls.env["cx.tower.site"].create(
            [
                {"name": "Shop", "server_id": cls.server.id, "url": "https://shop.example.com"},
                {"name": "Blog", "server_id": cls.server.id},
            ]
        )
        cls.variable = cls.env["cx.tower.variable"].create({"name": "Port", "reference": "port"})
        cls.server.set_variable_value("port", "80")
        cls.site.set_variable_value("port", "8443")

    def log_of(self, started):
        return self.env["cx.tower.command.log"].browse(started["id"])

    def plan(self, *commands):
        lines = [(0, 0, {"command_id": command.id}) for command in commands]
        return self.env["cx.tower.plan"].create({"name": "Publish", "line_ids": lines})

    def note(self, code="{{ port }} {{ tower.site.name }}"):
        return self.env["cx.tower.command"].create({"name": "Note", "action": "site_note", "code": code})

    # ------------------------------------------------------------------ target and scope

    def test_a_run_belongs_to_its_target_and_works_on_its_server(self):
        log = self.log_of(self.site.run_command(self.python("pass")))
        self.assertEqual((log.site_id, log.server_id, log.state), (self.site, self.server, "done"))
        self.assertEqual(log._run_target(), self.site)
        log = self.log_of(self.server.run_command(self.python("pass")))
        self.assertEqual((log.site_id, log._run_target()), (self.env["cx.tower.site"], self.server))

    def test_values_of_the_target_win_over_those_of_its_server(self):
        code = "custom_values['seen'] = [{{ port }}, {{ tower.site.url }}]"
        seen = {
            target: self.log_of(target.run_command(self.python(code))).variable_values
            for target in (self.site, self.neighbour)
            if target.url
        }
        self.assertEqual(seen, {self.site: {"seen": ["8443", "https://shop.example.com"]}})
        code = "custom_values['seen'] = {{ port }}"
        log = self.log_of(self.neighbour.run_command(self.python(code)))
        self.assertEqual(log.variable_values, {"seen": "80"})
        self.assertEqual(self.site.get_variable_value("port"), "8443")
        self.assertEqual(self.neighbour.get_variable_value("port"), "80")

    def test_each_of_many_targets_gets_its_own_values(self):
        command = self.python("custom_values['seen'] = {{ port }}", allow_parallel_run=True)
        both = self.site | self.neighbour
        logs = both._start_command_runs(command, RunRequest())
        self.assertEqual([log.variable_values["seen"] for log in logs], ["8443", "80"])

    def test_a_guard_counts_for_the_target_not_for_its_server(self):
        command = self.python("pass")
        with self.nobody_executes():
            first, second = (
                self.log_of(target.run_command(command)) for target in (self.site, self.neighbour)
            )
            again = self.log_of(self.site.run_command(command))
        self.assertEqual([first.state, second.state, again.state], ["queued", "queued", "failed"])
        self.assertEqual(again.command_status, -201)

    def test_secrets_are_those_of_the_targets_partner(self):
        partner = self.env["res.partner"].create({"name": "Customer"})
        self.site.partner_id = partner
        key = self.env["cx.tower.key"].create({"name": "Token", "reference": "token", "key_type": "s"})
        self.env["cx.tower.key.value"].create(
            {"key_id": key.id, "partner_id": partner.id, "secret_value": "of the customer"}
        )
        command = self.python(
            "result = {'exit_code': len(#!cxtower.secret.token!#)}", allow_parallel_run=True
        )
        log = self.log_of(self.site.run_command(command))
        self.assertEqual(log.command_status, len("of the customer"))
        log = self.log_of(self.neighbour.run_command(command))
        self.assertIn("has no value", log.message)

    def test_a_plan_runs_on_the_target_with_all_its_steps(self):
        run = self.site.run_flight_plan(self.plan(self.note(), self.python("custom_values['x'] = site.name")))
        self.assertEqual((run.state, run.site_id), ("done", self.site))
        self.assertEqual(run.command_log_ids.site_id, self.site)
        self.assertEqual(run.variable_values, {"x": "Shop"})
        again = run.command_log_ids[0].action_run_again()
        self.assertEqual(self.env["cx.tower.command.log"].browse(again["res_id"]).site_id, self.site)

    def test_a_fleet_run_on_targets(self):
        fleet = self.env["cx.tower.fleet.run"]._start(
            self.site | self.neighbour, self.note(), RunRequest(), {"concurrency_limit": 1}
        )
        self.assertEqual((fleet.state, fleet.site_ids), ("done", self.site | self.neighbour))
        self.assertEqual(fleet.command_log_ids.site_id, self.site | self.neighbour)
        self.assertFalse(fleet.server_ids)

    # ------------------------------------------------------------------ action, Python name

    def test_the_action_does_its_work_where_it_belongs(self):
        log = self.log_of(self.site.run_command(self.note()))
        self.assertEqual((log.state, log.command_response), ("done", "8443 Shop"))
        self.assertEqual(self.site.note, "8443 Shop")

    def test_the_action_is_refused_elsewhere_with_a_reason(self):
        log = self.log_of(self.server.run_command(self.note("x")))
        self.assertEqual(log.state, "failed")
        self.assertIn("runs on sites only", log.message)

    def test_python_knows_the_target(self):
        code = "result = {'message': '%s on %s' % (site.name, server.name)}"
        log = self.log_of(self.site.run_command(self.python(code)))
        self.assertEqual(log.command_response, f"Shop on {self.server.name}")
        self.assertIn("site the command runs for", str(self.python("pass").command_help))

    # ------------------------------------------------------------------ follower of ends

    def test_a_state_follows_the_end_of_its_run(self):
        for code, state in (("pass", "online"), ("result = {'exit_code': 5}", "failed")):
            with self.subTest(state):
                run = self.site.publish(self.plan(self.python(code)))
                self.assertEqual(self.site.state, state, run.message)
                self.assertEqual(self.site.publishing_log_id, run)

    def test_it_follows_a_process_that_died_as_well(self):
        with self.nobody_executes():
            run = self.site.publish(self.plan(self.python("pass")))
        self.assertEqual(self.site.state, "publishing")
        self.env.cr.execute(
            "UPDATE cx_tower_command_log SET state = 'running', worker = 'gone', fence = 1 WHERE plan_log_id = %s",
            run.ids,
        )
        self.env.invalidate_all()
        self.env["cx.tower.run.queue"]._recover_lost()
        self.assertEqual((run.state, self.site.state), ("interrupted", "failed"))

    @mute_logger("odoo.addons.cetmix_tower_server.models.plan.flow", RECOVERY, QUEUE)
    def test_a_follower_that_fails_is_made_up_for(self):
        """The end is recorded without it; the cron calls the addon, which finds what it missed."""
        with self.nobody_executes():
            run = self.site.publish(self.plan(self.python("pass")))
        self.env.flush_all()
        site_class = self.env.registry["cx.tower.site"]
        with patch.object(site_class, "_publishing_ended", side_effect=ValueError("broken")):
            self.env["cx.tower.run.queue"]._finish_each(run.command_log_ids, RunEnd(0))
            self.env.invalidate_all()
            self.assertEqual((run.command_log_ids.state, run.state), ("done", "queued"), "nothing followed")
            self.env.cr.execute(
                "UPDATE cx_tower_plan_log SET queued_date = queued_date - interval '1 hour' WHERE id = %s",
                run.ids,
            )
            self.env["cx.tower.run.queue"]._recover_stalled_plans()
            self.env.invalidate_all()
            self.assertEqual((run.state, self.site.state), ("interrupted", "publishing"))
            self.assertIn("The actions after its end failed (ValueError)", run.message)
        self.env["cx.tower.run.queue"]._cron_dispatch()
        self.env.invalidate_all()
        self.assertEqual(self.site.state, "failed")

    def test_what_an_action_needs_is_told_from_the_rest_of_a_line(self):
        line = self.plan(self.python("pass")).line_ids
        self.assertEqual(set(line._definition_document()), LINE_PARTS)

    # ------------------------------------------------------------------ in the name of a person

    def test_a_plan_may_be_started_for_a_person_whose_right_comes_from_elsewhere(self):
        """The addon has checked its own right. The run belongs to the person, and so does what Python code may do in it."""
        code = (
            "custom_values['seen'] = [env.user.login, env.su, env['ir.config_parameter'].has_access('read')]"
        )
        plan = self.plan(self.python(code))
        plan.access_level = "3"
        with self.assertRaises(AccessError):
            self.site.with_user(self.user)._create_plan_runs(plan.with_user(self.user), RunRequest())
        runs = self.site.with_user(self.user).sudo()._create_plan_runs(plan.sudo(), RunRequest())
        self.env["cx.tower.run.backend"]._chosen()._dispatch(runs)
        self.assertEqual((runs.state, runs.user_id), ("done", self.user), runs.message)
        self.assertEqual(runs.command_log_ids.user_id, self.user)
        self.assertEqual(runs.variable_values, {"seen": ["run_user", False, False]})
