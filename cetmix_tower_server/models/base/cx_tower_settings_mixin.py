from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .cx_tower_settings import LIMITS, NAMES, PREFIX

FIELD_PREFIX = "cetmix_tower_"
NOTIFICATION_TYPES = [("non_sticky", "Disappears by itself"), ("sticky", "Stays until closed")]


class CxTowerSettingsMixin(models.AbstractModel):
    """Tower's settings on a page: one field ``cetmix_tower_<name>`` for each of ``cx.tower.settings``."""

    _name = "cx.tower.settings.mixin"
    _description = "Tower settings on a page"

    cetmix_tower_command_timeout = fields.Integer(string="Command limit")
    cetmix_tower_plan_timeout = fields.Integer(string="Flight plan limit")
    cetmix_tower_silence_timeout = fields.Integer(string="Silence limit")
    cetmix_tower_connect_timeout = fields.Integer(string="Connect limit")
    cetmix_tower_auth_timeout = fields.Integer(string="Log-in limit")
    cetmix_tower_keepalive_interval = fields.Integer(string="Keepalive")
    cetmix_tower_max_parallel_runs = fields.Integer(string="Runs at once")
    cetmix_tower_max_parallel_runs_per_host = fields.Integer(string="Runs at once on a server")
    cetmix_tower_output_limit_mb = fields.Integer(string="Live output kept")
    cetmix_tower_log_retention_days = fields.Integer(string="Keep logs for")
    cetmix_tower_log_retention_mb = fields.Integer(string="Keep output up to")
    cetmix_tower_backend = fields.Selection(selection="_selection_tower_backend", string="Who runs commands")
    cetmix_tower_notification_type_success = fields.Selection(
        NOTIFICATION_TYPES, string="When a run succeeds", help="Empty: no notification."
    )
    cetmix_tower_notification_type_error = fields.Selection(
        NOTIFICATION_TYPES, string="When a run fails", help="Empty: no notification."
    )
    cetmix_tower_vault_status = fields.Text(string="Vault", readonly=True)

    @api.model
    def _selection_tower_backend(self):
        """Return the backends that can execute runs. Extension point of addons that bring one."""
        return [("cron", "Tower itself"), ("inline", "The request that starts it (for tests)")]

    @api.model
    def _get_tower_values(self):
        """Return the values of all fields as they are stored, and the status of the vault."""
        settings = self.env["cx.tower.settings"]._get()
        values = {FIELD_PREFIX + name: getattr(settings, name) for name in NAMES}
        return {**values, "cetmix_tower_vault_status": self._get_tower_vault_status()}

    def _set_tower_values(self):
        """Store what was changed. The caller has checked that the person is Root."""
        for name in NAMES:
            self._check_tower_limits(name)
        # sudo: Root decides about Tower, whether or not the person administers the rest of the system
        parameters = self.env["ir.config_parameter"].sudo()
        current = self.env["cx.tower.settings"]._get()
        for name in NAMES:
            value = self[FIELD_PREFIX + name]
            if value != getattr(current, name) and (value or getattr(current, name)):
                # "" and not False: an empty parameter means "no notification", a missing one the default
                parameters.set_param(PREFIX + name, "" if value is False else str(value))

    def _check_tower_limits(self, name):
        """Raise for a number outside of the accepted range."""
        if name not in LIMITS:
            return
        low, high = LIMITS[name]
        if not low <= self[FIELD_PREFIX + name] <= high:
            raise ValidationError(
                self.env._(
                    "“%(setting)s” must be between %(low)s and %(high)s.",
                    setting=self._fields[FIELD_PREFIX + name]._description_string(self.env),
                    low=low,
                    high=high,
                )
            )

    # ------------------------------------------------------------------ vault

    def _get_tower_vault_status(self):
        """Return what a person should know about the key of the vault; nothing for others than Root."""
        vault = self.env["cx.tower.vault"]
        return vault.get_status()["text"] if vault._may_administrate() else ""

    def action_tower_rotate_vault_key(self):
        """Encrypt every stored secret with a new key and say how many were.

        :raise AccessError: the caller is not Root
        :raise UserError: there is no new key to change to
        """
        result = self.env["cx.tower.vault"].rotate_keys()
        unreadable = len(result["unreadable"])
        message = self.env._("%s secrets were encrypted with a new key.", result["rotated"])
        if unreadable:
            message += " " + self.env._("%s cannot be read and stay as they are.", unreadable)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if unreadable else "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
