from dataclasses import dataclass, fields

from odoo import api, models
from odoo.tools import ormcache

PREFIX = "cetmix_tower_server."


@dataclass(frozen=True)
class TowerSettings:
    """What the operator can set, with defaults. Stored as system parameters ``cetmix_tower_server.<name>``.

    :param command_timeout: seconds a command may take; 0: no limit
    :param plan_timeout: seconds a flight plan may take that has no limit of its own; 0: no limit
    :param silence_timeout: seconds a command may print nothing; 0: no limit
    :param connect_timeout: seconds for name, TCP and key exchange
    :param auth_timeout: seconds for the log-in
    :param keepalive_interval: seconds of silence before a host is asked for a sign of life; 0: never
    :param max_parallel_runs: runs at once in the whole installation
    :param max_parallel_runs_per_host: runs at once on a server that has no limit of its own
    :param output_limit_mb: live output kept of a run; the middle of longer output is left out
    :param log_retention_days: ended runs older than that are deleted; 0: kept
    :param log_retention_mb: oldest ended runs beyond that much stored output are deleted; 0: kept
    :param backend: who executes runs
    :param notification_type_success: "sticky", "non_sticky" or "" for no notification
    :param notification_type_error: the same for runs that did not end well
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


#: Smallest and largest accepted value. What is stored outside of them counts as the nearer limit.
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
    "backend": ("cron", "inline"),
    "notification_type_success": ("", "sticky", "non_sticky"),
    "notification_type_error": ("", "sticky", "non_sticky"),
}

#: Names of the settings, in the order of the dataclass.
NAMES = tuple(field.name for field in fields(TowerSettings))
DEFAULTS = TowerSettings()


def convert(name, stored):
    """Return the value of a setting from the text of its system parameter.

    :param stored: text, or None where nothing is stored
    :return: the default where there is nothing or nonsense, so that a typing error never stops runs; numbers
        are moved into :data:`LIMITS`
    """
    default = getattr(DEFAULTS, name)
    if stored is None:
        return default
    if not isinstance(default, int):
        return stored if stored in CHOICES[name] else default
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
    @ormcache(cache="stable")  # as the parameters themselves, so it goes when one of them changes
    def _get(self):
        """Return all settings as :class:`TowerSettings`. No query when the parameters are cached."""
        # sudo: system parameters are for administrators; these are no secrets and decide how everybody's runs go
        parameters = self.env["ir.config_parameter"].sudo()
        return TowerSettings(**{name: convert(name, parameters._get_param(PREFIX + name)) for name in NAMES})
