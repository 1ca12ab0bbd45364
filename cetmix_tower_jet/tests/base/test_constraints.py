from odoo.addons.cetmix_tower_server.tests.base.constraints_case import ConstraintsCase
from odoo.tests import tagged


@tagged("post_install", "-at_install")
class TestJetConstraints(ConstraintsCase):
    """Constraints of this addon."""

    addon = "cetmix_tower_jet"
    at_least = {"overridden constraints": 0}
