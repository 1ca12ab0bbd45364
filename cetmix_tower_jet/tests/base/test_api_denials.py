from odoo.addons.cetmix_tower_server.tests.run.api_denials_case import ApiDenialsCase
from odoo.tests import tagged

from ..jet_records import make_jet_records


@tagged("post_install", "-at_install")
class TestJetApiDenials(ApiDenialsCase):
    """Public methods of this addon."""

    addon = "cetmix_tower_jet"
    at_least = {"methods": 40}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        make_jet_records(cls.env, cls.server, cls.people["user"], cls.people["manager"])
