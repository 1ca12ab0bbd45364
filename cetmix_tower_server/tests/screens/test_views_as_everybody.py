from odoo.tests import tagged

from .views_as_everybody_case import ViewsAsEverybodyCase


@tagged("post_install", "-at_install")
class TestViewsAsEverybody(ViewsAsEverybodyCase):
    """Screens of this addon."""
