import secrets
from dataclasses import replace

from odoo import models

from ...engine.exit_codes import ExitCode
from ...engine.template import placeholders
from ...worker.engine_context import engine_says


class CxTowerRunTargetMixin(models.AbstractModel):
    """The part of a run target that prepares one command for many of them: values and secrets are looked up at once."""

    _inherit = "cx.tower.run.target.mixin"

    def _prepare_runs(self, command, path, sudo, variable_values, code):
        """Return the values of the logs of a command's runs on these servers, see :meth:`_prepare_run`."""
        arguments = (command, path, sudo, variable_values, code)
        if len(self) == 1:
            return [self._prepare_run(self, *arguments)]
        known = self._read_values_at_once(command, path, variable_values, code)
        later = self.with_context(**engine_says(tower_secrets_later=True))
        prepared = [later._prepare_run(server, *arguments, known=known.get(server.id)) for server in self]
        self._refuse_runs_without_secrets(prepared)
        return prepared

    def _read_values_at_once(self, command, path, variable_values, code):
        """Return {server id: what ``_render_run`` calls known}; empty where nothing is to be read."""
        command = command.sudo()  # sudo: as in _prepare_run
        if command.action == "plan":
            return {}
        file = command._action_document().get("file") or {}
        texts = [
            command._action_code() if code is None else code,
            command.path if path is None else path,
            file.get("name"),
            file.get("directory"),
        ]
        find_variables = self.env["cx.tower.variable"]._find_variables
        references = set().union(*(find_variables(text) for text in texts if text))
        return self._known_of_many(references, variable_values) if references else {}

    def _known_of_many(self, references, variable_values):
        """Return {server id: (nonce, scope)}; one query. Extension point: jets add scopes."""
        nonce = secrets.token_hex(8)
        # sudo: the caller may run the command; what it needs of servers and variables is Tower's matter
        scopes = (
            self.env["cx.tower.variable"].sudo()._variable_scopes(self.sudo(), variable_values, references)
        )
        return {
            server_id: (
                nonce,
                replace(
                    scope,
                    stored={
                        name: text and placeholders.protect(text, nonce)
                        for name, text in scope.stored.items()
                    },
                ),
            )
            for server_id, scope in scopes.items()
        }

    def _refuse_runs_without_secrets(self, prepared):
        """Make those of these runs end at once whose secrets have no value on their server; one query for all."""
        named = {
            values["server_id"]: (values.get("run_input") or {}).get("secrets") or [] for values in prepared
        }
        missing = self.env["cx.tower.key"]._find_missing_secrets(
            {server: named[server.id] for server in self if named[server.id]}
        )
        for values in prepared:
            lacking = missing.get(values["server_id"])
            if not lacking:
                continue
            text = self.env._(
                "The secret “%(reference)s” has no value for server %(server)s.",
                reference=lacking[0],
                server=self.browse(values["server_id"]).sudo().name,
            )
            for name in ("code", "path", "run_input"):
                values.pop(name, None)
            values |= {"guard_key": False, **self._refused_values(ExitCode.SECRET_NOT_FOUND, text)}
