from odoo.tests import tagged

from .api_denials_case import ApiDenialsCase


@tagged("post_install", "-at_install")
class TestApiDenials(ApiDenialsCase):
    """Public methods of this addon."""

    at_least = {"methods": 31}
    harmless = frozenset(
        {
            ("cetmix.tower", "generate_random_id"),  # makes a random text
            ("cetmix.tower", "is_valid_url"),  # looks at a text
        }
    )
