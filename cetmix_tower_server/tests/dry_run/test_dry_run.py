from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from ...engine.plan import conditions
from ..common import make_private_key
from .dry_run_case import DryRunCase


@tagged("post_install", "-at_install")
class TestDryRun(DryRunCase):
    # ------------------------------------------------------------------ lines

    def test_lines_are_decided_as_far_as_they_can_be(self):
        plan = self.plan(
            self.echo,
            {"command_id": self.echo.id, "condition": "{{ dry_colour }} == 'red'", "path": "/srv"},
            {"command_id": self.echo.id, "condition": "{{ dry_colour }} == 'blue'"},
            self.facts,
            {"command_id": self.command("x {{ _days }}").id, "condition": "{{ _days }} > 3"},
        )
        report = self.report(plan)
        outcomes = ["run", "run", "skip", "run", "later"]
        self.assertEqual([line["outcome"] for line in report["lines"]], outcomes)
        self.assertEqual(
            [report[name] for name in ("ok", "would_run", "skipped", "undecided")], [True, 3, 1, 1]
        )
        first, second, third, _python, last = report["lines"]
        self.assertEqual((first["code"], first["path"]), ("echo red", "/opt"))
        self.assertEqual((second["path"], second["condition_rendered"]), ("/srv", "'red' == 'red'"))
        self.assertEqual((third["code"], third["why"]), ("", "Its condition is false."))
        self.assertEqual((last["code"], last["values_later"]), ("x {{ _days }}", ["_days"]))
        self.assertIn("_days", last["why"])

    def test_what_is_known_but_may_change_is_not_told_as_known(self):
        setter = self.facts.copy({"code": 'custom_values["dry_colour"] = "blue"'})
        report = self.report(self.plan(self.echo, setter, self.echo))
        self.assertEqual(
            [line["code"] for line in report["lines"]],
            ["echo red", setter.code, "echo {{ dry_colour }}"],
        )
        self.assertEqual(report["lines"][2]["values_later"], ["dry_colour"])

    def test_custom_values_count(self):
        plan = self.plan({"command_id": self.echo.id, "condition": "{{ dry_colour }} == 'blue'"})
        report = self.report(plan, variable_values={"dry_colour": "blue"})
        self.assertEqual((report["lines"][0]["outcome"], report["lines"][0]["code"]), ("run", "echo blue"))

    def test_a_plan_may_end_before_its_last_line(self):
        plan = self.plan(self.echo, self.echo)
        plan.line_ids[0].action_ids = [
            (0, 0, {"condition": "==", "value_char": "0", "action": "ec", "custom_exit_code": 5})
        ]
        report = self.report(plan)
        self.assertEqual(len(report["lines"]), 1)
        self.assertEqual(report["notes"], ["The plan ends after line 1 with exit code 5."])

    def test_plans_inside(self):
        inner = self.plan({"command_id": self.echo.id, "condition": "False"}, self.echo, name="Inner")
        report = self.report(self.plan(self.runs(inner), self.echo))
        self.assertEqual(
            [line["number"] for line in [*report["lines"], *report["lines"][0]["lines"]]],
            ["1", "2", "1.1", "1.2"],
        )
        self.assertEqual((report["would_run"], report["skipped"]), (2, 1))

    # ------------------------------------------------------------------ problems

    def test_missing_and_broken_values(self):
        self.env["cx.tower.variable"].create(
            {"name": "Port", "reference": "dry_port", "validation_pattern": "[0-9]+"}
        )
        self.server.set_variable_value("dry_port", "{{ dry_colour }}")
        report = self.report(
            self.plan(
                self.command("x {{ dry_missing }}"),
                self.command("x {{ dry_port }}"),
                self.command("x {{ dry_colour / 2 }}"),
                {"command_id": self.echo.id, "condition": "{{ dry_colour }} ="},
                self.echo,
            )
        )
        self.assertEqual(
            self.found(report),
            [("value_missing", "1"), ("value_invalid", "2"), ("template", "3"), ("condition", "4")],
        )
        missing = report["problems"][0]
        self.assertEqual((missing["variable"], missing["exit_code"]), ("dry_missing", -204))
        for part in ("dry_missing", "code of command", "server, global"):
            self.assertIn(part, missing["message"])
        self.assertEqual([line["outcome"] for line in report["lines"]], ["problem"] * 4 + ["run"])
        self.assertFalse(report["ok"])

    def test_missing_secrets_are_named_and_others_never_shown(self):
        self.env["cx.tower.key"].create(
            {"name": "Known", "reference": "dry_known", "key_type": "s", "secret_value": "hidden-value"}
        )
        self.server.set_variable_value("dry_colour", "#!cxtower.secret.dry_known!#")
        report = self.report(
            self.plan(self.echo, self.command("a #!cxtower.secret.dry_no!# #!cxtower.secret.dry_known!#"))
        )
        self.assertEqual(self.found(report), [("secret_missing", "2")])
        self.assertEqual(report["problems"][0]["secret"], "dry_no")
        self.assertEqual(report["problems"][0]["exit_code"], -212)
        self.assertEqual(report["lines"][0]["code"], "echo *** dry_known ***")
        self.assertNotIn("hidden-value", str(report))

    def test_the_secret_of_a_partner_or_of_another_server(self):
        other = self.server.copy({"name": "Other", "partner_id": self.env.user.partner_id.id})
        key = self.env["cx.tower.key"].create({"name": "Of one", "reference": "dry_one", "key_type": "s"})
        Value = self.env["cx.tower.key.value"]
        value = Value.create({"key_id": key.id, "server_id": self.server.id, "secret_value": "a"})
        plan = self.plan(self.command("a #!cxtower.secret.dry_one!#"))

        def lacking():
            rows = self.report(plan, servers=self.server + other)["servers"]
            return [("secret_missing", "1") in self.found(row) for row in rows]

        self.assertEqual(lacking(), [False, True])
        value.unlink()
        Value.create({"key_id": key.id, "partner_id": other.partner_id.id, "secret_value": "a"})
        self.assertEqual(lacking(), [True, False])

    def test_restricted_to_other_servers(self):
        other = self.server.copy({"name": "Other"})
        inner = self.plan(self.command("x", server_ids=[(4, other.id)]), name="Inner", server_ids=other)
        report = self.report(self.plan(self.runs(inner)))
        self.assertEqual(self.found(report), [("incompatible", "")] * 2)
        self.assertEqual({problem["exit_code"] for problem in report["problems"]}, {-306})
        self.assertEqual((report["lines"], report["would_run"]), ([], 0))

    def test_plans_without_lines(self):
        self.assertEqual(self.found(self.report(self.plan())), [("empty_plan", "")])
        report = self.report(self.plan(self.runs(self.plan(name="Empty")), self.echo))
        self.assertEqual(self.found(report), [("empty_plan", "1")])
        self.assertEqual(report["problems"][0]["exit_code"], -302)

    def test_a_plan_inside_itself(self):
        plan = self.plan(self.echo)
        inside = self.runs(self.plan(name="Other"))
        plan.line_ids = [(0, 0, {"sequence": 9, "command_id": inside.id})]
        self.env.flush_all()
        # past the check that keeps people from it
        self.env.cr.execute(
            "UPDATE cx_tower_command SET flight_plan_id = %s WHERE id = %s", (plan.id, inside.id)
        )
        self.env.invalidate_all()
        report = self.report(plan)
        self.assertEqual(self.found(report), [("recursion", "2")])
        self.assertEqual(report["problems"][0]["exit_code"], -301)

    def test_what_runs_right_now_is_a_warning(self):
        slow = self.command("sleep 1", allow_parallel_run=False)
        plan = self.plan(slow)
        with self.nobody_executes():
            self.server.run_flight_plan(plan)
            self.server.run_command(slow)
        other = self.server.copy({"name": "Other"})
        rows = self.report(plan, servers=self.server + other)["servers"]
        self.assertTrue(rows[0]["ok"])
        self.assertEqual(self.found(rows[0], "warning"), [("running", ""), ("running", "1")])
        codes = [problem["exit_code"] for problem in rows[0]["problems"]]
        self.assertEqual(codes, [-301, -201])
        self.assertFalse(self.found(rows[1], "warning"))

    def test_custom_values_and_options_that_do_not_fit(self):
        size = self.env["cx.tower.variable"].create(
            {
                "name": "Size",
                "reference": "dry_size",
                "variable_type": "o",
                "option_ids": [(0, 0, {"name": "Small", "value_char": "s"})],
            }
        )
        self.server.set_variable_value("dry_size", "s")
        size.option_ids.value_char = "small"
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE cx_tower_variable_value SET value_char = 's' WHERE variable_id = %s", size.ids
        )
        self.env.invalidate_all()
        plan = self.plan(self.command("x {{ dry_size }}"))
        self.assertEqual(self.found(self.report(plan), "warning"), [("value_invalid", "")])
        report = self.report(plan, variable_values={"dry_size": "xl"})
        self.assertEqual(self.found(report, "warning"), [("value_invalid", "")])
        self.assertIn("small", report["problems"][0]["message"])
        self.assertFalse(self.found(self.report(plan, variable_values={"dry_size": "small"}), "warning"))

    def test_a_command_made_for_another_system(self):
        debian = self.env["cx.tower.os"].create({"name": "Dry OS"})
        report = self.report(self.plan(self.command("x", os_ids=debian)))
        self.assertEqual(self.found(report, "warning"), [("system", "1")])
        self.assertTrue(report["ok"])

    # ------------------------------------------------------------------ files

    def test_steps_that_make_files(self):
        self.env["cx.tower.key"].create(
            {"name": "In file", "reference": "dry_in_file", "key_type": "s", "secret_value": "hidden-value"}
        )
        template = self.env["cx.tower.file.template"].create(
            {
                "name": "Settings",
                "file_name": "{{ dry_colour }}.conf",
                "server_dir": "/etc",
                "code": "colour={{ dry_colour }} #!cxtower.secret.dry_in_file!# {{ dry_late }}",
            }
        )
        make = self.command(
            "",
            name="Make",
            action="file_using_template",
            file_template_id=template.id,
            if_file_exists="raise",
        )
        setter = self.facts.copy({"code": 'custom_values["dry_late"] = 1'})
        line = {"command_id": make.id, "use_sudo": True}
        self.server.use_sudo = "n"
        report = self.report(self.plan(setter, line, {"command_id": make.id, "path": "/srv"}))
        first, second = report["lines"][1:]
        self.assertEqual((first["outcome"], first["path"]), ("run", "/etc/red.conf"))
        self.assertEqual(first["code"], "colour=red *** dry_in_file *** {{ dry_late }}")
        self.assertEqual((first["use_sudo"], first["values_later"]), ("n", ["dry_late"]))
        self.assertIn("an existing file is an error", first["facts"][0])
        self.assertEqual((second["path"], second["use_sudo"]), ("/srv/red.conf", ""))
        report = self.report(self.plan(make))
        self.assertEqual(self.found(report), [("value_missing", "1")])

    # ------------------------------------------------------------------ the way to the host

    def test_settings_that_make_every_run_fail(self):
        jump = self.server.copy({"name": "Jump"})
        cases = [
            ({"ip_v4_address": False}, "no address"),
            ({"ssh_password": False}, "logs in with a password"),
            ({"skip_host_key": False}, "host key"),
            ({"ssh_auth_mode": "k"}, "SSH key"),
            ({"jump_server_id": jump.id}, "Jump"),
        ]
        jump.with_context(skip_ssh_settings_check=True).write({"ssh_password": False, "skip_host_key": True})
        plan = self.plan(self.echo)
        for values, words in cases:
            with self.subTest(words):
                server = self.server.copy({"name": "Broken"}).with_context(skip_ssh_settings_check=True)
                server.write({"ssh_password": "x", "skip_host_key": True})
                server.write(values)
                report = self.report(plan, servers=server)
                self.assertEqual(self.found(report), [("connection", "")])
                self.assertIn(words, report["problems"][0]["message"])
                self.assertEqual(report["problems"][0]["exit_code"], 503)
        self.assertTrue(self.report(self.plan(self.facts), servers=server)["ok"])

    def test_a_server_that_logs_in_with_a_key(self):
        key = self.env["cx.tower.key"].create(
            {"name": "Key", "key_type": "k", "secret_value": make_private_key()}
        )
        self.server.write({"ssh_auth_mode": "k", "ssh_key_id": key.id})
        self.assertTrue(self.report(self.plan(self.echo))["ok"])

    def test_the_name_of_a_hidden_jump_host_stays_hidden(self):
        jump = self.server.copy({"name": "Secret jump", "user_ids": False, "manager_ids": False})
        jump.with_context(skip_ssh_settings_check=True).ssh_password = False
        self.server.jump_server_id = jump
        plan = self.plan(self.echo, access_level="1", user_ids=[(4, self.user.id)])
        report = self.report(plan, user=self.user)
        self.assertIn(("connection", ""), self.found(report))
        self.assertNotIn("Secret jump", str(report))

    def test_sudo(self):
        plan = self.plan({"command_id": self.echo.id, "use_sudo": True})
        self.assertEqual(self.found(self.report(plan), "warning"), [("sudo", "1")])
        self.server.use_sudo = "p"
        self.assertEqual(self.report(plan)["lines"][0]["use_sudo"], "p")
        self.assertFalse(self.report(plan)["problems"])
        self.server.shell_mode = "raw"
        self.assertEqual(self.found(self.report(plan)), [("sudo", "1")])

    # ------------------------------------------------------------------ rights

    def mixed(self):
        """Return a plan for users with a step of Root that lacks a value."""
        self.echo.write({"access_level": "1", "user_ids": [(4, self.user.id)]})
        above = self.command("top secret {{ dry_lacking }}", name="Above", access_level="3")
        return self.plan(
            self.echo,
            {"command_id": above.id, "condition": "'condition of root'"},
            access_level="1",
            user_ids=[(4, self.user.id)],
        )

    def test_code_above_ones_level_stays_hidden_but_its_outcome_shows(self):
        plan = self.mixed()
        report = self.report(plan, user=self.user)
        line = report["lines"][1]
        self.assertEqual((line["hidden"], line["outcome"], line["code"]), (True, "problem", ""))
        for hidden in ("top secret", "dry_lacking", "condition of root"):
            self.assertNotIn(hidden, str(report))
        self.assertEqual(self.found(report), [("value_missing", "2")])
        self.assertEqual(self.found(report, "information"), [("above_level", "2")])
        report = self.report(plan)
        self.assertIn("dry_lacking", str(report))
        self.assertFalse(self.found(report, "information"))

    def test_plans_inside_that_one_may_not_read(self):
        inner = self.plan(self.command("inner secret {{ dry_lacking }}"), name="Inner", access_level="3")
        runs = self.runs(inner)
        plan = self.plan(runs, access_level="2", manager_ids=[(4, self.manager.id)])
        report = self.report(plan, user=self.manager)
        self.assertEqual(report["lines"][0]["lines"], [])
        self.assertEqual(self.found(report), [("value_missing", "1")])
        self.assertNotIn("dry_lacking", str(report))
        self.assertIn("dry_lacking", str(self.report(plan)))

    def test_values_above_ones_level_do_not_show_in_conditions(self):
        self.colour.access_level = "3"
        self.server.set_variable_value("dry_colour", "crimson")
        self.env["cx.tower.variable.value"].search([("variable_id", "=", self.colour.id)]).access_level = "3"
        plan = self.plan(
            {"command_id": self.facts.id, "condition": "{{ dry_colour }} == 'x'"},
            {"command_id": self.facts.id, "condition": "{{ dry_colour }} ="},
            access_level="2",
            manager_ids=[(4, self.manager.id)],
        )
        self.assertNotIn("crimson", str(self.report(plan, user=self.manager)))
        self.assertIn("crimson", str(self.report(plan)["lines"]))

    def test_who_may_not_run_it_gets_no_report(self):
        open_plan = self.mixed()
        closed = self.plan(self.echo, access_level="3")
        hidden = self.server.copy({"name": "Hidden", "user_ids": False, "manager_ids": False})
        stranger = new_test_user(self.env, "dry_stranger", "base.group_user")
        visitor = new_test_user(self.env, "dry_visitor", "cetmix_tower_server.group_manager")
        self.server.user_ids += visitor
        denied = [
            (self.user, closed, self.server, {}),
            (self.user, open_plan, hidden, {}),
            (self.manager, open_plan, hidden, {}),
            (self.user, open_plan, self.server, {"dry_colour": "; rm"}),
            (visitor, open_plan, self.server, {"dry_colour": "; rm"}),
            (stranger, open_plan, self.server, {}),
        ]
        for person, plan, server, values in denied:
            for method in ("dry_run", "dry_run_text"):
                with self.subTest(person=person.login, plan=plan.name, server=server.name, method=method):
                    with self.assertRaises(AccessError):
                        getattr(plan.with_user(person), method)(server.ids, values)
        with self.assertRaises(AccessError):
            closed.with_user(self.user).action_dry_run()
        with self.assertRaises(AccessError):
            open_plan.with_user(self.user).action_run_on_servers(hidden.ids)
        self.assertTrue(open_plan.with_user(visitor).dry_run(self.server.ids)["servers"])

    # ------------------------------------------------------------------ servers

    def test_servers_are_named_in_many_ways(self):
        other = self.server.copy({"name": "Other", "reference": "dry_other"})
        plan = self.plan(self.echo).with_user(self.root)

        def names(*arguments, **keywords):
            return [row["server"]["name"] for row in plan.dry_run(*arguments, **keywords)["servers"]]

        self.assertEqual(names([self.server.id, "dry_other"]), ["Run test", "Other"])
        self.assertEqual(names(["dry_other", other.id]), ["Other"])
        self.assertEqual(names("dry_other"), ["Other"])
        self.assertEqual(names(domain=[("name", "=", "Other")]), ["Other"])
        self.assertEqual(names([self.server.id], domain=[("name", "=", "Other")]), ["Run test", "Other"])
        self.assertEqual(names([]), [])
        plan.sudo().server_ids = other
        self.assertEqual(names(), ["Other"])
        for wrong in (["nobody"], [10**8], [1.5], [True]):
            with self.subTest(wrong=wrong), self.assertRaises(ValidationError):
                plan.dry_run(wrong)
        hidden = self.server.copy({"name": "Hidden", "reference": "dry_hid", "user_ids": False})
        mine = self.plan(self.echo, access_level="1", user_ids=[(4, self.user.id)]).with_user(self.user)
        with self.assertRaises(ValidationError):
            mine.dry_run([hidden.reference])
        self.assertEqual([row["server"]["name"] for row in mine.dry_run()["servers"]], ["Run test"])

    def test_pages(self):
        servers = self.server + self.server.copy({"name": "B"}) + self.server.copy({"name": "C"})
        plan = self.plan(self.echo).with_user(self.root)
        report = plan.dry_run(servers.ids, offset=1, limit=1)
        self.assertEqual([row["server"]["name"] for row in report["servers"]], ["B"])
        self.assertEqual(
            {name: report["summary"][name] for name in ("total", "offset", "servers")},
            {"total": 3, "offset": 1, "servers": 1},
        )
        for wrong in ({"limit": 201}, {"limit": 0}, {"offset": -1}, {"offset": "1"}):
            with self.subTest(wrong), self.assertRaises(ValidationError):
                plan.dry_run(servers.ids, **wrong)

    def test_the_summary_counts_servers(self):
        good = self.server.copy({"name": "Good"})
        good.write({"ssh_password": "x", "skip_host_key": True})
        broken = self.server.copy({"name": "Bad"}).with_context(skip_ssh_settings_check=True)
        broken.write({"ip_v4_address": False, "skip_host_key": False})
        summary = self.report(self.plan(self.echo), servers=good + broken)["summary"]
        self.assertEqual((summary["servers"], summary["ready"], summary["with_problems"]), (2, 1, 1))
        self.assertEqual(summary["problems_by_kind"], {"connection": 1})

    def test_queries_do_not_grow_with_servers_and_lines(self):
        key = {"name": "S", "reference": "dry_many", "key_type": "s", "secret_value": "x"}
        self.env["cx.tower.key"].create(key)
        inner = self.plan(self.echo, self.facts, name="Inner")
        plan = self.plan(
            self.echo,
            self.runs(inner),
            self.command("x #!cxtower.secret.dry_many!#", allow_parallel_run=False),
            *[{"command_id": self.echo.id, "condition": "{{ dry_colour }}"}] * 5,
        ).with_user(self.root)
        servers = self.server.concat(*(self.server.copy({"name": f"S{number}"}) for number in range(30)))
        self.env.flush_all()

        def queries(chosen):
            plan.dry_run(chosen.ids)  # what is only read once
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            plan.dry_run(chosen.ids)
            return self.env.cr.sql_log_count - before

        self.assertLessEqual(queries(servers), queries(servers[:1]) + 3)

    def test_a_report_on_many_servers_says_what_the_reports_on_each_of_them_say(self):
        """What servers share is found out once; what differs is told of each."""
        self.env["cx.tower.key"].create({"name": "S", "reference": "dry_shared", "key_type": "s"})
        template = self.env["cx.tower.file.template"].create(
            {
                "name": "T",
                "file_name": "{{ dry_colour }}.txt",
                "server_dir": "/srv",
                "code": "{{ dry_colour }}",
            }
        )
        file = self.command("", name="File", action="file_using_template", file_template_id=template.id)
        plan = self.plan(
            {"command_id": self.echo.id, "condition": "{{ dry_colour }} == 'red'", "use_sudo": True},
            self.facts,
            self.command("echo {{ tower.server.name }} {{ _days }}"),
            self.command("x #!cxtower.secret.dry_shared!# {{ dry_colour }}"),
            {"command_id": self.echo.id, "condition": "{{ tower.server.name }} == 'S2'"},
            file,
        )
        servers = self.server.concat(*(self.server.copy({"name": f"S{number}"}) for number in range(5)))
        for server, colour in zip(
            servers, ("red", "red", "blue", "{{ tower.server.name }}", None, "{{"), strict=True
        ):
            server.variable_value_ids.unlink()
            if colour is not None:
                self.env.cr.execute(  # past the checks: a broken one
                    "INSERT INTO cx_tower_variable_value (variable_id, server_id, value_char, active, access_level,"
                    " is_global, reference) VALUES (%s, %s, %s, TRUE, '1', FALSE, %s)",
                    (self.colour.id, server.id, colour, f"dry_{server.id}"),
                )
        self.env.invalidate_all()
        values = self.env["cx.tower.variable.value"].search([("variable_id", "=", self.colour.id)])
        self.env["cx.tower.variable"]._link_used_variables(values, ["value_char"])
        servers[1].use_sudo = "p"
        together = self.report(plan, servers=servers)["servers"]
        apart = [self.report(plan, servers=server) for server in servers]
        self.assertEqual(together, apart)
        self.assertGreater(len({str(report["lines"]) for report in apart}), 4)

    def test_what_is_the_same_on_all_servers_is_worked_out_once(self):
        plan = self.plan(
            {"command_id": self.echo.id, "condition": "{{ dry_colour }} == 'red'"}, self.facts
        ).with_user(self.root)
        servers = self.server.concat(*(self.server.copy({"name": f"S{number}"}) for number in range(9)))
        render, decide = type(self.server)._render_run, conditions.decide
        counted = []

        def count(function):
            return lambda *args, **kwargs: counted.append(function) or function(*args, **kwargs)

        with (
            patch.object(type(self.server), "_render_run", count(render)),
            patch.object(conditions, "decide", count(decide)),
        ):
            plan.dry_run(servers.ids)
            self.assertEqual(len(counted), 3)
            servers[0].set_variable_value("dry_colour", "blue")
            plan.dry_run(servers.ids)
        self.assertEqual(len(counted), 3 + 4)

    # ------------------------------------------------------------------ text, screens

    def test_the_report_as_text(self):
        plan = self.plan(self.echo, self.command("x {{ dry_missing }}"), self.facts)
        text = plan.with_user(self.root).dry_run_text(self.server.ids)
        for part in (
            "Dry run of flight plan “Dry”",
            "0 of 1 servers ready, 1 with problems.",
            "== Run test (run_test): has problems ==",
            "PROBLEM: line 2: The variable “dry_missing” has no value",
            "1. [runs] Echo: It has no condition.",
            "    | echo red",
            "2. [PROBLEM]",
        ):
            self.assertIn(part, text)

    def test_the_way_from_and_to_the_wizard(self):
        plan = self.plan(self.echo).with_user(self.root)
        values = {"dry_colour": "blue", "_free": "x"}
        action = plan.action_run_on_servers(self.server.ids, values)
        form = Form(self.env[action["res_model"]].with_user(self.root).with_context(**action["context"]))
        self.assertEqual([row["server_id"] for row in form.preview_ids._records], [self.server.id])
        wizard = form.save()
        self.assertEqual((wizard.plan_id, wizard.server_ids), (plan, self.server))
        self.assertEqual(wizard._custom_values(), {"dry_colour": "blue"})
        back = wizard.action_dry_run()
        self.assertEqual(
            back["params"],
            {
                "plan_id": plan.id,
                "server_ids": self.server.ids,
                "variable_values": {"dry_colour": "blue"},
            },
        )

    def test_the_dry_run_of_a_plan_asks_where(self):
        """There may be a thousand servers."""
        plan = self.plan(self.echo).with_user(self.root)
        action = plan.action_dry_run()
        self.assertEqual(action["res_model"], "cx.tower.plan.run.wizard")
        self.assertNotIn("default_server_ids", action["context"])
        plan.sudo().server_ids = self.server
        form = Form(
            self.env[action["res_model"]]
            .with_user(self.root)
            .with_context(**plan.action_dry_run()["context"])
        )
        self.assertEqual(form.save().action_dry_run()["params"]["server_ids"], self.server.ids)

    def test_a_dry_run_and_a_run_agree(self):
        """All of it in Python, so that no host is needed."""
        say = self.facts.copy({"code": "result = {'exit_code': 0, 'message': {{ dry_colour }}}"})
        inner = self.plan({"command_id": say.id, "condition": "{{ dry_colour }} != 'red'"}, name="Inner")
        plan = self.plan(
            {"command_id": say.id, "condition": "{{ dry_colour }} == 'red'"},
            {"command_id": say.id, "condition": "{{ dry_colour }} == 'blue'"},
            self.runs(inner),
            say,
        )
        lines = self.report(plan)["lines"]
        log = self.server.with_user(self.root).run_flight_plan(plan)
        states = [step.state for step in log.sudo().command_log_ids.sorted("position")]
        self.assertEqual(states, ["done", "skipped", "skipped", "done"])
        self.assertEqual(
            [line["outcome"] for line in lines],
            ["skip" if state == "skipped" else "run" for state in states],
        )
