from odoo import api, models
from odoo.exceptions import AccessError


class CxTowerSettingsPage(models.TransientModel):
    """The page where Root configures Tower. It looks like Odoo's settings.

    It is separate from these because only administrators of Odoo can open them, and saving them stores everything else, too.
    """

    _name = "cx.tower.settings.page"
    _inherit = ["cx.tower.settings.mixin"]
    _description = "Tower settings page"

    @api.model
    def default_get(self, fields):
        self._check_root()
        values = self._get_tower_values()
        return {**super().default_get(fields), **{name: values[name] for name in fields if name in values}}

    @api.depends("create_uid")
    def _compute_display_name(self):
        for page in self:
            page.display_name = self.env._("Settings")

    @api.model
    def _check_root(self):
        if not (self.env.su or self.env.user.has_group("cetmix_tower_server.group_root")):
            raise AccessError(self.env._("Only Root can see and change the settings of Tower."))

    def execute(self):
        """Store the changed settings (button “Save”).

        :return: action that reloads the page
        :raise AccessError: the caller is not Root
        :raise ValidationError: a number outside of its range
        """
        self.ensure_one()
        self._check_root()
        self._set_tower_values()
        return {"type": "ir.actions.client", "tag": "reload"}

    def cancel(self):
        """Discard the changes (button “Discard”).

        :return: action that opens the page with the stored settings
        :raise AccessError: the caller is not Root
        """
        self._check_root()
        return self.env["ir.actions.act_window"]._for_xml_id("cetmix_tower_server.action_cx_tower_settings")
