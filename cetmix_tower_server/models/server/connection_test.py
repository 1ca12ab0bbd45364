import logging

from odoo import fields, models
from odoo.exceptions import UserError
from psycopg2.errors import SerializationFailure

from ...engine.errors import EngineError
from ...engine.exit_codes import ExitCode
from ...engine.script.conversation import SudoMode
from ...engine.ssh.pool import ConnectionPool
from ...engine.ssh.probe import ProbeStep, test_connection
from .connection import MANAGER
from .host_key import bounded

_logger = logging.getLogger(__name__)

#: Upper limit of a test's timeout, in seconds.
TEST_LIMIT_S = 120
#: Steps of the engine that ordinary commands do not need.
EXTRA_STEPS = ("sftp", "sudo")


class CxTowerServer(models.Model):
    """The connection test: tries each step on the way to a host, and notes whether it can be reached."""

    _inherit = "cx.tower.server"

    connection_state = fields.Selection(
        [("unknown", "Not tested"), ("ok", "Works"), ("failed", "Failed")],
        string="Connection",
        default="unknown",
        required=True,
        readonly=True,
        copy=False,
    )
    connection_message = fields.Text(readonly=True, copy=False, groups=MANAGER)
    connection_checked = fields.Datetime(string="Tested at", readonly=True, copy=False)

    def action_test_connection(self):
        """Open the dialog that tests the connection and shows each step with its duration.

        :raise AccessError: the caller may not write this server
        """
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.client",
            "tag": "cetmix_tower_connection_test",
            "name": self.env._("Connection to %s", self.name),
            "target": "new",
            "params": {"server_id": self.id},
        }

    def test_ssh_connection(
        self, raise_on_error=True, return_notification=True, try_command=True, try_file=True, timeout=60
    ):
        """Log in to the host on a new connection and try what commands need.

        Only for people who may write the server: the result names address, user and keys, and is stored on it.
        The caller's transaction stays open meanwhile, and the test sees its changes. The result is stored in this transaction,
        or in one of its own if this one is rolled back, so that an error raised here does not undo it.

        :param bool raise_on_error: raise if a step fails
        :param bool return_notification: return an action that shows the result, not a dict
        :param bool try_command: test the shell and sudo
        :param bool try_file: test file transfer
        :param timeout: seconds for connecting and logging in, at most :data:`TEST_LIMIT_S`
        :return: action, or dict: ``status`` (0 or SSH_CONNECTION_ERROR), ``response`` (text), ``error`` (text),
            ``steps``: list of ``name``, ``label``, ``ok``, ``seconds``, ``message``
        :raise AccessError: the caller may not write this server
        :raise UserError: a step failed and ``raise_on_error``
        """
        self.ensure_one()
        self.check_access("write")
        steps = self._probe(try_command, try_file, timeout)
        result = self._test_result(steps)
        reachable = all(step.ok for step in steps if step.name not in EXTRA_STEPS)
        self._store_connection_state(reachable, result["error"])
        if result["error"] and raise_on_error:
            raise UserError(result["error"])
        return self._test_notification(result) if return_notification else result

    def _probe(self, try_command, try_file, timeout):
        """Return the list of :class:`ProbeStep` of a test. Writes nothing and locks no row."""
        try:
            target = bounded(self._connection_target__(), min(float(timeout), TEST_LIMIT_S))
        except EngineError as error:
            return [ProbeStep("settings", False, 0.0, str(error))]
        sudo = SudoMode(self._sudo_mode() or "")
        password = self._sudo_password__() if sudo is SudoMode.PASSWORD else None
        # sudo: the field is for the group Manager; the caller may write the server
        posix = self.sudo().shell_mode == "posix"
        pool = ConnectionPool()  # a new one, so that open connections to jump hosts are not reused
        try:
            return test_connection(pool, target, sudo, password, try_command and posix, try_file)
        finally:
            pool.close()

    def _test_result(self, steps):
        """Return the plain values of a test, as :meth:`test_ssh_connection` describes them."""
        labels = self._probe_labels()
        failed = next((step for step in steps if not step.ok), None)
        lines = [f"{labels.get(step.name, step.name)}: {step.message}" for step in steps if step.ok]
        return {
            "status": int(ExitCode.SSH_CONNECTION_ERROR) if failed else 0,
            "response": "\n".join(lines),
            "error": f"{labels.get(failed.name, failed.name)}: {failed.message}" if failed else "",
            "steps": [
                {
                    "name": step.name,
                    "label": labels.get(step.name, step.name),
                    "ok": step.ok,
                    "seconds": round(step.seconds, 3),
                    "message": step.message,
                }
                for step in steps
            ],
        }

    def _probe_labels(self):
        """Return {step of the engine: what people call it}."""
        return {
            "settings": self.env._("Settings"),
            "jump": self.env._("Jump host"),
            "name": self.env._("Name"),
            "tcp": self.env._("Network"),
            "host key": self.env._("Host key"),
            "authentication": self.env._("Login"),
            "shell": self.env._("Shell"),
            "sftp": self.env._("File transfer"),
            "sudo": self.env._("Sudo"),
        }

    def _test_notification(self, result):
        """Return the action that shows the result of a test as a notification."""
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if result["error"] else "success",
                "title": self.env._("Connection to %s", self.name),
                "message": result["error"] or self.env._("Everything works."),
                "sticky": bool(result["error"]),
            },
        }

    def _store_connection_state(self, ok, message=""):
        """Store whether the host could be reached, in the caller's transaction or, if that is not possible, in another.

        The caller sees it there and can go on writing the server. If the transaction is rolled back (perhaps because of this
        very failure), it is stored in a new one. A server that another transaction is changing at this moment is skipped:
        that transaction may be waiting for the caller's.

        :param message: what went wrong; may be set even if the host can be reached
        """
        values = {
            "connection_state": "ok" if ok else "failed",
            "connection_message": message or False,
            "connection_checked": fields.Datetime.now(),
        }
        self.flush_recordset()
        # sudo: Tower's own observation, which the user cannot write
        server = self.sudo().with_context(tracking_disable=True)
        registry, env, server_id = (
            self.env.registry,
            self.env(su=True, context={"tracking_disable": True}),
            self.id,
        )

        def note_apart():
            with registry.cursor() as cr:
                env(cr=cr)[self._name].browse(server_id).exists()._note_connection_state(values)

        try:
            with self.env.cr.savepoint(flush=False):
                server._note_connection_state(values)
        except SerializationFailure:  # another transaction has changed the row since this one began
            self.invalidate_recordset(list(values), flush=False)
            note_apart()
            return
        self.env.cr.postrollback.add(_unless_it_fails(note_apart))

    def _note_connection_state(self, values):
        """Write the result of a connection test, unless another transaction is changing the server."""
        locked = self.try_lock_for_update(allow_referencing=True) if self else self
        locked.write(values)
        locked.flush_recordset()
        if not locked:
            _logger.debug("connection state of server %s not stored: it is being changed", self.id)


def _unless_it_fails(note):
    """Return a hook for after a rollback, where nobody could handle an error."""

    def call():
        try:
            note()
        except Exception as error:
            _logger.info("a connection state could not be stored after a rollback: %s", error)

    return call
