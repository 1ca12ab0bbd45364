"""What browser tests of this addon share."""

from odoo.tests import HttpCase
from odoo.tools.misc import file_path

from .common import slow

# Debian's package of Odoo leaves out this library, so every page reports an error, which fails any browser test.
LEFT_OUT_BY_DEBIAN = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"


@slow
class BrowserCase(HttpCase):
    """Browser test that also works on Odoo as Debian packs it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            file_path(LEFT_OUT_BY_DEBIAN)
        except FileNotFoundError:
            cls.env["ir.asset"].create(
                {
                    "name": "A file that is not there",
                    "bundle": "web.assets_backend",
                    "directive": "remove",
                    "path": LEFT_OUT_BY_DEBIAN,
                }
            )


def is_suite_failure(message):
    """Return whether an error on the console ends a run of unit tests: a failed test must not, the others go on."""
    return "[HOOT]" not in message
