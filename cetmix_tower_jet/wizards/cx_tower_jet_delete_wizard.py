from markupsafe import Markup
from odoo import api, fields, models


class CxTowerJetDeleteWizard(models.TransientModel):
    """Asks what happens to what the waypoints of jets keep on hosts, before the jets are deleted."""

    _name = "cx.tower.jet.delete.wizard"
    _description = "Tower Jet Deletion Wizard"
    _inherit = ["cx.tower.jet.explanation.mixin"]

    jet_ids = fields.Many2many(
        "cx.tower.jet", string="Jets", required=True, readonly=True, context={"active_test": False}
    )
    effects = fields.Text(string="What is deleted", compute="_compute_explanation")
    explanation = fields.Html(
        string="Delete plans that would run", compute="_compute_explanation", sanitize=False
    )

    @api.constrains("jet_ids")
    def _check_may_read(self):
        """Refuse jets that the user may not read, which a caller over RPC could name."""
        self.jet_ids.with_user(self.env.user).check_access("read")

    @api.depends("jet_ids")
    @api.depends_context("uid")
    def _compute_explanation(self):
        for wizard in self:
            jets = wizard.jet_ids._origin.with_env(self.env)
            wizard.effects = jets.describe_deletion() if jets else False
            wizard.explanation = Markup("").join(wizard._explain(jet) for jet in jets)

    def _explain(self, jet):
        """Return what would run on the host of a jet, in order, as HTML; "" for nothing."""
        waypoints = jet._waypoints_on_host()
        if not waypoints:
            return Markup("")
        # sudo: where a jet is that the user may read
        title = self.env._("On %(server)s, for “%(jet)s”:", server=jet.sudo().server_id.name, jet=jet.name)
        steps = [self._step_of(waypoint) for waypoint in waypoints]
        return Markup("<p class='mb-1'>%s</p>") % title + self._as_list(steps, "ol")

    def _step_of(self, waypoint):
        plan = waypoint.waypoint_template_id.plan_delete_id.name
        if not waypoint.with_env(self.env).has_access("read"):
            return self.env._("“%s”, for a waypoint that you cannot see", plan)
        return self.env._("“%(plan)s”, for “%(waypoint)s”", plan=plan, waypoint=waypoint.name)

    def action_delete_with_waypoints(self):
        """Run the delete plans, then delete the jets.

        :return: action that closes the dialog
        :raise AccessError, UserError: as :meth:`cx.tower.jet.delete_with_waypoints`
        """
        self.ensure_one()
        # the caller's own rights count, whatever ids the wizard was created with
        jets = self.jet_ids.with_env(self.env)
        return self._after(jets.delete_with_waypoints())

    def action_delete_leaving_waypoints(self):
        """Delete the jets at once, and leave on the hosts what their waypoints keep there.

        :return: action that closes the dialog
        :raise AccessError, UserError: as :meth:`cx.tower.jet.delete_leaving_waypoints`
        """
        self.ensure_one()
        jets = self.jet_ids.with_env(self.env)  # as above
        return self._after(jets.delete_leaving_waypoints())

    def _after(self, are_gone):
        # the screen that opened the dialog goes back if its record is gone
        return {"type": "ir.actions.act_window_close", "infos": {"are_gone": are_gone}}
