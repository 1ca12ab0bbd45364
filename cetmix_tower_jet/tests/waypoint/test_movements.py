from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2.errors import NotNullViolation

from .waypoint_case import WaypointCase


@tagged("post_install", "-at_install")
class TestMovements(WaypointCase):
    """Each row of the tables: with and without its flight plan, with success and failure."""

    # ------------------------------------------------------------------ prepare

    def test_without_a_plan_a_draft_is_ready_at_once_with_the_values_saved(self):
        self._set_edition("enterprise")
        waypoint = self._new_waypoint()
        self.assertEqual(waypoint.prepare()["state"], "ready")
        self.assertEqual(waypoint.variable_values, {"edition": "enterprise"})
        self.assertFalse(self.jet.current_transition_id)

    def test_with_a_plan_values_are_saved_at_its_end(self):
        waypoint = self._new_waypoint(kind=self.planned)
        waypoint.prepare()
        self.assertEqual((waypoint.state, self.jet.movement), ("preparing", "busy"))
        self._set_edition("community")
        self._end_action(self.jet)
        self.assertEqual((waypoint.state, self.jet.movement, self.jet.state), ("ready", "idle", "running"))
        self.assertEqual(waypoint.variable_values, {"edition": "community"})

    def test_a_preparation_that_fails_is_an_error(self):
        waypoint = self._new_waypoint(kind=self.planned)
        waypoint.prepare()
        self._end_action(self.jet, 7, "no space left")
        self.assertEqual((waypoint.state, self.jet.movement), ("error", "problem"))
        self.assertIn("exit code 7", waypoint.problem)

    def test_only_drafts_are_prepared(self):
        waypoint = self._new_ready()
        with self.assertRaisesRegex(UserError, "“Before” is ready: only drafts are prepared"):
            waypoint.prepare()

    def test_a_busy_jet_prepares_nothing(self):
        self._new_waypoint(kind=self.planned).prepare()
        other = self._new_waypoint("Other")
        with self.assertRaisesRegex(UserError, "“Prepare waypoint” is running"):
            other.prepare()
        self.assertEqual(other.state, "draft")

    # ------------------------------------------------------------------ flights

    def test_without_plans_the_jet_arrives_at_once_with_the_saved_values(self):
        self._set_edition("old")
        waypoint = self._new_ready()
        self._set_edition("new")
        self.assertEqual(waypoint.fly_to()["state"], "current")
        self.assertEqual((self.jet.waypoint_id, self._edition()), (waypoint, "old"))

    def test_a_flight_leaves_first_and_then_arrives(self):
        self._set_edition("old")
        there = self._new_ready("There", self.planned)
        here = self._new_current("Here", self.planned)
        self._set_edition("new")
        there.fly_to()
        self.assertEqual((here.state, there.state, self._edition()), ("leaving", "arriving", "new"))
        self.assertTrue(there.is_destination)
        self._end_action(self.jet)
        self.assertEqual((here.state, there.state, self._edition()), ("ready", "arriving", "old"))
        self.assertEqual(here.variable_values, {"edition": "new"})
        self._end_action(self.jet)
        self.assertEqual((here.state, there.state, self.jet.waypoint_id), ("ready", "current", there))
        self.assertFalse(there.is_destination)
        self.assertEqual((self.jet.movement, self.jet.state), ("idle", "running"))

    def test_leaving_fails(self):
        there = self._new_ready("There", self.planned)
        here = self._new_current("Here", self.planned)
        self._set_edition("new")
        there.fly_to()
        self._end_action(self.jet, 7, "it hangs")
        self.assertEqual((here.state, there.state, self.jet.waypoint_id), ("error", "ready", here))
        self.assertEqual((self._edition(), self.jet.movement), ("new", "problem"))
        with self.assertRaisesRegex(UserError, "could not leave “Here”.*reset"):
            there.fly_to()
        self.assertEqual(here.reset()["state"], "current")

    def test_arriving_fails(self):
        self._set_edition("old")
        there = self._new_ready("There", self.planned)
        here = self._new_current("Here")
        self._set_edition("new")
        there.fly_to()
        self.assertEqual(self._edition(), "old")
        self._end_action(self.jet, 7, "it hangs")
        self.assertEqual((here.state, there.state, self.jet.waypoint_id), ("current", "error", here))
        self.assertEqual(self._edition(), "new")
        self.assertEqual(there.reset()["state"], "draft")

    def test_nobody_is_left_in_whose_name_the_jet_could_arrive(self):
        """The arrive plan must not run with the rights of whoever records the end of the leave plan."""
        self._set_edition("old")
        there = self._new_ready("There", self.planned)
        here = self._new_current("Here", self.planned)
        self._set_edition("new")
        there.fly_to()
        flight = self.jet.current_transition_id
        flight.user_id = False
        self._end_action(self.jet)
        self.assertEqual((flight.state, flight.waypoint_phase), ("failed", "leave"))
        self.assertEqual((here.state, there.state, self._edition()), ("error", "ready", "new"))
        self.assertIn("was deleted", here.problem)

    def test_arriving_fails_without_a_previous_waypoint(self):
        self._set_edition("old")
        there = self._new_ready("There", self.planned)
        self._set_edition("new")
        there.fly_to()
        self._end_action(self.jet, 7)
        self.assertEqual((there.state, self._edition()), ("error", "new"))
        self.assertFalse(self.jet.waypoint_id)

    # ------------------------------------------------------------------ deleting

    def test_a_draft_goes_at_once(self):
        waypoint = self._new_waypoint(kind=self.planned)
        self.assertTrue(waypoint.unlink())
        self.assertFalse(waypoint.exists())

    def test_a_ready_one_without_a_plan_goes_at_once(self):
        waypoint = self._new_ready()
        self.assertTrue(waypoint.unlink())
        self.assertFalse(waypoint.exists())
        self.assertFalse(self.jet.current_transition_id)

    def test_a_ready_one_goes_with_its_delete_plan(self):
        waypoint = self._new_ready(kind=self.planned)
        self.assertFalse(waypoint.unlink())
        self.assertEqual(waypoint.state, "deleting")
        self._end_action(self.jet)
        self.assertFalse(waypoint.exists())
        self.assertEqual(self.jet.movement, "idle")

    def test_a_deletion_that_fails_can_be_repeated(self):
        waypoint = self._new_ready(kind=self.planned)
        waypoint.unlink()
        self._end_action(self.jet, 7, "it hangs")
        self.assertEqual(waypoint.state, "deleting")
        self.assertIn("exit code 7", waypoint.problem)
        waypoint.unlink()
        self._end_action(self.jet)
        self.assertFalse(waypoint.exists())

    def test_the_current_one_stays(self):
        waypoint = self._new_current()
        with self.assertRaisesRegex(UserError, "The jet is at “Here”.*Fly to another"):
            waypoint.unlink()

    # ------------------------------------------------------------------ together

    def test_prepared_and_flown_to_in_one_go(self):
        waypoint = self._new_waypoint(kind=self.planned)
        waypoint.prepare(is_destination=True)
        self._end_action(self.jet)
        self.assertEqual((waypoint.state, self.jet.movement), ("arriving", "busy"))
        self._end_action(self.jet)
        self.assertEqual((waypoint.state, self.jet.waypoint_id), ("current", waypoint))

    def test_an_interrupted_flight_is_resumed(self):
        self._set_edition("old")
        there = self._new_ready("There", self.planned)
        here = self._new_current("Here")
        self._set_edition("new")
        there.fly_to()
        run = self.jet.current_transition_id.plan_log_id
        self._end_action(self.jet, -209)
        self.assertEqual((here.state, there.state, self._edition()), ("current", "error", "new"))
        run.resume()
        self.assertEqual((here.state, there.state, self._edition()), ("ready", "arriving", "old"))
        self._end_action(self.jet)
        self.assertEqual((there.state, self.jet.waypoint_id, self.jet.movement), ("current", there, "idle"))

    def test_an_action_and_a_flight_exclude_each_other(self):
        there = self._new_ready("There", self.planned)
        there.fly_to()
        with self.assertRaisesRegex(UserError, "“Stop” is not available.*“Fly to waypoint” is running"):
            self._action("Stop").trigger(self.jet)
        self._end_action(self.jet)
        self._give_plan("Stop")
        self._action("Stop").trigger(self.jet)
        with self.assertRaisesRegex(UserError, "“Stop” is running"):
            self._new_waypoint("Other").prepare()

    def test_people_do_not_change_values_while_the_jet_flies(self):
        self._set_edition("old")
        there = self._new_ready("There", self.planned)
        there.fly_to()
        jet = self.jet.with_user(self.manager)
        with self.assertRaisesRegex(UserError, "flying to a waypoint"):
            jet.set_variable_value("edition", "mine")
        self._end_action(self.jet)
        jet.set_variable_value("edition", "mine")
        self.assertEqual(self._edition(), "mine")

    def test_a_flight_plan_changes_only_the_values_of_its_own_jet_while_others_fly(self):
        other = self._new_jet("Other", state="running", managers=self.manager)
        flights = {}
        for jet in (self.jet, other):
            self._set_edition("old", jet)
            self._new_ready("There", self.planned, jet).fly_to()
            flights[jet] = jet.current_transition_id
        for own, foreign in ((self.jet, other), (other, self.jet)):
            values = (own | foreign).variable_value_ids.with_user(self.manager)
            of_thread = patch.object(
                self.env.registry["cx.tower.jet"],
                "_transitions_of_this_thread",
                lambda _self, own=own: flights[own],
            )
            with of_thread, self.assertRaisesRegex(UserError, f"The values of “{foreign.name}”"):
                values.write({"value_char": "mine"})

    def test_a_preparation_that_would_fly_on_ends_where_root_has_removed_the_waypoint(self):
        waypoint = self._new_waypoint(kind=self.planned)
        waypoint.prepare(is_destination=True)
        transition = self.jet.current_transition_id
        waypoint.with_context(waypoint_force_delete=True).unlink()
        self._end_action(self.jet)
        self.assertEqual((transition.state, self.jet._is_busy()), ("failed", False))
        self.assertIn("was deleted", transition.message)

    def test_the_history_keeps_a_name_from_those_below_the_level_that_the_type_was_raised_to(self):
        waypoint = self._new_ready("For Root", self.planned)
        transition = self.jet.transition_ids[:1]
        self.assertEqual(transition.to_name, "For Root")
        self.planned.access_level = "3"
        waypoint.with_context(waypoint_force_delete=True).unlink()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(transition.access_level, "3")
        self.assertFalse(transition.with_user(self.manager).has_access("read"))

    def test_emptying_the_level_or_the_type_is_refused_because_they_are_required(self):
        for name, error in (("access_level", ValidationError), ("waypoint_template_id", NotNullViolation)):
            waypoint = self._new_waypoint(kind=self.planned)
            with self.subTest(name), mute_logger("odoo.sql_db"), self.env.cr.savepoint() as savepoint:
                with self.assertRaises(error):
                    waypoint.write({name: False})
                    self.env.flush_all()
                savepoint.rollback()
            self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestInsideAnAction(WaypointCase):
    """A movement that begins inside the flight plan of an action: the jet stays taken by the action."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._give_plan("Stop")

    def setUp(self):
        super().setUp()
        self._action("Stop").trigger(self.jet)
        self.action = self.jet.current_transition_id
        self.waypoint = self._new_waypoint(kind=self.planned)
        self.inside = self.waypoint._prepare(self.waypoint._asking_of_caller(), parent=self.action)

    def test_the_jet_stays_with_the_action(self):
        self.assertEqual((self.waypoint.state, self.jet.current_transition_id), ("preparing", self.action))
        self._end_run(self.inside.plan_log_id)
        self.assertEqual((self.waypoint.state, self.jet.current_transition_id), ("ready", self.action))
        self.assertEqual(self.jet.state, "stopping")
        self._end_action(self.jet)
        self.assertEqual((self.jet.state, self.jet.movement), ("stopped", "idle"))

    def test_the_action_ends_after_the_movement_inside(self):
        self._end_action(self.jet)
        self.assertEqual((self.jet.state, self.action.state), ("stopping", "running"))
        self.env["cx.tower.jet.transition"]._continue_missed()
        self.assertEqual(self.action.state, "running")
        self._end_run(self.inside.plan_log_id)
        self.assertEqual((self.jet.state, self.action.state), ("stopped", "done"))
        self.assertEqual((self.waypoint.state, self.jet.movement), ("ready", "idle"))

    def test_a_failure_inside_does_not_touch_the_action(self):
        self._end_run(self.inside.plan_log_id, 7)
        self.assertEqual((self.waypoint.state, self.action.state), ("error", "running"))
        self._end_action(self.jet)
        self.assertEqual(self.jet.state, "stopped")
