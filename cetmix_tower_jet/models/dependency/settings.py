from odoo import api, fields, models
from odoo.exceptions import ValidationError

PARAMETER = "cetmix_tower_jet.request_timeout"
DEFAULT, LOWEST, HIGHEST = 3600, 60, 7 * 24 * 3600


class CxTowerSettings(models.AbstractModel):
    """How long jets wait for one another."""

    _inherit = "cx.tower.settings"

    @api.model
    def _jet_request_timeout(self):
        """Return for how many seconds a transition waits for other jets. What cannot be used counts as the default."""
        # sudo: only administrators read system parameters; this one is not secret
        stored = self.env["ir.config_parameter"].sudo().get_param(PARAMETER)
        try:
            return min(max(int(float(stored or DEFAULT)), 1), HIGHEST)
        except (ValueError, OverflowError):
            return DEFAULT


class CxTowerSettingsMixin(models.AbstractModel):
    """The setting on its page."""

    _inherit = "cx.tower.settings.mixin"

    cetmix_tower_jet_request_timeout = fields.Integer(string="Time limit of dependencies")

    @api.model
    def _get_tower_values(self):
        timeout = self.env["cx.tower.settings"]._jet_request_timeout()
        return {**super()._get_tower_values(), "cetmix_tower_jet_request_timeout": timeout}

    def _set_tower_values(self):
        super()._set_tower_values()
        value = self.cetmix_tower_jet_request_timeout
        if value == self.env["cx.tower.settings"]._jet_request_timeout():
            return
        if not LOWEST <= value <= HIGHEST:
            raise ValidationError(
                self.env._(
                    "“%(setting)s” must be between %(low)s and %(high)s.",
                    setting=self._fields["cetmix_tower_jet_request_timeout"]._description_string(self.env),
                    low=LOWEST,
                    high=HIGHEST,
                )
            )
        # sudo: as for Tower's other settings
        self.env["ir.config_parameter"].sudo().set_param(PARAMETER, str(value))
