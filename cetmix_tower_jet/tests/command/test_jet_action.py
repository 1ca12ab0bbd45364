from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestJetAction(JetCase):
    """Commands that trigger an action on jets, and wait for its end."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = cls._new_template("Database")
        cls.move_database = cls._new_move("Start", cls.database)

    @classmethod
    def _new_move(cls, action, template, **values):
        """Create a command that triggers an action."""
        return cls._new_command(
            f"{action} {template.name}",
            action="jet_action",
            jet_template_id=template.id,
            jet_action_id=cls._action(action, template).id,
            **{"access_level": "1", **values},
        )

    def setUp(self):
        super().setUp()
        self.jet = self._new_jet("Shop", "stopped", users=self.user)

    def _new_database(self, name, state="stopped", depends=False, **values):
        """Create a jet that the shop depends on, or that depends on the shop."""
        db = self._new_jet(name, state, self.database, **values)
        jet, other = (db, self.jet) if depends else (self.jet, db)
        self.env["cx.tower.jet.dependency"].create({"jet_id": jet.id, "jet_depends_on_id": other.id})
        return db

    def _run(self, command, jet=None, person=None, log_values=None):
        """Run a command on a jet. :return: its log"""
        target = self._as(jet or self.jet, person)
        request = RunRequest(log_values=log_values or {})
        command = command if command.env.user == person else self._as(command, person)
        return target._start_command_runs(command, request).sudo()

    def test_its_own_template_means_the_jet_itself(self):
        log = self._run(self._new_move("Start", self.template))
        self.assertEqual((log.state, log.command_status, self.jet.state), ("done", 0, "running"))

    def test_another_template_means_the_jets_linked_both_ways_and_the_run_waits_for_all(self):
        self._give_plan("Start", template=self.database)
        jets = [self._new_database("A"), self._new_database("B", depends=True)]
        self._new_jet("Not linked", "stopped", self.database)
        log = self._run(self.move_database)
        self.assertEqual(log.state, "waiting")
        self.assertEqual([jet.state for jet in jets], ["starting", "starting"])
        self.assertIn("“Start” on “A”, “B”", log._get_waiting_texts()[log.id])
        self._end_action(jets[0])
        self.assertEqual(log.state, "waiting")
        self._end_action(jets[1])
        self.assertEqual((log.state, log.command_status), ("done", 0))
        self.assertIn("“A”", log.command_response)

    def test_no_linked_jet_is_a_success_that_says_so(self):
        log = self._run(self.move_database)
        self.assertEqual((log.state, log.command_status), ("done", 0))
        self.assertIn("No jet of “Database” is linked", log.message)

    def test_failures_are_named_with_their_own_codes_and_reasons(self):
        self._give_plan("Start", template=self.database)
        good, bad, elsewhere = (
            self._new_database("Good"),
            self._new_database("Bad"),
            self._new_database("Elsewhere", "running"),
        )
        log = self._run(self.move_database)
        self._end_action(bad, 7, "no disk")
        self._end_action(good)
        self.assertEqual((log.state, log.command_status), ("failed", -100))
        self.assertRegex(log.message, "“Elsewhere”: exit code -505: “Start” is not available")
        self.assertRegex(log.message, "“Bad”: exit code 7: Line 1, “Step”")
        self.assertNotIn("“Good”", log.message)
        self.assertEqual((good.state, bad.state), ("running", "stopped"))
        self.assertEqual(elsewhere.state, "running")

    def test_a_step_waits_and_the_plan_goes_on_afterwards(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database("DB")
        plan = self._new_plan("All", [self.move_database, self.step], allow_parallel_run=True)
        run = self.jet._start_plan_runs(plan, RunRequest()).sudo()
        self.assertEqual(run.command_log_ids.mapped("state"), ["waiting"])
        self._end_action(db)
        self.assertEqual(sorted(run.command_log_ids.mapped("state")), ["done", "queued"])
        self._end_run(run)
        self.assertEqual(run.state, "done")

    def test_inside_an_action_linked_jets_are_moved_whoever_triggered_it(self):
        self._action("Start", self.database).access_level = "3"
        db = self._new_database("Hidden")
        self._give_moving_plan("Start", self.move_database)
        self._action("Start").with_user(self.user).trigger(self.jet.id)
        self.assertEqual((self.jet.state, db.state), ("running", "running"))
        self.assertEqual((db.transition_ids.user_id, db.transition_ids.source), (self.user, "command"))

    def _give_moving_plan(self, action, command):
        plan = self._new_plan("Moves", [command], access_level="3", allow_parallel_run=True)
        self._action(action).plan_id = plan

    def test_run_directly_it_moves_only_what_the_person_may_move(self):
        hidden, mine = self._new_database("Hidden"), self._new_database("Mine", users=self.user)
        self.database.user_ids = self.user
        self.move_database.user_ids = self.user
        log = self._run(self.move_database, person=self.user)
        self.assertEqual((hidden.state, mine.state), ("stopped", "running"))
        self.assertEqual(log.command_status, -100)
        self.assertNotIn("Hidden", log.message)
        self._action("Stop", self.database).access_level = "2"
        stop = self._new_move("Stop", self.database, users=self.user)
        log = self._run(stop, person=self.user)
        self.assertEqual((log.command_status, mine.state), (-100, "running"))

    def test_a_jet_that_is_busy_with_the_run_that_asks_is_refused_at_once(self):
        self._give_moving_plan("Start", self._new_move("Stop", self.template))
        self._action("Start").trigger(self.jet.id)
        transition = self.jet.transition_ids
        self.assertEqual((transition.state, self.jet.state), ("failed", "stopped"))
        self.assertIn("busy with the action that this command is a part of", transition.message)

    def test_a_busy_jet_is_refused_and_not_waited_for(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database("DB")
        self._action("Start", self.database).trigger(db.id)
        log = self._run(self.move_database)
        self.assertEqual(log.command_status, -100)
        self.assertIn("“DB”: exit code -505", log.message)

    def test_nothing_waits_for_itself_over_a_dependency(self):
        """The shop's Start moves the database, which depends on a shop that is running: on the one that is starting."""
        need = self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": self.database.id,
                "template_required_id": self.template.id,
                "state_required_id": self._state("running").id,
                "needed_in_state_ids": [(6, 0, self._state("running").ids)],
            }
        )
        db = self._new_jet("DB", "stopped", self.database)
        db._create_dependencies()
        db.jet_requires_ids.filtered(
            lambda link: link.jet_template_dependency_id == need
        ).jet_depends_on_id = self.jet
        self.template.limit_per_server = 1
        self._give_moving_plan("Start", self.move_database)
        self._action("Start").trigger(self.jet.id)
        self.assertEqual((self.jet.state, db.state), ("stopped", "stopped"))
        self.assertIn("exit code -506", self.jet.transition_ids.message)

    def test_a_stop_reaches_the_transitions(self):
        self._give_plan("Start", template=self.database)
        jets = [self._new_database("A"), self._new_database("B")]
        log = self._run(self.move_database)
        log.stop()
        self.assertEqual([jet.state for jet in jets], ["stopped", "stopped"])
        self.assertEqual((log.state, log.command_status), ("stopped", -208))

    def test_a_time_limit_reaches_the_transitions(self):
        self._give_plan("Start", template=self.database)
        self.move_database.timeout_s = 5
        db = self._new_database("DB")
        log = self._run(self.move_database)
        self.assertTrue(log.wait_deadline)
        log._stop_waited(self.env["res.users"])
        self.assertEqual((db.state, db.transition_ids.state), ("stopped", "stopped"))
        self.assertEqual(log.command_status, -100)

    def test_a_scheduled_task_triggers_it_on_its_jets(self):
        db = self._new_database("DB")
        task = self.env["cx.tower.scheduled.task"].create(
            {"name": "Nightly", "command_id": self.move_database.id, "jet_ids": [(6, 0, self.jet.ids)]}
        )
        task.run()
        self.assertEqual((db.state, db.transition_ids.source), ("running", "schedule"))

    def test_a_jet_names_the_run_that_waits_for_it(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database("DB")
        self.assertFalse(db.current_command_log_id)
        log = self._run(self.move_database)
        self.assertEqual((db.current_command_log_id, db.transition_ids.source), (log, "command"))
        db.manager_ids = self.manager
        self.assertFalse(db.with_user(self.manager).current_command_log_id, "a run that they may not read")

    def test_it_needs_a_jet(self):
        log = self.server._start_command_runs(self.move_database, RunRequest()).sudo()
        self.assertEqual(log.command_status, -503)

    def test_without_its_template_or_action_it_fails_with_a_code_of_its_own(self):
        for action, code in (("jet_action_id", -501), ("jet_template_id", -502)):
            command = self._new_move("Start", self.database)
            command.active = False
            command[action] = False
            log = self._run(command)
            self.assertEqual(log.command_status, code)

    def test_a_command_without_an_action_or_with_one_of_another_template_cannot_be_saved(self):
        with self.assertRaisesRegex(ValidationError, "Choose"):
            self.move_database.jet_action_id = False
        with self.assertRaisesRegex(ValidationError, "an action of"):
            self.move_database.jet_action_id = self._action("Start")

    def test_the_author_is_warned_of_an_action_above_the_command(self):
        self.assertFalse(self.move_database.jet_action_warning)
        self._action("Start", self.database).access_level = "2"
        self.assertIn("“Start” is above", self.move_database.jet_action_warning)

    def test_nothing_is_warned_of_before_an_action_is_chosen(self):
        self.assertIs(self.env["cx.tower.command"].new({"action": "jet_action"}).jet_action_warning, False)

    def test_a_single_action_is_a_run_for_fleets(self):
        command, log_values = self._action("Start").with_user(self.user)._as_run()
        log = self._run(command, person=self.user, log_values=log_values)
        self.assertEqual((log.state, self.jet.state), ("done", "running"))
        self._action("Stop").access_level = "3"
        command, log_values = self._action("Stop").with_user(self.user).sudo()._as_run()
        log = self._run(command, person=self.user, log_values=log_values)
        self.assertEqual((log.command_status, self.jet.state), (-100, "running"))

    def test_the_internal_command_is_in_no_picker(self):
        command = self.env.ref("cetmix_tower_jet.command_jet_action")
        found = self.env["cx.tower.command"].with_user(self.root).with_context(active_test=False)
        self.assertNotIn(command, found.search([]))

    def test_a_run_whose_transitions_ended_without_it_is_ended_by_the_cron(self):
        self._give_plan("Start", template=self.database)
        db = self._new_database("DB")
        log = self._run(self.move_database)
        db.current_transition_id._end_without_following(ValueError())
        self.assertEqual(log.state, "waiting")
        self.env["cx.tower.run.queue"]._recover_followers()
        self.assertEqual((log.state, log.command_status), ("failed", -100))

    def test_a_dry_run_says_what_would_be_moved(self):
        self._new_database("DB")
        line = self.move_database._action_document()
        (fact,) = self.jet._dry_run_facts(line)
        self.assertIn("“Start” on “DB”", fact)
        (fact,) = self.server._dry_run_facts(line)
        self.assertIn("needs a jet", fact)
        (fact,) = self.jet.with_user(self.user)._dry_run_facts(line)
        self.assertNotIn("DB", fact)
