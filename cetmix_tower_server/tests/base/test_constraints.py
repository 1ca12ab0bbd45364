from odoo.tests import tagged

from .constraints_case import ConstraintsCase


@tagged("post_install", "-at_install")
class TestConstraints(ConstraintsCase):
    """Constraints of this addon."""

    at_least = {"overridden constraints": 4}
