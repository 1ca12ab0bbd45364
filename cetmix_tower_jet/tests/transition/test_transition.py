import json
from unittest.mock import patch

from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestTransition(JetCase):
    def test_an_action_without_a_plan_moves_the_jet_at_once(self):
        jet = self._new_jet(state="stopped", users=self.user)
        result = self._action("Start").with_user(self.user).trigger(jet.reference)
        self.assertEqual((jet.state, result["state"], result["log"]), ("running", "done", 0))
        self.assertFalse(jet.target_state_id)
        self.assertFalse(jet.current_action_id)
        self.assertEqual(jet.transition_ids.user_id, self.user)

    def test_the_plan_runs_in_the_transit_state_and_its_end_moves_the_jet(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped", users=self.user)
        result = self._action("Start").with_user(self.user).trigger(jet.id)
        self.assertEqual((jet.state, jet.target_state_id.reference), ("starting", "running"))
        self.assertEqual(jet.current_action_id, self._action("Start"))
        run = self.env["cx.tower.plan.log"].browse(result["log"])
        self.assertEqual((run.user_id, run.jet_id, run.server_id), (self.user, jet, self.server))
        self._end_run(run)
        self.assertEqual((jet.state, jet.transition_ids.state), ("running", "done"))
        self.assertFalse(jet.target_state_id)

    def test_a_failure_leads_back_or_to_the_error_state(self):
        self._give_plan("Start", "Restart")
        self.step.access_level = "1"  # what a step above the level of the action says is not repeated
        jet = self._new_jet(state="stopped")
        self._action("Start").trigger(jet)
        self._end_action(jet, 7, "no memory")
        self.assertEqual((jet.state, jet.transition_ids[0].state), ("stopped", "failed"))
        self.assertIn("no memory", jet.transition_ids[0].message)
        jet._set_state(self._state("running"))
        self._action("Restart").trigger(jet)
        self._end_action(jet, -209)
        self.assertEqual((jet.state, jet.transition_ids[0].state), ("stopped", "interrupted"))

    def test_a_busy_jet_says_who_started_what(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped", users=self.user)
        self._action("Start").with_user(self.user).trigger(jet)
        with self.assertRaisesRegex(UserError, "Start.*Tower user"):
            self._action("Start").trigger(jet)
        with self.assertRaisesRegex(UserError, "Tower user"):
            jet.bring_to_state("removed")
        self.assertEqual(len(jet.transition_ids), 1)

    def test_an_action_that_starts_elsewhere_names_what_is_possible(self):
        jet = self._new_jet(state="stopped")
        with self.assertRaisesRegex(UserError, "Stop.*Stopped.*Start.*Remove"):
            self._action("Stop").trigger(jet)

    def test_a_journey_runs_its_actions_in_order(self):
        self._give_plan("Build", "Start")
        jet = self._new_jet(users=self.user)
        path = jet.with_user(self.user).get_path("running")
        self.assertEqual([step["name"] for step in path], ["Prepare", "Build", "Start"])
        jet.with_user(self.user).bring_to_state("running")
        self.assertEqual((jet.state, jet.target_state_id.reference), ("building", "running"))
        self._end_action(jet)
        self.assertEqual((jet.state, jet.target_state_id.reference), ("starting", "running"))
        self._end_action(jet)
        self.assertEqual((jet.state, jet.target_state_id.id), ("running", False))
        self.assertEqual(jet.transition_ids.mapped("action_name"), ["Start", "Build", "Prepare"])
        self.assertEqual(len(jet.transition_ids.first_transition_id), 1)

    def _titles_of_notifications(self, during):
        with patch.object(type(self.env["res.users"]), "_bus_send", autospec=True) as send:
            during()
        return [
            call.args[2]["title"] for call in send.call_args_list if call.args[1] == "simple_notification"
        ]

    def test_one_notification_for_a_journey_and_one_for_a_failure_on_the_way(self):
        self._give_plan("Build", "Start")
        jet, broken = self._new_jet("Good", state="draft"), self._new_jet("Broken", state="draft")
        for one in jet, broken:
            one.bring_to_state("running")
        self.assertFalse(self._titles_of_notifications(lambda: self._end_action(jet)))
        self.assertEqual(len(self._titles_of_notifications(lambda: self._end_action(jet))), 1)
        self.assertEqual(len(self._titles_of_notifications(lambda: self._end_action(broken, 7))), 1)

    def test_a_journey_is_seen_as_a_whole_from_each_of_its_transitions(self):
        self._give_plan("Build")
        jet = self._new_jet(users=self.user)
        jet.bring_to_state("running")
        prepare, build = jet.transition_ids.with_user(self.user).sorted("id")
        self.assertEqual(build.journey_ids.mapped("action_name"), ["Prepare", "Build"])
        self.assertEqual((build.journey_left, prepare.journey_left), ("Start", False))
        self._end_action(jet)
        self.env.invalidate_all()
        self.assertEqual(prepare.journey_ids.mapped("action_name"), ["Prepare", "Build", "Start"])
        self.assertFalse(build.journey_left)
        self._action("Stop").trigger(jet)
        self.assertFalse(jet.transition_ids[:1].journey_ids, "a single action is no journey")

    def test_a_failure_ends_the_journey(self):
        self._give_plan("Build", "Start")
        jet = self._new_jet()
        jet.bring_to_state("running")
        self._end_action(jet, 1)
        self.assertEqual((jet.state, jet.target_state_id.id), ("draft", False))

    def test_a_journey_to_no_state_destroys_the_jet(self):
        self._give_plan("Stop", "Destroy")
        jet = self._new_jet(state="running")
        jet.bring_to_state(False)
        self._end_action(jet)
        self.assertEqual((jet.state, bool(jet.target_state_id)), ("destroying", True))
        self._end_action(jet)
        self.assertFalse(jet.state_id)
        self.assertFalse(jet.active)
        self.assertEqual(len(jet.transition_ids), 3)

    def test_resuming_the_run_goes_on_with_the_journey(self):
        self._give_plan("Build", "Start")
        jet = self._new_jet()
        jet.bring_to_state("running")
        run = jet.current_transition_id.plan_log_id
        self._end_run(run, -209)
        self.assertEqual((jet.state, jet.transition_ids[0].state), ("draft", "interrupted"))
        run.resume()
        self.assertEqual((jet.state, jet.target_state_id.reference), ("building", "running"))
        self.assertEqual(jet.current_transition_id.resumes_id, run.jet_transition_id)
        self._end_action(jet)
        self._end_action(jet)
        self.assertEqual(jet.state, "running")

    def test_resuming_is_refused_when_the_jet_has_moved_on(self):
        self._give_plan("Build")
        jet = self._new_jet(state="draft")
        self._action("Build").trigger(jet)
        run = jet.current_transition_id.plan_log_id
        self._end_run(run, -209)
        jet.correct_state("stopped", "built by hand")
        with self.assertRaisesRegex(UserError, "Stopped"):
            run.resume()
        self.assertEqual(jet.state, "stopped")

    def test_who_may_trigger_an_action_resumes_its_run_whatever_the_level_of_the_plan(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped", users=self.user)
        result = self._action("Start").with_user(self.user).trigger(jet.id)
        run = self.env["cx.tower.plan.log"].browse(result["log"])
        self._end_run(run, ExitCode.RUN_INTERRUPTED)
        run.with_user(self.user).resume()
        self.assertEqual(jet.state, "starting")
        self._end_action(jet, ExitCode.RUN_INTERRUPTED)
        self._action("Start").access_level = "2"
        with self.assertRaises(AccessError):
            jet.transition_ids[0].plan_log_id.with_user(self.user).resume()

    def test_a_correction_needs_a_reason_and_stays_in_the_history(self):
        jet = self._new_jet(state="running", managers=self.manager)
        with self.assertRaises(UserError):
            jet.with_user(self.manager).correct_state("stopped", " ")
        jet.with_user(self.manager).correct_state("stopped", "the host was restarted")
        self.assertEqual((jet.state, jet.transition_ids[0].state), ("stopped", "corrected"))
        with self.assertRaises(AccessError):
            jet.write({"state_id": self._state("running").id})

    def test_addons_are_told_how_the_flight_plan_ended(self):
        self._give_plan("Start")
        jet, told = self._new_jet(state="stopped"), []
        self.patch(
            type(jet), "_flight_plan_finished", lambda jet, plan_status: told.append((jet.state, plan_status))
        )
        self._action("Start").trigger(jet)
        self._end_action(jet, 4)
        self.assertEqual((jet.state, told), ("stopped", [("starting", 4)]))

    def test_addons_find_the_path_between_two_states(self):
        state, none = self._state, self._state(None)
        path = self.template._get_action_path(state("running"), state("removed"))
        self.assertEqual(path.mapped("name"), ["Stop", "Remove"])
        path = self.template._get_action_path(none, state("stopped"))
        self.assertEqual(path.mapped("name"), ["Prepare", "Build"])
        self.assertEqual(
            self.template._get_action_path(state("stopped"), none).mapped("name"), ["Remove", "Destroy"]
        )
        self.assertFalse(self.template._get_action_path(state("running"), state("draft")))

    def test_addons_that_bring_a_jet_to_a_state_get_refusals_for_people(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped")
        with self.assertRaisesRegex(UserError, "No actions lead"):
            jet._bring_to_state(self._state("draft"))
        jet._bring_to_state(self._state("running"))
        self.assertTrue(jet.target_state_id)
        with self.assertRaisesRegex(UserError, "“Start” is running"):
            jet._bring_to_state(self._state("removed"))

    def test_addons_trigger_an_action_and_are_told_why_not(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped")
        self.assertEqual(jet._trigger_action(self._action("Start")), {"status": 0, "error": False})
        self.assertEqual(jet.state, "starting")
        with self.assertRaisesRegex(UserError, "“Start” is running"):
            jet._trigger_action(self._action("Stop"))
        refused = jet._trigger_action(self._action("Stop"), raise_if_not_available=False)
        self.assertEqual(refused["status"], ExitCode.JET_ACTION_NOT_AVAILABLE)
        self.assertIn("“Start” is running", refused["error"])

    def test_jets_of_an_archived_template_keep_their_lifecycle(self):
        self._give_plan("Build")
        jet = self._new_jet(state="draft", users=self.user)
        jet.bring_to_state("running")
        self.template.active = False
        self.env.invalidate_all()
        self._end_action(jet)
        self.assertEqual((jet.state, jet.last_problem), ("running", False))
        self.assertEqual(jet.with_user(self.user).action_available_ids.mapped("name"), ["Stop", "Restart"])
        self.assertEqual(len(jet.with_user(self.user).get_lifecycle_graph()["actions"]), 7)
        Wizard = self.env["cx.tower.jet.action.wizard"].with_user(self.user)
        wizard = Wizard.create({"jet_ids": [(6, 0, jet.ids)]})
        self.assertEqual(wizard.action_available_ids.mapped("name"), ["Stop", "Restart"])
        jet.with_user(self.user).bring_to_state("stopped")
        self.assertEqual(jet.state, "stopped")

    def test_stopping_ends_the_transition(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped")
        self._action("Start").trigger(jet)
        jet.stop()
        self.assertEqual((jet.state, jet.transition_ids.state), ("stopped", "stopped"))
        with self.assertRaisesRegex(UserError, "not busy"):
            jet.stop()

    def test_the_end_of_a_journey_is_told_once(self):
        jet, told = self._new_jet(), []
        jet.sudo().message_unsubscribe(jet.message_partner_ids.ids)
        self.patch(type(jet), "_finalize_transition", lambda jet, failed=False: told.append(failed))
        jet.bring_to_state("running")
        self.assertEqual((jet.state, told), ("running", [False]))

    def test_an_action_ends_as_it_began_when_it_is_deleted_meanwhile(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped")
        self._action("Start").trigger(jet)
        self._action("Start").unlink()
        self._end_action(jet)
        self.assertEqual((jet.state, jet.transition_ids.action_name), ("running", "Start"))

    def test_a_journey_ends_with_a_reason_when_its_person_is_deleted(self):
        self._give_plan("Build")
        jet = self._new_jet()
        jet.bring_to_state("running")
        jet.current_transition_id.user_id = False
        self._end_action(jet)
        self.assertEqual((jet.state, jet.target_state_id.id), ("stopped", False))
        self.assertIn("was deleted", jet.last_problem)

    def test_a_missed_end_is_taken_over(self):
        plan = self._give_plan("Start")
        jet = self._new_jet(state="stopped")
        self._action("Start").trigger(jet)
        transition = jet.current_transition_id
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE cx_tower_plan_log SET state = 'done' WHERE id = %s", transition.plan_log_id.ids
        )
        self.env.invalidate_all()
        with self.assertLogs("odoo.addons.cetmix_tower_jet.models.transition.recovery", "WARNING"):
            self.env["cx.tower.run.queue"]._recover_followers()
        self.assertEqual((jet.state, transition.state), ("running", "done"))
        self.assertTrue(plan)

    def test_a_transition_without_a_run_does_not_keep_its_jet(self):
        self._give_plan("Restart")
        jet = self._new_jet(state="running")
        self._action("Restart").trigger(jet)
        transition = jet.current_transition_id
        transition.plan_log_id = False
        with self.assertLogs("odoo.addons.cetmix_tower_jet.models.transition.recovery", "WARNING"):
            self.env["cx.tower.run.queue"]._recover_followers()
        self.assertEqual((jet.state, transition.state, jet._is_busy()), ("stopped", "failed", False))

    def test_a_plan_that_cannot_start_fails_the_transition(self):
        plan = self._give_plan("Restart")
        plan.line_ids.unlink()
        jet = self._new_jet(state="running")
        result = self._action("Restart").trigger(jet)
        self.assertEqual((jet.state, result["state"]), ("stopped", "failed"))
        self.assertTrue(result["message"])

    def test_open_screens_are_told_once_in_a_transaction(self):
        jet, other = self._new_jet(), self._new_jet()
        self.env.cr.precommit.run()
        self.env["bus.bus"].search([]).unlink()
        jet.bring_to_state("running")
        other.bring_to_state("draft")
        self.env.cr.precommit.run()
        sent = self.env["bus.bus"].search([]).filtered(lambda one: "cetmix_tower_jets" in one.message)
        self.assertEqual(len(sent), 1)
        self.assertEqual(json.loads(sent.message)["payload"], {"ids": sorted((jet | other).ids)})

    def test_a_hook_that_fails_neither_changes_the_run_nor_keeps_the_jet(self):
        self._give_plan("Restart")
        jet = self._new_jet(state="running")
        self._action("Restart").trigger(jet)
        run = jet.current_transition_id.plan_log_id

        def fail(jet, state):
            raise ValueError("hook of an addon")

        self.patch(type(jet), "_on_state_enter", fail)
        with self.assertLogs("odoo.addons.cetmix_tower_server.models.run.cx_tower_run_queue", "ERROR"):
            self._end_run(run)
        self.assertEqual((run.state, jet.state, jet._is_busy()), ("done", "restarting", True))
        with self.assertLogs(level="WARNING"):
            self.env["cx.tower.run.queue"]._recover_followers()
        self.assertEqual((run.state, jet.state, jet._is_busy()), ("done", "stopped", False))
        self.assertIn("ValueError", jet.last_problem)
