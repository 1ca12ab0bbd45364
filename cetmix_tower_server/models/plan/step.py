from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL
from psycopg2.errors import LockNotAvailable

from ...engine import states
from ...engine.errors import ConditionInvalid, EngineError
from ...engine.exit_codes import ExitCode
from ...engine.plan import conditions, flow
from ...engine.run_request import Instruction
from ..base.transactions import GUARD_WAIT_S
from ..run.command_log_end import COMMAND_FIELDS
from ..run.rendering import render_marked
from ..run.source import hide_code
from .cx_tower_plan_log import RUN_FIELDS

# As for any other run: a plan that gave up its lane waits for its turn.
STEP_PRIORITY = 10
SERVER_FIELDS = ("name", "ssh_username", "use_sudo", "shell_mode", "command_timeout_s")
# Filled from the step before, see _insert_value.
SEAT_FIELDS = ("host_slot", "global_slot")
# Of a step that belongs to a lane.
LANE_FIELDS = ("worker", "fence", "follows", *SEAT_FIELDS)
FIRST_FENCE = 1
ROOT = "cetmix_tower_server.group_root"


class Decided(NamedTuple):
    """What is next in a run of a flight plan.

    :param run: its log
    :param decision: :class:`engine.plan.flow.Decision`
    """

    run: models.Model
    decision: flow.Decision


class CxTowerCommandLog(models.Model):
    """A run as the step of a flight plan."""

    _inherit = "cx.tower.command.log"

    # Reading a few lines, or the last one, costs the same in any plan.
    _steps = models.Index("(plan_log_id, position, id) WHERE plan_log_id IS NOT NULL")

    step_number = fields.Integer(
        string="Step", compute="_compute_step_number", help="Number of the step in its flight plan."
    )

    @api.depends("plan_log_id", "position")
    def _compute_step_number(self):
        for log in self:
            log.step_number = log.position + 1 if log.plan_log_id else 0

    @api.model
    def _create_step(self, values, lane=None):
        """Create the log of a plan's step with one statement, because a plan creates one for each of its lines.

        When the step's guard key is taken, its log ends as ANOTHER_COMMAND_RUNNING instead.

        :param dict values: fields of the log; ``guard_key`` and ``state`` among them decide what becomes of it
        :param lane: :class:`engine.run_end.Lane` that led here; it may take the step over
        :return: the log, with what the flow needs in the cache
        """
        # sudo: the plan's author decided what runs; only names and levels are copied to the log
        command = self.env["cx.tower.command"].browse(values["command_id"]).sudo()
        target = self.sudo()._target_in(values)
        values = {
            "name": f"{target.name or ''}: {command.name or ''}",
            "active": True,
            "reference": self._new_run_reference(),
            "command_action": command.action,
            "access_level": command.access_level,
            "state": states.QUEUED,
            "command_status": 0,
            "message": False,
            "is_skipped": False,
            "priority": STEP_PRIORITY,
            "attempt": 1,
            "attempts_total": 1,
            "triggered_plan_log_id": False,
            **values,
        }
        if values["state"] == states.QUEUED and lane and lane.may_take_over:
            values |= self._taken_over_values(lane)
        log_id = self._insert_row(values)
        if not log_id:
            text = self._parallel_refusal(command, target)
            values |= target._refused_values(ExitCode.ANOTHER_COMMAND_RUNNING, text)
            values |= dict.fromkeys(LANE_FIELDS, False)
            log_id = self._insert_row(values)
        step = self.browse(log_id)
        # What is not given is empty in the new row, which need not be read to find that out.
        known = dict.fromkeys(self._get_fields_needed_at_end(), False) | values
        for name, value in known.items():
            field = self._fields[name]
            if name not in SEAT_FIELDS:
                field._insert_cache(step, [field.convert_to_cache(value, step, validate=False)])
        return step

    @api.model
    def _taken_over_values(self, lane):
        """Return what makes a step belong to a lane: in the seats of the run that it executed, past the queue.

        If the process dies before the commit, neither the end of the one before nor this step exists; if it dies after it,
        the lease runs out and this step, which has not begun, becomes interrupted.
        """
        return {
            "follows": lane.log_id,
            "state": states.RUNNING,
            "worker": lane.worker,
            "fence": FIRST_FENCE,
            "host_slot": lane.log_id,
            "global_slot": lane.log_id,
        }

    @api.model
    def _insert_row(self, values):
        """Insert one log. :return: its id, None when its guard key is taken."""
        now = SQL("clock_timestamp() AT TIME ZONE 'UTC'")
        names = [SQL.identifier(name) for name in values]
        columns = [SQL("%s", self._insert_value(name, value)) for name, value in values.items()]
        for name in ("queued_date", "create_date", "write_date"):
            names.append(SQL.identifier(name))
            columns.append(now)
        for name in ("create_uid", "write_uid"):
            names.append(SQL.identifier(name))
            columns.append(SQL("%s", values["user_id"] or None))
        if values["state"] != states.QUEUED:
            names.append(SQL("start_date"))
            columns.append(now)
        if values["state"] in states.FINISHED:
            names.append(SQL("finish_date"))
            columns.append(now)
        insert = SQL(
            """INSERT INTO cx_tower_command_log (%s) VALUES (%s)
               ON CONFLICT (guard_key) WHERE guard_key IS NOT NULL AND state IN ('queued', 'running', 'waiting')
               DO NOTHING RETURNING id""",
            SQL(", ").join(names),
            SQL(", ").join(columns),
        )
        if values.get("guard_key"):
            return self._insert_guarded(insert)
        # after a Python step, another run may have the seat by now: that is not an error
        self.env.cr.execute(insert, log_exceptions=not values.get("host_slot"))
        return self.env.cr.fetchone()[0]

    @api.model
    def _insert_guarded(self, insert):
        """Insert a log with a guard key. A key that is held by an open transaction counts as taken after a while.

        That somebody may wait for us, even in the same thread: the database would not see it as a deadlock.
        """
        try:
            self.env.cr.execute(
                SQL(
                    """SAVEPOINT tower_guard;
                       SELECT set_config('tower.lock_timeout', current_setting('lock_timeout'), TRUE);
                       SET LOCAL lock_timeout = %s; %s""",
                    f"{GUARD_WAIT_S}s",
                    insert,
                ),
                log_exceptions=False,
            )
        except LockNotAvailable:
            self.env.cr.execute("ROLLBACK TO SAVEPOINT tower_guard")
            return None
        row = self.env.cr.fetchone()
        # the caller may have a limit of its own
        self.env.cr.execute(
            "SELECT set_config('lock_timeout', current_setting('tower.lock_timeout'), TRUE); RELEASE SAVEPOINT tower_guard"
        )
        return row and row[0]

    def _insert_value(self, name, value):
        """Return a value as its column takes it. A line that was deleted is left out; a seat is that of the run whose id
        is given."""
        if name == "plan_line_id" and value:
            return SQL("(SELECT id FROM cx_tower_plan_line WHERE id = %s)", value)
        if name in SEAT_FIELDS and value:
            column = SQL.identifier(name)
            return SQL("(SELECT %s FROM cx_tower_command_log WHERE id = %s)", column, value)
        return self._fields[name].convert_to_column_insert(value, self)

    def _read_ahead(self):
        """Read what the ends of these runs need, for all of them at once."""
        logs = self.sudo()  # sudo: fills the cache for the engine, shows nothing
        logs.fetch(["plan_log_id", "server_id", "command_id"])
        steps = logs.filtered("plan_log_id")
        if steps:
            steps.plan_log_id.fetch([*RUN_FIELDS, *self._get_target_fields()])
            steps.server_id.fetch(SERVER_FIELDS)
            steps.command_id.fetch(COMMAND_FIELDS)


class CxTowerPlanLog(models.Model):
    """Makes a line of a flight plan a step."""

    _inherit = "cx.tower.plan.log"

    def _make_step(self, position, line, lane=None):
        """Create the log of one line: queued, waiting, or ended with the reason why it does not run.

        The condition is evaluated here, once: values that change while the step runs do not change whether it runs.
        """
        # sudo: the plan's author decided what runs; whoever started the plan was allowed to run it with all its lines
        command = self.env["cx.tower.command"].browse(line["command_id"]).sudo()
        command.fetch(COMMAND_FIELDS)
        self.server_id.sudo().fetch(SERVER_FIELDS)  # sudo: fills the cache, shows nothing
        own, target = self._custom_values__(), self._run_target()
        values = {
            **self.env["cx.tower.command.log"]._values_on(target),
            "plan_log_id": self.id,
            "plan_line_id": line["id"],
            "position": position,
            "command_id": line["command_id"],
            "user_id": self.user_id.id,
            "label": self.label,
            "condition": line["condition"] or False,
            "variable_values": own.values or False,
        }
        try:
            if command.action != line["action"]:
                raise EngineError(
                    self.env._("The type of the command was changed after the run was started.")
                )
            if not self._is_condition_met(line, own.values):
                values |= {
                    "is_skipped": True,
                    "message": self.env._("Skipped: the condition is false."),
                    "command_status": int(ExitCode.PLAN_LINE_CONDITION_CHECK_FAILED),
                    "state": states.SKIPPED,
                }
            else:
                values |= target._prepare_step(self, line, own)
        except EngineError as error:
            values |= target._refused_values(error.exit_code, str(error))
        Step = self.env["cx.tower.command.log"]
        values = Step._seal_new__(values, own.secrets)
        self._hide_code(command, values)
        return Step._create_step(values, lane)

    def _is_condition_met(self, line, own_values):
        """Return whether the condition of a line lets it run.

        :param own_values: as they are
        :raise engine.errors.ConditionInvalid: the condition cannot be evaluated
        """
        if not line["condition"]:
            return True
        texts = [line["condition"], *conditions.metadata_uses(line["condition"])]
        read = self._run_target()._read_values(texts, own_values, self._tools(), can_name_secrets=False)
        where = self.env._(
            "condition of line “%(line)s” of flight plan “%(plan)s”",
            line=line["name"],
            plan=self.plan_id.name,
        )
        try:
            return conditions.evaluate(line["condition"], read.scope, where, self._own_metadata())
        except ConditionInvalid as error:
            # sudo: finds out whether the message would show a value above the plan's level; shows nothing
            Variable = self.env["cx.tower.variable"].sudo()
            above = [
                ("reference", "in", list(read.scope.stored)),
                ("access_level", ">", self.access_level or "1"),
            ]
            if Variable.search_count(above, limit=1):
                raise ConditionInvalid(error.summary) from None
            raise

    def _own_metadata(self):
        """Return {record: metadata} that conditions of this run read in place of that in ``tower``. Extension point.

        Records: the names in ``engine.plan.conditions.RECORDS``.
        """
        return {}

    def _render_values(self, values, own_values):
        """Return the values of a post-run action; they may use other variables.

        :param own_values: as they are
        :raise engine.errors.RenderingError: one cannot be rendered
        """
        read = self._run_target()._read_values(
            list(values.values()), own_values, self._tools(), can_name_secrets=False
        )
        where = self.env._("value of “%(variable)s”, set in flight plan “%(plan)s”")
        return {
            reference: render_marked(text, read, where % {"variable": reference, "plan": self.plan_id.name})
            for reference, text in values.items()
        }

    def _hide_code(self, command, values):
        """Hide the code in the values of a step's log, where a shortcut opened it to be run but not to be read."""
        if self.shortcut_level and (self.is_code_hidden or command.access_level > self.shortcut_level):
            values["is_code_hidden"] = True
            hide_code(values)

    def _may_see_hidden(self):
        """Return whether the caller may read the code that shortcuts hide."""
        return self.env.user.has_group(ROOT)


class CxTowerRunTargetMixin(models.AbstractModel):
    """Prepares a step on the target of its flight plan's run."""

    _inherit = "cx.tower.run.target.mixin"

    def _prepare_step(self, run, line, own):
        """Return the values of the log of one step: rendered code, limits and guard.

        :param run: log of the flight plan's run
        :param own: its :class:`engine.values.custom.CustomValues`; the caller seals what comes of them
        :param line: the line's document, see ``cx.tower.plan._definition``
        :raise engine.errors.EngineError: the step cannot run
        """
        target = self.sudo()  # sudo: the plan's author decided what runs
        instruction = Instruction.of_line(line)
        values = target._prepare_log(instruction)
        if not line["settings"]["allow_parallel_run"]:
            values["guard_key"] = self._get_guard_key(self.env["cx.tower.command"].browse(line["command_id"]))
        read = target._read_values(target._texts_of(instruction), own.values, run._tools())
        values |= target._render_run(instruction, read)
        self._check_can_be_shown(values["run_input"], own.secrets)
        return values
