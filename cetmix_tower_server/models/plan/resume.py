import hashlib
import hmac
import json

from odoo import api, models
from odoo.exceptions import UserError

from ...engine import states
from ...engine.plan import flow
from ...engine.plan.definition import differences, lines_to_run, text_difference
from ...engine.run_end import NOTHING
from .definition_parts import shown_part
from .step import Decided

RESUMABLE = (states.FAILED, states.STOPPED, states.INTERRUPTED)


class CxTowerCommandLog(models.Model):
    """The step at which a run is resumed."""

    _inherit = "cx.tower.command.log"

    def _latest_run_inside(self):
        """Return the run inside this step; if that was refused when it was to be resumed, the one it should have resumed."""
        inside = self.triggered_plan_log_id
        while inside.resumed_from_id and not inside.command_log_ids:
            inside = inside.resumed_from_id
        return inside


class CxTowerPlanLog(models.Model):
    """Resumes a run that stopped early, from its last step and with the same inputs.

    The new run has a log of its own: what is recorded of the first one is never changed.
    """

    _inherit = "cx.tower.plan.log"

    @api.depends("state", "parent_flight_plan_log_id", "resumed_by_ids", "command_log_ids")
    def _compute_can_resume(self):
        for (
            run
        ) in self.sudo():  # sudo: whether there is more to do depends on steps above the caller's level, too
            run.can_resume = bool(
                run.state in RESUMABLE
                and not run.is_orphan
                and not run.parent_flight_plan_log_id
                and not run.resumed_by_ids
                and run._has_more_to_do()
            )

    def _has_more_to_do(self):
        """Return whether a step is left to run, again or for the first time."""
        step = self._last_step()
        if not step or step.state not in (states.DONE, states.SKIPPED):
            return bool(step)
        result = flow.StepResult(step.command_status, skipped=step.is_skipped)
        decision = flow.after(self._frozen_plan().flow, step.position, result, bool(self.steps_run))
        return decision.next_line is not None

    def resume(self, use_changed_plan=False, shown_difference=None):
        """Resume a run that failed, was stopped or was interrupted: run its last step again, then what follows.

        The step gets the same code and values as before. Steps that are done are not run again.

        :param bool use_changed_plan: when the flight plan has changed since, resume with it as it is now
        :param str shown_difference: the difference that the person has seen; refused when there is another one by now
        :return: log of the new run (its id over RPC)
        :raise AccessError: unless the caller started the run, manages its server or is Root, and may (still) run the plan
        :raise UserError: there is nothing to resume, or the plan was changed (the message says how)
        """
        self.ensure_one()
        self._check_may_resume()
        run = self.sudo()  # sudo: nobody may write logs; the right to resume was checked
        run._check_can_resume()
        difference = self.resume_difference()
        if difference and not use_changed_plan:
            raise UserError(
                self.env._(
                    "“%(run)s” cannot be resumed as it was: its flight plan has changed "
                    "since.\n%(difference)s\nResume it with the current plan, or start the plan again.",
                    run=run.name,
                    difference=difference,
                )
            )
        if difference:
            if shown_difference is not None and shown_difference != difference:
                raise UserError(self.env._("The flight plan was changed again. Review the new difference."))
            # the changed plan needs the right to run it as it is now
            self._check_may_run_again()
        resumed = run._make_resumed(self.env.user, changed=bool(difference))
        resumed.invalidate_recordset(["command_log_ids"])  # steps are created past the ORM
        self.env["cx.tower.run.backend"]._chosen()._dispatch(resumed)
        return resumed.sudo(self.env.su)

    def _check_may_resume(self):
        """Raise AccessError unless the caller may resume this run."""
        self._check_may_stop()
        self._check_may_run_again()

    def _check_may_run_again(self):
        """Raise AccessError unless the caller may run what this run has run. Extension point."""
        self._run_target()._check_may_run_plan(self.plan_id, {})

    def resume_difference(self):
        """Return what has changed in the flight plan, and in those inside it, since the run was started; "" for nothing.

        :raise AccessError: when the caller may not read the log
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: the caller may read the run; of its inputs, code that they may not read is left out below
        run = self.sudo().top_plan_log_id
        before, now = run._inputs__()[0]["plans"], self._current_plans(run)
        if before == now:
            return ""
        documents = [document for plans in (before, now) for document in plans.values()]
        commands = self.env["cx.tower.command"].browse(
            {line["command_id"] for document in documents for line in document["lines"]}
        )
        plans = self.env["cx.tower.plan"].browse({document["id"] for document in documents})
        readable_commands = set(commands.exists()._filtered_access("read").ids)
        readable_plans = set(plans.exists()._filtered_access("read").ids)
        for document in documents:
            for line in document["lines"]:
                hidden = () if line["command_id"] in readable_commands else ("code", "command_path")
                if document["id"] not in readable_plans:
                    hidden = ("code", "command_path", "path", "condition", "actions")
                for name in hidden:
                    line[name] = self._unreadable(line[name])
        place = run._place_to_continue()
        to_run = lines_to_run(before, run.plan_id.id, place), lines_to_run(now, run.plan_id.id, place)
        return "\n".join(self._word_changes(before, now, *to_run))

    def _place_to_continue(self):
        """Return the line where this run is resumed, and the runs inside it: see :func:`engine.plan.definition.lines_to_run`."""
        step = self._last_step()
        if step.state in (states.DONE, states.SKIPPED):
            return [(step.plan_line_id.id, 1)]
        inside = step._latest_run_inside()
        return [
            (step.plan_line_id.id, 0),
            *(inside._place_to_continue() if inside.command_log_ids else []),
        ]

    # ------------------------------------------------------------------
    # The difference in words
    # ------------------------------------------------------------------

    @api.model
    def _word_changes(self, before, now, run_before, run_now):
        """Describe what has changed, first what concerns the lines that run when the run is resumed.

        :param run_before: (plan id, line id) of the lines that would have run
        :param run_now: of those that run now
        :return: lines of text
        """
        said, said_of_done = [], []
        names = {int(plan_id): document["name"] for plan_id, document in [*before.items(), *now.items()]}
        plans_that_run = {plan_id for plan_id, _line_id in run_before | run_now}
        for change in differences(before, now):
            if change.is_gone:
                said.append(self.env._("Flight plan “%s” is no longer used.", change.name))
                continue
            if change.is_new:
                said.append(self.env._("Flight plan “%s” is used now.", change.name))
                continue
            words, words_of_done = [], []
            fields = self._word_fields("cx.tower.plan", change.fields, names)
            (words if change.plan_id in plans_that_run else words_of_done).extend(fields)
            for line in change.lines:
                key = (change.plan_id, line.line_id)
                is_done = line.old_number and key not in run_before | run_now
                (words_of_done if is_done else words).extend(self._word_line(line, names, key in run_now))
            for target, found in ((said, words), (said_of_done, words_of_done)):
                if found:
                    target.append(self.env._("Flight plan “%s”:", change.name))
                    target += [f"  {text}" for text in found]
        if said_of_done:
            said.append(self.env._("Lines that are done and will not run again:"))
            said += [f"  {text}" for text in said_of_done]
        return said

    def _word_line(self, line, names, runs_now):
        values = {"number": line.old_number or line.new_number, "name": line.name, "now": line.new_number}
        if line.new_number is None:
            text = self.env._("line %(number)s “%(name)s” was removed", **values)
        elif line.old_number is None and runs_now:
            text = self.env._("line %(number)s “%(name)s” is new", **values)
        elif line.old_number is None:
            text = self.env._(
                "line %(number)s “%(name)s” is new; it will not run, because the run continues after it",
                **values,
            )
        elif line.old_number != line.new_number:
            text = self.env._("line %(number)s “%(name)s”, now line %(now)s", **values)
        else:
            text = self.env._("line %(number)s “%(name)s”", **values)
        return [text, *(f"  {said}" for said in self._word_fields("cx.tower.plan.line", line.fields, names))]

    def _word_fields(self, model, changes, names):
        said = []
        for change in changes:
            label, form_field = self._part(model, change.field)
            old, new = (self._word_part(form_field, value, names) for value in (change.old, change.new))
            is_list = isinstance(change.old, list) or isinstance(change.new, list)
            if is_list or "\n" in old or "\n" in new:
                lines, left_out = text_difference(old, new)
                if is_list:
                    lines = [line for line in lines if not line.startswith("@@")]
                said += [f"{label}:", *(f"  {line}" for line in lines)]
                if left_out:
                    said.append("  " + self.env._("… %s more lines", left_out))
            elif old == new:
                said.append(self.env._("%s: another one with the same name", label))
            else:
                said.append(f"{label}: {self._quoted(old)} → {self._quoted(new)}")
        return said

    @api.model
    def _part(self, model, name):
        """Return (label, field) of a part of a definition, as forms show it."""
        shown_model, name = shown_part(model, name)
        field = self.env[shown_model]._fields.get(name)
        label = field._description_string(self.env) if field else name
        if shown_model != model and name in self.env[model]._fields:
            label = self.env._("%s of the command", label)  # the line has one of its own
        return label, field

    def _word_part(self, field, value, names):
        """Return a part of a definition in words."""
        if isinstance(value, list):
            return "\n".join(map(self._word_action, value))
        if field is not None and field.name == "flight_plan_id":
            return names.get(value) or ""
        if isinstance(value, bool):
            return self.env._("yes") if value else self.env._("no")
        if field is not None and field.type == "selection":
            value = dict(field._description_selection(self.env)).get(value, value)
        return "" if value is None else str(value)

    def _word_action(self, action):
        text = self.env["cx.tower.plan.line.action"]._short_text(
            action["condition"], action["value"], action["then"], action["custom_exit_code"]
        )
        values = ", ".join(f"{name} = {self._quoted(value)}" for name, value in action["values"].items())
        return self.env._("%(action)s (sets %(values)s)", action=text, values=values) if values else text

    def _quoted(self, text):
        text = " ".join(text.split("\n"))
        return f"“{text[:200]}{'…' if len(text) > 200 else ''}”" if text else self.env._("nothing")

    @api.model
    def _unreadable(self, part):
        """Return what stands for something that the reader may not see: whether it changed can be told, nothing else."""
        # sudo: a key that nobody knows, so that what is hidden cannot be guessed
        key = self.env["ir.config_parameter"].sudo().get_param("database.secret") or ""
        digest = hmac.new(key.encode(), json.dumps(part, sort_keys=True).encode(), hashlib.sha256).hexdigest()
        return self.env._("something that you do not have access to (%s)", digest[:8])

    def _current_plans(self, run):
        return self._freeze_inputs(run.plan_id, {})["plans"]

    def _check_can_resume(self):
        self._check_is_no_orphan()
        if self.parent_flight_plan_log_id:
            raise UserError(self.env._("“%s” is part of another run: resume that one.", self.name))
        if self.resumed_by_ids:
            raise UserError(self.env._("“%s” was already resumed.", self.name))
        if not self.can_resume:
            raise UserError(self.env._("“%s” has nothing to resume.", self.name))

    def _make_resumed(self, user, changed):
        """Create the run that resumes this one, down to the step that is run again."""
        inputs, secrets = self._inputs__()
        inputs = dict(inputs)
        if changed:
            inputs["plans"] = self._current_plans(self)
        target = self._run_target()
        resumed = self._create_runs(
            target,
            self.plan_id,
            inputs,
            secrets,
            user_id=user.id,
            label=self.label,
            **self._resumed_values(),
        )
        # Raising undoes everything: a run that may not begin now can be resumed later.
        reason = target._find_refusals(self.plan_id).get(target.id)
        if not reason and not resumed._try_begin():
            reason = resumed.message
        if reason:
            raise UserError(reason)
        self._carry_out(resumed._take_up(self, changed))
        return resumed

    def _resumed_values(self):
        """Return further fields of the run that resumes this one. Extension point."""
        return {
            "resumed_from_id": self.id,
            "shortcut_id": self.shortcut_id.id,
            "shortcut_level": self.shortcut_level,
            "is_code_hidden": self.is_code_hidden,
            "scheduled_task_id": self.scheduled_task_id.id,
        }

    def _take_up(self, earlier, changed):
        """Resume where an earlier run of the same plan ended.

        :param changed: this run has the plan as it is now, not as the earlier one had it
        :return: :class:`Decided` or :class:`engine.run_end.Following`, for :meth:`_carry_out`
        """
        step = earlier._last_step()
        position = self._position_to_resume(step, changed)
        self.write(
            {
                "steps_run": earlier.steps_run - (not step.is_skipped),
                "steps_done": position,
                "resumed_position": position,
                "position": position,
                **self._changed_custom_values__(earlier._values_before__(step)),
            }
        )
        if step.state in (states.DONE, states.SKIPPED):
            return self._decide_once_more(earlier, step, position)
        inside = self._run_inside_to_resume(step)
        if inside.command_log_ids and not (changed and self._changed_line(position, step)):
            return self._resume_inside(step, position, inside, changed)
        if "code" in step._inputs__()[0] and not changed:
            again = self._repeat_step(step, position)
            if again.state == states.WAITING:
                return again._begin_or_hold()
            return NOTHING if again.state in states.ACTIVE else self._decide_after(again)
        return Decided(self, flow.Decision(next_line=position))

    def _position_to_resume(self, step, changed):
        """Return the position of the line of a step, in this run's plan.

        :raise UserError: a changed plan no longer has the line
        """
        position = self._frozen_plan().position_of(step.plan_line_id.id) if changed else step.position
        if position is None:
            raise UserError(
                self.env._(
                    "Line %s, at which the run ended, is no longer in the flight plan. Start the plan again.",
                    step.position + 1,
                )
            )
        return position

    def _decide_once_more(self, earlier, step, position):
        """Decide what follows a step that was done when the earlier run ended: this time the run may continue."""
        self.write(
            {"steps_run": earlier.steps_run, "resumed_position": position + 1, "steps_done": position + 1}
        )
        self._set_values__(earlier._custom_values__())
        result = flow.StepResult(step.command_status, skipped=step.is_skipped)
        return Decided(self, flow.after(self._frozen_plan().flow, position, result, bool(self.steps_run)))

    def _run_inside_to_resume(self, step):
        """Return the run inside a step that is resumed with it, if the step ran a flight plan.

        :raise UserError: the logs of its steps were deleted
        """
        inside = step._latest_run_inside()
        if (inside.steps_done or inside.steps_run) and not inside.command_log_ids:
            raise UserError(
                self.env._(
                    "“%s” cannot be resumed: the logs of its steps were deleted. Start the plan again.",
                    inside.name,
                )
            )
        return inside

    def _resume_inside(self, step, position, inside, changed):
        """Resume the run inside a step, in a step of this run."""
        again = self._repeat_step(step, position)
        child = self._create_child(again, inside.plan_id)
        again.write({"triggered_plan_log_id": child.id, "awaits_begin": False})
        inside.resumed_by_ids.resumed_from_id = False  # those that were refused
        child.resumed_from_id = inside
        return child._take_up(inside, changed) if child._try_begin() else child._end_step_around()

    def _changed_line(self, position, step):
        """Return whether the line now runs another plan than the step did."""
        return self._frozen_plan().lines[position]["flight_plan_id"] != step.triggered_plan_log_id.plan_id.id

    @api.model
    def _values_before__(self, step):
        """Return the :class:`engine.values.custom.CustomValues` that a step began with."""
        inputs, _secrets = step._inputs__()
        own = step._custom_values__()
        return own.changed(inputs["variable_values"]) if inputs else own

    def _repeat_step(self, step, position):
        """Create a step with the frozen inputs of an earlier one."""
        command, settings = step.command_id, self._frozen_plan().lines[position]["settings"]
        inputs, secrets = step._inputs__()
        own, target = self._custom_values__(), self._run_target()
        values = {
            **target._first_state_values(step.command_action, settings),
            **self.env["cx.tower.command.log"]._values_on(target),
            "plan_log_id": self.id,
            "plan_line_id": step.plan_line_id.id,
            "position": position,
            "command_id": command.id,
            "user_id": self.user_id.id,
            "label": self.label,
            "condition": step.hidden_condition if step.is_code_hidden else step.condition,
            "variable_values": own.values or False,
        }
        if "code" in inputs:
            values |= {
                "code": step.hidden_code if step.is_code_hidden else step.code,
                "path": step.hidden_path if step.is_code_hidden else step.path,
                "use_sudo": step.use_sudo,
                "run_input": inputs,
                "guard_key": not settings["allow_parallel_run"] and target._get_guard_key(command),
            }
        else:
            values["run_input"] = {"variable_values": own.values}
        Step = self.env["cx.tower.command.log"]
        values = Step._seal_new__(values, (*own.secrets, *secrets))
        self._hide_code(command, values)
        return Step._create_step(values)

    def action_resume(self):
        """Resume the run and open what comes of it; when the plan was changed, show the difference first (button)."""
        self.ensure_one()
        self._check_may_stop()
        self.sudo()._check_can_resume()  # sudo: as in resume
        if self.resume_difference():
            return {
                "type": "ir.actions.act_window",
                "name": self.env._("Resume Flight Plan"),
                "res_model": "cx.tower.plan.resume.wizard",
                "view_mode": "form",
                "views": [(False, "form")],
                "target": "new",
                "context": {"default_plan_log_id": self.id},
            }
        return self.resume()._action_open()
