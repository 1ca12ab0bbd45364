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
NAMED = 5  # servers or failures that a sentence names; the rest is counted


class CxTowerScheduledTask(models.Model):
    """What came of a task's runs: shown on its form, and told to those who follow it."""

    _inherit = "cx.tower.scheduled.task"

    command_log_ids = fields.One2many("cx.tower.command.log", "scheduled_task_id", string="Command runs")
    plan_log_ids = fields.One2many("cx.tower.plan.log", "scheduled_task_id", string="Flight plan runs")
    run_count = fields.Integer(string="Number of runs", compute="_compute_run_count")
    is_running = fields.Boolean(string="Running", compute="_compute_is_running", search="_search_is_running")
    last_result = fields.Text(string="Last result", compute="_compute_last_result")
    last_note = fields.Text(
        readonly=True, copy=False, help="What the last time left out or could not start, and why."
    )
    failing_since = fields.Datetime(
        string="Failing since",
        readonly=True,
        copy=False,
        help="Since then it fails. Its followers were told once; they are told again after it has worked meanwhile.",
    )
    last_failure = fields.Datetime(readonly=True, copy=False)
    examined_from = fields.Datetime(
        readonly=True, copy=False, help="Runs queued since then have not all been looked at to their end."
    )
    warning_message = fields.Text(compute="_compute_warning_message")

    # ------------------------------------------------------------------ how it stands

    def _compute_run_count(self):
        counts = self._count_runs(SQL("TRUE"))
        for task in self:
            task.run_count = sum(counts.get(task.id, {}).values())

    def _compute_is_running(self):
        """From the runs themselves: nothing that a killed process could leave behind (pitfall 19)."""
        running = {task.id for (task,) in self._active_runs(["scheduled_task_id"])}
        for task in self:
            task.is_running = task.id in running

    def _search_is_running(self, operator, value):
        if operator != "in":
            return NotImplemented
        active = [("scheduled_task_id", "!=", False), ("is_running", "=", True)]
        # sudo: runs that the caller may not see go on just the same
        groups = [self.env[model].sudo()._read_group(active, ["scheduled_task_id"]) for model in LOG_MODELS]
        running = Domain("id", "in", [task.id for group in groups for (task,) in group])
        return Domain.OR(running if wanted else ~running for wanted in set(value))

    @api.depends("last_note", "last_call")
    def _compute_last_result(self):
        """How the runs of the last time stand, then what was noted when it was started."""
        counts = self._count_runs(SQL("run.queued_date >= task.last_call"))
        labels = dict(states.LABELS)
        for task in self:
            ended = ", ".join(
                f"{labels[state]}: {count}" for state, count in sorted(counts.get(task.id, {}).items())
            )
            task.last_result = "\n".join(filter(None, [ended, task.last_note])) or False

    def _count_runs(self, condition):
        """Return {task id: {state: number of runs}} with one query, whoever asks.

        :param condition: SQL about ``run`` (a log) and ``task``
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
        """What keeps the task from running as things stand now."""
        for task in self:
            # sudo: what the owner may not do is what has to be told
            warnings = task._origin and task.sudo()._find_problems()
            task.warning_message = "\n".join(warnings or []) or False

    def _find_problems(self):
        """Return sentences about what keeps this task, or its runs on some servers, from starting."""
        problem = self._problem_of(self.user_id)
        problems = [problem] if problem else []
        servers = self.with_context(active_test=False).server_ids._origin
        archived = servers.filtered(lambda server: not server.active)
        hidden = (servers - archived).with_user(self.user_id).sudo(False)
        hidden -= hidden._filtered_access("read")
        named = (
            (archived, self.env._("Archived, so nothing runs there: %s.")),
            (hidden.sudo(), self.env._("Not open to the owner, so nothing runs there: %s.")),
        )
        problems += [text % self._names(servers.mapped("name")) for servers, text in named if servers]
        if not any(self._get_run_targets()):
            problems.append(self.env._("The task has no server to run on."))
        return problems

    def _names(self, names):
        """Return names as a text that stays short."""
        more = len(names) - NAMED
        return ", ".join([*names[:NAMED], *([self.env._("and %s more", more)] if more > 0 else [])])

    def _skipped_text(self, names):
        return names and self.env._("Left out, because the run before goes on there: %s.", self._names(names))

    # ------------------------------------------------------------------ noting

    def _note_outcome(self, outcome, now):
        """Note what came of one time of this task, and tell its followers when something could not be started."""
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
        """Tell the owner and the followers of this task that it fails; once, until it has worked again."""
        now = fields.Datetime.now()
        self.last_failure = now
        if self.failing_since:
            return
        self.failing_since = now
        intro = self.env._(
            "“%s” has failed. You are told again when it fails after it has worked.", self.name
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
        """Look at the runs that have ended since, and tell followers of what failed; a transaction each task."""
        # sudo: the cron's own reading
        tasks = self.sudo().with_context(active_test=False).search([("examined_from", "!=", False)])
        for task_id in tasks.ids:
            try:
                with self.env.registry.cursor() as cr:
                    self.with_env(self.env(cr=cr)).sudo().browse(task_id)._examine()
            except Exception as error:
                if may_succeed_later(error):
                    _logger.info(
                        "scheduled task %s is being changed; its results are looked at later", task_id
                    )
                    continue
                _logger.exception("the results of scheduled task %s could not be looked at", task_id)

    def _examine(self):
        """Look at how the runs since ``examined_from`` have ended."""
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
        """Return a sentence for each of the newest failed runs."""
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
        """Open the runs of this task.

        :raise AccessError: the caller may not read it
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
