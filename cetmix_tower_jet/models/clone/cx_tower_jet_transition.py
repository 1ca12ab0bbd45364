from odoo import fields, models

from ..transition.cx_tower_jet_transition import FAILED, LIVE, WAITING


class CxTowerJetTransition(models.Model):
    """The movement in which a clone plan fills a new jet. See ``docs/developer/clones.md``.

    It has no action: the jet stays in no state, and the journey to the requested one follows by itself.
    """

    _inherit = "cx.tower.jet.transition"

    is_clone = fields.Boolean(string="Runs a clone plan", readonly=True)
    cloned_from_id = fields.Many2one(
        "cx.tower.jet",
        string="Clone of",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )

    _clones = models.Index("(jet_id, id DESC) WHERE is_clone")

    # ------------------------------------------------------------------ the movement

    def _leads_to(self):
        if not self.is_clone:
            return super()._leads_to()
        # The plan fills what the create action would create, so it needs the same jets.
        return self.jet_id.id, self.jet_id.jet_template_id.action_create_id.state_to_id.id or None, True

    def _enter(self):
        if self.is_clone and not self.plan_id and self.state in LIVE:
            text = self.env._("Its flight plan was deleted. Choose another clone plan in the jet template.")
            self._end(FAILED, text)
        elif self.is_clone and not self.cloned_from_id and self.state == WAITING:
            self._end(FAILED, self.env._("The original was deleted."))
        else:
            super()._enter()

    def _plan_custom_values(self):
        values = super()._plan_custom_values()
        if not self.is_clone:
            return values
        original = self.cloned_from_id
        return values | {
            "__original_jet__": original.reference or "",
            "__original_host_reference__": original.host_reference or "",
            "__original_server__": original.server_id.reference or "",
            "__requested_jet_state__": self.journey_state_id.reference or "",
        }


class CxTowerJet(models.Model):
    """The clone plan of a new jet."""

    _inherit = "cx.tower.jet"

    def _kept_of(self, taken_from):
        kept = super()._kept_of(taken_from)
        if taken_from and taken_from._name == "cx.tower.jet.transition" and taken_from.is_clone:
            kept |= {"is_clone": True, "cloned_from_id": taken_from.cloned_from_id.id or None}
        return kept

    def _last_clone(self):
        """Return the last run of a clone plan on this jet, as superuser; empty if it is no clone."""
        # sudo: the engine's own rows, of a jet that the caller was allowed to read
        transitions = self.env["cx.tower.jet.transition"].sudo()
        return transitions.search([("jet_id", "=", self.id), ("is_clone", "=", True)], limit=1)


class CxTowerPlanLog(models.Model):
    """The run of a clone plan: running it again fills the jet again, and takes what that takes."""

    _inherit = "cx.tower.plan.log"

    def _clone_of_run(self):
        """Return the jet, as the caller, whose clone plan this run executes; empty for any other run."""
        run = self.sudo()  # sudo: which jet it is; read as the caller
        is_clone = run.jet_transition_id.is_clone and not run.parent_flight_plan_log_id
        return (run.jet_id if is_clone else run.jet_id.browse()).with_env(self.env)

    def _is_run_again_offered(self):
        jet = self._clone_of_run()
        return jet.has_access("read") and jet.may_retry_clone if jet else super()._is_run_again_offered()

    def action_run_again(self):
        """See ``target/action_runs.py``. The run of a clone plan is run again as ``retry_clone`` does it."""
        self.ensure_one()
        self.check_access("read")
        jet = self._clone_of_run()
        if not jet:
            return super().action_run_again()
        started = jet.retry_clone()
        return self.browse(started["log"] or self.id)._action_open()
