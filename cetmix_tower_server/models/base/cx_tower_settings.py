import dataclasses
from dataclasses import dataclass

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

PREFIX = "cetmix_tower_server."
FIELD_PREFIX = "cetmix_tower_"
NOTIFICATION_TYPES = [("non_sticky", "Disappears automatically"), ("sticky", "Stays until closed")]


@dataclass(frozen=True)
class TowerSettings:
    """The settings and their defaults. Stored as system parameters ``cetmix_tower_server.<name>``.

    :param command_timeout: seconds a command may take; 0: no timeout
    :param plan_timeout: seconds a flight plan without a timeout of its own may take; 0: no timeout
    :param silence_timeout: seconds a command may print nothing; 0: no timeout
    :param connect_timeout: seconds for name resolution, TCP and key exchange
    :param auth_timeout: seconds for authentication
    :param keepalive_interval: seconds without traffic before a keepalive is sent; 0: never
    :param max_parallel_runs: runs at once in the whole installation
    :param max_parallel_runs_per_host: runs at once on a server that has no limit of its own
    :param output_limit_mb: output kept per run; the middle of longer output is dropped
    :param log_retention_days: finished runs older than this are deleted; 0: never
    :param log_retention_mb: the oldest finished runs are deleted while more output than this is stored; 0: never
    :param backend: who executes runs, see ``cx.tower.run.backend``
    :param notification_type_success: "sticky", "non_sticky" or "" for no notification
    :param notification_type_error: the same for runs that failed
    """

    command_timeout: int = 900
    plan_timeout: int = 24 * 3600
    silence_timeout: int = 900
    connect_timeout: int = 10
    auth_timeout: int = 15
    keepalive_interval: int = 15
    max_parallel_runs: int = 20
    max_parallel_runs_per_host: int = 4
    output_limit_mb: int = 8
    log_retention_days: int = 0
    log_retention_mb: int = 0
    backend: str = "cron"
    notification_type_success: str = "non_sticky"
    notification_type_error: str = "sticky"


#: Smallest and largest accepted value. A stored value outside of them counts as the nearer one.
LIMITS = {
    "command_timeout": (0, 7 * 24 * 3600),
    "plan_timeout": (0, 30 * 24 * 3600),
    "silence_timeout": (0, 7 * 24 * 3600),
    "connect_timeout": (1, 300),
    "auth_timeout": (1, 300),
    "keepalive_interval": (0, 3600),
    "max_parallel_runs": (1, 1000),
    "max_parallel_runs_per_host": (1, 100),
    "output_limit_mb": (1, 1024),
    "log_retention_days": (0, 36500),
    "log_retention_mb": (0, 10_000_000),
}

#: Accepted values of the settings that are words.
CHOICES = {
    "notification_type_success": ("", "sticky", "non_sticky"),
    "notification_type_error": ("", "sticky", "non_sticky"),
}

#: Names of the settings, in the order of the dataclass.
NAMES = tuple(field.name for field in dataclasses.fields(TowerSettings))
DEFAULTS = TowerSettings()


def convert(name, stored, choices=None):
    """Return the value of a setting from the text of its system parameter.

    :param stored: text, or None where nothing is stored
    :param choices: {name: accepted values} of settings that are words; None: :data:`CHOICES`
    :return: the default if nothing usable is stored, so that a typo never stops runs; numbers are clamped to :data:`LIMITS`
    """
    default = getattr(DEFAULTS, name)
    if stored is None:
        return default
    if not isinstance(default, int):
        return stored if stored in (choices or CHOICES)[name] else default
    try:
        number = int(float(stored))
    except (ValueError, OverflowError):
        return default
    low, high = LIMITS[name]
    return min(max(number, low), high)


class CxTowerSettings(models.AbstractModel):
    """The one place that reads Tower's system parameters."""

    _name = "cx.tower.settings"
    _description = "Tower Settings"

    @api.model
    @ormcache(cache="stable")  # the cache of the parameters themselves: cleared when one of them changes
    def _get(self):
        """Return all settings as :class:`TowerSettings`. No query when the parameters are cached."""
        # sudo: only administrators read system parameters; these are not secret, and everybody's runs depend on them
        parameters = self.env["ir.config_parameter"].sudo()
        choices = {**CHOICES, "backend": self.env["cx.tower.run.backend"]._get_backends()}
        return TowerSettings(
            **{name: convert(name, parameters._get_param(PREFIX + name), choices) for name in NAMES}
        )


class CxTowerSettingsMixin(models.AbstractModel):
    """For models that show the settings on a page: a field ``cetmix_tower_<name>`` for each setting."""

    _name = "cx.tower.settings.mixin"
    _description = "Tower settings on a page"

    cetmix_tower_command_timeout = fields.Integer(string="Command timeout")
    cetmix_tower_plan_timeout = fields.Integer(string="Flight plan timeout")
    cetmix_tower_silence_timeout = fields.Integer(string="No-output timeout")
    cetmix_tower_connect_timeout = fields.Integer(string="Connection timeout")
    cetmix_tower_auth_timeout = fields.Integer(string="Login timeout")
    cetmix_tower_keepalive_interval = fields.Integer(string="Keepalive")
    cetmix_tower_max_parallel_runs = fields.Integer(string="Runs at once")
    cetmix_tower_max_parallel_runs_per_host = fields.Integer(string="Runs at once on a server")
    cetmix_tower_output_limit_mb = fields.Integer(string="Output kept per run")
    cetmix_tower_log_retention_days = fields.Integer(string="Keep logs for")
    cetmix_tower_log_retention_mb = fields.Integer(string="Keep at most")
    cetmix_tower_backend = fields.Selection(selection="_selection_tower_backend", string="Execution backend")
    cetmix_tower_notification_type_success = fields.Selection(
        NOTIFICATION_TYPES, string="When a run succeeds", help="Empty: no notification."
    )
    cetmix_tower_notification_type_error = fields.Selection(
        NOTIFICATION_TYPES, string="When a run fails", help="Empty: no notification."
    )
    cetmix_tower_vault_status = fields.Text(string="Vault", readonly=True)

    @api.model
    def _selection_tower_backend(self):
        return self.env["cx.tower.run.backend"]._selection()

    @api.model
    def _get_tower_values(self):
        """Return the stored values of all fields, and the status of the vault."""
        settings = self.env["cx.tower.settings"]._get()
        values = {FIELD_PREFIX + name: getattr(settings, name) for name in NAMES}
        return {**values, "cetmix_tower_vault_status": self._get_tower_vault_status()}

    def _set_tower_values(self):
        """Store the settings that were changed. The caller has checked that the user is Root."""
        for name in NAMES:
            self._check_tower_limits(name)
        # sudo: Root configures Tower without being an administrator of Odoo
        parameters = self.env["ir.config_parameter"].sudo()
        current = self.env["cx.tower.settings"]._get()
        for name in NAMES:
            value = self[FIELD_PREFIX + name]
            if value != getattr(current, name) and (value or getattr(current, name)):
                # "" and not False: an empty parameter means "no notification", a missing one the default
                parameters.set_param(PREFIX + name, "" if value is False else str(value))

    def _check_tower_limits(self, name):
        """Raise ValidationError for a number outside of its range."""
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
        """Return the status of the vault's key as text, "" unless the user is Root."""
        vault = self.env["cx.tower.vault"]
        return vault.get_status()["text"] if vault._may_administrate() else ""

    def action_tower_rotate_vault_key(self):
        """Encrypt every stored secret with a new key and report how many there were.

        :raise AccessError: the caller is not Root
        :raise UserError: there is no new key
        """
        result = self.env["cx.tower.vault"].rotate_keys()
        unreadable = len(result["unreadable"])
        message = self.env._("%s secrets have been encrypted with the new key.", result["rotated"])
        if unreadable:
            message += " " + self.env._(
                "%s could not be decrypted and were left as they are: enter them again.", unreadable
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if unreadable else "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
