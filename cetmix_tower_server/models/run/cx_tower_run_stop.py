from odoo import api, models

from ...engine import states
from ...worker import worker as run_worker
from ..base.transactions import ATTEMPTS, in_own_transaction


class CxTowerRunStop(models.AbstractModel):
    """Requests the stop of runs whose rows are changed by lanes all the time.

    In the caller's transaction, which sees the rows as they were when it began, a request would collide with the lanes
    again and again. So it has transactions of its own. The first one reads each row as it is when its turn comes (READ
    COMMITTED) and marks everything that is active, all or nothing. From its commit on, a lane that was about to record the
    end of a step collides, records that end again, and finds the mark; nothing new is started. The following
    transactions end what is queued and pass the request on to what waiting runs wait for. If the process dies in between, the cron does that, and whoever takes a marked run
    ends it. A request stays in effect when the caller's transaction is rolled back.
    """

    _name = "cx.tower.run.stop"
    _description = "Tower Stop Requests"

    @api.model
    def _ask(self, runs, user):
        """Request the stop of runs, and of everything inside them. The caller has checked the right to do so.

        Runs that only the caller's transaction knows, or has changed, are stopped in that transaction.

        :param runs: command logs, flight plan logs or fleet runs, as superuser
        :param user: who asked; empty when a time limit was reached
        """
        apart = self._seen_by_all(runs - self._around_this_thread(runs))
        if apart:
            marked = self._apart(lambda stop: stop._mark(apart.with_env(stop.env), user), read_committed=True)
            if marked is None:
                apart = runs.browse()
            else:
                self._end_queued_apart(apart, marked, user)
                self.env.invalidate_all()
        for run in runs - apart:
            run._request_stop(user)

    @api.model
    def _around_this_thread(self, runs):
        """Return those of these runs that the calling Python command is part of: nobody else continues them."""
        log_id = run_worker.get(self.env.cr.dbname).held_by_this_thread()
        # sudo: finds out which run the calling code belongs to; that decides only in which transaction the stop is requested
        log = self.env["cx.tower.command.log"].sudo().browse(log_id or [])
        around = set()
        while log:
            plan_log = log.plan_log_id
            around |= {log, plan_log, log.fleet_run_id, plan_log.fleet_run_id}
            log = plan_log.triggering_command_log_id
        return runs.filtered(lambda run: run in around)

    @api.model
    def _seen_by_all(self, runs):
        """Return those of these runs that are committed."""
        if not runs:
            return runs
        self.env.flush_all()
        with self.env.registry.cursor() as cr:
            return runs.with_env(self.env(cr=cr)).exists().with_env(self.env)

    @api.model
    def _apart(self, do, read_committed=False):
        """Do something in a transaction of its own, see ``in_own_transaction``.

        :param do: called with this model in that transaction
        """
        return in_own_transaction(
            self.env, lambda env: do(self.with_env(env)), "stop request", read_committed
        )

    # ------------------------------------------------------------------
    # Marking
    # ------------------------------------------------------------------

    @api.model
    def _mark(self, runs, user):
        """Mark runs and what is active inside them.

        :return: ids of the command logs that were marked
        """
        mark = {
            "cx.tower.command.log": self._mark_commands,
            "cx.tower.plan.log": self._mark_plans,
            "cx.tower.fleet.run": self._mark_fleets,
        }[runs._name]
        return mark(runs.ids, user)

    @api.model
    def _mark_commands(self, log_ids, user):
        self.env.cr.execute(
            """UPDATE cx_tower_command_log
                  SET stop_requested_by_id = %s, stop_requested_date = clock_timestamp() AT TIME ZONE 'UTC'
                WHERE id = ANY(%s) AND state = ANY(%s) RETURNING id, triggered_plan_log_id""",
            (user.id or None, list(log_ids), list(states.ACTIVE)),
        )
        rows = self.env.cr.fetchall()
        inside = [plan_log_id for _log_id, plan_log_id in rows if plan_log_id]
        return [log_id for log_id, _plan_log_id in rows] + (self._mark_plans(inside, user) if inside else [])

    @api.model
    def _mark_plans(self, plan_log_ids, user):
        """Mark flight plan runs and those inside them, until no further ones are found; then their steps.

        A step is created in a transaction that changes its run's row: when all rows are marked there is no other step.
        """
        marked, found = [], True
        while found:
            self.env.cr.execute(
                """WITH RECURSIVE tree (id) AS (
                       SELECT unnest(%s::int[])
                        UNION
                       SELECT run.id FROM cx_tower_plan_log run JOIN tree ON run.parent_flight_plan_log_id = tree.id)
                   UPDATE cx_tower_plan_log run
                      SET stop_requested_by_id = %s, stop_requested_date = clock_timestamp() AT TIME ZONE 'UTC'
                     FROM tree
                    WHERE run.id = tree.id AND run.state = ANY(%s) AND run.id <> ALL(%s::int[]) RETURNING run.id""",
                (list(plan_log_ids), user.id or None, list(states.ACTIVE), marked),
            )
            found = [row[0] for row in self.env.cr.fetchall()]
            marked += found
        self.env.cr.execute(
            """UPDATE cx_tower_command_log
                  SET stop_requested_by_id = %s, stop_requested_date = clock_timestamp() AT TIME ZONE 'UTC'
                WHERE plan_log_id = ANY(%s) AND state = ANY(%s) RETURNING id""",
            (user.id or None, marked, list(states.ACTIVE)),
        )
        return [row[0] for row in self.env.cr.fetchall()]

    @api.model
    def _mark_fleets(self, fleet_ids, user):
        """Mark fleet runs and their members, and once more the members whose turn came in between."""
        before = self._mark_members(fleet_ids, user)
        self.env["cx.tower.fleet.run"].browse(fleet_ids)._mark_stopping(user)
        return list(dict.fromkeys([*before, *self._mark_members(fleet_ids, user)]))

    @api.model
    def _mark_members(self, fleet_ids, user):
        marked = []
        for model, mark in (
            ("cx.tower.command.log", self._mark_commands),
            ("cx.tower.plan.log", self._mark_plans),
        ):
            table = self.env[model]._table
            self.env.cr.execute(
                f"SELECT id FROM {table} WHERE fleet_run_id = ANY(%s) AND state = ANY(%s) AND NOT COALESCE(is_held, FALSE)"
                " ORDER BY id",  # pylint: disable=sql-injection  # a table of ours
                (list(fleet_ids), list(states.ACTIVE)),
            )
            members = [row[0] for row in self.env.cr.fetchall()]
            marked += mark(members, user) if members else []
        return marked

    # ------------------------------------------------------------------
    # Waiting runs
    # ------------------------------------------------------------------

    @api.model
    def _end_overdue(self, log_ids):
        """Stop what waiting runs wait for whose time is over.

        If the process dies between the two transactions, :meth:`_stop_marked` makes up for it.
        """
        marked = self._apart(lambda stop: stop._mark_overdue(log_ids), read_committed=True)
        if marked:
            self._stop_marked(marked)

    @api.model
    def _mark_overdue(self, log_ids):
        self.env.cr.execute(
            "UPDATE cx_tower_command_log SET wait_timed_out = TRUE WHERE id = ANY(%s) AND state = 'waiting' RETURNING id",
            (list(log_ids),),
        )
        return [row[0] for row in self.env.cr.fetchall()]

    @api.model
    def _stop_marked(self, log_ids):
        """Pass requests to stop on to what these waiting runs wait for; the requests are committed.

        In its own transaction, without a lock on these runs: what is stopped may end them in yet another one.
        """
        self._apart(lambda stop: stop._stop_waits(log_ids))
        self.env.invalidate_all()

    @api.model
    def _stop_waits(self, log_ids):
        # sudo: the right to stop was checked, or the time is over
        logs = self.env["cx.tower.command.log"].browse(log_ids).sudo().exists()
        for user, stopped in logs.grouped("stop_requested_by_id").items():
            stopped._stop_waiting(user)

    # ------------------------------------------------------------------
    # Ending what is queued
    # ------------------------------------------------------------------

    @api.model
    def _end_queued_apart(self, runs, log_ids, user):
        """End what is marked and queued. A run that is taken meanwhile is ended by whoever took it."""
        for _attempt in range(ATTEMPTS):
            left = self._apart(lambda stop: stop._end_queued(runs.with_env(stop.env), log_ids, user))
            if not left:
                return

    @api.model
    def _end_queued(self, runs, log_ids, user):
        """End the queued ones among these command logs, and the held members of fleet runs.

        :return: whether there is something left to end
        """
        if runs._name == "cx.tower.fleet.run":
            for fleet in runs:
                fleet._end_held(self.env._("Stopped by %s before its turn.", user.name))
        logs = self.env["cx.tower.command.log"].browse(log_ids).sudo()  # sudo: the right to stop was checked
        self._end_before_start(logs)
        logs._stop_waiting(user)
        if runs._name == "cx.tower.fleet.run":
            for fleet in runs:
                fleet._end_if_nothing_is_left()
        self.env.flush_all()
        logs.invalidate_recordset(["state"], flush=False)
        return any(log.state == states.QUEUED for log in logs.exists())

    @api.model
    def _end_before_start(self, logs):
        """End those of these command logs that are queued, each in a savepoint: a worker may take one at this moment."""
        logs.fetch(["state", "stop_requested_by_id"])
        self.env["cx.tower.run.queue"]._do_each(
            logs.filtered(lambda log: log.state == states.QUEUED),
            lambda log: log._finish(log._end_when_stopped(log.stop_requested_by_id)),
            lambda log, error: log._record_end(log._end_when_stopped(log.stop_requested_by_id)),
        )
