from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestDeletion(JetCase):
    def _depends(self, jet, on):
        return self.env["cx.tower.jet.dependency"].create({"jet_id": jet.id, "jet_depends_on_id": on.id})

    def test_a_jet_says_what_stays_on_the_host(self):
        jet = self._new_jet("Web", state="running")
        text = jet.describe_deletion()
        self.assertRegex(text, "“Web” is in state “Running”.*stays there.*“Destroy” instead")
        self.assertNotIn("stays there", self._new_jet("Web").describe_deletion())

    def test_deleting_is_not_asked_about_when_it_is_not_possible(self):
        jet = self._new_jet(state="running", deletable=False)
        with self.assertRaisesRegex(UserError, "Destroy it first, with the action “Destroy”"):
            jet.describe_deletion()

    def test_requests_that_go_are_called_by_what_they_are(self):
        jet, other = self._new_jet("Web"), self._new_jet("Database")
        self.env["cx.tower.jet.request"].create(
            {
                "server_id": jet.server_id.id,
                "jet_template_id": other.jet_template_id.id,
                "state_requested_id": self.env["cx.tower.jet.state"].search([], limit=1).id,
                "requested_by_jet_id": jet.id,
            }
        )
        self.assertIn("Requests of dependencies: 1", jet.describe_deletion())

    def test_a_busy_jet_is_kept(self):
        self._give_plan("Start")
        jet = self._new_jet(state="stopped", users=self.user)
        self._action("Start").with_user(self.user).trigger(jet)
        with self.assertRaisesRegex(UserError, "“Start” is running"), self.env.cr.savepoint():
            jet.unlink()
        self.assertTrue(jet.exists())

    def test_a_jet_with_a_run_is_kept(self):
        jet = self._new_jet(state="running")
        plan = self._new_plan("Look", [self.step], access_level="1")
        run = jet.run_flight_plan(plan)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            jet.unlink()
        self._end_run(run)
        jet.unlink()
        self.assertEqual((run.kept_jet_name, run.jet_id.id), ("Jet (running)", False))

    def test_runs_of_a_deleted_jet_keep_its_name_and_only_root_reads_them(self):
        self.server.user_ids |= self.user_2
        self.server.manager_ids |= self.manager_2
        jet = self._new_jet("Web", state="stopped", users=self.user, managers=self.manager)
        plan = self._give_plan("Start")
        self._action("Start").with_user(self.user).trigger(jet)
        run = jet.current_transition_id.plan_log_id
        self._end_run(run)
        runs = (run, run.command_log_ids)
        self._action("Start").plan_id = False
        plan.unlink()
        jet.unlink()
        self.env.invalidate_all()
        for person in (self.outsider, self.user, self.user_2, self.manager, self.manager_2):
            for one in runs:
                self.assertFalse(one.with_user(person).has_access("read"), (person.name, one))
        [log, step] = [one.with_user(self.root) for one in runs]
        self.assertEqual((log.kept_jet_name, step.kept_jet_name), ("Web (running)", "Web (running)"))
        self.assertEqual((log.kept_target_name, log.read_progress()["name"]), ("Start", log.name))

    def test_a_jet_that_is_not_deletable_names_the_action_that_destroys_it(self):
        jet = self._new_jet(state="running", deletable=False)
        with self.assertRaisesRegex(UserError, "Destroy it first, with the action “Destroy”"):
            jet.unlink()
        jet.sudo().write({"deletable": True})
        jet.unlink()

    def test_a_jet_that_others_depend_on_is_kept_until_they_are_destroyed(self):
        database, shop = (
            self._new_jet("Database", managers=self.manager),
            self._new_jet("Shop", state="draft"),
        )
        self._depends(shop, database)
        with self.assertRaisesRegex(UserError, "needed by “Shop”"), self.env.cr.savepoint():
            database.unlink()
        database.with_user(self.manager).check_access("write")
        with self.assertRaisesRegex(UserError, "a jet that you cannot see"):
            database.with_user(self.manager)._check_no_dependants()
        shop._free_place()
        database.unlink()
        self.assertTrue(shop.exists())

    def test_dependants_are_deleted_together_with_what_they_depend_on(self):
        database, shop = self._new_jet("Database"), self._new_jet("Shop")
        self._depends(shop, database)
        (database + shop).unlink()
        self.assertFalse((database + shop).exists())

    def test_a_destroyed_jet_can_be_deleted(self):
        jet = self._new_jet(state="removed")
        jet.bring_to_state(False)
        self.assertFalse(jet.active)
        jet.unlink()
        self.assertFalse(jet.exists())

    def test_only_its_creator_among_its_managers_and_root_delete_it(self):
        jet = self._new_jet(users=self.user, managers=self.manager)
        for person in (self.user, self.manager, self.outsider):
            with self.assertRaises(AccessError):
                jet.with_user(person).unlink()
        own = self._new_jet(managers=self.manager, person=self.manager)
        own.with_user(self.manager).unlink()
        jet.with_user(self.root).unlink()
        self.assertFalse((jet + own).exists())

    # ------------------------------------------------------------------ files

    def _new_file(self, jet, **values):
        return self.env["cx.tower.file"].create(
            {
                "name": "shop.conf",
                "server_dir": "/etc",
                "jet_id": jet.id,
                "code": "x",
                "source": "tower",
                **values,
            }
        )

    def _runs(self):
        return self.env["cx.tower.command.log"].search([("server_id", "=", self.server.id)])

    def test_pushed_files_are_deleted_on_the_host_and_kept_ones_are_not(self):
        jet, before = self._new_jet(), self._runs()
        file, kept = self._new_file(jet), self._new_file(jet, name="kept.conf", keep_when_deleted=True)
        for one in (file, kept):
            one._write_quietly({"pushed_path": f"/etc/{one.name}"})
        self.assertIn("/etc/shop.conf", jet.describe_deletion())
        jet.unlink()
        run = self._runs() - before
        self.assertEqual(
            (len(run), run.server_id, run.jet_id.id, run.code), (1, self.server, False, "/etc/shop.conf")
        )
        self.assertFalse((file + kept).exists())
