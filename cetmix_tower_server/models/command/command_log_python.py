from odoo import models
from odoo.tools.safe_eval import safe_eval
from psycopg2 import OperationalError
from psycopg2.errors import DeadlockDetected, SerializationFailure

from ...engine.exit_codes import ExitCode
from ...engine.python import author_code
from ...engine.run_end import RunEnd
from ...engine.ssh.running.command_result import Outcome
from ...engine.values.plain import UnstorableValue, plain, storable_text
from ...worker.interrupt import RunAborted
from .python import CommandLogger

EXIT_CODE_MAX = 2**31 - 1  # what a column of the database holds


class CxTowerCommandLog(models.Model):
    """The part of a run that evaluates Python."""

    _inherit = "cx.tower.command.log"

    def _perform_python(self, code, masker):
        """Evaluate a Python command in this transaction and return how it ended.

        :param str code: rendered code with the secrets in it; it must not reach a log or an error unmasked
        :param masker: masks the message of the result
        :raise engine.author_code.PythonCodeError: the code was refused or raised; the text is masked
        """
        self.ensure_one()
        own = self.sudo()._own_values__()
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
        return end.with_columns(**self.sudo()._changed_own_values__(own))


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
