from odoo.addons.cetmix_tower_server.tests.screens.screens_case import ScreensCase
from odoo.tests import tagged

from ..jet_records import JetRecords


@tagged("post_install", "-at_install")
class TestJetScreens(JetRecords, ScreensCase):
    """Screens of this addon."""

    at_least = {"forms": 5, "actions": 14}
    form_classes = (
        "tower_form",
        "tower_jet_form",
        "tower_installation_form",
        "tower_transfer_form",
        "tower_waypoint_form",
    )

    def setUp(self):
        super().setUp()
        self.server.user_ids += self.visitor  # who has no role on its server does not see a jet
