from odoo.addons.cetmix_tower_server.models.base.plain_errors import guard_public_methods

from . import models
from . import wizards

guard_public_methods("cetmix_tower_jet")


def uninstall_hook(env):
    """Leave servers usable without jets."""
    env["cx.tower.jet"]._prepare_uninstall()
