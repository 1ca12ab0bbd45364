from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.engine.run_request import RunRequest
from odoo.addons.cetmix_tower_server.models.fleet.cx_tower_fleet_run import SERVERS_LIMIT
from odoo.exceptions import ValidationError
from odoo.fields import Domain

LIMITS = ("concurrency_limit", "stop_after_failures", "stop_after_percent")


class CxTowerFleetRun(models.Model):
    """Fleet runs on jets."""

    _inherit = "cx.tower.fleet.run"

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
    ):
        """Start a command or a flight plan on many servers, see ``cetmix_tower_server``; or on many jets.

        With ``jets`` or ``jet_templates``, ``tags`` and ``domain`` are conditions on jets. Limits count jets.

        :param list jets: ids or references of jets
        :param list jet_templates: ids or references of templates: all of their jets
        :return: also ``jets``, the number of jets
        :raise ValidationError: also when servers are selected as well
        """
        limits = dict(zip(LIMITS, (concurrency_limit, stop_after_failures, stop_after_percent), strict=True))
        options = {"variable_values": variable_values, "path": path, "sudo": sudo, "label": label}
        if jets is None and jet_templates is None:
            return super().start(command, plan, servers, tags, os, domain, **limits, **options)
        self.browse().check_access("read")
        if servers is not None or os:
            raise ValidationError(
                self.env._("Select either servers or jets. A fleet run has targets of one kind.")
            )
        found = self._find_jets(jets, jet_templates, tags, domain)
        request = RunRequest(**options | {"variable_values": variable_values or {}})
        return self._start(found, self._what_argument(found, command, plan), request, limits)._start_result()

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
