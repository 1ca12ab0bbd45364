from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..run.run_case import RunCase


@tagged("post_install", "-at_install")
class TestPlanRunWizard(RunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["cx.tower.key"].create(
            {
                "name": "Plan secret",
                "reference": "plan_secret",
                "key_type": "s",
                "secret_value": "hidden-value",
            }
        )
        cls.variable = cls.env["cx.tower.variable"].create({"name": "Greeting", "reference": "greeting"})
        cls.server.set_variable_value("greeting", "hello")
        Command = cls.env["cx.tower.command"]
        cls.greet = Command.create(
            {
                "name": "Greet",
                "code": "echo {{ greeting }} #!cxtower.secret.plan_secret!#",
                "path": "/opt/a",
            }
        )
        cls.say = Command.create(
            {
                "name": "Say",
                "action": "python_code",
                "code": 'result = {"exit_code": 0, "message": {{ greeting }}}',
                "allow_parallel_run": True,
            }
        )
        cls.talk = cls.new_plan("Talk", cls.say, cls.say)

    @classmethod
    def new_plan(cls, name, *commands, **values):
        lines = [(0, 0, {"sequence": number, "command_id": c.id}) for number, c in enumerate(commands)]
        return cls.env["cx.tower.plan"].create({"name": name, "line_ids": lines, **values})

    def wizard(self, user=None, servers=None, **context):
        ids = (servers or self.server).ids
        model = self.env["cx.tower.plan.run.wizard"].with_user(user or self.root)
        return Form(model.with_context(active_model="cx.tower.server", active_ids=ids, **context))

    def preview(self, plan, user=None, servers=None):
        with self.wizard(user=user, servers=servers) as form:
            form.plan_id = plan
        return form.record.preview_ids

    # ------------------------------------------------------------------ preview

    def test_preview_shows_each_line_with_secrets_by_name_only(self):
        plan = self.new_plan("Both", self.greet, self.say)
        plan.line_ids[1].condition = "{{ greeting }} == 'hello'"
        (row,) = self.preview(plan)
        self.assertEqual([line["number"] for line in row.lines], ["1", "2"])
        self.assertEqual([line["name"] for line in row.lines], ["Greet", "Say"])
        self.assertEqual(row.lines[0]["code"], "echo hello *** plan_secret ***")
        self.assertEqual(row.lines[0]["path"], "/opt/a")
        self.assertEqual(row.lines[1]["condition"], "{{ greeting }} == 'hello'")
        self.assertFalse(any(line["error"] for line in row.lines))

    def test_each_server_has_its_own_preview(self):
        other = self.server.copy({"name": "Other"})
        other.set_variable_value("greeting", "bye")
        rows = self.preview(self.new_plan("Greetings", self.greet), servers=self.server + other)
        codes = {row.server_id: row.lines[0]["code"] for row in rows}
        self.assertIn("hello", codes[self.server])
        self.assertIn("bye", codes[other])

    def test_a_missing_value_is_shown_before_anything_runs(self):
        broken = self.env["cx.tower.command"].create({"name": "Broken", "code": "echo {{ no_such_value }}"})
        (row,) = self.preview(self.new_plan("Half broken", self.say, broken))
        self.assertFalse(row.lines[0]["error"])
        self.assertIn("no_such_value", row.lines[1]["error"])

    def test_what_steps_before_will_set_is_no_problem(self):
        Command = self.env["cx.tower.command"]
        facts = self.python('custom_values["_days"] = 7\ncustom_values["port"] = 80', name="Facts")
        texts = {
            "Uses": "x {{ _days }} {{ port }} {{ greeting }}",
            "Other": "x {{ _other }}",
            "Missing": "x {{ no_such }} {{ _days }}",
            "Computes": "x {{ _days + 1 }}",
        }
        commands = [Command.create({"name": name, "code": code}) for name, code in texts.items()]
        (row,) = self.preview(self.new_plan("Late", *commands, facts, *commands))
        before, after = row.lines[:4], row.lines[5:]
        self.assertTrue(all(line["error"] and not line["later"] for line in before))
        self.assertEqual([line["later"] for line in after], [["_days", "port"], ["_other"], [], ["_days"]])
        self.assertEqual(after[0]["code"], "x {{ _days }} {{ port }} hello")
        self.assertEqual([bool(line["error"]) for line in after], [False, False, True, False])
        self.assertIn("no_such", after[2]["error"])
        self.assertFalse(after[3]["code"])

    def test_what_post_run_actions_before_will_set_is_no_problem(self):
        state = self.env["cx.tower.variable"].create({"name": "State", "reference": "late_state"})
        use = self.env["cx.tower.command"].create({"name": "Use", "code": "x", "path": "/{{ late_state }}"})
        plan = self.new_plan("Sets", use, self.say, use)
        value = [(0, 0, {"variable_id": state.id, "value_char": "new"})]
        plan.line_ids[1].action_ids = [
            (0, 0, {"condition": "==", "value_char": "0", "action": "n", "variable_value_ids": value})
        ]
        (row,) = self.preview(plan)
        self.assertIn("late_state", row.lines[0]["error"])
        self.assertEqual((row.lines[2]["later"], row.lines[2]["path"]), (["late_state"], "/{{ late_state }}"))

    def test_plans_inside_are_shown_up_to_a_limit(self):
        def runs(plan):
            return self.env["cx.tower.command"].create(
                {"name": f"Runs {plan.name}", "action": "plan", "flight_plan_id": plan.id}
            )

        plan = self.new_plan("Outer", self.say, runs(self.talk), self.say)
        (row,) = self.preview(plan)
        self.assertEqual([line["number"] for line in row.lines], ["1", "2", "2.1", "2.2", "3"])
        self.assertIn("hello", row.lines[2]["code"])
        for level in range(12):  # 4096 times the two lines of the innermost
            command = runs(plan)
            plan = self.new_plan(f"Level {level}", command, command)
        (row,) = self.preview(plan)
        self.assertEqual(len(row.lines), 201)

    def test_a_plan_for_other_servers_is_pointed_out(self):
        other = self.server.copy({"name": "Other"})
        self.say.server_ids = other
        rows = self.preview(self.talk, servers=self.server + other)
        errors = {row.server_id: row.error for row in rows}
        self.assertIn("Say", errors[self.server])
        self.assertFalse(errors[other])

    def test_custom_values_show_in_the_preview_and_go_along(self):
        with self.wizard() as form:
            form.plan_id = self.talk
            with form.custom_variable_value_ids.new() as line:
                line.variable_id = self.variable
                line.value_char = "own"
        wizard = form.record
        self.assertIn("own", wizard.preview_ids.lines[0]["code"])
        log = self.env["cx.tower.plan.log"].browse(wizard.run_flight_plan()["res_id"])
        self.assertEqual(log.command_log_ids.mapped("command_response"), ["own", "own"])

    def test_an_own_value_is_chosen_among_the_options_of_its_variable(self):
        options = [(0, 0, {"name": "Small", "value_char": "s"}), (0, 0, {"name": "Large", "value_char": "l"})]
        size = self.variable.create(
            {"name": "Size", "reference": "size", "variable_type": "o", "option_ids": options}
        )
        for wizard, field in (("plan", "plan_id"), ("command", "command_id")):
            with self.subTest(wizard):
                model = self.env[f"cx.tower.{wizard}.run.wizard"].with_user(self.root)
                form = Form(model.with_context(active_model="cx.tower.server", active_ids=self.server.ids))
                if wizard == "command":
                    form.action = "python_code"
                form[field] = self.talk if wizard == "plan" else self.say
                with form.custom_variable_value_ids.new() as line:
                    line.variable_id = self.variable
                    line.value_char = "typed"
                    line.variable_id = size
                    self.assertFalse(line.value_char)
                    line.option_id = size.option_ids.filtered(lambda option: option.value_char == "l")
                    self.assertEqual(line.value_char, "l")
                record = form.save()
                self.assertEqual(record._custom_values(), {"size": "l"})
                with self.assertRaises(ValidationError):
                    record.custom_variable_value_ids.create({"variable_id": size.id, "value_char": "xl"})

    def test_custom_values_belong_to_the_plan_they_were_typed_for(self):
        with self.wizard() as form:
            form.plan_id = self.talk
            with form.custom_variable_value_ids.new() as line:
                line.variable_id = self.variable
            form.plan_id = self.new_plan("Next", self.say)
            self.assertFalse(len(form.custom_variable_value_ids))

    def test_code_above_ones_level_stays_hidden(self):
        secret = self.env["cx.tower.command"].create(
            {"name": "Above", "code": "echo top secret code", "access_level": "3"}
        )
        plan = self.new_plan("Mixed", secret, access_level="1", user_ids=[(4, self.user.id)])
        (row,) = self.preview(plan, user=self.user)
        self.assertTrue(row.lines[0]["hidden"])
        self.assertNotIn("top secret", str(row.lines))
        (row,) = self.preview(plan, user=self.root)
        self.assertIn("top secret", row.lines[0]["code"])

    # ------------------------------------------------------------------ run

    def test_one_run_opens_its_form(self):
        with self.wizard() as form:
            form.plan_id = self.talk
        action = form.record.run_flight_plan()
        log = self.env["cx.tower.plan.log"].browse(action["res_id"])
        self.assertEqual((log.plan_id, log.server_id, log.state), (self.talk, self.server, "done"))
        self.assertEqual(log.user_id, self.root)
        self.assertEqual(log.command_log_ids.mapped("command_response"), ["hello", "hello"])

    def test_several_servers_are_a_fleet_run(self):
        other = self.server.copy({"name": "Other"})
        with self.wizard(servers=self.server + other) as form:
            form.plan_id = self.talk
            form.concurrency_limit = 1
            form.stop_after_failures = 2
        action = form.record.run_flight_plan()
        fleet = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(fleet.plan_log_ids.server_id, self.server + other)
        self.assertEqual((fleet.state, fleet.concurrency_limit, fleet.stop_after_failures), ("done", 1, 2))
        self.assertEqual(fleet.user_id, self.root)

    def test_servers_by_criteria(self):
        tag = self.env["cx.tower.tag"].create({"name": "Wizard tag"})
        other = self.server.copy({"name": "Other", "tag_ids": [(4, tag.id)]})
        hidden = self.server.copy({"name": "Hidden", "tag_ids": [(4, tag.id)]})
        hidden.write({"user_ids": [(5,)], "manager_ids": [(5,)]})
        other.manager_ids = [(4, self.manager.id)]
        Wizard = self.env["cx.tower.plan.run.wizard"].with_user(self.manager)
        with Form(Wizard) as form:
            form.plan_id = self.talk
            form.is_by_criteria = True
            form.server_tag_ids.add(tag)
            self.assertEqual(form.server_count, 1)
            form.server_domain = '[("name", "=", "Other")]'
        self.assertEqual(form.record.server_ids, other)
        with self.assertRaisesRegex(UserError, "is invalid. Correct it"), Form(Wizard) as form:
            form.is_by_criteria = True
            form.server_domain = "[(__import__('os'), '=', 1)]"

    def test_nothing_chosen_says_what_to_do(self):
        Wizard = self.env["cx.tower.plan.run.wizard"].with_user(self.root)
        with self.assertRaises(UserError):
            Wizard.create({"server_ids": [(6, 0, self.server.ids)]}).run_flight_plan()
        with self.assertRaises(UserError):
            Wizard.create({"plan_id": self.talk.id}).run_flight_plan()

    def test_offered_are_plans_for_these_servers_and_for_all(self):
        other = self.server.copy({"name": "Other"})
        here = self.new_plan("Here", self.say, server_ids=[(4, self.server.id)])
        there = self.new_plan("There", self.say, server_ids=[(4, other.id)])
        with self.wizard() as form:
            form.plan_id = self.talk
            offered = self.env["cx.tower.plan"].search(form.plan_domain)
            self.assertTrue(here + self.talk <= offered)
            self.assertNotIn(there, offered)
            form.applicability = "this"
            self.assertEqual(self.env["cx.tower.plan"].search(form.plan_domain), here)

    # ------------------------------------------------------------------ rights

    def test_it_shows_nobody_a_plan_he_may_not_read(self):
        hidden = self.new_plan("Hidden", self.say, note="root note", access_level="3")
        Wizard = self.env["cx.tower.plan.run.wizard"].with_user(self.user)
        with self.assertRaises(AccessError):
            wizard = Wizard.create({"server_ids": [(6, 0, self.server.ids)], "plan_id": hidden.id})
            wizard.read(["note", "preview_ids"])

    def test_it_shows_nobody_a_server_or_variable_he_may_not_read(self):
        other = self.server.copy({"name": "Other", "user_ids": False, "manager_ids": False})
        Wizard = self.env["cx.tower.plan.run.wizard"].with_user(self.user)
        with self.assertRaises(AccessError):
            Wizard.create({"server_ids": [(6, 0, other.ids)]})
        hidden = self.env["cx.tower.variable"].create(
            {"name": "Root's", "reference": "of_root", "access_level": "3"}
        )
        with self.assertRaises(AccessError):
            Wizard.create(
                {
                    "server_ids": [(6, 0, self.server.ids)],
                    "custom_variable_value_ids": [(0, 0, {"variable_id": hidden.id})],
                }
            )

    def test_users_run_what_is_open_to_them_but_set_no_values(self):
        self.variable.access_level = "1"
        self.talk.write({"access_level": "1", "user_ids": [(4, self.user.id)]})
        self.say.access_level = "1"
        with self.wizard(user=self.user) as form:
            form.plan_id = self.talk
            self.assertFalse(form.may_set_values)
        wizard = form.record
        action = wizard.run_flight_plan()
        self.assertEqual(self.env["cx.tower.plan.log"].browse(action["res_id"]).user_id, self.user)
        values = [(0, 0, {"variable_id": self.variable.id, "value_char": "own"})]
        wizard = wizard.create(
            {
                "server_ids": [(6, 0, self.server.ids)],
                "plan_id": self.talk.id,
                "custom_variable_value_ids": values,
            }
        )
        self.assertIn("greeting", wizard.preview_ids.error)
        with self.assertRaises(AccessError):
            wizard.run_flight_plan()

    def test_wizards_belong_to_who_opened_them(self):
        with self.wizard(user=self.root) as form:
            form.plan_id = self.talk
            with form.custom_variable_value_ids.new() as line:
                line.variable_id = self.variable
        wizard = form.record
        log, _fail = self.failed_run()
        resuming = (
            self.env["cx.tower.plan.resume.wizard"].with_user(self.root).create({"plan_log_id": log.id})
        )
        preview = wizard.preview_ids.create({"wizard_id": wizard.id})
        for record in (wizard, wizard.custom_variable_value_ids, preview, resuming):
            for person in (self.user, self.manager):
                with self.subTest(model=record._name, person=person.login), self.assertRaises(AccessError):
                    record.with_user(person).read(["display_name"])

    # ------------------------------------------------------------------ resuming

    def failed_run(self):
        """Return a run that failed at its second step, and the command to mend."""
        fail = self.python('result = {"exit_code": 7, "message": "no"}', name="Fail")
        log = self.server.with_user(self.root).run_flight_plan(self.new_plan("Fails", self.say, fail))
        return log, fail

    def test_an_unchanged_plan_is_resumed_at_once(self):
        log, _fail = self.failed_run()
        self.assertTrue(log.can_resume)
        action = log.action_resume()
        self.assertEqual(action["res_model"], "cx.tower.plan.log")
        self.assertEqual(self.env["cx.tower.plan.log"].browse(action["res_id"]).resumed_from_id, log)

    def test_a_changed_plan_is_resumed_after_a_look_at_the_difference(self):
        log, fail = self.failed_run()
        fail.code = 'result = {"exit_code": 0, "message": "mended"}'
        action = log.action_resume()
        self.assertEqual(action["res_model"], "cx.tower.plan.resume.wizard")
        wizard = (
            self.env[action["res_model"]].with_user(self.root).with_context(**action["context"]).create({})
        )
        self.assertTrue(wizard.difference)
        resumed = self.env["cx.tower.plan.log"].browse(wizard.action_resume()["res_id"])
        self.assertEqual((resumed.resumed_from_id, resumed.state), (log, "done"))

    def test_the_difference_is_for_those_who_may_read_the_run(self):
        log, _fail = self.failed_run()
        with self.assertRaises(AccessError):
            self.env["cx.tower.plan.resume.wizard"].with_user(self.user).create({"plan_log_id": log.id})

    # ------------------------------------------------------------------ servers and listening

    def test_the_server_leads_to_the_wizard_and_the_logs(self):
        action = self.server.with_user(self.user).action_run_flight_plan()
        self.assertEqual(action["res_model"], "cx.tower.plan.run.wizard")
        self.assertEqual(action["context"]["default_server_ids"], self.server.ids)
        inside = self.env["cx.tower.command"].create(
            {"name": "Inside", "action": "plan", "flight_plan_id": self.talk.id}
        )
        log = self.server.with_user(self.root).run_flight_plan(self.new_plan("Outer", inside))
        self.env.invalidate_all()
        self.assertEqual(self.server.with_user(self.root).plan_log_count, 1)  # the one inside belongs to it
        action = self.server.with_user(self.root).action_open_plan_logs()
        self.assertIn(log, self.env["cx.tower.plan.log"].search(action["domain"]))
        step = log.command_log_ids
        self.assertEqual((step.step_number, step.plan_log_id), (1, log))

    def test_one_listens_to_runs_one_may_read(self):
        inside = self.env["cx.tower.command"].create(
            {"name": "Inside", "action": "plan", "flight_plan_id": self.talk.id}
        )
        log = self.server.with_user(self.root).run_flight_plan(self.new_plan("Outer", inside))
        child = self.env["cx.tower.plan.log"].search([("parent_flight_plan_log_id", "=", log.id)])
        asked = [
            f"cetmix_tower_plan_log/{log.id}",
            "other",
            "cetmix_tower_plan_log/²",
            "cetmix_tower_plan_log/",
        ]

        def channels(user, names):
            return self.env["ir.websocket"].with_user(user)._prepare_tower_channels(list(names))

        self.assertEqual(channels(self.root, asked), ["other", log])
        self.assertEqual(channels(self.root, [f"cetmix_tower_plan_log/{child.id}"]), [log])
        self.assertEqual(channels(self.user, asked), ["other"])
        self.assertEqual(channels(self.root, [f"cetmix_tower_plan_log/{10**12}"]), [])
