from unittest.mock import patch

from odoo.addons.cetmix_tower_server.models.base.engine_context import engine_says
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..jet_case import JetCase

RECOVERY = "odoo.addons.cetmix_tower_jet.models.installation.recovery"
QUEUE = "odoo.addons.cetmix_tower_server.models.run.cx_tower_run_queue"


@tagged("post_install", "-at_install")
class TestInstallation(JetCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new_server = cls._new_server("New host", users=cls.manager)
        cls.disk = cls._new_template("Disk", managers=cls.manager, server_ids=False)
        cls.database = cls._new_template("Database", managers=cls.manager, server_ids=False)
        cls.shop = cls._new_template("Web shop", managers=cls.manager, server_ids=False)
        for template, required in ((cls.shop, cls.database), (cls.database, cls.disk)):
            cls.env["cx.tower.jet.template.dependency"].create(
                {
                    "template_id": template.id,
                    "template_required_id": required.id,
                    "state_required_id": cls._state("running").id,
                }
            )
        for template in (cls.disk, cls.database, cls.shop):
            for name in ("install", "uninstall"):
                template[f"plan_{name}_id"] = cls._new_plan(
                    f"{name} {template.name}", [cls.step], access_level="3", allow_parallel_run=True
                )

    def _install(self, template=None, servers=None, person=None):
        template = (template or self.shop).with_user(person or self.manager)
        (result,) = template.install_on_servers((servers or self.new_server).ids)
        return self.env["cx.tower.jet.template.install"].browse(result["installation"])

    def _end_line(self, install, exit_code=0, message=""):
        self._end_run(install.current_line_id.plan_log_id, exit_code, message)

    def _installed(self, server=None):
        return (server or self.new_server).jet_template_ids

    # ------------------------------------------------------------------ installing

    def test_scripts_install_from_the_installation(self):
        Install = self.env["cx.tower.jet.template.install"].with_user(self.manager)
        install = Install.install(self.new_server.id, self.disk.reference)
        self.assertEqual((install.jet_template_id, install.action), (self.disk, "install"))
        run = install.line_ids.plan_log_id
        self.assertEqual(run.with_user(self.manager).jet_template_install_id, install)
        self._end_run(run)
        self.assertEqual((install.state, self.disk.server_ids), ("done", self.new_server))
        self.assertFalse(Install.install(self.new_server, self.disk), "there is nothing to do")
        removal = Install.uninstall(self.new_server, self.disk)
        self._end_run(removal.line_ids.plan_log_id)
        self.assertFalse(self.disk.server_ids)
        with self.assertRaises(AccessError):
            Install.with_user(self.user).install(self.new_server.id, self.disk.id)

    def test_what_is_needed_is_installed_first(self):
        install = self._install()
        self.assertEqual(install.line_ids.jet_template_id.mapped("name"), ["Disk", "Database", "Web shop"])
        self.assertEqual(install.line_ids.mapped("state"), ["processing", "to_process", "to_process"])
        run = install.current_line_id.plan_log_id
        self.assertEqual((run.plan_id, run.user_id), (self.disk.plan_install_id, self.manager))
        self.assertEqual((run.server_id, run.jet_template_id), (self.new_server, self.disk))
        self._end_line(install)
        self.assertEqual(self._installed(), self.disk)
        self.assertEqual(install.current_line_id.jet_template_id, self.database)
        self._end_line(install)
        self._end_line(install)
        self.assertEqual(self._installed(), self.disk | self.database | self.shop)
        self.assertEqual((install.state, bool(install.date_done)), ("done", True))
        self.assertFalse(install.current_line_id)

    def test_templates_without_plans_are_installed_at_once(self):
        for template in (self.disk, self.database, self.shop):
            template.plan_install_id = False
        install = self._install()
        self.assertEqual((install.state, len(self._installed())), ("done", 3))

    def test_what_is_installed_is_skipped_and_said(self):
        self.disk.server_ids = self.new_server
        (result,) = self.shop.with_user(self.manager).install_on_servers(self.new_server.reference)
        self.assertEqual((result["state"], result["skipped"]), ("processing", [self.disk.reference]))
        self.shop.server_ids = self.server
        (result,) = self.shop.install_on_servers(self.server)
        self.assertEqual((result["state"], result["installation"]), ("skipped", 0))
        self.assertIn("“Web shop” is already installed on Host", result["message"])

    def test_each_server_has_an_installation_of_its_own(self):
        others = self.new_server | self._new_server("Third")
        results = self.shop.install_on_servers(others)
        installs = self.env["cx.tower.jet.template.install"].browse(row["installation"] for row in results)
        self.assertEqual(installs.server_id, others)
        self._end_line(installs[0], 7, "no space")
        self._end_line(installs[1])
        self.assertEqual(installs.mapped("state"), ["failed", "processing"])

    def test_a_failure_says_why_and_can_be_tried_again_from_there(self):
        install = self._install()
        self._end_line(install)
        self._end_line(install, 7, "no space")
        self.assertEqual(install.state, "failed")
        self.assertRegex(install.message, "“Database”: .*no space")
        self.assertEqual(install.line_ids.mapped("state"), ["done", "failed", "to_process"])
        self.assertTrue(install.with_user(self.manager).may_retry)
        result = install.with_user(self.manager).retry()
        self.assertEqual((result["state"], result["skipped"]), ("processing", [self.disk.reference]))
        self.assertEqual(install.current_line_id.jet_template_id, self.database)
        self._end_line(install)
        self._end_line(install)
        self.assertEqual((install.state, len(install.line_ids)), ("done", 3))
        with self.assertRaisesRegex(UserError, "Only a failed"):
            install.retry()

    def test_another_try_knows_dependencies_that_came_later(self):
        install = self._install(self.disk)
        self._end_line(install, 7)
        base = self._new_template("Base", server_ids=False)
        self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": self.disk.id,
                "template_required_id": base.id,
                "state_required_id": self._state("running").id,
            }
        )
        install.retry()
        self.assertEqual(install.line_ids.sorted("order").jet_template_id, self.disk | base)
        self.assertEqual(self._installed(), base)
        self.assertEqual(install.current_line_id.jet_template_id, self.disk)

    def test_a_stopped_or_interrupted_plan_ends_the_installation_with_the_reason(self):
        for code, text in ((-308, "Stopped"), (-209, "interrupted|exit code")):
            with self.subTest(code):
                install = self._install(self.disk)
                self._end_line(install, code, "Stopped by Ann" if code == -308 else "interrupted")
                self.assertEqual(install.state, "failed")
                self.assertRegex(install.message, text)

    def test_a_plan_that_may_not_run_there_ends_it_with_the_reason(self):
        self.disk.plan_install_id.server_ids = self.server
        install = self._install(self.disk)
        self.assertEqual((install.state, install.line_ids.state), ("failed", "failed"))
        self.assertIn("restricted to other servers", install.message)
        self.assertFalse(self._installed())

    def test_the_same_is_not_installed_twice_at_once(self):
        self._install()
        (result,) = self.shop.install_on_servers(self.new_server)
        self.assertEqual(result["state"], "skipped")
        self.assertRegex(result["message"], "being installed on New host already .*Tower manager")

    def test_a_caller_that_comes_second_unseen_is_refused_by_the_database(self):
        self._install()
        with self._blind_to_live_installs(), mute_logger("odoo.sql_db"):
            with self.assertRaisesRegex(UserError, "Somebody else has just begun"):
                self.shop.install_on_servers(self.new_server)

    def _blind_to_live_installs(self):
        Template = self.registry["cx.tower.jet.template"]
        return patch.object(Template, "_live_installs", lambda template, servers: {})

    def test_two_installations_share_what_both_need(self):
        wiki = self._new_template("Wiki", server_ids=False)
        self.env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": wiki.id,
                "template_required_id": self.disk.id,
                "state_required_id": self._state("running").id,
            }
        )
        first = self._install()
        second = self._install(wiki, person=self.root)
        self.assertEqual(second.current_line_id.state, "to_process")
        self.assertRegex(second.message, "Waits: .*Web shop")
        self._end_line(first)
        self.assertEqual((second.state, second.line_ids.mapped("state")), ("done", ["done", "done"]))
        self.assertEqual(self._installed(), self.disk | wiki)

    def test_a_failure_lets_the_other_installation_try_itself(self):
        first = self._install()
        second = self._install(self.disk)
        self._end_line(first, 7)
        self.assertEqual((first.state, second.line_ids.state), ("failed", "processing"))
        self._end_line(second)
        self.assertEqual(second.state, "done")

    def test_as_many_queries_for_many_servers_without_plans(self):
        for template in (self.disk, self.database, self.shop):
            template.plan_install_id = False
        servers = self.env["cx.tower.server"].union(*(self._new_server(f"S{number}") for number in range(4)))

        def count(chosen):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            present = self.shop._where_installed(self.shop | self.disk, chosen)
            self.shop._why_not_uninstall(chosen, self.env)
            self.assertEqual(len(present), len(chosen))
            return self.env.cr.sql_log_count - before

        count(servers)
        self.assertEqual(count(servers), count(servers[:1]))

    # ------------------------------------------------------------------ who

    def test_managers_of_the_template_install_where_they_may_read(self):
        self._install(person=self.manager)
        with self.assertRaises(AccessError):
            self._install(servers=self._new_server("Foreign"))
        with self.assertRaises(AccessError):
            self._install(self.disk, person=self.manager_2)

    def test_users_do_not_install(self):
        self.disk.user_ids = self.user
        self.new_server.user_ids |= self.user
        with self.assertRaisesRegex(AccessError, "install"):
            self._install(self.disk, person=self.user)

    def test_wrong_arguments_are_refused(self):
        for servers in ([], "nowhere", [True], self.shop):
            with self.subTest(servers), self.assertRaises(ValidationError):
                self.shop.install_on_servers(servers)

    # ------------------------------------------------------------------ uninstalling

    def _put(self, *templates):
        for template in templates:
            template.server_ids = self.new_server

    def test_the_uninstall_plan_removes_the_template(self):
        self._put(self.shop, self.database, self.disk)
        (result,) = self.shop.with_user(self.manager).uninstall_from_servers(self.new_server.id)
        install = self.env["cx.tower.jet.template.install"].browse(result["installation"])
        self.assertEqual(install.line_ids.plan_log_id.plan_id, self.shop.plan_uninstall_id)
        self.assertIn(self.shop, self._installed())
        self._end_line(install)
        self.assertEqual(self._installed(), self.database | self.disk)
        self.assertEqual(install.state, "done")

    def test_what_others_need_is_not_uninstalled(self):
        self._put(self.shop, self.disk)
        with self.assertRaisesRegex(UserError, "“Disk” cannot be uninstalled from New host.*“Web shop”"):
            self.disk.uninstall_from_servers(self.new_server)
        (result,) = self.disk.uninstall_from_servers(self.new_server, raise_if_not_possible=False)
        self.assertEqual((result["state"], self._installed()), ("skipped", self.shop | self.disk))

    def test_what_an_installation_in_progress_needs_is_not_uninstalled(self):
        self._put(self.disk)
        self._install()
        with self.assertRaisesRegex(UserError, "“Web shop”"):
            self.disk.uninstall_from_servers(self.new_server)

    def test_jets_prevent_uninstalling_until_they_are_destroyed(self):
        self._put(self.shop)
        jet = self._new_jet("My shop", "removed", self.shop, server_id=self.new_server.id)
        with self.assertRaisesRegex(UserError, "“My shop”"):
            self.shop.uninstall_from_servers(self.new_server)
        jet.active = False
        with self.assertRaisesRegex(UserError, "“My shop”"):
            self.shop.uninstall_from_servers(self.new_server)
        jet.active = True
        self._action("Destroy", self.shop).trigger(jet)
        self.assertFalse(jet.active)
        self.shop.uninstall_from_servers(self.new_server)

    def test_no_jet_is_created_while_the_template_is_being_removed(self):
        self._put(self.shop)
        self.shop.uninstall_from_servers(self.new_server)
        with self.assertRaisesRegex(UserError, "being removed from New host"):
            self._new_jet("Late", template=self.shop, server_id=self.new_server.id)

    def test_of_jets_that_the_caller_may_not_see_only_the_number_is_said(self):
        self._put(self.shop)
        self._new_jet("Secret shop", template=self.shop, server_id=self.new_server.id)
        with self.assertRaisesRegex(UserError, r"are there: 1\."):
            self.shop.with_user(self.manager).uninstall_from_servers(self.new_server)

    def test_what_is_not_installed_is_not_uninstalled(self):
        with self.assertRaisesRegex(UserError, "not installed on New host"):
            self.shop.uninstall_from_servers(self.new_server)

    def test_a_server_with_jets_stays_among_those_where_it_is_installed(self):
        jet = self._new_jet("Here")
        with self.assertRaisesRegex(UserError, "Here"), self.env.cr.savepoint():
            self.template.server_ids = False
        self.assertEqual(self.template.server_ids, self.server)
        jet.unlink()
        self.template.server_ids = False
        self.assertFalse(self.template.server_ids)

    def test_server_ids_may_be_written_as_installed_here(self):
        self.assertTrue(self.shop._is_installation_needed(self.new_server))
        self.shop.server_ids = self.new_server
        self.assertFalse(self.shop._is_installation_needed(self.new_server))
        self.assertEqual(self.new_server.jet_template_count, 1)

    # ------------------------------------------------------------------ what changes meanwhile

    def test_a_template_is_not_deleted_while_it_is_being_installed(self):
        install = self._install(self.disk)
        self.database.template_requires_ids.unlink()
        with self.assertRaisesRegex(ValidationError, "“Disk” is being installed"):
            self.disk.unlink()
        self._end_line(install, 7)
        self.disk.unlink()
        self.assertFalse(install.exists())

    def test_an_installation_goes_with_its_server(self):
        install = self._install(self.disk)
        with self.assertRaises(UserError):
            self.new_server.unlink()
        self.new_server.with_context(**engine_says(server_force_delete=True)).unlink()
        self.assertFalse(install.exists())

    def test_a_deleted_person_ends_it_before_the_next_plan(self):
        install = self._install()
        install.user_id = False
        self._end_line(install)
        self.assertEqual(install.state, "failed")
        self.assertIn("deleted", install.message)

    def test_resuming_the_plan_continues_the_installation(self):
        install = self._install()
        run = install.current_line_id.plan_log_id
        self._end_line(install, 7)
        resumed = run.with_user(self.root).resume()
        self.assertEqual(install.user_id, self.root)
        self.assertEqual((install.state, install.current_line_id.plan_log_id), ("processing", resumed))
        self._end_line(install)
        self.assertEqual(install.current_line_id.jet_template_id, self.database)

    def test_a_run_of_an_installation_that_moved_on_is_not_resumed(self):
        install = self._install(self.disk)
        run = install.current_line_id.plan_log_id
        self._end_line(install, 7)
        install.retry()
        self._end_line(install)
        with self.assertRaisesRegex(UserError, "moved on"):
            run.resume()

    @mute_logger(RECOVERY)
    def test_a_missed_end_is_taken_over_by_the_cron(self):
        install = self._install()
        run = install.current_line_id.plan_log_id
        line = self.registry["cx.tower.jet.template.install.line"]
        with patch.object(line, "_plan_ended", lambda line, run: None):
            self._end_run(run)
        self.assertEqual(install.line_ids[0].state, "processing")
        self.env["cx.tower.run.queue"]._recover_followers()
        self.assertEqual(install.current_line_id.jet_template_id, self.database)
        self.assertEqual(self._installed(), self.disk)

    def test_an_error_in_what_follows_an_end_does_not_undo_the_end(self):
        install = self._install()
        run = install.current_line_id.plan_log_id
        broken = patch.object(type(install.current_line_id), "_succeed", side_effect=ValueError("broken"))
        with broken, mute_logger(QUEUE):
            self._end_run(run)
        self.assertEqual((run.state, install.current_line_id.state), ("done", "processing"))
        with mute_logger(RECOVERY):
            install._continue_missed()
        self.assertEqual(install.current_line_id.jet_template_id, self.database)

    def test_what_follows_an_end_waits_for_a_lock_only_briefly(self):
        install, limits = self._install(), []

        def succeed(_line):
            self.env.cr.execute("SHOW lock_timeout")
            limits.append(self.env.cr.fetchone()[0])

        with patch.object(type(install.current_line_id), "_succeed", succeed):
            self._end_line(install)
        self.assertEqual(limits, ["2s"])

    @mute_logger(RECOVERY)
    def test_an_installation_whose_run_was_deleted_ends(self):
        install = self._install()
        install.current_line_id.plan_log_id = False
        self.env["cx.tower.run.queue"]._recover_followers()
        self.assertEqual(install.state, "failed")
        self.assertIn("no longer exists", install.message)

    def test_the_cron_leaves_live_installations_alone(self):
        first, second = self._install(), self._install(self.disk)
        self.env["cx.tower.run.queue"]._recover_followers()
        self.assertEqual((first | second).mapped("state"), ["processing", "processing"])
        self.assertEqual(len(first.line_ids.plan_log_id), 1)

    # ------------------------------------------------------------------ screens

    def test_the_wizard_says_what_it_takes_and_opens_the_installation(self):
        self.disk.server_ids = self.new_server
        Wizard = self.env["cx.tower.jet.template.install.wiz"].with_user(self.manager)
        with Form(Wizard.with_context(default_jet_template_id=self.shop.id)) as form:
            form.server_ids.add(self.new_server)
            self.assertEqual(
                form.preview.splitlines(),
                [
                    "1. Disk: already installed",
                    "2. Database: runs “install Database”",
                    "3. Web shop: runs “install Web shop”",
                ],
            )
        action = form.record.action_install_template()
        install = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual((install.jet_template_id, install.state), (self.shop, "processing"))

    def test_the_wizard_offers_what_can_be_installed(self):
        self.shop.server_ids = self.new_server
        wizard = self.env["cx.tower.jet.template.install.wiz"].with_user(self.manager)
        by_server = wizard.create({"jet_template_id": self.disk.id, "server_ids": self.new_server.ids})
        offered = self.shop.search(by_server.jet_template_domain)
        self.assertEqual(offered & (self.shop | self.disk), self.disk)
        self.assertNotIn(
            self.new_server,
            self.server.search(by_server.new({"jet_template_id": self.shop.id}).server_domain),
        )

    def test_nobody_installs_through_a_wizard_what_they_may_not(self):
        self.new_server.user_ids |= self.manager_2
        wizard = self.env["cx.tower.jet.template.install.wiz"].with_user(self.manager_2)
        created = wizard.create({"jet_template_id": self.shop.id, "server_ids": self.new_server.ids})
        with self.assertRaises(AccessError):
            created.action_install_template()

    def test_the_buttons_of_server_and_template_uninstall(self):
        self._put(self.shop, self.disk)
        action = self.new_server.with_context(jet_template_id=self.shop.id).action_uninstall_jet_template()
        install = self.env[action["res_model"]].browse(action["res_id"])
        self._end_line(install)
        self.disk.plan_uninstall_id = False
        action = self.disk.with_context(server_id=self.new_server.id).action_uninstall_from_server()
        self.assertEqual((action["tag"], self._installed()), ("display_notification", self.disk.browse()))

    def test_lists_of_installations_take_as_many_queries_for_many(self):
        first = self._install(self.disk)
        second = self._install(self.database)
        names = ["display_name", "may_retry", "state", "server_id"]

        def count(installs):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            installs.read(names)
            return self.env.cr.sql_log_count - before

        count(first | second)
        self.assertEqual(count(first | second), count(first))

    def test_runs_of_a_deleted_template_do_not_go_on_on_the_server_itself(self):
        install = self._install(self.disk)
        run = install.line_ids.plan_log_id
        self._end_line(install, 1)
        self.assertTrue(run.can_resume)
        self.shop.unlink()
        self.database.unlink()
        self.disk.unlink()
        self.assertFalse(install.exists())
        self.assertEqual((run.kept_jet_name, run.can_resume), (f"Disk ({self.new_server.name})", False))
        with self.assertRaisesRegex(UserError, "was deleted"):
            run.resume()
