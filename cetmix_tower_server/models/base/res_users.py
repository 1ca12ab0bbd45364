from odoo import models

from .cx_tower_access_mixin import LEVEL_MANAGER, LEVEL_ROOT, LEVEL_USER


class ResUsers(models.Model):
    """The access level of a user."""

    _inherit = "res.users"

    CETMIX_TOWER_LEVELS = (
        (LEVEL_ROOT, "cetmix_tower_server.group_root"),
        (LEVEL_MANAGER, "cetmix_tower_server.group_manager"),
        (LEVEL_USER, "cetmix_tower_server.group_user"),
    )

    def _cetmix_tower_access_level(self):
        """Return the Tower level of the CURRENT user: "1" User, "2" Manager, "3" Root, False without Tower.

        Check for False before comparing it as text.
        """
        user = self.env.user
        return next((level for level, group in self.CETMIX_TOWER_LEVELS if user.has_group(group)), False)
