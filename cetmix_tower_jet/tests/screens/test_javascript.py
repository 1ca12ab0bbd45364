from odoo.addons.cetmix_tower_server.tests.screens.javascript_case import JavascriptCase
from odoo.tests import tagged


@tagged("post_install", "-at_install")
class TestJetJavascript(JavascriptCase):
    """JavaScript of this addon."""

    addon = "cetmix_tower_jet"
