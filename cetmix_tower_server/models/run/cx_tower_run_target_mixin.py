import json
import re
import secrets
import time
from dataclasses import replace

from odoo import api, models
from odoo.exceptions import AccessError, ValidationError

from ...engine import states
from ...engine.errors import EngineError, RenderingError
from ...engine.exit_codes import ExitCode
from ...engine.masking.in_use import known_secrets__
from ...engine.masking.masker import Masker
from ...engine.run_end import RunEnd
from ...engine.template import placeholders, rendering
from ...engine.values import plain as plain_values
from ...engine.values.own import all_texts
from ...worker import worker as run_worker
from ...worker.engine_context import heard
from .source import hide_code

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class CxTowerRunTargetMixin(models.AbstractModel):
    """What commands can be run on: servers, and in the jet addon jets.

    Starting a run means: check the caller's rights, freeze the inputs in a log, queue it. Nothing is done on
    a host in the caller's transaction.
    """

    _name = "cx.tower.run.target.mixin"
    _description = "Tower run target"

    # ------------------------------------------------------------------
    # Public
    # ------------------------------------------------------------------

    def run_command(
        self, command, path=None, sudo=None, ssh_connection=None, jet_template=None, jet=None, **kwargs
    ):
        """Start a command on each of these servers.

        :param command: record, id or reference of the command
        :param str path: directory instead of the command's own; may contain variables
        :param sudo: False: without sudo; otherwise the server's own sudo setting is used
        :param ssh_connection: kept for scripts that pass it; connections are pooled by Tower
        :param jet_template: used by the jet addon
        :param jet: used by the jet addon
        :param kwargs: ``variable_values`` ({reference: value}, own values of this run), ``log`` (dict; its
            ``label`` is stored)
        :return: dict: ``logs``, a list of ``id``, ``reference``, ``server``, ``state``, ``exit_code`` (0
            until ``state`` says that it has ended); for a single server its ``id``, ``reference``, ``state``, ``exit_code`` at the top as well. With
            ``no_command_log`` in the context the command is run at once and the dict holds ``status``,
            ``response`` and ``error`` (there is a log all the same: nothing runs without a trace).
        :raise AccessError: without the right to read the server or the command, or to set own values
        :raise ValidationError: unknown command
        """
        command = self._command_argument(command)
        values = {"path": path, "sudo": sudo, "variable_values": kwargs.get("variable_values") or {}}
        label = (kwargs.get("log") or {}).get("label")
        if self.env.context.get("no_command_log"):
            self.ensure_one()
            result = self._run_command_and_wait(command, label=label, **values)
            return {
                "status": result["exit_code"],
                "response": result["response"],
                "error": result["error"],
            }
        return self._start_command_runs(command, label=label, **values)._start_result()

    def run_code(self, code, action="ssh_command", path=None, sudo=None, variable_values=None, label=None):
        """Run code that is not stored as a command (ad-hoc) on each of these servers; logged like any other.

        :param str code: shell or Python code; may contain variables and secret placeholders
        :param str action: ``ssh_command`` or ``python_code``
        :return: as :meth:`run_command`
        :raise AccessError: unless the caller may create commands (and write Python, for Python)
        """
        command = self.env["cx.tower.command"]._ad_hoc_command(action)
        return self._start_command_runs(
            command, path=path, sudo=sudo, variable_values=variable_values or {}, label=label, code=code
        )._start_result()

    # ------------------------------------------------------------------
    # Starting
    # ------------------------------------------------------------------

    def _command_argument(self, command):
        """Return the command that a record, an id or a reference names, readable by the caller."""
        Command = self.env["cx.tower.command"]
        if isinstance(command, str):
            record = Command.get_by_reference(command)
        elif isinstance(command, int):
            record = Command.browse(command).exists()
        else:
            record = command.with_env(self.env) if command else Command
        if not record:
            raise ValidationError(
                self.env._("There is no command “%s”, or you may not see it.", command or "")
            )
        return record

    def _start_command_runs(
        self, command, path=None, sudo=None, variable_values=None, label=None, code=None, **log_values
    ):
        """Create the logs of a command's runs on these servers, checked, rendered and queued.

        What cannot run gets a finished log that says why: nothing is started without a trace.

        :param code: ad-hoc code in place of the command's
        :return: logs, readable by the caller, in the order of ``self``
        """
        self._check_arguments(path, variable_values, code)
        self._check_may_run(command, variable_values or {}, code, path)
        Log = self.env["cx.tower.command.log"]
        known = self._known_secrets__(log_values)
        prepared = self._prepare_runs(command, path, sudo, variable_values or {}, code)
        prepared = [self._seal_prepared__(values, known) for values in prepared]
        for values in prepared:
            values.update(log_values, label=label)
            if log_values.get("is_code_hidden"):
                hide_code(values)
        keys = [values.pop("guard_key") for values in prepared]
        # sudo: nobody may create logs by hand; the right to run was checked
        logs = Log.sudo().create(prepared)
        logs._take_guards(keys)
        PlanLog = self.env["cx.tower.plan.log"].sudo()
        for log in logs.filtered(lambda log: log.state == "waiting"):
            PlanLog._carry_out(log._begin_plan_inside(command.sudo().flight_plan_id.id))
        self._dispatch(logs)
        return logs.sudo(self.env.su)

    @api.model
    def _known_secrets__(self, log_values):
        """Return the (name, secret) pairs that may stand in what a run is started with: those of the run that is repeated, and
        those of the Python command that starts it.

        :param log_values: ``secrets`` is taken out of it
        """
        return (*(log_values.pop("secrets", None) or ()), *known_secrets__())

    @api.model
    def _refuse_secrets_in_values(self, variable_values):
        """Raise ValidationError where own values would be stored as they are, and the Python command that gives them has put a
        secret into one."""
        masker = Masker(known_secrets__())
        for name, value in (variable_values or {}).items():
            for secret in sorted(masker.names_in(all_texts({name: value}))):
                raise ValidationError(
                    self.env._(
                        "The own value “%(name)s” contains the secret “%(secret)s”, which would be stored where everybody"
                        " reads it. Name the secret in the code instead: %(code)s",
                        name=masker.mask(name),
                        secret=secret,
                        code=f"#!cxtower.secret.{secret}!#",
                    )
                )

    def _seal_prepared__(self, values, secrets):
        """Return the values of the log of one run as they are stored, see ``cx.tower.sealed.mixin``."""
        try:
            self._refuse_secrets_in_paths(values.get("run_input") or {}, secrets)
        except EngineError as error:
            kept = {
                name: value for name, value in values.items() if name not in ("code", "path", "run_input")
            }
            values = kept | {"guard_key": False} | self._refused_values(error.exit_code, str(error))
        return self.env["cx.tower.command.log"]._seal_new__(values, secrets)

    def _refuse_secrets_in_paths(self, run_input, secrets):
        """Raise for a file whose place on the host contains a secret: it would stand on the file's record.

        :raise engine.errors.RenderingError: it does
        """
        names = {
            name
            for document in run_input.get("files") or ()
            for name in Masker(secrets).names_in(f"{document['path']}\n{document['name']}")
        }
        if names:
            raise RenderingError(
                self.env._(
                    "The name or directory of the file contains the text of the secret “%s”: it would show. Use another"
                    " value for it.",
                    min(names),
                )
            )

    def _dispatch(self, logs):
        """Hand runs to the backend of the settings. Extension point for other backends.

        :param logs: runs that were started; those that are queued or wait for something inside them are gone on with
        """
        logs = logs.filtered(lambda log: log.state in ("queued", "waiting"))
        if not logs or heard(self.env, "tower_no_dispatch"):
            return
        if self.env["cx.tower.settings"]._get().backend == "inline":
            self.env.flush_all()
            for log_id in logs.ids:
                self._execute_to_the_end(log_id, watched=False)
            self.env.invalidate_all()  # the run may have changed anything
        else:
            self.env["cx.tower.run.queue"]._wake_workers()

    def _execute_to_the_end(self, log_id, watched):
        """Execute a run, with all that happens inside it, in this thread; its transactions are its own."""
        worker = run_worker.get(self.env.cr.dbname)
        while True:
            with worker.transaction() as env:
                state, next_id, wait_s = env["cx.tower.run.queue"]._next_of(log_id)
                fence = worker.claim_one(env, next_id) if next_id and not wait_s else 0
            if state not in states.ACTIVE:
                return
            if fence:
                worker.execute_now(next_id, fence, watched=watched)
            elif next_id or watched:
                with worker.transaction() as env:  # what is out of time is not taken any more
                    env["cx.tower.run.queue"]._end_overdue_plans()
                time.sleep(min(max(wait_s, 0.05), 1))
            else:
                return  # inline, and nothing is left that could be executed here

    # ------------------------------------------------------------------
    # Rights
    # ------------------------------------------------------------------

    def _check_arguments(self, path, variable_values, code):
        """Raise ValidationError for what no log could hold and no host could run."""
        for value in (path, code, *(variable_values or {})):
            if value in (None, False):
                continue
            if not isinstance(value, str) or not _is_storable(value):
                raise ValidationError(self.env._("Code, path and names of values are texts without NUL."))
        if variable_values and not isinstance(variable_values, dict):
            raise ValidationError(self.env._("Pass custom values as a dictionary {reference: value}."))
        try:
            json.dumps(plain_values.plain(variable_values or {}, "variable_values"))
            json.dumps(variable_values or {})
        except (plain_values.UnstorableValue, TypeError) as error:
            raise ValidationError(self.env._("These custom values cannot be used: %s", error)) from error

    def _check_may_run(self, command, variable_values, code, path=None):
        """Raise unless the caller may run this command here with these own values.

        Source: access matrix, "Actions are rights too".
        """
        self.check_access("read")
        command.check_access("read")
        if code is not None:
            command._check_may_write_code(command.action)
        if path and path != command.path and not self.has_access("write"):
            raise AccessError(
                self.env._("You may not choose the directory of a run: only managers of the server may.")
            )
        if code or path:
            self.env["cx.tower.variable"]._check_may_name([code, path if path != command.path else ""])
        if variable_values:
            self._check_own_values(variable_values)

    def _check_own_values(self, variable_values):
        """Raise unless the caller may set these values for a run.

        Values are inserted into shell code as they are, so setting one freely means running anything: that
        is for those who may write the server. Others may choose among a variable's options, or enter what
        the variable's validation pattern accepts.
        """
        if self.has_access("write"):
            return
        variables = self.env["cx.tower.variable"].search([("reference", "in", list(variable_values))])
        by_reference = {variable.reference: variable for variable in variables}
        for reference, value in variable_values.items():
            variable = by_reference.get(reference)
            if not (variable and self._is_vetted_value(variable, value)):
                raise AccessError(
                    self.env._(
                        "You may not set “%(variable)s” to a value of your own for a run: only managers of the"
                        " server may, or it must be one of the variable's options or match its pattern.",
                        variable=reference,
                    )
                )

    @staticmethod
    def _is_vetted_value(variable, value):
        """Return whether a variable's author foresaw this value: an option, or what its pattern accepts."""
        if not isinstance(value, str) or not value:
            return False
        foreseen = variable.variable_type == "o" or variable.validation_pattern
        return bool(foreseen) and variable._validate_value(value, may_be_template=False)[0]

    # ------------------------------------------------------------------
    # Freezing the inputs
    # ------------------------------------------------------------------

    def _prepare_run(self, server, command, path, sudo, variable_values, code, known=None):
        """Return the values of the log of one run: rendered code, or the reason why it cannot run.

        :param known: (nonce, scope) when the values were read before, for many commands at once
        """
        # sudo: the caller may run the command; what it needs of server, variables and author is Tower's matter
        server_su, command_su = server.sudo(), command.sudo()
        use_sudo = server_su._sudo_mode(sudo)
        settings = command_su._run_settings()
        values = {
            **self._retry_values(settings),
            "server_id": server.id,
            "command_id": command.id,
            "user_id": self.env.user.id,
            "is_ad_hoc": code is not None,
            "use_sudo": use_sudo if command_su.action == "ssh_command" else False,
            "variable_values": variable_values or False,
            "guard_key": False,
        }
        if not command_su._check_server_compatibility(server_su):
            text = self.env._(
                "“%(command)s” is restricted to other servers than %(server)s.",
                command=command_su.name,
                server=server_su.name,
            )
            return values | self._refused_values(ExitCode.COMMAND_NOT_COMPATIBLE_WITH_SERVER, text)
        if not command_su.allow_parallel_run and code is None:
            values["guard_key"] = self._guard_key(server, command)
        if command_su.action == "plan":
            return values | {"state": "waiting"}
        source = command_su._action_code() if code is None else code
        source_path = command_su.path if path is None else path
        try:
            document = command_su._action_document()
            rendered = self._render_run(
                server_su, command_su, source, source_path, variable_values, known=known, document=document
            )
        except EngineError as error:
            values["guard_key"] = False
            return values | self._refused_values(error.exit_code, str(error))
        rendered["run_input"] |= {
            "settings": settings,
            "source_code": source if code is not None else False,
            "source_path": path or False,
        }
        return values | rendered

    @staticmethod
    def _retry_values(settings):
        """Return how often a run may be tried; more than once only where the command's author said so."""
        return {"attempts_total": settings["attempts"], "retry_delay_s": settings["retry_delay_s"]}

    def _guard_key(self, server, command):
        """Return the key of which only one run may be active at a time. The jet addon adds the jet."""
        return f"{server.id}:{command.id}"

    @staticmethod
    def _refused_values(exit_code, text):
        """Return the values of a log that ends before anything was done."""
        return RunEnd.prevented(exit_code, text).log_values()

    def _render_run(
        self, server, command, source, source_path, variable_values, tools=None, known=None, document=None
    ):
        """Return the code and path of a run as it will be executed and as it is shown.

        Extension point: an action that runs something else than code renders what is in its document.

        Placeholders of secrets are marked with a random nonce in what authors wrote (code and stored values),
        so that a value typed for this run cannot smuggle one in. Secrets themselves are not read here, only
        found to exist.

        :param source: code as it was written
        :param source_path: directory as it was written
        :param tools: ``tower.tools`` of the flight plan that the run is a step of
        :param known: (nonce, scope) when the values were read before, for many texts at once
        :param document: of the plan's line, or of the command alone, see ``cx.tower.command._action_document``
        """
        nonce, scope = known or (secrets.token_hex(8), None)
        if scope is None:
            scope = self._rendering_scope(server, [source, source_path], variable_values, nonce, tools)
        where = self.env._("code of command “%s”", command.name)
        mode = rendering.Mode.LITERAL if command.action == "python_code" else rendering.Mode.SHELL
        policy = rendering.UndefinedPolicy.ERROR
        rendered = rendering.render(placeholders.protect(source, nonce), scope, mode, policy, where)
        where = self.env._("path of command “%s”", command.name)
        rendered_path = (
            rendering.render(
                placeholders.protect(source_path, nonce), scope, rendering.Mode.SHELL, policy, where
            )
            if source_path
            else ""
        )
        if placeholders.find_protected(rendered_path, nonce):
            raise RenderingError(
                self.env._("The path of command “%s” names a secret: it would show.", command.name)
            )
        check_storable(rendered + rendered_path, self.env._("code of command “%s”", command.name))
        references = placeholders.find_protected(rendered, nonce)
        self._check_secrets_exist(server, references)
        return {
            "code": placeholders.display(rendered, nonce),
            "path": rendered_path or False,
            "run_input": {
                "code": rendered,
                "path": rendered_path,
                "action": command.action,
                "nonce": nonce,
                "secrets": references,
                "variable_values": variable_values or {},
            },
        }

    def _document_texts(self, document):
        """Return the texts of a line's document that may use variables. Extension point, see ``_render_run``."""
        return [document["code"], document["path"] or document["command_path"]]

    def _rendering_scope(self, server, texts, variable_values, nonce, tools=None):
        """Return the values that the texts of a run may use; one query. Extension point: jets add scopes.

        :param nonce: marks placeholders of secrets in stored values; "" where no secret can be used
        :param tools: ``tower.tools`` of the flight plan that the run is a step of
        """
        references = set().union(*(rendering.find_variables(text) for text in texts if text))
        if not references:
            return rendering.VariableScope()
        scope = self.env["cx.tower.variable"]._variable_scope(
            server=server, custom_values=variable_values, references=references, tools=tools
        )
        if not nonce:
            return scope
        stored = {name: text and placeholders.protect(text, nonce) for name, text in scope.stored.items()}
        return replace(scope, stored=stored)

    def _check_secrets_exist(self, server, references):
        """Raise :class:`engine.errors.SecretNotFound` for the first secret without a value here.

        When the engine says ``tower_secrets_later``, whoever renders many texts looks for all secrets together.
        """
        if references and not heard(self.env, "tower_secrets_later"):
            self.env["cx.tower.key"]._get_secrets__(references, server=server)


def _is_storable(text):
    """Return whether the database and a host can take a text."""
    return not _UNSTORABLE.search(text)


def check_storable(text, where):
    """Raise for rendered text that cannot be stored: a template may make it of its own literals, as ``{{ "\\x00" }}``.

    :raise engine.errors.RenderingError: it cannot
    """
    if not _is_storable(text):
        raise RenderingError(f"NUL and half characters cannot be in the {where}. Take them out.")
