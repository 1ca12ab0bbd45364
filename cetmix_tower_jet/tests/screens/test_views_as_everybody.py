from odoo.addons.cetmix_tower_server.tests.screens.views_as_everybody_case import ViewsAsEverybodyCase
from odoo.tests import tagged

from ..jet_records import JetRecords


@tagged("post_install", "-at_install")
class TestJetViewsAsEverybody(JetRecords, ViewsAsEverybodyCase):
    """Screens of this addon."""
