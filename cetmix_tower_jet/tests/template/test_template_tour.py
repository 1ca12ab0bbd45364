from odoo.addons.cetmix_tower_server.tests.browser import BrowserCase
from odoo.tests import new_test_user, tagged


@tagged("post_install", "-at_install")
class TestTemplateTour(BrowserCase):
    def test_a_manager_builds_a_lifecycle_with_the_help_of_the_check(self):
        manager = new_test_user(
            self.env, "template_tour", "base.group_user,cetmix_tower_server.group_manager", name="Mona"
        )
        template = self.env["cx.tower.jet.template"].create(
            {"name": "Tour", "manager_ids": [(6, 0, manager.ids)]}
        )
        self.start_tour(
            f"/odoo/cetmix_tower_jet_templates/{template.id}",
            "cetmix_tower_jet_template",
            login=manager.login,
        )
        self.assertEqual(len(template.action_ids), 7)
