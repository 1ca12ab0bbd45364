import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError

from ...engine.database_errors import may_succeed_later
from ...engine.run_request import RunRequest
from ...worker import crash_points
from ..base.transactions import do_all_possible

_logger = logging.getLogger(__name__)

# A pass ends after this time and asks for another one, so that the cron is not killed in the middle of many tasks.
PASS_LIMIT_S = 60
LOOK_AGAIN = timedelta(minutes=1)
# Two processes that want the same task: the later one sees that when it writes.
ATTEMPTS = 5


@dataclass
class Outcome:
    """What came of one time of a task.

    :param logs: runs that were started or refused at once
    :param failures: sentences about what could not be started
    :param skipped: names of what was left out because the run before goes on there
    """

    logs: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    skipped: list = field(default_factory=list)


class CxTowerScheduledTask(models.Model):
    """How scheduled tasks run.

    Each time of a task is one transaction: its runs are queued and its next time is set, or neither. The runs themselves are
    executed by Tower's lanes like any others; nothing here talks to a host.
    """

    _inherit = "cx.tower.scheduled.task"

    # ------------------------------------------------------------------ cron

    @api.model
    def _run_scheduled_tasks(self):
        """Run all tasks that are due, each in a transaction of its own (cron).

        Times that were missed, while Tower was down, are made up for by one run.
        """
        give_up = time.monotonic() + PASS_LIMIT_S
        tried = []
        while task_id := self._run_next_task(tried):
            tried.append(task_id)
            if time.monotonic() > give_up:
                break
        self._look_after_ended()
        # What is due all the same is held by somebody: looking for it at once, again and again, would not help.
        is_done = time.monotonic() <= give_up
        self._plan_cron(fields.Datetime.now() + LOOK_AGAIN if is_done else None)

    @api.model
    def _run_next_task(self, tried):
        """Run one due task, commit, and return its id; None when there is none besides those in ``tried``.

        One that cannot be run stays due, and is looked at again in the next pass; it must not keep the others.
        """
        task = None
        for attempt in range(ATTEMPTS):
            try:
                with self.env.registry.cursor() as cr:
                    tasks = api.Environment(cr, SUPERUSER_ID, {})[self._name]
                    task = tasks._reserve_tasks(1, tried)
                    if not task:
                        return None
                    crash_points.reached("task_reserved")
                    task._run_due()
                    crash_points.reached("task_started")
                    task.env.flush_all()
                    crash_points.reached("task_flushed")
                crash_points.reached("task_committed")
                return task.id
            except Exception as error:
                if may_succeed_later(error):
                    _logger.info("a scheduled task was taken by another process, attempt %s", attempt + 1)
                    continue
                if not task:
                    raise
                _logger.exception("scheduled task %s could not be run", task.id)
                break
        return task.id if task else None

    @api.model
    def _reserve_tasks(self, limit, exclude=()):
        """Return up to ``limit`` due tasks, locked until the end of the transaction.

        Tasks that another process holds are left to it.

        :param exclude: ids of tasks that are not wanted
        """
        self.flush_model(["active", "next_call"])
        self.env.cr.execute(
            """SELECT id FROM cx_tower_scheduled_task
                WHERE active AND next_call <= %s AND id <> ALL(%s)
                ORDER BY next_call, sequence, id
                LIMIT %s
                  FOR NO KEY UPDATE SKIP LOCKED""",
            (fields.Datetime.now(), list(exclude), limit),
            log_exceptions=False,  # that another process was faster is an answer, not an error
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _run_due(self):
        """Run this task, which is due, as its owner, and set its next time."""
        now = fields.Datetime.now()
        try:
            with self.env.cr.savepoint():
                outcome = self._start_as(self.user_id)
        except Exception as error:
            if may_succeed_later(error):
                raise  # another process was faster, or the database went away: nothing has happened
            _logger.exception("scheduled task %s could not run", self.id)
            outcome = Outcome(failures=[self._failure_text(error)])
        self._note_outcome(outcome, now)
        next_call = self._get_next_call(self, max(now, self.next_call))
        self.write({"next_call": next_call} if next_call else {"active": False})

    # ------------------------------------------------------------------ starting

    def action_run(self):
        """Run these tasks now, as the caller and with the caller's rights (button); see :meth:`run`.

        :return: notification that says what was started, and leads to the runs
        """
        logs, failures = self._run_now()
        return logs._started_notification(self.name if len(self) == 1 else "", failures)

    def run(self):
        """Run this task now, as the caller and with the caller's rights. Its schedule stays as it is.

        :return: dict: ``logs``, a list of ``id``, ``reference``, ``server``, ``state``, ``exit_code``; for one server its
            ``id``, ``reference``, ``state``, ``exit_code`` at the top as well; ``model`` of these logs; ``failures``, a list
            of texts: where it could not be started, and why (what was refused at once has a log that says the same)
        :raise AccessError: the caller may not read the task, or what it runs
        :raise UserError: nothing could be started; says why
        """
        self.ensure_one()
        logs, failures = self._run_now()
        # sudo: of runs that the caller has just started
        failures += [f"{log._run_target().name}: {log.message or ''}" for log in logs._never_began().sudo()]
        return {"model": logs._name, "failures": failures, **logs._start_result()}

    def _run_now(self):
        """Return the logs of what was started as the caller, and texts of what could not be."""
        self.check_access("read")
        outcome = Outcome()
        for task in self:
            # sudo: the task can be read; what it runs, and where, is checked as the caller inside
            found = task.sudo()._start_as(self.env.user)
            if not found.logs:
                raise UserError("\n".join(found.failures) or task._skipped_text(found.skipped))
            # sudo: the result is noted by Tower, whoever runs the task
            task.sudo()._note_outcome(found, fields.Datetime.now())
            outcome.logs += found.logs
            outcome.failures += found.failures
        first, *others = outcome.logs
        return first.concat(*others).with_env(self.env), outcome.failures

    def _start_as(self, user):
        """Start what this task runs, with the rights that a person has now.

        :return: :class:`Outcome`
        """
        self.ensure_one()
        task = self.sudo()  # sudo: what the task says; all rights are checked as ``user``
        env = self.env(user=user.id, su=False, context={"lang": user.lang, "tz": user.tz})
        outcome = Outcome()
        problem = task._problem_of(user)
        if problem:
            outcome.failures.append(problem)
            return outcome
        target = task._get_target().with_env(env)
        values = task.custom_variable_value_ids._get_custom_values()
        for places in task._get_run_targets():
            places = task._allowed_places(places.with_env(env), values, outcome)
            places = task._idle_places(places, target, outcome)
            outcome.logs += task._start_all_possible(places, target, values, outcome)
        if not (outcome.logs or outcome.failures or outcome.skipped):
            outcome.failures.append(self.env._("The task has no server to run on. Add one."))
        return outcome

    def _get_run_targets(self):
        """Return what this task runs on: recordsets of models that commands can be run on. Extension point for jets."""
        return [self.server_ids]

    def _problem_of(self, user):
        """Return why nothing of this task can run with a person's rights, or ""."""
        target = self._get_target()
        # Odoo's own user, to which records belong that came with a module, is archived by nature and may do what Root may.
        may = user._is_superuser() or (user.active and user.has_group("cetmix_tower_server.group_manager"))
        if not may:
            return self.env._("%s is not a Manager in Tower. Choose another owner.", user.name)
        if not target or not target.active:
            return self.env._(
                "The task runs “%s”, which is archived. Unarchive it or choose another one.",
                target.name or "",
            )
        if not target.with_user(user).sudo(False).has_access("read"):
            return self.env._(
                "%(user)s may not run “%(target)s”. Choose another owner or give this person access.",
                user=user.name,
                target=target.name,
            )
        return ""

    def _allowed_places(self, places, values, outcome):
        """Return those places where the caller may run something with these custom values; note the others."""
        readable = places._filtered_access("read")
        for place in places - readable:
            # sudo: the owner of the task is told which of its servers it is
            name = place.sudo().name
            outcome.failures.append(
                self.env._("%(place)s: %(user)s has no access.", place=name, user=places.env.user.name)
            )
        others = readable - readable._filtered_access("write") if values else readable.browse()
        try:
            if others:
                others._check_custom_values(values)
        except AccessError as error:
            outcome.failures += [f"{place.name}: {error}" for place in others]
            return readable - others
        return readable

    def _idle_places(self, places, target, outcome):
        """Return those places where no earlier run of this task goes on; a task does not overlap itself."""
        # sudo: its author's decision counts, also where the task was opened and its target was not
        if target.sudo().allow_parallel_run:
            return places
        busy = self._busy_place_ids(places)
        outcome.skipped += [place.name for place in places if place.id in busy]
        return places.filtered(lambda place: place.id not in busy)

    def _busy_place_ids(self, places):
        """Return the ids of those places where a run of this task has not ended."""
        field_name = self.env["cx.tower.run.mixin"]._target_field(places)
        return {place.id for (place,) in self._active_runs([field_name], places)}

    def _active_runs(self, groupby, places=None):
        """Return groups of the runs of these tasks that have not ended.

        :param places: only those on these places
        """
        domain = [("scheduled_task_id", "in", self.ids), ("is_running", "=", True)]
        groups = []
        for model in ("cx.tower.command.log", "cx.tower.plan.log"):
            # sudo: runs that the caller may not see have not ended just the same
            Run = self.env[model].sudo()
            on_places = Run._domain_on(places) if places is not None else []
            groups += Run._read_group([*domain, *on_places], groupby)
        return groups

    def _start_all_possible(self, places, target, values, outcome):
        """Start the target on places; a failure at one of them does not hold up the others. :return: logs"""

        def note(place, error):
            # sudo: the owner of the task may know which of its servers it is
            outcome.failures.append(f"{place.sudo().name}: {self._failure_text(error)}")

        parts = do_all_possible(places, lambda part: self._start_at(part, target, values), note)
        return [log for logs in parts for log in logs]

    def _start_at(self, places, target, values):
        request = RunRequest(variable_values=values, log_values={"scheduled_task_id": self.id})
        return self._start_runs(places, target, request)

    def _failure_text(self, error):
        if isinstance(error, UserError):  # and those made of it: AccessError, ValidationError
            return str(error)
        _logger.error("scheduled task %s failed", self.id, exc_info=error)
        return self.env._("Internal error in Tower: %s. See the Odoo server log.", type(error).__name__)
