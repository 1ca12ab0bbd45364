"""Who resumes the run of a movement, and when it is too late for that."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_table import TableCase

IR_RULE = "odoo.addons.base.models.ir_rule"


@tagged("post_install", "-at_install")
class TestResumingMovements(TableCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.manager_ids = cls.manager | cls.manager_2
        cls.server.user_ids += cls.manager_2

    def interrupted(self, movement="flight", plans=("leave", "arrive"), phase="arrive"):
        """Interrupt a movement in a phase. :return: its run"""
        self.begin_until(movement, plans, phase)
        run = self.jet.current_transition_id.plan_log_id
        self.end_phase("interrupted")
        return run

    def refused(self, run, person=None, error=UserError, text=""):
        before = self.names()
        with mute_logger(IR_RULE), self.assertRaisesRegex(error, text), self.env.cr.savepoint():
            self._as(run, person).resume()
        self.assertEqual(self.names(), before)

    # ------------------------------------------------------------------ who

    def test_a_manager_of_the_template_resumes_what_they_began_with_any_role_on_the_jet(self):
        for role in ("user_ids", "manager_ids"):
            with self.subTest(role):
                self.jet = self._new_jet(role, state="running", **{role: [(6, 0, self.manager_2.ids)]})
                there = self._new_ready("There", self.kinds["arrive",], self.jet)
                there.with_user(self.manager_2).fly_to()
                run = self.jet.current_transition_id.plan_log_id
                self._end_action(self.jet, -209)
                run.with_user(self.manager_2).resume()
                self.assertEqual(there.state, "arriving")

    def test_who_may_no_longer_change_the_waypoint_does_not_resume_it(self):
        self.jet = self._new_jet("Mine", state="running", managers=self.manager_2)
        there = self._new_ready("There", self.kinds["arrive",], self.jet)
        there.with_user(self.manager_2).fly_to()
        run = self.jet.current_transition_id.plan_log_id
        self._end_action(self.jet, -209)
        self.here = there.browse()
        self.there = there
        self.template.manager_ids -= self.manager_2
        self.refused(run, self.manager_2, AccessError)
        self.template.manager_ids += self.manager_2
        there.access_level = "3"
        self.refused(run, self.manager_2, AccessError)
        there.with_context(mail_notrack=True).access_level = "3"
        run.with_user(self.root).resume()
        self.assertEqual(there.state, "arriving")

    def test_who_may_not_delete_the_waypoint_does_not_resume_its_deletion(self):
        self.jet = self._new_jet("Mine", state="running", managers=self.manager_2)
        self.here = self.env["cx.tower.jet.waypoint"]
        self.there = self._new_ready("There", self.kinds["delete",], self.jet)
        self.there.unlink()
        run = self.jet.current_transition_id.plan_log_id
        self._end_action(self.jet, -209)
        self.server.manager_ids += self.manager_2  # else the run itself is out of reach
        self.refused(run, self.manager_2, AccessError)
        run.with_user(self.root).resume()
        self.assertEqual(self.there.state, "deleting")

    def test_who_cannot_read_the_jet_any_more_does_not_resume_it(self):
        self.jet = self._new_jet("Mine", state="running", managers=self.manager_2)
        self.here = self.env["cx.tower.jet.waypoint"]
        self.there = self._new_ready("There", self.kinds["arrive",], self.jet)
        self.there.with_user(self.manager_2).fly_to()
        run = self.jet.current_transition_id.plan_log_id
        self._end_action(self.jet, -209)
        self.jet.manager_ids = False
        self.refused(run, self.manager_2, AccessError)

    # ------------------------------------------------------------------ when

    def test_not_when_the_waypoint_was_reset(self):
        run = self.interrupted()
        self.there.reset()
        self.refused(run, text="waypoint “There” is Draft and no longer where this run left it")

    def test_not_when_the_old_waypoint_was_reset(self):
        run = self.interrupted(phase="leave")
        self.here.reset()
        self.refused(run, text="waypoint “Here” is Current and no longer where")

    def test_not_when_something_has_followed(self):
        run = self.interrupted()
        self._new_waypoint("Other", jet=self.jet).prepare()
        self.refused(run, text="“Prepare waypoint” has followed")

    def test_not_when_the_jet_is_busy(self):
        run = self.interrupted()
        self._give_plan("Stop")
        self._action("Stop").trigger(self.jet)
        self.refused(run, text="is busy: “Stop” is running")

    def test_not_when_a_waypoint_was_deleted(self):
        for gone in ("there", "here"):
            with self.subTest(gone):
                run = self.interrupted()
                getattr(self, gone).with_context(waypoint_force_delete=True).unlink()
                with self.assertRaisesRegex(UserError, "its waypoint was deleted"):
                    run.resume()

    def test_not_when_values_can_no_longer_be_restored(self):
        run = self.interrupted()
        self.variable.unlink()
        with self.assertRaisesRegex(UserError, "The variable “edition” no longer exists"):
            run.resume()
        self.assertEqual((self.there.state, self.here.state), ("error", "current"))

    def test_values_changed_since_are_those_from_before_the_resumed_flight(self):
        for phase in ("leave", "arrive"):
            with self.subTest(phase):
                run = self.interrupted(phase=phase)
                self._set_edition("newer")
                run.resume()
                if phase == "leave":
                    self.end_phase("done")
                self.assertEqual(self._edition(), "old")
                self.end_phase("failed")
                self.assertEqual((self._edition(), self.here.state), ("newer", "current"))
                self.assertEqual(self.here.variable_values, {"edition": "newer"})

    def test_a_preparation_resumed_still_flies_on(self):
        self.jet = self._new_jet("Fly on", state="running")
        waypoint = self._new_waypoint(kind=self.kinds["create",], jet=self.jet)
        waypoint.prepare(is_destination=True)
        run = self.jet.current_transition_id.plan_log_id
        self._end_action(self.jet, -209)
        self.assertEqual(waypoint.state, "error")
        run.resume()
        self._end_action(self.jet)
        self.assertEqual((waypoint.state, self.jet.waypoint_id), ("current", waypoint))
