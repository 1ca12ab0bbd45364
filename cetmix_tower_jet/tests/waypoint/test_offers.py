from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .waypoint_case import WaypointCase

BUTTONS = {
    "prepare": "why_no_prepare",
    "fly": "why_no_flight",
    "reset": "why_no_reset",
    "delete": "why_no_deletion",
}
#: What can be done in each state while the jet is idle.
POSSIBLE = {
    "draft": {"prepare", "delete"},
    "preparing": set(),
    "ready": {"fly", "delete"},
    "error": {"reset", "delete"},
    "arriving": set(),
    "leaving": set(),
    "current": set(),
    "deleting": {"delete"},
    "deleted": {"delete"},
}


@tagged("post_install", "-at_install")
class TestOffers(WaypointCase):
    """Which buttons a waypoint has, and what the others say."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.manager_ids = cls.manager

    def _possible(self, waypoint):
        return {button for button, why in BUTTONS.items() if not waypoint[why]}

    def _new_in_state(self, state, **values):
        waypoint = self._new_waypoint(person=self.manager, **values)
        waypoint.sudo()._set_state(state)
        return waypoint

    # ------------------------------------------------------------------ by state

    def test_each_state_offers_what_its_row_of_the_table_allows(self):
        for state, possible in POSSIBLE.items():
            with self.subTest(state=state):
                waypoint = self._new_in_state(state)
                self.assertEqual(self._possible(waypoint), possible)
                self.assertEqual(waypoint.can_fly_to, "fly" in possible)
                waypoint.sudo()._set_state("draft")

    def test_what_is_offered_succeeds_and_what_is_not_is_refused_with_the_reason_shown(self):
        for state in POSSIBLE:
            for method, why in (
                ("prepare", "why_no_prepare"),
                ("fly_to", "why_no_flight"),
                ("reset", "why_no_reset"),
                ("unlink", "why_no_deletion"),
            ):
                with self.subTest(state=state, method=method), self.env.cr.savepoint() as savepoint:
                    waypoint = self._new_in_state(state)
                    reason = waypoint[why]
                    if reason:
                        with self.assertRaises(UserError) as caught:
                            getattr(waypoint, method)()
                        self.assertEqual(str(caught.exception), reason)
                    else:
                        getattr(waypoint, method)()
                    savepoint.rollback()
                    self.env.invalidate_all()

    def test_a_draft_beside_it_disables_nothing(self):
        ready = self._new_ready("Ready")
        self._new_waypoint("Left over")
        self.assertTrue(ready.can_fly_to)

    # ------------------------------------------------------------------ by what the jet does

    def test_a_busy_jet_offers_nothing_but_says_what_it_does_and_who_started_it(self):
        draft, ready = self._new_waypoint("Draft"), self._new_ready("Ready")
        moving = self._new_waypoint("Moving", self.planned)
        moving.prepare()
        for waypoint, button in (
            (draft, "why_no_prepare"),
            (ready, "why_no_flight"),
            (moving, "why_no_flight"),
        ):
            self.assertRegex(waypoint[button], "“Prepare waypoint” is running .started by")
        self.assertEqual(self._possible(draft), {"delete"})
        self.assertEqual(self._possible(ready), set())
        self.assertEqual(self._possible(moving), set())

    def test_a_destroyed_jet_is_flown_nowhere(self):
        waypoint = self._new_ready()
        self.env.cr.execute("UPDATE cx_tower_jet SET seat = NULL WHERE id = %s", (self.jet.id,))
        self.jet.invalidate_recordset()
        self.assertIn("was destroyed", waypoint.why_no_flight)

    def test_values_that_cannot_be_restored_are_the_reason(self):
        self._set_edition("enterprise")
        waypoint = self._new_ready()
        self.jet.variable_value_ids.unlink()
        self.variable.unlink()
        self.assertIn("“edition” no longer exists", waypoint.why_no_flight)

    # ------------------------------------------------------------------ by person

    def test_who_may_not_change_it_is_told_who_may(self):
        self.template.manager_ids = False
        waypoint = self._new_ready().with_user(self.manager)
        self.assertEqual(self._possible(waypoint), set())
        self.assertEqual(waypoint.why_no_flight, "Only Managers of “Shop” and Root can change it.")
        self.assertIn("the Manager of “Shop” who created it", waypoint.why_no_deletion)
        self.assertEqual(
            self.jet.with_user(self.manager).why_no_new_waypoint,
            "Only Managers of “Shop” and Root can create waypoints.",
        )

    def test_a_manager_deletes_what_they_created(self):
        mine, other = self._new_waypoint(person=self.manager), self._new_waypoint()
        self.assertFalse(mine.why_no_deletion)
        self.assertTrue(other.with_user(self.manager).why_no_deletion)
        self.assertFalse(self.jet.with_user(self.manager).why_no_new_waypoint)

    # ------------------------------------------------------------------ confirmations

    def test_a_confirmation_names_the_plan_that_runs(self):
        waypoint = self._new_waypoint(kind=self.planned)
        self.assertIn("“create it” runs on “Shop”", waypoint.describe_movement("prepare"))
        self.assertEqual(waypoint.describe_movement("delete"), "Nothing runs on the host.")
        waypoint._set_state("ready")
        self.assertIn("“delete it” runs on “Shop”", waypoint.describe_movement("delete"))

    def test_without_a_delete_plan_the_confirmation_says_what_stays(self):
        self.assertIn("stays there", self._new_ready().describe_movement("delete"))

    def test_a_confirmation_says_where_a_reset_leads(self):
        waypoint = self._new_in_state("error")
        self.assertIn("becomes a draft", waypoint.describe_movement("reset"))
        self.jet._write_moves({"waypoint_id": waypoint.id})
        self.assertIn("becomes the current one again", waypoint.describe_movement("reset"))

    def test_a_confirmation_is_for_those_who_may(self):
        waypoint = self._new_ready()
        self.template.manager_ids = False
        for movement in ("prepare", "reset", "delete"):
            with self.assertRaises(AccessError):
                waypoint.with_user(self.manager).describe_movement(movement)
        for movement in ("flight", None, ["delete"]):
            with self.assertRaises(ValidationError):
                waypoint.describe_movement(movement)

    # ------------------------------------------------------------------ new ones

    def test_the_only_type_is_chosen(self):
        Waypoint = self.env["cx.tower.jet.waypoint"].with_context(default_jet_id=self.jet.id)
        names = ["jet_id", "waypoint_template_id"]
        self.assertNotIn("waypoint_template_id", Waypoint.default_get(names))
        self.plain.unlink()
        self.assertEqual(Waypoint.default_get(names)["waypoint_template_id"], self.planned.id)

    # ------------------------------------------------------------------ speed

    def test_offers_of_many_waypoints_take_as_many_queries_as_of_few(self):
        self._set_edition("enterprise")
        waypoints = self.env["cx.tower.jet.waypoint"]
        for number in range(20):
            waypoints += self._new_ready(f"Number {number}")
        counts = []
        for some in (waypoints, waypoints[:2], waypoints):  # the first fills caches of the registry
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some.with_user(self.manager).web_read(
                {
                    **dict.fromkeys(BUTTONS.values(), {}),
                    "can_fly_to": {},
                    "movement_ids": {"fields": {"to_name": {}}},
                }
            )
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts[1:])


@tagged("post_install", "-at_install")
class TestHiddenNames(WaypointCase):
    """A Manager is told the name of a waypoint above their level nowhere."""

    SECRET = "Project Chimera"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.manager_ids = cls.manager

    def setUp(self):
        super().setUp()
        self.open = self._new_ready("Open")
        self.secret = self._new_ready(self.SECRET, access_level="3")
        self.secret.fly_to()

    def _assert_nowhere(self, found):
        self.assertNotIn(self.SECRET, str(found))

    def _as_manager(self, record):
        self.env.invalidate_all()
        return record.with_user(self.manager)

    def _history(self):
        Transition = self.env["cx.tower.jet.transition"].with_user(self.manager)
        self.env.invalidate_all()
        return Transition.search([("jet_id", "=", self.jet.id)])

    def test_the_current_waypoint(self):
        jet = self._as_manager(self.jet)
        self.assertFalse(jet.waypoint_shown_id)
        self._assert_nowhere(jet.read())
        shown = {"fields": {"display_name": {}}}
        self._assert_nowhere(jet.web_read({"waypoint_id": shown, "waypoint_shown_id": shown}))
        self._assert_nowhere(jet.formatted_read_group([("id", "=", jet.id)], ["waypoint_id"], ["__count"]))
        self.assertFalse(jet.search([("waypoint_id", "ilike", self.SECRET)]))
        self.assertEqual(self.jet.waypoint_shown_id, self.secret)

    def test_the_waypoint_that_was_left(self):
        self.open.fly_to()
        history = self._history()
        self._assert_nowhere(history.read())
        flight = history.filtered(lambda one: one.waypoint_movement == "flight")
        self.assertEqual((flight.from_name, flight.to_name), (False, "Open"))
        self.assertEqual(flight.with_user(self.root).from_name, self.SECRET)
        self._assert_nowhere(flight.web_read({"waypoint_from_id": {"fields": {"display_name": {}}}}))
        with self.assertRaises(AccessError):
            flight.read(["waypoint_from_name"])
        with self.assertRaises(AccessError):
            flight.search([("waypoint_from_name", "ilike", self.SECRET)])

    def test_the_waypoint_that_was_left_and_deleted(self):
        self.open.fly_to()
        self.secret.unlink()
        self._assert_nowhere(self._history().read())

    def test_names_of_deleted_waypoints_up_to_the_level_stay_in_the_history(self):
        other = self._new_ready("Other")
        other.fly_to()
        self.open.fly_to()
        other.unlink()
        names = self._history().mapped(lambda one: (one.from_name, one.to_name))
        self.assertIn(("Other", "Open"), names)

    def test_a_waypoint_whose_level_was_raised(self):
        other = self._new_ready("Other")
        other.fly_to()
        self.open.fly_to()
        other.access_level = "3"
        for deleted in (False, True):
            if deleted:
                other.unlink()
            names = self._history().mapped(lambda one: (one.from_name, one.to_name))
            self.assertNotIn("Other", str(names))

    def test_refusals_and_confirmations(self):
        self.secret._set_state("error")
        reason = self._as_manager(self.open).why_no_flight
        self.assertIn("could not leave “a waypoint that you may not see”", reason)
        self.secret._set_state("current")
        self.secret.waypoint_template_id.plan_leave_id = self.planned.plan_leave_id
        self._assert_nowhere(self._as_manager(self.open).read_flight())

    def test_users_see_that_the_jet_is_busy_and_nothing_else(self):
        self.jet.user_ids = self.user
        kind = self._new_type("Open type", plan_create_id=self.planned.plan_create_id.id)
        self._new_waypoint("Moving", kind).prepare()
        jet = self.jet.with_user(self.user)
        self.env.invalidate_all()
        self.assertEqual(jet.movement, "busy")
        self.assertIn("“Prepare waypoint” is running", jet.busy_text)
        self.assertNotIn("Moving", str(jet.read()))
        self.assertFalse(jet.transition_ids.filtered("waypoint_movement"))
        with self.assertRaises(AccessError):
            self.env["cx.tower.jet.waypoint"].with_user(self.user).search([])
