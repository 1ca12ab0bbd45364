from odoo.addons.cetmix_tower_server.tests.screens.screens_walk_case import ScreensWalkCase
from odoo.tests import tagged

from ..jet_records import ROOT_MODELS, JetRecords


@tagged("post_install", "-at_install")
class TestJetScreensWalk(JetRecords, ScreensWalkCase):
    """Screens of this addon."""

    def test_root(self):
        self.walk(self.root, ROOT_MODELS)
