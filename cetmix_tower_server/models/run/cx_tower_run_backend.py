import time

from odoo import api, models

from ...engine import states
from ...worker import cron_service
from ...worker import worker as run_worker

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1  # between two looks at a run that waits for its next step


class CxTowerRunBackend(models.AbstractModel):
    """Has queued runs executed. This model is the interface; each backend is a model that inherits it.

    A backend decides where and when a queued run is executed. Whether it may begin is decided by the claim
    (``cx.tower.run.queue``), and what follows by the run's end: neither knows which backend is in use. A run that no
    backend ever looks at stays queued; one whose process dies is found interrupted when its lease has run out.
    """

    _name = "cx.tower.run.backend"
    _description = "Tower run backend"

    #: Whether another thread watches over a run that the caller's own thread executes: writes its live output, renews its
    #: lease and passes on requests to stop.
    _watched = True

    # ------------------------------------------------------------------ which one

    @api.model
    def _get_backends(self):
        """Return {value of the setting "backend": model of the backend}. Extension point of addons that bring one."""
        return {"cron": "cx.tower.run.backend.cron", "inline": "cx.tower.run.backend.inline"}

    @api.model
    def _get_label(self):
        """Return what the settings call this backend."""
        raise NotImplementedError

    @api.model
    def _selection(self):
        """Return the backends as the settings offer them: list of (value, label)."""
        return [(name, self.env[model]._get_label()) for name, model in self._get_backends().items()]

    @api.model
    def _chosen(self):
        """Return the model of the backend that the settings name."""
        return self.env[self._get_backends()[self.env["cx.tower.settings"]._get().backend]]

    # ------------------------------------------------------------------ the interface

    @api.model
    def _dispatch(self, runs):
        """Have runs executed that this transaction has created. Called once by whoever started them.

        If the process dies before the commit there are no runs; if it dies behind it, :meth:`_look_after_queue` finds them.

        :param runs: logs of commands or flight plans; those that have ended already are left alone
        """
        raise NotImplementedError

    @api.model
    def _wake(self, at=None, lane=None):
        """Have runs executed that this transaction has put back into the queue: a next step, turn or attempt.

        :param datetime at: not before this moment (UTC)
        :param lane: :class:`engine.run_end.Lane` that leads here: its own process can take what is queued

        The cron does it in the process that runs crons. Where that is this process, its worker is woken without
        the way through the cron; should the process die in between, the cron is still asked.
        """
        cron = self.env.ref("cetmix_tower_server.ir_cron_dispatch_runs", raise_if_not_found=False)
        if cron and not lane:
            # sudo: starting the queue's cron is part of every run, whoever started it
            cron.sudo()._trigger(at)
        if lane or cron_service.has_crons():
            self.env.cr.postcommit.add(run_worker.get(self.env.cr.dbname).wake)

    @api.model
    def _look_after_queue(self):
        """Have runs executed that are in the queue all the same; called by the queue's cron, every minute and when woken."""
        run_worker.get(self.env.cr.dbname).wake()

    @api.model
    def _execute_to_the_end(self, log_id):
        """Execute a run, with all that happens inside it, in this thread; its transactions are its own.

        :param int log_id: committed log of a command
        """
        worker = run_worker.get(self.env.cr.dbname)
        while True:
            with worker.transaction() as env:
                state, next_id, wait_s = env["cx.tower.run.queue"]._next_of(log_id)
                fence = worker.claim_one(env, next_id) if next_id and not wait_s else 0
            if state not in states.ACTIVE:
                return
            if fence:
                worker.execute_now(next_id, fence, watched=self._watched)
            elif next_id or self._watched:
                with worker.transaction() as env:  # what is out of time is not taken any more
                    env["cx.tower.run.queue"]._end_overdue_plans()
                    env["cx.tower.run.queue"]._end_overdue_waits()
                self._pause(wait_s)
            else:
                return  # nobody else takes what is left, and nothing of it can be executed here

    @api.model
    def _pause(self, wait_s):
        """Wait for a run that may continue in ``wait_s`` seconds, or that somebody else executes."""
        time.sleep(min(max(wait_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S))

    @api.model
    def _without_ended(self, runs):
        """Return the logs of commands among these runs, steps of flight plans included, that have not ended, the oldest first."""
        # sudo: only whether they have ended: the person who starts a run may not be able to read its log
        runs = runs.sudo()
        logs = runs if runs._name == "cx.tower.command.log" else runs.command_log_ids
        return logs.filtered(lambda log: log.state in (states.QUEUED, states.WAITING)).sorted("id")


class CxTowerRunBackendCron(models.AbstractModel):
    """The default: a worker in the process that runs Odoo's crons takes queued runs."""

    _name = "cx.tower.run.backend.cron"
    _inherit = "cx.tower.run.backend"
    _description = "Tower run backend: cron"

    @api.model
    def _get_label(self):
        return self.env._("Odoo server (background threads)")

    @api.model
    def _dispatch(self, runs):
        if self._without_ended(runs):
            self._wake()


class CxTowerRunBackendInline(models.AbstractModel):
    """For tests: the thread that starts a run executes it, before the start returns."""

    _name = "cx.tower.run.backend.inline"
    _inherit = "cx.tower.run.backend"
    _description = "Tower run backend: inline"

    _watched = False

    @api.model
    def _get_label(self):
        return self.env._("In the request that starts it (for tests)")

    @api.model
    def _dispatch(self, runs):
        logs = self._without_ended(runs)
        if not logs:
            return
        self.env.flush_all()
        for log_id in logs.ids:
            self._execute_to_the_end(log_id)
        self.env.invalidate_all()  # the runs may have changed anything
