from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .clone_case import CloneCase


@tagged("post_install", "-at_install")
class TestClone(CloneCase):
    """Cloning: what the clone gets, how it is filled, and how it ends."""

    # ------------------------------------------------------------------ the plan

    def test_the_plan_runs_on_the_clone_which_then_goes_to_the_state_of_its_original(self):
        clone = self._clone()
        self.assertEqual(
            (clone.name, clone.jet_cloned_from_id, clone.server_id), ("Shop (clone)", self.shop, self.server)
        )
        self.assertFalse(clone.state_id)
        transition = clone.current_transition_id
        run = transition.plan_log_id
        self.assertEqual((run.plan_id, run.jet_id, transition.source), (self.same_plan, clone, "clone"))
        self.assertEqual(
            run._custom_values__().values,
            {
                "__original_jet__": self.shop.reference,
                "__original_host_reference__": self.shop.reference,
                "__original_server__": self.server.reference,
                "__requested_jet_state__": "running",
            },
        )
        self._end_action(clone)
        self.assertEqual((clone.state, clone.movement), ("running", "idle"))
        self.assertEqual(
            self._history(clone),
            [("Clone of Shop", "done"), ("Prepare", "done"), ("Build", "done"), ("Start", "done")],
        )
        self.assertEqual((self.shop.state, self._history(self.shop)), ("running", []))

    def test_the_plan_for_the_case_is_used(self):
        clone = self._clone(server=self.other.reference, name="Copy", state="stopped")
        self.assertEqual((clone.server_id, clone.name), (self.other, "Copy"))
        self.assertEqual(clone.current_transition_id.plan_log_id.plan_id, self.other_plan)
        self._end_action(clone)
        self.assertEqual(clone.state, "stopped")

    def test_no_state_is_requested(self):
        clone = self._clone(state=False)
        self._end_action(clone)
        self.assertEqual(
            (clone.state, clone.movement, self._history(clone)), (False, "idle", [("Clone of Shop", "done")])
        )

    def test_an_original_without_a_state(self):
        self.shop._set_state(self._state(None))
        clone = self._clone()
        self._end_action(clone)
        self.assertEqual((clone.state, clone.movement), (False, "idle"))

    def test_a_busy_original_counts_with_the_state_that_it_came_from_or_its_goal(self):
        self._give_plan("Stop", "Remove")
        self._action("Stop").trigger(self.shop)
        clone = self._clone(name="While it stops")
        self.assertEqual(clone.current_transition_id.journey_state_id.reference, "running")
        self._end_action(self.shop)
        self.shop.bring_to_state("removed")
        clone = self._clone(name="On its journey")
        self.assertEqual(clone.current_transition_id.journey_state_id.reference, "removed")

    def test_the_original_may_move_meanwhile(self):
        clone = self._clone()
        self._action("Stop").trigger(self.shop)
        self._end_action(clone)
        self.assertEqual((clone.state, self.shop.state), ("running", "stopped"))

    # ------------------------------------------------------------------ inside the plan

    def test_the_journey_of_the_plan_wins(self):
        clone = self._clone()
        transition = clone.current_transition_id
        self.patch(type(clone), "_transitions_of_this_thread", lambda jet: transition)
        result = clone.bring_to_state("stopped")
        self.assertEqual((result["transition"], result["state"]), (transition.id, "running"))
        self.assertEqual((clone.target_state_id.reference, transition.level), ("stopped", "3"))
        self._end_action(clone)
        self.assertEqual(clone.state, "stopped")

    def test_python_code_of_the_plan_says_where_the_clone_goes_whoever_started_it(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        self.enterContext(self.enter_registry_test_mode())
        self._action("Build").access_level = "3"
        code = (
            "jet.bring_to_state('stopped')\n"
            "original = tower_jets.get_by_reference(custom_values['__original_jet__'])\n"
            "result = {'exit_code': 0, 'message': original.name}"
        )
        step = self._new_command("Say it", action="python_code", code=code, access_level="3")
        # a plan of its own: the runs of the other one were numbered by transactions that this one does not see
        self.template.plan_clone_same_server_id = self._new_plan("Say where", [step], access_level="3")
        clone = self._clone(self.user, state="draft")
        self.assertEqual((clone.state, clone.last_problem), ("stopped", False))
        self.assertEqual(clone.plan_log_ids.command_log_ids.command_response, "Shop")

    def test_a_state_that_no_action_leads_to_is_refused_inside_the_plan(self):
        clone = self._clone()
        transition = clone.current_transition_id
        self.patch(type(clone), "_transitions_of_this_thread", lambda jet: transition)
        with self.assertRaisesRegex(UserError, "No actions lead"):
            clone.bring_to_state("suspended")
        with self.assertRaisesRegex(ValidationError, "no state"):
            clone.bring_to_state("nowhere")

    def test_elsewhere_a_clone_is_busy_as_any_jet(self):
        clone = self._clone()
        with self.assertRaisesRegex(UserError, "Clone of Shop.*is running"):
            clone.bring_to_state("stopped")
        with self.assertRaisesRegex(UserError, "Clone of Shop.*is running"):
            self._action("Prepare").trigger(clone)

    # ------------------------------------------------------------------ failures

    def test_a_failure_leaves_the_clone_in_no_state_with_the_reason_until_it_is_tried_again(self):
        clone = self._clone(state="stopped")
        self._end_action(clone, 7, "disk full")
        self.assertEqual((clone.state, clone.movement, clone.active), (False, "problem", True))
        self.assertTrue(clone.last_problem)
        result = clone.with_user(self.user).retry_clone()
        self.assertEqual((result["jet_id"], result["state"]), (clone.id, "running"))
        self.assertEqual(clone.current_transition_id.plan_log_id.plan_id, self.same_plan)
        self._end_action(clone)
        self.assertEqual((clone.state, clone.movement), ("stopped", "idle"))
        with self.assertRaisesRegex(UserError, "was filled"):
            clone.retry_clone()

    def test_running_the_plan_again_fills_the_clone_again(self):
        clone = self._clone(self.user)
        run = clone.current_transition_id.plan_log_id.with_user(self.user)
        self.assertFalse(run._is_run_again_offered())
        self._end_action(clone, 7)
        self.env.invalidate_all()
        self.assertTrue(run._is_run_again_offered())
        action = run.action_run_again()
        again = clone.current_transition_id
        self.assertTrue(again.is_clone)
        self.assertEqual(action["res_id"], again.plan_log_id.id)
        self._end_action(clone)
        self.assertEqual(clone.state, "running")

    def test_each_other_end_of_the_plan(self):
        for exit_code, outcome in ((-209, "interrupted"), (-208, "stopped"), (1, "failed")):
            with self.subTest(outcome):
                clone = self._clone(name=outcome)
                self._end_action(clone, exit_code)
                self.assertEqual((clone.state, clone.transition_ids.state), (False, outcome))

    def test_resuming_the_run_continues_the_clone_and_its_journey(self):
        clone = self._clone()
        run = clone.current_transition_id.plan_log_id
        self._end_action(clone, -209)
        run.resume()
        moving = clone.current_transition_id
        self.assertTrue(moving.is_clone)
        self.assertEqual((moving.cloned_from_id, moving.journey_state_id.reference), (self.shop, "running"))
        self._end_action(clone)
        self.assertEqual((clone.state, clone.movement), ("running", "idle"))

    def test_a_failed_action_of_the_journey_is_told_as_that(self):
        self._give_plan("Build")
        clone = self._clone()
        self._end_action(clone)
        self.assertEqual(clone.current_action_id.name, "Build")
        self._end_action(clone, 3)
        self.assertEqual((clone.state, clone.movement), ("draft", "problem"))

    def test_a_stopped_clone(self):
        clone = self._clone(self.user)
        clone.with_user(self.user).stop()
        self.assertEqual(clone.transition_ids.state, "stopped")

    def test_what_cannot_be_tried_again(self):
        with self.assertRaisesRegex(UserError, "not a clone"):
            self.shop.retry_clone()
        clone = self._clone()
        with self.assertRaisesRegex(UserError, "is busy"):
            clone.retry_clone()
        self._end_action(clone, 1)
        self.template.plan_clone_same_server_id = False
        with self.assertRaisesRegex(UserError, "no flight plan for that"):
            clone.retry_clone()
        self.template.plan_clone_same_server_id = self.same_plan
        self.shop._set_state(self._state("removed"))
        self.shop.unlink()
        with self.assertRaisesRegex(UserError, "original of .* was deleted"):
            clone.retry_clone()

    # ------------------------------------------------------------------ refused

    def test_refused_before_anything_is_created(self):
        before = self.env["cx.tower.jet"].search_count([])
        cases = [
            ({"state": "suspended"}, UserError, "No actions .* lead a new jet to"),
            ({"state": "nowhere"}, ValidationError, "nowhere"),
            ({"server": "nowhere"}, ValidationError, "nowhere"),
            ({"name": " "}, ValidationError, "Enter a name"),
            ({"jet_cloned_from_id": 1}, ValidationError, "follows from its original"),
            ({"colour": "red"}, ValidationError, "does not take colour"),
            ({"variable_values": {"unknown": "1"}}, ValidationError, "no variables"),
        ]
        for arguments, error, text in cases:
            with self.subTest(arguments), self.assertRaisesRegex(error, text):
                self.shop.clone(**arguments)
        self.template.plan_clone_same_server_id = False
        with self.assertRaisesRegex(ValidationError, "cannot be cloned on its own server"):
            self.shop.clone()
        self.template.plan_clone_different_server_id = False
        with self.assertRaisesRegex(ValidationError, "cannot be cloned to another server"):
            self.shop.clone(self.other)
        self.assertEqual(self.env["cx.tower.jet"].search_count([]), before)

    def test_refused_as_the_original_or_the_template_stands(self):
        self.template.limit_per_server = 1
        with self.assertRaisesRegex(UserError, "limit of"):
            self.shop.clone()
        self.template.limit_per_server = 0
        with self.assertRaisesRegex(UserError, "not installed"):
            self.shop.clone(self._new_server("Third"))
        self._give_plan("Destroy")
        self.shop._set_state(self._state("removed"))
        self._action("Destroy").trigger(self.shop)
        with self.assertRaisesRegex(UserError, "is being destroyed"):
            self.shop.clone()
        self._end_action(self.shop)
        with self.assertRaisesRegex(UserError, "is archived"):
            self.shop.clone()

    def test_who_may(self):
        self.assertTrue(self._clone(self.user, name="By a User"))
        self.assertTrue(self._clone(self.manager))
        self.template.user_ids = False
        with self.assertRaisesRegex(AccessError, "may not launch"):
            self._clone(self.user)
        self.template.user_ids = self.user
        self.shop.user_ids = False
        with self.assertRaises(AccessError):
            self._clone(self.user)

    def test_a_clone_made_by_a_user_has_the_name_of_its_original(self):
        clone = self._clone(self.user)
        self.assertEqual((clone.name, clone.create_uid), ("Shop (clone)", self.user))
        self.assertIn(self.user, clone.user_ids)
        with self.assertRaisesRegex(AccessError, "can mean something in shell code"):
            self._clone(self.user, name="$(reboot)")

    def test_a_state_above_the_level_of_the_caller(self):
        self._state("running").access_level = "2"
        with self.assertRaisesRegex(AccessError, "may not bring"):
            self._clone(self.user)
        self.assertTrue(self._clone(self.user, state="stopped"))

    # ------------------------------------------------------------------ what it gets

    def test_values_are_passed_or_copied_with_their_levels(self):
        self._give_values(self.shop, clone_colour="red", clone_hidden="deep")
        self.assertEqual(self._own(self._clone()), {})
        clone = self._clone(self.user, copy_values=True)
        self.assertEqual(self._own(clone), {"clone_colour": "red", "clone_hidden": "deep"})
        levels = {value.variable_reference: value.access_level for value in clone.variable_value_ids}
        self.assertEqual(levels, {"clone_colour": "1", "clone_hidden": "3"})
        self.env.invalidate_all()
        seen = clone.with_user(self.user).variable_value_ids
        self.assertEqual(seen.mapped("variable_reference"), ["clone_colour"])
        clone = self._clone(copy_values=True, variable_values={"clone_colour": "blue"})
        self.assertEqual(self._own(clone), {"clone_colour": "blue", "clone_hidden": "deep"})

    def test_a_required_value_counts_when_it_is_copied(self):
        self.template.variable_value_ids = [(0, 0, {"variable_id": self.colour.id, "required": True})]
        self._give_values(self.shop, clone_colour="red")
        with self.assertRaisesRegex(ValidationError, "Missing: Colour"):
            self.shop.clone()
        self.assertEqual(self._own(self._clone(copy_values=True)), {"clone_colour": "red"})

    def test_allocated_values_are_chosen_anew(self):
        self.template.variable_value_ids = [(0, 0, {"variable_id": self.port.id})]
        shop = self._new_jet("Second shop", "running", managers=self.manager)
        self.assertEqual(self._own(shop), {"clone_port": "8000"})
        clones = [shop.clone(copy_values=copied) for copied in (False, True)]
        self.assertEqual([self._own(one)["clone_port"] for one in clones], ["8001", "8002"])

    def test_an_allocated_value_that_the_template_does_not_ask_for_is_chosen_anew_too(self):
        self._give_values(self.shop, clone_port="8000")
        self.assertEqual(self._own(self._clone()), {})
        self.assertEqual(self._own(self._clone(copy_values=True)), {"clone_port": "8001"})

    def test_settings_of_the_original(self):
        partner = self.env["res.partner"].create({"name": "Customer"})
        tag = self.env["cx.tower.tag"].create({"name": "Shops"})
        self.shop.write(
            {"partner_id": partner.id, "tag_ids": [(6, 0, tag.ids)], "url": "https://shop.example.com"}
        )
        clone = self._clone()
        self.assertEqual((clone.partner_id, clone.tag_ids, clone.url), (partner, tag, False))
        clone = self._clone(partner_id=False, tag_ids=[], url="https://two.example.com", note="Second")
        self.assertEqual((clone.partner_id.id, clone.tag_ids.ids), (False, []))
        self.assertEqual((clone.url, clone.note), ("https://two.example.com", "Second"))

    def test_logs_and_tasks_of_the_original_not_of_the_template(self):
        command = self._new_command("Look", code="date")
        log_values = {"command_id": command.id, "log_type": "command"}
        Log, Task = self.env["cx.tower.server.log"], self.env["cx.tower.scheduled.task"]
        Log.create({"name": "Of the template", "jet_template_id": self.template.id, **log_values})
        Task.create(
            {"name": "Of the template", "command_id": command.id, "jet_template_ids": self.template.ids}
        )
        Log.create({"name": "Own", "jet_id": self.shop.id, "access_level": "2", **log_values})
        task = Task.create({"name": "Own", "command_id": command.id, "jet_ids": self.shop.ids})
        clone = self._clone(self.user)
        self.assertEqual([(log.name, log.access_level) for log in clone.server_log_ids], [("Own", "2")])
        self.assertEqual(clone.scheduled_task_ids, task)
        self.assertEqual(self.shop.scheduled_task_ids, task)

    def test_a_log_of_a_file_reads_the_file_of_the_clone(self):
        file = self.env["cx.tower.file"].create(
            {"name": "app.log", "jet_template_id": self.template.id, "server_dir": "/srv", "source": "server"}
        )
        self.env["cx.tower.server.log"].create(
            {"name": "Log", "jet_template_id": self.template.id, "log_type": "file", "file_id": file.id}
        )
        shop = self._new_jet("Second shop", "running")
        clone = shop.clone()
        self.assertEqual(clone.server_log_ids.file_id, clone.file_ids)
        self.assertNotEqual(clone.file_ids, shop.file_ids)

    # ------------------------------------------------------------------ dependencies

    def test_dependencies_are_chosen_anew_and_met_before_the_plan(self):
        databases = self._new_template("Database")
        self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": self.template.id,
                "template_required_id": databases.id,
                "state_required_id": self._state("running").id,
            }
        )
        database = self._new_jet("DB", "running", databases)
        self.shop.jet_requires_ids.jet_depends_on_id = database
        database._set_state(self._state("stopped"))
        plan = self._give_plan("Start", template=databases)
        clone = self._clone()
        moving = clone.current_transition_id
        self.assertEqual((moving.state, moving.plan_log_id.id), ("waiting", False))
        self.assertIn("waits for", clone.busy_text)
        # it is needed by the original where it is not: the clone gets the same one, as any new jet does
        self.assertEqual(database.current_transition_id.plan_log_id.plan_id, plan)
        self._end_action(database)
        self.assertEqual((moving.state, moving.plan_log_id.plan_id), ("running", self.same_plan))
        self.assertEqual(clone.jet_requires_ids.jet_depends_on_id, database)
        self._end_action(clone)
        self.assertEqual(clone.state, "running")

    def test_a_plan_that_was_deleted_while_the_clone_waited(self):
        databases = self._new_template("Database")
        self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": self.template.id,
                "template_required_id": databases.id,
                "state_required_id": self._state("running").id,
            }
        )
        self._give_plan("Prepare", template=databases)
        clone = self._clone()
        self.template.plan_clone_same_server_id = False
        self.same_plan.unlink()
        self._end_action(clone.current_transition_id.jet_id.search([("jet_template_id", "=", databases.id)]))
        self.assertEqual((clone.state, clone.movement), (False, "problem"))
        self.assertIn("was deleted", clone.last_problem)

    # ------------------------------------------------------------------ deleting

    def test_neither_end_can_be_deleted_while_the_plan_reads_one_and_fills_the_other(self):
        clone = self._clone()
        with self.assertRaisesRegex(UserError, "clone of it is being made"):
            self.shop.unlink()
        with self.assertRaisesRegex(UserError, "cannot be deleted now"):
            clone.unlink()
        self._end_action(clone, 1)
        clone.unlink()
        self.shop.unlink()
