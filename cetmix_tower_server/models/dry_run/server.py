from odoo import models

from ...engine.exit_codes import ExitCode


class CxTowerServer(models.Model):
    """Finds what would keep runs from reaching a host, without contacting it."""

    _inherit = "cx.tower.server"

    def _find_connection_problems(self):
        """Return {server id: problems}: what these servers and their jump hosts lack for a login.

        For the form of a problem see ``cx.tower.plan.dry_run``. The number of queries does not depend on the number of
        servers.
        """
        servers = reached = self.sudo()  # sudo: reports only that something is missing, never a stored value
        while following := reached.jump_server_id - servers:
            servers |= following
            reached = following
        vault = self.env["cx.tower.vault"].sudo()  # sudo: reads only which fields have a value
        passwords = vault._get_stored_fields("cx.tower.server", servers.ids)
        keys = vault._get_stored_fields("cx.tower.key", servers.ssh_key_id.ids)
        readable = servers.with_env(self.env)._filtered_access("read")
        lacks = {server.id: server._lacks_for_log_in(passwords, keys) for server in servers}
        return {
            server.id: server._connection_problems(lacks, readable, server.id in passwords)
            for server in self.sudo()  # sudo: as above
        }

    def _ids_with_password(self):
        """Return the ids of those of these servers that have a stored password, with one query."""
        # sudo: reads only which fields have a value
        return set(self.env["cx.tower.vault"].sudo()._get_stored_fields("cx.tower.server", self.ids))

    def _find_life_warnings(self):
        """Return warnings if this server is archived or being deleted."""
        facts = {"kind": "server", "severity": "warning", "exit_code": 0}
        warnings = []
        if not self.active:
            warnings.append(facts | {"message": self.env._("%s is archived.", self.name)})
        if self._is_being_deleted():
            warnings.append(facts | {"message": self.env._("%s is being deleted.", self.name)})
        return warnings

    def _lacks_for_log_in(self, passwords, keys):
        """Return texts with a placeholder for the name: what this host lacks for a login."""
        lacks = []
        if not self.host_address:
            lacks.append(self.env._("%s has no address."))
        if self.ssh_auth_mode == "k":
            if "secret_value" not in keys.get(self.ssh_key_id.id, ()):
                lacks.append(self.env._("%s logs in with an SSH key, but no key is stored."))
        elif "ssh_password" not in passwords.get(self.id, ()):
            lacks.append(self.env._("%s logs in with a password, but no password is stored."))
        if not (self.host_key or self.skip_host_key):
            lacks.append(self.env._("The host key of %s is unknown. Fetch and accept it."))
        return lacks

    def _connection_problems(self, lacks, readable, has_password):
        """Return the problems of this server and its jump hosts. Names of servers that are not ``readable`` are hidden."""
        facts = {"kind": "connection", "exit_code": int(ExitCode.SSH_CONNECTION_ERROR)}
        problems = []
        chain = self._jump_chain()
        for hop in chain:
            name = hop.name
            if hop != self:
                name = (
                    self.env._("Jump host %s", name)
                    if hop.with_env(readable.env) in readable
                    else self.env._("A jump host")
                )
            problems += [facts | {"severity": "problem", "message": text % name} for text in lacks[hop.id]]
        if chain[-1].jump_server_id:
            text = self.env._("The jump hosts of %s form a loop.", self.name)
            problems.append(facts | {"severity": "problem", "message": text})
        if not problems:
            failed = [hop for hop in chain if hop.connection_state == "failed"]
            problems = [
                facts | {"severity": "warning", "message": hop._last_failure_text(readable)} for hop in failed
            ]
        return problems

    def _last_failure_text(self, readable):
        """Return what is known about the last failed connection to this host.

        :param readable: servers that the caller may read; names of others are hidden
        """
        if self.with_env(readable.env) not in readable:
            return self.env._("The last connection to a jump host failed.")
        text = self.env._("The last connection to %s failed.", self.name)
        # As on the form, only managers may see the reason.
        reader = self.with_env(readable.env)
        is_shown = reader._has_field_access(reader._fields["connection_message"], "read")
        return f"{text} {self.connection_message}" if is_shown and self.connection_message else text

    def _find_sudo_problems(self, wants_sudo, wants_path, with_password):
        """Return the problems of steps that request sudo or a directory on this server.

        :param wants_sudo: numbers of lines that request sudo
        :param wants_path: numbers of lines with a directory
        :param with_password: ids of the servers that have a password
        """
        server = self.sudo()  # sudo: reads settings of the connection; only the problem is reported
        problems = []
        mode = server._sudo_mode()
        if server.shell_mode == "raw":
            numbers = [*dict.fromkeys([*(wants_sudo if mode else ()), *wants_path])]
            if numbers:
                text = self.env._(
                    "%s is in raw mode and has no shell, so neither a directory nor sudo can be used.",
                    server.name,
                )
                facts = {"kind": "sudo", "severity": "problem", "exit_code": int(ExitCode.GENERAL_ERROR)}
                problems.append(facts | {"message": text, "line": numbers[0]})
        elif wants_sudo and not mode and server.ssh_username != "root":
            text = self.env._(
                "Sudo is requested, but %s does not use it. The command runs without sudo.", server.name
            )
            facts = {"kind": "sudo", "severity": "warning", "exit_code": 0}
            problems.append(facts | {"message": text, "line": wants_sudo[0]})
        elif wants_sudo and mode == "p" and self.id not in with_password:
            text = self.env._("Sudo on %s asks for a password, but no password is stored.", server.name)
            facts = {"kind": "sudo", "severity": "problem", "exit_code": int(ExitCode.SUDO_FAILED)}
            problems.append(facts | {"message": text, "line": wants_sudo[0]})
        return problems
