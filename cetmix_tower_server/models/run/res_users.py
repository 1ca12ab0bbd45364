from odoo import api, models

LEVEL_USER, LEVEL_MANAGER, LEVEL_ROOT = "1", "2", "3"


class ResUsers(models.Model):
    _inherit = "res.users"

    CETMIX_TOWER_LEVELS = (
        (LEVEL_ROOT, "cetmix_tower_server.group_root"),
        (LEVEL_MANAGER, "cetmix_tower_server.group_manager"),
        (LEVEL_USER, "cetmix_tower_server.group_user"),
    )

    @api.ondelete(at_uninstall=False)
    def _unlink_keeping_tower_runs(self):
        """Keep the finished runs of a person under their name; a person with active runs cannot be deleted."""
        for model in ("cx.tower.plan.log", "cx.tower.command.log"):
            self.env[model]._check_no_active_runs("user_id", self)
        for model in ("cx.tower.command.log", "cx.tower.plan.log"):
            self.env[model]._outlive("user_id", self)
        # sudo: history is kept whoever deletes
        fleets = self.env["cx.tower.fleet.run"].sudo().with_context(active_test=False)
        for user in self:
            fleets.search([("user_id", "=", user.id)]).write({"kept_user_name": user.name})

    def _cetmix_tower_access_level(self):
        """Return the Tower level of the CURRENT user: "1" User, "2" Manager, "3" Root, False without Tower.

        Compare it as text only after a check for False.
        """
        user = self.env.user
        return next((level for level, group in self.CETMIX_TOWER_LEVELS if user.has_group(group)), False)
