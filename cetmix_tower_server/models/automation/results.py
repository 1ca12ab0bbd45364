import logging

from markupsafe import Markup
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...engine import states
from ...engine.database_errors import may_succeed_later

_logger = logging.getLogger(__name__)

LOG_MODELS = ("cx.tower.command.log", "cx.tower.plan.log")
BAD_ENDS = (states.FAILED, states.INTERRUPTED)
NAMED = 5  # servers or failures that a message names; the rest is counted


class CxTowerScheduledTask(models.Model):
    """The results of a task's runs: shown on its form, and reported to its followers when they fail."""

    _inherit = "cx.tower.scheduled.task"

    command_log_ids = fields.One2many("cx.tower.command.log", "scheduled_task_id", string="Command runs")
    plan_log_ids = fields.One2many("cx.tower.plan.log", "scheduled_task_id", string="Flight plan runs")
    run_count = fields.Integer(string="Number of runs", compute="_compute_run_count")
    is_running = fields.Boolean(string="Running", compute="_compute_is_running", search="_search_is_running")
    last_result = fields.Text(string="Last result", compute="_compute_last_result")
    last_note = fields.Text(
        readonly=True, copy=False, help="What the last start skipped or could not start, and why."
    )
    failing_since = fields.Datetime(
        string="Failing since",
        readonly=True,
        copy=False,
        help=(
            "The task has been failing since then. Its followers are notified once, and again only after "
            "it has worked in between."
        ),
    )
    last_failure = fields.Datetime(readonly=True, copy=False)
    examined_from = fields.Datetime(
        readonly=True, copy=False, help="The results of runs queued since then have not been evaluated yet."
    )
    warning_message = fields.Text(compute="_compute_warning_message")

    # ------------------------------------------------------------------ shown on the form

    def _compute_run_count(self):
        counts = self._count_runs(SQL("TRUE"))
        for task in self:
            task.run_count = sum(counts.get(task.id, {}).values())

    def _compute_is_running(self):
        """Computed from the runs themselves, so a killed process cannot leave a stale flag behind."""
        running = {task.id for (task,) in self._active_runs(["scheduled_task_id"])}
        for task in self:
            task.is_running = task.id in running

    def _search_is_running(self, operator, value):
        if operator != "in":
            return NotImplemented
        active = [("scheduled_task_id", "!=", False), ("is_running", "=", True)]
        # sudo: counts the active runs of everyone; only ids of tasks leave this method, through the caller's search
        groups = [self.env[model].sudo()._read_group(active, ["scheduled_task_id"]) for model in LOG_MODELS]
        running = Domain("id", "in", [task.id for group in groups for (task,) in group])
        return Domain.OR(running if wanted else ~running for wanted in set(value))

    @api.depends("last_note", "last_call")
    def _compute_last_result(self):
        """The states of the last runs, followed by the notes from their start."""
        counts = self._count_runs(SQL("run.queued_date >= task.last_call"))
        labels = dict(states.LABELS)
        for task in self:
            ended = ", ".join(
                f"{labels[state]}: {count}" for state, count in sorted(counts.get(task.id, {}).items())
            )
            task.last_result = "\n".join(filter(None, [ended, task.last_note])) or False

    def _count_runs(self, condition):
        """Return {task id: {state: number of runs}} with one query. Counts all runs, also those the caller may not read.

        :param condition: SQL condition on ``run`` (a log) and ``task``
        """
        for model in LOG_MODELS:
            self.env[model].flush_model(["scheduled_task_id", "state", "queued_date"])
        self.flush_model(["last_call", "examined_from"])
        rows = SQL(" UNION ALL ").join(
            SQL(
                "SELECT task.id, run.state FROM cx_tower_scheduled_task task JOIN %s run"
                " ON run.scheduled_task_id = task.id AND %s WHERE task.id = ANY(%s)",
                SQL.identifier(self.env[model]._table),
                condition,
                self.ids,
            )
            for model in LOG_MODELS
        )
        counts = {}
        for task_id, state, count in self.env.execute_query(
            SQL("SELECT id, state, count(*) FROM (%s) run GROUP BY id, state", rows)
        ):
            counts.setdefault(task_id, {})[state] = count
        return counts

    @api.depends("action", "command_id", "plan_id", "server_ids", "user_id")
    def _compute_warning_message(self):
        """Problems that would currently keep the task from running."""
        for task in self:
            # sudo: names servers that the owner may not access; that is the purpose of the warning
            warnings = task._origin and task.sudo()._find_problems()
            task.warning_message = "\n".join(warnings or []) or False

    def _find_problems(self):
        """Return the reasons why this task, or its runs on some servers, would not start."""
        problem = self._problem_of(self.user_id)
        problems = [problem] if problem else []
        for places in self.with_context(active_test=False)._get_run_targets():
            problems += self._find_skipped(places._origin)
        if not any(self._get_run_targets()):
            problems.append(self.env._("The task has no server to run on. Add one."))
        return problems

    def _find_skipped(self, places):
        """Return sentences about those of these servers, or other targets, on which this task does not run."""
        archived = places.filtered(lambda place: not place.active)
        hidden = (places - archived).with_user(self.user_id).sudo(False)
        hidden -= hidden._filtered_access("read")
        named = (
            (archived, self.env._("Skipped, because archived: %s.")),
            # sudo: whoever may read the task is told the names of its servers
            (hidden.sudo(), self.env._("Skipped, because the owner has no access: %s.")),
        )
        return [text % self._names(found.mapped("name")) for found, text in named if found]

    def _names(self, names):
        """Return names as text, shortened to the first few."""
        more = len(names) - NAMED
        return ", ".join([*names[:NAMED], *([self.env._("and %s more", more)] if more > 0 else [])])

    def _skipped_text(self, names):
        return names and self.env._(
            "Skipped, because the previous run is still active: %s.", self._names(names)
        )

    # ------------------------------------------------------------------ recorded and reported

    def _note_outcome(self, outcome, now):
        """Record the outcome of a start of this task, and notify its followers if something could not be started."""
        # sudo: only the states; names and messages are read as the caller
        failures = outcome.failures + [
            f"{log.server_name}: {log.message or ''}"
            for log in outcome.logs
            if log.sudo().state == states.FAILED
        ]
        note = [*failures[:NAMED]]
        if len(failures) > NAMED:
            note.append(self.env._("and %s more failures.", len(failures) - NAMED))
        note += filter(None, [self._skipped_text(outcome.skipped)])
        self.write(
            {
                "last_call": now,
                "last_note": "\n".join(note) or False,
                "examined_from": self.examined_from or now,
            }
        )
        if outcome.failures:
            self._note_failing(note)

    def _note_failing(self, lines):
        """Notify the owner and the followers of this task that it fails. Only once, until it has worked again."""
        now = fields.Datetime.now()
        self.last_failure = now
        if self.failing_since:
            return
        self.failing_since = now
        intro = self.env._(
            "“%s” has failed. You will be notified again only if it fails after it has worked in between.",
            self.name,
        )
        body = Markup("<p>%s</p><ul>%s</ul>") % (
            intro,
            Markup().join(Markup("<li>%s</li>") % line for line in lines),
        )
        self.message_post(
            body=body,
            subject=self.env._("Scheduled task “%s” has failed", self.name),
            partner_ids=self.user_id.partner_id.ids,
            subtype_xmlid="mail.mt_comment",
        )

    @api.model
    def _look_after_ended(self):
        """Evaluate the runs that have ended, and notify followers of failures. One transaction per task (cron)."""
        # sudo: the cron evaluates the runs of all tasks
        tasks = self.sudo().with_context(active_test=False).search([("examined_from", "!=", False)])
        for task_id in tasks.ids:
            try:
                with self.env.registry.cursor() as cr:
                    self.with_env(self.env(cr=cr)).sudo().browse(task_id)._examine()
            except Exception as error:
                if may_succeed_later(error):
                    _logger.info(
                        "scheduled task %s is being changed; its results are evaluated later", task_id
                    )
                    continue
                _logger.exception("the results of scheduled task %s could not be evaluated", task_id)

    def _examine(self):
        """Evaluate the runs since ``examined_from``."""
        counts = self._count_runs(SQL("run.queued_date >= task.examined_from")).get(self.id, {})
        failed = sum(counts.get(state, 0) for state in BAD_ENDS)
        if failed:
            self._note_failing(self._failed_lines())
        if any(counts.get(state) for state in states.ACTIVE):
            return
        if self.failing_since and counts and self.last_failure < self.last_call:
            self.failing_since = False
        self.examined_from = False

    def _failed_lines(self):
        """Return a line of text for each of the latest failed runs."""
        domain = [
            ("scheduled_task_id", "=", self.id),
            ("state", "in", BAD_ENDS),
            ("queued_date", ">=", self.examined_from),
        ]
        logs = [
            log
            for model in LOG_MODELS
            for log in self.env[model].search(domain, order="id desc", limit=NAMED)
        ]
        return [f"{log.name}: {log.message or self.env._('exit code %s', log._exit_code())}" for log in logs]

    # ------------------------------------------------------------------ opening

    def action_open_runs(self):
        """Open the list of this task's runs.

        :raise AccessError: the caller may not read the task
        """
        self.ensure_one()
        self.check_access("read")
        model = "cx.tower.plan.log" if self.action == "plan" else "cx.tower.command.log"
        return {
            "type": "ir.actions.act_window",
            "name": self.env[model]._get_title(),
            "res_model": model,
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [("scheduled_task_id", "=", self.id)],
        }
