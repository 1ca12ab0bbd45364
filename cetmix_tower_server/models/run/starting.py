import json

from odoo import api, models
from odoo.exceptions import AccessError, ValidationError

from ...engine import states
from ...engine.errors import EngineError
from ...engine.exit_codes import ExitCode
from ...engine.masking.in_use import known_secrets__
from ...engine.masking.masker import Masker
from ...engine.run_end import RunEnd
from ...engine.run_request import RunRequest
from ...engine.values import plain as plain_values
from ...engine.values.custom import all_texts
from .rendering import is_storable
from .source import hide_code


class CxTowerRunTargetMixin(models.AbstractModel):
    """Starting commands on targets: check the caller's rights, freeze the inputs in a log, queue it.

    Nothing is done on a host in the caller's transaction. If it is rolled back, nothing was started.
    """

    _inherit = "cx.tower.run.target.mixin"

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
        :param kwargs: ``variable_values`` ({reference: value}, custom values of this run), ``log`` (dict; its
            ``label`` is stored)
        :return: dict: ``logs``, a list of ``id``, ``reference``, ``server``, ``state``, ``exit_code`` (0
            until ``state`` says that it has ended); for a single server its ``id``, ``reference``, ``state``,
            ``exit_code`` at the top as well. With ``no_command_log`` in the context the command is run at once and the
            dict holds ``status``, ``response`` and ``error`` (there is a log all the same: nothing runs without a trace).
        :raise AccessError: without the right to read the server or the command, or to set custom values
        :raise ValidationError: unknown command
        """
        command = self._command_argument(command)
        request = RunRequest(
            variable_values=kwargs.get("variable_values") or {},
            path=path,
            sudo=sudo,
            label=(kwargs.get("log") or {}).get("label"),
        )
        if self.env.context.get("no_command_log"):
            self.ensure_one()
            result = self._run_command_and_wait(command, request)
            return {
                "status": result["exit_code"],
                "response": result["response"],
                "error": result["error"],
            }
        return self._start_command_runs(command, request)._start_result()

    def run_code(self, code, action="ssh_command", path=None, sudo=None, variable_values=None, label=None):
        """Run code that is not stored as a command (ad-hoc) on each of these servers; logged like any other.

        :param str code: shell or Python code; may contain variables and secret placeholders
        :param str action: ``ssh_command`` or ``python_code``
        :return: as :meth:`run_command`
        :raise AccessError: unless the caller may create commands (and write Python, for Python)
        """
        command = self.env["cx.tower.command"]._ad_hoc_command(action)
        request = RunRequest(
            variable_values=variable_values or {}, path=path, sudo=sudo, code=code, label=label
        )
        return self._start_command_runs(command, request)._start_result()

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
                self.env._("There is no command “%s”, or you do not have access to it.", command or "")
            )
        return record

    def _start_command_runs(self, command, request):
        """Start a command on these targets: see :meth:`_create_command_runs`, whose runs are then dispatched."""
        logs = self._create_command_runs(command, request)
        self.env["cx.tower.run.backend"]._chosen()._dispatch(logs)
        return logs

    def _create_command_runs(self, command, request):
        """Create the logs of a command's runs on these targets, checked, rendered and queued.

        Who calls dispatches them. What cannot run gets a finished log that says why: nothing is started without a trace.

        :param request: :class:`engine.run_request.RunRequest`
        :return: logs, readable by the caller, in the order of ``self``
        :raise AccessError: the caller may not run that here
        """
        self._check_request(request)
        self._check_may_run(command, request)
        known = (*request.secrets, *known_secrets__())
        prepared = self._refuse_where_busy(self._prepare_runs(command, request), request)
        prepared = [self._seal_prepared__(values, known) for values in prepared]
        for values in prepared:
            values.update(request.log_values, label=request.label)
            if request.log_values.get("is_code_hidden"):
                hide_code(values)
        keys = [values.pop("guard_key") for values in prepared]
        # sudo: nobody has the right to create logs; the right to run was checked above
        logs = self.env["cx.tower.command.log"].sudo().create(prepared)
        logs._take_guards(keys)
        PlanLog = self.env["cx.tower.plan.log"].sudo()  # sudo: as for the logs
        for log in logs.filtered(lambda log: log.state == states.WAITING):
            PlanLog._carry_out(log._begin_or_hold())
        return logs.sudo(self.env.su)

    # ------------------------------------------------------------------
    # Rights
    # ------------------------------------------------------------------

    def _check_request(self, request):
        """Raise ValidationError for a request that no log can store or no host can run."""
        for value in (request.path, request.code, *(request.variable_values or {})):
            if value in (None, False):
                continue
            if not isinstance(value, str) or not is_storable(value):
                raise ValidationError(
                    self.env._("Code, path and the names of values must be strings without NUL characters.")
                )
        if request.variable_values and not isinstance(request.variable_values, dict):
            raise ValidationError(self.env._("Pass custom values as a dictionary {reference: value}."))
        try:
            json.dumps(plain_values.plain(request.variable_values or {}, "variable_values"))
            json.dumps(request.variable_values or {})
        except (plain_values.UnstorableValue, TypeError) as error:
            raise ValidationError(self.env._("These custom values cannot be used: %s", error)) from error

    def _check_may_run(self, command, request):
        """Raise AccessError unless the caller may start this command here.

        That takes the right to read the target and the command. A directory or code of the caller's own needs more, and so do
        custom values, see :meth:`_check_custom_values`.
        """
        self.check_access("read")
        command.check_access("read")
        if request.code is not None:
            command._check_may_write_code(command.action)
        chosen_path = request.path if request.path and request.path != command.path else ""
        if chosen_path and not self.has_access("write"):
            raise AccessError(
                self.env._("You may not choose the directory of a run. Ask a Manager of the server.")
            )
        if request.code or chosen_path:
            self.env["cx.tower.variable"]._check_may_name([request.code, chosen_path])
        if request.variable_values:
            self._check_custom_values(request.variable_values)

    def _check_custom_values(self, variable_values):
        """Raise AccessError unless the caller may set these values for a run.

        Values are inserted into shell code as they are, so setting one freely means running anything: that
        is for those who may write the target. Others may choose among a variable's options, or enter what
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
                        "You may not pass this value of “%(variable)s”. Choose one of the variable's options, or a value"
                        " that its pattern accepts. Only Managers of the server may pass any value.",
                        variable=reference,
                    )
                )

    @staticmethod
    def _is_vetted_value(variable, value):
        """Return whether the variable's author provided for this value: it is an option, or the pattern accepts it."""
        if not isinstance(value, str) or not value:
            return False
        is_limited = variable.variable_type == "o" or variable.validation_pattern
        return bool(is_limited) and variable._validate_value(value, may_be_template=False)[0]

    # ------------------------------------------------------------------
    # Secrets that must not be stored
    # ------------------------------------------------------------------

    @api.model
    def _refuse_secrets_in_values(self, variable_values):
        """Raise ValidationError if the Python command that passes these custom values has put a secret into one of them.

        For values that are stored unencrypted.
        """
        masker = Masker(known_secrets__())
        for name, value in (variable_values or {}).items():
            for secret in sorted(masker.names_in(all_texts({name: value}))):
                raise ValidationError(
                    self.env._(
                        "The custom value “%(name)s” contains the secret “%(secret)s” and would be stored unencrypted."
                        " Use the secret by name in the code instead: %(code)s",
                        name=masker.mask(name),
                        secret=secret,
                        code=f"#!cxtower.secret.{secret}!#",
                    )
                )

    def _seal_prepared__(self, values, secrets):
        """Return the values of the log of one run as they are stored, see ``cx.tower.sealed.mixin``."""
        try:
            self._check_can_be_shown(values.get("run_input") or {}, secrets)
        except EngineError as error:
            values = self._refuse(values, error.exit_code, str(error))
        return self.env["cx.tower.command.log"]._seal_new__(values, secrets)

    def _check_can_be_shown(self, run_input, secrets):
        """Raise where something that will stand elsewhere than in the run's log contains a secret. Extension point of actions.

        :param run_input: frozen inputs, as plain JSON
        :param secrets: (name, secret) pairs that may stand in them
        :raise engine.errors.EngineError: something does
        """

    # ------------------------------------------------------------------
    # Freezing the inputs
    # ------------------------------------------------------------------

    def _prepare_runs(self, command, request):
        """Return the values of the logs of a command's runs on these targets, see :meth:`_prepare_run`.

        For many targets values and secrets are looked up at once.
        """
        if len(self) == 1:
            return [self._prepare_run(command, request)]
        texts = self._texts_of(command.sudo()._instruction(request))  # sudo: as in _prepare_run
        values_of = self._read_values_of_all(texts, request.variable_values) if any(texts) else {}
        prepared = {
            target: target._prepare_run(command, request, values_of.get(target.id)) for target in self
        }
        self._refuse_runs_without_secrets(prepared)
        return list(prepared.values())

    def _prepare_run(self, command, request, values=None):
        """Return the values of the log of one run: rendered code, or the reason why it cannot run.

        :param request: :class:`engine.run_request.RunRequest`
        :param values: :class:`engine.run_request.RunValues` that were read before, for many runs at once
        """
        self.ensure_one()
        # sudo: the caller may run the command; what it needs of target, variables and author is Tower's matter
        command = command.sudo()
        instruction = command._instruction(request)
        prepared = {
            **self._prepare_log(instruction),
            "command_id": command.id,
            "user_id": self.env.user.id,
            "is_ad_hoc": request.code is not None,
            "variable_values": request.variable_values or False,
        }
        refusal = self.sudo()._find_refusals(command).get(self.id)  # sudo: as the command
        if refusal:
            return self._refuse(prepared, ExitCode.COMMAND_NOT_COMPATIBLE_WITH_SERVER, refusal)
        if not command.allow_parallel_run and request.code is None:
            prepared["guard_key"] = self._get_guard_key(command)
        try:
            values = values or self._read_values(self._texts_of(instruction), request.variable_values)
            return prepared | self._render_run(instruction, values)
        except EngineError as error:
            return self._refuse(prepared, error.exit_code, str(error))

    def _prepare_log(self, instruction):
        """Return the values that the log of every run and step on this target begins with.

        :param instruction: :class:`engine.run_request.Instruction`
        """
        return {
            **self.env["cx.tower.command.log"]._values_on(self),
            **self._first_state_values(instruction.action, instruction.settings),
            "use_sudo": self._sudo_of(instruction),
            "guard_key": False,
        }

    def _sudo_of(self, instruction):
        """Return how an instruction becomes root on the host of this target: "n", "p" or False."""
        if instruction.action != "ssh_command":
            return False
        # sudo: who may run the command gets the sudo that server and author provide
        return self._run_server().sudo()._sudo_mode(instruction.sudo)

    @api.model
    def _first_state_values(self, action, settings):
        """Return the state that a run begins in: queued with its attempts, or waiting.

        A waiting run is never repeated: what it waits for has its own rules for that.
        """
        if action in self.env["cx.tower.command"]._get_waiting_actions():
            return {"state": states.WAITING, "awaits_begin": True}
        return {"state": states.QUEUED, **self._retry_values(settings)}

    @staticmethod
    def _retry_values(settings):
        """Return how often a run may be tried; more than once only where the command's author said so."""
        return {"attempts_total": settings["attempts"], "retry_delay_s": settings["retry_delay_s"]}

    def _refuse(self, values, exit_code, text):
        """Return the values of a log of a run that cannot begin; the code that was prepared for it is left out.

        :param values: of the log so far
        """
        kept = {name: value for name, value in values.items() if name not in ("code", "path", "run_input")}
        return kept | self._refused_values(exit_code, text)

    def _refuse_where_busy(self, prepared, request):
        """Return the values of these runs' logs; runs on targets that are busy end at once.

        :param prepared: values of the logs, one for each target
        """
        busy = self.sudo()._find_busy(request)  # sudo: whether something may begin there, whoever asks
        return [
            self._refuse(values, ExitCode.ANOTHER_COMMAND_RUNNING, busy[target.id])
            if target.id in busy and values.get("state") not in states.FINISHED
            else values
            for target, values in zip(self, prepared, strict=True)
        ]

    @staticmethod
    def _refused_values(exit_code, text):
        """Return the values with which a log ends before anything is done."""
        return {"guard_key": False, **RunEnd.prevented(exit_code, text).log_values()}

    def _refuse_runs_without_secrets(self, prepared):
        """Make those of these runs end at once whose secrets have no value on their target; one query for all.

        :param prepared: {target: values of its run's log}, changed in place
        """
        named = {
            target: (values.get("run_input") or {}).get("secrets") or []
            for target, values in prepared.items()
        }
        targets = self.filtered(named.get)
        missing = targets._find_missing_secrets({target.id: named[target] for target in targets})
        for target in targets:
            if missing[target.id]:
                text = self.env._(
                    "The secret “%(reference)s” has no value for server %(server)s.",
                    reference=missing[target.id][0],
                    server=target._run_server().sudo().name,  # sudo: its name, to who may run something there
                )
                prepared[target] = self._refuse(prepared[target], ExitCode.SECRET_NOT_FOUND, text)
