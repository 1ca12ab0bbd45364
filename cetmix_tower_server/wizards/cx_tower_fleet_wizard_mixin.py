from ast import literal_eval

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

SHOWN_SERVERS = 50  # beyond that a number says more than a heap of names


class CxTowerFleetWizardMixin(models.AbstractModel):
    """For dialogs that run something on servers: which ones, how many at once, when to stop.

    One server: an ordinary run. Several: a fleet run, with one screen for all of them.
    """

    _name = "cx.tower.fleet.wizard.mixin"
    _description = "Tower fleet wizard mixin"

    server_ids = fields.Many2many("cx.tower.server", string="Servers", required=True)
    server_count = fields.Integer(string="Number of servers", compute="_compute_server_count")
    has_many_servers = fields.Boolean(compute="_compute_server_count")
    is_by_criteria = fields.Boolean(
        string="Choose by criteria", help="Find the servers by tag, operating system or condition."
    )
    server_tag_ids = fields.Many2many("cx.tower.tag", string="Servers with any of these tags")
    server_os_ids = fields.Many2many("cx.tower.os", string="Servers with one of these systems")
    server_domain = fields.Char(string="Servers that match", default="[]")
    concurrency_limit = fields.Integer(string="Servers at once", help="0: as many as the settings allow.")
    stop_after_failures = fields.Integer(
        string="Stop after failures",
        help="When so many servers have failed, no further one is started. 0: never.",
    )
    stop_after_percent = fields.Integer(
        string="Stop after failures (%)", help="The same as a share of the servers. 0: never."
    )

    def _empty_picker_hint(self, Model, domain, wider_domain):
        """Return why nothing can be chosen and what to do, False when something can.

        :param domain: what is offered
        :param wider_domain: what would be offered without the person's own filters
        """
        if Model.search_count(domain, limit=1):
            return False
        if Model.search_count(wider_domain, limit=1):
            return self.env._("Nothing matches these filters: remove the tags, or show everything.")
        return Model.get_empty_hint()

    @api.depends("server_ids")
    def _compute_server_count(self):
        for wizard in self:
            wizard.server_count = len(wizard.server_ids)
            wizard.has_many_servers = len(wizard.server_ids) > SHOWN_SERVERS

    @api.onchange("is_by_criteria", "server_tag_ids", "server_os_ids", "server_domain")
    def _onchange_server_criteria(self):
        if not self.is_by_criteria:
            return None
        domain = self._server_criteria()
        if domain.is_true():
            return None
        self.server_ids = [Command.set(self.env["cx.tower.server"].search(domain).ids)]
        if not self.server_ids:
            return {
                "warning": {
                    "title": self.env._("No servers"),
                    "message": self.env._("No server matches."),
                    "type": "notification",
                }
            }
        return None

    def _server_criteria(self):
        """Return the condition that servers are to match; true when nothing was asked for.

        :raise UserError: the condition cannot be read
        """
        try:
            domain = Domain(literal_eval(self.server_domain or "[]"))
            domain.validate(self.env["cx.tower.server"])
        except (ValueError, SyntaxError, TypeError) as error:
            raise UserError(
                self.env._("The condition on servers cannot be read: %s", self.server_domain)
            ) from error
        if self.server_tag_ids:
            domain &= Domain("tag_ids", "in", self.server_tag_ids._origin.ids)
        if self.server_os_ids:
            domain &= Domain("os_id", "in", self.server_os_ids._origin.ids)
        return domain

    def _start_fleet(self, command=None, plan=None, **options):
        """Start a fleet run on the chosen servers.

        :param options: see ``cx.tower.fleet.run._start``
        :return: action that shows it
        """
        limits = {
            name: self[name] for name in ("concurrency_limit", "stop_after_failures", "stop_after_percent")
        }
        fleet = self.env["cx.tower.fleet.run"]._start(
            self.server_ids, command=command, plan=plan, limits=limits, **options
        )
        return fleet._action_open()
