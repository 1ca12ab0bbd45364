from odoo.addons.cetmix_tower_server.tests.base.deletion_links_case import DeletionLinksCase
from odoo.tests import tagged


@tagged("post_install", "-at_install")
class TestJetDeletionLinks(DeletionLinksCase):
    """Links of this addon."""

    addon = "cetmix_tower_jet"
    at_least = {"links that delete": 5}
