from odoo.tests import tagged

from ..screens.test_jet_tours import JetTourCase


class CloneTourCase(JetTourCase):
    """A jet whose template has clone plans and is installed on a second server."""

    def setUp(self):
        super().setUp()
        env, template = self.env, self.jet.jet_template_id
        self.second = self.jet.server_id.copy(
            {
                "name": "Second",
                "user_ids": [(6, 0, self.jet.server_id.user_ids.ids)],
                "manager_ids": [(6, 0, self.jet.server_id.manager_ids.ids)],
            }
        )
        command = env["cx.tower.command"].create(
            {
                "name": "Tour clone step",
                "action": "python_code",
                "code": "result = {'exit_code': 0, 'message': 'cloned'}",
                "allow_parallel_run": True,
            }
        )
        plan = env["cx.tower.plan"].create(
            {"name": "Tour clone", "line_ids": [(0, 0, {"command_id": command.id})]}
        )
        states = {one.reference: one.id for one in env["cx.tower.jet.state"].search([])}
        template.write(
            {
                "server_ids": [(4, self.second.id)],
                "plan_clone_same_server_id": plan.id,
                "plan_clone_different_server_id": plan.id,
                "action_ids": [
                    (
                        0,
                        0,
                        {
                            "name": "Prepare",
                            "access_level": "1",
                            "state_transit_id": states["preparing"],
                            "state_to_id": states["draft"],
                        },
                    ),
                    (
                        0,
                        0,
                        {
                            "name": "Destroy",
                            "access_level": "1",
                            "state_from_id": states["stopped"],
                            "state_transit_id": states["destroying"],
                        },
                    ),
                ],
            }
        )

    def check_clone(self, person):
        clone = self.env["cx.tower.jet"].search([("name", "=", "Tour copy")])
        self.assertEqual((clone.create_uid, clone.jet_cloned_from_id), (person, self.jet))
        self.assertEqual((clone.state, clone.server_id), ("stopped", self.jet.server_id))

    def check_transfer(self, person):
        transfer = self.env["cx.tower.jet.transfer"].search([("jet_id", "=", self.jet.id)])
        self.assertEqual((transfer.user_id, transfer.state), (person, "done"))
        self.assertEqual((transfer.new_jet_id.name, transfer.new_jet_id.server_id), ("Tour jet", self.second))


@tagged("post_install", "-at_install")
class TestCloneTours(CloneTourCase):
    def test_a_user_clones(self):
        self.walk("user", "cetmix_tower_jet_clone")
        self.check_clone(self.people["user"])

    def test_a_manager_clones_and_transfers(self):
        self.walk("manager", "cetmix_tower_jet_transfer")
        self.check_clone(self.people["manager"])
        self.check_transfer(self.people["manager"])


@tagged("post_install", "-at_install")
class TestCloneToursOnAPhone(CloneTourCase):
    browser_size = "420x900"

    def test_a_manager_clones_and_transfers(self):
        self.walk("manager", "cetmix_tower_jet_transfer")
        self.check_clone(self.people["manager"])
        self.check_transfer(self.people["manager"])
