from odoo.tests import tagged

from .javascript_case import JavascriptCase


@tagged("post_install", "-at_install")
class TestJavascript(JavascriptCase):
    """JavaScript of this addon."""
