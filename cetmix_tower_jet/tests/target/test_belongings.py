from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestBelongings(JetCase):
    """Files, server logs and scheduled tasks of jets and of their templates."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["cx.tower.variable"].create({"name": "home", "reference": "jet_home"})
        cls.server.set_variable_value("jet_home", "/srv")
        cls.File, cls.Log = cls.env["cx.tower.file"], cls.env["cx.tower.server.log"]
        cls.text = {"server_dir": "{{ jet_home }}/{{ tower.jet.reference }}", "code": "{{ tower.jet.name }}"}

    def new_jet(self, name="Shop 1", reference="shop_1", **values):
        people = {"users": self.user, "managers": self.manager}
        return self._new_jet(name, reference=reference, **people, **values)

    # ------------------------------------------------------------------ files

    def test_a_file_of_a_jet_is_on_its_server_and_rendered_with_its_values(self):
        jet = self.new_jet()
        jet.set_variable_value("jet_home", "/home")
        file = self.File.with_user(self.manager).create({"name": "a.conf", "jet_id": jet.id, **self.text})
        self.assertEqual((file.server_id, file._run_target()), (self.server, jet))
        self.assertEqual(file.host_path, "/home/shop_1/a.conf")
        log = self.env["cx.tower.command.log"].browse(file.upload()["id"])
        self.assertEqual((log.jet_id, log.server_id, log.code), (jet, self.server, "Shop 1"))

    def test_a_file_has_one_place(self):
        jet, elsewhere = self.new_jet(), self._new_server("Elsewhere")
        for place in (
            {},
            {"jet_id": jet.id, "server_id": elsewhere.id},
            {"jet_template_id": self.template.id, "server_id": self.server.id},
            {"jet_template_id": self.template.id, "jet_id": jet.id},
        ):
            with self.subTest(place), self.assertRaises(ValidationError):
                self.File.create({"name": "a", "server_dir": "/tmp", **place})

    def test_a_new_jet_gets_the_files_of_its_template(self):
        values = {"jet_template_id": self.template.id, "server_dir": self.text["server_dir"]}
        plain = self.File.create({"name": "plain", "code": self.text["code"], **values})
        synced = self.File.create({"name": "synced", "auto_sync": True, "keep_when_deleted": True, **values})
        self.assertFalse((plain | synced).last_log_id, "files of templates are on no host")
        self.assertFalse((plain | synced).server_id)
        with self.assertRaisesRegex(UserError, "belongs to a jet template"):
            plain.upload()
        jet = self.new_jet()
        own = {file.name: file for file in jet.file_ids}
        self.assertEqual(sorted(own), ["plain", "synced"])
        self.assertEqual(own["plain"].host_path, "/srv/shop_1/plain")
        self.assertEqual(own["plain"].rendered_code, "Shop 1")
        self.assertEqual((own["synced"].auto_sync, own["synced"].keep_when_deleted), (True, True))
        self.assertTrue(own["synced"].last_log_id)
        self.assertFalse(own["plain"].last_log_id, "only what syncs by itself is pushed")
        self.assertEqual(self.template.file_ids, plain | synced)

    def test_a_command_makes_the_file_of_its_jet(self):
        template = self.env["cx.tower.file.template"].create(
            {"name": "Conf", "file_name": "a.conf", **self.text}
        )
        first, second = self.new_jet(), self.new_jet("Shop 2", "shop_2")
        file = template.create_file(self.server, jet=first)
        self.assertEqual((file.jet_id, file.host_path), (first, "/srv/shop_1/a.conf"))
        other = template.create_file(jet="shop_2")
        self.assertEqual((other.jet_id, other.server_id), (second, self.server))
        with self.assertRaises(ValidationError):
            template.create_file(jet=first)
        self.assertEqual(template.create_file(jet=first, if_file_exists="skip"), file)
        with self.assertRaises(ValidationError):
            template.create_file(self._new_server("Elsewhere"), jet=first)
        command = self._new_command("Make it", action="file_using_template", file_template_id=template.id)
        log = self.env["cx.tower.command.log"].browse(second.run_command(command)["id"])
        self.assertEqual((log.path, log.code, log.jet_id), ("/srv/shop_2/a.conf", "Shop 2", second))

    def test_a_copied_server_gets_nothing_of_its_jets(self):
        jet = self.new_jet()
        self.File.create({"name": "a.conf", "jet_id": jet.id, **self.text})
        self.File.create({"name": "own", "server_id": self.server.id, "server_dir": "/tmp"})
        self.Log.create({"name": "Jet log", "jet_id": jet.id, "command_id": self.step.id})
        copied = self.server.copy({"ssh_password": "x"})
        self.assertEqual(copied.file_ids.mapped("name"), ["own"])
        self.assertFalse(copied.server_log_ids)

    # ------------------------------------------------------------------ server logs

    def test_a_log_of_a_jet_runs_on_the_jet(self):
        self.step.code = "tail /var/log/{{ tower.jet.reference }}"
        jet = self.new_jet()
        log = self.Log.create({"name": "Log", "jet_id": jet.id, "command_id": self.step.id})
        self.assertEqual((log.server_id, log._run_target(), jet.server_log_ids), (self.server, jet, log))
        log.refresh()
        run = self.env["cx.tower.command.log"].search([("server_log_id", "=", log.id)])
        self.assertEqual((run.jet_id, run.code), (jet, "tail /var/log/shop_1"))

    def test_a_log_can_be_fetched_while_an_action_runs(self):
        self._give_plan("Start")
        jet = self.new_jet(state="stopped")
        log = self.Log.create({"name": "Log", "jet_id": jet.id, "command_id": self.step.id})
        self._action("Start").trigger(jet)
        log.refresh()
        run = self.env["cx.tower.command.log"].search([("server_log_id", "=", log.id)])
        self.assertEqual(run.state, "queued")

    def test_a_log_has_one_owner_and_its_server_is_that_of_the_jet(self):
        jet = self.new_jet()
        for owner in (
            {},
            {"jet_id": jet.id, "server_id": self._new_server("Elsewhere").id},
            {"jet_id": jet.id, "jet_template_id": self.template.id},
            {"server_id": self.server.id, "jet_template_id": self.template.id},
        ):
            with self.subTest(owner), self.assertRaises(ValidationError):
                self.Log.create({"name": "Log", "command_id": self.step.id, **owner})

    def test_a_new_jet_gets_the_logs_of_its_template(self):
        file = self.File.create(
            {
                "name": "app.log",
                "source": "server",
                "jet_template_id": self.template.id,
                "server_dir": "/var/log",
            }
        )
        owner = {"jet_template_id": self.template.id}
        self.Log.create({"name": "Command", "command_id": self.step.id, "access_level": "1", **owner})
        self.Log.create({"name": "File", "log_type": "file", "file_id": file.id, **owner})
        self.Log.search([("jet_template_id", "=", self.template.id)]).vouched_by_id = self.root
        jet = self.new_jet()
        own = {log.name: log for log in jet.server_log_ids}
        self.assertEqual(sorted(own), ["Command", "File"])
        self.assertEqual((own["Command"].access_level, own["Command"].vouched_by_id), ("1", self.root))
        self.assertEqual((own["File"].file_id, own["File"].file_id.jet_id), (jet.file_ids, jet))

    # ------------------------------------------------------------------ scheduled tasks

    def new_task(self, **values):
        vals = {
            "name": "Task",
            "action": "command",
            "command_id": self.step.id,
            "user_id": self.root.id,
            **values,
        }
        return self.env["cx.tower.scheduled.task"].create(vals)

    def runs_of(self, task):
        return self.env["cx.tower.command.log"].search([("scheduled_task_id", "=", task.id)], order="id")

    def test_a_task_runs_on_each_jet_with_its_custom_values(self):
        variable = self.env["cx.tower.variable"].create({"name": "depth", "reference": "jet_depth"})
        self.step.code = "clean {{ jet_depth }} {{ tower.jet.reference }}"
        jets = self.new_jet() | self.new_jet("Shop 2", "shop_2")
        task = self.new_task(jet_ids=[(6, 0, jets.ids)])
        task.custom_variable_value_ids = [(0, 0, {"variable_id": variable.id, "value_char": "3"})]
        task.action_run()
        runs = self.runs_of(task)
        self.assertEqual(runs.mapped("code"), ["clean 3 shop_1", "clean 3 shop_2"])
        self.assertFalse(task.warning_message)

    def test_a_task_goes_on_with_other_jets_when_one_is_busy_archived_or_hidden(self):
        self._give_plan("Start")
        busy, gone, good = (self.new_jet(f"Shop {n}", f"shop_{n}", state="stopped") for n in "123")
        self._action("Start").trigger(busy)
        gone.active = False
        task = self.new_task(jet_ids=[(6, 0, (busy | gone | good).ids)])
        task.action_run()
        runs = self.runs_of(task)
        self.assertEqual(runs.jet_id, busy | good)
        self.assertEqual(runs.mapped("state"), ["failed", "queued"])
        self.assertIn("Start", runs[0].message)
        self.assertIn("archived", task.warning_message)

    def test_who_changes_the_jets_of_a_task_becomes_its_owner(self):
        jet = self.new_jet()
        task = self.new_task(user_ids=[(6, 0, [])], manager_ids=[(6, 0, self.manager.ids)])
        task.with_user(self.manager).write({"jet_ids": [(4, jet.id)]})
        self.assertEqual(task.user_id, self.manager)
        other = self.new_task(manager_ids=[(6, 0, self.manager.ids)])
        jet.with_user(self.manager).write({"scheduled_task_ids": [(4, other.id)]})
        self.assertEqual(other.user_id, self.manager)
        foreign = self.new_task(user_ids=[(6, 0, [])], manager_ids=[(6, 0, [])])
        with self.assertRaises(AccessError):
            jet.with_user(self.manager).write({"scheduled_task_ids": [(4, foreign.id)]})

    def test_new_jets_join_the_tasks_of_their_template(self):
        task = self.new_task(jet_template_ids=[(6, 0, self.template.ids)])
        jet = self.new_jet()
        self.assertEqual((jet.scheduled_task_ids, task.jet_ids), (task, jet))

    def test_a_destroyed_jet_has_no_more_runs(self):
        jet = self.new_jet(state="removed")
        task = self.new_task(jet_ids=[(6, 0, jet.ids)])
        self._action("Destroy").trigger(jet)
        self.assertFalse(jet.active)
        with self.assertRaises(UserError):
            task.action_run()
        self.assertFalse(self.runs_of(task))

    # ------------------------------------------------------------------ fleet runs

    def test_a_fleet_run_is_started_on_jets_by_name_tag_domain_or_template(self):
        tag = self.env["cx.tower.tag"].create({"name": "Prod", "reference": "jet_prod"})
        first, second = self.new_jet(tag_ids=[(6, 0, tag.ids)]), self.new_jet("Shop 2", "shop_2")
        self.new_jet("Hidden", "hidden").write({"user_ids": False, "manager_ids": False})
        command = self._new_command("Look", access_level="1", managers=self.manager, allow_parallel_run=True)
        Fleet = self.env["cx.tower.fleet.run"].with_user(self.manager)
        for selection, expected in (
            ({"jets": ["shop_1", second.id]}, first | second),
            ({"jets": first}, first),
            ({"jet_templates": "shop"}, first | second),
            ({"jet_templates": [self.template.id], "tags": ["jet_prod"]}, first),
            ({"jet_templates": self.template.id, "domain": [("name", "=", "Shop 2")]}, second),
        ):
            started = Fleet.start(command=command.id, **selection)
            fleet = self.env["cx.tower.fleet.run"].browse(started["id"])
            self.assertEqual(fleet.jet_ids, expected)
            self.assertEqual(fleet.command_log_ids.jet_id, expected)
            self.assertFalse(fleet.server_ids)
            self.assertEqual((started["servers"], started["jets"]), (len(expected), len(expected)))
        for wrong in ({"jets": ["hidden"]}, {"jets": ["shop_1"], "servers": ["host"]}, {"jets": []}):
            with self.subTest(wrong), self.assertRaises(ValidationError):
                Fleet.start(command=command.id, **wrong)

    def test_a_fleet_run_triggers_an_action_on_many_jets(self):
        self._give_plan("Start")
        jets = self.new_jet(state="stopped") | self.new_jet("Shop 2", "shop_2", state="stopped")
        start = self._action("Start")
        Fleet = self.env["cx.tower.fleet.run"].with_user(self.manager)
        started = Fleet.start(jet_action=start.reference, jets=jets.ids)
        fleet = self.env["cx.tower.fleet.run"].browse(started["id"])
        self.assertEqual((fleet.name, fleet.jet_action_id), ("Start on 2 jets", start))
        self.assertEqual(jets.mapped("state"), ["starting"] * 2)
        self.assertEqual(jets.transition_ids.user_id, self.manager)
        self._end_action(jets[0])
        self._end_action(jets[1], 3)
        self.assertEqual((jets.mapped("state"), fleet.state), (["running", "stopped"], "failed"))
        self.assertEqual(fleet.with_user(self.manager).name, "Start on 2 jets")
        again = Fleet.browse(fleet.with_user(self.manager).retry_failed()["id"])
        self.assertEqual((again.jet_ids, jets.mapped("state")), (jets[1], ["running", "starting"]))

    def test_who_may_not_trigger_an_action_starts_no_fleet_run_of_it(self):
        jet = self.new_jet(state="stopped")
        start = self._action("Start")
        Fleet = self.env["cx.tower.fleet.run"]
        start.access_level = "3"
        with self.assertRaises(AccessError):
            Fleet.with_user(self.manager).start(jet_action=start.id, jets=jet.ids)
        start.access_level = "2"
        jet.write({"user_ids": [(6, 0, self.manager.ids)], "manager_ids": [(5,)]})
        with self.assertRaises(AccessError):
            Fleet.with_user(self.manager).start(jet_action=start.id, jets=jet.ids)
        other = self._action("Start", self._new_template("Other"))
        with self.assertRaises(ValidationError):
            Fleet.start(jet_action=other, jets=jet.ids)
        with self.assertRaises(ValidationError):
            Fleet.start(jet_action=start, plan=self._new_plan("Look", [self.step]).id, jets=jet.ids)

    def test_a_fleet_of_jets_can_be_tried_again(self):
        self._give_plan("Start")
        first, second = self.new_jet(state="stopped"), self.new_jet("Shop 2", "shop_2", state="stopped")
        self._action("Start").trigger(first)
        Fleet = self.env["cx.tower.fleet.run"]
        plan = self._new_plan("Look", [self.step])
        fleet = Fleet.browse(Fleet.start(plan=plan.id, jets=["shop_1", "shop_2"])["id"])
        self.assertEqual(fleet.plan_log_ids.sorted("id").mapped("state"), ["failed", "queued"])
        self._end_action(first)
        self._end_run(fleet.plan_log_ids.filtered(lambda run: run.jet_id == second))
        self.assertEqual(fleet.state, "failed")
        again = Fleet.browse(fleet.retry_failed()["id"])
        self.assertEqual(again.jet_ids, first)
        self.assertEqual(again.plan_log_ids.state, "queued")
