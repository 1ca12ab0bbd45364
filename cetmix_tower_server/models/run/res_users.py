from odoo import api, models


class ResUsers(models.Model):
    """Deleting a user who has run something."""

    _inherit = "res.users"

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
