from dataclasses import replace

from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
from odoo.addons.cetmix_tower_server.models.fleet.cx_tower_fleet_run import SERVERS_LIMIT
from odoo.exceptions import ValidationError
from odoo.fields import Domain

LIMITS = ("concurrency_limit", "stop_after_failures", "stop_after_percent")


class CxTowerFleetRun(models.Model):
    """Fleet runs on jets."""

    _inherit = "cx.tower.fleet.run"

    jet_action_id = fields.Many2one(
        "cx.tower.jet.action",
        string="Jet action",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="Triggered on each of the jets.",
    )
    jet_ids = fields.Many2many(
        "cx.tower.jet",
        "cx_tower_fleet_run_jet_rel",
        "fleet_run_id",
        "jet_id",
        string="Jets",
        readonly=True,
    )

    @api.model
    def _get_targets_fields(self):
        return ["jet_ids", *super()._get_targets_fields()]

    def _name_of(self, what, servers):
        if servers._name != "cx.tower.jet" or len(servers) == 1:
            return super()._name_of(what, servers)
        return self.env._("%(what)s on %(count)s jets", what=what, count=len(servers))

    @api.model
    def start(
        self,
        command=None,
        plan=None,
        servers=None,
        tags=None,
        os=None,
        domain=None,
        concurrency_limit=0,
        stop_after_failures=0,
        stop_after_percent=0,
        variable_values=None,
        path=None,
        sudo=None,
        label=None,
        jets=None,
        jet_templates=None,
        jet_action=None,
    ):
        """Start a command or a flight plan on many servers, see ``cetmix_tower_server``; or on many jets.

        With ``jets`` or ``jet_templates``, ``tags`` and ``domain`` are conditions on jets. Limits count jets.

        :param jet_action: id or reference of an action (or the record), in place of a command or flight plan: it is triggered
            on each of the jets when it is their turn
        :param list jets: ids or references of jets
        :param list jet_templates: ids or references of templates: all of their jets
        :return: also ``jets``, the number of jets
        :raise ValidationError: also when servers are selected as well
        """
        limits = dict(zip(LIMITS, (concurrency_limit, stop_after_failures, stop_after_percent), strict=True))
        options = {"variable_values": variable_values, "path": path, "sudo": sudo, "label": label}
        if jets is None and jet_templates is None and not jet_action:
            return super().start(command, plan, servers, tags, os, domain, **limits, **options)
        self.browse().check_access("read")
        if servers is not None or os:
            raise ValidationError(
                self.env._("Select either servers or jets. A fleet run has targets of one kind.")
            )
        found = self._find_jets(jets, jet_templates, tags, domain)
        request = RunRequest(**options | {"variable_values": variable_values or {}})
        if jet_action:
            if command or plan or variable_values:
                raise ValidationError(
                    self.env._(
                        "Pass either a jet action, a command or a flight plan to run. Actions take no custom values."
                    )
                )
            action = self.env["cx.tower.jet.action"]._one_named(jet_action)
            return self._start_action(found, action, request, limits)._start_result()
        return self._start(found, self._what_argument(found, command, plan), request, limits)._start_result()

    @api.model
    def _start_action(self, jets, action, request, limits):
        """Start a fleet run that triggers an action on jets.

        :raise AccessError: the caller may not trigger it on one of them
        :raise ValidationError: one of them is of another template
        """
        for jet in jets:
            jet._check_may_trigger(action)
        templates = jets.sudo().jet_template_id  # sudo: compares links of jets that the caller can read
        if templates != action.sudo().jet_template_id:  # sudo: as above
            raise ValidationError(
                self.env._("“%s” can only be triggered on jets of its own template.", action.name)
            )
        command, log_values = action._as_run()
        return self._start(jets, command, replace(request, log_values=log_values), limits)

    @api.model
    def _describe(self, targets, what, request):
        values = super()._describe(targets, what, request)
        action_id = request.log_values.get("jet_action_id")
        if not action_id:
            return values
        # sudo: the name and level of what runs are shown to whoever may read the fleet run
        action = self.env["cx.tower.jet.action"].sudo().browse(action_id)
        own = {"jet_action_id": action.id, "access_level": action.access_level}
        return {**values, **own, "name": self._name_of(action.name, targets)}

    def _repeated_log_values(self):
        values = super()._repeated_log_values()
        return {**values, "jet_action_id": self.jet_action_id.id} if self.jet_action_id else values

    def _start_result(self):
        return super()._start_result() | {"jets": len(self.sudo().jet_ids)}  # sudo: as the number of servers

    @api.model
    def _find_jets(self, jets, jet_templates, tags, domain):
        """Return the jets that the arguments of :meth:`start` select, among those that the caller may read.

        :raise ValidationError: unknown names, or no jet at all
        """
        criteria = Domain(domain or Domain.TRUE)
        if tags:
            criteria &= Domain("tag_ids", "in", self._named("cx.tower.tag", tags).ids)
        if jet_templates is not None:
            named = self._named_or_records("cx.tower.jet.template", jet_templates)
            criteria &= Domain("jet_template_id", "in", named.ids)
        if jets is not None:
            criteria &= Domain("id", "in", self._named_or_records("cx.tower.jet", jets).ids)
        found = self.env["cx.tower.jet"].search(criteria, limit=SERVERS_LIMIT + 1)
        if not found:
            raise ValidationError(self.env._("No jet you can access matches the selection."))
        if len(found) > SERVERS_LIMIT:
            raise ValidationError(
                self.env._("A fleet run can have at most %s jets. Split it into several.", SERVERS_LIMIT)
            )
        return found

    @api.model
    def _named_or_records(self, model, names):
        return self._named(model, names.ids if isinstance(names, models.BaseModel) else names)
