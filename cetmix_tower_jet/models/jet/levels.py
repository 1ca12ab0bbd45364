from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_mixin import LEVEL_ROOT, LEVEL_USER


def level_in_tower(env):
    """Return the caller's access level, whatever the jet: "1" User, "2" Manager, "3" Root or superuser.

    On a jet, :meth:`cx.tower.jet._level_of_caller` counts.
    """
    return LEVEL_ROOT if env.su else env.user._cetmix_tower_access_level() or LEVEL_USER
