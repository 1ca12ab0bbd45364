from odoo import models
from odoo.tools.safe_eval import safe_eval
from psycopg2.errors import SerializationFailure

from ..engine import python_code
from ..engine.results import ExitCode
from ..runs.interrupt import RunAborted
from .cx_tower_command_python import CommandLogger


class CxTowerCommandLog(models.Model):
    """The part of a run that evaluates Python."""

    _inherit = "cx.tower.command.log"

    def _perform_python(self, code, masker):
        """Evaluate a Python command in this transaction and return the values its log is finished with.

        :param str code: rendered code with the secrets in it; it must not reach a log or an error unmasked
        :param masker: masks the message of the result
        :raise engine.python_code.PythonCodeError: the code was refused or raised; the text is masked
        """
        self.ensure_one()
        custom_values = dict(self.sudo().variable_values or {})
        context = self.env["cx.tower.command"]._get_python_command_eval_context(
            self.server_id, custom_values, **self._python_scopes()
        )
        context["_logger"] = CommandLogger(self.server_id, masker)
        try:
            python_code.check(code)
            safe_eval(code, context, mode="exec", filename=python_code.FILENAME)
            if not isinstance(context.get("custom_values") or {}, dict):
                raise TypeError("custom_values must stay a dictionary")
            self.env.flush_all()
        except (RunAborted, SerializationFailure):
            raise
        except Exception as error:
            # from None: the original exception carries the code, and with it the secrets
            explained = python_code.explain(error)
            raise python_code.PythonCodeError(masker.mask(str(explained)), explained.line) from None
        return _result_values(context.get("result"), masker) | {
            "variable_values": _plain(context.get("custom_values"), masker) or False
        }

    def _python_scopes(self):
        """Return what else Python code finds: jet, jet template, waypoint in the jet addon."""
        return {}


def _result_values(result, masker):
    """Return the end of a Python command from its ``result``: nothing set means success."""
    result = result if isinstance(result, dict) else {}
    try:
        status = int(result.get("exit_code") or 0)
    except (TypeError, ValueError):
        status = int(ExitCode.PYTHON_COMMAND_ERROR)
    message = result.get("message")
    text = masker.mask(str(message)) if message not in (None, False) else False
    field = "command_response" if status == ExitCode.OK else "command_error"
    return {"command_status": status, field: text, "outcome": "completed"}


def _plain(values, masker):
    """Return own values as JSON can carry them, secrets masked."""
    if isinstance(values, dict):
        return {masker.mask(str(key)): _plain(value, masker) for key, value in values.items()}
    if isinstance(values, (list, tuple, set)):
        return [_plain(value, masker) for value in values]
    if values is None or isinstance(values, (bool, int, float)):
        return values
    return masker.mask(str(values))
