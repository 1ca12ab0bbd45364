"""Unit tests of an addon's JavaScript."""

from ..addon_case import AddonCase
from ..browser import BrowserCase, is_suite_failure


def _hoot_id(name):
    """Return the id by which Hoot selects a suite; the same sum as in ``addons/web/tests/test_js.py``."""
    total = 0
    for char in name:
        total = ((total << 5) - total + ord(char)) & 0xFFFFFFFF
    return f"{total:08x}"


class JavascriptCase(AddonCase, BrowserCase):
    """Unit tests of the browser side, run by Odoo's own runner, this addon's only."""

    def test_unit(self):
        self.browser_js(
            f"/web/tests?headless&loglevel=2&preset=desktop&timeout=15000&id={_hoot_id('@' + self.addon)}",
            "",
            "",
            login="admin",
            timeout=300,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=is_suite_failure,
        )
