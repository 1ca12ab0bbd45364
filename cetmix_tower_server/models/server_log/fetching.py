from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ...engine import states
from ...engine.errors import EngineError
from ...engine.exit_codes import ExitCode
from ...engine.run_request import RunInput, RunRequest, new_nonce
from ...engine.shell import quoting
from ..run.source import hide_code

#: Number of bytes at the end of a file that are fetched.
FILE_BYTES = 512 * 1024
#: Number of lines at the end of a file that a live view begins with.
FOLLOWED_LINES = 200
#: Seconds after which a live view ends by itself, because nobody may be watching any more.
FOLLOW_LIMIT_S = 30 * 60
FILE_COMMAND = "cetmix_tower_server.command_server_log_file"


class CxTowerServerLog(models.Model):
    """Fetching and following a log. Each is a run, with the rights of the caller or of the person who set the log up."""

    _inherit = "cx.tower.server.log"

    is_refreshing = fields.Boolean(compute="_compute_current_state")
    current_state = fields.Selection(
        [
            ("never", "Not fetched"),
            ("running", "Fetching"),
            ("done", "Fetched"),
            ("failed", "Failed"),
        ],
        string="Current state",
        compute="_compute_current_state",
    )

    @api.depends("log_state")
    def _compute_current_state(self):
        active = self._active_runs("refresh").server_log_id
        for log in self:
            log.is_refreshing = log._origin in active
            log.current_state = "running" if log.is_refreshing else log.log_state

    def _active_runs(self, mode):
        """Return the active runs that fetch or follow these logs, whoever started them."""
        # sudo: everyone who may read a log may know that it is being fetched; nothing else of the runs is returned
        return (
            self.env["cx.tower.command.log"]
            .sudo()
            .search_fetch(
                [
                    ("server_log_id", "in", self.ids),
                    ("server_log_mode", "=", mode),
                    ("state", "in", list(states.ACTIVE)),
                ],
                ["server_log_id", "user_id", "state", "reference"],
            )
        )

    # ------------------------------------------------------------------ public

    def refresh(self):
        """Start fetching these logs. Their text is updated when the runs have ended.

        A log that is already being fetched keeps its active run.

        :return: list of dict: ``log`` (reference of the server log), ``id``, ``reference``, ``state``, ``exit_code`` of
            its run, in the order of the logs
        :raise AccessError: the caller may not read one of the logs, or neither the caller nor the person who set it up
            may run its command
        :raise UserError: there is nothing to fetch: the owner has no host, or the log has no file
        """
        self._check_may_fetch()
        active = {run.server_log_id.id: run for run in self._active_runs("refresh")}
        started = self.filtered(lambda log: log.id not in active)._start_runs("refresh")
        runs = active | {run.server_log_id.id: run for run in started}
        return [
            {
                "log": log.reference,
                "id": run.id,
                "reference": run.reference,
                "state": run.state,
                "exit_code": run.command_status,
            }
            for log, run in ((log, runs[log.id]) for log in self)
        ]

    def action_update_log(self):
        """Start fetching these logs (button).

        :return: True
        :raise AccessError, UserError: see :meth:`refresh`
        """
        self.refresh()
        return True

    def action_open_log(self):
        """Open the form of this log and start fetching it, if the caller may.

        :return: window action
        :raise AccessError: the caller may not read the log
        """
        self.ensure_one()
        self.check_access("read")
        if self._filter_fetchable() and not self._nothing_to_fetch():
            self.refresh()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    def action_follow_log(self):
        """Follow this log live in a console. Closing the console stops the run on the host.

        A command is run as usual. Of a file, the last lines are printed, then everything that is appended to it.

        :return: client action with the id of the run
        :raise AccessError, UserError: see :meth:`refresh`
        """
        self.ensure_one()
        self._check_may_fetch()
        mine = self._active_runs("follow").filtered(lambda run: run.user_id == self.env.user)
        run = mine[:1] or self._start_runs("follow")
        return {
            "type": "ir.actions.client",
            "tag": "cetmix_tower_follow_log",
            "name": self.name,
            "target": "new",
            "params": {"run_id": run.id, "minutes": FOLLOW_LIMIT_S // 60},
        }

    # ------------------------------------------------------------------ rights

    def _check_may_fetch(self):
        """Raise unless the caller may fetch these logs, and there is something to fetch.

        Reading a log requires its access level and read access to its server. Fetching it runs a command, so the caller,
        or the person who set the log up and still manages it, must have the right to run that command. A Manager can thus
        show Users the output of a command without giving them the command, and nobody can run a command on a server where
        neither of the two may.
        """
        self.check_access("read")
        refused = self - self._filter_fetchable()
        if refused:
            log = refused[0]
            raise AccessError(
                self.env._(
                    "You may not fetch the log “%(log)s” (%(reference)s): neither you nor the person who "
                    "set it up may run its command. Ask a Manager of the server to save the log again.",
                    log=log.name,
                    reference=log.reference or "",
                )
            )
        for log in self:
            reason = log._nothing_to_fetch()
            if reason:
                raise UserError(reason)

    def _nothing_to_fetch(self):
        """Return the reason why there is nothing to fetch, or ""."""
        # sudo: reads managers' fields; the reason names only the log and its server
        log = self.sudo()
        if not log._run_target():
            return self.env._(
                "“%s” does not belong to a server, so there is no host to fetch it from.", log.name
            )
        if log.log_type == "file" and not log._get_file():
            return self.env._(
                "“%(log)s” shows a file that %(server)s does not have. Choose a file, or create it from "
                "its template.",
                log=log.name,
                server=log.server_id.name,
            )
        return ""

    def _filter_fetchable(self):
        """Return those of these logs that the caller may fetch, with their own rights or those of who set the log up."""
        if self.env.su:
            return self
        may = self._filter_fetchable_as_self()
        # sudo: only to look up who set up the other logs; that person's rights are checked below
        for person, logs in (self - may).sudo().grouped("vouched_by_id").items():
            if person.active:
                logs = logs.with_user(person).sudo(False)
                vouched = logs._filtered_access("write")._filter_fetchable_as_self()
                may |= vouched.with_env(self.env)
        return may

    def _filter_fetchable_as_self(self):
        """Return those of these logs whose command or file the current user may use on the log's server."""
        readable = self._filtered_access("read")
        # sudo: reads managers' fields of readable logs; access to the commands is checked as the current user
        commands = (
            self.env["cx.tower.command"].browse(readable.sudo().command_id.ids)._filtered_access("read")
        )
        return readable.filtered(
            lambda log: log.sudo().log_type == "file" or log.sudo().command_id.with_env(self.env) in commands
        )

    # ------------------------------------------------------------------ starting

    def _start_runs(self, mode):
        """Create the runs that fetch or follow these logs, and queue them. The right to do so was checked.

        :param mode: "refresh" or "follow"
        :return: runs, as superuser, one a log
        """
        Run = self.env["cx.tower.command.log"].sudo()  # sudo: nobody may create runs by hand
        if not self:
            return Run
        Run._forget_output_of_server_logs(self.ids)
        # sudo: reads managers' fields; the caller, or who set the log up, may run its command
        prepared = self.sudo()._prepare_runs(mode)
        own = self if self.env.su else self._filter_fetchable_as_self()
        for log, values in zip(self, prepared, strict=True):
            if log not in own:  # fetched on behalf of who set it up: the log was opened, not the command
                hide_code(values)
                values["is_code_hidden"] = True
        keys = [values.pop("guard_key") for values in prepared]
        runs = Run.create(prepared)
        refused = runs.filtered(lambda run: run.state == states.FAILED)
        runs._take_guards(keys)
        for run in refused:
            run._hand_over_to_server_log()
        self.env["cx.tower.run.backend"]._chosen()._dispatch(runs)
        return runs

    def _prepare_runs(self, mode):
        """Return the values of the runs of these logs; the values of variables are read once a target."""
        prepared = {}
        for target, logs in self.grouped(lambda log: log._run_target()).items():
            read = logs._read_shared_values(target)
            for log in logs:
                values = log._prepare_run(target, mode, read)
                hands_over = mode == "refresh" or log.log_type == "command"
                values["run_input"] = {
                    **values.get("run_input", {}),
                    "server_log": {"hands_over": hands_over},
                }
                prepared[log.id] = values | {"server_log_id": log.id, "server_log_mode": mode}
        return [prepared[log.id] for log in self]

    def _read_shared_values(self, target):
        """Return the :class:`engine.run_request.RunValues` for the texts of all these logs; None when one is malformed."""
        commands = self.filtered(lambda log: log.log_type == "command").command_id
        texts = [text for command in commands for text in (command.code, command.path)]
        for log in self.filtered(lambda log: log.log_type == "file"):
            file = log._get_file()
            texts += [] if file.variable_values else [file.server_dir, file.name]
        try:
            return target._read_values(texts, {})
        except EngineError:
            return None  # each log then fails, or works, by itself

    def _prepare_run(self, target, mode, read):
        """Return the values of the run that fetches or follows this log.

        :param read: values of variables that were read for several logs, see :meth:`_read_shared_values`
        """
        request = RunRequest(sudo=None if self.use_sudo else False)
        if self.log_type == "file":
            values = self._prepare_file_run(target, request, mode, read)
        else:
            values = target._prepare_run(self.command_id, request, read)
        if mode == "follow" and values.get("run_input"):
            settings = dict(values["run_input"]["settings"])
            settings["timeout_s"] = min(settings["timeout_s"] or FOLLOW_LIMIT_S, FOLLOW_LIMIT_S)
            settings["silence_timeout_s"] = 0  # a log may be silent for long
            values["run_input"]["settings"] = settings
            values["attempts_total"] = 1
        return values

    def _prepare_file_run(self, target, request, mode, read):
        """Return the values of the run that prints the end of this log's file."""
        command = self.env.ref(FILE_COMMAND)
        instruction = command._instruction(request)
        values = {
            **target._prepare_log(instruction),
            "command_id": command.id,
            "user_id": self.env.uid,
            "variable_values": False,
            "guard_key": f"server_log:{self.id}" if mode == "refresh" else False,
        }
        server = target._run_server()
        if server.shell_mode == "raw":
            text = self.env._(
                "%s is in raw mode and has no shell to read the end of a file. Use a log of type Command.",
                server.name,
            )
            return target._refuse(values, ExitCode.GENERAL_ERROR, text)
        try:
            code = self._file_code(self._file_path(target, read), mode)
        except EngineError as error:
            return target._refuse(values, error.exit_code, str(error))
        run_input = RunInput(
            action=command.action,
            nonce=new_nonce(),  # the code names no secret, whatever the path looks like
            settings=instruction.settings,
            code=code,
            path="",
        )
        return values | {"code": code, "path": False, "run_input": run_input.to_plain()}

    def _file_path(self, target, read):
        """Return where this log's file is on its server.

        :raise engine.errors.RenderingError: a variable of its name or directory has no value
        """
        file = self._get_file()
        source = file._rendering_source()
        if file.variable_values or not read:
            texts = [source["directory"], source["name"]]
            read = target._read_values(texts, file._custom_values__().values, can_name_secrets=False)
        return file._render_place(source, read)[2]

    @api.model
    def _file_code(self, path, mode):
        """Return the shell code that prints the end of a file; the path is one word, whatever is in it."""
        # where a session begins; with sudo another person's home would be meant
        path = f"./{path[2:]}" if path.startswith("~/") else path
        part = f"-n {FOLLOWED_LINES} -F" if mode == "follow" else f"-c {FILE_BYTES}"
        return f"tail {part} -- {quoting.quote(path)}"

    def _get_file(self):
        """Return the file that this log shows, on its own server."""
        File = self.env["cx.tower.file"]
        if self.file_id or not self.file_template_id:
            return self.file_id
        domain = [*File._domain_on(self._run_target()), ("template_id", "=", self.file_template_id.id)]
        return File.search(domain, limit=1, order="id desc")

    # ------------------------------------------------------------------ results

    def _take_over(self, run):
        """Store the output of a run in this log. The run keeps no copy.

        :param run: run that has ended, as superuser
        """
        self.ensure_one()
        text = run.command_response
        succeeded = run.command_status == ExitCode.OK
        closed = run.server_log_mode == "follow" and run.command_status == ExitCode.COMMAND_STOPPED
        values = {"log_tried": fields.Datetime.now(), "log_state": "failed", "log_message": False}
        if succeeded or closed:
            values["log_state"] = "done"
        else:
            reason = run.message or run.command_error
            values["log_message"] = reason or self.env._("Exit code %s.", run.command_status)
        if text or succeeded:
            kept = self._format_log_text(text or "")
            values |= {"log_text": kept, "log_size": len(kept), "log_date": values["log_tried"]}
        self.write(values)
        kept_message = run.message or self.env._("The output is stored in the server log “%s”.", self.name)
        run.write({"command_response": False, "message": kept_message})

    def _format_log_text(self, text):
        """Return the text to store. Extension point to shorten, reorder or filter it.

        :param str text: masked output; only its last part if it was long
        """
        return text.replace("\0", "").replace("\N{SYMBOL FOR NULL}", "")
