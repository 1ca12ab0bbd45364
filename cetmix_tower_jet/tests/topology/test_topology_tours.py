from odoo.tests import tagged

from ..screens.test_jet_tours import JetTourCase


class TopologyTourCase(JetTourCase):
    """A shop that needs a database, which is stopped."""

    def setUp(self):
        super().setUp()
        env, shop = self.env, self.jet
        template = shop.jet_template_id
        states = {one.reference: one for one in env["cx.tower.jet.state"].search([])}
        database_template = template.copy(
            {"name": "Tour database template", "server_ids": template.server_ids.ids}
        )
        roles = {"user_ids": shop.user_ids.ids, "manager_ids": shop.manager_ids.ids}
        database_template.write({name: [(6, 0, ids)] for name, ids in roles.items()})
        env["cx.tower.jet.template.dependency"].create(
            {
                "template_id": template.id,
                "template_required_id": database_template.id,
                "state_required_id": states["running"].id,
            }
        )
        database = env["cx.tower.jet"].create(
            {
                "name": "Tour database",
                "jet_template_id": database_template.id,
                "server_id": shop.server_id.id,
                **{name: [(6, 0, ids)] for name, ids in roles.items()},
            }
        )
        shop.name = "Tour shop"
        shop._set_state(states["running"])
        database._set_state(states["stopped"])
        shop.jet_requires_ids.jet_depends_on_id = database
        env.flush_all()

    def look(self, level, tour):
        self.start_tour(
            "/odoo/cetmix_tower_topology",
            f"cetmix_tower_topology_{tour}",
            login=self.people[level].login,
            timeout=120,
        )


@tagged("post_install", "-at_install")
class TestTopologyTours(TopologyTourCase):
    def test_user_by_mouse(self):
        self.look("user", "mouse")

    def test_user_by_keyboard(self):
        self.look("user", "keyboard")

    def test_manager_by_mouse(self):
        self.look("manager", "mouse")

    def test_manager_by_keyboard_and_on_the_form(self):
        self.look("manager", "form")

    def test_root_by_keyboard_and_on_the_form(self):
        self.look("root", "form")


@tagged("post_install", "-at_install")
class TestTopologyOnAPhone(TopologyTourCase):
    browser_size = "420x900"

    def test_user(self):
        self.look("user", "phone")

    def test_manager(self):
        self.look("manager", "phone")
