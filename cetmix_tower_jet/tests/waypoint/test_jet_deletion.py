from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .waypoint_case import WaypointCase


@tagged("post_install", "-at_install")
class TestDeletingJetsWithWaypoints(WaypointCase):
    """What waypoints keep on a host is removed before their jet is deleted, or stays there because somebody said so."""

    def _finish(self):
        """Let the cron do its work."""
        self.env["cx.tower.jet.transition"]._cron_look_after_jets()

    def test_without_anything_on_the_host_a_jet_is_deleted_as_ever(self):
        self._new_ready()
        self._new_waypoint("Draft", self.planned)
        self.assertFalse(self.jet.action_delete())
        self.assertTrue(self.jet.unlink())
        self.assertFalse(self.jet.exists())

    def test_deleting_is_refused_and_names_both_ways(self):
        self._new_ready("Backup of May", self.planned)
        with self.assertRaisesRegex(
            UserError,
            "keep something on Host.*“Backup of May”.*delete_with_waypoints.*delete_leaving_waypoints",
        ):
            self.jet.unlink()
        with self.assertRaises(UserError):
            self.jet.with_context(jet_leaves_waypoints=True).unlink()

    def test_the_delete_plans_run_one_after_the_other_the_current_one_last(self):
        here = self._new_current("Here", self.planned)
        first, second = self._new_ready("First", self.planned), self._new_ready("Second", self.planned)
        plain = self._new_ready("Plain")
        self.assertFalse(self.jet.delete_with_waypoints())
        waypoints = here | first | second | plain
        self.assertEqual(waypoints.mapped("state"), ["current", "deleting", "ready", "ready"])
        self._end_action(self.jet)
        self.assertEqual((here.state, second.state), ("current", "deleting"))
        self._end_action(self.jet)
        self.assertEqual((here.state, self.jet.waypoint_id.ids), ("deleting", []))
        self._end_action(self.jet)
        self.assertEqual((waypoints.exists(), self.jet.movement), (plain, "idle"))
        self.assertTrue(self.jet.exists(), "what follows from the end still uses the record")
        self._finish()
        self.assertFalse(self.jet.exists() or plain.exists())

    def test_nothing_takes_the_jet_any_more_before_it_goes(self):
        self._new_ready(kind=self.planned)
        self.jet.delete_with_waypoints()
        self._end_action(self.jet)
        for begin in (
            lambda: self._action("Stop").trigger(self.jet),
            lambda: self._new_waypoint("Late").prepare(),
        ):
            with self.assertRaisesRegex(UserError, "is being deleted"):
                begin()
        self.assertFalse(self.jet._accepts_new_links())
        self._finish()
        self.assertFalse(self.jet.exists())

    def test_the_first_failure_ends_it_and_can_be_resumed(self):
        first, second = self._new_ready("First", self.planned), self._new_ready("Second", self.planned)
        self.jet.delete_with_waypoints()
        run = self.jet.current_transition_id.plan_log_id
        self._end_action(self.jet, -209)
        self.assertEqual((first.state, second.state), ("deleting", "ready"))
        self.assertIn("“Shop” was not deleted", self.jet.last_problem)
        self._finish()
        self.assertTrue(self.jet.exists())
        run.resume()
        self.assertEqual(first.state, "deleting")
        self._end_action(self.jet)
        self.assertEqual((first.exists().ids, second.state), ([], "deleting"))
        self._end_action(self.jet)
        self._finish()
        self.assertFalse(self.jet.exists())

    def test_it_can_be_asked_for_again_after_a_failure(self):
        here = self._new_current("Here", self.planned)
        self.jet.delete_with_waypoints()
        self._end_action(self.jet, 7)
        self.assertEqual((here.state, self.jet.movement), ("deleting", "problem"))
        self.jet.delete_with_waypoints()
        self._end_action(self.jet)
        self._finish()
        self.assertFalse(self.jet.exists())

    def test_a_stop_ends_it(self):
        first, second = self._new_ready("First", self.planned), self._new_ready("Second", self.planned)
        self.jet.delete_with_waypoints()
        self.jet.stop()
        self.assertEqual((first.state, second.state, self.jet.movement), ("deleting", "ready", "problem"))
        self._finish()
        self.assertTrue(self.jet.exists())

    def test_a_stop_that_comes_too_late_for_the_plan_keeps_the_rest(self):
        first, second = self._new_ready("First", self.planned), self._new_ready("Second", self.planned)
        self.jet.delete_with_waypoints()
        self.jet.current_transition_id.stop_requested_by_id = self.manager
        self._end_action(self.jet)
        self.assertEqual((first.exists().ids, second.state, self.jet.movement), ([], "ready", "problem"))

    def test_what_prevents_it_is_asked_before_the_first_plan(self):
        waypoint = self._new_ready(kind=self.planned)
        self.jet.deletable = False
        for delete in (
            self.jet.delete_with_waypoints,
            self.jet.delete_leaving_waypoints,
            self.jet.action_delete,
        ):
            with self.assertRaisesRegex(UserError, "cannot be deleted"):
                delete()
        self.assertEqual(waypoint.state, "ready")

    def test_what_prevents_it_is_asked_again_at_the_end(self):
        self._new_ready(kind=self.planned)
        self.jet.delete_with_waypoints()
        self._end_action(self.jet)
        self.jet.deletable = False
        self._finish()
        self.assertIn("“Shop” was not deleted: “Shop” cannot be deleted because", self.jet.last_problem)
        self.assertEqual((self.jet.movement, self.jet.deletion_user_id.ids), ("problem", []))
        self._action("Stop").trigger(self.jet)
        self.assertEqual(self.jet.state, "stopped")

    def test_the_rights_are_asked_again_at_the_end(self):
        jet = self._new_jet("Mine", state="running", managers=self.manager, person=self.manager)
        self._new_ready(kind=self.planned, jet=jet)
        jet.with_user(self.manager).delete_with_waypoints()
        self._end_action(jet)
        jet.manager_ids = False
        self._finish()
        self.assertIn("was not deleted", jet.last_problem)

    def test_whoever_may_delete_the_jet_deletes_its_waypoints(self):
        jet = self._new_jet("Mine", state="running", managers=self.manager, person=self.manager)
        hidden = self._new_ready("Hidden", self.planned, jet=jet, access_level="3")
        mine = jet.with_user(self.manager)
        self.assertNotIn("Hidden", mine.describe_deletion())
        self.assertIn("1 more", mine.describe_deletion())
        mine.delete_with_waypoints()
        self.assertEqual(hidden.state, "deleting")
        self._end_action(jet)
        self._finish()
        self.assertFalse(jet.exists())

    def test_others_may_not(self):
        self._new_ready(kind=self.planned)
        for person in (self.user, self.manager):
            self.jet.user_ids |= person
            for method in ("delete_with_waypoints", "delete_leaving_waypoints"):
                with self.assertRaises(AccessError):
                    getattr(self.jet.with_user(person), method)()

    def test_leaving_it_there_runs_nothing(self):
        waypoint = self._new_current(kind=self.planned)
        runs = self.env["cx.tower.plan.log"].search_count([])
        self.assertTrue(self.jet.delete_leaving_waypoints())
        self.assertFalse(self.jet.exists() or waypoint.exists())
        self.assertEqual(self.env["cx.tower.plan.log"].search_count([]), runs)

    def test_a_destroyed_jet(self):
        waypoint = self._new_current(kind=self.planned)
        self.jet._set_state(self._state("removed"))
        self._action("Destroy").trigger(self.jet)
        self.assertFalse(self.jet.active)
        with self.assertRaisesRegex(UserError, "keep something on Host"):
            self.jet.unlink()
        self.jet.delete_with_waypoints()
        self.assertEqual(waypoint.state, "deleting")
        self._end_action(self.jet)
        self._finish()
        self.assertFalse(self.jet.exists())

    def test_several_at_once(self):
        other = self._new_jet("Other", state="running")
        self._new_ready(kind=self.planned)
        self.assertFalse((self.jet | other).delete_with_waypoints())
        self.assertEqual((self.jet | other).exists(), self.jet)

    # ------------------------------------------------------------------ the dialog

    def test_the_question_says_what_stays(self):
        self._new_ready("Backup of May", self.planned)
        self.assertIn("“Backup of May”. Deleting it asks", self.jet.describe_deletion())

    def test_the_dialog_says_what_would_run_and_deletes(self):
        waypoint = self._new_ready("Backup of May", self.planned)
        action = self.jet.action_delete()
        Wizard = self.env[action["res_model"]].with_context(**action["context"])
        wizard = Form(Wizard).save()
        self.assertIn("“delete it”, for “Backup of May”", wizard.explanation)
        self.assertIn("On Host, for “Shop”", wizard.explanation)
        self.assertFalse(wizard.action_delete_with_waypoints()["infos"]["are_gone"])
        self.assertEqual(waypoint.state, "deleting")
        self.jet.stop()
        self.assertTrue(wizard.action_delete_leaving_waypoints()["infos"]["are_gone"])
        self.assertFalse(self.jet.exists())

    def test_the_dialog_is_no_way_to_other_jets(self):
        self._new_ready(kind=self.planned)
        self.jet.manager_ids = False
        with self.assertRaises(AccessError):
            self.env["cx.tower.jet.delete.wizard"].with_user(self.manager).create(
                {"jet_ids": [(6, 0, self.jet.ids)]}
            )

    def test_the_person_is_deleted_before_the_last_delete_plan_ends(self):
        self._new_ready("Backup", self.planned)
        self.jet.delete_with_waypoints()
        self.jet.current_transition_id.user_id = False
        self._end_action(self.jet)
        self._finish()
        self.assertTrue(self.jet.exists())
        self.assertIn("was not deleted: The person who started it was deleted", self.jet.last_problem)

    def test_a_jet_that_is_being_deleted_is_not_cloned(self):
        self.template.plan_clone_same_server_id = self._new_plan("Clone", [self.step])
        self._new_ready("Backup", self.planned)
        self.jet.delete_with_waypoints()
        with self.assertRaisesRegex(UserError, "is being deleted with its waypoints"):
            self.jet.clone()
        self._end_action(self.jet)
        with self.assertRaisesRegex(UserError, "is being deleted with its waypoints"):
            self.jet.clone()
