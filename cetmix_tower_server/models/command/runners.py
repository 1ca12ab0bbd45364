from odoo import models

from ...engine.masking.masker import Masker
from ...engine.run_end import RunEnd
from ...engine.script.conversation import ScriptSpec, SudoMode
from ...engine.ssh.running.collecting import Output, OutputLimits
from ...engine.ssh.running.run_script import Clocks, run_script
from ...engine.template import placeholders
from ...engine.work import HostWork
from ...worker import connections

# How much of each stream is kept in the log's own fields; the live output keeps more.
RESULT_HEAD = 256 * 1024
RESULT_TAIL = 256 * 1024


class CxTowerServer(models.Model):
    """Turns claimed runs into work for a lane: the runners of actions, and that of shell commands."""

    _inherit = "cx.tower.server"

    def _get_command_runners(self):
        """Return {action: runner}. Extension point: an addon that adds an action adds its runner here.

        A runner takes the log of a claimed run and ``logins`` (``logins.of(server)`` is the login of a server), and returns
        its work: :class:`engine.work.HostWork`, ``DatabaseWork`` or ``Ended``. It is called in the transaction that prepares the run; what the work needs is read there.
        """
        return {"ssh_command": self._command_runner_ssh}

    def _command_runner_ssh(self, log, logins):
        """Return the work of a shell command: everything it needs, read now, as plain values."""
        # sudo: the right to run was checked when the run was started; how to log in to the host is no concern of the person
        server = self.sudo()
        inputs, carried = log._frozen_inputs__()
        values = log._run_target()._get_secrets__(inputs.secrets)
        login = logins.of(server)
        target = login.target
        sudo = SudoMode(log.use_sudo or "")
        password = login.sudo_password if sudo is SudoMode.PASSWORD else None
        spec = ScriptSpec(
            code=placeholders.resolve_in_shell(inputs.code, inputs.nonce, values),
            path=inputs.path or None,
            sudo=sudo,
            sudo_password=password,
            split=not inputs.settings["no_split_for_sudo"],
            raw=server.shell_mode == "raw",
            secrets_used=bool(values),
        )
        there = self._secrets_in_files__() if log.server_log_id else ()
        masker = Masker((*carried, *values.items(), *login.secrets.items(), *there))
        clocks = self._clocks(inputs.settings)
        limits = OutputLimits(RESULT_HEAD, RESULT_TAIL)
        keeper = log._output_keeper()

        def perform(job):
            append = keeper.taker(job.recorder.append) if keeper else job.recorder.append
            output = Output(masker, append, limits)
            result = run_script(connections.get_pool(), target, spec, clocks, output, job.stop)
            end = RunEnd.of_result(result)
            return keeper.end(end) if keeper else end

        return HostWork(perform, masker, login)

    def _clocks(self, run_settings):
        """Return the time limits of a run: those of the command, else of the server, else of the settings.

        :param run_settings: what ``cx.tower.command._run_settings`` returned when the run was started
        """
        settings = self.env["cx.tower.settings"]._get()
        # sudo: the server's limit applies to everybody's runs
        step = run_settings["timeout_s"] or self.sudo().command_timeout_s or settings.command_timeout
        silence = run_settings.get("silence_timeout_s", settings.silence_timeout)
        return Clocks(step_timeout_s=step, silence_timeout_s=silence)
