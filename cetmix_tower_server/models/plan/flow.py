import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import MissingError

from ...engine import states
from ...engine.bounded import pool
from ...engine.errors import EngineError
from ...engine.exit_codes import ExitCode
from ...engine.plan import flow
from ...engine.run_end import NOTHING, Following, RunEnd
from ..base.transactions import must_be_repeated
from .cx_tower_plan_log import RUN_FIELDS
from .step import Decided

_logger = logging.getLogger(__name__)

# Seconds that texts of authors may take in one transaction; the rest is left to the next one
TEXTS_S = 1.0
# Never its output.
LAST_STEP_FIELDS = (
    "plan_log_id",
    "plan_line_id",
    "command_id",
    "command_action",
    "triggered_plan_log_id",
    "position",
    "state",
    "command_status",
    "message",
    "access_level",
    "is_skipped",
    "variable_values",
    "sealed",
    "reference",
    "stop_confirmed",
    "stop_requested_by_id",
    "stop_requested_date",
)
CLOCK_TOLERANCE = timedelta(hours=1)  # by how much the clocks of Odoo and of the database may differ


class CxTowerPlanLog(models.Model):
    """Carries out what ``engine.plan.flow`` decides: makes the next step, or ends the run. See docs/developer/ends.md.

    Everything happens in the transaction of the event that leads to it: the start, or the end of a step. If the process
    dies before the commit, the event is not recorded either: the step's lease expires, and its end as *interrupted*
    continues the plan. Nested plans are walked in one loop, so depth and number of lines do not grow the stack.
    """

    _inherit = "cx.tower.plan.log"

    # ------------------------------------------------------------------
    # Events
    # ------------------------------------------------------------------

    def _begin(self):
        """Make the first steps of new runs. The caller wakes the workers."""
        for run in self:
            self._carry_out(Decided(run, flow.first(run._frozen_plan().flow)))

    def _continue_after(self, step, lane=None):
        """Continue after the end of one of this run's steps, in the transaction that records it.

        An error in here ends the plan with a message; it never undoes the record of what happened on a host. A lane deals
        with that itself: it records the end again and passes the reason (``plan_failure``).

        :param lane: :class:`engine.run_end.Lane` that executed the step; None outside of lanes
        :return: :class:`engine.run_end.Following`
        """
        self.ensure_one()
        # sudo: nobody may write logs; the engine continues a run that was started with the right to do so
        run = self.sudo()
        if lane and lane.plan_later:
            return Following(later=run.id)
        run.fetch([*RUN_FIELDS, *self._get_target_fields()])
        if not lane:
            return run._continue_outside_of_lanes(step)
        if lane.plan_failure:
            run._give_up(lane.plan_failure, lane)
            return NOTHING
        return run._carry_out(run._decide_after(step), lane)

    def _continue(self, lane=None):
        """Continue after the last step of this run, if it has ended and nobody has done so yet.

        :param lane: :class:`engine.run_end.Lane` that executed the step; None outside of lanes
        :return: :class:`engine.run_end.Following`
        """
        self.ensure_one()
        run = self.sudo()  # sudo: as in _continue_after
        step = run._last_step()
        if step and run.state in states.ACTIVE and step.state in states.FINISHED:
            return run._continue_after(step, lane)
        return NOTHING

    def _continue_outside_of_lanes(self, step):
        try:
            with self.env.cr.savepoint(flush=False):
                following = self._carry_out(self._decide_after(step))
        except Exception as error:
            if must_be_repeated(error):
                raise  # the database went away or another transaction was faster: the whole end is recorded again
            _logger.exception("flight plan run %s cannot continue", self.id)
            self.env.invalidate_all(flush=False)
            self._give_up(f"{type(error).__name__}: {error}")
            return NOTHING
        if following.is_queued:
            self.env["cx.tower.run.backend"]._chosen()._wake()
        return following

    def _give_up(self, failure, lane=None):
        """End this run and those around it, because Tower itself failed."""
        text = self.env._("An error in Tower ended the flight plan: %s. See the Odoo server log.", failure)
        run = self
        end = RunEnd(int(ExitCode.GENERAL_ERROR), text)
        while run:
            run._finish(end, lane)
            step = run.triggering_command_log_id
            if step.plan_log_id:
                step._record_end(end)
            elif step:
                step._finish(end, lane=lane)
            run = step.plan_log_id

    def _decide_after(self, step):
        """Take over what a step has left, and return the :class:`Decided` that its end leads to."""
        result = flow.StepResult(
            step.command_status, skipped=step.is_skipped, may_run_on=step.stop_confirmed == "no"
        )
        if step.command_action in ("python_code", *step.command_id._get_waiting_actions()):
            self._set_values__(step._custom_values__())
        decision = flow.after(self._frozen_plan().flow, step.position, result, bool(self.steps_run))
        if not step.is_skipped:
            self.steps_run += 1
        if step.stop_requested_date and not self.stop_requested_date:
            # Whoever stops a step means its plan.
            self.write(
                {
                    "stop_requested_by_id": step.stop_requested_by_id.id,
                    "stop_requested_date": step.stop_requested_date,
                }
            )
        is_tolerated = not self.stop_requested_date and (
            decision.next_line is not None or not decision.exit_code
        )
        if step.is_skipped or step.command_status == ExitCode.OK or is_tolerated:
            self.steps_done = step.position + 1
        return Decided(self, decision)

    def _set_values__(self, own):
        """Store custom values that a step has left, or that a post-run action sets.

        :param own: :class:`engine.values.custom.CustomValues`
        """
        if own.values != (self.variable_values or {}) or self.sealed:
            self.write(self._changed_custom_values__(own))

    # ------------------------------------------------------------------
    # The loop
    # ------------------------------------------------------------------

    @api.model
    def _carry_out(self, decided, lane=None):
        """Carry out decisions until a step waits for its turn or the outermost run has ended.

        :param decided: :class:`Decided`, or what follows when nothing is left to decide
        :param lane: :class:`engine.run_end.Lane` that led here, which may take the next step over; None outside of lanes
        :return: :class:`engine.run_end.Following`. ``later`` when texts of authors took long in this transaction: lanes go
            on in another one themselves, for all others the cron does
        """
        texts_until = pool.time_spent() + TEXTS_S
        while isinstance(decided, Decided):
            decided = decided.run._carry_out_one(decided.decision, lane, texts_until)
        if not lane:
            self.flush_model()  # a lane's commit does it, for all that ended together
            if decided.later:
                self.env["cx.tower.run.backend"]._chosen()._wake()
        return decided

    def _carry_out_one(self, decision, lane, texts_until):
        """Carry out one decision. :return: the next :class:`Decided`, or :class:`engine.run_end.Following`"""
        end = self._end_of_run(decision)
        if end:
            return self._conclude(end, lane)
        self.position = decision.next_line
        line = self._frozen_plan().lines[decision.next_line]
        try:
            step = self._make_step(decision.next_line, line, lane)
        except MissingError:  # its command was deleted: there is nothing that a log could point to
            text = self.env._("Line “%s” could not run: its command was deleted.", line["name"])
            return self._conclude(RunEnd(int(ExitCode.NOT_FOUND), text), lane)
        if step.state == states.WAITING:
            return step._begin_or_hold(lane)
        if step.state == states.RUNNING:
            return Following(taken_over=(step.id, step.fence))
        if step.state == states.QUEUED:
            return Following(is_queued=True)
        if pool.time_spent() > texts_until:
            return Following(later=self.id)
        return self._decide_after(step)

    def _conclude(self, end, lane=None):
        """End this run, and with it the step that waits for it.

        :param end: :class:`engine.run_end.RunEnd`
        :return: as of :meth:`_end_step_around`
        """
        self.flush_recordset()
        self._finish(end, lane)
        return self._end_step_around(lane)

    def _end_step_around(self, lane=None):
        """End the step that waits for this run, which has ended.

        :return: the :class:`Decided` that leads to, or :class:`engine.run_end.Following`
        """
        step = self.triggering_command_log_id
        return step._end_waiting(self._end_of_waiting_step(step), lane) if step else NOTHING

    def _end_of_run(self, decision):
        """Return the :class:`engine.run_end.RunEnd` of this run when it ends here, else None."""
        if self.stop_requested_date:
            return self._stopped_end()
        if decision.next_line is not None and self._is_out_of_time():
            text = self.env._("The flight plan reached its timeout.")
            return RunEnd(int(ExitCode.COMMAND_TIMED_OUT), text)
        if decision.values:
            own = self._custom_values__()
            try:
                rendered = self._render_values(decision.values, own.values)
                self._set_values__(own.changed({**own.values, **rendered}))
            except EngineError as error:
                return RunEnd(int(error.exit_code), own.masker__.mask(str(error)))
        if decision.exit_code is None:
            return None
        message = ""
        if decision.nothing_ran:
            message = self._nothing_ran_message()
        elif decision.exit_code == ExitCode.PLAN_IS_EMPTY:
            message = self.env._("The flight plan has no lines.")
        elif decision.exit_code:
            message = self._failure_message(decision.exit_code)
        return RunEnd(int(decision.exit_code), message, is_skipped=decision.nothing_ran)

    def _nothing_ran_message(self):
        if self.steps_total == 1:
            return self.env._("Nothing ran: the only line was skipped.")
        return self.env._("Nothing ran: all %s lines were skipped.", self.steps_total)

    def _is_out_of_time(self):
        """Return whether the time limit was reached. Asks the database only when that is possible."""
        if not self.deadline or self.deadline > fields.Datetime.now() + CLOCK_TOLERANCE:
            return False
        return self.deadline < self._database_now()

    def _stopped_end(self):
        who = self.stop_requested_by_id.name
        text = self.env._("Stopped by %s.", who) if who else self.env._("Stopped.")
        confirmed = self._last_step().stop_confirmed
        if confirmed == "yes":
            text += " " + self.env._("The host confirmed that all its processes have ended.")
        elif confirmed == "no":
            text += " " + self.env._(
                "The host could not confirm that all its processes have ended. Check the host."
            )
        return RunEnd(int(ExitCode.PLAN_STOPPED), text)

    def _failure_message(self, exit_code):
        """Return a message that says which line ended the run, and why.

        :param exit_code: code that the run ends with; another one than the step's when the author chose it
        """
        step = self._last_step()
        # whoever may read the run's log may not read the logs of steps above its level
        shown = (step.access_level or "3") <= (self.access_level or "3")
        facts = {
            "number": self._line_number(step.position),
            "command": self._frozen_plan().lines[step.position]["name"],
            "code": step.command_status,
            "message": step.message if shown and step.message else "",
            "own": exit_code,
        }
        if exit_code == step.command_status:
            text = self.env._(
                "Line %(number)s, “%(command)s”, ended with exit code %(code)s. %(message)s", **facts
            )
        else:
            text = self.env._(
                "Line %(number)s, “%(command)s”, ended with exit code %(code)s, for which the flight plan ends with"
                " %(own)s. %(message)s",
                **facts,
            )
        if step.stop_confirmed == "no":
            text += " " + self.env._(
                "No further line was started, because the command may still be running on the host."
            )
        return text.strip()

    def _line_number(self, position):
        """Return the number of a line as the screen shows it: "2.1" is the first line of the plan in line 2."""
        around = self.parent_flight_plan_log_id
        number = str(position + 1)
        return (
            f"{around._line_number(self.triggering_command_log_id.position)}.{number}" if around else number
        )

    def _last_step(self):
        """Return the newest step of this run: that of the last line, since lines run in order."""
        return self.env["cx.tower.command.log"].search_fetch(
            [("plan_log_id", "=", self.id)], LAST_STEP_FIELDS, order="position desc, id desc", limit=1
        )
