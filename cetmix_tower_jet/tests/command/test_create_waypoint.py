from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from ..waypoint.waypoint_case import WaypointCase


@tagged("post_install", "-at_install")
class TestCreateWaypointCommand(WaypointCase):
    """Commands that create a waypoint, and wait for its movements."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.manager_ids = cls.manager
        cls.jet.user_ids = cls.user
        cls.create_plain = cls._new_creation(cls.plain)
        cls.create_planned = cls._new_creation(cls.planned)

    @classmethod
    def _new_creation(cls, kind, **values):
        """Create a command that creates waypoints of a type."""
        return cls._new_command(
            f"Create {kind.name}",
            action="create_waypoint",
            waypoint_template_id=kind.id,
            **{"access_level": "1", **values},
        )

    def _run(self, command, target=None, person=None, log_values=None):
        """Run a command. :return: its log"""
        target = self._as(target or self.jet, person)
        request = RunRequest(log_values=log_values or {})
        return target._start_command_runs(self._as(command, person), request).sudo()

    def _moving(self):
        """Return the live movement of the jet, inside an action or not."""
        return self.env["cx.tower.jet.transition"].search(
            [("jet_id", "=", self.jet.id), ("state", "=", "running"), ("waypoint_movement", "!=", False)]
        )

    def _end_movement(self, exit_code=0, message=""):
        self._end_run(self._moving().plan_log_id, exit_code, message)

    # ------------------------------------------------------------------ run by itself

    def test_without_plans_it_ends_at_once(self):
        log = self._run(self.create_plain)
        waypoint = self.jet.waypoint_ids
        self.assertEqual((log.state, log.command_status, waypoint.state), ("done", 0, "ready"))
        self.assertIn(f"“{waypoint.name}” is ready", log.command_response)
        self.assertEqual(waypoint.created_from_command_log_id, log)

    def test_it_waits_for_the_preparation(self):
        log = self._run(self.create_planned)
        self.assertEqual((log.state, self.jet.movement), ("waiting", "busy"))
        self.assertIn("“Prepare waypoint” on “Shop”", log._get_waiting_texts()[log.id])
        self._end_movement()
        self.assertEqual((log.state, log.command_status), ("done", 0))

    def test_it_waits_for_the_flight_too(self):
        self.create_planned.fly_here = True
        log = self._run(self.create_planned)
        self._end_movement()
        self.assertEqual((log.state, self.jet.waypoint_ids.state), ("waiting", "arriving"))
        self._end_movement()
        self.assertEqual((log.state, self.jet.waypoint_ids.state), ("done", "current"))
        self.assertIn("is current", log.command_response)

    def test_with_a_flight_without_plans_it_ends_at_once(self):
        self.create_plain.fly_here = True
        log = self._run(self.create_plain)
        self.assertEqual((log.state, log.command_status, self.jet.waypoint_id.state), ("done", 0, "current"))

    def test_a_failure_names_the_waypoint_its_state_and_the_reason(self):
        log = self._run(self.create_planned)
        self._end_movement(7, "no space left")
        self.assertEqual((log.state, log.command_status), ("failed", -508))
        self.assertRegex(log.message, f"“{self.jet.waypoint_ids.name}” is error: .*exit code 7")

    def test_a_flight_that_fails(self):
        self.create_planned.fly_here = True
        log = self._run(self.create_planned)
        self._end_movement()
        self._end_movement(7, "it hangs")
        self.assertEqual((log.command_status, self.jet.waypoint_ids.state), (-508, "error"))

    def test_a_flight_that_is_refused(self):
        self.create_planned.fly_here = True
        here = self._new_current("Here", self.planned)
        self._new_ready("There").fly_to()
        self._end_movement(7)
        self.assertEqual(here.state, "error")
        log = self._run(self.create_planned)
        self._end_movement()
        self.assertEqual((log.state, log.command_status), ("failed", -508))
        self.assertIn("is ready: The jet could not leave “Here”", log.message)

    def test_it_needs_a_jet(self):
        self.assertEqual(self._run(self.create_plain, self.server).command_status, -503)

    def test_it_needs_a_type(self):
        self.create_plain.active = False
        self.create_plain.waypoint_template_id = False
        self.assertEqual(self._run(self.create_plain).command_status, -507)

    def test_a_type_of_another_template_is_refused(self):
        command = self._new_creation(self._new_type("Other", self._new_template("Other")))
        log = self._run(command)
        self.assertEqual(log.command_status, -508)
        self.assertIn("is a type of waypoints of “Other”", log.message)
        self.assertFalse(self.jet.waypoint_ids)

    def test_a_busy_jet_is_refused_with_the_reason(self):
        log = self._run(self.create_planned)
        other = self._run(self.create_plain)
        self.assertIn("“Prepare waypoint” is running", other.message)
        self.assertEqual((other.state, log.state, len(self.jet.waypoint_ids)), ("failed", "waiting", 1))

    def test_the_rights_of_the_person_count(self):
        self.create_plain.user_ids = self.user | self.manager
        log = self._run(self.create_plain, person=self.user)
        self.assertEqual((log.command_status, self.jet.waypoint_ids.ids), (-508, []))
        log = self._run(self.create_plain, person=self.manager)
        self.assertEqual((log.command_status, self.jet.waypoint_ids.create_uid), (0, self.manager))

    def test_a_stop_reaches_the_movement(self):
        log = self._run(self.create_planned)
        log.stop()
        self.assertEqual((log.state, log.command_status), ("stopped", -208))
        self.assertEqual((self.jet.waypoint_ids.state, self.jet.movement), ("error", "problem"))

    def test_a_time_limit_reaches_the_movement(self):
        self.create_planned.timeout_s = 5
        log = self._run(self.create_planned)
        self.assertTrue(log.wait_deadline)
        log._stop_waited(self.env["res.users"])
        self.assertEqual((log.command_status, self.jet.waypoint_ids.state), (-100, "error"))

    # ------------------------------------------------------------------ as a step

    def _give_creation(self, *commands):
        """Let "Stop" run these commands as steps, then a plain one. :return: the run, after it was triggered by a User"""
        plan = self._new_plan(
            "With waypoint", [*commands, self.step], access_level="3", allow_parallel_run=True
        )
        self._action("Stop").plan_id = plan
        self._action("Stop").with_user(self.user).trigger(self.jet)
        return self.jet.transition_ids.filtered("action_id")[0].plan_log_id

    def test_as_a_step_of_the_jets_own_action_it_is_a_part_of_it(self):
        run = self._give_creation(self.create_planned)
        action = self.jet.current_transition_id
        self.assertEqual(self._moving().parent_id, action)
        self.assertEqual(run.command_log_ids.mapped("state"), ["waiting"])
        self._end_movement()
        self.assertEqual(sorted(run.command_log_ids.mapped("state")), ["done", "queued"])
        self.assertEqual((self.jet.current_transition_id, self.jet.state), (action, "stopping"))
        self._end_run(run)
        self.assertEqual((self.jet.state, self.jet.waypoint_ids.state), ("stopped", "ready"))

    def test_a_first_step_without_a_plan_does_not_end_the_action(self):
        run = self._give_creation(self.create_plain)
        self.assertEqual((self.jet.state, self.jet.waypoint_ids.state), ("stopping", "ready"))
        self._end_run(run)
        self.assertEqual((self.jet.state, run.state), ("stopped", "done"))

    def test_a_flight_inside_an_action(self):
        self._set_edition("old")
        self.create_planned.fly_here = True
        run = self._give_creation(self.create_planned)
        self._end_movement()
        self.assertEqual((self.jet.waypoint_ids.state, run.command_log_ids.state), ("arriving", "waiting"))
        self._end_movement()
        self.assertEqual((self.jet.waypoint_id.state, self.jet.state), ("current", "stopping"))
        self._end_run(run)
        self.assertEqual(self.jet.state, "stopped")

    def test_a_failure_ends_the_action_unless_its_author_goes_on(self):
        run = self._give_creation(self.create_planned)
        self._end_movement(7)
        self.assertEqual((run.plan_status, self.jet.state, self.jet.movement), (-508, "running", "problem"))

    def test_a_step_in_a_plan_inside_the_action_belongs_to_it_too(self):
        nested = self._new_plan("Inside", [self.create_planned], access_level="3")
        inside = self._new_command("Inside", action="plan", flight_plan_id=nested.id, access_level="3")
        run = self._give_creation(inside)
        self.assertEqual(self._moving().parent_id, self.jet.current_transition_id)
        self._end_movement()
        self._end_run(run)
        self.assertEqual((self.jet.state, self.jet.waypoint_ids.state), ("stopped", "ready"))

    def test_a_second_movement_inside_an_action_is_refused(self):
        run = self._give_creation(self.step, self.create_planned)
        other = self._new_waypoint("Other", self.planned)
        other._prepare(other._asking_of_caller(), parent=self.jet.current_transition_id)
        self._end_run(run)
        steps = run.command_log_ids.sorted("id")
        self.assertEqual(steps.mapped("command_status"), [0, -508])
        self.assertIn("Another waypoint of “Shop” is on its way", steps[-1].message)
        self.assertEqual((self.jet.waypoint_ids, self.jet.state), (other, "stopping"))
        self._end_movement()
        self.assertEqual((other.state, self.jet.state), ("ready", "running"))

    def test_a_stop_of_the_action_stops_the_movement(self):
        run = self._give_creation(self.create_planned)
        self.jet.stop()
        self.assertEqual((run.state, self.jet.waypoint_ids.state), ("stopped", "error"))
        self.assertEqual((self.jet.state, run.command_log_ids.command_status), ("running", -208))

    def test_in_the_plan_of_another_jet_or_of_nothing_it_claims_the_jet(self):
        plan = self._new_plan("Plain", [self.create_planned, self.step], allow_parallel_run=True)
        run = self.jet._start_plan_runs(plan, RunRequest()).sudo()
        self.assertEqual(self.jet.current_transition_id, self._moving())
        self._end_movement()
        self.assertFalse(self.jet.current_transition_id)
        self._end_run(run)
        self.assertEqual((run.state, self.jet.waypoint_ids.state), ("done", "ready"))

    # ------------------------------------------------------------------ resuming

    def test_a_step_that_begins_again_takes_the_waypoint_that_it_made_before(self):
        run = self._give_creation(self.create_planned)
        self._end_movement(-209)
        waypoint = self.jet.waypoint_ids
        self.assertEqual((waypoint.state, self.jet.state), ("error", "running"))
        run.resume()
        self.assertEqual((self.jet.waypoint_ids, waypoint.state), (waypoint, "preparing"))
        self.assertEqual(self._moving().parent_id, self.jet.current_transition_id)
        again = self.jet.current_transition_id.plan_log_id
        self._end_movement(-209)
        again.resume()
        self.assertEqual((self.jet.waypoint_ids, waypoint.state), (waypoint, "preparing"))
        self._end_movement()
        self._end_action(self.jet)
        self.assertEqual((self.jet.state, waypoint.state), ("stopped", "ready"))

    def test_a_flight_that_failed_is_flown_again(self):
        self.create_planned.fly_here = True
        self._new_current("Here", self.planned)
        run = self._give_creation(self.create_planned)
        self._end_movement()
        waypoint = self.jet.waypoint_ids.filtered("is_destination")
        self._end_movement(-209)
        self.assertEqual((waypoint.state, self.jet.waypoint_id.state), ("ready", "error"))
        self.jet.waypoint_id.reset()
        run.resume()
        self.assertEqual((waypoint.state, self.jet.waypoint_id.state), ("arriving", "leaving"))
        self._end_movement()
        self._end_movement()
        self._end_action(self.jet)
        self.assertEqual((self.jet.waypoint_id, self.jet.state), (waypoint, "stopped"))

    def test_run_again_makes_another_one(self):
        self._run(self.create_plain)
        self._run(self.create_plain)
        self.assertEqual(len(self.jet.waypoint_ids), 2)

    # ------------------------------------------------------------------ the command

    def test_without_a_type_it_cannot_be_saved(self):
        with self.assertRaisesRegex(ValidationError, "Choose the type"):
            self.create_plain.waypoint_template_id = False

    def test_only_a_type_that_the_author_may_read_can_be_linked(self):
        hidden = self._new_type("Hidden", access_level="3")
        with self.assertRaises(AccessError):
            self._new_creation(hidden, person=self.manager)
        self.assertTrue(self._new_creation(self.plain, person=self.manager))

    def test_the_author_is_warned_of_a_type_above_the_command(self):
        self.assertIn("“Plain” is above", self.create_plain.waypoint_warning)
        self.create_plain.access_level = "2"
        self.assertFalse(self.create_plain.waypoint_warning)

    def test_the_internal_command_is_in_no_picker(self):
        command = self.env.ref("cetmix_tower_jet.command_create_waypoint")
        found = self.env["cx.tower.command"].with_user(self.root).with_context(active_test=False)
        self.assertNotIn(command, found.search([]))

    def test_a_run_whose_movement_ended_without_it_is_ended_by_the_cron(self):
        log = self._run(self.create_planned)
        self.jet.current_transition_id._end_without_following(ValueError())
        self.assertEqual((log.state, self.jet.waypoint_ids.state), ("waiting", "error"))
        self.env["cx.tower.run.queue"]._recover_followers()
        self.assertEqual((log.state, log.command_status), ("failed", -508))

    def test_a_dry_run_says_what_would_happen(self):
        line = self.create_plain._action_document()
        (fact,) = self.jet._dry_run_facts(line)
        self.assertIn("Creates a waypoint of type “Plain”, prepares it, and waits", fact)
        (fact,) = self.server._dry_run_facts(line)
        self.assertIn("needs a jet", fact)
        self.create_plain.fly_here = True
        (fact,) = self.jet._dry_run_facts(self.create_plain._action_document())
        self.assertIn("flies to it", fact)
        (fact,) = self._new_jet("Other", template=self._new_template("Other"))._dry_run_facts(line)
        self.assertIn("is no type of waypoints of “Other”", fact)

    # ------------------------------------------------------------------ what its readers are told

    def _run_in_action_of_user(self):
        """Let a User trigger an action that creates a waypoint of a type. :return: the log, as that User reads it"""
        action = self._action("Restart")
        action.plan_id = self._new_plan("Update", [self.create_planned], access_level="1")
        action.with_user(self.user).trigger(self.jet.with_user(self.user))
        return (
            self.env["cx.tower.command.log"]
            .with_user(self.user)
            .search([("command_id", "=", self.create_planned.id)])
        )

    def test_users_are_not_told_the_name_of_a_waypoint(self):
        log = self._run_in_action_of_user()
        self._end_movement()
        self.assertEqual((log.state, log.command_response), ("done", "The waypoint is ready."))

    def test_users_are_not_told_why_a_waypoint_failed(self):
        log = self._run_in_action_of_user()
        self._end_movement(3, "hidden text")
        text = f"{log.command_response} {log.command_error}"
        self.assertIn("The waypoint is error: it did not succeed. Managers see why on the waypoint.", text)
        self.assertNotIn("hidden text", text)

    def test_managers_are_told_names_up_to_their_level(self):
        log = self._run(self.create_plain, person=self.manager)
        self.assertIn(f"Waypoint “{self.jet.waypoint_ids.name}” is ready", log.command_response)

    def test_a_dry_run_names_a_type_to_those_who_may_read_it(self):
        line = self.create_plain._action_document()
        [told] = self.jet.with_user(self.manager)._dry_run_facts(line)
        self.assertIn("“Plain”", told)
        [told] = self.jet.with_user(self.user)._dry_run_facts(line)
        self.assertIn("Creates a waypoint, prepares it, and waits", told)
        self.assertNotIn("Plain", told)
