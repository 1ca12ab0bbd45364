import logging

from odoo import api, fields, models
from odoo.tools import SQL

from ...engine import states
from ...engine.bounded.pool import TooSlowHere
from ...engine.exit_codes import ExitCode
from ...engine.run_end import NOTHING, Following, RunEnd
from ..base.transactions import must_be_repeated

_logger = logging.getLogger(__name__)


class CxTowerCommandLog(models.Model):
    """Runs that wait for something else to end, such as the flight plan inside them.

    A waiting run has no process, no seat and no lease. It is ended in the transaction in which what it waits for ends
    (:meth:`_waited_for_ended`), so there is no moment at which a process that dies could leave it behind.
    """

    _inherit = "cx.tower.command.log"

    awaits_begin = fields.Boolean(
        readonly=True, copy=False, help="It has yet to start what it waits for: its turn has not come."
    )
    wait_deadline = fields.Datetime(
        readonly=True, copy=False, help="What it waits for is stopped when it takes longer than this."
    )
    wait_timed_out = fields.Boolean(
        readonly=True, copy=False, help="The timeout was reached and what it waits for was asked to stop."
    )

    _wait_deadlines = models.Index("(wait_deadline) WHERE state = 'waiting'")

    # ------------------------------------------------------------------
    # Extension points
    # ------------------------------------------------------------------

    def _begin_waiting(self, lane=None):
        """Start what this run waits for. Extension point: an action in ``_get_waiting_actions`` overrides it.

        Called as superuser, in a savepoint of the transaction that creates the run (in a fleet run: that gives it its
        turn). An exception ends this run only.

        :param lane: :class:`engine.run_end.Lane` that led here; None outside of lanes
        :return: ``NOTHING`` to keep the run waiting, or what :meth:`_end_waiting` returns to end it at once
        """
        self.ensure_one()
        text = self.env._("No installed addon can run commands of type “%s”.", self.command_action)
        return self._end_waiting(RunEnd.prevented(ExitCode.NO_COMMAND_RUNNER_FOUND, text), lane)

    def _stop_waited(self, user):
        """Ask what these waiting runs wait for to stop. Extension point; call ``super()``.

        May be called again while the stop is going on. Does not end the runs: whoever sees the end of what they wait for
        does, and runs with nothing left to wait for are ended by the caller.

        :param user: who asked; empty when a time limit was reached
        """

    @api.model
    def _get_waited_for_conditions(self):
        """Return SQL conditions on the row ``log`` of a waiting run: one of them holds as long as it has something to wait for.

        Extension point; add to what ``super()`` returns. One query asks them for any number of runs.
        """
        return []

    def _get_waiting_texts(self):
        """Return {log id: sentence that says what the run waits for}, for those of these waiting runs that know.

        Extension point; add to what ``super()`` returns, with a constant number of queries. Called as superuser; the text is
        shown to everybody who may read the log.
        """
        return {}

    def _can_begin_before_its_turn(self):
        """Return whether this member of a fleet run, or step of one, may begin before its turn because what it starts is held
        until then. Extension point."""
        return False

    # ------------------------------------------------------------------
    # Beginning
    # ------------------------------------------------------------------

    def _begin_or_hold(self, lane=None):
        """Begin to wait; while a fleet run is being set up, leave that to the run's turn.

        :param lane: as of :meth:`_begin_waiting`
        :return: ``Decided`` or :class:`engine.run_end.Following`, for ``cx.tower.plan.log._carry_out``
        """
        self.ensure_one()
        fleet = self._fleet_around()
        if fleet and not fleet.start_date and not self._can_begin_before_its_turn():
            return NOTHING
        return self._begin_or_end(lane)

    def _fleet_around(self):
        """Return the fleet run that this run is a member of, or a step of a member."""
        log = self.sudo()  # sudo: finds out whether the run has to wait for its turn; shows nothing
        top = log.plan_log_id.top_plan_log_id
        return (top.fleet_run_id or top.triggering_command_log_id.fleet_run_id) if top else log.fleet_run_id

    def _begin_or_end(self, lane=None):
        """Begin to wait. An error ends this run, and nothing else. Parameters and return: as of :meth:`_begin_or_hold`."""
        try:
            with self.env.cr.savepoint():
                following = self._begin_waiting(lane) or NOTHING
                if not isinstance(following, Following):
                    return following
                if self.state == states.WAITING:
                    self._note_waiting()
                elif following == NOTHING and self.plan_log_id:
                    # What it waits for has ended in here, see _waited_for_ended
                    return self._follow_waiting(lane)
                return following
        except Exception as error:
            if isinstance(error, TooSlowHere):
                raise
            return self._end_waiting(self._end_of_unprepared(error).end, lane)

    def _note_waiting(self):
        """Note that this run has begun to wait, and until when it may.

        Only an explicit timeout of the command counts, and the time limit of the flight plan around it: the default timeouts
        are meant for commands on hosts. The flight plan runs from now on, if this is its first step.
        """
        settings = self._inputs__()[0].get("settings") or {}
        self.env.cr.execute(
            """UPDATE cx_tower_command_log log
                  SET awaits_begin = FALSE, start_date = clock_timestamp() AT TIME ZONE 'UTC',
                      wait_deadline = LEAST(
                          (clock_timestamp() AT TIME ZONE 'UTC') + make_interval(secs => NULLIF(%s, 0)),
                          (SELECT deadline FROM cx_tower_plan_log run WHERE run.id = log.plan_log_id))
                WHERE id = %s RETURNING wait_deadline""",
            (settings.get("timeout_s") or 0, self.id),
        )
        (deadline,) = self.env.cr.fetchone()
        self.invalidate_recordset(["awaits_begin", "start_date", "wait_deadline"], flush=False)
        if self.plan_log_id:
            self.env["cx.tower.run.queue"]._note_plans_began(self.ids)
        if deadline:
            self.env["cx.tower.run.backend"]._chosen()._wake(at=deadline)

    # ------------------------------------------------------------------
    # End
    # ------------------------------------------------------------------

    def _end_waiting(self, end, lane=None):
        """End this run from within :meth:`_begin_waiting`.

        :param end: :class:`engine.run_end.RunEnd`
        :return: ``Decided`` or :class:`engine.run_end.Following`, for ``cx.tower.plan.log._carry_out``
        """
        return self._follow_waiting(lane) if self._record_end(end) else NOTHING

    def _follow_waiting(self, lane=None):
        """Do what follows from the end of this run, up to the decision of its flight plan. :return: as :meth:`_end_waiting`"""
        if not self.plan_log_id:
            return self._on_run_finished(lane) or NOTHING
        self._apply_end()
        return self.plan_log_id._decide_after(self)

    def _waited_for_ended(self, end):
        """End this run because what it waits for has ended; its flight plan continues.

        Called in the transaction of that event, by whoever sees it. The next step of the flight plan is queued. An error in
        what follows is logged and does not affect the event.

        :param end: :class:`engine.run_end.RunEnd`
        :return: whether this call ended the run; False when it had ended already
        :raise Exception: another transaction was faster or the database is away: record the event again
        """
        self.ensure_one()
        # sudo: nobody may write logs; the engine continues what was started with the right to do so
        log = self.sudo()
        if log.state != states.WAITING:
            return False
        if log.wait_timed_out and end.exit_code != ExitCode.OK:
            end = end.out_of_time_to_wait()
        if log.awaits_begin and log.plan_log_id:  # it is just about to begin: _begin_or_end continues
            return bool(log._record_end(end))
        return log._end_outside_of_lanes(end)

    def _end_outside_of_lanes(self, end):
        """Do what :meth:`_waited_for_ended` says."""
        try:
            with self.env.cr.savepoint():
                ended = self._finish(end) is not None
        except Exception as error:
            if must_be_repeated(error):
                raise
            _logger.exception("run %s: the actions after its end failed", self.id)
            # The queue's cron continues the flight plan
            ended = bool(self._record_end(end.without_following(error)))
        if ended:
            self._announce([], self.ids)
        return ended

    def _with_waited_for(self):
        """Return those of these waiting runs that still have something to wait for; one query."""
        if not self:
            return self
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT log.id FROM cx_tower_command_log log WHERE log.id = ANY(%s) AND %s",
                self.ids,
                self._waited_for_sql(),
            )
        )
        return self.browse(row[0] for row in rows)

    @api.model
    def _waited_for_sql(self):
        """Return the SQL condition that the waiting run ``log`` has something to wait for."""
        conditions = [SQL("(%s)", condition) for condition in self._get_waited_for_conditions()]
        return SQL("(%s)", SQL(" OR ").join(conditions)) if conditions else SQL("FALSE")

    def _collide_with_other_ends(self):
        """Call this before looking whether another thing that this run waits for is still active.

        Two transactions that end one of them each do not see each other: both would leave the run waiting. This makes one of
        them fail with a serialization error, so that its event is recorded again and sees the other one.
        """
        self.env.cr.execute(
            "UPDATE cx_tower_command_log SET awaits_begin = awaits_begin WHERE id = ANY(%s) AND state = 'waiting'",
            (self.ids,),
            log_exceptions=False,  # losing the race is not an error
        )

    # ------------------------------------------------------------------
    # Stop and time limit
    # ------------------------------------------------------------------

    def _stop_waiting(self, user):
        """Pass a request to stop on to what these runs wait for. Those with nothing left to wait for end.

        :param user: who asked; empty when a time limit was reached
        """
        waiting = self.filtered(lambda log: log.state == states.WAITING)
        if not waiting:
            return
        self.env["cx.tower.run.queue"]._do_in_savepoint(
            lambda: waiting._stop_waited(user), f"stopping what runs {waiting.ids} wait for"
        )
        with_nothing = waiting - waiting._with_waited_for()
        with_nothing.invalidate_recordset(["state"], flush=False)
        for log in with_nothing.filtered(lambda log: log.state == states.WAITING):
            log._end_outside_of_lanes(log._end_of_stopped_wait(user))

    def _end_of_stopped_wait(self, user):
        """Return the end of a run that is stopped and has nothing left to wait for."""
        if self.wait_timed_out:
            return RunEnd(int(ExitCode.COMMAND_TIMED_OUT)).out_of_time_to_wait()
        text = (
            self.env._("Stopped by %s while it was waiting.", user.name)
            if user
            else self.env._("Stopped while it was waiting.")
        )
        return RunEnd(int(ExitCode.COMMAND_STOPPED), text)
