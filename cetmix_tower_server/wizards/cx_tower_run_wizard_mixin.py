from ast import literal_eval

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

SHOWN_SERVERS = 50  # for more, only the number is shown


class CxTowerRunWizardMixin(models.AbstractModel):
    """For wizards that run something on servers: which servers, how many at once, when to stop, and what there is to choose.

    With one server they start an ordinary run, with several a fleet run. Each has its own ``tag_ids``, which filter the
    records on offer, and ``custom_variable_value_ids``.
    """

    _name = "cx.tower.run.wizard.mixin"
    _description = "Tower run wizard mixin"

    server_ids = fields.Many2many("cx.tower.server", string="Servers", required=True)
    server_count = fields.Integer(string="Number of servers", compute="_compute_server_count")
    has_many_servers = fields.Boolean(compute="_compute_server_count")
    is_by_criteria = fields.Boolean(
        string="Choose by criteria", help="Find the servers by tag, operating system or condition."
    )
    server_tag_ids = fields.Many2many("cx.tower.tag", string="Servers with any of these tags")
    server_os_ids = fields.Many2many("cx.tower.os", string="Servers with one of these operating systems")
    server_domain = fields.Char(string="Matching servers", default="[]")
    concurrency_limit = fields.Integer(string="Servers at once", help="0: as many as the settings allow.")
    stop_after_failures = fields.Integer(
        string="Stop after failures",
        help="After this number of failed servers, no further ones are started. 0: never.",
    )
    stop_after_percent = fields.Integer(
        string="Stop after failures (%)", help="The same as a percentage of the servers. 0: never."
    )

    applicability = fields.Selection(
        [("this", "Made for these servers"), ("shared", "All")], default="shared", required=True
    )
    may_set_values = fields.Boolean(compute="_compute_may_set_values")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if self.env.context.get("active_model") == "cx.tower.server" and "server_ids" in fields_list:
            ids = self.env.context.get("active_ids") or []
            values.setdefault("server_ids", [Command.set(ids)])
        return values

    def _targets(self):
        """Return what to run on. Extension point: an addon that adds a kind of target adds a field for it."""
        return self.server_ids

    def _target_values(self, target):
        """Return the values of a preview that say which target it is of. Extension point."""
        return {"server_id": target._run_server().id}

    def _offer(self, model, domain):
        """Return (domain of the records to choose from, why there are none and what to do or False).

        :param model: name of the model of what runs
        :param domain: what its records must match besides the user's filters and the servers
        """
        server_ids = self.server_ids._origin.ids
        runnable = [*domain, "|", ("server_ids", "=", False), ("server_ids", "in", server_ids)]
        offered = [*runnable]
        if self.applicability == "this":
            offered.append(("server_ids", "in", server_ids))
        if self.tag_ids:
            offered.append(("tag_ids", "in", self.tag_ids._origin.ids))
        return offered, self._empty_offer_hint(self.env[model], offered, runnable)

    def _empty_offer_hint(self, Model, offered, runnable):
        if Model.search_count(offered, limit=1):
            return False
        if Model.search_count(runnable, limit=1):
            return self.env._("Nothing matches these filters. Remove the tags, or show all.")
        return Model.get_empty_hint()

    @api.model
    def _get_target_fields(self):
        """Return the fields with what to run on. Extension point."""
        return ["server_ids"]

    @api.depends(lambda self: self._get_target_fields())
    def _compute_may_set_values(self):
        for wizard in self:
            targets = wizard._targets()._origin
            wizard.may_set_values = bool(targets) and targets.has_access("write")

    def _custom_values(self):
        return self.custom_variable_value_ids._get_custom_values()

    @api.depends(lambda self: self._get_target_fields())
    def _compute_server_count(self):
        for wizard in self:
            wizard.server_count = len(wizard._targets())
            wizard.has_many_servers = wizard.server_count > SHOWN_SERVERS

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
                    "message": self.env._("No server matches these criteria."),
                    "type": "notification",
                }
            }
        return None

    def _server_criteria(self):
        """Return the domain of the criteria, true if there are none.

        :raise UserError: the condition is invalid
        """
        try:
            domain = Domain(literal_eval(self.server_domain or "[]"))
            domain.validate(self.env["cx.tower.server"])
        except (ValueError, SyntaxError, TypeError) as error:
            raise UserError(
                self.env._("The condition on servers is invalid. Correct it: %s", self.server_domain)
            ) from error
        if self.server_tag_ids:
            domain &= Domain("tag_ids", "in", self.server_tag_ids._origin.ids)
        if self.server_os_ids:
            domain &= Domain("os_id", "in", self.server_os_ids._origin.ids)
        return domain

    def _start_fleet(self, what, request):
        """Start a fleet run on the chosen targets.

        :param what: command or flight plan
        :param request: :class:`engine.run_request.RunRequest`
        :return: action that shows the fleet run
        """
        limits = {
            name: self[name] for name in ("concurrency_limit", "stop_after_failures", "stop_after_percent")
        }
        return self.env["cx.tower.fleet.run"]._start(self._targets(), what, request, limits)._action_open()
