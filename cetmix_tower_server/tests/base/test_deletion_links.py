from odoo.tests import tagged

from .deletion_links_case import DeletionLinksCase


@tagged("post_install", "-at_install")
class TestDeletionLinks(DeletionLinksCase):
    """Links of this addon."""

    at_least = {"links that delete": 5}
