from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestWizards(JetCase):
    """The wizards that run commands and flight plans, dry runs, and the buttons of jets."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        people = {"users": cls.user, "managers": cls.manager}
        cls.jet = cls._new_jet("Shop 1", reference="shop_1", state="stopped", **people)
        cls.other = cls._new_jet("Shop 2", reference="shop_2", state="stopped", **people)
        code = "echo {{ tower.jet.reference }}"
        cls.command = cls._new_command("Look", code=code, access_level="1", users=cls.user)
        cls.plan = cls._new_plan("Look at it", [cls.command], access_level="1", users=cls.user)

    def form(self, action, person=None):
        Wizard = self.env[action["res_model"]].with_user(person or self.user)
        return Form(Wizard.with_context(**action["context"]))

    def test_the_command_wizard_previews_and_runs_on_the_jet(self):
        form = self.form(self.jet.with_user(self.user).action_run_command())
        self.assertEqual((form.show_jets, form.show_servers), (True, False))
        self.assertEqual(form.server_ids[:].ids, self.server.ids)
        form.command_id = self.command
        rows = form.save().preview_ids
        self.assertEqual(
            (rows.jet_id, rows.server_id, rows.rendered_code), (self.jet, self.server, "echo shop_1")
        )
        opened = form.save().run_command_on_server()
        log = self.env["cx.tower.command.log"].browse(opened["res_id"])
        self.assertEqual((log.jet_id, log.code, log.user_id), (self.jet, "echo shop_1", self.user))

    def test_the_plan_wizard_previews_and_runs_on_several_jets(self):
        form = self.form((self.jet | self.other).with_user(self.user).action_run_flight_plan())
        form.plan_id = self.plan
        wizard = form.save()
        codes = [line["code"] for row in wizard.preview_ids for line in row.lines]
        self.assertEqual(codes, ["echo shop_1", "echo shop_2"])
        opened = wizard.run_flight_plan()
        fleet = self.env["cx.tower.fleet.run"].browse(opened["res_id"])
        self.assertEqual((fleet.jet_ids, len(fleet.server_ids)), (self.jet | self.other, 0))
        self.assertEqual(fleet.plan_log_ids.jet_id, self.jet | self.other)
        self.assertIn("2 jets", fleet.name)

    def test_a_busy_jet_is_refused_with_the_reason(self):
        self._give_plan("Start")
        form = self.form(self.jet.action_run_command(), self.root)
        form.command_id = self.command
        wizard = form.save()
        self._action("Start").trigger(self.jet)
        for start in (
            wizard.run_command_on_server,
            self.jet.action_run_command,
            self.jet.action_run_flight_plan,
        ):
            with self.assertRaisesRegex(UserError, "Start"):
                start()

    def test_over_rpc_the_wizard_takes_ids_and_refuses_foreign_jets(self):
        Wizard = self.env["cx.tower.plan.run.wizard"].with_user(self.user)
        wizard = Wizard.create({"jet_ids": [(6, 0, self.jet.ids)], "plan_id": self.plan.id})
        self.assertTrue(wizard.run_flight_plan()["res_id"])
        hidden = self._new_jet("Hidden")
        with self.assertRaises(AccessError):
            Wizard.create({"jet_ids": [(6, 0, hidden.ids)], "plan_id": self.plan.id})

    def test_a_dry_run_is_of_the_jet(self):
        self.jet.update_metadata({"edition": "ent"})
        line = {"command_id": self.command.id, "condition": 'jet.metadata.get("edition") == "ent"'}
        plan = self._new_plan("Edition", [line], access_level="1", users=self.user).with_user(self.user)
        report = plan.dry_run(jets=["shop_1", self.other.id])
        self.assertEqual([row["jet"]["reference"] for row in report["servers"]], ["shop_1", "shop_2"])
        self.assertEqual([row["lines"][0]["outcome"] for row in report["servers"]], ["run", "skip"])
        self.assertEqual(report["servers"][0]["lines"][0]["code"], "echo shop_1")
        self._give_plan("Start")
        self._action("Start").trigger(self.jet)
        problems = plan.dry_run(jets="shop_1")["servers"][0]["problems"]
        self.assertIn("“Start” is running", " ".join(problem["message"] for problem in problems))

    def test_buttons_open_what_belongs_to_the_jet(self):
        self.jet.run_command(self.command)
        self.jet.run_flight_plan(self.plan)
        self.server.run_command(self._new_command("Server"))
        file = self.env["cx.tower.file"].create({"name": "a", "server_dir": "/tmp", "jet_id": self.jet.id})
        jets = self.jet | self.other
        self.assertEqual(jets.mapped("command_log_count"), [1, 0])
        self.assertEqual(jets.mapped("plan_log_count"), [1, 0])
        self.assertEqual(jets.mapped("file_count"), [1, 0])
        for opened in (
            self.jet.action_open_command_logs(),
            self.jet.action_open_plan_logs(),
            self.jet.action_open_files(),
        ):
            found = self.env[opened["res_model"]].search(opened["domain"])
            self.assertEqual(found.jet_id, self.jet)
        self.assertEqual(found, file)
        with self.assertRaises(AccessError):
            self._new_jet("Hidden").with_user(self.user).action_open_command_logs()
