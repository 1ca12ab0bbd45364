from lxml import etree
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval
from psycopg2 import IntegrityError

from .plan_case import PlanCase


@tagged("post_install", "-at_install")
class TestPlan(PlanCase):
    # ------------------------------------------------------------------ lines

    def test_commands_of_a_plan_and_plans_of_a_command(self):
        plan = self._new_plan("A", [self.first, self.second, self.first])
        other = self._new_plan("B", [self.first])
        self.env.flush_all()
        self.assertEqual(plan.command_ids, self.first | self.second)
        self.assertEqual(self.first.flight_plan_used_ids, plan | other)
        self.assertEqual(self.first.flight_plan_used_ids_count, 2)
        action = self.first.action_open_plans()
        self.assertEqual(self.env["cx.tower.plan"].search(action["domain"]), plan | other)
        plan.line_ids[1].unlink()
        self.assertEqual(plan.command_ids, self.first)

    def test_action_of_a_line_is_its_commands(self):
        plan = self._new_plan("A", [{"command_id": self.first.id, "action": "python_code"}])
        line = plan.line_ids
        self.assertEqual(line.action, "ssh_command")
        line.action = "python_code"
        self.assertEqual(line.action, "ssh_command")
        self.first.with_user(self.root).action = "python_code"
        self.assertEqual(line.action, "python_code")

    def test_choosing_another_action_asks_for_another_command(self):
        plan = self._new_plan("A", [self.first])
        with Form(plan) as form, form.line_ids.edit(0) as line:
            self.assertEqual(line.action, "ssh_command")
            line.action = "plan"
            self.assertFalse(line.command_id)
            self.assertEqual(line.action, "plan")
            line.command_id = self._new_plan_command(self._new_plan("B"))
        self.assertEqual(plan.line_ids.action, "plan")

    def test_a_command_is_found_without_its_action_and_brings_it_along(self):
        python = self._new_command("Py", action="python_code", code="pass")
        plan = self._new_plan("A", [self.first])
        with Form(plan) as form, form.line_ids.new() as line:
            self.assertFalse(line.action)
            line.command_id = python
            self.assertEqual(line.action, "python_code")
        self.assertEqual(plan.line_ids[1].action, "python_code")

    def test_what_happens_after_a_line_is_told_while_it_is_edited(self):
        line = self._new_plan("A", [self.first]).line_ids
        with Form(line) as form:
            with form.action_ids.new() as action:
                action.condition, action.value_char, action.action = "!=", "0", "e"
            self.assertEqual(form.action_summary, "!= 0 → exit")
        self.assertEqual(line.action_summary, "!= 0 → exit")
        variables = self.place | self.flag
        line.action_ids.variable_value_ids = [(0, 0, {"variable_id": variable.id}) for variable in variables]
        self.assertEqual(line.action_summary, "!= 0 → exit, sets Place, Flag")
        line.plan_id.write({"access_level": "1", "user_ids": [(4, self.user.id)]})
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(line.with_user(self.user).action_summary, "!= 0 → exit")

    def test_values_set_in_the_form_of_a_new_action_are_saved(self):
        arch = etree.fromstring(self.env["cx.tower.plan.line"].get_view(view_type="form")["arch"])
        (column,) = arch.xpath("//field[@name='action_ids']/list/field[@name='variable_value_ids']")
        self.assertEqual(column.get("force_save"), "1", "the browser leaves out what the list only shows")

    def test_a_condition_or_path_that_cannot_be_read_is_refused_with_its_place(self):
        plan = self._new_plan("A", [self.first, self.second])
        with self.assertRaisesRegex(ValidationError, "^Line 2 “Second”, condition: "):
            plan.line_ids[1].condition = "{{ place"
        with self.assertRaisesRegex(ValidationError, "^Line 1 “First”, path: "):
            plan.line_ids[0].path = "/{{ place"
        lines = [
            (0, 0, {"command_id": self.first.id, "sequence": n, "path": p}) for n, p in ((2, "{{"), (1, 0))
        ]
        with self.assertRaisesRegex(ValidationError, "^Line 2 “First”, path: "):
            self.env["cx.tower.plan"].create({"name": "B", "line_ids": lines})

    def test_a_line_shows_what_its_command_does(self):
        sub_plan = self._new_plan("Sub", [self.first])
        plan = self._new_plan("A", [self.first, self._new_plan_command(sub_plan)])
        ssh, nested = plan.line_ids
        self.assertEqual((ssh.name, ssh.command_code), ("First", "echo 1"))
        self.assertFalse(ssh.plan_run_id)
        self.assertEqual(nested.plan_run_id, sub_plan)
        self.assertEqual(nested.plan_run_line_ids, sub_plan.line_ids)
        self.assertEqual(nested.command_id.flight_plan_line_ids, sub_plan.line_ids)

    def test_a_line_runs_a_plan_that_is_chosen_directly(self):
        sub_plan = self._new_plan("Sub", [self.first], access_level="1")
        form = Form(self.env["cx.tower.plan"].with_user(self.manager))
        form.name = "A"
        with form.line_ids.new() as line:
            line.action = "plan"
            line.plan_run_id = sub_plan
        with form.line_ids.new() as line:
            line.command_id = self.first
        plan = form.save()
        command = plan.line_ids[0].command_id
        self.assertEqual((command.name, command.action, command.access_level), ("Sub", "plan", "1"))
        self.assertEqual(command.flight_plan_id, sub_plan)
        # chosen again it is the same command, however it is chosen
        again = self.env["cx.tower.plan.line"].create({"plan_id": plan.id, "plan_run_id": sub_plan.id})
        self.assertEqual(again.command_id, command)
        other = self._new_plan("Other", [self.first])
        again.plan_run_id = other
        self.assertEqual(again.command_id.flight_plan_id, other)

    def test_a_plan_that_may_not_be_read_cannot_be_chosen(self):
        hidden = self._new_plan("Hidden", [self.first], access_level="3")
        plan = self._new_plan("A", [self.first], managers=self.manager, person=self.manager)
        with self.assertRaises(AccessError):
            plan.line_ids.with_user(self.manager).plan_run_id = hidden.id

    def test_what_is_archived_or_internal_is_not_offered_for_a_line(self):
        arch = etree.fromstring(self.env["cx.tower.plan"].get_view(view_type="form")["arch"])
        context_of = self.env["cx.tower.plan"]._fields["line_ids"].context
        for node in arch.xpath(
            "//field[@name='line_ids']/list//field[@name='command_id' or @name='plan_run_id']"
        ):
            context = safe_eval(node.get("context") or "{}", {"action": "ssh_command"})
            Command = self.env["cx.tower.command"].with_context(**(context_of | context))
            offered = [name for _id, name in Command.name_search("", [("action", "=?", "ssh_command")])]
            self.assertIn("First", offered)
            self.assertFalse([name for name in offered if "d-hoc" in name or "log file" in name])

    def test_code_above_the_persons_level_is_not_shown(self):
        hidden_plan = self._new_plan("Hidden", [self.first], access_level="3")
        self.first.access_level = "3"
        low = self._new_plan_command(hidden_plan, access_level="1", users=self.user)
        plan = self._new_plan("A", [self.first, low], access_level="1", users=self.user)
        self.env.invalidate_all()
        ssh, nested = plan.with_user(self.user).line_ids
        self.assertEqual(ssh.name, "First")
        self.assertFalse(ssh.command_code)
        self.assertFalse(nested.plan_run_id)
        self.assertFalse(nested.plan_run_line_ids)
        self.assertFalse(nested.command_id.flight_plan_line_ids)
        self.assertEqual(ssh.sudo().command_code, "echo 1")
        # and the form of such a plan opens
        Form(plan.with_user(self.manager))
        spec = {"line_ids": {"fields": {"command_id": {"fields": {"display_name": {}}}, "command_code": {}}}}
        (data,) = plan.with_user(self.user).web_read(spec)
        self.assertEqual(data["line_ids"][0]["command_id"]["display_name"], "First")

    def test_variables_of_condition_and_path(self):
        line = self._full_plan().line_ids[0]
        self.assertEqual(line.variable_ids, self.place | self.flag)
        self.assertEqual(self.flag.plan_line_ids_count, 1)
        action = self.flag.action_open_plan_lines()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]), line)
        self.flag.reference = "switch"
        self.assertEqual(line.condition, "{{ switch }}")
        line.condition = "{{ later }}"
        self.assertNotIn(self.flag, line.variable_ids)
        later = self.env["cx.tower.variable"].create({"name": "Later"})
        self.assertIn(later, line.variable_ids)

    def test_malformed_texts_are_refused(self):
        plan = self._new_plan("A", [self.first])
        for name in ("condition", "path"):
            with self.subTest(name), self.assertRaises(ValidationError):
                plan.line_ids[name] = "{{ broken"

    def test_a_command_in_use_cannot_be_deleted(self):
        self._new_plan("A", [self.first])
        with self.assertRaisesRegex(UserError, "“First” cannot be deleted"):
            self.first.unlink()

    # ------------------------------------------------------------------ post-run actions

    def test_values_to_compare_with_are_numbers(self):
        plan = self._new_plan("A", [self.first])
        vals = {"line_id": plan.line_ids.id, "condition": "==", "action": "n"}
        for text in ("0", "-302", "+1", "1.5", " 3 "):
            self.env["cx.tower.plan.line.action"].create({**vals, "value_char": text})
        for text in ("x", "1e5", "nan", "1,5", "{{ x }}", "٣"):
            with self.subTest(text), self.assertRaises(ValidationError):
                self.env["cx.tower.plan.line.action"].create({**vals, "value_char": text})

    def test_values_of_an_action_are_its_own(self):
        action = self._full_plan().line_ids.action_ids[0]
        values = self.env["cx.tower.variable.value"]
        values.create({"variable_id": self.flag.id, "value_char": "global"})
        self.assertEqual(action.get_variable_value("place"), "{{ flag }}/x")
        self.assertEqual(action.get_variable_value("flag"), "")
        action.set_variable_value("flag", "own")
        self.assertEqual(action.get_variable_value("flag"), "own")
        self.assertEqual(action.variable_value_ids.filtered("value_char").mapped("is_global"), [False, False])
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            values.create({"variable_id": self.flag.id, "plan_line_action_id": action.id, "value_char": "2"})

    # ------------------------------------------------------------------ references, copy

    def test_references_follow_the_plan(self):
        plan = self._full_plan("My plan")
        lines = plan.line_ids
        self.assertEqual(lines.mapped("reference"), ["my_plan_plan_line_1", "my_plan_plan_line_2"])
        self.assertEqual(
            lines.action_ids.mapped("reference"),
            ["my_plan_plan_line_1_plan_line_action_1", "my_plan_plan_line_1_plan_line_action_2"],
        )
        value = lines.action_ids.variable_value_ids.filtered("value_char")
        self.assertEqual(
            value.reference,
            "place_variable_value_plan_line_action_my_plan_plan_line_1_plan_line_action_1",
        )
        plan.reference = "other"
        self.assertEqual(lines[1].reference, "other_plan_line_2")
        self.assertEqual(lines.action_ids[0].reference, "other_plan_line_1_plan_line_action_1")
        self.assertTrue(value.reference.endswith("action_other_plan_line_1_plan_line_action_1"))

    def test_copy_has_everything(self):
        plan = self._full_plan(server_ids=[(6, 0, self._new_server().ids)])
        copy = plan.copy()
        self.assertEqual(copy.name, "Full (copy)")
        self.assertEqual(copy.server_ids, plan.server_ids)
        self.assertEqual(copy.command_ids, plan.command_ids)
        self.assertFalse(copy.line_ids & plan.line_ids)
        self.assertEqual(copy.line_ids[0].reference, "full_copy_plan_line_1")
        self.assertEqual(len(copy.line_ids.action_ids.variable_value_ids), 2)
        before, after = plan._definition()[plan.id], copy._definition()[copy.id]
        for document in (before, after):
            for part in (document, *document["lines"]):
                del part["id"], part["reference"]
            del document["name"]
        self.assertEqual(before, after)

    def test_an_archived_plan_keeps_its_lines(self):
        plan = self._full_plan()
        before = plan._definition()
        plan.action_archive()
        self.env.invalidate_all()
        self.assertFalse(plan.line_ids.filtered("active"))
        self.assertEqual(len(plan.line_ids), 2)
        self.assertEqual(len(plan.line_ids.action_ids), 2)
        self.assertEqual(plan._definition(), before)
        self.assertFalse(self.env["cx.tower.plan.line"].search([("plan_id", "=", plan.id)]))

    # ------------------------------------------------------------------ plans in plans

    def _chain(self, *names):
        """Create plans that each run the next one, and return (plans, commands that run them)."""
        plans = self.env["cx.tower.plan"]
        commands = self.env["cx.tower.command"]
        for name in reversed(names):
            plans = self._new_plan(name, commands[:1]) + plans
            commands = self._new_plan_command(plans[0]) + commands
        return plans, commands

    def test_a_plan_cannot_run_itself(self):
        plans, commands = self._chain("A", "B", "C")
        for command, path in zip(
            commands, ("“C” → “A” → “B” → “C”", "“C” → “B” → “C”", "“C” → “C”"), strict=True
        ):
            with self.subTest(path), self.assertRaises(ValidationError) as raised, self.env.cr.savepoint():
                plans[2].line_ids = [(0, 0, {"command_id": command.id})]
            names = {part for part in str(raised.exception).split("“") if part}
            self.assertTrue(
                all(f"{name}”" in str(raised.exception) for name in path if name.isalpha()), names
            )

    def test_a_command_cannot_close_a_circle(self):
        plans, commands = self._chain("A", "B", "C")
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            commands[2].flight_plan_id = plans[0]  # B runs C's command
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.first.write({"action": "plan", "flight_plan_id": plans[0].id})
            plans[2].line_ids = [(0, 0, {"command_id": self.first.id})]
        # chosen, but not what the command does: no circle, until it does
        shell = self._new_command("Shell", flight_plan_id=plans[0].id)
        plans[2].line_ids = [(0, 0, {"command_id": shell.id})]
        with self.assertRaises(ValidationError):
            shell.action = "plan"

    def test_a_line_cannot_move_into_its_own_plan(self):
        plans, _commands = self._chain("A", "B")
        with self.assertRaises(ValidationError):
            plans[0].line_ids.plan_id = plans[1]

    def test_the_same_sub_plan_twice_is_fine(self):
        plans, commands = self._chain("A", "B", "C")
        plans[0].line_ids = [(0, 0, {"command_id": commands[1].id}), (0, 0, {"command_id": commands[2].id})]
        plans[1].line_ids = [(0, 0, {"command_id": commands[2].id})]
        self.assertEqual(len(plans[0].line_ids), 3)
        self.assertEqual(plans[0]._with_nested(), plans)  # nearest first

    def test_deep_and_wide_nesting_is_checked_quickly(self):
        plans, commands = self._chain(*(f"P{number}" for number in range(40)))
        for plan, command in zip(plans[:-1], commands[1:], strict=True):
            plan.line_ids = [(0, 0, {"command_id": command.id})]  # 2 ** 39 ways down
        with self.assertRaises(ValidationError):
            plans[-1].line_ids = [(0, 0, {"command_id": commands[0].id})]

    def test_a_command_that_runs_a_plan_needs_one(self):
        with self.assertRaises(ValidationError):
            self._new_command("Nothing", action="plan")

    # ------------------------------------------------------------------ servers

    def test_compatibility(self):
        here, there = self._new_server("Here"), self._new_server("There")
        plans, _commands = self._chain("A", "B", "C")
        plan = plans[0]
        self.assertIs(plan._is_plan_incompatible_with_server(here), False)
        command = self._new_command("Narrow", server_ids=[(6, 0, there.ids)])
        plans[2].line_ids = [(0, 0, {"command_id": self.first.id}), (0, 0, {"command_id": command.id})]
        self.assertIs(plan._is_plan_incompatible_with_server(there), False)
        reason = plan._is_plan_incompatible_with_server(here)
        for name in ("Narrow", "“C”", "line 2", "Here"):
            self.assertIn(name, reason)
        plans[1].server_ids = there
        self.assertIn("“B”", plan._is_plan_incompatible_with_server(here))
        plan.server_ids = there
        self.assertIn("“A”", plan._is_plan_incompatible_with_server(here))
        self.assertEqual(
            {key: bool(value) for key, value in plan._get_incompatibilities(here | there).items()},
            {here.id: True, there.id: False},
        )

    def test_hidden_and_archived_servers_restrict_just_the_same(self):
        mine, hidden = self._new_server("Mine", managers=self.manager), self._new_server("Hidden")
        command = self._new_command("Narrow", server_ids=[(6, 0, hidden.ids)], managers=self.manager)
        plan = self._new_plan("A", [command], managers=self.manager).with_user(self.manager)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertIn("Narrow", plan._is_plan_incompatible_with_server(mine.with_user(self.manager)))
        hidden.action_archive()
        self.env.invalidate_all()
        self.assertIn("Narrow", plan._is_plan_incompatible_with_server(mine.with_user(self.manager)))

    def test_compatibility_with_many_servers_and_plans_costs_few_queries(self):
        servers = self.env["cx.tower.server"].concat(*(self._new_server(f"S{i}") for i in range(5)))
        plans, _commands = self._chain(*(f"P{number}" for number in range(8)))
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(8):
            self.assertFalse(any(plans[0]._get_incompatibilities(servers).values()))

    # ------------------------------------------------------------------ definition

    def test_definition(self):
        plan = self._full_plan(allow_parallel_run=True)
        sub_plan = self._new_plan("Sub")
        plan.line_ids = [(0, 0, {"command_id": self._new_plan_command(sub_plan).id, "sequence": 30})]
        first, second, third = plan.line_ids
        self.assertEqual(
            plan._definition(),
            {
                plan.id: {
                    "id": plan.id,
                    "reference": "full",
                    "name": "Full",
                    "on_error": "ec",
                    "custom_exit_code": 9,
                    "timeout_s": 60,
                    "allow_parallel_run": True,
                    "lines": [
                        {
                            "id": first.id,
                            "reference": "full_plan_line_1",
                            "name": "First",
                            "command_id": self.first.id,
                            "action": "ssh_command",
                            "condition": "{{ flag }}",
                            "path": "/srv/{{ place }}",
                            "use_sudo": True,
                            "code": "echo 1",
                            "command_path": "/tmp",
                            "settings": self.first._run_settings(),
                            "flight_plan_id": 0,
                            "actions": [
                                {
                                    "condition": ">",
                                    "value": "1",
                                    "then": "ec",
                                    "custom_exit_code": 7,
                                    "values": {"place": "{{ flag }}/x", "flag": ""},
                                },
                                {
                                    "condition": "!=",
                                    "value": "0",
                                    "then": "n",
                                    "custom_exit_code": 0,
                                    "values": {},
                                },
                            ],
                        },
                        {
                            "id": second.id,
                            "reference": "full_plan_line_2",
                            "name": "Second",
                            "command_id": self.second.id,
                            "action": "ssh_command",
                            "condition": "",
                            "path": "",
                            "use_sudo": False,
                            "code": "echo {{ place }}",
                            "command_path": "",
                            "settings": self.second._run_settings(),
                            "flight_plan_id": 0,
                            "actions": [],
                        },
                        {
                            "id": third.id,
                            "reference": "full_plan_line_3",
                            "name": "Run Sub",
                            "command_id": third.command_id.id,
                            "action": "plan",
                            "condition": "",
                            "path": "",
                            "use_sudo": False,
                            "code": "",
                            "command_path": "",
                            "settings": third.command_id._run_settings(),
                            "flight_plan_id": sub_plan.id,
                            "actions": [],
                        },
                    ],
                }
            },
        )
        self.assertEqual(self.env["cx.tower.plan"]._definition(), {})

    def test_definition_is_in_order(self):
        plan = self._full_plan()
        first, second = plan.line_ids
        first.sequence, second.sequence = 20, 10
        lines = plan._definition()[plan.id]["lines"]
        self.assertEqual([line["name"] for line in lines], ["Second", "First"])
        early, late = first.action_ids
        early.sequence, late.sequence = 20, 10
        actions = plan._definition()[plan.id]["lines"][1]["actions"]
        self.assertEqual([action["condition"] for action in actions], ["!=", ">"])

    def test_definition_of_many_plans_costs_as_much_as_of_one(self):
        plans = self.env["cx.tower.plan"].concat(*(self._full_plan(f"P{i}") for i in range(20)))
        for some in (plans[0], plans):
            self.env.flush_all()
            self.env.invalidate_all()
            with self.subTest(len(some)), self.assertQueryCount(11):
                some._definition()

    def test_definition_does_not_depend_on_who_asks(self):
        self.first.access_level = "3"
        plan = self._full_plan(access_level="1", users=self.user)
        self.env.invalidate_all()
        as_user = plan.with_user(self.user)._definition()
        self.assertEqual(as_user[plan.id]["lines"][0]["code"], "echo 1")
        self.env.invalidate_all()
        self.assertEqual(as_user, plan._definition())

    # ------------------------------------------------------------------ level

    def test_commands_above_the_level_of_the_plan(self):
        plan = self._new_plan("A", [self.first, self.second], access_level="1")
        self.assertIn("First, Second", plan.access_level_warn_msg)
        self.first.access_level = "1"
        self.assertNotIn("First", plan.access_level_warn_msg)
        plan.access_level = "2"
        self.assertFalse(plan.access_level_warn_msg)

    def test_logs_button(self):
        plan = self._new_plan("A", [self.first], managers=self.manager)
        server = self._new_server(managers=self.manager)
        logs = self.env["cx.tower.plan.log"]
        vals = {"plan_id": plan.id, "server_id": server.id, "state": "done"}
        log, _hidden = logs.create([vals, {**vals, "server_id": self._new_server("Hidden").id}])
        self.assertEqual(plan.with_user(self.manager).plan_log_count, 1)
        action = plan.with_user(self.manager).action_open_plan_logs()
        self.assertEqual(logs.with_user(self.manager).search(action["domain"]), log)
        with self.assertRaises(AccessError):
            plan.with_user(self.user).action_open_plan_logs()

    def test_run_button(self):
        plan = self._new_plan("A", [self.first], managers=self.manager)
        action = plan.with_user(self.manager).action_run_flight_plan()
        self.assertEqual(action["res_model"], "cx.tower.plan.run.wizard")
        self.assertEqual(action["context"]["default_plan_id"], plan.id)
        with self.assertRaises(AccessError):
            plan.with_user(self.user).action_run_flight_plan()
