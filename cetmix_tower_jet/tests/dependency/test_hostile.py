from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .dependency_case import DependencyCase

RECOVERY = "odoo.addons.cetmix_tower_jet.models.dependency.recovery"


@tagged("post_install", "-at_install")
class TestHostile(DependencyCase):
    """What is deleted, archived or changed while a transition waits. It goes on, or ends with a reason."""

    def setUp(self):
        super().setUp()
        self._give_plan("Start", template=self.database)
        self.db = self._new_database("DB", "stopped", users=self.user)
        self.shop = self._new_jet("Shop", "stopped", users=self.user)

    def test_the_dependency_is_removed_from_the_template(self):
        transition = self._start(self.shop)
        self.need.unlink()
        self.assertEqual((transition.state, self.shop.state), ("done", "running"))
        self._end_action(self.db)
        self._is_idle(self.shop, self.db)

    def test_the_link_is_deleted(self):
        transition = self._start(self.shop)
        self.shop.jet_requires_ids.unlink()
        self._end_action(self.db)
        self.assertEqual((transition.state, self._serves(self.shop)), ("done", self.db))

    def test_the_required_state_is_changed(self):
        transition = self._start(self.shop)
        self.need.state_required_id = self._state("stopped")
        self._give_plan("Stop", template=self.database)
        self._end_action(self.db)
        self.assertEqual((transition.state, self.db.state), ("waiting", "stopping"))
        self._end_action(self.db)
        self.assertEqual((transition.state, self.db.state), ("done", "stopped"))

    def test_the_person_is_deleted(self):
        person = new_test_user(
            self.env, "tower_leaver", groups="base.group_user,cetmix_tower_server.group_user"
        )
        (self.shop | self.db).user_ids = person
        self.server.user_ids |= person
        transition = self._start(self.shop, person)
        self.assertEqual(transition.state, "waiting")
        self.env.cr.execute(
            "UPDATE cx_tower_jet_transition SET user_id = NULL WHERE id = %s", (transition.id,)
        )
        transition.invalidate_recordset()
        self._end_action(self.db)
        self.assertEqual((transition.state, self.shop.state), ("failed", "stopped"))
        self.assertIn("deleted", transition.message)
        self._is_idle(self.shop, self.db)

    def test_the_jet_that_waits_is_archived(self):
        transition = self._start(self.shop)
        with self.assertRaisesRegex(UserError, "cannot be archived now"):
            self.shop.active = False
        self.env.cr.execute("UPDATE cx_tower_jet SET active = FALSE WHERE id = %s", (self.shop.id,))
        self.shop.invalidate_recordset()
        self._end_action(self.db)
        self.assertEqual(transition.state, "failed")
        self.assertIn("“Shop” was archived", transition.message)

    def test_the_jet_that_was_waited_for_is_archived_before_all_are_there(self):
        disk = self._new_template("Disk")
        self._new_need(self.template, disk)
        self._give_plan("Start", template=disk)
        other = self._new_jet("Disk", "stopped", disk)
        transition = self._start(self.shop)
        self._end_action(self.db)
        self.db.active = False
        self._end_action(other)
        self.assertEqual(transition.state, "waiting")
        new = self.env["cx.tower.jet"].search([("jet_template_id", "=", self.database.id)])
        self._end_action(new)
        self.assertEqual((transition.state, self._serves(self.shop, self.need)), ("done", new))

    def test_jets_of_an_archived_template_still_serve(self):
        self.database.limit_per_server = 1
        self._start(self.db)
        self._end_action(self.db)
        self._action("Stop", self.database).plan_id = self._action("Start", self.database).plan_id
        self._action("Stop", self.database).trigger(self.db.id)
        transition = self._start(self.shop)
        self.assertEqual(transition.state, "waiting")
        self.database.active = False
        self._end_action(self.db)
        self.assertEqual((transition.state, self.db.state), ("waiting", "starting"))
        self._end_action(self.db)
        self.assertEqual(transition.state, "done")

    def test_the_template_of_the_dependency_is_archived_before_it_can_serve(self):
        self.database.limit_per_server = 1
        self.db.correct_state("removed", "for the test")
        self._action("Destroy", self.database).plan_id = self._action("Start", self.database).plan_id
        self._action("Destroy", self.database).trigger(self.db.id)
        transition = self._start(self.shop)
        self.assertEqual(transition.state, "waiting")
        self.database.active = False
        self._end_action(self.db)
        self.assertEqual(transition.state, "failed")
        self.assertIn("archived", transition.message)

    def test_a_request_that_root_deletes_is_made_anew(self):
        transition = self._start(self.shop)
        request = self.env["cx.tower.jet.request"].search([("transition_id", "=", transition.id)])
        request.with_user(self.root).unlink()
        self.assertEqual(transition.state, "waiting")
        self._end_action(self.db)
        self.assertEqual(transition.state, "done")

    # ------------------------------------------------------------------ what no event continues

    def test_a_request_whose_jet_is_idle_is_continued_by_the_cron(self):
        transition = self._start(self.shop)
        self.db.current_transition_id._end_without_following(ValueError())
        self.assertEqual((transition.state, self.db.state), ("waiting", "stopped"))
        with self.assertLogs(RECOVERY, "WARNING"):
            self._look_after_jets()
        self.assertEqual((transition.state, self.db.state), ("waiting", "starting"))
        self._end_action(self.db)
        self.assertEqual(transition.state, "done")

    def test_a_waiting_transition_without_requests_is_continued_by_the_cron(self):
        transition = self._start(self.shop)
        self.env.cr.execute("DELETE FROM cx_tower_jet_request")
        self.env.invalidate_all()
        self.db.current_transition_id._end("done")
        self._look_after_jets()
        self.assertEqual((transition.state, self.shop.state), ("done", "running"))

    def test_a_request_whose_jet_was_deleted_is_served_by_another(self):
        transition = self._start(self.shop)
        request = self.env["cx.tower.jet.request"].search([("transition_id", "=", transition.id)])
        self.env.cr.execute("UPDATE cx_tower_jet_request SET jet_id = NULL WHERE id = %s", (request.id,))
        self.env.invalidate_all()
        with mute_logger(RECOVERY):
            self._look_after_jets()
        self.assertEqual((request.state, request.jet_id), ("processing", self.db))

    def test_a_chain_whose_deepest_request_times_out_ends_everywhere(self):
        portal = self._new_template("Portal")
        self._new_need(portal, self.template)
        top = self._new_jet("Portal", "stopped", portal)
        outer = self._start(top)
        inner = self.shop.current_transition_id
        self.assertEqual((outer.state, inner.state), ("waiting", "waiting"))
        inner.deadline = fields.Datetime.now() - timedelta(seconds=1)
        self._look_after_jets()
        self.assertEqual((outer.state, inner.state), ("failed", "failed"))
        self.assertIn("“Portal” waits for “Shop”: it waits for “DB”: no jet was in state", outer.message)
        self._end_action(self.db)
        self._is_idle(top, self.shop, self.db)

    def test_asking_again_ends_at_the_time_limit(self):
        disk = self._new_template("Disk")
        self._new_need(self.template, disk)
        self._give_plan("Start", template=disk)
        other = self._new_jet("Disk", "stopped", disk)
        transition = self._start(self.shop)
        self._end_action(self.db)
        self.db.correct_state("stopped", "it crashed")
        transition.deadline = fields.Datetime.now() - timedelta(seconds=1)
        self._end_action(other)
        self.assertEqual((transition.state, transition.exit_code), ("failed", -506))
        self.assertIn("kept leaving their states", transition.message)

    def test_a_failure_does_not_name_a_jet_that_the_person_may_not_read(self):
        self.db.user_ids = False
        self.shop.jet_requires_ids.jet_depends_on_id = self.db
        transition = self._start(self.shop, self.user)
        self._end_action(self.db, 1)
        self.assertIn("“Shop” waits for “Database”", transition.message)

    # ------------------------------------------------------------------ requests without a requester

    def _create_request(self, person=None, **values):
        return self._as(self.env["cx.tower.jet.request"], person).create(
            {
                "server_id": self.server.id,
                "jet_template_id": self.database.id,
                "state_requested_id": self._state("running").id,
                **values,
            }
        )

    def test_root_asks_for_a_jet(self):
        request = self._create_request(self.root)
        self.assertEqual((request.state, request.jet_id, self.db.state), ("processing", self.db, "starting"))
        self._end_action(self.db)
        self.assertEqual((request.state, bool(request.finish_date)), ("success", True))

    def test_scripts_ask_for_a_certain_jet_and_the_hook_tells_the_requester(self):
        other = self._new_database("Other", "running")
        told = []
        self.patch(
            self.env.registry["cx.tower.jet"],
            "_on_jet_request_completed",
            lambda jet, request: told.append((jet, request)),
        )
        request = self.env["cx.tower.jet.request"]._create_request(
            self.server, jet=self.db, state=self._state("running"), requested_by_jet=self.shop
        )
        self.assertEqual((request.jet_id, other.state), (self.db, "running"))
        self._end_action(self.db, 1)
        self.assertEqual((request.state, told), ("failed", [(self.shop, request)]))
        self.assertIn("its action “Start” failed", request.message)

    def test_a_request_by_itself_times_out_too(self):
        request = self._create_request(self.root)
        self.env.cr.execute(
            "UPDATE cx_tower_jet_request SET create_date = create_date - interval '2 hours' WHERE id = %s",
            (request.id,),
        )
        request.invalidate_recordset()
        self._look_after_jets()
        self.assertEqual(request.state, "failed")

    def test_requests_are_roots_only(self):
        request = self._create_request()
        for person in (self.user, self.manager):
            with self.assertRaises(AccessError):
                request.with_user(person).read(["state"])
            with self.assertRaises(AccessError):
                self._create_request(person)
        with self.assertRaises(ValidationError):
            self.env["cx.tower.jet.request"]._create_request(self.server)

    # ------------------------------------------------------------------ the setting

    def test_root_sets_the_time_limit_on_the_page_of_settings(self):
        page = self.env["cx.tower.settings.page"].with_user(self.root).create({})
        self.assertEqual(page.cetmix_tower_jet_request_timeout, 3600)
        page.cetmix_tower_jet_request_timeout = 600
        page.execute()
        self.assertEqual(self.env["cx.tower.settings"]._jet_request_timeout(), 600)
        page.cetmix_tower_jet_request_timeout = 5
        with self.assertRaisesRegex(ValidationError, "between"):
            page.execute()
        self.env["ir.config_parameter"].set_param("cetmix_tower_jet.request_timeout", "soon")
        self.assertEqual(self.env["cx.tower.settings"]._jet_request_timeout(), 3600)
