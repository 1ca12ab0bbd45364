from odoo import api, models
from odoo.tools import SQL

from ...engine import states
from ...engine.exit_codes import ExitCode
from ...engine.plan import flow
from ...engine.run_end import RunEnd
from .step import Decided


class CxTowerCommand(models.Model):
    """Running a flight plan is an action that waits."""

    _inherit = "cx.tower.command"

    @api.model
    def _get_waiting_actions(self):
        return [*super()._get_waiting_actions(), "plan"]


class CxTowerRunTargetMixin(models.AbstractModel):
    """What is frozen for a run that runs a flight plan: the custom values; the plan keeps the rest."""

    _inherit = "cx.tower.run.target.mixin"

    def _texts_of(self, instruction):
        return [] if instruction.action == "plan" else super()._texts_of(instruction)

    def _render_run(self, instruction, values):
        if instruction.action != "plan":
            return super()._render_run(instruction, values)
        return {"run_input": {"variable_values": values.scope.custom}}

    def _prepare_step(self, run, line, own):
        values = super()._prepare_step(run, line, own)
        if line["action"] == "plan":
            values["guard_key"] = False  # the run inside has its own
        return values


class CxTowerCommandLog(models.Model):
    """A run that waits for the flight plan inside it."""

    _inherit = "cx.tower.command.log"

    def _begin_waiting(self, lane=None):
        if self.command_action != "plan":
            return super()._begin_waiting(lane)
        around = self.plan_log_id
        # sudo: who may run the command, or the plan around it, runs its flight plan
        plan = self.command_id.sudo().flight_plan_id
        if around:
            plan_id = around._frozen_plan().lines[self.position]["flight_plan_id"]
            plan = plan.browse(plan_id).exists()
        if not plan:
            text = self.env._("The flight plan of this command was deleted.")
            return self._end_waiting(RunEnd.prevented(ExitCode.PLAN_NOT_ASSIGNED, text), lane)
        # a plan around it was checked at its start, with everything inside it
        target = self._run_target()
        reason = not around and target._find_refusals(plan).get(target.id)
        if reason:
            return self._end_waiting(RunEnd.prevented(ExitCode.PLAN_NOT_COMPATIBLE_WITH_SERVER, reason), lane)
        child = self.env["cx.tower.plan.log"]._create_child(self, plan)
        self.write({"triggered_plan_log_id": child.id, "awaits_begin": False})
        if not child._try_begin():
            return child._end_step_around(lane)
        return Decided(child, flow.first(child._frozen_plan().flow))

    def _can_begin_before_its_turn(self):
        return self.command_action == "plan" or super()._can_begin_before_its_turn()

    def _stop_waited(self, user):
        super()._stop_waited(user)
        for run in self.triggered_plan_log_id:
            # otherwise it was stopped together with the runs around it
            if run.state in states.ACTIVE and not run.stop_requested_date:
                run._request_stop(user)

    @api.model
    def _get_waited_for_conditions(self):
        inside = SQL(
            """EXISTS (SELECT FROM cx_tower_plan_log run WHERE run.triggering_command_log_id = log.id
                          AND run.state IN ('queued', 'running', 'waiting'))"""
        )
        return [*super()._get_waited_for_conditions(), inside]

    def _get_waiting_texts(self):
        return super()._get_waiting_texts() | {
            log.id: self.env._("Waiting for flight plan “%s”.", log.triggered_plan_log_id._target_name())
            for log in self
            if log.triggered_plan_log_id
        }
