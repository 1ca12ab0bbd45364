import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL
from psycopg2.errors import LockNotAvailable, UniqueViolation

from ...engine import states
from ...engine.exit_codes import ExitCode
from ...engine.run_end import RunEnd
from ...engine.ssh.running.command_result import Outcome
from ...engine.values.plain import storable_text
from ..base.transactions import GUARD_WAIT_S, brief_locks

# What a step needs. Reading whole records costs more than everything else that Tower does between two quick steps.
RUN_FIELDS = (
    "reference",
    "server_id",
    "user_id",
    "plan_id",
    "reference",
    "top_plan_log_id",
    "triggering_command_log_id",
    "state",
    "label",
    "deadline",
    "variable_values",
    "sealed",
    "stop_requested_by_id",
    "stop_requested_date",
    "steps_done",
    "steps_run",
    "position",
    "shortcut_level",
    "is_code_hidden",
    # read when a run ends
    "parent_flight_plan_log_id",
    "fleet_run_id",
    "is_held",
    "deletes_server",
)
CHANGED_AT_END = (
    "state",
    "plan_status",
    "message",
    "start_date",
    "finish_date",
    "duration",
    # computed from them
    "is_running",
    "is_stopped",
    "can_resume",
    "duration_current",
)


class CxTowerPlanLog(models.Model):
    """One run of a flight plan on one server. Its steps are command logs.

    It has no thread of its own: the transaction that ends a step decides what is next and creates the next step (see
    ``flow.py``). So a plan run has either ended, or has exactly one step that is queued, running or waiting for a run
    inside it, and whoever finds that step can continue the plan. The exception is the moment after a Python step, which has
    its transaction for itself; if the process dies then, the cron continues the plan.
    """

    _name = "cx.tower.plan.log"
    _description = "Tower Flight Plan Log"
    _inherit = ["cx.tower.run.mixin", "bus.listener.mixin"]
    _order = "start_date desc, id desc"
    _log_access = False  # written at each step; who started it and when are fields of their own

    plan_id = fields.Many2one(
        "cx.tower.plan",
        string="Flight Plan",
        readonly=True,
        ondelete="set null",
        help="Empty when it was deleted.",
    )
    access_level = fields.Selection(
        selection=lambda self: self.env["cx.tower.plan"]._selection_access_level(),
        compute="_compute_access_level",
        store=True,
    )
    plan_status = fields.Integer(string="Exit code", readonly=True, aggregator=None)
    custom_message = fields.Text(related="message", string="Custom message", help="The same as the message.")
    is_stopped = fields.Boolean(compute="_compute_is_stopped", search="_search_is_stopped")
    command_log_ids = fields.One2many("cx.tower.command.log", "plan_log_id", string="Steps", readonly=True)
    plan_line_executed_id = fields.Many2one(
        "cx.tower.plan.line", string="Last line", compute="_compute_plan_line_executed_id"
    )
    parent_flight_plan_log_id = fields.Many2one(
        "cx.tower.plan.log",
        string="Main Log",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        help="The run of which this one is a step.",
    )
    top_plan_log_id = fields.Many2one(
        "cx.tower.plan.log",
        string="Outermost log",
        readonly=True,
        ondelete="cascade",
        index=True,
        help="The top-level run, started by a person or a script. For a top-level run, the run itself.",
    )
    triggering_command_log_id = fields.Many2one(
        "cx.tower.command.log",
        string="Started by step",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    position = fields.Integer(readonly=True, aggregator=None, help="Index of the line that was reached.")
    steps_total = fields.Integer(string="Lines", readonly=True, aggregator=None)
    steps_done = fields.Integer(string="Lines done", readonly=True, aggregator=None)
    steps_run = fields.Integer(string="Lines that ran", readonly=True, aggregator=None)
    deadline = fields.Datetime(readonly=True, help="The run is stopped when it takes longer than this.")
    resumed_from_id = fields.Many2one(
        "cx.tower.plan.log",
        string="Resumes",
        readonly=True,
        ondelete="set null",
        help="The earlier run that this one continues.",
    )
    resumed_by_ids = fields.One2many(
        "cx.tower.plan.log", "resumed_from_id", string="Resumed by", readonly=True
    )
    resumed_position = fields.Integer(readonly=True, aggregator=None)
    can_resume = fields.Boolean(compute="_compute_can_resume")
    run_input = fields.Json(
        groups=fields.NO_ACCESS,
        copy=False,
        prefetch=False,
        help="The frozen inputs: definitions of the flight plan and its nested plans, custom values.",
    )
    guard_key = fields.Char(groups=fields.NO_ACCESS, copy=False)

    _guard = models.UniqueIndex(
        "(guard_key) WHERE guard_key IS NOT NULL AND state IN ('queued', 'running', 'waiting')",
        "This flight plan is already running on this server.",
    )
    _resumed_once = models.UniqueIndex(
        "(resumed_from_id) WHERE resumed_from_id IS NOT NULL", "This run was already resumed."
    )
    _newest_of_plan = models.Index("(plan_id, start_date DESC, id DESC)")
    _active = models.Index("(deadline) WHERE state IN ('queued', 'running', 'waiting')")

    @api.model
    def _new_run_reference(self):
        return f"plan_run_{secrets.token_hex(8)}"

    @api.depends("plan_id", "kept_target_name", "number")
    def _compute_title(self):
        for log in self:
            log.title = log._numbered(log._target_name())

    @api.model
    def _number_by(self):
        return "plan_id", "parent_flight_plan_log_id"

    @api.depends("state")
    def _compute_is_stopped(self):
        for log in self:
            log.is_stopped = log.state == states.STOPPED

    @api.depends("command_log_ids.plan_line_id")
    def _compute_plan_line_executed_id(self):
        # Ignores the record rules of steps: lines of the plan may be shown where logs of its steps may not.
        self.env["cx.tower.command.log"].flush_model(["plan_log_id", "position", "plan_line_id"])
        self.env.cr.execute(
            """SELECT run_id, (SELECT plan_line_id FROM cx_tower_command_log WHERE plan_log_id = run_id
                                ORDER BY position DESC, id DESC LIMIT 1)
                 FROM unnest(%s::int[]) AS run_id""",
            (self.ids,),
        )
        newest = dict(self.env.cr.fetchall())
        for log in self:
            log.plan_line_executed_id = newest.get(log.id)

    def _search_is_stopped(self, operator, value):
        if operator != "in":
            return NotImplemented
        wanted = [state for state, _label in states.LABELS if (state == states.STOPPED) in value]
        return [("state", "in", wanted)]

    @api.depends("plan_id.access_level", "shortcut_level", "is_code_hidden")
    def _compute_access_level(self):
        for log in self:
            log.access_level = log._level_of_run(log.plan_id.access_level)

    @api.model
    def _get_title(self):
        return self.env._("Flight Plan Log")

    @api.model
    def _get_log_action(self):
        return "cetmix_tower_server.action_cx_tower_plan_log"

    def _has_been_executed(self):
        return any(step._has_been_executed() for step in self.command_log_ids)

    def _exit_code(self):
        return self.plan_status

    # ------------------------------------------------------------------
    # Beginning and end
    # ------------------------------------------------------------------

    @api.model
    def _create_runs(self, targets, plan, inputs, secrets=(), **values):
        """Create outermost runs, one a target, without any step.

        :param inputs: their frozen inputs, see :meth:`_freeze_inputs`
        :param secrets: (name, secret) pairs that may stand in the inputs and custom values
        :param values: further fields of the logs
        """
        frozen = inputs["plans"][str(plan.id)]
        values = {
            "plan_id": plan.id,
            "steps_total": len(frozen["lines"]),
            "deadline": self._deadline(frozen["timeout_s"]),
            "run_input": inputs,
            **values,
        }
        runs = self.create(
            [self._seal_new__({**values, **self._values_on(target)}, secrets) for target in targets]
        )
        runs.flush_recordset()
        self.env.cr.execute(
            "UPDATE cx_tower_plan_log SET top_plan_log_id = id WHERE id = ANY(%s)", (runs.ids,)
        )
        runs.invalidate_recordset(["top_plan_log_id"], flush=False)
        return runs

    @api.model
    def _create_child(self, step, plan):
        """Create the run that a step waits for. If the step belongs to a flight plan, the new run is part of that plan's run."""
        around = step.plan_log_id
        values = {"user_id": step.user_id.id, "label": step.label, "triggering_command_log_id": step.id}
        own = step._custom_values__()
        values["variable_values"] = own.values or False
        values |= (around or step)._source_of_inner(plan)
        if not around:
            inputs = self._freeze_inputs(plan, own.values)
            return self._create_runs(step._run_target(), plan, inputs, own.secrets, **values)
        frozen = around._frozen_inputs().plans[plan.id]
        limit = self._deadline(frozen.document["timeout_s"])
        values |= {
            **self._values_on(step._run_target()),
            "plan_id": plan.id,
            "parent_flight_plan_log_id": around.id,
            "top_plan_log_id": around.top_plan_log_id.id,
            "state": around.state,
            "start_date": around.start_date and fields.Datetime.now(),
            "steps_total": len(frozen.lines),
            "deadline": min(filter(None, (limit, around.deadline)), default=False),
            "run_input": {"path": [*around._path(), around.plan_id.id]},
        }
        return self.create(self._seal_new__(values, own.secrets))

    @api.model
    def _deadline(self, timeout_s):
        """Return when the time of a run that begins now is over; 0 stands for the limit in the settings, where 0 means none."""
        limit = timeout_s or self.env["cx.tower.settings"]._get().plan_timeout
        return limit and self._database_now() + timedelta(seconds=limit)

    @api.model
    def _database_now(self):
        """Return the database's time, which all times of runs use; Odoo's clock may differ and is cut to seconds."""
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        return self.env.cr.fetchone()[0]

    def _try_begin(self):
        """Take the guards of these runs; those that may not begin end with the reason. :return: those that may"""
        if self._take_guards(self):
            return self
        return self.filtered(lambda run: run._take_guards(run) or run._refuse())

    def _refuse(self):
        """End a run that may not begin next to, or inside, another run."""
        name = self._frozen_plan().document["name"]
        if self.plan_id.id in self._path():
            text = self.env._(
                "“%s” would run inside itself. Remove it from the flight plans inside it.", name
            )
        else:
            text = self.env._(
                "“%(plan)s” is already running on %(server)s. Wait for it to end or stop it, or switch on “Allow "
                "parallel"
                " run” if it may run twice at the same time.",
                plan=name,
                server=self._run_target().sudo().name,  # sudo: the caller runs the plan on this server
            )
        self._finish(RunEnd(int(ExitCode.ANOTHER_PLAN_RUNNING), text))
        return False

    @api.model
    def _take_guards(self, runs):
        """Claim the right to run: not inside itself, and alone unless the plan allows parallel runs.

        One statement decides both; between two transactions that have not seen each other the unique index decides.

        :return: whether all of these runs may begin
        """
        if not runs:
            return True
        runs.flush_recordset()
        keys = [
            None
            if run._frozen_plan().document["allow_parallel_run"]
            else run._run_target()._get_guard_key(run.plan_id)
            for run in runs
        ]
        free = [run.plan_id.id not in run._path() for run in runs]
        try:
            with brief_locks(self.env, GUARD_WAIT_S, flush=False):
                self.env.cr.execute(
                    "UPDATE cx_tower_plan_log run SET guard_key = wanted.key"
                    " FROM unnest(%s::int[], %s::text[], %s::boolean[]) AS wanted (id, key, free) WHERE run.id = wanted.id AND wanted.free",
                    (runs.ids, keys, free),
                    log_exceptions=False,  # a taken key is not an error
                )
                taken = self.env.cr.rowcount
        except (UniqueViolation, LockNotAvailable):
            return False
        return taken == len(runs)

    def _finish(self, end, lane=None):
        """Record how this run ended, and do what follows from that in the same transaction.

        Only the first end counts: a finished run is never changed again. The step that waits for this run is not among
        what follows: see :meth:`_conclude`.

        :param end: :class:`engine.run_end.RunEnd`; ``is_skipped`` when every line was skipped, with exit code 0
        :param lane: :class:`engine.run_end.Lane` that executed the last step; None outside of lanes
        :return: whether this call ended the run
        """
        ended = self._record_end(end)
        if ended:
            self._on_run_finished(lane)
        return ended

    def _record_end(self, end):
        """Record how this run ended. Nothing follows.

        :param end: :class:`engine.run_end.RunEnd`
        :return: whether this call ended the run
        """
        self.ensure_one()
        state = states.SKIPPED if end.is_skipped else states.state_for_exit_code(end.exit_code)
        if state == states.SKIPPED and not end.is_skipped:
            state = states.FAILED  # a code that an author chose
        self.flush_recordset()
        now = SQL("clock_timestamp() AT TIME ZONE 'UTC'")
        self.env.cr.execute(
            SQL(
                """UPDATE cx_tower_plan_log
                      SET state = %(state)s, plan_status = %(status)s, message = %(message)s, finish_date = %(now)s,
                          start_date = COALESCE(start_date, %(now)s),
                          duration = COALESCE(GREATEST(EXTRACT(EPOCH FROM %(now)s - start_date), 0), 0)
                    WHERE id = %(id)s AND state = ANY(%(before)s)""",
                state=state,
                status=int(end.exit_code),
                message=storable_text(end.message) if end.message else None,
                now=now,
                id=self.id,
                before=states.before(state),
            )
        )
        ended = bool(self.env.cr.rowcount)
        self.invalidate_recordset(CHANGED_AT_END, flush=False)
        if ended:
            self._fields["state"]._insert_cache(self, [state])  # what follows reads it
        return ended

    def _end_with_server(self):
        """End runs whose server is deleted by force."""
        text = self.env._("Its server was deleted while it ran. What happened on the host is unknown.")
        for run in self:
            run._finish(RunEnd(int(ExitCode.RUN_INTERRUPTED), text))

    def _end_before_turn(self, text):
        """End outermost runs that never got their turn in a fleet run, with the steps prepared inside them."""
        if not self:
            return
        runs = self.search([("top_plan_log_id", "in", self.ids), ("state", "in", states.ACTIVE)])
        self.env.cr.execute(
            """UPDATE cx_tower_command_log SET state = %s, command_status = %s, message = %s, duration = 0,
                      start_date = clock_timestamp() AT TIME ZONE 'UTC', finish_date = clock_timestamp() AT TIME ZONE 'UTC'
                WHERE plan_log_id = ANY(%s) AND state IN ('queued', 'waiting')""",
            (states.STOPPED, int(ExitCode.COMMAND_STOPPED), text, runs.ids),
        )
        self.env["cx.tower.command.log"].invalidate_model(flush=False)
        for run in runs:
            run._finish(RunEnd(int(ExitCode.PLAN_STOPPED), text))

    def _on_run_finished(self, lane=None):
        """Do what follows from the end of a run, in its transaction. Extension point: jets and waypoints continue here.

        :param lane: :class:`engine.run_end.Lane` that executed the last step; None outside of lanes
        """
        if not self.parent_flight_plan_log_id:
            self._notify_starter()
        if not lane:  # its process announces the step, and with it the run, within a second
            self._send_hint()
        self._plan_finished()
        if self.fleet_run_id:
            self.fleet_run_id._member_ended(self, lane)

    def _plan_finished(self):
        """Hook, called once for each flight plan run that has ended. Kept for addons that know it by this name."""

    def _send_hint(self):
        """Tell open screens that these runs have changed. The message carries no content."""
        for top in self.top_plan_log_id:
            top._bus_send("cetmix_tower_plan_log", {"id": top.id})

    def _end_of_waiting_step(self, step):
        """Return how the step that waits for this run ends, now that this run has ended."""
        skipped = self.state == states.SKIPPED
        confirmed = {"yes": True, "no": False}.get(self._last_step().stop_confirmed)
        return RunEnd(
            int(ExitCode.PLAN_LINE_CONDITION_CHECK_FAILED) if skipped else self.plan_status,
            message=self.message or "",
            outcome=Outcome.COMPLETED.value,
            stop_confirmed=confirmed,
            is_skipped=skipped,
            columns=step._changed_custom_values__(self._custom_values__()),
        )
