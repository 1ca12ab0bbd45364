"""From the queue to the lanes: claims queued runs and prepares what they need."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from odoo.modules.registry import Registry

from ..engine.database_errors import is_away, may_succeed_later
from ..engine.run_end import RunEnd
from ..engine.work import Ended
from . import crash_points
from .job import Assignment, Job, run_chain
from .lanes import Lanes
from .recorder import KeptOutput, OutputSoFar

if TYPE_CHECKING:
    from .worker import Worker

_logger = logging.getLogger(__name__)

MAX_LANES = 64


class Taker:
    """Takes as many queued runs as there are free lanes.

    :param worker: the worker that executes them
    """

    def __init__(self, worker: Worker):
        self._worker = worker
        self._lanes = Lanes(f"tower-lane-{worker.dbname}")
        # Runs were left in the queue when it was last looked at: they wait for seats
        self.more_queued = False

    def take_runs(self) -> bool:
        """Claim as many runs as there are lanes, prepare them in one transaction and start them.

        :return: whether there may be more to take at once
        """
        worker = self._worker
        free = MAX_LANES - len(worker.in_hand)
        if free <= 0:
            return False
        with worker.transaction() as env:
            self.more_queued = env["cx.tower.run.queue"]._has_queued()
        if not self.more_queued:
            return False
        worker.ensure_lease()
        Registry(worker.dbname).check_signaling()
        crash_points.reached("before_claim")
        claimed = self._claim(free)
        crash_points.reached("taken")
        for job in self.prepare_patiently(claimed):
            try:
                self._lanes.submit(lambda job=job: run_chain(job))
            except RuntimeError:  # no memory for a thread: found as held and not executed, and ended
                _logger.exception("run %s could not be started", job.log_id)
                worker.in_hand.drop(job)
        return len(claimed) == free

    def _claim(self, free: int) -> dict[int, int]:
        """Claim queued runs; what was committed counts, also when the connection breaks right after it.

        If the process dies before the commit, the runs are still queued; after it, they become interrupted.
        """
        claimed: dict[int, int] = {}
        try:
            with self._worker.transaction() as env:
                claimed = env["cx.tower.run.queue"]._claim_retrying(self._worker.code, free)
        except Exception as error:
            if not (claimed and is_away(error)):
                raise
        return claimed

    def prepare_patiently(self, claimed: dict[int, int]) -> list[Job]:
        """Prepare claimed runs, trying again while the database is away: nobody else may take them any more.

        A run that cannot be prepared affects no other: it becomes a job that has ended with the reason.

        :param claimed: {log id: fencing token}
        """
        in_hand = self._worker.in_hand
        in_hand.prepare(claimed)
        try:
            while claimed and not self._worker.is_gone:
                try:
                    return self._prepare(claimed)
                except Exception as error:
                    if may_succeed_later(error):
                        _logger.warning("tower worker: preparing runs again (%s)", error)
                        time.sleep(1)
                    elif len(claimed) > 1:
                        _logger.info(
                            "runs could not be prepared together (%s), preparing them one by one", error
                        )
                        singly = [{log_id: fence} for log_id, fence in claimed.items()]
                        return [job for single in singly for job in self.prepare_patiently(single)]
                    else:
                        return self._make_ended(claimed, error)
            return []
        finally:
            in_hand.prepared(claimed)

    def _prepare(self, claimed: dict[int, int]) -> list[Job]:
        with self._worker.transaction() as env:
            queue = env["cx.tower.run.queue"]
            self.more_queued = queue._has_queued()
            held = queue._still_held(claimed)
            jobs = self.make_jobs(env, held) if held else []
            self._worker.in_hand.add(*jobs)
            return jobs

    def _make_ended(self, claimed: dict[int, int], error: Exception) -> list[Job]:
        """Return the jobs of runs that cannot be prepared at all."""
        _logger.error("runs %s cannot be prepared", list(claimed), exc_info=error)
        work = Ended(RunEnd.unexpected(error))
        jobs = [Job(self._worker, Assignment(log_id, fence, work)) for log_id, fence in claimed.items()]
        self._worker.in_hand.add(*jobs)
        return jobs

    def make_jobs(self, env, claimed: dict[int, int], logins=None) -> list[Job]:
        """Turn claimed runs into jobs, in a transaction that reads all they need.

        :param claimed: {log id: fencing token}
        :param logins: {server id: Login} that was read a moment ago
        """
        logs = env["cx.tower.command.log"].browse(claimed)
        works = logs._prepare_works(logins)
        return [self.make_job(log, claimed[log.id], works[log.id]) for log in logs]

    def make_job(self, log, fence: int, work) -> Job:
        """Return the job of a run whose work is prepared."""
        head = log.env["cx.tower.settings"]._get().output_limit_mb * 1024 * 1024
        kept = KeptOutput(head, head // 4)
        so_far = log._output_so_far().get(log.id, OutputSoFar())
        return Job(self._worker, Assignment(log.id, fence, work, kept, so_far, bool(log.plan_log_id)))
