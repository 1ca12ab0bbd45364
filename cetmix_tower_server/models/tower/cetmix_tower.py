import logging
import secrets
import time
import urllib.parse

from odoo import api, models
from odoo.exceptions import ValidationError

from ...engine.exit_codes import ExitCode
from ...engine.run_request import RunRequest
from ..base.storable_values import is_whole_number

_logger = logging.getLogger(__name__)

# No look-alikes (0 and O, 1 and l).
ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
ID_PARTS_LIMIT = 100
CHECK_ATTEMPTS_LIMIT = 20
CHECK_WAIT_LIMIT_S = 60


class CetmixTower(models.AbstractModel):
    """Helpers for scripts, which name records by reference and get plain values back. ``tower`` in Python commands."""

    _name = "cetmix.tower"
    _description = "Tower helper"

    # ------------------------------------------------------------------
    # Servers
    # ------------------------------------------------------------------

    @api.model
    def server_check_ssh_connection(
        self, server_reference, attempts=5, wait_time=10, try_command=True, try_file=True
    ):
        """Test the connection to a server, retrying until it succeeds.

        :param str server_reference: reference of the server
        :param int attempts: number of attempts, at most 20
        :param wait_time: seconds between two attempts. The total wait is limited to a minute, because the caller's
            request and transaction stay open.
        :return: dict: ``exit_code`` (0, SSH_CONNECTION_ERROR or NOT_FOUND), ``message``
        :raise AccessError: the caller may not write the server (the test stores its result there)
        """
        server = self._server(server_reference)
        if not server:
            return self._not_found("server", server_reference)
        message, waited = "", 0.0
        for attempt in range(max(1, min(int(attempts), CHECK_ATTEMPTS_LIMIT))):
            if attempt:
                pause = min(max(0.0, float(wait_time)), CHECK_WAIT_LIMIT_S - waited)
                if pause <= 0 and float(wait_time) > 0:
                    break
                waited += pause
                time.sleep(pause)
            result = server.test_ssh_connection(
                raise_on_error=False, return_notification=False, try_command=try_command, try_file=try_file
            )
            message = result.get("error") or result.get("message") or ""
            if not result.get("status"):
                return {"exit_code": int(ExitCode.OK), "message": self.env._("Connection successful.")}
        return {"exit_code": int(ExitCode.SSH_CONNECTION_ERROR), "message": message}

    @api.model
    def server_validate_secret(self, secret_value, secret_reference, server_reference=None):
        """Return whether a text equals the value of a secret, compared in constant time.

        :param str secret_value: the text to compare
        :param str secret_reference: reference of the secret, bare or as ``#!cxtower.secret.<ref>!#``
        :param str server_reference: look in the context of this server
        :return: bool; False for a secret without a value
        :raise AccessError: the caller may not read the secret's record
        """
        server = self._server(server_reference) if server_reference else self.env["cx.tower.server"]
        if server_reference and not server:
            return False
        return self.env["cx.tower.key"]._validate_secret(secret_value, secret_reference, server=server)

    @api.model
    def server_create_from_template(self, template_reference, server_name, **kwargs):
        """Create a server from a template; see ``cx.tower.server.template.create_server_from_template``.

        :return: the server (a list with its id over RPC)
        """
        self._deprecated(
            "server_create_from_template", "cx.tower.server.template.create_server_from_template"
        )
        return self.env["cx.tower.server.template"].create_server_from_template(
            template_reference, server_name, **kwargs
        )

    @api.model
    def server_run_command(self, server_reference, command_reference, get_result=True, **variable_values):
        """Run a command on a server, both named by reference.

        :param bool get_result: True: wait for the run and return its result; False: start it and return its log
        :param variable_values: custom values of the run, {variable reference: value}
        :return: dict: ``exit_code``, ``message``; without ``get_result`` also ``id`` and ``reference`` of the log
        """
        self._deprecated("server_run_command", "cx.tower.server.run_command")
        server, command = self._server(server_reference), self._record("cx.tower.command", command_reference)
        if not server:
            return self._not_found("server", server_reference)
        if not command:
            return self._not_found("command", command_reference)
        if get_result:
            result = server._run_command_and_wait(command, RunRequest(variable_values=variable_values))
            return {
                "exit_code": result["exit_code"],
                "message": result["response"] or result["error"] or result["message"],
            }
        started = server.run_command(command, variable_values=variable_values)
        return {
            "exit_code": started["exit_code"],
            "message": started["state"],
            "id": started["id"],
            "reference": started["reference"],
        }

    @api.model
    def server_run_flight_plan(self, server_reference, flight_plan_reference, **variable_values):
        """Start a flight plan on a server, both named by reference.

        :param variable_values: custom values of the run, {variable reference: value}
        :return: log of the run (its id over RPC); False when the server or the flight plan is unknown
        """
        self._deprecated("server_run_flight_plan", "cx.tower.server.run_flight_plan")
        server = self._server(server_reference)
        plan = self._record("cx.tower.plan", flight_plan_reference)
        if not server or not plan:
            return False
        return server.run_flight_plan(plan, variable_values=variable_values)

    @api.model
    def server_set_variable_value(self, server_reference, variable_reference, value):
        """Set the value of a variable on a server. :return: dict: ``exit_code``, ``message``."""
        self._deprecated("server_set_variable_value", "cx.tower.server.set_variable_value")
        server = self._server(server_reference)
        if not server:
            return self._not_found("server", server_reference)
        try:
            server.set_variable_value(variable_reference, value)
        except ValidationError as error:
            return {"exit_code": int(ExitCode.GENERAL_ERROR), "message": str(error)}
        return {"exit_code": int(ExitCode.OK), "message": self.env._("Variable value set.")}

    @api.model
    def server_get_variable_value(self, server_reference, variable_reference, check_global=True):
        """Return the value of a variable on a server; False if it has none or the server is unknown."""
        self._deprecated("server_get_variable_value", "cx.tower.server.get_variable_value")
        server = self._server(server_reference)
        return (
            (server.get_variable_value(variable_reference, no_fallback=not check_global) or False)
            if server
            else False
        )

    # ------------------------------------------------------------------
    # Tools
    # ------------------------------------------------------------------

    @api.model
    def generate_random_id(self, sections=1, population=4, separator="-"):
        """Return a random ID such as ``k7m2-x9pq``, without look-alike characters.

        :param int sections: number of groups, 1 to 100
        :param int population: characters per group, 1 to 100
        :raise ValidationError: a number is out of range
        """
        for number in (sections, population):
            if not is_whole_number(number, 1, ID_PARTS_LIMIT):
                raise ValidationError(
                    self.env._(
                        "A random ID must have 1 to %(most)s groups of 1 to %(most)s characters each.",
                        most=ID_PARTS_LIMIT,
                    )
                )
        groups = ("".join(secrets.choice(ID_ALPHABET) for _ in range(population)) for _ in range(sections))
        return separator.join(groups)

    @api.model
    def is_valid_url(self, url, no_scheme_check=False):
        """Return whether a text is an HTTP(S) URL with a host.

        :param bool no_scheme_check: accept any scheme, or none
        """
        if not isinstance(url, str) or any(character.isspace() for character in url):
            return False
        text = f"http://{url}" if no_scheme_check and "://" not in url else url
        try:
            parts = urllib.parse.urlsplit(text)
            host = parts.hostname
            parts.port  # noqa: B018 - raises for a port that is not a number
        except ValueError:
            return False
        return bool(host) and (no_scheme_check or parts.scheme in ("http", "https"))

    # ------------------------------------------------------------------

    def _server(self, reference):
        return self._record("cx.tower.server", reference)

    def _record(self, model, reference):
        return self.env[model].get_by_reference(reference) if reference else self.env[model]

    def _not_found(self, what, reference):
        text = self.env._(
            "There is no %(what)s “%(reference)s”, or you do not have access to it.",
            what=what,
            reference=reference,
        )
        return {"exit_code": int(ExitCode.NOT_FOUND), "message": text}

    @staticmethod
    def _deprecated(name, instead):
        _logger.info("cetmix.tower.%s is kept for older scripts; use %s", name, instead)
