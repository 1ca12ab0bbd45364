from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class CxTowerPlanLog(models.Model):
    """The run of a delete plan: its end decides whether its server goes."""

    _inherit = "cx.tower.plan.log"

    deletes_server = fields.Boolean(
        string="Deletes its server", readonly=True, help="When it ends well its server is deleted."
    )

    def _plan_finished(self):
        result = super()._plan_finished()
        if self.deletes_server:
            # sudo: the right to delete the server was checked when the run was started
            self.sudo().server_id._on_delete_plan_ended(self.sudo())
        return result

    def _notify_starter(self):
        """What became of the server is what counts here, and the server says it."""
        if not self.deletes_server:
            super()._notify_starter()

    def _make_resumed(self, user, changed):
        if not self.deletes_server:
            return super()._make_resumed(user, changed)
        server = self.server_id
        if not server.with_user(user).has_access("unlink"):
            raise AccessError(
                self.env._(
                    "Resuming this run would delete %(server)s, which you may not do.", server=server.name
                )
            )
        if server.deletion_step != "failed" or server.delete_plan_log_id != self:
            raise UserError(
                self.env._(
                    "The deletion of %(server)s was given up. To go on with it, delete the server once more.",
                    server=server.name,
                )
            )
        server.write({"status": "deleting", "deletion_step": "running", "deletion_message": False})
        resumed = super()._make_resumed(user, changed)
        server.delete_plan_log_id = resumed
        return resumed

    def _resumed_values(self):
        return {**super()._resumed_values(), "deletes_server": self.deletes_server}
