from odoo.addons.cetmix_tower_server.tests.browser import BrowserCase
from odoo.tests import new_test_user, tagged

ACTIONS = (
    ("Build", "draft", "building", "stopped"),
    ("Start", "stopped", "starting", "running"),
    ("Stop", "running", "stopping", "stopped"),
)


class JetTourCase(BrowserCase):
    """A person of each level moves a jet on the board and on its form."""

    def setUp(self):
        super().setUp()
        env = self.env
        env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "inline")
        self.people = {
            level: new_test_user(
                env, f"tour_{level}", f"base.group_user,cetmix_tower_server.group_{level}", name=level
            )
            for level in ("user", "manager", "root")
        }
        roles = {
            "user_ids": [(6, 0, self.people["user"].ids)],
            "manager_ids": [(6, 0, self.people["manager"].ids)],
        }
        server = (
            env["cx.tower.server"]
            .with_context(skip_ssh_settings_check=True)
            .create({"name": "Tour", "ip_v4_address": "127.0.0.1", "ssh_username": "nobody", **roles})
        )
        command = env["cx.tower.command"].create(
            {
                "name": "Tour step",
                "action": "python_code",
                "code": "result = {'exit_code': 0, 'message': 'started'}",
                "allow_parallel_run": True,
            }
        )
        plan = env["cx.tower.plan"].create(
            {"name": "Tour plan", "line_ids": [(0, 0, {"command_id": command.id})]}
        )
        states = {one.reference: one.id for one in env["cx.tower.jet.state"].search([])}
        template = env["cx.tower.jet.template"].create(
            {
                "name": "Tour template",
                "server_ids": [(6, 0, server.ids)],
                "action_ids": [
                    (
                        0,
                        0,
                        {
                            "name": name,
                            "access_level": "1",
                            "state_from_id": states[before],
                            "state_transit_id": states[through],
                            "state_to_id": states[after],
                            "plan_id": plan.id if name == "Start" else False,
                        },
                    )
                    for name, before, through, after in ACTIONS
                ],
                **roles,
            }
        )
        self.jet = env["cx.tower.jet"].create(
            {"name": "Tour jet", "jet_template_id": template.id, "server_id": server.id, **roles}
        )
        self.jet._set_state(env["cx.tower.jet.state"].browse(states["stopped"]))

    def walk(self, level, tour):
        self.start_tour("/odoo/cetmix_tower_jets", tour, login=self.people[level].login, timeout=120)


@tagged("post_install", "-at_install")
class TestJetTours(JetTourCase):
    def test_user(self):
        self.walk("user", "cetmix_tower_jet_user")
        self.assertEqual(self.jet.state, "stopped")
        self.assertEqual(self.jet.transition_ids.user_id, self.people["user"])

    def test_manager(self):
        self.walk("manager", "cetmix_tower_jet_manager")
        self.assertEqual(self.jet.state, "running")
        self.assertEqual(
            self.jet.transition_ids.mapped("state"), ["done", "done", "corrected", "done", "done"]
        )

    def test_root(self):
        self.walk("root", "cetmix_tower_jet_manager")
        self.assertEqual(self.jet.state, "running")


@tagged("post_install", "-at_install")
class TestJetToursOnAPhone(JetTourCase):
    browser_size = "420x900"

    def test_user(self):
        self.walk("user", "cetmix_tower_jet_user")
        self.assertEqual(self.jet.state, "stopped")

    def test_manager(self):
        self.walk("manager", "cetmix_tower_jet_manager")
        self.assertEqual(self.jet.state, "running")
