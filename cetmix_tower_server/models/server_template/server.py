from odoo import api, fields, models

from ...engine import states


class CxTowerServer(models.Model):
    """The template that a server was created from, and the run of the flight plan after its creation."""

    _inherit = "cx.tower.server"

    server_template_id = fields.Many2one(
        "cx.tower.server.template",
        string="Created from template",
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
            # sudo: the state of the run is a fact about the server; access is checked when its log is opened
            server.template_plan_state = server.sudo()._template_plan_log().state

    def _template_plan_log(self):
        """Return the run that followed the creation, or the last one that resumed it."""
        log = self.template_plan_log_id
        while log.resumed_by_ids:
            log = log.resumed_by_ids[0]
        return log

    def action_new_from_template(self):
        """Open the wizard that creates a server from a template (button of the lists).

        :raise AccessError: the caller may not create servers
        """
        self.browse().check_access("create")
        return self.env["cx.tower.server.template"]._action_create_server()

    def action_open_template_plan_log(self):
        """Open the run that followed the creation of this server.

        :return: window action; False if there is none
        :raise AccessError: the caller may not read the server, or the run
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: only the link; access to the run is checked below
        log = self.sudo()._template_plan_log().with_env(self.env)
        log.check_access("read")
        return log._action_open() if log else False

    def action_dismiss_template_plan_log(self):
        """Hide the result of the run after creation on the form. Its log stays.

        :return: True
        :raise AccessError: the caller may not write one of these servers
        """
        return self.write({"template_plan_log_id": False})
