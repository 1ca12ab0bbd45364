import logging

from odoo import models
from odoo.tools.safe_eval import safe_eval
from psycopg2 import OperationalError
from psycopg2.errors import DeadlockDetected, SerializationFailure

from ...engine.exit_codes import ExitCode
from ...engine.masking.masker import Masker
from ...engine.python import author_code
from ...engine.run_end import RunEnd
from ...engine.ssh.running.command_result import Outcome
from ...engine.template import placeholders
from ...engine.values.plain import UnstorableValue, plain, storable_text
from ...engine.work import DatabaseWork, Ended
from ...worker.stops_and_time_limits import RunAborted

_logger = logging.getLogger(__name__)

EXIT_CODE_MAX = 2**31 - 1  # what a column of the database holds


class CxTowerServer(models.Model):
    """Turns claimed runs of Python commands into work for a lane."""

    _inherit = "cx.tower.server"

    def _get_command_runners(self):
        return {**super()._get_command_runners(), "python_code": self._command_runner_python_code}

    def _command_runner_python_code(self, log, logins):
        """Return the work of a Python command; it runs as the person who started the run, and for nobody else."""
        if not log.user_id:  # Odoo would take "nobody" for its superuser
            text = self.env._("The person who started the run was deleted, so its Python code is not run.")
            return Ended(RunEnd.prevented(ExitCode.PYTHON_COMMAND_ERROR, text))
        inputs, carried = log._frozen_inputs__()
        values = log._run_target()._get_secrets__(inputs.secrets)
        code = placeholders.resolve_in_python(inputs.code, inputs.nonce, values)
        masker = Masker((*carried, *values.items()))
        user_id = log.user_id.id

        def perform(job, record):
            return record.with_user(user_id).sudo(False)._perform_python(code, masker)

        settings = inputs.settings
        return DatabaseWork(perform, masker, self._clocks(settings).step_timeout_s, settings["idempotent"])


class CxTowerCommandLog(models.Model):
    """Evaluates the code of a Python command."""

    _inherit = "cx.tower.command.log"

    def _perform_python(self, code, masker):
        """Evaluate a Python command in this transaction and return how it ended.

        :param str code: rendered code with the secrets in it; it must not reach a log or an error unmasked
        :param masker: masks the message of the result
        :raise engine.python.author_code.PythonCodeError: the code was refused or raised; the text is masked
        """
        self.ensure_one()
        own = self.sudo()._custom_values__()  # sudo: the run's custom values, for the code of that run
        custom_values = dict(own.values)
        context = self.env["cx.tower.command"]._get_python_command_eval_context(
            custom_values=custom_values, **self._run_target()._get_python_scopes(self)
        )
        context["_logger"] = CommandLogger(self.server_id, masker)
        try:
            author_code.check(code)
            safe_eval(code, context, mode="exec", filename=author_code.FILENAME)
            if not isinstance(context.get("custom_values") or {}, dict):
                raise TypeError("custom_values must stay a dictionary")
            kept = plain(context.get("custom_values") or {}, "custom_values")
            end = _end_of(context.get("result"), masker)
            self.env.flush_all()
        except (RunAborted, SerializationFailure, DeadlockDetected):
            raise
        except Exception as error:
            if (
                self.env.cr.closed
            ):  # no fault of the code; where it stood when that happened is of no use to anybody
                raise OperationalError("the connection to the database broke") from None
            # from None: the original exception carries the code, and with it the secrets
            explained = author_code.explain(error)
            raise author_code.PythonCodeError(masker.mask(str(explained)), explained.line) from None
        own = own.changed(kept, masker.secrets__)
        # sudo: the engine stores the custom values that the code has left
        return end.with_columns(**self.sudo()._changed_custom_values__(own))


def _end_of(result, masker):
    """Return the end of a Python command from its ``result``: nothing set means success.

    :raise engine.values.plain.UnstorableValue: it is none
    """
    result = result if isinstance(result, dict) else {}
    status = _exit_code(result.get("exit_code"))
    message = result.get("message")
    text = masker.mask(storable_text(str(message))) if message not in (None, False) else ""
    said = {"response" if status == ExitCode.OK else "error": text}
    return RunEnd(status, outcome=Outcome.COMPLETED.value, **said)


def _exit_code(value):
    """Return an exit code that an author set."""
    try:
        status = int(value or 0)
    except (TypeError, ValueError, OverflowError):
        status = None
    if status is None or isinstance(value, float) and status != value:
        raise UnstorableValue(
            f'result["exit_code"] is {str(value)[:100]}, which is no exit code: use a whole number, 0 for success.'
        )
    if abs(status) > EXIT_CODE_MAX:
        raise UnstorableValue(
            f'result["exit_code"] is larger than {EXIT_CODE_MAX}, which cannot be kept: use a smaller number.'
        )
    return status


class CommandLogger:
    """What Python code may do with the server's log: write to it, secrets masked, and nothing else."""

    __slots__ = ("masker__", "_prefix")

    def __init__(self, server, masker):
        self._prefix = f"python command on server {server.id}: "
        self.masker__ = masker

    def _write(self, level, message, args):
        text = str(message) % args if args else str(message)
        _logger.log(level, "%s%s", self._prefix, self.masker__.mask(text))

    def debug(self, message, *args):
        """Write a line for people who look for details."""
        self._write(logging.DEBUG, message, args)

    def info(self, message, *args):
        """Write a line."""
        self._write(logging.INFO, message, args)

    def warning(self, message, *args):
        """Write a warning."""
        self._write(logging.WARNING, message, args)

    def error(self, message, *args):
        """Write an error."""
        self._write(logging.ERROR, message, args)
