import logging
import time

from odoo import SUPERUSER_ID, models
from odoo.exceptions import MissingError, UserError
from psycopg2 import errors as pg_errors

from ...engine import states
from ...engine.database_errors import is_away, may_succeed_later
from ...engine.exit_codes import ExitCode
from ...engine.run_end import Claim, RunEnd
from ...engine.work import HostWork
from ...worker import waited
from ...worker import worker as run_worker

_logger = logging.getLogger(__name__)

#: Another transaction cannot have the log of a run: what it points to is not committed, or locked by the caller.
NOT_ELSEWHERE = (pg_errors.ForeignKeyViolation, pg_errors.LockNotAvailable, pg_errors.UniqueViolation)


class CxTowerRunTargetMixin(models.AbstractModel):
    """Callers that need the end of a run at once.

    The caller's transaction may hold anything: values that nobody else sees yet, locks, a server made a moment ago.
    So the run is prepared in it, and what follows from its end (the server's status, files ...) is written in it.
    In between the caller's transaction is left alone: work on the host needs plain values only.

    ``docs/developer/runs.md``, "Calls that wait for their result", says what becomes of the log when the transaction is
    rolled back or the process dies.
    """

    _inherit = "cx.tower.run.target.mixin"

    def _run_command_and_wait(self, command, request):
        """Run a command on one target, in this thread, and return its end; see :meth:`_run_and_wait`."""
        return self._run_and_wait(
            lambda target: target._create_command_runs(command.with_env(target.env), request)
        )

    def _run_and_wait(self, start, collect=None):
        """Start a run, execute it now, and return its end as plain values.

        :param start: gets this target and returns the log of the run, not dispatched; may be called twice
        :param collect: gets the log with all rights after its end; what it returns is added to the end
        :return: dict: as :meth:`wait` of the log, with ``response``, ``error`` and ``variable_values``
        :raise UserError: a flight plan is to run that was made in the caller's transaction, or on such a server
        """
        self.ensure_one()
        target = self.with_env(self.env(context={}))
        savepoint = self.env.cr.savepoint()
        log = start(target).sudo()  # sudo: the engine continues what the caller was allowed to start
        if log.state == states.WAITING:
            savepoint.close(rollback=True)
            return self._run_plan_and_wait(start, collect)
        work = log._prepare_works()[log.id] if log.state == states.QUEUED else None
        if isinstance(work, HostWork):
            row = log._as_row()
            savepoint.close(rollback=True)
            fence = self._insert_elsewhere(row)
            if fence:
                return self._perform_elsewhere(log.id, fence, work, collect)
            log = start(target).sudo()  # sudo: as above
            work = log._prepare_works()[log.id] if log.state == states.QUEUED else None
        else:
            savepoint.close(rollback=False)
        if work:
            self._perform_here(log, work)
        return log._end_values(collect)

    # ------------------------------------------------------------------ the log in a transaction of its own

    def _insert_elsewhere(self, row):
        """Commit the log of a run in a transaction of its own, taken by this process.

        :param row: of the log, see ``cx.tower.command.log._as_row``
        :return: its fencing token, 0 when it cannot be there without the caller's transaction
        """
        worker = run_worker.get(self.env.cr.dbname)
        try:
            with self.env.registry.cursor() as cr:
                Log = self.env(cr=cr, user=SUPERUSER_ID, context={})["cx.tower.command.log"]
                # Who holds a lock that this waits for may be the caller.
                cr.execute("SET LOCAL lock_timeout = '2s'")
                log = Log._insert_from_row(row)
                # Taken in the transaction that creates it: nobody else can be faster.
                return worker.claim_one(log.env, log.id)
        except NOT_ELSEWHERE:
            return 0

    def _perform_elsewhere(self, log_id, fence, work, collect):
        """Do work on a host whose log is not the caller's, then let its end be followed in the caller's transaction."""
        worker, is_watched = (
            run_worker.get(self.env.cr.dbname),
            self.env["cx.tower.run.backend"]._chosen()._watched,
        )
        while True:
            worker.execute_now(log_id, fence, watched=is_watched, work=work)
            with worker.transaction() as env:
                state, next_id, wait_s = env["cx.tower.run.queue"]._next_of(log_id)
                if state not in states.ACTIVE:
                    break
                # Another attempt, which somebody else may have taken as well.
                taken = worker.claim_one(env, log_id) if next_id and not wait_s else 0
            fence = taken or fence
            if not taken:
                time.sleep(min(max(wait_s, 0.05), 1))
        with self.env.registry.cursor() as cr:
            log = self.env(cr=cr, user=SUPERUSER_ID, context={})["cx.tower.command.log"].browse(log_id)
            if log.fence == fence:  # otherwise somebody else has ended it, and what follows from that
                # sudo: what follows from the end is the engine's work, in the caller's transaction
                self.env["cx.tower.command.log"].sudo().browse(log_id)._follow_end_of(log)
            return log._end_values(collect)

    # ------------------------------------------------------------------ the log in the caller's transaction

    def _perform_here(self, log, work):
        """Do the work of a run that exists in the caller's transaction only, and record its end in there."""
        worker, is_watched = (
            run_worker.get(self.env.cr.dbname),
            self.env["cx.tower.run.backend"]._chosen()._watched,
        )
        trace = {"row": log._as_row(), "end": None}
        log._leave_trace_at_rollback(trace)
        while log.state == states.QUEUED:  # once more where its author allowed another attempt
            fence = self.env["cx.tower.run.queue"]._claim_one(worker.code, log.id)
            record = log.with_env(self.env(user=SUPERUSER_ID, context={}))
            trace["end"] = waited.perform(worker, record, fence, work, is_watched)
            log._finish(trace["end"], Claim(fence))
            if log.state == states.QUEUED:
                time.sleep(log.retry_delay_s)

    # ------------------------------------------------------------------ flight plans

    def _run_plan_and_wait(self, start, collect):
        """Run a flight plan in transactions of its own: each of its steps begins with what those before it committed.

        It does not see what the caller has not committed.
        """
        with self.env.registry.cursor() as cr:
            target = self.with_env(self.env(cr=cr, context={})).exists()
            if not target:
                raise UserError(
                    self.env._(
                        "A flight plan cannot be waited for on a server that was created in the same transaction."
                        " Commit first, or start the plan without waiting."
                    )
                )
            log_id = start(target).id
        self.env["cx.tower.run.backend"]._chosen()._execute_to_the_end(log_id)
        with self.env.registry.cursor() as cr:
            Log = self.env(cr=cr, user=SUPERUSER_ID, context={})["cx.tower.command.log"]
            return Log.browse(log_id)._end_values(collect)


class CxTowerCommandLog(models.Model):
    """A run whose end the caller waits for."""

    _inherit = "cx.tower.command.log"

    def _end_values(self, collect=None):
        """Return the end of this run as plain values, see ``cx.tower.run.target.mixin._run_and_wait``."""
        return (
            self._state_values()
            | {
                "response": self.command_response or "",
                "error": self.command_error or "",
                "variable_values": self.variable_values or {},
            }
            | (collect(self) if collect else {})
        )

    def _as_row(self):
        """Return the row of this log as text that :meth:`_insert_from_row` takes."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT to_jsonb(log)::text FROM cx_tower_command_log log WHERE id = %s", (self.id,)
        )
        return self.env.cr.fetchone()[0]

    def _insert_from_row(self, row):
        """Insert a log with all its columns. :return: the log"""
        self.env.cr.execute(
            "INSERT INTO cx_tower_command_log"
            " SELECT * FROM jsonb_populate_record(NULL::cx_tower_command_log, %s::jsonb) RETURNING id",
            (row,),
            log_exceptions=False,  # the caller handles it
        )
        return self.browse(self.env.cr.fetchone()[0])

    def _follow_end_of(self, ended):
        """Do in this transaction what follows from the end of a log that another transaction has committed.

        The row may be invisible in here, so it is put into the cache.

        :param ended: the same log, in the other transaction
        """
        for field in self._fields.values():
            if field.store and field.column_type:
                value = field.convert_to_cache(ended[field.name], self, validate=False)
                field._insert_cache(self, [value])
        try:
            with self.env.cr.savepoint(flush=False):
                self._on_run_finished()
                self.env.flush_all()
        except Exception as error:
            if is_away(error):
                raise
            if may_succeed_later(error) or isinstance(error, MissingError):
                # Another transaction has changed the same rows. Raising would repeat the whole call, and with it the
                # work on the host. Or something was deleted: then Odoo drops what it has read, and the log cannot be
                # read again in here.
                self.env.invalidate_all(flush=False)
                ended._on_run_finished()
                return
            _logger.exception("run %s: the actions after its end failed", self.id)

    def _leave_trace_at_rollback(self, trace):
        """Have a log written of a run whose own log is lost when its transaction is rolled back.

        :param dict trace: ``row`` of the log, and its ``end`` once that is known
        """
        registry, text = (
            self.env.registry,
            self.env._(
                "The transaction in which it ran was rolled back: everything it wrote in Tower is undone."
            ),
        )

        def write():
            try:
                with registry.cursor() as cr:
                    log = self.with_env(self.env(cr=cr, user=SUPERUSER_ID, context={})).browse()
                    log = log._insert_from_row(trace["row"])
                    end = trace["end"] or RunEnd(int(ExitCode.RUN_INTERRUPTED))
                    log._record_end(end.with_remark(text))
            except Exception as error:
                _logger.info("run %s was rolled back, and its log cannot be kept: %s", self.id, error)

        self.env.cr.postrollback.add(write)
