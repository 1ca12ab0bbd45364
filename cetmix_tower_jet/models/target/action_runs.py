from odoo import models
from odoo.exceptions import UserError


class CxTowerJetTransition(models.Model):
    """The run of an action's flight plan is open to whoever may trigger the action."""

    _inherit = "cx.tower.jet.transition"

    def _plan_log_values(self):
        opened = self.env["cx.tower.run.mixin"]._opened_at(self.access_level, self.plan_id)
        return {**super()._plan_log_values(), **opened}


class CxTowerPlanLog(models.Model):
    """Runs of actions."""

    _inherit = "cx.tower.plan.log"

    def _is_run_again_offered(self):
        """An action can run again only while it is available on its jet."""
        run = self.sudo()  # sudo: which action and jet it is; the jet itself is read as the caller
        if not run.jet_transition_id or run.parent_flight_plan_log_id:
            return super()._is_run_again_offered()
        jet = run.jet_id.with_env(self.env)
        return jet.has_access("read") and run.jet_action_id in jet.action_available_ids.sudo()

    def action_run_again(self):
        """Run the flight plan again; if an action ran it, trigger the action: the plan alone would not move the jet.

        :return: action that shows the new run
        :raise AccessError: the caller may not read the run, run the plan or trigger the action
        :raise UserError: the action is not available now; or the action, or the jet, was deleted
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: the action checks itself whether the caller may trigger it
        run = self.sudo()
        if not (run.jet_transition_id or run.jet_action_id) or run.parent_flight_plan_log_id:
            return super().action_run_again()
        if not run.jet_action_id or not run.jet_id:
            raise UserError(
                self.env._("The action of this run, or its jet, was deleted, so it cannot run again.")
            )
        started = run.jet_action_id.with_env(self.env).trigger(run.jet_id.with_env(self.env))
        return self.browse(started["log"] or self.id)._action_open()

    def _check_may_run_again(self):
        """Resuming the run of an action moves its jet: that takes the right to trigger the action, which includes its flight plan."""
        transition = self.sudo().jet_transition_id  # sudo: which action is to be triggered
        if not transition or self.parent_flight_plan_log_id:
            return super()._check_may_run_again()
        return transition.jet_id.with_env(self.env)._check_may_continue(transition)


class CxTowerJet(models.Model):
    """What the Python code of an action's flight plan may do with its jet."""

    _inherit = "cx.tower.jet"

    def _get_python_scopes(self, run):
        scopes = super()._get_python_scopes(run)
        jet = self
        if self._is_moved_by(run):
            # sudo: inside the flight plan of this jet's own action, the author of the template decides what happens to the
            # jet (``jet.update_metadata``, ``jet.write({"deletable": False})``), although the person who triggered the action
            # may only read the jet. The right to trigger the action includes it. The run's link to the live transition of
            # this very jet decides, which nobody can set; in any other run the person's own rights apply.
            jet = self.sudo()
        return {**scopes, "jet": jet, "jet_template": self.jet_template_id}

    def _is_moved_by(self, run):
        """Return whether a command run is part of the flight plan of the action that this jet is busy with.

        :param run: command log
        """
        step, jet = run.sudo(), self.sudo()  # sudo: compares links only
        transition = step.plan_log_id.top_plan_log_id.jet_transition_id
        return bool(
            transition
            and jet.current_transition_id in (transition, transition.parent_id)
            and transition.jet_id == jet
            and transition.plan_log_id == step.plan_log_id.top_plan_log_id
        )
