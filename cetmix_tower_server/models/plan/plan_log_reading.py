from dataclasses import dataclass, field

from odoo import fields, models
from odoo.tools import SQL

from ...engine import states
from ...engine.plan import flow
from ...engine.run_request import RunRequest
from ...engine.values.custom import CustomValues

LINES_LIMIT = 500  # of the outermost run, in one reading
INSIDE_LIMIT = 1000  # lines of all runs inside together
# What is read of the steps; never their output.
STEP_FIELDS = (
    "id",
    "plan_log_id",
    "position",
    "state",
    "command_status",
    "message",
    "is_skipped",
    "condition",
    "start_date",
    "duration",
    "attempt",
    "attempts_total",
    "retry_at",
    "triggered_plan_log_id",
)
# What is read of the run and of those inside it.
RUN_FIELDS = (
    "plan_id",
    "kept_target_id",
    "top_plan_log_id",
    "steps_total",
    "resumed_from_id",
    "resumed_position",
    "state",
    "plan_status",
    "position",
    "stop_requested_date",
)


@dataclass
class _Found:
    """The steps of a run and of the runs inside it, as far as they are shown.

    :param windows: {run id: range of positions}
    :param steps: {run id: {position: row}}, the newest step of each line
    """

    windows: dict = field(default_factory=dict)
    steps: dict = field(default_factory=dict)


class CxTowerPlanLog(models.Model):
    """What people and scripts do with a plan run: see how it stands, step by step, wait for it, stop it, repeat it.

    What one reading costs does not depend on the length of the plan.
    """

    _inherit = "cx.tower.plan.log"

    def read_progress(self, offset=None, limit=LINES_LIMIT):
        """Return the progress of a run, step by step; the number of queries does not grow with the steps.

        :param int offset: lines to leave out from the start; None: of a plan of more than ``limit`` lines, those around the
            one that was reached
        :param int limit: lines to return at most, up to 500
        :return: dict: ``id``, ``reference``, ``name``, ``plan``, ``server``, ``state``, ``finished``, ``exit_code``, ``message``,
            ``duration`` (s), ``stop_requested_by``, ``can_resume``, ``can_stop``, ``can_run_again``, ``resumed_from``, ``resumed_by``
            (ids of logs or False), ``steps_total``, ``steps_done``, ``steps_offset`` (lines before the first one of ``steps``) and ``steps``: a
            list of dict ``log_id`` (False: not reached yet, or not for the caller to see), ``position``, ``number``, ``name``,
            ``action``, ``state`` ("": not reached yet), ``exit_code``, ``message``, ``waits_for`` (sentence about
            what a waiting step waits for), ``condition``, ``is_skipped``, ``duration``, ``attempt``, ``attempts_total``, ``retry_in`` (s), ``earlier_run`` (it ran in the run that this one resumes), ``remark``
            (which rule decided what followed and what it set: "continues: post-run action != 0; sets x"; "" when there is nothing
            to say), ``plan_log_id`` (run of the plan inside, or False), ``steps`` (its steps, in the same form) and
            ``steps_left_out`` (lines of the plan inside that are not among them; read its own progress for these)
        :raise AccessError: when the caller may not read the log
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: a plan may have steps above the caller's level; only their state is told, not their logs
        run = self.sudo()
        limit = min(max(1, int(limit or 1)), LINES_LIMIT)
        found = self._find_steps(run._window(limit, offset))
        return {
            **run._state_values(),
            "name": run.name,
            "plan": run._target_name(),
            "server": run.server_name,
            "can_resume": run.can_resume and self._may_stop(),
            "can_stop": run.state in states.ACTIVE and self._may_stop(),
            "can_run_again": run.state not in states.ACTIVE and self._is_run_again_offered(),
            "resumed_from": run.resumed_from_id.id,
            "resumed_by": run.resumed_by_ids.id,
            "steps_total": run.steps_total,
            "steps_done": run.steps_done,
            "steps_offset": found.windows[run.id].start,
            "steps": run._progress_steps(found, run._database_now()),
        }

    def _window(self, limit, offset=None):
        """Return the range of positions of this run that is shown."""
        total = len(self._frozen_plan().lines)
        if offset is None:
            first = min(self.position - limit // 2, total - limit)
        else:
            first = min(int(offset), total)
        first = max(0, first)
        return range(first, min(total, first + limit))

    def _find_steps(self, window):
        """Return the :class:`_Found` of this run; a few queries for each level of plans inside."""
        found, level = _Found({self.id: window}), self.sudo()  # sudo: as in read_progress
        left = INSIDE_LIMIT
        while level:
            for run in level:
                for earlier in run._earlier_runs():
                    found.windows.setdefault(earlier.id, found.windows[run.id])
            read = self._read_steps({run.id: found.windows[run.id] for run in level | level._earlier_runs()})
            found.steps |= read
            level, left = self._choose_inside(read, found, left)
        return found

    def _choose_inside(self, read, found, left):
        """Choose the runs inside whose steps are read next: active ones first, then failed ones.

        :param read: as of :meth:`_read_steps`, of the runs around them
        :param left: how many lines may still be read
        :return: (runs, lines that are left)
        """
        rows = [row for steps in read.values() for row in steps.values() if row["triggered_plan_log_id"]]
        rows.sort(
            key=lambda row: (row["state"] not in states.ACTIVE, row["state"] in (states.DONE, states.SKIPPED))
        )
        # sudo: as in read_progress
        runs = self.sudo().browse(row["triggered_plan_log_id"] for row in rows)
        runs.fetch(RUN_FIELDS)
        chosen = runs.browse()
        for run in runs:
            window = run._window(min(left, LINES_LIMIT)) if left else range(0)
            if window or not run.steps_total:
                found.windows[run.id] = window
                left -= len(window)
                chosen |= run
        return chosen, left

    def _tree(self):
        """Return this run and all runs inside it."""
        runs = self
        wanted = self
        while wanted := self.search([("parent_flight_plan_log_id", "in", wanted.ids)]):
            runs |= wanted
        return runs

    def _earlier_runs(self):
        """Return the runs that these ones resume, newest first."""
        earlier, runs = self.browse(), self.resumed_from_id
        while runs := runs - earlier:
            earlier |= runs
            runs = runs.resumed_from_id
        return earlier

    def _read_steps(self, windows):
        """Return {run id: {position: row}} of the newest step of each line.

        :param windows: {run id: range of positions}
        """
        # sudo: as in read_progress
        Log = self.env["cx.tower.command.log"].sudo()
        Log.flush_model(["plan_log_id", "position"])
        self.env.cr.execute(
            SQL(
                """SELECT DISTINCT ON (step.plan_log_id, step.position) step.id
                     FROM unnest(%s::int[], %s::int[], %s::int[]) AS shown (run_id, first, behind)
                     JOIN cx_tower_command_log step
                       ON step.plan_log_id = shown.run_id AND step.position >= shown.first AND step.position < shown.behind
                    ORDER BY step.plan_log_id, step.position, step.id DESC""",
                list(windows),
                [window.start for window in windows.values()],
                [window.stop for window in windows.values()],
            )
        )
        logs = Log.browse(row[0] for row in self.env.cr.fetchall())
        logs.fetch(STEP_FIELDS[1:])
        waits_for = logs.filtered(lambda log: log.state == states.WAITING)._get_waiting_texts()
        visible = set(logs.with_env(self.env)._filtered_access("read").ids)
        found = {}
        for log in logs:
            row = {name: log[name] for name in STEP_FIELDS}
            row["plan_log_id"], row["triggered_plan_log_id"] = (
                log.plan_log_id.id,
                log.triggered_plan_log_id.id,
            )
            row["log_id"] = log.id if log.id in visible else False
            row["waits_for"] = waits_for.get(log.id, "")
            found.setdefault(log.plan_log_id.id, {})[log.position] = row
        return found

    def _progress_steps(self, found, now):
        """Return the steps of this run as :meth:`read_progress` gives them."""
        own = found.steps.get(self.id, {})
        earlier = {}
        for run in reversed(self._earlier_runs()):
            known = found.steps.get(run.id, {})
            earlier |= {position: row for position, row in known.items() if position < self.resumed_position}
        rows, lines = [], self._frozen_plan().lines
        for position in found.windows[self.id]:
            row = own.get(position)
            is_earlier = not row and position in earlier
            if is_earlier:
                row = earlier[position]
            rows.append(self._progress_step(position, lines[position], row, is_earlier, found, now))
        return rows

    def _progress_step(self, position, line, row, is_earlier, found, now):
        row = row or {}
        state = row.get("state") or ""
        begun = row.get("start_date") if state in (states.RUNNING, states.WAITING) else None
        inside = self.browse(row.get("triggered_plan_log_id") or [])
        return {
            "log_id": row.get("log_id") or False,
            "position": position,
            "number": position + 1,
            "name": line["name"],
            "action": line["action"],
            "state": state,
            "exit_code": row.get("command_status") or 0,
            # of a step that the caller may not see, only its end is told
            "message": row.get("message") or "" if row.get("log_id") else "",
            "waits_for": row["waits_for"] if row.get("log_id") else "",
            "condition": "" if self.is_code_hidden and not self._may_see_hidden() else line["condition"],
            "is_skipped": bool(row.get("is_skipped")),
            "duration": max(0.0, (now - begun).total_seconds()) if begun else row.get("duration") or 0.0,
            "attempt": row.get("attempt") or 1,
            "attempts_total": row.get("attempts_total") or 1,
            "retry_in": self._seconds_until(row.get("retry_at"), now) if state == states.QUEUED else 0.0,
            "earlier_run": is_earlier,
            "remark": self.browse(row["plan_log_id"])._step_remark(row) if row else "",
            "plan_log_id": inside.id,
            **self._progress_inside(inside, found, now),
        }

    def _progress_inside(self, inside, found, now):
        """Return the steps of a run inside this one, and how many of its lines are not among them."""
        if inside.id not in found.windows:
            return {"steps": [], "steps_left_out": inside.steps_total if inside else 0}
        steps = inside._progress_steps(found, now) if inside.id in found.steps else []
        return {"steps": steps, "steps_left_out": inside.steps_total - len(steps) if steps else 0}

    def _step_remark(self, row):
        """Return which rule decided what followed one of this run's steps, and what it set; "" when that is obvious.

        :param row: what :meth:`_read_steps` gives of it
        """
        if row["state"] not in states.FINISHED:
            return ""
        plan, position = self._frozen_plan().flow, row["position"]
        result = flow.StepResult(row["command_status"], skipped=row["is_skipped"])
        rule = flow.rule_after(plan, position, result)
        decision = flow.after(plan, position, result, True)
        if rule is None or not self._is_followed(position, decision):
            return ""
        said = []
        is_action = isinstance(rule, flow.PostRunAction)
        why = (
            self.env._("post-run action %(condition)s %(value)s", condition=rule.condition, value=rule.value)
            if is_action
            else self.env._("the plan's rule")
        )
        then = rule.then if is_action else rule.on_error
        if then == flow.Then.NEXT and row["command_status"]:
            said.append(self.env._("continues: %s", why))
        elif then == flow.Then.EXIT_CUSTOM:
            said.append(self.env._("the plan ends with %(code)s: %(why)s", code=decision.exit_code, why=why))
        elif then == flow.Then.EXIT and is_action:
            said.append(self.env._("the plan ends: %s", why))
        if decision.values and row["log_id"]:
            said.append(self.env._("sets %s", ", ".join(decision.values)))
        return "; ".join(said)

    def _is_followed(self, position, decision):
        """Return whether a decision about a step was carried out, or a stop or time limit came first."""
        if position != self.position:
            return True
        if self.state in states.ACTIVE:
            return not self.stop_requested_date
        return self.plan_status == decision.exit_code

    @staticmethod
    def _seconds_until(moment, now):
        return max(0.0, (moment - now).total_seconds()) if moment else 0.0

    # ------------------------------------------------------------------
    # Waiting
    # ------------------------------------------------------------------

    def _state_values(self):
        """Return the state of a run as plain values that every RPC protocol can carry."""
        self.ensure_one()
        # sudo: the state of a run that the caller may read, with the name of the person who stopped it
        run = self.sudo()
        return {
            "id": run.id,
            "reference": run.reference,
            "state": run.state,
            "finished": run.state in states.FINISHED,
            "exit_code": run.plan_status,
            "message": run.message or "",
            "duration": run.duration_current,
            "stop_requested_by": run.stop_requested_by_id.name or "",
        }

    def _values_after_waiting(self):
        return {"variable_values": self.variable_values or {}}

    # ------------------------------------------------------------------
    # Stopping
    # ------------------------------------------------------------------

    def stop(self):
        """Request the stop of these runs and of everything inside them.

        A queued step ends at once; one that runs ends when its host has confirmed that nothing is left, or when the time
        for that is over. Then the runs end as *stopped*.

        :return: True
        :raise AccessError: unless the caller started the run, manages its server or is Root
        """
        self._check_may_stop()
        # sudo: nobody may write logs; the right to stop these runs was checked
        active = self.sudo().filtered(lambda run: not run._is_finished())
        self.env["cx.tower.run.stop"]._ask(active, self.env.user)
        return True

    def _request_stop(self, user):
        """Request the stop of this run in the caller's transaction, see ``cx.tower.run.stop``."""
        active = list(states.ACTIVE)
        runs = self._tree().filtered(lambda run: run.state in active)
        runs.write({"stop_requested_by_id": user.id, "stop_requested_date": fields.Datetime.now()})
        steps = self.env["cx.tower.command.log"].search(
            [("plan_log_id", "in", runs.ids), ("state", "in", active)]
        )
        runs.flush_recordset()
        for step in steps.sorted(lambda step: step.state == states.WAITING):
            if step.state in active:  # the end of another one may have ended it
                step._request_stop(user)

    # ------------------------------------------------------------------
    # Repeating
    # ------------------------------------------------------------------

    def _is_run_again_offered(self):
        """Return whether screens offer to run it again, as the caller. Extension point."""
        return True

    def action_run_again(self):
        """Start the same flight plan, as it is now, on the same server with the same custom values, and open the new run."""
        self.ensure_one()
        self.check_access("read")
        self._check_is_no_orphan()
        shortcut = self.sudo().shortcut_id  # sudo: the shortcut checks itself whether the caller may run it
        if shortcut and not self.parent_flight_plan_log_id:
            return shortcut.with_env(self.env)._run_on(self.server_id)._action_open()
        # sudo: reads the inputs of the run; the new start checks whether the caller may use them
        run = self.sudo()
        inputs, secrets = run.top_plan_log_id._inputs__()
        own = CustomValues(inputs.get("variable_values") or {}, secrets)
        if run.parent_flight_plan_log_id:
            own = run._values_before__(run.triggering_command_log_id)
        request = RunRequest(variable_values=own.values, secrets=own.secrets)
        return self._run_target()._start_plan_runs(self.plan_id, request)._action_open()
