from odoo import api, fields, models

from ...engine import states


class CxTowerServer(models.Model):
    """Where a server comes from, and the flight plan that was to make it ready."""

    _inherit = "cx.tower.server"

    server_template_id = fields.Many2one(
        "cx.tower.server.template",
        string="Made from template",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )
    template_plan_log_id = fields.Many2one(
        "cx.tower.plan.log",
        string="Run after creation",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )
    template_plan_state = fields.Selection(
        states.LABELS, string="State of the run after creation", compute="_compute_template_plan_state"
    )

    @api.model
    def _get_linked_access_fields(self):
        return [*super()._get_linked_access_fields(), "server_template_id", "template_plan_log_id"]

    def _compute_template_plan_state(self):
        for server in self:
            # sudo: how the run stands is a fact about the server; opening its log is checked
            server.template_plan_state = server.sudo()._template_plan_log().state

    def _template_plan_log(self):
        """Return the run that followed the creation, or the last one that went on with it."""
        log = self.template_plan_log_id
        while log.resumed_by_ids:
            log = log.resumed_by_ids[0]
        return log

    def action_new_from_template(self):
        """Open the wizard that makes a server from a template (button of the lists).

        :raise AccessError: the caller may not make servers
        """
        self.browse().check_access("create")
        return self.env["cx.tower.server.template"]._action_create_server()

    def action_open_template_plan_log(self):
        """Open the run that followed the creation of this server.

        :return: window action; False when there is none
        :raise AccessError: the caller may not read the server, or the run
        """
        self.ensure_one()
        self.check_access("read")
        log = self.sudo()._template_plan_log().with_env(self.env)  # sudo: the link only; the log is checked
        log.check_access("read")
        return log._action_open() if log else False

    def action_dismiss_template_plan_log(self):
        """Stop showing on the form how the run after creation has ended; its log stays.

        :return: True
        :raise AccessError: the caller may not write one of these servers
        """
        return self.write({"template_plan_log_id": False})
