from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..jet_case import JetCase


@tagged("post_install", "-at_install")
class TestTower(JetCase):
    """Waiting for jets, the health page, and the jets of a server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.jet = cls._new_jet(
            "Shop 1", reference="shop_1", state="stopped", users=cls.user, managers=cls.manager
        )

    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())

    def test_an_idle_jet_is_not_waited_for(self):
        self.assertEqual(
            self.jet.with_user(self.user).wait(),
            {
                "id": self.jet.id,
                "reference": "shop_1",
                "state": "stopped",
                "finished": True,
                "transition": 0,
                "transition_state": "",
                "log": 0,
                "message": "",
            },
        )
        with self.assertRaises(AccessError):
            self._new_jet("Hidden").with_user(self.user).wait()

    def test_waiting_is_bounded_and_says_what_goes_on(self):
        self._give_plan("Start")
        started = self._action("Start").trigger(self.jet)
        self.env.flush_all()  # as a commit does
        waited = self.jet.with_user(self.user).wait(0.2)
        self.assertEqual(
            (waited["finished"], waited["state"], waited["transition_state"]), (False, "starting", "running")
        )
        self.assertEqual((waited["transition"], waited["log"]), (started["transition"], started["log"]))
        self.assertIn("Start", waited["message"])
        self._end_action(self.jet, 5)
        self.env.flush_all()
        waited = self.jet.wait(timeout=0)
        self.assertEqual(self.jet.wait(timeout_s=0), waited)
        self.assertEqual(
            (waited["finished"], waited["state"], waited["transition_state"]), (True, "stopped", "failed")
        )
        self.assertIn("5", waited["message"])

    def test_the_health_page_counts_jets(self):
        self._give_plan("Start")
        Tower = self.env["cetmix.tower"].with_user(self.manager)
        checks = {check["name"]: check for check in Tower.get_health()["checks"]}
        self.assertEqual((checks["jets"]["value"], checks["jets_waiting"]["value"]), (0, 0))
        self._action("Start").trigger(self.jet)
        hidden = self._new_jet("Hidden", state="stopped")
        self._action("Start").trigger(hidden)
        checks = {check["name"]: check for check in Tower.get_health()["checks"]}
        self.assertEqual((checks["jets"]["value"], checks["jets"]["status"]), (1, "ok"))
        opened = Tower.open_health_check("jets")
        self.assertEqual(self.env["cx.tower.jet"].with_user(self.manager).search(opened["domain"]), self.jet)

    def test_a_server_opens_its_jets(self):
        self._new_jet("Hidden")
        server = self.server.with_user(self.user)
        self.assertEqual(server.jet_count, 1)
        opened = server.action_open_jets()
        self.assertEqual(self.env["cx.tower.jet"].with_user(self.user).search(opened["domain"]), self.jet)

    def test_an_action_cannot_wait_for_itself(self):
        self.env["ir.config_parameter"].sudo().set_param("cetmix_tower_server.backend", "inline")
        code = 'result = {"message": str(jet.wait(5))}'
        command = self._new_command("Python", action="python_code", code=code, access_level="3")
        self._action("Start").plan_id = self._new_plan("Waits", [command], access_level="3")
        self._action("Start").trigger(self.jet)
        log = self.jet.transition_ids[0].plan_log_id.command_log_ids
        self.assertEqual(log.state, "failed")
        self.assertIn("cannot be waited for", log.message or log.command_error)
