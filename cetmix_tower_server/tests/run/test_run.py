from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2.errors import LockNotAvailable, UniqueViolation

from ...engine.exit_codes import ExitCode
from ...engine.run_end import Claim, RunEnd
from ...engine.run_request import RunRequest
from .run_case import RunCase


@tagged("post_install", "-at_install")
class TestRun(RunCase):
    def queued_log(self, command=None, **values):
        """Return the log of a run that nobody has taken yet."""
        command = command or self.python("pass", allow_parallel_run=True)
        return self.server._create_command_runs(command, RunRequest()).sudo()

    # ------------------------------------------------------------------
    # Starting
    # ------------------------------------------------------------------

    def test_start_returns_plain_values_that_lead_to_the_log(self):
        command = self.python("pass")
        started = self.server.run_command(command.reference)
        self.assertEqual(started["logs"][0]["server"], self.server.reference)
        log = self.env["cx.tower.command.log"].search([("reference", "=", started["reference"])])
        self.assertEqual(log.id, started["id"])

    def test_a_command_is_named_by_record_id_or_reference(self):
        command = self.python("pass", allow_parallel_run=True)
        for name in (command, command.id, command.reference):
            self.assertEqual(self.server.run_command(name)["state"], "done")
        with self.assertRaises(ValidationError):
            self.server.run_command("no such command")

    def test_many_servers_get_a_log_each(self):
        other = self.server.copy()
        started = (self.server + other).run_command(self.python("pass"))
        self.assertEqual(len(started["logs"]), 2)
        self.assertNotIn("id", started)

    def test_a_running_command_is_not_started_twice(self):
        command = self.python("pass")
        first = self.queued_log(command)
        second = self.queued_log(command)
        self.assertEqual((first.state, second.state), ("queued", "failed"))
        self.assertEqual(second.command_status, ExitCode.ANOTHER_COMMAND_RUNNING)
        self.assertIn(self.server.name, second.message)
        first._finish(RunEnd(0))
        self.assertEqual(self.queued_log(command).state, "queued")

    def test_parallel_commands_are_started_side_by_side(self):
        command = self.python("pass", allow_parallel_run=True)
        self.assertEqual(self.queued_log(command).state, "queued")
        self.assertEqual(self.queued_log(command).state, "queued")

    def test_the_database_guards_parallel_runs(self):
        command = self.python("pass")
        first = self.queued_log(command)
        other = self.queued_log(self.python("pass", allow_parallel_run=True))
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.env.cr.execute(
                "UPDATE cx_tower_command_log SET guard_key = (SELECT guard_key FROM cx_tower_command_log"
                " WHERE id = %s) WHERE id = %s",
                (first.id, other.id),
            )

    def test_a_command_for_other_servers_is_refused_with_a_log(self):
        command = self.python("pass", server_ids=[(4, self.server.copy().id)])
        log = self.run_as(self.root, command)
        self.assertEqual(log.command_status, ExitCode.COMMAND_NOT_COMPATIBLE_WITH_SERVER)
        self.assertEqual(log.state, "failed")

    def test_a_variable_without_value_fails_before_anything_is_sent(self):
        log = self.run_as(self.root, self.python("x = {{ nobody_knows }}"))
        self.assertEqual(log.command_status, ExitCode.RENDERING_FAILED)
        self.assertIn("nobody_knows", log.message)

    def test_success_sets_the_servers_status(self):
        self.run_as(self.root, self.python("pass", server_status="stopped"))
        self.assertEqual(self.server.status, "stopped")
        self.run_as(self.root, self.python('result = {"exit_code": 1}', server_status="running"))
        self.assertEqual(self.server.status, "stopped")

    def test_without_a_log_means_with_the_result_and_a_log(self):
        command = self.python('result = {"exit_code": 4, "message": "four"}')
        result = self.server.with_context(no_command_log=True).run_command(command)
        self.assertEqual(result, {"status": 4, "response": "", "error": "four"})
        self.assertEqual(self.env["cx.tower.command.log"].search_count([("command_id", "=", command.id)]), 1)

    def test_starting_on_many_servers_costs_no_query_a_log(self):
        servers = self.server + self.env["cx.tower.server"].concat(*(self.server.copy() for _ in range(8)))
        command = self.python("pass", allow_parallel_run=True)
        servers[:2]._create_command_runs(command, RunRequest())
        self.env.invalidate_all()
        self.env.cr.execute("SELECT 1")
        before = self.env.cr.sql_log_count
        servers[:2]._create_command_runs(command, RunRequest())
        few = self.env.cr.sql_log_count - before
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        servers._create_command_runs(command, RunRequest())
        many = self.env.cr.sql_log_count - before
        # one query a run resolves its variables; nothing else grows with the number of servers
        self.assertLessEqual(many - few, 7 * 2)

    # ------------------------------------------------------------------
    # Rights
    # ------------------------------------------------------------------

    def test_who_may_not_see_the_command_may_not_run_it(self):
        command = self.python("pass", access_level="2")
        with self.assertRaises(AccessError):
            self.server.with_user(self.user).run_command(command.id)

    def test_who_may_not_see_the_server_may_not_run_on_it(self):
        command = self.python("pass", access_level="1", user_ids=[(4, self.user.id)])
        self.server.user_ids = False
        with self.assertRaises(AccessError):
            self.server.with_user(self.user).run_command(command.id)

    def test_users_set_only_vetted_values(self):
        pattern = self.env["cx.tower.variable"].create(
            {"name": "Port", "reference": "port", "access_level": "1", "validation_pattern": "[0-9]+"}
        )
        free = self.env["cx.tower.variable"].create(
            {"name": "Free", "reference": "free", "access_level": "1"}
        )
        command = self.python("pass", access_level="1", user_ids=[(4, self.user.id)])
        self.assertEqual(
            self.run_as(self.user, command, variable_values={pattern.reference: "8000"}).state, "done"
        )
        for values in ({"port": "8000; rm"}, {free.reference: "x"}, {"unknown": "x"}, {"port": ["8000"]}):
            with self.subTest(values=values), self.assertRaises(AccessError):
                self.run_as(self.user, command, variable_values=values)
        self.assertEqual(self.run_as(self.manager, command, variable_values={"free": "x"}).state, "done")

    def test_typed_texts_do_not_print_what_their_author_may_not_read(self):
        self.env["cx.tower.variable"].create({"name": "R", "reference": "root_only", "access_level": "3"})
        self.server.set_variable_value("root_only", "hidden")
        with self.assertRaises(AccessError):
            self.server.with_user(self.manager).run_code("echo {{ root_only }}")
        command = self.python("pass", access_level="1", user_ids=[(4, self.user.id)])
        with self.assertRaises(AccessError):
            self.run_as(self.user, command, path="/x/{{ tower.server.username }}")
        with self.assertRaises(AccessError):
            self.run_as(self.manager, command, path="/x/{{ root_only }}")

    def test_a_path_does_not_show_a_secret(self):
        self.env["cx.tower.key"].create(
            {"name": "P", "reference": "in_path", "key_type": "s", "secret_value": "hidden-in-path"}
        )
        started = self.server.run_code("true", path="/x/#!cxtower.secret.in_path!#")
        self.assertEqual(started["exit_code"], ExitCode.RENDERING_FAILED)

    def test_what_no_log_could_hold_is_refused_clearly(self):
        for arguments in (
            {"code": "a\0b"},
            {"code": 5},
            {"code": "true", "variable_values": ["a"]},
            {"code": "true", "variable_values": {"a": "x\0y"}},
            {"code": "true", "path": "\ud800"},
        ):
            with self.subTest(arguments=arguments), self.assertRaises(ValidationError):
                self.server.run_code(**arguments)

    def test_the_log_of_an_active_run_cannot_be_deleted(self):
        log = self.queued_log()
        with self.assertRaises(UserError):
            log.with_user(self.root).unlink()
        with self.assertRaises(UserError):
            self.server.with_user(self.root).with_context(server_force_delete=True).unlink()
        log._finish(RunEnd(0))
        log.with_user(self.root).unlink()

    def test_a_server_held_by_another_transaction_does_not_hold_up_the_end(self):
        log = self.queued_log(self.python("pass", server_status="running"))
        with (
            patch.object(type(self.server), "write", side_effect=LockNotAvailable()),
            mute_logger("odoo.addons.cetmix_tower_server.models.run.command_log_end"),
        ):
            self.assertTrue(log._finish(RunEnd(0)))
        self.assertEqual(log.state, "done")

    def test_waiting_has_an_end(self):
        log = self.queued_log()
        with patch("odoo.addons.cetmix_tower_server.models.run.cx_tower_wait_mixin.WAIT_LIMIT_S", 0.1):
            self.assertFalse(log.wait(float("nan"))["finished"])

    def test_ad_hoc_code_is_for_those_who_may_write_commands(self):
        with self.assertRaises(AccessError):
            self.server.with_user(self.user).run_code("true")

    def test_who_may_stop(self):
        log = self.queued_log()
        log.user_id = self.root
        with self.assertRaises(AccessError):
            log.with_user(self.user).stop()
        log.with_user(self.manager).stop()
        self.assertEqual(log.state, "stopped")
        self.assertIn("run_manager", log.message)

    def test_logs_cannot_be_written_by_hand(self):
        log = self.queued_log()
        for user in (self.user, self.manager, self.root):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                log.with_user(user).write({"command_status": 0})

    # ------------------------------------------------------------------
    # The state machine
    # ------------------------------------------------------------------

    def test_only_the_first_end_counts(self):
        log = self.queued_log()
        self.assertTrue(log._finish(RunEnd(0)))
        self.assertFalse(log._finish(RunEnd(5)))
        self.assertEqual((log.state, log.command_status), ("done", 0))

    def test_an_old_token_changes_nothing(self):
        log = self.queued_log()
        fence = self.env["cx.tower.run.queue"]._claim_one("worker", log.id)
        self.assertFalse(log._finish(RunEnd(0), Claim(fence - 1)))
        self.assertEqual(log.state, "running")
        self.assertTrue(log._finish(RunEnd(0), Claim(fence)))

    def test_a_run_without_a_living_worker_is_interrupted(self):
        Queue, Worker = self.env["cx.tower.run.queue"], self.env["cx.tower.worker"]
        Worker._beat("alive", "here", 1)
        Worker._beat("dead", "here", 2)
        self.env.cr.execute(
            "UPDATE cx_tower_worker SET heartbeat = heartbeat - interval '2 days' WHERE code = 'dead'"
        )
        living, lost = self.queued_log(), self.queued_log()
        Queue._claim_one("alive", living.id)
        fence = Queue._claim_one("dead", lost.id)
        with mute_logger("odoo.addons.cetmix_tower_server.models.run.recovery"):
            self.assertEqual(Queue._recover_lost(), 1)
        self.assertEqual((living.state, lost.state), ("running", "interrupted"))
        self.assertEqual(lost.command_status, ExitCode.RUN_INTERRUPTED)
        self.assertFalse(lost._finish(RunEnd(0), Claim(fence)), "a late result must be refused")

    def test_claims_respect_the_hosts_and_the_global_limit(self):
        Queue = self.env["cx.tower.run.queue"]
        other = self.server.copy()
        self.server.max_parallel_runs, other.max_parallel_runs = 2, 1
        command = self.python("pass", allow_parallel_run=True)
        for _ in range(4):
            (self.server + other)._create_command_runs(command, RunRequest())
        claimed = self.env["cx.tower.command.log"].browse(Queue._claim("worker", 10))
        self.assertEqual(len(claimed.filtered(lambda log: log.server_id == self.server)), 2)
        self.assertEqual(len(claimed.filtered(lambda log: log.server_id == other)), 1)
        self.assertFalse(Queue._claim("worker", 10))
        claimed[0]._finish(RunEnd(0))
        self.assertEqual(len(Queue._claim("worker", 10)), 1)

    def test_claims_cost_one_query(self):
        for _ in range(5):
            self.queued_log()
        self.env.flush_all()
        self.env["cx.tower.settings"]._get()
        with self.assertQueryCount(1):
            self.env["cx.tower.run.queue"]._claim("worker", 5)

    def test_a_person_who_may_read_the_log_reads_its_output(self):
        log = self.queued_log()
        self.env.cr.execute(
            "INSERT INTO cx_tower_command_log_output (log_id, start_offset, end_offset, segments)"
            """ VALUES (%s, 0, 5, '[["o", "hello"]]'), (%s, 10, 15, '[["o", "wo"], ["e", "rld"]]')""",
            (log.id, log.id),
        )
        output = log.read_output(3)
        self.assertEqual(output["chunks"][0], {"offset": 3, "end": 5, "segments": [["o", "lo"]]})
        self.assertEqual(output["chunks"][1]["offset"], 10)
        self.assertEqual(output["end"], 15)
        self.assertEqual(log.read_output(0, 1)["end"], 5)
        self.assertTrue(log.read_output(0, 1)["more"])
        self.assertEqual(log.read_output(13)["chunks"][0]["segments"], [["e", "ld"]])
        log.user_id = self.root
        with self.assertRaises(AccessError):
            log.with_user(self.user).read_output()

    # ------------------------------------------------------------------
    # After the end
    # ------------------------------------------------------------------

    def finished_log(self, days_ago, size):
        log = self.queued_log()
        log._finish(RunEnd(0, columns={"output_size": size}))
        log.sudo().finish_date = fields.Datetime.now() - timedelta(days=days_ago)
        return log

    def purge(self):
        cron = self.env.ref("cetmix_tower_server.ir_cron_purge_logs")
        self.env.flush_all()
        cron.with_user(self.env.ref("base.user_root")).method_direct_trigger()

    def test_old_logs_are_purged_by_age(self):
        old, young, active = self.finished_log(40, 0), self.finished_log(10, 0), self.queued_log()
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.log_retention_days", "30")
        self.purge()
        self.assertFalse(old.exists())
        self.assertTrue(young.exists() and active.exists())

    def test_oldest_logs_are_purged_beyond_the_size(self):
        logs = [self.finished_log(1, 700 * 1024) for _ in range(4)]
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.log_retention_mb", "2")
        self.purge()
        self.assertEqual([bool(log.exists()) for log in logs], [False, False, True, True])

    def test_run_again_uses_the_same_custom_values(self):
        command = self.python('result = {"exit_code": 0, "message": custom_values["x"]}')
        log = self.run_as(self.root, command, variable_values={"x": "same"})
        action = log.with_user(self.root).action_run_again()
        again = self.env["cx.tower.command.log"].browse(action["res_id"])
        self.assertNotEqual(again, log)
        self.assertEqual(again.command_response, "same")

    def test_run_again_of_ad_hoc_code_runs_the_same_code(self):
        started = self.server.with_user(self.root).run_code('result = {"exit_code": 9}', "python_code")
        log = self.env["cx.tower.command.log"].browse(started["id"])
        action = log.with_user(self.root).action_run_again()
        self.assertEqual(self.env["cx.tower.command.log"].browse(action["res_id"]).command_status, 9)

    def test_the_starter_is_told_how_it_ended(self):
        bus = self.env["bus.bus"]
        before = bus.search([], order="id desc", limit=1).id or 0
        log = self.run_as(self.root, self.python("1 / 0"))
        log._announce([], [log.id])
        self.env.cr.precommit.run()
        rows = bus.search([("id", ">", before)]).mapped("message")
        self.assertTrue(any("simple_notification" in row and "ZeroDivisionError" in row for row in rows))
        self.assertTrue(any("cetmix_tower_log" in row and "ZeroDivisionError" not in row for row in rows))
