from odoo import models
from odoo.addons.cetmix_tower_server.engine.exit_codes import ExitCode
from odoo.addons.cetmix_tower_server.models.dry_run.plan import SERVERS_MAX


class CxTowerPlan(models.Model):
    """Dry runs on jets."""

    _inherit = "cx.tower.plan"

    def dry_run(
        self, servers=None, variable_values=None, domain=None, offset=0, limit=SERVERS_MAX, jets=None
    ):
        """Return what this plan would do on servers, see ``cetmix_tower_server``; or on jets.

        :param jets: ids and references of jets, or a recordset: the report is of these jets. Each element of ``servers`` then
            also has ``jet``: {``id``, ``reference``, ``name``}. Other parameters: see ``cetmix_tower_server``
        :return: dict, see ``cetmix_tower_server``
        :raise AccessError: the caller may not read the plan or one of the jets
        """
        if jets is None:
            return super().dry_run(servers, variable_values, domain, offset, limit)
        self.ensure_one()
        self.check_access("read")
        if isinstance(jets, models.BaseModel):
            chosen = jets.with_env(self.env)
        else:
            chosen = self.env["cx.tower.jet"]._find_named(jets)
        return self._dry_run_report(chosen, variable_values, offset, limit)


class CxTowerJet(models.Model):
    """What a dry run says about a jet."""

    _inherit = "cx.tower.jet"

    def _dry_run_names(self):
        names = super()._dry_run_names()
        return {**names, "jet": {"id": self.id, "reference": self.reference or "", "name": self.name}}

    def _find_dry_run_warnings(self):
        warnings = super()._find_dry_run_warnings()
        # sudo: everybody who sees a jet is told why it is busy
        busy = self.sudo()._find_busy(None).get(self.id)
        if busy:
            facts = {"kind": "running", "severity": "warning"}
            warnings.append({**facts, "message": busy, "exit_code": int(ExitCode.ANOTHER_PLAN_RUNNING)})
        if not self.active:
            message = self.env._("“%s” is archived.", self.name)
            warnings.append({"kind": "server", "severity": "warning", "exit_code": 0, "message": message})
        return warnings
