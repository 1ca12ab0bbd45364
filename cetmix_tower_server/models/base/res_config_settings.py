from odoo import api, models
from odoo.exceptions import AccessError

from .cx_tower_settings import FIELD_PREFIX, NAMES


# Odoo's own model, extended; a second parent makes its name necessary.
class ResConfigSettings(models.TransientModel):  # pylint: disable=no-wizard-in-models
    """Tower's settings among those of Odoo, for scripts. People use the page ``cx.tower.settings.page``."""

    _name = "res.config.settings"
    _inherit = ["res.config.settings", "cx.tower.settings.mixin"]

    @api.model
    def get_values(self):
        return {**super().get_values(), **self._get_tower_values()}

    def set_values(self):
        super().set_values()
        if self.env.user.has_group("cetmix_tower_server.group_root"):
            self._set_tower_values()
        else:
            self._check_tower_unchanged()

    def _check_tower_unchanged(self):
        """Raise AccessError if one of Tower's settings was changed: the caller is not Root."""
        current = self.env["cx.tower.settings"]._get()
        if any((self[FIELD_PREFIX + name] or "") != (getattr(current, name) or "") for name in NAMES):
            raise AccessError(self.env._("Only Root can change the settings of Tower."))
