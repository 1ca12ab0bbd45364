from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import file_open, mute_logger

from ...engine.exit_codes import ExitCode
from ...engine.run_end import Claim, RunEnd
from ...engine.run_request import RunRequest
from ..run.run_case import RunCase


@tagged("post_install", "-at_install")
class TestFleetRun(RunCase):
    """One command or flight plan on many servers, inline, with Python commands."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tag = cls.env["cx.tower.tag"].create({"name": "Fleet test"})
        cls.os = cls.env["cx.tower.os"].create({"name": "Fleet OS"})
        cls.servers = (
            cls.env["cx.tower.server"]
            .with_context(skip_ssh_settings_check=True)
            .create(
                [
                    {
                        "name": f"Fleet {number}",
                        "ip_v4_address": "127.0.0.1",
                        "ssh_username": "tower",
                        "tag_ids": [(4, cls.tag.id)] if number % 2 else [],
                        "os_id": cls.os.id if number < 2 else False,
                        "user_ids": [(4, cls.user.id)],
                        "manager_ids": [(4, cls.manager.id)],
                    }
                    for number in range(6)
                ]
            )
        )
        cls.Fleet = cls.env["cx.tower.fleet.run"]

    def plan(self, *commands, **values):
        lines = [
            (0, 0, {"sequence": number, "command_id": command.id}) for number, command in enumerate(commands)
        ]
        return self.env["cx.tower.plan"].create({"name": "Fleet plan", "line_ids": lines, **values})

    def start(self, user=None, servers=None, **arguments):
        servers = self.servers if servers is None else servers
        result = self.Fleet.with_user(user or self.root).start(servers=servers.ids, **arguments)
        return self.Fleet.browse(result["id"])

    def failing_on(self, *servers):
        names = tuple(server.name for server in servers)
        return self.python(f"result = {{'exit_code': 3 if server.name in {names!r} else 0}}")

    def states(self, fleet):
        members = fleet.command_log_ids if fleet.action == "command" else fleet.plan_log_ids
        return members.sorted("id").mapped("state")

    def held_back(self):
        """Keep started runs from being executed, as in a database whose workers are busy."""
        self.env["ir.config_parameter"].sudo().set_param("cetmix_tower_server.backend", "cron")

    # -- what it costs

    def test_starting_a_command_costs_no_query_a_server(self):
        variable = self.env["cx.tower.variable"].create({"name": "fleet_value", "reference": "fleet_value"})
        self.env["cx.tower.variable.value"].create({"variable_id": variable.id, "value_char": "v"})
        self.env["cx.tower.key"].create(
            {"name": "Tok", "reference": "fleet_tok", "key_type": "s", "secret_value": "hush"}
        )
        code = "echo {{ fleet_value }} {{ tower.server.name }} #!cxtower.secret.fleet_tok!#"
        command = self.env["cx.tower.command"].create(
            {"name": "Many", "action": "ssh_command", "code": code, "allow_parallel_run": True}
        )
        queries = []
        for servers in (self.servers[:2], self.servers[:2], self.servers):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            logs = servers._create_command_runs(command, RunRequest())
            self.env.flush_all()
            queries.append(self.env.cr.sql_log_count - before)
            self.assertEqual(
                logs.mapped("code"), [f"echo v {server.name} *** fleet_tok ***" for server in servers]
            )
        self.assertEqual(queries[1], queries[2], queries)

    def test_servers_without_the_secret_are_refused_and_the_others_run(self):
        key = self.env["cx.tower.key"].create({"name": "Tok", "reference": "fleet_tok", "key_type": "s"})
        self.env["cx.tower.key.value"].create(
            {"key_id": key.id, "server_id": self.servers[1].id, "secret_value": "hush"}
        )
        command = self.python("x = '#!cxtower.secret.fleet_tok!#'")
        fleet = self.start(command=command.id, concurrency_limit=1)
        self.assertEqual(self.states(fleet), ["failed", "done", *["failed"] * 4])
        refused = fleet.command_log_ids.filtered(lambda log: log.state == "failed")
        self.assertEqual(set(refused.mapped("command_status")), {int(ExitCode.SECRET_NOT_FOUND)})
        self.assertIn("fleet_tok", refused[0].message)
        self.assertFalse(any(refused.sudo().mapped("run_input")))

    # -- what runs where

    def test_command_on_all_servers(self):
        fleet = self.start(command=self.python("pass").id)
        self.assertEqual(self.states(fleet), ["done"] * 6)
        self.assertEqual((fleet.state, fleet.server_count, fleet.progress), ("done", 6, 100))
        self.assertIn("6 of 6", fleet.message)
        self.assertTrue(fleet.finish_date)

    def test_plan_on_all_servers_with_custom_values(self):
        command = self.python("custom_values['seen'] = custom_values['given'] + server.name")
        plan = self.plan(command, self.python("pass"))
        fleet = self.start(plan=plan.reference, variable_values={"given": "x"}, concurrency_limit=2)
        self.assertEqual(fleet.state, "done")
        self.assertEqual(
            fleet.plan_log_ids.sorted("id").mapped(lambda run: run.variable_values["seen"]),
            [f"xFleet {number}" for number in range(6)],
        )

    def test_a_command_that_runs_a_plan(self):
        plan = self.plan(self.python("pass"))
        command = self.env["cx.tower.command"].create(
            {"name": "Inner", "action": "plan", "flight_plan_id": plan.id}
        )
        fleet = self.start(command=command.id, concurrency_limit=1)
        self.assertEqual((fleet.state, self.states(fleet)), ("done", ["done"] * 6))
        self.assertEqual(fleet.command_log_ids.triggered_plan_log_id.mapped("state"), ["done"] * 6)

    def test_servers_by_tag_os_and_condition(self):
        def found(**criteria):
            return sorted(self.Fleet.with_user(self.root)._find_servers(**criteria).mapped("name"))

        self.assertEqual(found(tags=self.tag.reference), ["Fleet 1", "Fleet 3", "Fleet 5"])
        self.assertEqual(found(tags=[self.tag.id], os=[self.os.reference]), ["Fleet 1"])
        self.assertEqual(found(domain=[("name", "=", "Fleet 4")]), ["Fleet 4"])
        self.assertEqual(
            found(servers=[self.servers[0].reference, self.servers[1].id], tags=[self.tag.id]), ["Fleet 1"]
        )

    def test_what_cannot_be_meant(self):
        start = self.Fleet.with_user(self.root).start
        command = self.python("pass").id
        for arguments, text in (
            ({}, "No servers are selected"),
            ({"servers": ["no_such"]}, "no_such"),
            ({"servers": []}, "No server"),
            ({"tags": ["no_such_tag"]}, "no_such_tag"),
            ({"servers": self.servers.ids, "concurrency_limit": -1}, "Servers at once"),
            ({"servers": self.servers.ids, "stop_after_percent": 101}, "0 to 100"),
            ({"servers": self.servers.ids, "stop_after_failures": "3"}, "whole number"),
        ):
            with self.assertRaisesRegex(ValidationError, text):
                start(command=command, **arguments)
        with self.assertRaisesRegex(ValidationError, "either"):
            start(servers=self.servers.ids)
        with self.assertRaisesRegex(ValidationError, "either"):
            start(command=command, plan=1, servers=self.servers.ids)
        self.assertFalse(self.Fleet.search([("command_id", "=", command)]))

    # -- turns

    def test_only_as_many_as_allowed_have_a_turn(self):
        self.held_back()
        fleet = self.start(command=self.python("pass").id, concurrency_limit=2)
        logs = fleet.command_log_ids.sorted("id")
        self.assertEqual(logs.mapped("is_held"), [False] * 2 + [True] * 4)
        claimed = self.env["cx.tower.run.queue"]._claim("test:1", 64)
        self.assertEqual(sorted(claimed), logs[:2].ids)
        self.assertFalse(self.env["cx.tower.run.queue"]._claim_one("test:1", logs[2].id))
        logs[0]._finish(RunEnd(0), Claim(claimed[logs[0].id]))
        self.assertEqual(logs.mapped("is_held"), [False] * 3 + [True] * 3)
        self.assertEqual(list(self.env["cx.tower.run.queue"]._claim("test:1", 64)), logs[2].ids)

    def test_turns_of_plans_hold_their_steps_and_their_clock(self):
        self.held_back()
        inner = self.plan(self.python("pass"))
        command = self.env["cx.tower.command"].create(
            {"name": "Inner", "action": "plan", "flight_plan_id": inner.id}
        )
        fleet = self.start(plan=self.plan(command, timeout_s=100).id, concurrency_limit=1)
        runs = fleet.plan_log_ids.sorted("id")
        steps = self.env["cx.tower.command.log"].search(
            [("plan_log_id.top_plan_log_id", "in", runs.ids), ("state", "=", "queued")], order="id"
        )
        self.assertEqual(steps.mapped("is_held"), [False] + [True] * 5)
        self.env.cr.execute(
            "UPDATE cx_tower_plan_log SET queued_date = queued_date - interval '1 hour',"
            " deadline = deadline - interval '1 hour' WHERE top_plan_log_id = ANY(%s) AND is_held",
            (runs.ids,),
        )
        self.env.invalidate_all()
        self.env["cx.tower.run.queue"]._end_overdue_plans()
        self.assertEqual(runs.mapped("state"), ["queued"] * 6)
        steps[0]._finish(RunEnd(0))
        self.assertEqual(runs.mapped("state"), ["done"] + ["queued"] * 5)
        self.assertEqual(steps.mapped("is_held"), [False] * 2 + [True] * 4)
        self.assertGreater(runs[1].deadline, fields.Datetime.now() + timedelta(seconds=90))

    def test_a_turn_is_passed_on_by_whatever_ends_a_run(self):
        self.held_back()
        fleet = self.start(command=self.python("pass").id, concurrency_limit=1)
        logs = fleet.command_log_ids.sorted("id")
        self.env["cx.tower.run.queue"]._claim("test:gone", 64)
        with mute_logger("odoo.addons.cetmix_tower_server.models.run.recovery"):
            self.env["cx.tower.run.queue"]._interrupt(logs[0])
        self.assertEqual(logs.mapped("is_held"), [False] * 2 + [True] * 4)
        logs[1].with_user(self.root).stop()
        self.assertEqual(logs.mapped("is_held"), [False] * 3 + [True] * 3)
        logs[4].with_user(self.root).stop()  # it had no turn to pass on
        self.assertEqual(logs.mapped("is_held"), [False] * 3 + [True] * 3)
        self.assertEqual(
            logs.mapped("state"), ["interrupted", "stopped", "queued", "queued", "stopped", "queued"]
        )

    @mute_logger("odoo.addons.cetmix_tower_server.models.fleet.turns")
    def test_lost_turns_are_given_again(self):
        self.held_back()
        fleet = self.start(command=self.python("pass").id, concurrency_limit=2)
        logs = fleet.command_log_ids.sorted("id")
        with patch.object(type(fleet), "_continue_after", side_effect=RuntimeError("failure of Tower")):
            logs[0]._finish(RunEnd(0))
        self.assertEqual(logs[0].state, "done", "the end of the run itself is not lost")
        self.assertEqual(logs.mapped("is_held"), [False] * 2 + [True] * 4)
        self.Fleet._look_after()
        self.assertEqual(logs.mapped("is_held"), [False] * 3 + [True] * 3)
        self.Fleet._look_after()
        self.assertEqual(logs.mapped("is_held"), [False] * 3 + [True] * 3)

    @mute_logger("odoo.addons.cetmix_tower_server.models.fleet.turns")
    def test_a_missed_end_is_made_up_for(self):
        self.held_back()
        fleet = self.start(command=self.python("pass").id, servers=self.servers[:1])
        with patch.object(type(fleet), "_continue_after", side_effect=RuntimeError("failure of Tower")):
            fleet.command_log_ids._finish(RunEnd(0))
        self.assertEqual(fleet.state, "running")
        self.Fleet._look_after()
        self.assertEqual(fleet.state, "done")

    @mute_logger(
        "odoo.addons.cetmix_tower_server.models.fleet.turns",
        "odoo.addons.cetmix_tower_server.models.run.cx_tower_run_queue",
    )
    def test_one_that_breaks_keeps_neither_the_others_nor_the_queue(self):
        self.held_back()
        command = self.python("pass", allow_parallel_run=True)
        fleets = self.Fleet.browse()
        for _number in range(2):
            fleet = self.start(command=command.id, servers=self.servers[:1])
            with patch.object(type(fleet), "_continue_after", side_effect=RuntimeError("failure of Tower")):
                fleet.command_log_ids._finish(RunEnd(0))
            fleets |= fleet
        notify = type(fleets)._notify_starter

        def fail(fleet):
            if fleet == fleets[1]:  # the newest comes first
                raise RuntimeError("failure of Tower")
            return notify(fleet)

        with patch.object(type(fleets), "_notify_starter", fail):
            self.env["cx.tower.run.queue"]._cron_dispatch()
        self.assertEqual(fleets.mapped("state"), ["done", "running"])
        self.Fleet._look_after()
        self.assertEqual(fleets.mapped("state"), ["done", "done"])

    def test_times_count_from_the_turn(self):
        """A step that runs a plan inside begins when its plan does, not when it was prepared."""
        self.held_back()
        inner = self.plan(self.python("pass"))
        command = self.env["cx.tower.command"].create(
            {"name": "Inner", "action": "plan", "flight_plan_id": inner.id}
        )
        fleet = self.start(plan=self.plan(command).id, concurrency_limit=1)
        outer = fleet.plan_log_ids.sorted("id")[0].command_log_ids
        outer.start_date = fields.Datetime.now() - timedelta(hours=1)
        self.env.flush_all()
        self.assertTrue(self.env["cx.tower.run.queue"]._claim("test:1", 64))
        self.assertGreater(outer.start_date, fields.Datetime.now() - timedelta(minutes=1))

    def test_copies_of_databases_run_nothing(self):
        self.held_back()
        fleet = self.start(plan=self.plan(self.python("pass")).id, concurrency_limit=1)
        with file_open("cetmix_tower_server/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertFalse(self.env["cx.tower.run.queue"]._claim("test:1", 64))
        self.assertEqual((fleet.state, set(self.states(fleet))), ("stopped", {"stopped"}))
        self.Fleet._look_after()
        self.assertEqual(fleet.state, "stopped")

    def test_queries_do_not_grow_with_the_fleet(self):
        """The end of a run costs the same, however many wait."""
        self.held_back()
        counts = []
        for servers in (self.servers[:2], self.servers[:3], self.servers):  # the first one warms up
            fleet = self.start(command=self.python("pass").id, servers=servers, concurrency_limit=1)
            first = fleet.command_log_ids.sorted("id")[0]
            before = self.env.cr.sql_log_count
            first._finish(RunEnd(0))
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    # -- failures

    def test_stops_after_so_many_failures(self):
        command = self.failing_on(self.servers[0], self.servers[2])
        fleet = self.start(command=command.id, concurrency_limit=1, stop_after_failures=2)
        self.assertEqual(self.states(fleet), ["failed", "done", "failed", "stopped", "stopped", "stopped"])
        self.assertEqual((fleet.state, fleet.is_halted, fleet.failures), ("failed", True, 2))
        self.assertIn("3 not started", fleet.message)
        self.assertIn("2 servers", fleet.command_log_ids.sorted("id")[-1].message)

    def test_stops_after_a_share_of_failures(self):
        plan = self.plan(self.failing_on(self.servers[0], self.servers[1]), self.python("pass"))
        fleet = self.start(plan=plan.id, concurrency_limit=1, stop_after_percent=33)
        self.assertEqual(self.states(fleet), ["failed", "failed", "stopped", "stopped", "stopped", "stopped"])
        steps = self.env["cx.tower.command.log"].search([("plan_log_id", "in", fleet.plan_log_ids.ids)])
        self.assertEqual(sorted(set(steps.mapped("state"))), ["failed", "stopped"])
        self.assertFalse(steps.filtered(lambda step: not step.finish_date))

    def test_failures_without_a_limit_stop_nothing(self):
        fleet = self.start(command=self.failing_on(*self.servers[:3]).id, concurrency_limit=1)
        self.assertEqual(self.states(fleet), ["failed"] * 3 + ["done"] * 3)
        self.assertEqual((fleet.state, fleet.is_halted), ("failed", False))

    def test_what_is_refused_at_the_start_counts(self):
        command = self.python("pass", server_ids=[(6, 0, self.servers[:3].ids)])
        fleet = self.start(command=command.id, concurrency_limit=1, stop_after_failures=3)
        self.assertEqual(self.states(fleet), ["stopped"] * 3 + ["failed"] * 3)
        self.assertEqual((fleet.state, fleet.failures), ("failed", 3))

    def test_a_fleet_of_refused_runs_ends_at_once(self):
        command = self.python("pass", server_ids=[(6, 0, self.server.ids)])
        fleet = self.start(command=command.id)
        self.assertEqual((fleet.state, self.states(fleet)), ("failed", ["failed"] * 6))

    # -- stop and retry

    def test_stop(self):
        self.held_back()
        plan = self.plan(self.python("pass"))
        fleet = self.start(plan=plan.id, user=self.manager, concurrency_limit=2)
        self.assertEqual(fleet.with_user(self.manager).stop(), True)
        self.assertEqual(self.states(fleet), ["stopped"] * 6)
        self.assertEqual((fleet.state, fleet.stop_requested_by_id), ("stopped", self.manager))
        self.assertFalse(self.env["cx.tower.run.queue"]._claim("test:1", 64))

    def test_stop_waits_for_what_runs(self):
        self.held_back()
        fleet = self.start(command=self.python("pass").id, concurrency_limit=2)
        claimed = self.env["cx.tower.run.queue"]._claim("test:1", 1)
        fleet.with_user(self.root).stop()
        self.assertEqual(fleet.state, "stopping")
        (log_id,) = claimed
        log = self.env["cx.tower.command.log"].browse(log_id)
        self.assertTrue(log.stop_requested_date)
        log._finish(RunEnd(-208), Claim(claimed[log_id]))
        self.assertEqual((fleet.state, self.states(fleet)), ("stopped", ["stopped"] * 6))

    def test_retry_of_the_failed_ones(self):
        command = self.failing_on(self.servers[1], self.servers[4])
        fleet = self.start(command=command.id, concurrency_limit=3, variable_values={"a": "b"}, label="word")
        command.code = "result = {'message': custom_values['a']}"
        result = fleet.with_user(self.root).retry_failed()
        again = self.Fleet.browse(result["id"])
        self.assertEqual(again.server_ids, self.servers[1] | self.servers[4])
        self.assertEqual((again.state, again.retry_of_id, again.concurrency_limit), ("done", fleet, 3))
        self.assertEqual(
            (again.label, again.command_log_ids.mapped("command_response")), ("word", ["b", "b"])
        )
        with self.assertRaisesRegex(UserError, "no failed or stopped servers"):
            again.with_user(self.root).retry_failed()

    def test_retry_with_and_without_what_was_not_started(self):
        command = self.failing_on(self.servers[0])
        fleet = self.start(command=command.id, concurrency_limit=1, stop_after_failures=1)
        only_failed = self.Fleet.browse(fleet.with_user(self.root).retry_failed(False)["id"])
        self.assertEqual(only_failed.server_ids, self.servers[0])
        rest = self.Fleet.browse(fleet.with_user(self.root).retry_failed()["id"])
        self.assertEqual(rest.server_count, 6)

    def test_no_retry_before_the_end(self):
        self.held_back()
        fleet = self.start(command=self.python("pass").id)
        with self.assertRaisesRegex(UserError, "is still running"):
            fleet.with_user(self.root).retry_failed()
        with self.assertRaisesRegex(UserError, "is still running"):
            fleet.with_user(self.root).unlink()

    def test_who_sees_a_part_repeats_that_part(self):
        visible, hidden = self.servers[0], self.servers[1:]
        part = new_test_user(self.env, "fleet_part", "cetmix_tower_server.group_manager")
        visible.user_ids += part
        command = self.python("result = {'exit_code': 1}", access_level="1", user_ids=[(4, part.id)])
        fleet = self.start(command=command.id)
        self.assertEqual(fleet.failed_count, len(self.servers))
        progress = fleet.with_user(part).read_progress()
        self.assertEqual(progress["retry"], {"failed": 1, "unfinished": 1})
        action = fleet.with_user(part).action_retry_failed()
        again = self.Fleet.browse(action["res_id"])
        self.assertEqual(again.server_ids, visible)
        everything = fleet.with_user(self.root).read_progress()["retry"]
        self.assertEqual(everything, {"failed": 6, "unfinished": 6})
        visible.user_ids -= part
        hidden[0].manager_ids += part
        command.user_ids = False
        command.server_ids = visible
        with self.assertRaisesRegex(AccessError, "You may not retry"):
            fleet.with_user(part).action_retry_failed()

    # -- reading

    def test_progress(self):
        self.held_back()
        plan = self.plan(self.python("pass"), self.python("pass"))
        fleet = self.start(plan=plan.id, concurrency_limit=2)
        progress = fleet.with_user(self.manager).read_progress(limit=3)
        self.assertEqual(progress["counts"], {"active": 6, "held": 4, "failed": 0, "stopped": 0, "done": 0})
        self.assertEqual((progress["total"], progress["matching"], len(progress["rows"])), (6, 6, 3))
        first = progress["rows"][0]
        self.assertEqual((first["server"], first["state"], first["is_held"]), ("Fleet 0", "queued", False))
        self.assertEqual((first["steps_total"], first["steps_done"], first["step"]), (2, 0, "Test"))
        self.assertEqual([row["is_held"] for row in progress["rows"]], [False, False, True])
        self.assertFalse(progress["can_retry"])
        self.assertEqual(fleet.with_user(self.root).read_progress(only="failed")["rows"], [])

    def test_progress_costs_the_same_for_any_number(self):
        self.held_back()
        fleet = self.start(plan=self.plan(self.python("pass")).id).with_user(self.root)
        counts = []
        for limit in (1, 1, 6):  # the first one warms up
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            fleet.read_progress(limit=limit)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_wait(self):
        fleet = self.start(command=self.python("pass").id)
        self.assertEqual(fleet.with_user(self.root).wait(0)["counts"]["done"], 6)

    def test_one_notification_for_all(self):
        with patch.object(type(self.env["res.users"]), "_bus_send", autospec=True) as send:
            self.start(command=self.failing_on(self.servers[0]).id)
        notes = [call.args[2] for call in send.call_args_list if call.args[1] == "simple_notification"]
        self.assertEqual(len(notes), 1)
        self.assertIn("5 of 6", notes[0]["message"])

    def test_a_stop_that_one_asked_for_is_no_bad_news_that_stays(self):
        self.held_back()
        for person, told in ((self.manager, ("info", False)), (self.root, ("warning", True))):
            with patch.object(type(self.env["res.users"]), "_bus_send", autospec=True) as send:
                fleet = self.start(command=self.python("pass").id, user=self.manager)
                fleet.with_user(person).stop()
            notes = [call.args[2] for call in send.call_args_list if call.args[1] == "simple_notification"]
            self.assertEqual([(note["type"], note["sticky"]) for note in notes], [told])

    def test_purge(self):
        fleet = self.start(command=self.python("pass").id)
        fleet.command_log_ids.unlink()
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=True):
            self.env["cx.tower.run.queue"]._purge_fleet_runs()
        self.assertFalse(fleet.exists())

    # -- rights

    def test_who_may_start(self):
        command = self.python("pass", access_level="1", user_ids=[(4, self.user.id)])
        fleet = self.start(command=command.id, user=self.user)
        self.assertEqual((fleet.state, fleet.user_id), ("done", self.user))
        hidden = self.python("pass", access_level="3")
        with self.assertRaises(AccessError):
            self.start(command=hidden.id, user=self.manager)
        with self.assertRaises(AccessError):
            self.start(command=command.id, user=self.user, variable_values={"free": "; id"})
        stranger = new_test_user(self.env, "fleet_stranger", "cetmix_tower_server.group_manager")
        with self.assertRaises(ValidationError):
            self.start(command=command.id, user=stranger)
        outsider = new_test_user(self.env, "fleet_outsider", "base.group_user")
        with self.assertRaises(AccessError):
            self.start(command=command.id, user=outsider)

    def test_who_may_read_and_stop(self):
        self.held_back()
        command = self.python("pass", access_level="1", user_ids=[(4, self.user.id)])
        fleet = self.start(command=command.id, user=self.user)
        reads = {
            self.user: True,
            self.manager: True,
            self.root: True,
            new_test_user(self.env, "fleet_user", "cetmix_tower_server.group_user"): False,
            new_test_user(self.env, "fleet_manager", "cetmix_tower_server.group_manager"): False,
        }
        for person, may in reads.items():
            self.assertEqual(
                bool(self.Fleet.with_user(person).search([("id", "=", fleet.id)])), may, person.login
            )
            if not may:
                with self.assertRaises(AccessError):
                    fleet.with_user(person).read_progress()
                with self.assertRaises(AccessError):
                    fleet.with_user(person).stop()
                with self.assertRaises(AccessError):
                    fleet.with_user(person).retry_failed()
        self.servers[0].manager_ids = [(3, self.manager.id)]
        with self.assertRaisesRegex(AccessError, "Managers of all its servers"):
            fleet.with_user(self.manager).stop()
        self.servers[0].manager_ids = [(4, self.manager.id)]
        self.assertTrue(fleet.with_user(self.manager).stop())

    def test_level_of_what_runs_counts_for_managers(self):
        fleet = self.start(command=self.python("pass", access_level="3").id)
        self.assertFalse(self.Fleet.with_user(self.manager).search([("id", "=", fleet.id)]))

    def test_rows_of_hidden_servers_are_counted_only(self):
        fleet = self.start(command=self.python("pass").id)
        self.servers[:2].write({"manager_ids": [(3, self.manager.id)]})
        progress = fleet.with_user(self.manager).read_progress()
        self.assertEqual((progress["total"], len(progress["rows"])), (6, 4))
        self.assertEqual(progress["counts"]["done"], 6)

    def test_nobody_writes(self):
        fleet = self.start(command=self.python("pass").id)
        for person in (self.user, self.manager, self.root):
            for operation in ("write", "create"):
                self.assertFalse(fleet.with_user(person).has_access(operation), (person.login, operation))
        self.assertFalse(fleet.with_user(self.manager).has_access("unlink"))
        self.assertTrue(fleet.with_user(self.root).has_access("unlink"))
