import logging
from dataclasses import replace

from odoo import models
from odoo.exceptions import UserError

from ...engine.database_errors import may_succeed_later
from ...engine.errors import EngineError
from ...engine.exit_codes import ExitCode
from ...engine.run_end import RunEnd
from ...engine.run_request import RunInput
from ...engine.work import Ended
from ...worker.recorder import OutputSoFar

_logger = logging.getLogger(__name__)


class CxTowerCommandLog(models.Model):
    """Turns a claimed run into the work that a lane does: reads everything it needs, as plain values."""

    _inherit = "cx.tower.command.log"

    def _prepare_works(self, logins=None):
        """Return what is to be done for each of these claimed runs, as plain values.

        A run that cannot be prepared (server without credentials, secret without a value ...) gets its end
        here; the others are not affected.

        :param logins: {server id: Login} that was read a moment ago
        :return: {log id: :class:`engine.work.HostWork`, ``DatabaseWork`` or ``Ended``}
        """
        shared = self.server_id._shared_logins__(logins)
        if len(self) == 1:
            return {self.id: self._prepare_work_or_end(shared)}
        return {log.id: log._prepare_work_isolated(shared) for log in self}

    def _prepare_work_isolated(self, logins):
        """As :meth:`_prepare_work_or_end`, in a savepoint: a refused statement must not affect the next run."""
        try:
            with self.env.cr.savepoint(flush=False):
                return self._prepare_work(logins)
        except Exception as error:
            return self._end_of_unprepared(error)

    def _output_so_far(self):
        """Return {log id: :class:`worker.recorder.OutputSoFar`} of those of these runs that were tried before."""
        return {
            log.id: OutputSoFar(
                log.output_size,
                log.output_skipped,
                self.env._(
                    "\n--- Attempt %(number)s of %(total)s; the previous one ended with exit code %(code)s ---\n",
                    number=log.attempt,
                    total=log.attempts_total,
                    code=log.command_status,
                ),
            )
            for log in self
            if log.attempt > 1
        }

    def _prepare_work_or_end(self, logins):
        try:
            return self._prepare_work(logins)
        except Exception as error:
            return self._end_of_unprepared(error)

    def _end_of_unprepared(self, error):
        """Return the end of this run, which could not be prepared. Raises the error again when another try may help."""
        if isinstance(error, EngineError):
            return Ended(RunEnd.of_error(error))
        if isinstance(error, UserError):
            return Ended(replace(RunEnd.unexpected(error), message=str(error)))
        if may_succeed_later(error):
            raise error  # the database went away: the worker prepares again
        _logger.error("run %s could not be prepared", self.id, exc_info=error)
        return Ended(RunEnd.unexpected(error))

    def _frozen_inputs__(self):
        """Return (:class:`engine.run_request.RunInput`, secrets that stand in it) of this run."""
        document, secrets = self.sudo()._inputs__()  # sudo: the engine reads what it has frozen
        return RunInput.from_plain(document), secrets

    def _prepare_work(self, logins):
        """Return what is to be done for this run, from the runner of its command's action.

        :param logins: :class:`models.server.connection.SharedLogins`
        """
        self.ensure_one()
        if self.stop_requested_date:  # it was claimed at the moment it was stopped
            return Ended(self._end_when_stopped(self.stop_requested_by_id))
        # sudo: the inputs are nobody's to read; the engine needs them to execute the run
        rendered_for = self.sudo()._inputs__()[0].get("action", self.command_action)
        if rendered_for != self.command_action:
            text = self.env._("The type of the command was changed after the run was started.")
            return Ended(RunEnd.prevented(ExitCode.GENERAL_ERROR, text))
        runner = self._run_target()._get_command_runners().get(self.command_action)
        if not runner:
            text = self.env._("No installed addon can run commands of type “%s”.", self.command_action)
            return Ended(RunEnd.prevented(ExitCode.NO_COMMAND_RUNNER_FOUND, text))
        return runner(self, logins)
